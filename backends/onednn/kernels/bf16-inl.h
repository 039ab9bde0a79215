// f32 rounded to bf16, for the target being compiled.
#if defined(INGOT_BACKENDS_ONEDNN_KERNELS_BF16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef INGOT_BACKENDS_ONEDNN_KERNELS_BF16_INL_H_
#undef INGOT_BACKENDS_ONEDNN_KERNELS_BF16_INL_H_
#else
#define INGOT_BACKENDS_ONEDNN_KERNELS_BF16_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {

using Bf16Tag = hn::Rebind<uint16_t, F32Tag>;
using Bf16 = hn::Vec<Bf16Tag>;  // bits

// To nearest even, NaN quiet, subnormal numbers to 0: what products make of them anyway, and what
// the CPU's own instruction gives, where it has one.
struct RoundByArithmetic {
  static HWY_INLINE Bf16 Round(F32 v) {
    constexpr hn::RebindToUnsigned<F32Tag> kBits;
    const auto bits = hn::BitCast(kBits, v);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(kBits, 1u));
    auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(kBits, 0x7fffu)));
    const auto is_number = hn::Eq(v, v);
    rounded = hn::IfThenElse(hn::RebindMask(kBits, is_number), rounded,
                             hn::Or(bits, hn::Set(kBits, 0x400000u)));
    const auto exponent = hn::And(bits, hn::Set(kBits, 0x7f800000u));
    rounded = hn::IfThenElse(hn::Eq(exponent, hn::Zero(kBits)),
                             hn::And(bits, hn::Set(kBits, 0x80000000u)), rounded);
    constexpr hn::RebindToSigned<F32Tag> kSigned;
    return hn::DemoteTo(Bf16Tag(), hn::BitCast(kSigned, hn::ShiftRight<16>(rounded)));
  }
};
#if HWY_TARGET <= HWY_AVX3
// REQUIRES: AVX512-BF16. No target of this Highway includes it; the instruction as such can be
// written nevertheless.
struct RoundByInstruction {
  static HWY_INLINE Bf16 Round(F32 v) {
    Bf16 rounded;
    asm("vcvtneps2bf16 %1, %0" : "=v"(rounded.raw) : "v"(v.raw));
    return rounded;
  }
};
#endif

HWY_INLINE void StoreBf16(Bf16 v, BFloat16* to) {
  hn::StoreU(v, Bf16Tag(), reinterpret_cast<uint16_t*>(to));
}

// The first `count` (< kF32Lanes) alone.
HWY_INLINE void StoreBf16Part(Bf16 v, BFloat16* to, size_t count) {
  HWY_ALIGN uint16_t lanes[kF32Lanes];
  hn::Store(v, Bf16Tag(), lanes);
  std::memcpy(static_cast<void*>(to), lanes, count * sizeof(BFloat16));
}

// A vector of results as they are stored, f32 or rounded; `at`: WholeVector or PartVector.
template <class Rounding = RoundByArithmetic, class Access>
HWY_INLINE void StoreResult(const Access& at, F32 v, float* to) {
  at.Store(v, to);
}
template <class Rounding = RoundByArithmetic>
HWY_INLINE void StoreResult(WholeVector, F32 v, BFloat16* to) {
  StoreBf16(Rounding::Round(v), to);
}
template <class Rounding = RoundByArithmetic>
HWY_INLINE void StoreResult(PartVector at, F32 v, BFloat16* to) {
  StoreBf16Part(Rounding::Round(v), to, at.count);
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_BF16_INL_H_
