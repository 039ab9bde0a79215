// LibTorch running a module itself: what ingot's results are compared with.
//
//   INGOT_ASSIGN_OR_RETURN(Oracle oracle, Oracle::Create(module, OracleMode::kEager));
//   INGOT_ASSIGN_OR_RETURN(OracleResults results, oracle.Run({x, y}, /*seed=*/7));
//
// An oracle has its own copy of the module's state. Eager modes run with the graph optimizer off,
// so that the first answer and the hundredth are the same. Arguments are cloned. Concurrent runs
// are safe unless the module has state, or the mode is kFloat64, which sets LibTorch's default
// dtype for the time of a run.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_ORACLE_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_ORACLE_H_

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "core/plugin/abi/ingot_frontend.h"

namespace ingot::torchscript {

enum class OracleMode : int32_t {
  kEager = INGOT_ORACLE_EAGER,
  // Parameters, buffers, literals, casts and floating arguments in float64, and what whole numbers
  // are promoted to.
  kFloat64 = INGOT_ORACLE_EAGER_FLOAT64,
  // torch.jit.freeze and optimize_for_inference, warmed up by its callers.
  kFrozen = INGOT_ORACLE_FROZEN,
};

struct OracleResults {
  std::vector<at::Tensor> results;    // by slot
  std::vector<at::Tensor> arguments;  // as they are after the call
};

class Oracle {
 public:
  // FailedPrecondition if LibTorch can't make this form of the module.
  static absl::StatusOr<Oracle> Create(const torch::jit::Module& module, OracleMode mode);

  // `seed` >= 0 seeds the default generator for the call; it is as before afterwards.
  absl::StatusOr<OracleResults> Run(const std::vector<at::Tensor>& args, int64_t seed);

 private:
  Oracle(torch::jit::Module module, OracleMode mode) : module_(std::move(module)), mode_(mode) {}
  absl::StatusOr<OracleResults> RunGuarded(const std::vector<at::Tensor>& args, int64_t seed);

  torch::jit::Module module_;
  OracleMode mode_;
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_ORACLE_H_
