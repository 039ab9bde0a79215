// Arithmetic, comparisons, logic, selection and casts.
#include "backends/reference/kernels/families.h"
#include "backends/reference/kernels/pointwise_engine.h"

namespace ingot::reference {
namespace {

using Args = PointwiseArgs;

// Defines a functor over the operands x, in any wide type C.
#define INGOT_POINTWISE(Name, expression)                               \
  struct Name {                                                         \
    template <typename C>                                               \
    C operator()(const C* x, [[maybe_unused]] const Args& args) const { \
      return static_cast<C>(expression);                                \
    }                                                                   \
  }

// Integer division that rounds towards zero or down, without the two traps of the machine's.
template <typename C>
C DivideTrunc(C a, C b, const Args& args) {
  if constexpr (std::is_integral_v<C>) {
    if (b == 0) {
      args.divided_by_zero = true;
      return 0;
    }
    return b == -1 ? Minus(C(0), a) : a / b;
  } else {
    C quotient = a / b;
    // Eager rounds a half quotient before it drops the fraction (33.97 is 34 in bf16), unless the
    // divisor is a number.
    if (args.dtype == ir::DType::kFloat16 && !args.single[1]) {
      quotient = Convert<C>(Convert<Float16>(quotient));
    }
    if (args.dtype == ir::DType::kBFloat16 && !args.single[1]) {
      quotient = Convert<C>(Convert<BFloat16>(quotient));
    }
    return std::trunc(quotient);
  }
}

template <typename C>
C Remainder(C a, C b, const Args& args) {  // sign of the divisor
  if constexpr (std::is_integral_v<C>) {
    const C rest = Minus(a, Times(DivideTrunc(a, b, args), b));
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  } else {
    const C rest = std::fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
}

template <typename C>
C DivideFloor(C a, C b, const Args& args) {
  if constexpr (std::is_integral_v<C>) {
    const C quotient = DivideTrunc(a, b, args);
    return b != 0 && Minus(a, Times(quotient, b)) != 0 && (a < 0) != (b < 0) ? quotient - 1
                                                                             : quotient;
  } else {
    // As eager (and Python): from the exact remainder, since floor(a / b) is wrong where a / b
    // rounds up.
    if (b == 0) return a / b;
    const C quotient = (a - Remainder(a, b, args)) / b;
    if (quotient == 0) return std::copysign(C(0), a / b);
    const C floored = std::floor(quotient);
    return quotient - floored > C(0.5) ? floored + 1 : floored;
  }
}

template <typename C>
C Fmod(C a, C b, const Args& args) {  // sign of the dividend
  if constexpr (std::is_integral_v<C>) {
    return Minus(a, Times(DivideTrunc(a, b, args), b));
  } else {
    return std::fmod(a, b);
  }
}

template <typename C>
C Power(C base, C exponent) {
  if constexpr (std::is_integral_v<C>) {
    if (exponent < 0) {  // 1 / base^|exponent|, truncated
      if (base == 1) return 1;
      if (base == -1) return exponent % 2 == 0 ? 1 : -1;
      return 0;
    }
    C result = 1;
    for (; exponent > 0; exponent >>= 1) {
      if (exponent & 1) result = Times(result, base);
      base = Times(base, base);
    }
    return result;
  } else {
    return std::pow(base, exponent);
  }
}

template <typename C>
C Max(C a, C b) {
  if (IsNan(a)) return a;
  if (IsNan(b)) return b;
  return a < b ? b : a;
}
template <typename C>
C Min(C a, C b) {
  if (IsNan(a)) return a;
  if (IsNan(b)) return b;
  return b < a ? b : a;
}

struct DivMode {
  template <typename C>
  C operator()(const C* x, const Args& args) const {
    if (args.mode != nullptr && *args.mode == "trunc") return DivideTrunc(x[0], x[1], args);
    if (args.mode != nullptr && *args.mode == "floor") return DivideFloor(x[0], x[1], args);
    if constexpr (std::is_integral_v<C>) {
      return 0;  // true division computes in a float
    } else {
      return x[0] / x[1];
    }
  }
};

struct Atan2 {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    return std::atan2(x[0], x[1]);
  }
};

struct Clamp {
  template <typename C>
  C operator()(const C* x, const Args& args) const {
    C value = x[0];
    if (args.has[1]) value = Max(value, x[1]);
    if (args.has[2]) value = Min(value, x[2]);
    return value;
  }
};

// The wrapping formula needs the difference once; eager uses the form that is exact at both ends.
struct Lerp {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    const C difference = x[1] - x[0];
    return std::abs(x[2]) < C(0.5) ? x[0] + x[2] * difference : x[1] - difference * (1 - x[2]);
  }
};

struct Div {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    return x[0] / x[1];
  }
};

