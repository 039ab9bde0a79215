// Products of vectors: outer and cross products.
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/walk.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/number.h"
#include "backends/onednn/pointwise.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

using kernels::PointwiseBuilder;
using kernels::PwOp;

// --- addr: beta * self + alpha * vec1 vec2^T ---

absl::Status SupportsAddr(const ir::Graph&, const ops::OpView& view) {
  if (ir::IsComplex(view.OutputType().dtype)) return absl::UnimplementedError("addr of complex");
  for (const char* name : {"alpha", "beta"}) {
    if (!LiteralNumber(view.Raw(name))) {
      return absl::UnimplementedError(absl::StrCat(name, " given at run time"));
    }
  }
  return absl::OkStatus();
}

absl::Status LowerAddr(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Strided(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(Tensor rows, lowering.Strided(view.Value("vec1")));
  INGOT_ASSIGN_OR_RETURN(const Tensor columns, lowering.Strided(view.Value("vec2")));
  rows.dims.push_back(1);
  rows.strides.push_back(0);
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  const double alpha = *LiteralNumber(view.Raw("alpha")), beta = *LiteralNumber(view.Raw("beta"));
  const ir::DType dtype = ir::IsFloating(out.dtype)
                              ? (out.dtype == ir::DType::kFloat64 ? out.dtype : ir::DType::kFloat32)
                              : ir::DType::kInt64;
  return AddMap(lowering, "ingot:addr", {rows, columns, self}, out,
                [&](PointwiseBuilder& b, absl::Span<const int> in) {
                  const auto as = [&](int x) { return b.dtype(x) == dtype ? x : b.Cast(x, dtype); };
                  const auto number = [&](double value) {
                    return ir::IsFloating(dtype) ? b.Constant(value, dtype)
                                                 : b.Constant(static_cast<int64_t>(value), dtype);
                  };
                  const int scaled = b.Op(PwOp::kMul, {number(alpha), as(in[0])});
                  const int product = b.Op(PwOp::kMul, {scaled, as(in[1])});
                  // PyTorch ignores self then, even where it is NaN.
                  if (beta == 0) return product;
                  return b.Op(PwOp::kAdd, {b.Op(PwOp::kMul, {number(beta), as(in[2])}), product});
                });
}

// --- linalg_cross ---

absl::Status SupportsCross(const ir::Graph&, const ops::OpView& view) {
  if (ir::IsComplex(view.OutputType().dtype)) {
    return absl::UnimplementedError("a cross product of complex vectors");
  }
  if (kernels::FitsWalk(view.OutputType().dims)) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("cross products of more than ", kernels::kMaxWalkDims, " dimensions"));
}

// Strides of `tensor` with a step along `dim` of its own.
ir::Dims WithoutDim(ir::Dims strides, int64_t dim) {
  strides[dim] = 0;
  return strides;
}

absl::Status LowerCross(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const Tensor out = lowering.NewTensor(view.OutputType());
  const auto operand = [&](const char* name) -> absl::StatusOr<Tensor> {
    INGOT_ASSIGN_OR_RETURN(const Tensor tensor, lowering.Strided(view.Value(name)));
    return BroadcastTo(tensor, out.dims);
  };
  INGOT_ASSIGN_OR_RETURN(const Tensor a, operand("self"));
  INGOT_ASSIGN_OR_RETURN(const Tensor b, operand("other"));
  lowering.Set(view.node().outputs[0], out);
  int64_t dim = view.Int("dim");
  if (dim < 0) dim += out.rank();
  ir::Dims dims = out.dims;
  dims[dim] = 1;
  return lowering.AddKernel(
      "ingot:cross", {Read(a), Read(b), Write(out)}, [=](const StepArgs& args) {
        const ir::Dims from_a = WithoutDim(a.strides, dim), from_b = WithoutDim(b.strides, dim),
                       to = WithoutDim(out.strides, dim);
        const kernels::Walk<3> walk(dims, {from_a, from_b, to});
        kernels::VisitElement(out.dtype, [&](auto element) {
          using T = decltype(element);
          using C = kernels::Compute<T>;
          walk.ForEach([&](const auto& at) {
            const T* const u = args.At<T>(0) + at[0];
            const T* const v = args.At<T>(1) + at[1];
            T* const y = args.At<T>(2) + at[2];
            const auto left = [&](int i) { return static_cast<C>(u[i % 3 * a.strides[dim]]); };
            const auto right = [&](int i) { return static_cast<C>(v[i % 3 * b.strides[dim]]); };
            for (int i = 0; i < 3; ++i) {
              y[i * out.strides[dim]] =
                  static_cast<T>(left(i + 1) * right(i + 2) - left(i + 2) * right(i + 1));
            }
          });
        });
        return absl::OkStatus();
      });
}

constexpr OpLowering kLowerings[] = {
    {"aten::addr", &SupportsAddr, &LowerAddr},
    {"aten::linalg_cross", &SupportsCross, &LowerCross},
};

}  // namespace

absl::Span<const OpLowering> AlgebraLowerings() { return kLowerings; }

}  // namespace ingot::onednn
