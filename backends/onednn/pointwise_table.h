// How each elementwise op is said in instructions of kernels/pointwise.h.
#ifndef INGOT_BACKENDS_ONEDNN_POINTWISE_TABLE_H_
#define INGOT_BACKENDS_ONEDNN_POINTWISE_TABLE_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>

#include "absl/status/status.h"
#include "backends/onednn/kernels/pointwise.h"
#include "core/ops/op_view.h"

namespace ingot::onednn {

// One node being translated. Values are the builder's numbers.
class Emitter {
 public:
  // Gives the builder's number of a graph value (an input or what an earlier node made).
  using ValueFn = std::function<int(ir::ValueId)>;

  Emitter(const ops::OpView& view, kernels::PointwiseBuilder& builder, ValueFn value)
      : view_(view), builder_(builder), value_(std::move(value)) {}

  const ops::OpView& view() const { return view_; }
  ir::DType out() const { return view_.OutputType().dtype; }
  // Argument `i`, tensor or number, cast to `dtype`.
  int Arg(int i, ir::DType dtype);
  // Argument `i` as a literal number; nullopt if it is absent or held by a value.
  std::optional<double> Literal(int i) const;
  bool IsLiteral(int i, double number) const { return Literal(i) == number; }
  int Constant(double value, ir::DType dtype);
  int Op(kernels::PwOp op, std::initializer_list<int> operands, kernels::PwImmediates im = {}) {
    return builder_.Op(op, operands, im);
  }
  int Cast(int value, ir::DType dtype);
  // PyTorch's common type of two arguments
  // (https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc).
  ir::DType CommonType(int i, int j) const;

 private:
  ir::DType ArgType(int i, int* priority) const;

  const ops::OpView& view_;
  kernels::PointwiseBuilder& builder_;
  ValueFn value_;
};

struct PointwiseOp {
  const char* op;
  int (*emit)(Emitter& e);  // the result's number
  // Why this node can't be run, beyond what the builder refuses; may be null.
  absl::Status (*check)(const ops::OpView& view);
};

// nullptr: not an elementwise op that programs can contain.
const PointwiseOp* FindPointwise(absl::string_view op);
absl::Span<const PointwiseOp> AllPointwise();

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_POINTWISE_TABLE_H_
