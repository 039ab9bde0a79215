// The arguments of a call: their signature, and clones, so that recording can't touch the caller's.
//
//   INGOT_ASSIGN_OR_RETURN(ClonedArguments clones, CloneArguments(args));
//   module.forward(clones.values);
//
// Clones have the originals' strides, and share memory among themselves exactly as the originals
// do. Thread-safe.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_ARGUMENTS_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_ARGUMENTS_H_

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <vector>

#include "absl/status/statusor.h"
#include "core/ir/recording.h"

namespace ingot::torchscript {

struct DescribedArguments {
  std::vector<at::Tensor> tensors;  // the caller's, by tensor slot
  ir::Signature signature;
};
// InvalidArgument as for CloneArguments.
absl::StatusOr<DescribedArguments> DescribeArguments(const std::vector<c10::IValue>& args);

struct ClonedArguments {
  std::vector<c10::IValue> values;
  std::vector<at::Tensor> tensors;  // by tensor slot
  ir::Signature signature;
};

// InvalidArgument for tensors that are not dense CPU tensors of an ingot dtype.
absl::StatusOr<ClonedArguments> CloneArguments(const std::vector<c10::IValue>& args);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_ARGUMENTS_H_