struct Addcdiv {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    return x[0] + x[3] * (x[1] / x[2]);
  }
};

struct BitwiseNot {
  template <typename C>
  C operator()(const C* x, const Args& args) const {
    if constexpr (std::is_integral_v<C>) {
      return args.dtype == ir::DType::kBool ? x[0] == 0 : ~x[0];
    } else {
      return 0;  // eager has it for integers only
    }
  }
};

// The bitwise ops: on integers only.
template <int kOp>
struct Bitwise {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    if constexpr (!std::is_integral_v<C>) {
      return 0;
    } else if constexpr (kOp == '&') {
      return x[0] & x[1];
    } else if constexpr (kOp == '|') {
      return x[0] | x[1];
    } else {
      return x[0] ^ x[1];
    }
  }
};

// Sums among halves: eager rounds their numbers to the dtype, unlike those of products.
template <typename C>
C Half(C number, const Args& args) {
  if constexpr (std::is_floating_point_v<C>) {
    if (args.dtype == ir::DType::kFloat16) return Convert<C>(Convert<Float16>(number));
    if (args.dtype == ir::DType::kBFloat16) return Convert<C>(Convert<BFloat16>(number));
  }
  return number;
}

INGOT_POINTWISE(Add, Plus(x[0], Times(Half(x[2], args), Half(x[1], args))));
INGOT_POINTWISE(Sub, Minus(x[0], Times(Half(x[2], args), Half(x[1], args))));
INGOT_POINTWISE(Rsub, Minus(Half(x[1], args), Times(Half(x[2], args), x[0])));
INGOT_POINTWISE(Mul, Times(x[0], x[1]));
INGOT_POINTWISE(FloorDivide, DivideFloor(x[0], x[1], args));
INGOT_POINTWISE(RemainderOp, Remainder(x[0], x[1], args));
INGOT_POINTWISE(FmodOp, Fmod(x[0], x[1], args));
INGOT_POINTWISE(Pow, Power(x[0], x[1]));
INGOT_POINTWISE(Maximum, Max(x[0], x[1]));
INGOT_POINTWISE(Minimum, Min(x[0], x[1]));
INGOT_POINTWISE(Addcmul, Plus(x[0], Times(x[3], Times(x[1], x[2]))));
INGOT_POINTWISE(Eq, x[0] == x[1]);
INGOT_POINTWISE(Ne, x[0] != x[1]);
INGOT_POINTWISE(Lt, x[0] < x[1]);
INGOT_POINTWISE(Le, x[0] <= x[1]);
INGOT_POINTWISE(Gt, x[0] > x[1]);
INGOT_POINTWISE(Ge, x[0] >= x[1]);
INGOT_POINTWISE(LogicalAnd, x[0] != 0 && x[1] != 0);
INGOT_POINTWISE(LogicalOr, x[0] != 0 || x[1] != 0);
INGOT_POINTWISE(LogicalXor, (x[0] != 0) != (x[1] != 0));
INGOT_POINTWISE(LogicalNot, x[0] == 0);
INGOT_POINTWISE(Where, x[0] != 0 ? x[1] : x[2]);
INGOT_POINTWISE(MaskedFill, x[1] != 0 ? x[2] : x[0]);
INGOT_POINTWISE(Second, x[1]);

#undef INGOT_POINTWISE

