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

bool IsReadByALinearOfOneRow(const Lowering& lowering, ir::ValueId weights) {
  const Tensor& tensor = lowering.Get(weights);
  // Factors of bf16 are packed.
  if (!lowering.IsConstant(tensor) ||
      LeftFactorType(lowering, tensor, tensor.dims.back()) != ir::DType::kFloat32) {
    return false;
  }
  const ir::Graph& graph = lowering.graph();
  return std::any_of(graph.nodes().begin(), graph.nodes().end(), [&](const ir::Node& node) {
    if (node.op != "aten::linear") return false;
    const ops::OpView view(graph, node);
    if (view.Value("weight") != weights) return false;
    const ir::Dims& dims = view.TensorType("input").dims;
    return std::all_of(dims.begin(), dims.end() - 1, [](int64_t size) { return size == 1; });
  });
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
  INGOT_RETURN_IF_ERROR(lowering.WillStream(weights));
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

// A product with packed weights as a step: whole, or some lines of its result.
class PackedProduct {
 public:
  // Makes `operands`, those of the step.
  static absl::StatusOr<PackedProduct> Make(Lowering& lowering, const ProductRows& rows,
                                            const Tensor& weights,
                                            const std::optional<Tensor>& bias,
                                            const std::vector<PostOp>& post_ops,
                                            AdaptToMatrix adapt, const Tensor& out, int64_t ldc,
                                            std::vector<Operand>& operands);

  size_t packed_bytes() const { return gemm_.PackedBytes(); }

  // to_bf16: the operand `out` is bf16.
  void Run(const StepArgs& args, bool to_bf16 = false) const;
  // REQUIRES: factors of bf16.
  RoundingStep Rounding(int threads) const;
  // lines: the step's, without run.
  void RunLines(const StepArgs& args, const LineStep& lines, const LineStep::Call& some) const;

 private:
  enum Place { kX, kPacked, kOut, kWorkspace, kBias };

  // But for the left factor, the result, the stages and the workspace.
  PackedGemmArgs Bind(const StepArgs& args) const;

  PackedGemm gemm_;
  PackedGemmArgs shape_;  // without addresses
  std::vector<int64_t> taps_;
  int64_t images_ = 1, image_stride_ = 0;
  size_t thread_workspace_ = 0;  // bytes
  bool has_bias_ = false;
  Epilogue epilogue_;
};

absl::StatusOr<PackedProduct> PackedProduct::Make(Lowering& lowering, const ProductRows& rows,
                                                  const Tensor& weights,
                                                  const std::optional<Tensor>& bias,
                                                  const std::vector<PostOp>& post_ops,
                                                  AdaptToMatrix adapt, const Tensor& out,
                                                  int64_t ldc, std::vector<Operand>& operands) {
  // The kernel counts elements of four bytes: one f32 or two bf16.
  const bool bf16 = rows.x.dtype == ir::DType::kBFloat16;
  const int64_t unit = bf16 ? 2 : 1;
  PackedProduct product;
  product.gemm_ = PackedGemm::Make(weights.dims[1], weights.dims[0],
                                   bf16 ? GemmFactors::kBf16Pairs : GemmFactors::kF32);
  INGOT_ASSIGN_OR_RETURN(const Tensor packed, Pack(lowering, product.gemm_, weights));
  product.taps_ = rows.taps;
  for (int64_t& tap : product.taps_) tap /= unit;
  product.images_ = rows.images;
  product.image_stride_ = rows.image_stride / unit;
  PackedGemmArgs& shape = product.shape_;
  shape.groups = rows.groups;
  shape.group_stride = rows.group_stride / unit;
  shape.rows = rows.rows;
  shape.lda = rows.lda / unit;
  shape.ldc = ldc;
  PackedGemmArgs with_taps = shape;
  with_taps.taps = product.taps_;
  const size_t workspace = product.gemm_.WorkspaceBytes(with_taps, lowering.threads());
  product.thread_workspace_ = product.gemm_.WorkspaceBytes(with_taps, 1);
  operands = {Read(rows.x), Read(packed), Write(out),
              lowering.NewScratch(std::max<size_t>(workspace, 1))};
  product.has_bias_ = bias.has_value();
  if (product.has_bias_) operands.push_back(Read(*bias));
  INGOT_ASSIGN_OR_RETURN(product.epilogue_, Epilogue::Make(post_ops, adapt, operands));
  return product;
}

PackedGemmArgs PackedProduct::Bind(const StepArgs& args) const {
  PackedGemmArgs run = shape_;
  run.taps = taps_;
  run.packed = args.At<float>(kPacked);
  run.bias = has_bias_ ? args.At<float>(kBias) : nullptr;
  return run;
}

void PackedProduct::Run(const StepArgs& args, bool to_bf16) const {
  std::array<EpilogueStage, Epilogue::kMaxStages> room;
  PackedGemmArgs run = Bind(args);
  run.workspace = args.At<void>(kWorkspace);
  const int64_t image_rows = run.groups * run.rows;
  for (int64_t image = 0; image < images_; ++image) {
    run.stages = epilogue_.Bind(args, image * image_rows, room);
    run.x = args.At<float>(kX) + image * image_stride_;
    const int64_t place = image * image_rows * run.ldc;
    if (to_bf16) {
      run.bf16_y = args.At<kernels::BFloat16>(kOut) + place;
    } else {
      run.y = args.At<float>(kOut) + place;
    }
    gemm_.Run(run, args.threads());
  }
}

RoundingStep PackedProduct::Rounding(int threads) const {
  PackedGemmArgs with_taps = shape_;
  with_taps.taps = taps_;
  RoundingStep rounding;
  rounding.elements = images_ * shape_.groups * shape_.rows * shape_.ldc;
  rounding.out = kOut;
  rounding.scratch = kWorkspace;
  rounding.scratch_bytes = gemm_.WorkspaceBytes(with_taps, threads, /*to_bf16=*/true);
  rounding.run = [product = *this](const StepArgs& args) {
    product.Run(args, /*to_bf16=*/true);
    return absl::OkStatus();
  };
  return rounding;
}

void PackedProduct::RunLines(const StepArgs& args, const LineStep& lines,
                             const LineStep::Call& some) const {
  constexpr auto kElement = static_cast<int64_t>(sizeof(float));
  std::array<EpilogueStage, Epilogue::kMaxStages> room;
  PackedGemmArgs run = Bind(args);
  run.workspace = args.At<char>(kWorkspace) + static_cast<size_t>(some.thread) * thread_workspace_;
  const int64_t line_rows = static_cast<int64_t>(lines.out_line_bytes) / kElement / run.ldc;
  const int64_t in_line = static_cast<int64_t>(lines.in_line_bytes) / kElement;
  const bool by_groups = run.groups > 1;
  (by_groups ? run.groups : run.rows) = (some.end - some.begin) * (by_groups ? 1 : line_rows);
  run.stages = epilogue_.Bind(args, (some.image * lines.out_lines + some.begin) * line_rows, room);
  run.x = some.x + (some.begin * lines.stride - some.in_begin) * in_line;
  run.y = some.y;
  gemm_.Run(run, 1);
}

}  // namespace

