// Operands that hold positions: what the families that read by index and those that write by index
// both ask of them.
#ifndef INGOT_BACKENDS_ONEDNN_INDICES_H_
#define INGOT_BACKENDS_ONEDNN_INDICES_H_

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/index.h"
#include "backends/onednn/tensor.h"
#include "core/base/status_macros.h"
#include "core/ir/graph.h"
#include "core/ops/op_view.h"

namespace ingot::onednn {

inline absl::Status CheckIndexType(const ir::TensorType& type) {
  if (type.dtype == ir::DType::kInt64 || type.dtype == ir::DType::kInt32) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("indices are i64 or i32, not ", ir::DTypeName(type.dtype)));
}

// The list `indices` of aten::index and aten::index_put, one for each dimension or none.
inline absl::Status CheckIndexTensors(const ir::Graph& graph, const ops::OpView& view) {
  int count = 0;
  for (ir::ValueId value : view.Values("indices")) {
    if (value == ir::kNoValue) continue;
    ++count;
    INGOT_RETURN_IF_ERROR(CheckIndexType(graph.type(value)));
  }
  if (count > 0 && count <= kernels::kMaxIndexDims) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("index by ", count, " tensors"));
}

// `index` with its elements at `data`.
inline kernels::Indices IndicesOf(const Tensor& index, const void* data) {
  return {data, index.dtype == ir::DType::kInt64, index.NumElements()};
}

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_INDICES_H_
