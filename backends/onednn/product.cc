#include "backends/onednn/product.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backends/onednn/kernels/packed_gemm.h"
#include "backends/onednn/kernels/row_dots.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

using kernels::EpilogueStage;
using kernels::GemmFactors;
using kernels::PackedGemm;
using kernels::PackedGemmArgs;

absl::StatusOr<Tensor> Pack(Lowering& lowering, const PackedGemm& gemm, const Tensor& weights) {
  const Tensor packed =
      lowering.NewTensor(ir::DType::kFloat32, {static_cast<int64_t>(gemm.PackedBytes() / 4)});
  const int64_t k_stride = weights.strides[0], n_stride = weights.strides[1];
  INGOT_RETURN_IF_ERROR(
      lowering.AddKernel("ingot:pack", {Read(weights), Write(packed)}, [=](const StepArgs& args) {
        gemm.Pack(args.At<float>(0), k_stride, n_stride, args.At<float>(1), args.threads());
        return absl::OkStatus();
      }));
  return packed;
}

}  // namespace

absl::StatusOr<Epilogue> Epilogue::Make(const std::vector<PostOp>& post_ops, AdaptToMatrix adapt,
                                        std::vector<Operand>& operands) {
  if (post_ops.size() > kMaxStages) return absl::InternalError("too many post-ops in one chain");
  Epilogue epilogue;
  epilogue.first_operand_ = static_cast<int>(operands.size());
  for (const PostOp& post_op : post_ops) {
    EpilogueStage stage;
    stage.op = post_op.op;
    stage.alpha = post_op.alpha;
    stage.beta = post_op.beta;
    if (IsBinary(stage.op)) {
      INGOT_ASSIGN_OR_RETURN(const Tensor operand, adapt(post_op));
      stage.row_stride = operand.dims[0] == 1 ? 0 : operand.strides[0];
      stage.column_stride = operand.dims[1] == 1 ? 0 : 1;
      operands.push_back(Read(operand));
    }
    epilogue.stages_.push_back(stage);
  }
  return epilogue;
}

absl::Span<const EpilogueStage> Epilogue::Bind(const StepArgs& args, int64_t row,
                                               std::array<EpilogueStage, kMaxStages>& room) const {
  int operand = first_operand_;
  for (size_t i = 0; i < stages_.size(); ++i) {
    room[i] = stages_[i];
    if (!IsBinary(room[i].op)) continue;
    room[i].operand = args.At<float>(operand++) + row * room[i].row_stride;
  }
  return {room.data(), stages_.size()};
}

ir::DType LeftFactorType(const Lowering& lowering, const Tensor& weights, int64_t channels) {
  const bool in_pairs = lowering.bf16() && channels > 0 && channels % 2 == 0;
  return in_pairs && lowering.IsConstant(weights) ? ir::DType::kBFloat16 : ir::DType::kFloat32;
}

namespace {

// One row times weights that the program holds as torch's linear layers have them: packed, they
// would be held twice.
bool IsRowOfDots(const Lowering& lowering, const ProductRows& rows, const Tensor& weights) {
  return rows.x.dtype == ir::DType::kFloat32 && rows.images * rows.groups * rows.rows == 1 &&
         rows.taps.empty() && weights.strides[0] == 1 && lowering.StaysPlain(weights);
}

absl::Status AddRowDots(Lowering& lowering, const Tensor& x, const Tensor& weights,
                        const std::optional<Tensor>& bias, const std::vector<PostOp>& post_ops,
                        AdaptToMatrix adapt, const Tensor& out) {
  lowering.WillStream(weights);
  std::vector<Operand> operands = {Read(x), Read(weights), Write(out)};
  const bool has_bias = bias.has_value();
  if (has_bias) operands.push_back(Read(*bias));
  INGOT_ASSIGN_OR_RETURN(const Epilogue epilogue, Epilogue::Make(post_ops, adapt, operands));
  kernels::RowDotsArgs call;
  call.w_stride = weights.strides[1];
  call.k = weights.dims[0];
  call.n = weights.dims[1];
  return lowering.AddKernel("ingot:row_dots", std::move(operands), [=](const StepArgs& args) {
    std::array<EpilogueStage, Epilogue::kMaxStages> room;
    kernels::RowDotsArgs run = call;
    run.x = args.At<float>(0);
    run.w = args.At<float>(1);
    run.bias = has_bias ? args.At<float>(3) : nullptr;
    run.stages = epilogue.Bind(args, 0, room);
    run.y = args.At<float>(2);
    kernels::RowDots(run, args.threads());
    return absl::OkStatus();
  });
}

}  // namespace

