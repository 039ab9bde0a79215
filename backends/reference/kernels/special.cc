// Special functions, further pointwise functions of two tensors, and losses.
#include <limits>
#include <numbers>
#include <numeric>

#include "backends/reference/kernels/families.h"
#include "backends/reference/kernels/pointwise_engine.h"

namespace ingot::reference {
namespace {

using Args = PointwiseArgs;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// By the recurrence psi(x) = psi(x + 1) - 1/x up to where the asymptotic series is exact in double,
// and by reflection below 0. https://dlmf.nist.gov/5.11#E2 and 5.5
double Digamma(double x) {
  if (x == 0) return std::copysign(kInf, -x);
  if (std::isnan(x) || x == -kInf) return kNan;
  if (x == kInf) return kInf;
  if (x < 0) {
    if (x == std::trunc(x)) return kNan;
    const double part = x - std::trunc(x);
    return Digamma(1 - x) - std::numbers::pi / std::tan(std::numbers::pi * part);
  }
  double result = 0;
  for (; x < 12; x += 1) result -= 1 / x;
  const double y = 1 / (x * x);
  const double series =
      y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y / 132))));
  return result + std::log(x) - 0.5 / x - series;
}

// Newton's steps on erf from a start that is good to 2e-3 (Winitzki's formula).
double ErfInv(double x) {
  if (std::isnan(x) || x < -1 || x > 1) return kNan;
  if (x == 1 || x == -1) return std::copysign(kInf, x);
  constexpr double kA = 0.147;
  const double log = std::log1p(-x * x), t = 2 / (std::numbers::pi * kA) + log / 2;
  double y = std::copysign(std::sqrt(std::sqrt(t * t - log / kA) - t), x);
  for (int i = 0; i < 4; ++i) {
    // Near 1 the difference of erf loses all digits; that of erfc does not.
    const double error = std::abs(x) < 0.5
                             ? std::erf(y) - x
                             : std::copysign(1.0, x) * ((1 - std::abs(x)) - std::erfc(std::abs(y)));
    y -= error / (2 * std::numbers::inv_sqrtpi * std::exp(-y * y));
  }
  return y;
}

// The modified Bessel function, by its power series (all terms positive) or, from 40 on, by
// Hankel's expansion. https://dlmf.nist.gov/10.25#E2 and 10.40#E1
double BesselI(int order, double x) {
  if (std::isnan(x)) return x;
  const double a = std::abs(x), sign = order % 2 == 1 && x < 0 ? -1 : 1;
  if (a > 40) {
    double term = 1, sum = 1;
    for (int k = 1; k < 20; ++k) {
      const double odd = 2 * k - 1;
      term *= -(4.0 * order * order - odd * odd) / (k * 8 * a);
      sum += term;
    }
    return sign * sum * std::exp(a) / std::sqrt(2 * std::numbers::pi * a);
  }
  double term = order == 0 ? 1 : a / 2, sum = term;
  for (int k = 1; term > sum * 1e-18; ++k) {
    term *= a * a / 4 / (k * (k + order));
    sum += term;
  }
  return sign * sum;
}

double Lgamma(double x) { return std::lgamma(x); }
double BesselI0(double x) { return BesselI(0, x); }
double BesselI1(double x) { return BesselI(1, x); }
double Entropy(double x) {
  if (std::isnan(x)) return x;
  return x > 0 ? -x * std::log(x) : x == 0 ? 0 : -kInf;
}
// As eager, in the dtype: pi times a whole number is off a zero of the sine, and that shows.
struct Sinc {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    const C y = std::numbers::pi_v<C> * x[0];
    return x[0] == 0 ? C(1) : std::sin(y) / y;
  }
};

// One rounding, whatever the dtype.
template <double (*kFunction)(double)>
struct InDouble {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    return static_cast<C>(kFunction(static_cast<double>(x[0])));
  }
};

struct IsSigned {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    if constexpr (std::is_integral_v<C>) {
      return x[0] < 0;
    } else {
      return std::signbit(x[0]);
    }
  }
};

template <int kSign>
struct IsInfinity {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    return std::is_floating_point_v<C> && static_cast<double>(x[0]) == kSign * kInf;
  }
};

struct LogAddExp {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    const double a = x[0], b = x[1];
    if (std::isinf(a) && a == b) return x[0];
    const double m = std::max(a, b);
    if (std::isnan(a) || std::isnan(b)) return static_cast<C>(a + b);
    return static_cast<C>(m + std::log1p(std::exp(-std::abs(a - b))));
  }
};

