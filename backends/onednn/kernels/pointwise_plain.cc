// Loops of pointwise programs for f64, i64, i32 and bool, and for the f32 ops that go to libm.
// Exact integer semantics (wrap-around), no vectors of our own.
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "backends/onednn/kernels/pointwise_kernels.h"
#include "backends/onednn/kernels/special_functions.h"

namespace ingot::kernels::internal {
namespace {

using Im = PwImmediates;

template <class T>
inline constexpr bool kIsFp = std::is_floating_point_v<T>;
template <class T>
inline constexpr bool kIsInt = std::is_same_v<T, int64_t> || std::is_same_v<T, int32_t>;
// bool is stored as uint8_t with 0 or 1.
template <class T>
inline constexpr bool kIsBool = std::is_same_v<T, uint8_t>;
template <class T>
inline constexpr bool kIsNum = kIsFp<T> || kIsInt<T>;
template <class T>
inline constexpr bool kIsBits = kIsInt<T> || kIsBool<T>;
template <class T>
inline constexpr bool kIsAny = kIsNum<T> || kIsBool<T>;

// Signed overflow wraps, as in PyTorch.
template <class T, class F>
T Wrapping(T a, T b, F f) {
  if constexpr (kIsInt<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b)));
  } else {
    return f(a, b);
  }
}

template <class T>
T Immediate(double value) {
  if constexpr (kIsInt<T>) {
    if (value >= static_cast<double>(std::numeric_limits<T>::max())) {
      return std::numeric_limits<T>::max();
    }
    if (value <= static_cast<double>(std::numeric_limits<T>::min())) {
      return std::numeric_limits<T>::min();
    }
  }
  return static_cast<T>(value);
}

template <class T>
T Remainder(T a, T b) {
  if constexpr (kIsInt<T>) {
    if (b == 0 || b == -1) return 0;
    const T r = a % b;
    return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
  } else {
    const T r = std::fmod(a, b);
    return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
  }
}

template <class T>
T DivTrunc(T a, T b) {
  if constexpr (kIsInt<T>) {
    if (b == 0) return 0;
    if (b == -1) return Wrapping(T{0}, a, [](auto x, auto y) { return x - y; });
    return a / b;
  } else {
    return std::trunc(a / b);
  }
}

// Floats as Python's float.__floordiv__: by fmod, so that the quotient is not rounded across an
// integer.
template <class T>
T DivFloor(T a, T b) {
  if constexpr (kIsInt<T>) {
    const T q = DivTrunc(a, b);
    if (b == 0 || b == -1) return q;
    return a % b != 0 && ((a < 0) != (b < 0)) ? q - 1 : q;
  } else {
    if (b == 0) return a / b;
    const T mod = std::fmod(a, b);
    T q = (a - mod) / b;
    if (mod != 0 && ((b < 0) != (mod < 0))) q -= 1;
    if (q == 0) return std::copysign(T{0}, a / b);
    const T floor = std::floor(q);
    return q - floor > T{0.5} ? floor + 1 : floor;
  }
}

template <class T>
T IntegerPow(T base, T exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
    return 0;
  }
  using U = std::make_unsigned_t<T>;
  U result = 1;
  for (U b = static_cast<U>(base), e = static_cast<U>(exponent); e != 0; e >>= 1, b *= b) {
    if (e & 1) result *= b;
  }
  return static_cast<T>(result);
}

// Of magnitudes, as PyTorch's; the least number is its own.
template <class T>
T Gcd(T a, T b) {
  using U = std::make_unsigned_t<T>;
  U x = a < 0 ? U{0} - static_cast<U>(a) : static_cast<U>(a);
  U y = b < 0 ? U{0} - static_cast<U>(b) : static_cast<U>(b);
  while (x != 0) {
    const U rest = y % x;
    y = x;
    x = rest;
  }
  return static_cast<T>(y);
}

template <class T>
T Lcm(T a, T b) {
  const T divisor = Gcd(a, b);
  if (divisor == 0) return 0;
  const T product = Wrapping(static_cast<T>(a / divisor), b, [](auto x, auto y) { return x * y; });
  return product < 0 ? Wrapping(T{0}, product, [](auto x, auto y) { return x - y; }) : product;
}

