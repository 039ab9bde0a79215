// im2col and col2im: nn.Unfold and nn.Fold.
#include <utility>

#include "core/passes/decompositions.h"

namespace ingot::passes {
namespace {

using ir::kNoValue;
using ir::ValueId;
using Ints = std::vector<int64_t>;

// Windows over the last two dimensions.
struct Windows {
  Ints kernel, dilation, padding, stride;

  bool IsComplete() const {
    return kernel.size() == 2 && dilation.size() == 2 && padding.size() == 2 && stride.size() == 2;
  }
  int64_t Span(int d) const { return (kernel[d] - 1) * dilation[d] + 1; }
  int64_t Count(int d, int64_t size) const {
    return (size + 2 * padding[d] - Span(d)) / stride[d] + 1;
  }
};

// Arguments: self [n, c, h, w], kernel_size, dilation, padding, stride. The result is
// [n, c * kernel, windows].
absl::StatusOr<Outputs> Im2Col(GraphRewriter& r, const ir::Node& node) {
  const Windows w{IntsAt(node, 1), IntsAt(node, 2), IntsAt(node, 3), IntsAt(node, 4)};
  const ValueId self = OperandOf(node, 0);
  if (self == kNoValue || !w.IsComplete() || r.type(self).rank() < 3) return Outputs{};
  const Ints result = Sizes(r.type(node.outputs[0]));
  const Ints sizes = Sizes(r.type(self));
  const int64_t channels = sizes[sizes.size() - 3];
  Steps step(r);
  ValueId x = sizes.size() == 4 ? self : step.Reshape(self, {1, sizes[0], sizes[1], sizes[2]});
  const Ints border = {w.padding[1], w.padding[1], w.padding[0], w.padding[0]};
  if (border != Ints{0, 0, 0, 0}) x = step("aten::constant_pad_nd", {Ref(x), border, int64_t{0}});
  for (int d = 0; d < 2; ++d) {
    x = step("aten::unfold", {Ref(x), int64_t{2 + d}, w.Span(d), w.stride[d]});
    if (w.dilation[d] == 1) continue;
    x = step("aten::slice.Tensor", {Ref(x), int64_t{4 + d}, int64_t{0}, w.Span(d), w.dilation[d]});
  }
  // [n, c, rows, columns, kernel rows, kernel columns]
  x = step.Permute(x, {0, 1, 4, 5, 2, 3});
  if (channels * w.kernel[0] * w.kernel[1] != result[result.size() - 2]) return Outputs{};
  return step.Finish({step.Reshape(x, result)});
}

// Where each element of the columns [kernel, windows] is added in the padded image.
Ints Places(const Windows& w, int64_t rows, int64_t columns, int64_t padded_width) {
  Ints places;
  places.reserve(static_cast<size_t>(w.kernel[0] * w.kernel[1] * rows * columns));
  for (int64_t i = 0; i < w.kernel[0]; ++i) {
    for (int64_t j = 0; j < w.kernel[1]; ++j) {
      for (int64_t y = 0; y < rows; ++y) {
        for (int64_t x = 0; x < columns; ++x) {
          places.push_back((y * w.stride[0] + i * w.dilation[0]) * padded_width + x * w.stride[1] +
                           j * w.dilation[1]);
        }
      }
    }
  }
  return places;
}

// Arguments: self [n, c * kernel, windows], output_size, kernel_size, dilation, padding, stride.
absl::StatusOr<Outputs> Col2Im(GraphRewriter& r, const ir::Node& node) {
  const Windows w{IntsAt(node, 2), IntsAt(node, 3), IntsAt(node, 4), IntsAt(node, 5)};
  const ValueId self = OperandOf(node, 0);
  const ir::TensorType type = r.type(node.outputs[0]);
  if (self == kNoValue || !w.IsComplete() || type.rank() < 3 || !IsWide(type)) return Outputs{};
  const Ints result = Sizes(type);
  const int64_t height = result[result.size() - 2], width = result[result.size() - 1];
  const int64_t channels = result[result.size() - 3], n = result.size() == 4 ? result[0] : 1;
  const int64_t rows = w.Count(0, height), columns = w.Count(1, width);
  const int64_t kernel = w.kernel[0] * w.kernel[1];
  if (r.type(self).NumElements() != n * channels * kernel * rows * columns) return Outputs{};
  Steps step(r);
  if (w.kernel == w.stride && w.dilation == Ints{1, 1} && w.padding == Ints{0, 0} &&
      rows * w.kernel[0] == height && columns * w.kernel[1] == width) {
    // Windows that tile the image: elements only move.
    const ValueId split =
        step.Reshape(self, {n, channels, w.kernel[0], w.kernel[1], rows, columns});
    return step.Finish({step.Reshape(step.Permute(split, {0, 1, 4, 2, 5, 3}), result)});
  }
  const int64_t padded_height = height + 2 * w.padding[0], padded_width = width + 2 * w.padding[1];
  const ir::TensorType image{type.dtype, {n * channels, padded_height * padded_width}};
  const ValueId columns_flat = step.Reshape(self, {n * channels, kernel * rows * columns});
  ValueId x = step("aten::index_add", {Ref(step.Zeros(image)), int64_t{1},
                                       Ref(step.Int64s(Places(w, rows, columns, padded_width))),
                                       Ref(columns_flat), int64_t{1}});
  x = step.Reshape(x, {n * channels, padded_height, padded_width});
  for (int d = 0; d < 2; ++d) {
    const int64_t size = d == 0 ? height : width;
    x = step("aten::slice.Tensor",
             {Ref(x), int64_t{1 + d}, w.padding[d], w.padding[d] + size, int64_t{1}});
  }
  return step.Finish({step.Reshape(x, result)});
}

constexpr Decomposition kWindows[] = {
    {"aten::im2col", Im2Col},
    {"aten::col2im", Col2Im},
};

}  // namespace

absl::Span<const Decomposition> WindowDecompositions() { return kWindows; }

}  // namespace ingot::passes