absl::Status AddProduct(Lowering& lowering, const ProductRows& rows, const Tensor& weights,
                        const std::optional<Tensor>& bias, const std::vector<PostOp>& post_ops,
                        AdaptToMatrix adapt, const Tensor& out, int64_t ldc,
                        std::optional<LineStep> lines) {
  if (IsRowOfDots(lowering, rows, weights)) {
    return AddRowDots(lowering, rows.x, weights, bias, post_ops, adapt, out);
  }
  std::vector<Operand> operands;
  INGOT_ASSIGN_OR_RETURN(
      const PackedProduct product,
      PackedProduct::Make(lowering, rows, weights, bias, post_ops, adapt, out, ldc, operands));
  const StepFn whole = [product](const StepArgs& args) {
    product.Run(args);
    return absl::OkStatus();
  };
  KernelAbilities abilities;
  if (rows.x.dtype == ir::DType::kBFloat16) {
    if (ldc == weights.dims[1]) abilities.rounding = product.Rounding(lowering.threads());
    return lowering.AddKernel("ingot:packed_gemm_bf16", std::move(operands), whole,
                              std::move(abilities));
  }
  if (lines.has_value()) {
    lines->weight_bytes = product.packed_bytes();
    lines->run = [product, lines = *lines](const StepArgs& args, const LineStep::Call& some) {
      product.RunLines(args, lines, some);
    };
    abilities.lines = std::move(lines);
  }
  return lowering.AddKernel("ingot:packed_gemm", std::move(operands), whole, std::move(abilities));
}

}  // namespace ingot::onednn