std::vector<Kernel> Arithmetic() {
  return {
      PointwiseKernel<Add>("aten::add.Tensor"),
      PointwiseKernel<Add>("aten::add.Scalar"),
      PointwiseKernel<Sub>("aten::sub.Tensor"),
      PointwiseKernel<Sub>("aten::sub.Scalar"),
      PointwiseKernel<Rsub>("aten::rsub.Tensor"),
      PointwiseKernel<Rsub>("aten::rsub.Scalar"),
      PointwiseKernel<Mul>("aten::mul.Tensor"),
      PointwiseKernel<Mul>("aten::mul.Scalar"),
      FloatKernel<Div>("aten::div.Tensor"),
      FloatKernel<Div>("aten::div.Scalar"),
      PointwiseKernel<DivMode>("aten::div.Tensor_mode"),
      PointwiseKernel<DivMode>("aten::div.Scalar_mode"),
      PointwiseKernel<FloorDivide>("aten::floor_divide"),
      PointwiseKernel<FloorDivide>("aten::floor_divide.Scalar"),
      PointwiseKernel<RemainderOp>("aten::remainder.Tensor"),
      PointwiseKernel<RemainderOp>("aten::remainder.Scalar"),
      PointwiseKernel<RemainderOp>("aten::remainder.Scalar_Tensor"),
      PointwiseKernel<FmodOp>("aten::fmod.Tensor"),
      PointwiseKernel<FmodOp>("aten::fmod.Scalar"),
      PointwiseKernel<Pow>("aten::pow.Tensor_Scalar"),
      PointwiseKernel<Pow>("aten::pow.Tensor_Tensor"),
      PointwiseKernel<Pow>("aten::pow.Scalar"),
      FloatKernel<Atan2>("aten::atan2"),
      PointwiseKernel<Maximum>("aten::maximum"),
      PointwiseKernel<Minimum>("aten::minimum"),
      PointwiseKernel<Clamp>("aten::clamp"),
      PointwiseKernel<Clamp>("aten::clamp.Tensor"),
      PointwiseKernel<Maximum>("aten::clamp_min"),
      PointwiseKernel<Minimum>("aten::clamp_max"),
      PointwiseKernel<Addcmul>("aten::addcmul"),
      FloatKernel<Addcdiv>("aten::addcdiv"),
      FloatKernel<Lerp>("aten::lerp.Scalar"),
      FloatKernel<Lerp>("aten::lerp.Tensor"),
  };
}

template <typename Op>
Kernel Predicate(const char* op) {
  return PointwiseKernel<Op, ComputeIn::kOperands>(op);
}

std::vector<Kernel> Comparisons() {
  return {
      Predicate<Eq>("aten::eq.Tensor"),
      Predicate<Eq>("aten::eq.Scalar"),
      Predicate<Ne>("aten::ne.Tensor"),
      Predicate<Ne>("aten::ne.Scalar"),
      Predicate<Lt>("aten::lt.Tensor"),
      Predicate<Lt>("aten::lt.Scalar"),
      Predicate<Le>("aten::le.Tensor"),
      Predicate<Le>("aten::le.Scalar"),
      Predicate<Gt>("aten::gt.Tensor"),
      Predicate<Gt>("aten::gt.Scalar"),
      Predicate<Ge>("aten::ge.Tensor"),
      Predicate<Ge>("aten::ge.Scalar"),
      Predicate<LogicalAnd>("aten::logical_and"),
      Predicate<LogicalOr>("aten::logical_or"),
      Predicate<LogicalXor>("aten::logical_xor"),
      Predicate<LogicalNot>("aten::logical_not"),
      PointwiseKernel<Bitwise<'&'>>("aten::bitwise_and.Tensor"),
      PointwiseKernel<Bitwise<'&'>>("aten::bitwise_and.Scalar"),
      PointwiseKernel<Bitwise<'|'>>("aten::bitwise_or.Tensor"),
      PointwiseKernel<Bitwise<'|'>>("aten::bitwise_or.Scalar"),
      PointwiseKernel<Bitwise<'^'>>("aten::bitwise_xor.Tensor"),
      PointwiseKernel<Bitwise<'^'>>("aten::bitwise_xor.Scalar"),
      PointwiseKernel<BitwiseNot>("aten::bitwise_not"),
  };
}

absl::Status RunCopy(const KernelContext& context) {
  const char* operand = context.op().def().schema.Find("src") >= 0 ? "src" : "self";
  const Tensor out = context.Out();
  CopyElements(context.In(operand), BroadcastLayout(context.In(operand).dims, out.dims), out,
               DenseLayout(out.dims), out.dims);
  return absl::OkStatus();
}

std::vector<Kernel> Selections() {
  return {
      PointwiseKernel<Where>("aten::where.self"),
      PointwiseKernel<Where>("aten::where.ScalarSelf"),
      PointwiseKernel<Where>("aten::where.ScalarOther"),
      PointwiseKernel<MaskedFill>("aten::masked_fill.Scalar"),
      PointwiseKernel<MaskedFill>("aten::masked_fill.Tensor"),
      PointwiseKernel<Second>("aten::fill.Scalar"),
      PointwiseKernel<Second>("aten::fill.Tensor"),
      {"aten::_to_copy", RunCopy},
      {"aten::clone", RunCopy},
      {"aten::contiguous", RunCopy},
      {"aten::detach", RunCopy},
      {"aten::alias", RunCopy},
      {"aten::copy", RunCopy},
  };
}

}  // namespace

std::vector<Kernel> PointwiseKernels() {
  std::vector<Kernel> kernels = Arithmetic();
  for (auto table : {Comparisons, Selections}) {
    for (const Kernel& kernel : table()) kernels.push_back(kernel);
  }
  return kernels;
}

}  // namespace ingot::reference
