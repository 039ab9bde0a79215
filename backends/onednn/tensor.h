// Where a value of the graph lives while a program is being built, and in which layout.
//
// A strided tensor is a window of a buffer: views (reshape, permute, slice, expand …) are other
// tensors over the same buffer and cost nothing. A tensor with `opaque` has a layout of oneDNN's
// that strides can't express (blocks of channels); only primitives and reorders read those. The
// dims are always the value's own, whatever the layout.
#ifndef INGOT_BACKENDS_ONEDNN_TENSOR_H_
#define INGOT_BACKENDS_ONEDNN_TENSOR_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "backends/onednn/engine.h"
#include "core/ir/type.h"

namespace ingot::onednn {

using BufferId = uint32_t;

struct Tensor {
  BufferId buffer = 0;
  int64_t offset = 0;  // bytes to the first element
  ir::DType dtype = ir::DType::kFloat32;
  ir::Dims dims;
  ir::Dims strides;   // in elements; empty when opaque
  MemoryDesc opaque;  // present: the layout, offset is 0

  bool is_opaque() const { return opaque.present(); }
  int rank() const { return static_cast<int>(dims.size()); }
  int64_t NumElements() const { return ir::TensorType{dtype, dims}.NumElements(); }
  int64_t NumBytes() const { return NumElements() * static_cast<int64_t>(ir::ElementSize(dtype)); }
  // Dense and row-major.
  bool IsRowMajor() const;
  // Some elements surely or possibly share their place (`unfold`, `expand`), or rows lie between
  // the elements of others (`diagonal`): oneDNN refuses such layouts. False for opaque ones.
  bool MayOverlap() const;
  // The descriptor of this very layout.
  MemoryDesc Desc() const;
};

// The strides of `dims` as a view of a tensor with other sizes and strides; nullopt if that needs a
// copy. REQUIRES: equal numbers of elements.
std::optional<ir::Dims> ViewStrides(absl::Span<const int64_t> old_dims,
                                    absl::Span<const int64_t> old_strides,
                                    absl::Span<const int64_t> dims);

// `tensor` with dimensions of stride 0 for the missing and broadcast ones. REQUIRES: not opaque,
// broadcastable to `dims`.
Tensor BroadcastTo(const Tensor& tensor, absl::Span<const int64_t> dims);

// The order of dimensions, outermost first, in which a tensor is dense; nullopt if it isn't dense
// in any order (or has a broadcast dimension).
std::optional<ir::Dims> DenseOrder(const Tensor& tensor);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_TENSOR_H_