template <class T>
T ShiftLeft(T a, T b) {
  using U = std::make_unsigned_t<T>;
  constexpr U kBits = sizeof(T) * 8;
  return static_cast<U>(b) >= kBits ? T{0} : static_cast<T>(static_cast<U>(a) << b);
}

template <class T>
T ShiftRight(T a, T b) {
  using U = std::make_unsigned_t<T>;
  constexpr U kBits = sizeof(T) * 8;
  return a >> (static_cast<U>(b) >= kBits - 1 ? static_cast<T>(kBits - 1) : b);
}

template <class T>
T Pow(T a, T b) {
  if constexpr (kIsInt<T>) {
    return IntegerPow(a, b);
  } else {
    return std::pow(a, b);
  }
}

template <class T>
T PowScalar(T x, double exponent) {
  if (exponent == 2) return Wrapping(x, x, [](auto a, auto b) { return a * b; });
  if constexpr (kIsInt<T>) {
    return IntegerPow(x, Immediate<T>(exponent));
  } else {
    if (exponent == 3) return x * x * x;
    if (exponent == 0.5) return std::sqrt(x);
    if (exponent == -0.5) return T{1} / std::sqrt(x);
    if (exponent == -1) return T{1} / x;
    if (exponent == -2) return T{1} / (x * x);
    return std::pow(x, static_cast<T>(exponent));
  }
}

template <class T>
T Minimum(T a, T b) {
  if constexpr (kIsFp<T>) {
    if (std::isnan(a)) return a;
    if (std::isnan(b)) return b;
  }
  return b < a ? b : a;
}

template <class T>
T Maximum(T a, T b) {
  if constexpr (kIsFp<T>) {
    if (std::isnan(a)) return a;
    if (std::isnan(b)) return b;
  }
  return a < b ? b : a;
}

// A NaN in x fails both comparisons and is kept.
template <class T>
T Clamp(T x, T low, T high) {
  const T raised = x < low ? low : x;
  return raised > high ? high : raised;
}

template <class T>
T Elu(T x, const Im& im) {
  return x > 0 ? static_cast<T>(im.q) * x
               : static_cast<T>(im.p) * std::expm1(static_cast<T>(im.r) * x);
}

template <class T>
T Softplus(T x, const Im& im) {
  const T z = x * static_cast<T>(im.p);
  if (z > static_cast<T>(im.q)) return x;
  return std::log1p(std::exp(z)) / static_cast<T>(im.p);
}

template <class T>
T GeluTanh(T x) {
  const T u = T{0.79788456080286535588} * (x + T{0.044715} * x * x * x);
  return T{0.5} * x * (1 + std::tanh(u));
}

// Ops as types: kApplies<T> says for which element type, Call computes one element.
#define INGOT_OP1(Name, condition, expression)             \
  struct Name {                                            \
    template <class T>                                     \
    static constexpr bool kApplies = condition<T>;         \
    template <class T>                                     \
    static auto Call(T x, [[maybe_unused]] const Im& im) { \
      return expression;                                   \
    }                                                      \
  };
#define INGOT_OP2(Name, condition, expression)     \
  struct Name {                                    \
    template <class T>                             \
    static constexpr bool kApplies = condition<T>; \
    template <class T>                             \
    static auto Call(T a, T b, const Im&) {        \
      return expression;                           \
    }                                              \
  };
#define INGOT_OP3(Name, condition, expression)                       \
  struct Name {                                                      \
    template <class T>                                               \
    static constexpr bool kApplies = condition<T>;                   \
    template <class T>                                               \
    static auto Call(T a, T b, T c, [[maybe_unused]] const Im& im) { \
      return expression;                                             \
    }                                                                \
  };
#define INGOT_WRAPPING(a, b, op) \
  Wrapping(static_cast<T>(a), static_cast<T>(b), [](auto u, auto v) { return u op v; })

