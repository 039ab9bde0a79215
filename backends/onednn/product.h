// Products with a packed right factor as steps of a program: what linear layers and 1x1
// convolutions share (kernels/packed_gemm.h).
#ifndef INGOT_BACKENDS_ONEDNN_PRODUCT_H_
#define INGOT_BACKENDS_ONEDNN_PRODUCT_H_

#include <array>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/strips.h"

namespace ingot::onednn {

// The left factor: `images` times `groups` of `rows` rows, distances in elements of x, which is
// f32, or bf16 with even distances and sizes. The result has their product as rows, in that order.
struct ProductRows {
  Tensor x;
  int64_t images = 1, image_stride = 0;
  int64_t groups = 1, group_stride = 0;
  int64_t rows = 0, lda = 0;
  // See kernels::PackedGemmArgs.
  std::vector<int64_t> taps;
};

// What the left factor of a product with constant weights is best made of, where its rows lie in
// runs of `channels`: bf16 if that is asked for and can be had, else f32.
ir::DType LeftFactorType(const Lowering& lowering, const Tensor& weights, int64_t channels);

// Whether a linear layer of one row has this value, a constant, as its weights and, in f32, will
// read them as they lie if the program holds them so anyway. A table that is both is best copied
// before other weights are packed: then fewest of them lie in memory twice at a time.
bool IsReadByALinearOfOneRow(const Lowering& lowering, ir::ValueId weights);

// The operand of a binary post-op as a matrix [rows or 1, columns or 1] of the result, broadcast
// where 1; columns adjacent.
using AdaptToMatrix = absl::FunctionRef<absl::StatusOr<Tensor>(const PostOp&)>;

// A chain's post-ops as the own kernels take them (kernels/epilogue.h).
class Epilogue {
 public:
  // More than fusion ever puts into a chain, and the addend of an addmm.
  static constexpr size_t kMaxStages = 12;

  // Appends the binary stages' operands to `operands`, those of the step that will run.
  static absl::StatusOr<Epilogue> Make(const std::vector<PostOp>& post_ops, AdaptToMatrix adapt,
                                       std::vector<Operand>& operands);

  // Puts the stages with the operands' addresses into `room`; those of binary stages begin at row
  // `row` of the result.
  absl::Span<const kernels::EpilogueStage> Bind(
      const StepArgs& args, int64_t row,
      std::array<kernels::EpilogueStage, kMaxStages>& room) const;

 private:
  std::vector<kernels::EpilogueStage> stages_;
  int first_operand_ = 0;
};

// out = post_ops(x weights + bias). weights: f32 [k, n] with any strides, packed while compiling if
// constant, else on each call; read as they lie for one row if the program holds them so anyway.
// bias: dense [n]. out: its memory receives the rows, ldc elements apart. lines: where the rows are
// the pixels of images, their lines, without weight_bytes and run: some lines of the result can
// then be made alone. With groups, each is one line of the result.
absl::Status AddProduct(Lowering& lowering, const ProductRows& rows, const Tensor& weights,
                        const std::optional<Tensor>& bias, const std::vector<PostOp>& post_ops,
                        AdaptToMatrix adapt, const Tensor& out, int64_t ldc,
                        std::optional<LineStep> lines = std::nullopt);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_PRODUCT_H_