absl::Status AddProduct(Lowering& lowering, const ProductRows& rows, const Tensor& weights,
                        const std::optional<Tensor>& bias, const std::vector<PostOp>& post_ops,
                        AdaptToMatrix adapt, const Tensor& out, int64_t ldc,
                        std::optional<LineStep> lines) {
  if (IsRowOfDots(lowering, rows, weights)) {
    return AddRowDots(lowering, rows.x, weights, bias, post_ops, adapt, out);
  }
  // The kernel counts elements of four bytes: one f32 or two bf16.
  const bool bf16 = rows.x.dtype == ir::DType::kBFloat16;
  const int64_t unit = bf16 ? 2 : 1;
  const PackedGemm gemm = PackedGemm::Make(weights.dims[1], weights.dims[0],
                                           bf16 ? GemmFactors::kBf16Pairs : GemmFactors::kF32);
  INGOT_ASSIGN_OR_RETURN(const Tensor packed, Pack(lowering, gemm, weights));
  std::vector<int64_t> taps = rows.taps;
  for (int64_t& tap : taps) tap /= unit;
  PackedGemmArgs call;
  call.groups = rows.groups;
  call.group_stride = rows.group_stride / unit;
  call.rows = rows.rows;
  call.lda = rows.lda / unit;
  call.ldc = ldc;
  call.taps = taps;
  const size_t workspace = gemm.WorkspaceBytes(call, lowering.threads());
  const size_t thread_workspace = gemm.WorkspaceBytes(call, 1);
  call.taps = {};  // each run binds the step's own
  std::vector<Operand> operands = {Read(rows.x), Read(packed), Write(out),
                                   lowering.NewScratch(std::max<size_t>(workspace, 1))};
  const bool has_bias = bias.has_value();
  if (has_bias) operands.push_back(Read(*bias));
  INGOT_ASSIGN_OR_RETURN(const Epilogue epilogue, Epilogue::Make(post_ops, adapt, operands));
  const int64_t images = rows.images, image_stride = rows.image_stride / unit;
  const int64_t image_rows = rows.groups * rows.rows;
  const auto bind = [=](const StepArgs& args, PackedGemmArgs& run) {
    run.taps = taps;
    run.packed = args.At<float>(1);
    run.bias = has_bias ? args.At<float>(4) : nullptr;
  };
  const StepFn whole = [=](const StepArgs& args) {
    std::array<EpilogueStage, Epilogue::kMaxStages> room;
    PackedGemmArgs run = call;
    bind(args, run);
    run.workspace = args.At<void>(3);
    for (int64_t image = 0; image < images; ++image) {
      run.stages = epilogue.Bind(args, image * image_rows, room);
      run.x = args.At<float>(0) + image * image_stride;
      run.y = args.At<float>(2) + image * image_rows * call.ldc;
      gemm.Run(run, args.threads());
    }
    return absl::OkStatus();
  };
  const char* const name = bf16 ? "ingot:packed_gemm_bf16" : "ingot:packed_gemm";
  if (!lines.has_value() || bf16) return lowering.AddKernel(name, std::move(operands), whole);
  const bool by_groups = rows.groups > 1;
  const int64_t in_line = static_cast<int64_t>(lines->in_line_bytes / sizeof(float));
  const int64_t line_rows = static_cast<int64_t>(lines->out_line_bytes / sizeof(float)) / ldc;
  const int64_t out_lines = lines->out_lines, stride = lines->stride;
  lines->weight_bytes = gemm.PackedBytes();
  lines->run = [=](const StepArgs& args, const LineStep::Call& some) {
    std::array<EpilogueStage, Epilogue::kMaxStages> room;
    PackedGemmArgs run = call;
    bind(args, run);
    run.workspace = args.At<char>(3) + static_cast<size_t>(some.thread) * thread_workspace;
    (by_groups ? run.groups : run.rows) = (some.end - some.begin) * (by_groups ? 1 : line_rows);
    run.stages = epilogue.Bind(args, (some.image * out_lines + some.begin) * line_rows, room);
    run.x = some.x + (some.begin * stride - some.in_begin) * in_line;
    run.y = some.y;
    gemm.Run(run, 1);
  };
  return lowering.AddLineKernel(name, std::move(operands), whole, *std::move(lines));
}

}  // namespace ingot::onednn
