// Functions of f32 by table for AVX-512, where a register holds 16 entries and one instruction
// looks them all up (Highway's per-target inclusion: no plain guard).
//
// An interval's polynomial in the distance from its middle; coefficients are minimax fits (Lawson
// iteration over Chebyshev points), rounded one after another, each fit knowing the rounded ones.
#if defined(INGOT_BACKENDS_ONEDNN_KERNELS_F32_TABLES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef INGOT_BACKENDS_ONEDNN_KERNELS_F32_TABLES_INL_H_
#undef INGOT_BACKENDS_ONEDNN_KERNELS_F32_TABLES_INL_H_
#else
#define INGOT_BACKENDS_ONEDNN_KERNELS_F32_TABLES_INL_H_
#endif

#include "hwy/highway.h"

#if HWY_TARGET <= HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {

// Adding 1.5 * 2^23 / s rounds to multiples of 1 / s, and leaves that multiple in the low bits.
inline constexpr float kRoundToWhole = 12582912.0f;
inline constexpr float kRoundToSixteenths = 786432.0f;

// erf(33 i / 128 + u).
alignas(64) inline constexpr float kErfTable[6][16] = {
    {0, 2.845914364e-01f, 5.341230035e-01f, 7.259598374e-01f, 8.552718163e-01f, 9.316980839e-01f,
     9.713020921e-01f, 9.892958999e-01f, 9.964637756e-01f, 9.989671111e-01f, 9.997336864e-01f,
     9.999394417e-01f, 9.999878407e-01f, 9.999978542e-01f, 9.999996424e-01f, 9.999999404e-01f},
    {1.128379107e+00f, 1.055817127e+00f, 8.649470806e-01f, 6.203798652e-01f, 3.895767629e-01f,
     2.141882777e-01f, 1.031016335e-01f, 4.345129058e-02f, 1.603271440e-02f, 5.179390777e-03f,
     1.464932342e-03f, 3.627635597e-04f, 7.864968939e-05f, 1.492923820e-05f, 2.481107003e-06f,
     3.610111605e-07f},
    {0, -2.722004652e-01f, -4.459675848e-01f, -4.798213840e-01f, -4.017547667e-01f,
     -2.761094868e-01f, -1.594868302e-01f, -7.841176540e-02f, -3.307914734e-02f, -1.200728957e-02f,
     -3.786142217e-03f, -1.028989092e-03f, -2.296705061e-04f, -4.680393613e-05f, 3.350662155e-06f,
     5.440424502e-06f},
    {-3.760939538e-01f, -3.051749766e-01f, -1.349845082e-01f, 4.060885310e-02f, 1.463447958e-01f,
     1.658761799e-01f, 1.301035136e-01f, 7.986141741e-02f, 4.012372717e-02f, 1.686361805e-02f,
     6.002911367e-03f, 1.824012841e-03f, 4.755966947e-04f, 1.068078273e-04f, 2.071682138e-05f,
     3.477806558e-06f},
    {0, 1.292546988e-01f, 1.814047694e-01f, 1.436455250e-01f, 5.880925432e-02f, -1.406951062e-02f,
     -4.708791524e-02f, -4.606514424e-02f, -2.966763265e-02f, -1.624130830e-02f, -5.958105437e-03f,
     -2.252237173e-03f, -1.482967404e-03f, -3.591683053e-04f, -7.740550209e-04f, -4.169268941e-04f},
    {1.104452536e-01f, 7.910938561e-02f, 1.381535665e-03f, -5.608302727e-02f, -6.773092598e-02f,
     -4.190703481e-02f, -9.836534970e-03f, 9.039406665e-03f, 1.295151375e-02f, 9.374955669e-03f,
     4.898535553e-03f, 2.012956887e-03f, 6.747159641e-04f, 1.884011872e-04f, 4.431743582e-05f,
     8.853368854e-06f},
};
// Phi(3 i / 8 + u) - 1/2.
alignas(64) inline constexpr float kPhiTable[6][16] = {
    {0, 1.461697668e-01f, 2.733726501e-01f, 3.697054684e-01f, 4.331927896e-01f, 4.696036279e-01f,
     4.877755344e-01f, 4.956675470e-01f, 4.986501038e-01f, 4.996309280e-01f, 4.999115765e-01f,
     4.999814630e-01f, 4.999966025e-01f, 4.999994636e-01f, 4.999999106e-01f, 5.000000000e-01f},
    {3.989422917e-01f, 3.718550801e-01f, 3.011374474e-01f, 2.118766457e-01f, 1.295175999e-01f,
     6.878627837e-02f, 3.173965216e-02f, 1.272418164e-02f, 4.431848414e-03f, 1.341118827e-03f,
     3.525956708e-04f, 8.054044883e-05f, 1.598374183e-05f, 2.755942660e-06f, 4.128471005e-07f,
     5.373232526e-08f},
    {0, -6.972149760e-02f, -1.129253358e-01f, -1.191766039e-01f, -9.713654965e-02f,
     -6.448575109e-02f, -3.570925072e-02f, -1.669963636e-02f, -6.648116745e-03f, -2.264477778e-03f,
     -6.596394232e-04f, -1.660121634e-04f, -3.599542470e-05f, -8.424284715e-06f, 1.923626087e-06f,
     -2.238595243e-06f},
    {-6.649214774e-02f, -5.325897038e-02f, -2.195927501e-02f, 9.379509836e-03f, 2.698211186e-02f,
     2.883986942e-02f, 2.149049006e-02f, 1.249238010e-02f, 5.909187719e-03f, 2.322509652e-03f,
     7.676130626e-04f, 2.149742941e-04f, 5.127425175e-05f, 1.045473800e-05f, 1.827156893e-06f,
     2.742779373e-07f},
    {0, 1.648708247e-02f, 2.280045301e-02f, 1.706559584e-02f, 6.047310308e-03f, -2.761186799e-03f,
     -6.041501183e-03f, -5.428247154e-03f, -3.317964962e-03f, -1.551208785e-03f, -6.560613983e-04f,
     -1.991133176e-04f, -5.157542910e-05f, 3.658641435e-05f, -8.762364450e-05f, 5.887370207e-05f},
    {9.982055984e-03f, 6.687589455e-03f, -1.093119572e-04f, -5.240550730e-03f, -5.832151510e-03f,
     -3.282356774e-03f, -4.741923476e-04f, 9.565713699e-04f, 1.103377552e-03f, 7.200911059e-04f,
     3.435120743e-04f, 1.288491476e-04f, 3.937234578e-05f, 9.939803022e-06f, 2.101899554e-06f,
     3.748768904e-07f},
};
// 2^(i / 16).
alignas(64) inline constexpr float kExp2Table[16] = {
    1.000000000e+00f, 1.044273734e+00f, 1.090507746e+00f, 1.138788581e+00f,
    1.189207077e+00f, 1.241857767e+00f, 1.296839595e+00f, 1.354255557e+00f,
    1.414213538e+00f, 1.476826191e+00f, 1.542210817e+00f, 1.610490322e+00f,
    1.681792855e+00f, 1.756252170e+00f, 1.834008098e+00f, 1.915206552e+00f};

