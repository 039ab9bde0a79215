// PyTorch's type promotion over the operands of one op.
//
//   Promotion p;
//   p.AddTensor({DType::kInt32, {2}});
//   p.AddNumber(DType::kFloat64);   // the 1.5 of `x * 1.5`
//   p.Result();                     // f32
//
// Dimensioned tensors come first, then 0-dim tensors, then numbers: a later kind counts only if its
// category (bool < integral < floating < complex) is higher. Backends need it for ops whose result
// does not show the dtype they compute in (comparisons). Source:
// https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
#ifndef INGOT_CORE_OPS_PROMOTION_H_
#define INGOT_CORE_OPS_PROMOTION_H_

#include <optional>

#include "core/ir/type.h"

namespace ingot::ops {

class Promotion {
 public:
  void AddTensor(const ir::TensorType& type);
  void AddNumber(
      ir::DType dtype);  // i64, f64, b8 or c128: counts as the default dtype of its category
  // REQUIRES: at least one operand was added.
  ir::DType Result() const;

 private:
  std::optional<ir::DType> dimensioned_, zero_dim_, number_;
};

}  // namespace ingot::ops

#endif  // INGOT_CORE_OPS_PROMOTION_H_
