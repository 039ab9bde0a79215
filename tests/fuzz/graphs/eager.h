// The oracle: a case on LibTorch, one call after the other through its dispatcher.
//
//   INGOT_ASSIGN_OR_RETURN(Eager eager, Eager::Create(c));
//   INGOT_ASSIGN_OR_RETURN(Outcome expected, eager.Run(eager.Arguments(0), eager.States()));
//
// How far correct backends may differ is found by running again with rounding errors put in at
// random (Monte Carlo arithmetic): each inexact result,
// and each operand of a sum, is changed by up to a unit in the last place. What chaotic chains blow
// up so gets a wide tolerance, all else a narrow one.
#ifndef INGOT_TESTS_FUZZ_GRAPHS_EAGER_H_
#define INGOT_TESTS_FUZZ_GRAPHS_EAGER_H_

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <vector>

#include "absl/status/statusor.h"
#include "tests/fuzz/graphs/case.h"
#include "tests/fuzz/graphs/rng.h"

namespace ingot::fuzz {

struct Outcome {
  std::vector<at::Tensor> results;    // by slot
  std::vector<at::Tensor> arguments;  // after the call
  std::vector<at::Tensor> states;     // after the call
};

// Which parts of an outcome follow from values narrower than f64, whose own tolerances are then
// asked too much.
struct Narrow {
  std::vector<bool> results, arguments;
};

class Eager {
 public:
  // NotFound: LibTorch has no such op. `c` must outlive this.
  static absl::StatusOr<Eager> Create(const Case& c);

  // New tensors with the contents of the case; arguments in their places, by call.
  absl::StatusOr<std::vector<at::Tensor>> Arguments(int call) const;
  absl::StatusOr<std::vector<at::Tensor>> States() const;

  // FailedPrecondition with LibTorch's message if it throws; Internal if the result of an op is not
  // of the type that the graph gives it. `noise`: rounding errors are put in. Programs write to
  // `arguments` themselves.
  absl::StatusOr<Outcome> Run(const std::vector<at::Tensor>& arguments,
                              const std::vector<at::Tensor>& states, Rng* noise = nullptr) const;

  Narrow NarrowParts() const;

  // Which nodes LibTorch throws at, with zeros for the results of those before.
  absl::StatusOr<std::vector<bool>> Refused() const;

 private:
  explicit Eager(const Case& c) : case_(c) {}
  absl::StatusOr<std::vector<at::Tensor>> Values(const std::vector<at::Tensor>& arguments,
                                                 const std::vector<at::Tensor>& states) const;
  absl::Status RunNode(size_t node, std::vector<at::Tensor>& values, Rng* noise) const;
  absl::Status CheckTypes(const ir::Node& node, const std::vector<at::Tensor>& outputs) const;
  Outcome Collect(const std::vector<at::Tensor>& values, const std::vector<at::Tensor>& arguments,
                  const std::vector<at::Tensor>& states) const;

  struct Op {
    c10::OperatorHandle handle;
    bool sums;  // operands get errors of their own
    bool writes;
  };
  const Case& case_;
  std::vector<Op> ops_;                // by node
  std::vector<at::Tensor> constants_;  // by index
};

// The first difference, or empty. `noisy`: runs with noise, of the same call. `loose` counts
// elements whose tolerance is wide.
std::string Difference(const Outcome& actual, const Outcome& expected,
                       const std::vector<Outcome>& noisy, const Narrow& narrow, int64_t& loose);

// Bit for bit.
bool SameBits(const Outcome& a, const Outcome& b);

}  // namespace ingot::fuzz

#endif  // INGOT_TESTS_FUZZ_GRAPHS_EAGER_H_
