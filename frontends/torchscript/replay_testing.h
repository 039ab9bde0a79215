// For tests: runs a recorded graph node by node with LibTorch's own kernels, and LibTorch eager to
// compare with.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_REPLAY_TESTING_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_REPLAY_TESTING_H_

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <vector>

#include "absl/status/statusor.h"
#include "core/ir/recording.h"
#include "frontends/torchscript/record.h"

namespace ingot::torchscript {

struct Outcome {
  std::vector<at::Tensor> results;    // by slot
  std::vector<at::Tensor> arguments;  // as they are after the call
  std::vector<at::Tensor> state;      // after the call
};

// Plays the role of the run time: feeds arguments and state, writes back, and makes aliases. `args`
// are cloned. Random nodes draw from LibTorch's default generator, whatever the seed.
absl::StatusOr<Outcome> Replay(const ir::Recording& recording, const std::vector<at::Tensor>& args,
                               std::vector<at::Tensor> state = {});

// The callable on clones of `args`, as eager inference.
Outcome RunEager(const Callable& callable, const std::vector<at::Tensor>& args);

// Fresh contents of the same type and value range: elements permuted, floats also scaled.
at::Tensor Shuffled(const at::Tensor& tensor);

// The first difference in values (rtol 1e-5, atol 1e-6), dtypes, sizes or strides, or empty.
std::string Difference(const Outcome& actual, const Outcome& expected);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_REPLAY_TESTING_H_
