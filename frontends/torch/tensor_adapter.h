// at::Tensor and c10::IValue as the runtime's tensors and structures, and back.
//
// Views share memory: the at::Tensor must outlive the ingot_tensor made from it. Thread-safe (no
// state). May throw what LibTorch throws: callers are guarded.
#ifndef INGOT_FRONTENDS_TORCH_TENSOR_ADAPTER_H_
#define INGOT_FRONTENDS_TORCH_TENSOR_ADAPTER_H_

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/ir/recording.h"
#include "core/ir/structure.h"
#include "core/plugin/abi/ingot_backend.h"
#include "core/runtime/compiled_graph.h"

namespace ingot {

// InvalidArgument, naming argument `index`, unless `tensor` is a defined, dense (strided) CPU
// tensor of a dtype that ingot has.
absl::StatusOr<ingot_tensor> ToIngotTensor(const at::Tensor& tensor, size_t index);

// The tensors and numbers of `arguments` by slot of `structure` (a tuple), which they must match in
// nesting; numbers that are part of the signature must be equal. InvalidArgument says where they
// differ.
struct FlatArguments {
  std::vector<at::Tensor> tensors;
  std::vector<ir::Scalar> scalars;
};
absl::StatusOr<FlatArguments> Flatten(const ir::Structure& structure,
                                      const std::vector<c10::IValue>& arguments);

// A new tensor for a result slot.
at::Tensor EmptyResult(const runtime::ResultSpec& spec);

// The argument itself, or the view of it, that an alias slot stands for.
at::Tensor AliasResult(const runtime::ResultSpec& spec, absl::Span<const at::Tensor> arguments);

// A row-major tensor with a copy of `bytes`. REQUIRES: as many as the type has.
at::Tensor TensorOfBytes(const ir::TensorType& type, const std::string& bytes);

// Results by slot, nested as `structure` says.
c10::IValue Unflatten(const ir::Structure& structure, const std::vector<at::Tensor>& results);

}  // namespace ingot

#endif  // INGOT_FRONTENDS_TORCH_TENSOR_ADAPTER_H_