INGOT_OP2(AddOp, kIsNum, INGOT_WRAPPING(a, b, +))
INGOT_OP2(SubOp, kIsNum, INGOT_WRAPPING(a, b, -))
INGOT_OP2(MulOp, kIsNum, INGOT_WRAPPING(a, b, *))
INGOT_OP2(DivOp, kIsFp, a / b)
INGOT_OP2(DivFloorOp, kIsNum, DivFloor(a, b))
INGOT_OP2(DivTruncOp, kIsNum, DivTrunc(a, b))
INGOT_OP2(RemainderOp, kIsNum, Remainder(a, b))
INGOT_OP2(PowOp, kIsNum, Pow(a, b))
INGOT_OP2(Atan2Op, kIsFp, std::atan2(a, b))
INGOT_OP2(MinimumOp, kIsAny, Minimum(a, b))
INGOT_OP2(MaximumOp, kIsAny, Maximum(a, b))
INGOT_OP2(EqOp, kIsAny, static_cast<uint8_t>(a == b))
INGOT_OP2(NeOp, kIsAny, static_cast<uint8_t>(a != b))
INGOT_OP2(LtOp, kIsAny, static_cast<uint8_t>(a < b))
INGOT_OP2(LeOp, kIsAny, static_cast<uint8_t>(a <= b))
INGOT_OP2(GtOp, kIsAny, static_cast<uint8_t>(a > b))
INGOT_OP2(GeOp, kIsAny, static_cast<uint8_t>(a >= b))
INGOT_OP2(AndOp, kIsBits, static_cast<T>(a& b))
INGOT_OP2(OrOp, kIsBits, static_cast<T>(a | b))
INGOT_OP2(XorOp, kIsBits, static_cast<T>(a ^ b))
INGOT_OP2(CopysignOp, kIsFp, std::copysign(a, b))
INGOT_OP2(HypotOp, kIsFp, std::hypot(a, b))
INGOT_OP2(NextafterOp, kIsFp, std::nextafter(a, b))
INGOT_OP2(GcdOp, kIsInt, Gcd(a, b))
INGOT_OP2(LcmOp, kIsInt, Lcm(a, b))
INGOT_OP2(ShiftLeftOp, kIsInt, ShiftLeft(a, b))
INGOT_OP2(ShiftRightOp, kIsInt, ShiftRight(a, b))

struct FmodOp {
  template <class T>
  static constexpr bool kApplies = kIsNum<T>;
  template <class T>
  static T Call(T a, T b, const Im&) {
    if constexpr (kIsInt<T>) {
      return b == 0 || b == -1 ? 0 : a % b;
    } else {
      return std::fmod(a, b);
    }
  }
};

struct NotOp {
  template <class T>
  static constexpr bool kApplies = kIsBits<T>;
  template <class T>
  static T Call(T x, const Im&) {
    if constexpr (kIsBool<T>) {
      return x == 0;
    } else {
      return ~x;
    }
  }
};

struct AbsOp {
  template <class T>
  static constexpr bool kApplies = kIsNum<T>;
  template <class T>
  static T Call(T x, const Im&) {
    if constexpr (kIsInt<T>) {
      return x < 0 ? INGOT_WRAPPING(0, x, -) : x;
    } else {
      return std::abs(x);
    }
  }
};

struct NegOp {
  template <class T>
  static constexpr bool kApplies = kIsNum<T>;
  template <class T>
  static T Call(T x, const Im&) {
    if constexpr (kIsInt<T>) {
      return INGOT_WRAPPING(0, x, -);
    } else {
      return -x;
    }
  }
};

