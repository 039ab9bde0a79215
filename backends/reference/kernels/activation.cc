// Pointwise functions of one tensor.
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

// NaN stays NaN: neither comparison holds.
template <typename C>
C Limit(C value, C least, C greatest) {
  return value < least ? least : value > greatest ? greatest : value;
}

template <typename C>
C Sigmoid(C x) {
  return 1 / (1 + std::exp(-x));
}

template <typename C>
C Log1pExp(C x) {
  return std::log1p(std::exp(x));
}

template <typename C>
C EluOf(C x, C alpha, C scale, C input_scale) {
  return x > 0 ? x * scale : std::expm1(x * input_scale) * alpha * scale;
}

// 0 - x has the wrong sign for a zero.
template <typename C>
C Negated(C x) {
  if constexpr (std::is_integral_v<C>) {
    return Minus(C(0), x);
  } else {
    return -x;
  }
}

template <typename C>
C Absolute(C x) {
  if constexpr (std::is_integral_v<C>) {
    return x < 0 ? Minus(C(0), x) : x;
  } else {
    return std::abs(x);
  }
}

INGOT_POINTWISE(Neg, Negated(x[0]));
INGOT_POINTWISE(Abs, Absolute(x[0]));
INGOT_POINTWISE(Exp, std::exp(x[0]));
INGOT_POINTWISE(Exp2, std::exp2(x[0]));
INGOT_POINTWISE(Expm1, std::expm1(x[0]));
INGOT_POINTWISE(Log, std::log(x[0]));
INGOT_POINTWISE(Log2, std::log2(x[0]));
INGOT_POINTWISE(Log10, std::log10(x[0]));
INGOT_POINTWISE(Log1p, std::log1p(x[0]));
INGOT_POINTWISE(Sqrt, std::sqrt(x[0]));
INGOT_POINTWISE(Rsqrt, 1 / std::sqrt(x[0]));
INGOT_POINTWISE(Reciprocal, 1 / x[0]);
INGOT_POINTWISE(Sin, std::sin(x[0]));
INGOT_POINTWISE(Cos, std::cos(x[0]));
INGOT_POINTWISE(Tan, std::tan(x[0]));
INGOT_POINTWISE(Asin, std::asin(x[0]));
INGOT_POINTWISE(Acos, std::acos(x[0]));
INGOT_POINTWISE(Atan, std::atan(x[0]));
INGOT_POINTWISE(Sinh, std::sinh(x[0]));
INGOT_POINTWISE(Cosh, std::cosh(x[0]));
INGOT_POINTWISE(Tanh, std::tanh(x[0]));
INGOT_POINTWISE(Asinh, std::asinh(x[0]));
INGOT_POINTWISE(Acosh, std::acosh(x[0]));
INGOT_POINTWISE(Atanh, std::atanh(x[0]));
INGOT_POINTWISE(Erf, std::erf(x[0]));
INGOT_POINTWISE(Erfc, std::erfc(x[0]));
INGOT_POINTWISE(SigmoidOp, Sigmoid(x[0]));
INGOT_POINTWISE(Sign, (x[0] > 0) - (x[0] < 0));
INGOT_POINTWISE(Square, Times(x[0], x[0]));
INGOT_POINTWISE(Frac, x[0] - std::trunc(x[0]));
INGOT_POINTWISE(IsNanOp, IsNan(x[0]));
INGOT_POINTWISE(Relu, x[0] < 0 ? C(0) : x[0]);
INGOT_POINTWISE(Relu6, Limit(x[0], C(0), C(6)));
INGOT_POINTWISE(Silu, x[0] / (1 + std::exp(-x[0])));
INGOT_POINTWISE(LeakyRelu, x[0] > 0 ? x[0] : x[0] * x[1]);
INGOT_POINTWISE(Elu, EluOf(x[0], x[1], x[2], x[3]));
INGOT_POINTWISE(Selu, EluOf(x[0], C(1.6732632423543772), C(1.0507009873554805), C(1)));
INGOT_POINTWISE(Celu, EluOf(x[0], x[1], C(1), 1 / x[1]));
INGOT_POINTWISE(Hardtanh, Limit(x[0], x[1], x[2]));
INGOT_POINTWISE(Hardswish, x[0] * Limit(x[0] + 3, C(0), C(6)) / 6);
INGOT_POINTWISE(Hardsigmoid, Limit(x[0] + 3, C(0), C(6)) / 6);
INGOT_POINTWISE(Softplus, x[0] * x[1] > x[2] ? x[0] : Log1pExp(x[0] * x[1]) / x[1]);
INGOT_POINTWISE(Mish, x[0] * std::tanh(Log1pExp(x[0])));
INGOT_POINTWISE(Hardshrink, x[0] >= -x[1] && x[0] <= x[1] ? C(0) : x[0]);
INGOT_POINTWISE(Softshrink, x[0] > x[1]    ? x[0] - x[1]
                            : x[0] < -x[1] ? x[0] + x[1]
                            : IsNan(x[0])  ? x[0]
                                           : C(0));
INGOT_POINTWISE(Threshold, x[0] <= x[1] ? x[2] : x[0]);
INGOT_POINTWISE(LogSigmoid, (x[0] < 0 ? x[0] : C(0)) - Log1pExp(-std::abs(x[0])));