struct LogAddExp2 {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    const double a = x[0], b = x[1];
    if (std::isinf(a) && a == b) return x[0];
    if (std::isnan(a) || std::isnan(b)) return static_cast<C>(a + b);
    return static_cast<C>(std::max(a, b) +
                          std::log1p(std::exp2(-std::abs(a - b))) * std::numbers::log2e);
  }
};

struct CopySign {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    return std::copysign(x[0], x[1]);
  }
};

struct Hypot {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    return std::hypot(x[0], x[1]);
  }
};

struct NextAfter {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    return std::nextafter(x[0], x[1]);
  }
};

template <bool kOnePlus>
struct XLogY {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    if (std::isnan(x[1])) return x[1];
    if (x[0] == 0) return 0;
    return x[0] * (kOnePlus ? std::log1p(x[1]) : std::log(x[1]));
  }
};

struct Heaviside {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    return x[0] == 0 ? x[1] : static_cast<C>(x[0] > 0);
  }
};

// kNanWins: a NaN is the result; otherwise it gives way to a number.
template <bool kMax, bool kNanWins>
struct Extreme {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    if (IsNan(x[0])) return kNanWins ? x[0] : x[1];
    if (IsNan(x[1])) return kNanWins ? x[1] : x[0];
    return (kMax ? x[0] < x[1] : x[1] < x[0]) ? x[1] : x[0];
  }
};

template <bool kMultiple>
struct Divisor {
  template <typename C>
  C operator()(const C* x, const Args&) const {
    if constexpr (std::is_integral_v<C>) {
      const C gcd = static_cast<C>(std::gcd(x[0], x[1]));
      if (!kMultiple || gcd == 0) return gcd;
      const C product = Times(static_cast<C>(x[0] / gcd), x[1]);
      return product < 0 ? Minus(C(0), product) : product;
    } else {
      return 0;
    }
  }
};

template <bool kLeft>
struct Shift {
  template <typename C>
  C operator()(const C* x, const Args& args) const {
    if constexpr (std::is_integral_v<C>) {
      const int64_t bits = static_cast<int64_t>(ir::ElementSize(args.dtype)) * 8;
      const bool inside = x[1] >= 0 && x[1] < bits;
      if (kLeft) return inside ? static_cast<C>(static_cast<uint64_t>(x[0]) << x[1]) : C(0);
      return inside ? x[0] >> x[1] : x[0] < 0 ? C(-1) : C(0);
    } else {
      return 0;
    }
  }
};

// out[i] = fn(self[i]) in the wide type of the result's dtype.
template <typename Fn>
void Map(const KernelContext& context, Fn&& fn) {
  const ConstTensor self = context.In("self");
  const Tensor out = context.Out();
  const int64_t total = out.NumElements();
  VisitElement(out.dtype, [&](auto tag) {
    using C = Wide<decltype(tag)>;
    for (int64_t i = 0; i < total; ++i) Store(static_cast<C>(fn(Load<C>(self, i))), out, i);
  });
}

// As eager, which rounds 1 - x and the ratio to the dtype.
absl::Status RunLogit(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const Tensor out = context.Out();
  const bool limited = context.op().Has("eps");
  VisitElement(out.dtype, [&](auto tag) {
    using T = decltype(tag);
    using C = Wide<T>;
    const auto rounded = [](C value) { return Convert<C>(Convert<T>(value)); };
    const C low = rounded(static_cast<C>(context.op().FloatOr("eps", 0)));
    const C high = rounded(C(1) - low);
    for (int64_t i = 0; i < out.NumElements(); ++i) {
      C z = Load<C>(self, i);
      if (limited) z = z < low ? low : z > high ? high : z;
      Store(static_cast<C>(std::log(rounded(z / rounded(C(1) - z)))), out, i);
    }
  });
  return absl::OkStatus();
}

// The greatest finite number of a floating dtype.
double Greatest(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::kFloat16:
      return 65504;
    case ir::DType::kBFloat16:
      return 0x1.FEp127;
    case ir::DType::kFloat32:
      return std::numeric_limits<float>::max();
    default:
      return std::numeric_limits<double>::max();
  }
}

absl::Status RunNanToNum(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  if (!ir::IsFloating(self.dtype)) {
    CopyDense(self, context.Out());
    return absl::OkStatus();
  }
  const double nan = context.op().FloatOr("nan", 0);
  const double high = context.op().FloatOr("posinf", Greatest(self.dtype));
  const double low = context.op().FloatOr("neginf", -Greatest(self.dtype));
  Map(context, [&](auto x) {
    const double value = static_cast<double>(x);
    return std::isnan(value) ? nan : value == kInf ? high : value == -kInf ? low : value;
  });
  return absl::OkStatus();
}