INGOT_OP1(SignOp, kIsNum, static_cast<T>((x > 0) - (x < 0)))
INGOT_OP1(SquareOp, kIsNum, INGOT_WRAPPING(x, x, *))
INGOT_OP1(ExpOp, kIsFp, std::exp(x))
INGOT_OP1(Expm1Op, kIsFp, std::expm1(x))
INGOT_OP1(Exp2Op, kIsFp, std::exp2(x))
INGOT_OP1(LogOp, kIsFp, std::log(x))
INGOT_OP1(Log1pOp, kIsFp, std::log1p(x))
INGOT_OP1(Log2Op, kIsFp, std::log2(x))
INGOT_OP1(Log10Op, kIsFp, std::log10(x))
INGOT_OP1(SqrtOp, kIsFp, std::sqrt(x))
INGOT_OP1(RsqrtOp, kIsFp, T{1} / std::sqrt(x))
INGOT_OP1(ReciprocalOp, kIsFp, T{1} / x)
INGOT_OP1(SinOp, kIsFp, std::sin(x))
INGOT_OP1(CosOp, kIsFp, std::cos(x))
INGOT_OP1(TanOp, kIsFp, std::tan(x))
INGOT_OP1(AsinOp, kIsFp, std::asin(x))
INGOT_OP1(AcosOp, kIsFp, std::acos(x))
INGOT_OP1(AtanOp, kIsFp, std::atan(x))
INGOT_OP1(SinhOp, kIsFp, std::sinh(x))
INGOT_OP1(CoshOp, kIsFp, std::cosh(x))
INGOT_OP1(AsinhOp, kIsFp, std::asinh(x))
INGOT_OP1(AcoshOp, kIsFp, std::acosh(x))
INGOT_OP1(AtanhOp, kIsFp, std::atanh(x))
INGOT_OP1(TanhOp, kIsFp, std::tanh(x))
INGOT_OP1(ErfOp, kIsFp, std::erf(x))
INGOT_OP1(ErfcOp, kIsFp, std::erfc(x))
INGOT_OP1(SigmoidOp, kIsFp, T{1} / (T{1} + std::exp(-x)))
INGOT_OP1(ReluOp, kIsNum, x < 0 ? T{0} : x)
INGOT_OP1(Relu6Op, kIsNum, Clamp(x, T{0}, T{6}))
INGOT_OP1(SiluOp, kIsFp, x / (T{1} + std::exp(-x)))
INGOT_OP1(GeluErfOp, kIsFp, T{0.5} * x * (1 + std::erf(x * T{0.70710678118654752440})))
INGOT_OP1(GeluTanhOp, kIsFp, GeluTanh(x))
INGOT_OP1(MishOp, kIsFp, x* std::tanh(std::log1p(std::exp(x))))
INGOT_OP1(HardswishOp, kIsFp, x* Clamp(x + T{3}, T{0}, T{6}) / T{6})
INGOT_OP1(HardsigmoidOp, kIsFp, Clamp(x + T{3}, T{0}, T{6}) / T{6})
INGOT_OP1(FloorOp, kIsFp, std::floor(x))
INGOT_OP1(CeilOp, kIsFp, std::ceil(x))
INGOT_OP1(RoundOp, kIsFp, std::nearbyint(x))
INGOT_OP1(TruncOp, kIsFp, std::trunc(x))
INGOT_OP1(IsNanOp, kIsFp, static_cast<uint8_t>(std::isnan(x)))
INGOT_OP1(IsInfOp, kIsFp, static_cast<uint8_t>(std::isinf(x)))
INGOT_OP1(IsFiniteOp, kIsFp, static_cast<uint8_t>(std::isfinite(x)))
// In double: the formulas lose a few digits on the way.
INGOT_OP1(LgammaOp, kIsFp, static_cast<T>(LogGamma(x)))
INGOT_OP1(DigammaOp, kIsFp, static_cast<T>(Digamma(x)))
INGOT_OP1(ErfinvOp, kIsFp, static_cast<T>(ErfInverse(x)))
INGOT_OP1(I0Op, kIsFp, static_cast<T>(BesselI0(x)))
INGOT_OP1(I1Op, kIsFp, static_cast<T>(BesselI1(x)))
INGOT_OP1(LeakyReluOp, kIsFp, x > 0 ? x : x * static_cast<T>(im.p))
INGOT_OP1(EluOp, kIsFp, Elu(x, im))
INGOT_OP1(SoftplusOp, kIsFp, Softplus(x, im))
INGOT_OP1(ClampOp, kIsNum, Clamp(x, Immediate<T>(im.p), Immediate<T>(im.q)))
INGOT_OP1(PowScalarOp, kIsNum, PowScalar(x, im.p))
INGOT_OP3(FmaOp, kIsFp, std::fma(a, b, c))