#undef INGOT_POINTWISE

struct Gelu {
  template <typename C>
  C operator()(const C* x, const Args& args) const {
    constexpr double kSqrtHalf = 0.70710678118654752440;
    constexpr double kSqrtTwoOverPi = 0.79788456080286535588;
    if (*args.mode == "tanh") {
      const C cube = x[0] * x[0] * x[0];
      return C(0.5) * x[0] * (1 + std::tanh(C(kSqrtTwoOverPi) * (x[0] + C(0.044715) * cube)));
    }
    return C(0.5) * x[0] * (1 + std::erf(x[0] * C(kSqrtHalf)));
  }
};

// floor, ceil, round and trunc leave integers alone.
template <auto kFloat, auto kDouble>
struct Rounding {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    if constexpr (std::is_same_v<C, float>) {
      return kFloat(x[0]);
    } else if constexpr (std::is_same_v<C, double>) {
      return kDouble(x[0]);
    } else {
      return x[0];
    }
  }
};
using Floor = Rounding<floorf, static_cast<double (*)(double)>(floor)>;
using Ceil = Rounding<ceilf, static_cast<double (*)(double)>(ceil)>;
using Round = Rounding<nearbyintf, static_cast<double (*)(double)>(nearbyint)>;
using Trunc = Rounding<truncf, static_cast<double (*)(double)>(trunc)>;

struct IsInf {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    return std::is_floating_point_v<C> && std::isinf(static_cast<double>(x[0]));
  }
};

struct IsFinite {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    return std::is_integral_v<C> || std::isfinite(static_cast<double>(x[0]));
  }
};

std::vector<Kernel> Functions() {
  return {
      PointwiseKernel<Neg>("aten::neg"),
      PointwiseKernel<Abs>("aten::abs"),
      FloatKernel<Exp>("aten::exp"),
      FloatKernel<Exp2>("aten::exp2"),
      FloatKernel<Expm1>("aten::expm1"),
      FloatKernel<Log>("aten::log"),
      FloatKernel<Log2>("aten::log2"),
      FloatKernel<Log10>("aten::log10"),
      FloatKernel<Log1p>("aten::log1p"),
      FloatKernel<Sqrt>("aten::sqrt"),
      FloatKernel<Rsqrt>("aten::rsqrt"),
      FloatKernel<Reciprocal>("aten::reciprocal"),
      FloatKernel<Sin>("aten::sin"),
      FloatKernel<Cos>("aten::cos"),
      FloatKernel<Tan>("aten::tan"),
      FloatKernel<Asin>("aten::asin"),
      FloatKernel<Acos>("aten::acos"),
      FloatKernel<Atan>("aten::atan"),
      FloatKernel<Sinh>("aten::sinh"),
      FloatKernel<Cosh>("aten::cosh"),
      FloatKernel<Tanh>("aten::tanh"),
      FloatKernel<Asinh>("aten::asinh"),
      FloatKernel<Acosh>("aten::acosh"),
      FloatKernel<Atanh>("aten::atanh"),
      FloatKernel<Erf>("aten::erf"),
      FloatKernel<Erfc>("aten::erfc"),
      FloatKernel<SigmoidOp>("aten::sigmoid"),
      PointwiseKernel<Floor>("aten::floor"),
      PointwiseKernel<Ceil>("aten::ceil"),
      PointwiseKernel<Round>("aten::round"),
      PointwiseKernel<Trunc>("aten::trunc"),
      FloatKernel<Frac>("aten::frac"),
      PointwiseKernel<Sign>("aten::sign"),
      PointwiseKernel<Sign>("aten::sgn"),
      PointwiseKernel<Square>("aten::square"),
      PointwiseKernel<IsNanOp, ComputeIn::kOperands>("aten::isnan"),
      PointwiseKernel<IsInf, ComputeIn::kOperands>("aten::isinf"),
      PointwiseKernel<IsFinite, ComputeIn::kOperands>("aten::isfinite"),
  };
}

std::vector<Kernel> Activations() {
  return {
      PointwiseKernel<Relu>("aten::relu"),
      PointwiseKernel<Relu6>("aten::relu6"),
      FloatKernel<Silu>("aten::silu"),
      FloatKernel<Gelu>("aten::gelu"),
      FloatKernel<LeakyRelu>("aten::leaky_relu"),
      FloatKernel<Elu>("aten::elu"),
      FloatKernel<Selu>("aten::selu"),
      FloatKernel<Celu>("aten::celu"),
      PointwiseKernel<Hardtanh>("aten::hardtanh"),
      FloatKernel<Hardswish>("aten::hardswish"),
      FloatKernel<Hardsigmoid>("aten::hardsigmoid"),
      FloatKernel<Softplus>("aten::softplus"),
      FloatKernel<Mish>("aten::mish"),
      FloatKernel<Hardshrink>("aten::hardshrink"),
      FloatKernel<Softshrink>("aten::softshrink"),
      PointwiseKernel<Threshold>("aten::threshold"),
      FloatKernel<LogSigmoid>("aten::log_sigmoid"),
  };
}

}  // namespace

std::vector<Kernel> ActivationKernels() {
  std::vector<Kernel> kernels = Functions();
  for (const Kernel& kernel : Activations()) kernels.push_back(kernel);
  return kernels;
}

}  // namespace ingot::reference
