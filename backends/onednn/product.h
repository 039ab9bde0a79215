// Products with a packed right factor as steps of a program: what linear layers and 1x1
// convolutions share (kernels/packed_gemm.h).
#ifndef INGOT_BACKENDS_ONEDNN_PRODUCT_H_
#define INGOT_BACKENDS_ONEDNN_PRODUCT_H_

#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "backends/onednn/lowering.h"

namespace ingot::onednn {

// The left factor: `images` times `groups` of `rows` rows, distances in elements of f32. The result
// has their product as rows, in that order.
struct ProductRows {
  Tensor x;
  int64_t images = 1, image_stride = 0;
  int64_t groups = 1, group_stride = 0;
  int64_t rows = 0, lda = 0;
};

// The operand of a binary post-op as a matrix [rows or 1, columns or 1] of the result, broadcast
// where 1; columns adjacent.
using AdaptToMatrix = absl::FunctionRef<absl::StatusOr<Tensor>(const PostOp&)>;

// out = post_ops(x weights + bias). weights: f32 [k, n] with any strides, packed while compiling if
// constant, else on each call. bias: dense [n]. out: its memory receives the rows, ldc elements
// apart.
absl::Status AddProduct(Lowering& lowering, const ProductRows& rows, const Tensor& weights,
                        const std::optional<Tensor>& bias, const std::vector<PostOp>& post_ops,
                        AdaptToMatrix adapt, const Tensor& out, int64_t ldc);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_PRODUCT_H_
