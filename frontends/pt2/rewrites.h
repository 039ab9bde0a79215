// Ops that exported graphs hold and the vocabulary spells differently: one row an op.
//
//   aten::conv2d(x, w, b, stride, …)   → aten::convolution(x, w, b, stride, …, False, 0, groups)
//   aten::dropout(x, p, False)         → x
//   aten::arange(16)                   → a constant
//
// To add an op, add a row to a family's table (rewrites.cc, rewrites_nn.cc, rewrites_composite.cc,
// rewrites_shape.cc, rewrites_algebra.cc, rewrites_loss.cc, rewrites_numeric.cc,
// rewrites_index.cc).
// Thread-safe.
#ifndef INGOT_FRONTENDS_PT2_REWRITES_H_
#define INGOT_FRONTENDS_PT2_REWRITES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "frontends/pt2/emitter.h"

namespace ingot::pt2 {

// `args` are complete.
using Rewrite = absl::StatusOr<Tensors> (*)(Emitter& emitter, const OpSignature& op, Operands args);

struct RewriteRow {
  const char* op;
  Rewrite rewrite;
  const char* doc;  // what it becomes
};

// nullptr: the op is taken as it is.
Rewrite FindRewrite(const std::string& op);

// The families.
absl::Span<const RewriteRow> PlainRewrites();      // other names, identities, factories, sizes
absl::Span<const RewriteRow> NetworkRewrites();    // convolutions, norms, pooling, padding, dropout
absl::Span<const RewriteRow> CompositeRewrites();  // what ATen puts together from others
absl::Span<const RewriteRow> ShapeRewrites();      // … that only moves elements
absl::Span<const RewriteRow> AlgebraRewrites();    // … of sums and products
absl::Span<const RewriteRow> LossRewrites();
absl::Span<const RewriteRow> IndexRewrites();
absl::Span<const RewriteRow> NumericRewrites();  // integrals, gradients, quantiles, matrix norms

std::vector<RewriteRow> AllRewrites();

// --- What the families share ---

inline Operand T(TensorId id) { return TensorOperand{id}; }
TensorId TensorArg(const Operands& args, size_t i);  // REQUIRES: it is a tensor
bool IsRealNumber(const Operand& number);            // an int or a float
double RealNumber(const Operand& number);            // REQUIRES: IsRealNumber
// A lone number stands for a list of it in some schemas.
std::vector<int64_t> IntsArg(const Operands& args, size_t i);
bool IsNone(const Operands& args, size_t i);
std::vector<int64_t> SizesOf(const Emitter& emitter, TensorId tensor);
// `tensor` itself if it has the dtype.
absl::StatusOr<TensorId> InDtype(Emitter& emitter, TensorId tensor, ir::DType dtype);
// One of an op's results. REQUIRES: there are more than `index`.
absl::StatusOr<Tensors> Only(absl::StatusOr<Tensors> results, size_t index);
// A constant b8[rows, columns]: where column - row == offset.
absl::StatusOr<TensorId> DiagonalMask(Emitter& emitter, int64_t rows, int64_t columns,
                                      int64_t offset);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_REWRITES_H_
