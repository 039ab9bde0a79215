// Vector functions of f32 for the target being compiled (Highway's per-target inclusion: no plain
// guard).
//
// The polynomials are minimax fits (Lawson iteration over Chebyshev points, in extended precision)
// made for these intervals; each names its own error. Every function hands NaN on.
#if defined(INGOT_BACKENDS_ONEDNN_KERNELS_F32_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef INGOT_BACKENDS_ONEDNN_KERNELS_F32_MATH_INL_H_
#undef INGOT_BACKENDS_ONEDNN_KERNELS_F32_MATH_INL_H_
#else
#define INGOT_BACKENDS_ONEDNN_KERNELS_F32_MATH_INL_H_
#endif

#include <cmath>

#include "backends/onednn/kernels/f32_tables-inl.h"
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// max/min with a bound that is not NaN; a NaN in x is kept. x86 returns the second operand if
// either is NaN.
template <class V>
HWY_INLINE V AtLeast(V x, V bound) {
#if HWY_TARGET <= HWY_AVX2
  return hn::Max(bound, x);
#else
  return hn::IfThenElse(hn::Lt(x, bound), bound, x);
#endif
}
template <class V>
HWY_INLINE V AtMost(V x, V bound) {
#if HWY_TARGET <= HWY_AVX2
  return hn::Min(bound, x);
#else
  return hn::IfThenElse(hn::Gt(x, bound), bound, x);
#endif
}

// PyTorch's maximum and minimum: NaN if either is.
template <class V>
HWY_INLINE V MaxNan(V a, V b) {
  return hn::IfThenElse(hn::IsNaN(a), a, AtLeast(b, a));
}
template <class V>
HWY_INLINE V MinNan(V a, V b) {
  return hn::IfThenElse(hn::IsNaN(a), a, AtMost(b, a));
}

// c0 + x * (c1 + x * (…)).
template <class D, class V>
HWY_INLINE V Horner(D d, V, float c) {
  return hn::Set(d, c);
}
template <class D, class V, class... Rest>
HWY_INLINE V Horner(D d, V x, float c, float next, Rest... rest) {
  return hn::MulAdd(Horner(d, x, next, rest...), x, hn::Set(d, c));
}

// A whole number in [-2^21, 2^21], as such and, in the low bits, as an integer. Made by adding a
// number whose last bit is worth 1, since a conversion has to look after overflow.
template <class D, class V>
struct Whole {
  V value, shifted;
};

inline constexpr float kWholeShift = 12582912.0f;  // 1.5 * 2^23

// x * factor, rounded to the nearest.
template <class D, class V>
HWY_INLINE Whole<D, V> RoundProduct(D d, V x, float factor) {
  const V shift = hn::Set(d, kWholeShift);
  const V shifted = hn::MulAdd(x, hn::Set(d, factor), shift);
  return {hn::Sub(shifted, shift), shifted};
}

// 2^n for n in [-126, 127].
template <class D, class V>
HWY_INLINE V Pow2(D d, const Whole<D, V>& n) {
  const hn::RebindToSigned<D> di;
  return hn::BitCast(
      d, hn::Add(hn::ShiftLeft<23>(hn::BitCast(di, n.shifted)), hn::BitCast(di, hn::Set(d, 1.0f))));
}

// y * 2^n for n in [-150, 128], y near 1; rounds once into the denormals where the hardware can.
template <class D, class V>
HWY_INLINE V ScaleByPow2(D d, V y, const Whole<D, V>& n) {
#if HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(V) == 64) return V{_mm512_scalef_ps(y.raw, n.value.raw)};
#endif
  const hn::RebindToSigned<D> di;
  const auto ni = hn::Sub(hn::BitCast(di, n.shifted), hn::BitCast(di, hn::Set(d, kWholeShift)));
  const auto half = hn::ShiftRight<1>(ni);
  const auto one = hn::BitCast(di, hn::Set(d, 1.0f));
  const auto low = hn::BitCast(d, hn::Add(hn::ShiftLeft<23>(half), one));
  const auto high = hn::BitCast(d, hn::Add(hn::ShiftLeft<23>(hn::Sub(ni, half)), one));
  return hn::Mul(hn::Mul(y, low), high);
}

// Splits x in n = round(x / ln 2) and f = x - n ln 2 (Cody and Waite's two constants), |f| <=
// 0.3466.
template <class D, class V>
HWY_INLINE V ReduceByLn2(D d, V x, Whole<D, V>& n) {
  n = RoundProduct(d, x, 1.44269504f);
  const V f = hn::NegMulAdd(n.value, hn::Set(d, 0.693359375f), x);
  return hn::NegMulAdd(n.value, hn::Set(d, -2.12194440e-4f), f);
}

// exp(f) - 1 on |f| <= 0.3475; relative error 1.4e-8.
template <class D, class V>
HWY_INLINE V Expm1Reduced(D d, V f) {
  const V q = Horner(d, f, 5.000000063e-01f, 1.666654171e-01f, 4.166627804e-02f, 8.366755589e-03f,
                     1.394674794e-03f);
  return hn::MulAdd(hn::Mul(f, f), q, f);
}