HWY_INLINE __m512 LookUp(const float (&table)[16], __m512 low_bits) {
  return _mm512_permutexvar_ps(_mm512_castps_si512(low_bits), _mm512_load_ps(table));
}

// The table's function at a in [0, 15.5 * width]; NaN is handed on.
HWY_INLINE __m512 PolynomialByTable(const float (&table)[6][16], float width, __m512 a) {
  const __m512 whole = _mm512_set1_ps(kRoundToWhole);
  const __m512 i = _mm512_fmadd_ps(a, _mm512_set1_ps(1.0f / width), whole);
  const __m512 u = _mm512_fnmadd_ps(_mm512_sub_ps(i, whole), _mm512_set1_ps(width), a);
  __m512 p = LookUp(table[5], i);
  p = _mm512_fmadd_ps(p, u, LookUp(table[4], i));
  p = _mm512_fmadd_ps(p, u, LookUp(table[3], i));
  p = _mm512_fmadd_ps(p, u, LookUp(table[2], i));
  p = _mm512_fmadd_ps(p, u, LookUp(table[1], i));
  return _mm512_fmadd_ps(p, u, LookUp(table[0], i));
}

// Splits x in n, a multiple of 1/16 that is returned, and x = n ln 2 + f. `scale` is 2^(n - floor
// n).
HWY_INLINE __m512 ReduceByTable(__m512 x, __m512& f, __m512& scale) {
  const __m512 sixteenths = _mm512_set1_ps(kRoundToSixteenths);
  const __m512 i = _mm512_fmadd_ps(x, _mm512_set1_ps(1.44269504f), sixteenths);
  const __m512 n = _mm512_sub_ps(i, sixteenths);
  f = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  f = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), f);
  scale = LookUp(kExp2Table, i);
  return n;
}

// e^f scale for |f| <= ln 2 / 32; relative error of e^f 5e-9.
HWY_INLINE __m512 ScaledExp(__m512 f, __m512 scale) {
  const __m512 q =
      _mm512_fmadd_ps(f, _mm512_set1_ps(1.6667065e-01f), _mm512_set1_ps(5.0000995e-01f));
  const __m512 expm1 = _mm512_fmadd_ps(_mm512_mul_ps(f, f), q, f);
  return _mm512_fmadd_ps(expm1, scale, scale);
}

// x in [-104, 89]; <= 1.1 ulp for normal results.
HWY_INLINE __m512 ExpByTable(__m512 x) {
  __m512 f, scale;
  const __m512 n = ReduceByTable(x, f, scale);
  return _mm512_scalef_ps(ScaledExp(f, scale), n);  // takes the floor of n
}

// 2^x for x in [-126, 0].
HWY_INLINE __m512 Exp2ByTable(__m512 x) {
  const __m512 sixteenths = _mm512_set1_ps(kRoundToSixteenths);
  const __m512 i = _mm512_add_ps(x, sixteenths);
  const __m512 n = _mm512_sub_ps(i, sixteenths);
  const __m512 f = _mm512_sub_ps(x, n);
  const __m512 scale = LookUp(kExp2Table, i);
  __m512 p = _mm512_fmadd_ps(f, _mm512_set1_ps(5.550325e-02f), _mm512_set1_ps(2.4023354e-01f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.931472e-01f));
  return _mm512_scalef_ps(_mm512_fmadd_ps(_mm512_mul_ps(p, f), scale, scale), n);
}

// erf(a) for a in [0, 3.99]; <= 2.3 ulp.
HWY_INLINE __m512 ErfByTable(__m512 a) { return PolynomialByTable(kErfTable, 33.0f / 128, a); }
// The normal distribution's Phi(a) - 1/2 for a in [0, 5.81]; error 2.5e-8.
HWY_INLINE __m512 PhiByTable(__m512 a) { return PolynomialByTable(kPhiTable, 0.375f, a); }

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();
#endif  // HWY_TARGET <= HWY_AVX3

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_F32_TABLES_INL_H_
