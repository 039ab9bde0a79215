// Traces hold the numbers of a model's source as 0-dim tensors. Where it means the same, they
// become numbers of the node again, so that models that differ only in them share a graph:
//
//   mul.Tensor(x, 0-dim 2)  →  mul.Scalar(x, 2)        sub.Tensor(0-dim 1, x, 1)  →  rsub.Scalar(x,
//   1, 1)
//
// The same it means if the number doesn't change the result's dtype and is exact in, or rounds
// within, the range of the tensor's dtype
// (https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc).
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_NUMBER_OPERAND_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_NUMBER_OPERAND_H_

#include "absl/functional/function_ref.h"
#include "frontends/torchscript/functional_call.h"

namespace ingot::torchscript {

// Rewrites `call` if one of its operands is a number in this sense. `constant` yields the contents
// of a tensor that depends on no input, an undefined tensor for one that does. Thread-safe.
void PreferNumber(FunctionalCall& call,
                  absl::FunctionRef<at::Tensor(const TensorSnapshot&)> constant);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_NUMBER_OPERAND_H_