// exp for x in [-104, 89]. <= 1.1 ulp for normal results, 1 ulp of the denormal grid below.
template <class D, class V>
HWY_INLINE V ExpBounded(D d, V x) {
#if HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(V) == 64) return V{ExpByTable(x.raw)};
#endif
  Whole<D, V> n;
  const V f = ReduceByLn2(d, x, n);
  return ScaleByPow2(d, hn::Add(hn::Set(d, 1.0f), Expm1Reduced(d, f)), n);
}

// As accurate.
template <class D, class V>
HWY_INLINE V ExpF32(D d, V x) {
  return ExpBounded(d, AtMost(AtLeast(x, hn::Set(d, -104.0f)), hn::Set(d, 89.0f)));
}

// y * 2^n for n in [-126, 0], or 0 where `vanishes`; NaN in y stays NaN. Never makes a denormal,
// which some processors handle slowly.
template <class D, class V>
HWY_INLINE V FlushedScale(D d, V y, const Whole<D, V>& n, hn::Mask<D> vanishes) {
#if HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(V) == 64) {
    return hn::IfThenZeroElse(vanishes, V{_mm512_scalef_ps(y.raw, n.value.raw)});
  }
#endif
  return hn::IfThenZeroElse(vanishes, hn::Mul(y, Pow2(d, n)));
}

// exp for x <= 0 (or NaN); results below 2^-126 become 0. For softmax, where those vanish in the
// sum.
template <class D, class V>
HWY_INLINE V ExpNonPositive(D d, V x) {
  const V clamped = AtLeast(x, hn::Set(d, -88.0f));
#if HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(V) == 64) {
    return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.3f)), V{ExpByTable(clamped.raw)});
  }
#endif
  Whole<D, V> n;
  const V f = ReduceByLn2(d, clamped, n);
  const V y = hn::Add(hn::Set(d, 1.0f), Expm1Reduced(d, f));
  return FlushedScale(d, y, n, hn::Lt(x, hn::Set(d, -87.3f)));
}

// 2^x for x <= 0 (or NaN), 0 below 2^-126; relative error 3e-9 beside the rounding of x.
template <class D, class V>
HWY_INLINE V Exp2NonPositive(D d, V x) {
  const V clamped = AtLeast(x, hn::Set(d, -126.0f));
#if HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(V) == 64) {
    return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -126.0f)), V{Exp2ByTable(clamped.raw)});
  }
#endif
  const Whole<D, V> n = RoundProduct(d, clamped, 1.0f);
  const V f = hn::Sub(clamped, n.value);
  const V y = Horner(d, f, 1.0f, 6.931472029e-01f, 2.402264791e-01f, 5.550332471e-02f,
                     9.618437358e-03f, 1.339887441e-03f, 1.535336191e-04f);
  return FlushedScale(d, y, n, hn::Lt(x, hn::Set(d, -126.0f)));
}

// <= 0.8 ulp; log(0) = -inf, log(x < 0) = NaN.
template <class D, class V>
HWY_INLINE V LogF32(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V tiny = hn::Set(d, 1.17549435e-38f);
  const auto denormal = hn::Lt(x, tiny);
  const V scaled = hn::IfThenElse(denormal, hn::Mul(x, hn::Set(d, 8388608.0f)), x);
  // Exponent so that the mantissa falls into [sqrt(1/2), sqrt(2)).
  const auto bits = hn::BitCast(di, scaled);
  const auto offset = hn::Sub(bits, hn::Set(di, 0x3f3504f3));
  const auto e = hn::ShiftRight<23>(offset);
  const V m = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(e)));
  V ef = hn::ConvertTo(d, e);
  ef = hn::IfThenElse(denormal, hn::Sub(ef, hn::Set(d, 23.0f)), ef);
  const V f = hn::Sub(m, hn::Set(d, 1.0f));
  const V f2 = hn::Mul(f, f);
  // (log1p(f) - f + f^2/2) / f^3; error of log1p 7.5e-10 relative.
  const V p = Horner(d, f, 3.333331260e-01f, -2.500000960e-01f, 2.000211866e-01f, -1.666799586e-01f,
                     1.421955238e-01f, -1.240558888e-01f, 1.188816210e-01f, -1.167565197e-01f,
                     6.746641040e-02f);
  V y = hn::Mul(hn::Mul(f, f2), p);
  y = hn::MulAdd(ef, hn::Set(d, -2.12194440e-4f), y);
  y = hn::NegMulAdd(f2, hn::Set(d, 0.5f), y);
  y = hn::Add(y, f);
  y = hn::MulAdd(ef, hn::Set(d, 0.693359375f), y);
  const V inf = hn::Inf(d);
  y = hn::IfThenElse(hn::Eq(x, inf), inf, y);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(inf), y);
  y = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::NaN(d), y);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// A function as above / below, below in [1, 2], for those who divide once for several.
