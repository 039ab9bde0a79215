// Who says what a model's results must be.
//
//   INGOT_ASSIGN_OR_RETURN(Outcome expected, oracle.Run(arguments, seed));
//
// An oracle has its own copy of the model's state: the n-th call of a stateful model belongs to the
// n-th call of what is checked. Not thread-safe.
#ifndef INGOT_TOOLS_INGOT_ORACLE_H_
#define INGOT_TOOLS_INGOT_ORACLE_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "core/runtime/compiled_graph.h"
#include "tools/ingot/call.h"

namespace ingot::tools {

// What a call yields: results by slot, and all arguments as they are after it. Row-major.
struct Outcome {
  Arguments results, arguments;
};

class Oracle {
 public:
  virtual ~Oracle() = default;
  // "LibTorch eager"
  virtual std::string name() const = 0;
  // `arguments` stay as they are. `seed` seeds the call's random numbers.
  virtual absl::StatusOr<Outcome> Run(const Arguments& arguments, uint64_t seed) = 0;
  // Runs without copying the outcome, for whoever measures.
  virtual absl::Status RunOnly(const Arguments& arguments, uint64_t seed) {
    return Run(arguments, seed).status();
  }
};

// Runs a compiled graph; for models that come without LibTorch's own form.
class GraphOracle : public Oracle {
 public:
  GraphOracle(std::string name, std::shared_ptr<const runtime::CompiledGraph> graph)
      : name_(std::move(name)), graph_(std::move(graph)) {}
  std::string name() const override { return name_; }
  absl::StatusOr<Outcome> Run(const Arguments& arguments, uint64_t seed) override;

 private:
  std::string name_;
  std::shared_ptr<const runtime::CompiledGraph> graph_;
};

// Copies of what a call has left.
absl::StatusOr<Outcome> OutcomeOf(const Call& call);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_ORACLE_H_
