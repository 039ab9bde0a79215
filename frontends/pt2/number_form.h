// Numbers among the tensor operands of an op: "x * 2" is aten::mul.Tensor in exported graphs, with
// a number where the schema has a tensor, and traces hold 0-dim tensors in such places.
//
//   mul.Tensor(x, 2)  →  mul.Scalar(x, 2)        sub.Tensor(1, x)  →  rsub.Scalar(x, 1)
//
// Only there a number counts as one in type promotion
// (https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc). Thread-safe.
#ifndef INGOT_FRONTENDS_PT2_NUMBER_FORM_H_
#define INGOT_FRONTENDS_PT2_NUMBER_FORM_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "frontends/pt2/memory.h"
#include "frontends/pt2/operand.h"

namespace ingot::pt2 {

struct NumberForm {
  std::string op;
  std::vector<Operand> args;
};

// The form of `op` that takes a number, if one of the operands is one, or is a constant of rank 0
// that means the same as a number: `constant` yields its only element, None for another tensor.
std::optional<NumberForm> ToNumberForm(const std::string& op, const std::vector<Operand>& args,
                                       const Memory& memory,
                                       absl::FunctionRef<Operand(TensorId)> constant);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_NUMBER_FORM_H_
