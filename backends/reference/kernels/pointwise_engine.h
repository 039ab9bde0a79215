// The loop that all pointwise ops share: operands are broadcast, converted to the dtype that the op
// computes in, and handed to the op's function element by element.
//
//   struct AddOp {  // C: int64_t, float or double; x: the op's tensor and number arguments, in
//   schema order
//     template <typename C> C operator()(const C* x, const PointwiseArgs& args) const { … }
//   };
//   Kernel kernel = PointwiseKernel<AddOp>("aten::add.Tensor");
#ifndef INGOT_BACKENDS_REFERENCE_KERNELS_POINTWISE_ENGINE_H_
#define INGOT_BACKENDS_REFERENCE_KERNELS_POINTWISE_ENGINE_H_

#include <string>

#include "backends/reference/kernel.h"

namespace ingot::reference {

inline constexpr int kMaxOperands = 4;

// What an op's function sees beside its operands.
struct PointwiseArgs {
  bool has[kMaxOperands] = {};        // operand k was given (not None)
  bool single[kMaxOperands] = {};     // operand k is a number or has rank 0
  ir::DType dtype{};                  // that the op computes in
  const std::string* mode = nullptr;  // the op's string argument; nullptr: none or None
  mutable bool divided_by_zero = false;
};

// Applies an op to n elements; x[k] are n operands each.
template <typename C>
using PointwiseFn = void (*)(const C* const* x, int64_t n, const PointwiseArgs& args, C* out);

struct PointwiseFns {
  PointwiseFn<int64_t> integer;
  PointwiseFn<float> real;
  PointwiseFn<double> precise;
};

// kResult: the op computes in the dtype of its result; kOperands: in the promoted dtype of its
// first two operands (comparisons, whose result is a bool).
enum class ComputeIn { kResult, kOperands };

absl::Status RunPointwise(const KernelContext& context, const PointwiseFns& fns, ComputeIn in);

template <typename Op, typename C>
void ApplyOp(const C* const* x, int64_t n, const PointwiseArgs& args, C* out) {
  for (int64_t i = 0; i < n; ++i) {
    const C operands[kMaxOperands] = {x[0][i], x[1][i], x[2][i], x[3][i]};
    out[i] = static_cast<C>(Op()(operands, args));
  }
}

template <typename Op, ComputeIn kIn>
absl::Status RunOp(const KernelContext& context) {
  return RunPointwise(context, {ApplyOp<Op, int64_t>, ApplyOp<Op, float>, ApplyOp<Op, double>},
                      kIn);
}

template <typename Op, ComputeIn kIn = ComputeIn::kResult>
Kernel PointwiseKernel(const char* op) {
  return {op, RunOp<Op, kIn>};
}

// Ops that eager has for floats only (or computes in a float): their integer version is never
// called.
template <typename Op>
struct FloatOp {
  template <typename C>
  C operator()(const C* x, const PointwiseArgs& args) const {
    if constexpr (std::is_integral_v<C>) {
      return C(0);
    } else {
      return Op()(x, args);
    }
  }
};

template <typename Op>
Kernel FloatKernel(const char* op) {
  return PointwiseKernel<FloatOp<Op>>(op);
}

}  // namespace ingot::reference

#endif  // INGOT_BACKENDS_REFERENCE_KERNELS_POINTWISE_ENGINE_H_