template <class Op, class T>
void Loop1(const void* a, const void*, const void*, void* out, int64_t n, const Im& im) {
  const T* x = static_cast<const T*>(a);
  auto* y = static_cast<decltype(Op::Call(T{}, im))*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = Op::Call(x[i], im);
}

template <class Op, class T>
void Loop2(const void* a, const void* b, const void*, void* out, int64_t n, const Im& im) {
  const T* xa = static_cast<const T*>(a);
  const T* xb = static_cast<const T*>(b);
  auto* y = static_cast<decltype(Op::Call(T{}, T{}, im))*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = Op::Call(xa[i], xb[i], im);
}

template <class Op, class T>
void Loop3(const void* a, const void* b, const void* c, void* out, int64_t n, const Im& im) {
  const T* xa = static_cast<const T*>(a);
  const T* xb = static_cast<const T*>(b);
  const T* xc = static_cast<const T*>(c);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = Op::Call(xa[i], xb[i], xc[i], im);
}

template <class T>
void LoopWhere(const void* a, const void* b, const void* c, void* out, int64_t n, const Im&) {
  const uint8_t* condition = static_cast<const uint8_t*>(a);
  const T* xb = static_cast<const T*>(b);
  const T* xc = static_cast<const T*>(c);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = condition[i] != 0 ? xb[i] : xc[i];
}

// Columns of the table: f32 f64 i64 i32 bool.
constexpr int kColumns = 5;

int Column(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return 0;
    case DType::kFloat64:
      return 1;
    case DType::kInt64:
      return 2;
    case DType::kInt32:
      return 3;
    case DType::kBool:
      return 4;
    default:
      return -1;
  }
}

struct Table {
  PwKernel kernels[static_cast<int>(PwOp::kCount)][kColumns] = {};

  template <class Op, class T>
  static PwKernel Kernel() {
    if constexpr (!Op::template kApplies<T>) {
      return nullptr;
    } else if constexpr (requires(T x, const Im& im) { Op::Call(x, im); }) {
      return Loop1<Op, T>;
    } else if constexpr (requires(T x, const Im& im) { Op::Call(x, x, im); }) {
      return Loop2<Op, T>;
    } else {
      return Loop3<Op, T>;
    }
  }

  template <class Op>
  void Add(PwOp op) {
    PwKernel* row = kernels[static_cast<int>(op)];
    row[0] = Kernel<Op, float>();
    row[1] = Kernel<Op, double>();
    row[2] = Kernel<Op, int64_t>();
    row[3] = Kernel<Op, int32_t>();
    row[4] = Kernel<Op, uint8_t>();
  }

  Table() {
    AddBinary();
    AddUnary();
    Add<FmaOp>(PwOp::kFma);
    PwKernel* where = kernels[static_cast<int>(PwOp::kWhere)];
    where[0] = LoopWhere<float>;
    where[1] = LoopWhere<double>;
    where[2] = LoopWhere<int64_t>;
    where[3] = LoopWhere<int32_t>;
    where[4] = LoopWhere<uint8_t>;
  }

  void AddBinary() {
    Add<AddOp>(PwOp::kAdd);
    Add<SubOp>(PwOp::kSub);
    Add<MulOp>(PwOp::kMul);
    Add<DivOp>(PwOp::kDiv);
    Add<DivFloorOp>(PwOp::kDivFloor);
    Add<DivTruncOp>(PwOp::kDivTrunc);
    Add<RemainderOp>(PwOp::kRemainder);
    Add<FmodOp>(PwOp::kFmod);
    Add<MinimumOp>(PwOp::kMinimum);
    Add<MaximumOp>(PwOp::kMaximum);
    Add<PowOp>(PwOp::kPow);
    Add<Atan2Op>(PwOp::kAtan2);
    Add<EqOp>(PwOp::kEq);
    Add<NeOp>(PwOp::kNe);
    Add<LtOp>(PwOp::kLt);
    Add<LeOp>(PwOp::kLe);
    Add<GtOp>(PwOp::kGt);
    Add<GeOp>(PwOp::kGe);
    Add<AndOp>(PwOp::kAnd);
    Add<OrOp>(PwOp::kOr);
    Add<XorOp>(PwOp::kXor);
    Add<CopysignOp>(PwOp::kCopysign);
    Add<HypotOp>(PwOp::kHypot);
    Add<NextafterOp>(PwOp::kNextafter);
    Add<GcdOp>(PwOp::kGcd);
    Add<LcmOp>(PwOp::kLcm);
    Add<ShiftLeftOp>(PwOp::kShiftLeft);
    Add<ShiftRightOp>(PwOp::kShiftRight);
  }