template <class V>
struct Quotient {
  V above, below;
};

// tanh(|x|) = -u / (2 + u) with u = exp(-2|x|) - 1, which keeps small |x| exact.
template <class D, class V>
HWY_INLINE Quotient<V> TanhQuotient(D d, V x) {
  const V a = hn::Neg(hn::Abs(x));
  const V x2 = AtLeast(hn::Add(a, a), hn::Set(d, -19.0f));
  // n is in [-28, 0]: one constant for ln 2 is enough.
  const Whole<D, V> n = RoundProduct(d, x2, 1.44269504f);
  const V f = hn::NegMulAdd(n.value, hn::Set(d, 0.693147181f), x2);
  const V scale = Pow2(d, n);
  const V u = hn::MulAdd(Expm1Reduced(d, f), scale, hn::Sub(scale, hn::Set(d, 1.0f)));
  return {hn::CopySign(u, x), hn::Add(hn::Set(d, 2.0f), u)};
}

// <= 2.5 ulp.
template <class D, class V>
HWY_INLINE V TanhF32(D d, V x) {
  const Quotient<V> tanh = TanhQuotient(d, x);
  return hn::Div(tanh.above, tanh.below);
}

template <class D, class V>
HWY_INLINE Quotient<V> SigmoidQuotient(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V e = ExpBounded(d, AtLeast(hn::Neg(hn::Abs(x)), hn::Set(d, -104.0f)));
  const V numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one);
  return {numerator, hn::Add(one, e)};
}

// <= 2.5 ulp, also for the denormal results of very negative x.
template <class D, class V>
HWY_INLINE V Sigmoid(D d, V x) {
  const Quotient<V> sigmoid = SigmoidQuotient(d, x);
  return hn::Div(sigmoid.above, sigmoid.below);
}

template <class D, class V>
HWY_INLINE V Silu(D d, V x) {
  return hn::Mul(x, Sigmoid(d, x));
}

// <= 2.3 ulp. Below 1: an odd polynomial. Above: 1 - 2^r(|x|), r = log2 erfc.
template <class D, class V>
HWY_INLINE V ErfF32(D d, V x) {
  const V a = hn::Abs(x);
#if HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(V) == 64) {
    return hn::CopySign(V{ErfByTable(AtMost(a, hn::Set(d, 3.99f)).raw)}, x);
  }
#endif
  const V s = hn::Mul(x, x);
  const V small =
      hn::Mul(x, Horner(d, s, 1.128379166e+00f, -3.761262583e-01f, 1.128358517e-01f,
                        -2.685381251e-02f, 5.188328634e-03f, -8.010201130e-04f, 7.853884239e-05f));
  const V t = AtMost(a, hn::Set(d, 4.0f));
  const V r = Horner(d, t, -3.699739323e-04f, -1.626532019e+00f, -9.198624218e-01f,
                     -1.494154344e-01f, 3.181430375e-02f, -4.327421555e-03f, 2.762819683e-04f);
  const V large = hn::CopySign(hn::Sub(hn::Set(d, 1.0f), Exp2NonPositive(d, r)), x);
  return hn::IfThenElse(hn::Lt(a, hn::Set(d, 1.0f)), small, large);
}

// x * Phi(x). AVX-512: Phi by table, with an error of 7e-8. Else Phi(-t) = 2^(t P(t)) / 2 =
// erfc(t / sqrt 2) / 2 for t >= 0, of error 1.6e-8. P's last coefficient is negative: Phi(-t)
// vanishes for large t by itself.
template <class D, class V>
HWY_INLINE V GeluErf(D d, V x) {
#if HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(V) == 64) {
    const V half = V{PhiByTable(AtMost(hn::Abs(x), hn::Set(d, 5.81f)).raw)};
    return hn::Mul(x, hn::Add(hn::CopySign(half, x), hn::Set(d, 0.5f)));
  }
#endif
  const V t = AtMost(hn::Abs(x), hn::Set(d, 15.0f));
  const V r = hn::Mul(
      t, Horner(d, t, -1.151105205e+00f, -4.592081967e-01f, -5.249617834e-02f, 7.063420117e-03f,
                -1.369363635e-04f, -1.861802431e-04f, 3.937769158e-05f, -2.834912831e-06f));
  const V tail = hn::Mul(hn::Set(d, 0.5f), Exp2NonPositive(d, r));
  const V phi = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(hn::Set(d, 1.0f), tail));
  return hn::Mul(x, phi);
}

// 0.5 x (1 + tanh u) = x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3).
template <class D, class V>
HWY_INLINE V GeluTanh(D d, V x) {
  const V x2 = hn::Mul(x, x);
  const V u2 = hn::Mul(x, hn::MulAdd(x2, hn::Set(d, -7.13548163e-2f), hn::Set(d, -1.59576912f)));
  return hn::Div(x, hn::Add(hn::Set(d, 1.0f), ExpF32(d, u2)));
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_F32_MATH_INL_H_