absl::Status RunGlu(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const Axis in = AxisOf(self.dims, context.op().Int("dim"));
  const int64_t half = in.size / 2 * in.inner;
  for (int64_t o = 0; o < in.outer; ++o) {
    for (int64_t i = 0; i < half; ++i) {
      const double a = Load<double>(self, o * 2 * half + i);
      const double b = Load<double>(self, o * 2 * half + half + i);
      Store(a / (1 + std::exp(-b)), context.Out(), o * half + i);
    }
  }
  return absl::OkStatus();
}

// Calls fn(self, target) for each pair of the broadcast operands, in row-major order.
template <typename Fn>
int64_t ForEachTarget(const KernelContext& context, Fn&& fn) {
  const ConstTensor self = context.In("self"), target = context.In("target");
  ir::Dims dims;
  ir::BroadcastDims(self.dims, target.dims, &dims);
  ForEachPair(dims, BroadcastLayout(self.dims, dims), BroadcastLayout(target.dims, dims),
              [&](int64_t a, int64_t b, int64_t n, int64_t step_a, int64_t step_b) {
                for (int64_t i = 0; i < n; ++i) {
                  fn(Load<double>(self, a + i * step_a), Load<double>(target, b + i * step_b));
                }
              });
  return Product(dims);
}

// Each loss, or their mean or sum.
template <typename Fn>
absl::Status Reduce(const KernelContext& context, Fn&& loss) {
  const int64_t reduction = context.op().Int("reduction");
  double sum = 0;
  int64_t k = 0;
  const int64_t count = ForEachTarget(context, [&](double x, double y) {
    const double value = loss(x, y, k);
    if (reduction == 0) Store(value, context.Out(), k);
    sum += value;
    ++k;
  });
  if (reduction == 1) Store(sum / static_cast<double>(count), context.Out(), 0);
  if (reduction == 2) Store(sum, context.Out(), 0);
  return absl::OkStatus();
}

absl::Status RunMseLoss(const KernelContext& context) {
  return Reduce(context, [](double x, double y, int64_t) { return (x - y) * (x - y); });
}

absl::Status RunSmoothL1Loss(const KernelContext& context) {
  const double beta = context.op().Float("beta");
  return Reduce(context, [&](double x, double y, int64_t) {
    const double d = std::abs(x - y);
    return d < beta ? d * d / (2 * beta) : d - beta / 2;
  });
}

absl::Status RunHuberLoss(const KernelContext& context) {
  const double delta = context.op().Float("delta");
  return Reduce(context, [&](double x, double y, int64_t) {
    const double d = std::abs(x - y);
    return d <= delta ? d * d / 2 : delta * (d - delta / 2);
  });
}

absl::Status RunSoftMarginLoss(const KernelContext& context) {
  // Eager's steps are ops of their own: each rounds to the dtype, and may overflow there.
  const ir::DType dtype = context.Out().dtype;
  const auto rounded = [&](double value) {
    double result = value;
    VisitElement(dtype, [&](auto tag) {
      result = Convert<double>(Convert<decltype(tag)>(Convert<Wide<decltype(tag)>>(value)));
    });
    return result;
  };
  return Reduce(context, [&](double x, double y, int64_t) {
    return std::log1p(rounded(std::exp(rounded(-y * x))));
  });
}

absl::Status RunBinaryCrossEntropy(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const bool weighted = context.op().Has("weight");
  const ConstTensor weight = weighted ? context.In("weight") : ConstTensor();
  const Layout layout = weighted ? BroadcastLayout(weight.dims, self.dims) : Layout();
  const ir::Dims strides = ir::ContiguousStrides(self.dims);
  const int64_t total = self.NumElements();
  for (int64_t i = 0; i < total; ++i) {
    const double x = Load<double>(self, i);
    if (!(x >= 0 && x <= 1)) return context.Error("self must be between 0 and 1");
  }
  return Reduce(context, [&](double x, double y, int64_t k) {
    double factor = 1;
    if (weighted) {
      int64_t at = 0;
      for (size_t d = 0; d < strides.size(); ++d) {
        at += k / strides[d] * layout.strides[d];
        k %= strides[d];
      }
      factor = Load<double>(weight, at);
    }
    const auto log = [](double value) { return std::max(std::log(value), -100.0); };
    return -factor * (y * log(x) + (1 - y) * log(1 - x));
  });
}