  void AddUnary() {
    Add<NegOp>(PwOp::kNeg);
    Add<AbsOp>(PwOp::kAbs);
    Add<SignOp>(PwOp::kSign);
    Add<NotOp>(PwOp::kNot);
    Add<SquareOp>(PwOp::kSquare);
    Add<ExpOp>(PwOp::kExp);
    Add<Expm1Op>(PwOp::kExpm1);
    Add<Exp2Op>(PwOp::kExp2);
    Add<LogOp>(PwOp::kLog);
    Add<Log1pOp>(PwOp::kLog1p);
    Add<Log2Op>(PwOp::kLog2);
    Add<Log10Op>(PwOp::kLog10);
    Add<SqrtOp>(PwOp::kSqrt);
    Add<RsqrtOp>(PwOp::kRsqrt);
    Add<ReciprocalOp>(PwOp::kReciprocal);
    Add<SinOp>(PwOp::kSin);
    Add<CosOp>(PwOp::kCos);
    Add<TanOp>(PwOp::kTan);
    Add<AsinOp>(PwOp::kAsin);
    Add<AcosOp>(PwOp::kAcos);
    Add<AtanOp>(PwOp::kAtan);
    Add<SinhOp>(PwOp::kSinh);
    Add<CoshOp>(PwOp::kCosh);
    Add<AsinhOp>(PwOp::kAsinh);
    Add<AcoshOp>(PwOp::kAcosh);
    Add<AtanhOp>(PwOp::kAtanh);
    Add<TanhOp>(PwOp::kTanh);
    Add<ErfOp>(PwOp::kErf);
    Add<ErfcOp>(PwOp::kErfc);
    Add<SigmoidOp>(PwOp::kSigmoid);
    Add<ReluOp>(PwOp::kRelu);
    Add<Relu6Op>(PwOp::kRelu6);
    Add<SiluOp>(PwOp::kSilu);
    Add<GeluErfOp>(PwOp::kGeluErf);
    Add<GeluTanhOp>(PwOp::kGeluTanh);
    Add<MishOp>(PwOp::kMish);
    Add<HardswishOp>(PwOp::kHardswish);
    Add<HardsigmoidOp>(PwOp::kHardsigmoid);
    Add<FloorOp>(PwOp::kFloor);
    Add<CeilOp>(PwOp::kCeil);
    Add<RoundOp>(PwOp::kRound);
    Add<TruncOp>(PwOp::kTrunc);
    Add<IsNanOp>(PwOp::kIsNan);
    Add<IsInfOp>(PwOp::kIsInf);
    Add<IsFiniteOp>(PwOp::kIsFinite);
    Add<LgammaOp>(PwOp::kLgamma);
    Add<DigammaOp>(PwOp::kDigamma);
    Add<ErfinvOp>(PwOp::kErfinv);
    Add<I0Op>(PwOp::kI0);
    Add<I1Op>(PwOp::kI1);
    Add<LeakyReluOp>(PwOp::kLeakyRelu);
    Add<EluOp>(PwOp::kElu);
    Add<SoftplusOp>(PwOp::kSoftplus);
    Add<ClampOp>(PwOp::kClamp);
    Add<PowScalarOp>(PwOp::kPowScalar);
  }
};

}  // namespace

PwKernel FindPlainKernel(PwOp op, DType dtype) {
  static const Table* const table = new Table();
  const int column = Column(dtype);
  return column < 0 ? nullptr : table->kernels[static_cast<int>(op)][column];
}

}  // namespace ingot::kernels::internal
