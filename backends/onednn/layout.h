// Layouts of images and how steps agree on them.
//
// There is no separate layout pass: every convolution and pooling asks oneDNN for `any`, every
// producer leaves its output as it lies, elementwise kernels walk in the order of their operands,
// views are strides. A reorder appears only where a consumer's choice differs, once a value
// (Lowering::InLayout), and at the graph's outputs.
#ifndef INGOT_BACKENDS_ONEDNN_LAYOUT_H_
#define INGOT_BACKENDS_ONEDNN_LAYOUT_H_

#include <string>

#include "absl/types/span.h"
#include "backends/onednn/engine.h"
#include "backends/onednn/tensor.h"

namespace ingot::onednn {

// Whether `tensor` lies as `desc` says; strides of sizes 0 and 1 don't matter.
bool HasLayout(const Tensor& tensor, const MemoryDesc& desc);

// Channels (dimension 1) innermost, the other dimensions in order. False for row-major tensors.
bool IsChannelsLast(const Tensor& tensor);

// For people: "channels_last", "strides[49,1,7]", oneDNN's blocks, or, for row-major, nothing.
std::string LayoutText(const Tensor& tensor);

// The strides of dense channels-last tensors of these sizes. REQUIRES: rank of at least 2.
ir::Dims ChannelsLastStrides(absl::Span<const int64_t> dims);

// The descriptor of such tensors.
MemoryDesc ChannelsLast(ir::DType dtype, absl::Span<const int64_t> dims);

// The layout in which a pooling reads `tensor` without a reorder: its own if it is oneDNN's or
// dense in some order; absent if it must be made dense first.
MemoryDesc ReadableLayout(const Tensor& tensor);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_LAYOUT_H_