std::vector<Kernel> Functions() {
  return {
      FloatKernel<InDouble<Lgamma>>("aten::lgamma"),
      FloatKernel<InDouble<Digamma>>("aten::digamma"),
      FloatKernel<InDouble<ErfInv>>("aten::erfinv"),
      FloatKernel<InDouble<BesselI0>>("aten::i0"),
      FloatKernel<InDouble<BesselI1>>("aten::special_i1"),
      FloatKernel<InDouble<Entropy>>("aten::special_entr"),
      FloatKernel<Sinc>("aten::sinc"),
      {"aten::logit", RunLogit},
      {"aten::nan_to_num", RunNanToNum},
      PointwiseKernel<IsInfinity<-1>, ComputeIn::kOperands>("aten::isneginf"),
      PointwiseKernel<IsInfinity<1>, ComputeIn::kOperands>("aten::isposinf"),
      PointwiseKernel<IsSigned, ComputeIn::kOperands>("aten::signbit"),
      {"aten::glu", RunGlu},
      FloatKernel<LogAddExp>("aten::logaddexp"),
      FloatKernel<LogAddExp2>("aten::logaddexp2"),
      FloatKernel<CopySign>("aten::copysign.Tensor"),
      PointwiseKernel<Heaviside>("aten::heaviside"),
      FloatKernel<Hypot>("aten::hypot"),
      FloatKernel<XLogY<false>>("aten::xlogy.Tensor"),
      FloatKernel<XLogY<true>>("aten::special_xlog1py"),
      PointwiseKernel<Extreme<true, false>>("aten::fmax"),
      PointwiseKernel<Extreme<false, false>>("aten::fmin"),
      PointwiseKernel<Extreme<true, true>>("aten::clamp_min.Tensor"),
      PointwiseKernel<Extreme<false, true>>("aten::clamp_max.Tensor"),
      PointwiseKernel<Divisor<false>>("aten::gcd"),
      PointwiseKernel<Divisor<true>>("aten::lcm"),
      PointwiseKernel<Shift<true>>("aten::bitwise_left_shift.Tensor"),
      PointwiseKernel<Shift<false>>("aten::bitwise_right_shift.Tensor"),
  };
}

// The number next to x among those of a half dtype: its bits are ordered as its magnitudes are.
template <typename T>
T NextHalf(T x, T y) {
  const float from = ToFloat(x), to = ToFloat(y);
  if (std::isnan(from)) return x;
  if (std::isnan(to) || from == to) return y;
  if (from == 0) return T{static_cast<uint16_t>(to > 0 ? 1 : 0x8001)};
  const bool grows = (from < to) == (from > 0);
  return T{static_cast<uint16_t>(x.bits + (grows ? 1 : -1))};
}

absl::Status RunNextAfter(const KernelContext& context) {
  const Tensor out = context.Out();
  const ConstTensor self = context.In("self"), other = context.In("other");
  if (ir::ElementSize(out.dtype) != 2) {
    return FloatKernel<NextAfter>("aten::nextafter").run(context);
  }
  VisitElement(out.dtype, [&](auto tag) {
    using T = decltype(tag);
    if constexpr (kIsHalf<T>) {
      T* data = static_cast<T*>(out.data);
      ForEachPair(out.dims, BroadcastLayout(self.dims, out.dims),
                  BroadcastLayout(other.dims, out.dims),
                  [&](int64_t a, int64_t b, int64_t n, int64_t step_a, int64_t step_b) {
                    for (int64_t i = 0; i < n; ++i) {
                      *data++ = NextHalf(Convert<T>(Load<float>(self, a + i * step_a)),
                                         Convert<T>(Load<float>(other, b + i * step_b)));
                    }
                  });
    }
  });
  return absl::OkStatus();
}

}  // namespace

std::vector<Kernel> SpecialKernels() {
  std::vector<Kernel> kernels = Functions();
  kernels.push_back({"aten::nextafter", RunNextAfter});
  kernels.push_back({"aten::mse_loss", RunMseLoss});
  kernels.push_back({"aten::smooth_l1_loss", RunSmoothL1Loss});
  kernels.push_back({"aten::huber_loss", RunHuberLoss});
  kernels.push_back({"aten::soft_margin_loss", RunSoftMarginLoss});
  kernels.push_back({"aten::binary_cross_entropy", RunBinaryCrossEntropy});
  return kernels;
}

}  // namespace ingot::reference
