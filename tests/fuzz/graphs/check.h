// Whether a backend does with a case what LibTorch eager does.
//
//   INGOT_ASSIGN_OR_RETURN(auto checker, Checker::Create({.backend = "onednn"}));
//   const Verdict verdict = checker->Check(Generate(17));
//
// A case is recorded (programs: by the frontend), compiled through a Session, and run: several
// calls with fresh arguments, each twice, which must give the same bits. Results, written
// arguments, state, aliases and strides must be eager's. LibTorch's exceptions end here.
#ifndef INGOT_TESTS_FUZZ_GRAPHS_CHECK_H_
#define INGOT_TESTS_FUZZ_GRAPHS_CHECK_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/runtime/compiled_graph.h"
#include "tests/fuzz/graphs/case.h"

namespace ingot::fuzz {

struct Verdict {
  enum class Kind {
    kOk,
    kRefused,   // eager refuses it: nothing to compare with
    kMismatch,  // other numbers, bits, types, strides or aliases
    kError,     // recording, compiling or running failed
  };
  Kind kind = Kind::kOk;
  std::string message;
  int64_t elements = 0, loose = 0;  // compared, and with how many the tolerance is wide
  // Nodes that ran on each backend, and those that the first one left to others, by op.
  std::map<std::string, int64_t> nodes, fallbacks;

  bool failed() const { return kind == Kind::kMismatch || kind == Kind::kError; }
};
const char* Name(Verdict::Kind kind);

struct CheckerOptions {
  // A priority list, as in runtime::Options; what none of them takes goes to torchscript or
  // reference.
  std::string backend;
  std::vector<std::string> plugin_folders;
};

class Checker {
 public:
  static absl::StatusOr<std::unique_ptr<Checker>> Create(const CheckerOptions& options);
  virtual ~Checker() = default;

  virtual Verdict Check(const Case& c) = 0;

  // For every later Check: ops that count as not supported by the first backend, and what is
  // called with each compiled graph (its text is a mismatch).
  virtual void set_force_fallback(std::vector<std::string> ops) = 0;
  using Inspect = std::function<std::string(const runtime::CompiledGraph&)>;
  virtual void set_inspect(Inspect inspect) = 0;
};

// A program without the steps that eager refuses; graphs as they are.
absl::StatusOr<Case> WithoutRefused(Case c);

}  // namespace ingot::fuzz

#endif  // INGOT_TESTS_FUZZ_GRAPHS_CHECK_H_
