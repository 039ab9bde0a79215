// Loads and stores of the last, short vector of a run of f32, for the target being compiled. Never
// touches memory beyond `count` elements, on any target.
#if defined(INGOT_BACKENDS_ONEDNN_KERNELS_F32_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef INGOT_BACKENDS_ONEDNN_KERNELS_F32_LANES_INL_H_
#undef INGOT_BACKENDS_ONEDNN_KERNELS_F32_LANES_INL_H_
#else
#define INGOT_BACKENDS_ONEDNN_KERNELS_F32_LANES_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32Tag = hn::ScalableTag<float>;
using F32 = hn::Vec<F32Tag>;
inline constexpr F32Tag kTag;
inline constexpr size_t kF32Lanes = hn::MaxLanes(kTag);
inline constexpr int64_t kN = kF32Lanes;  // as what places and distances are counted in

// The lanes from `count` (< kF32Lanes) on are 0.
HWY_INLINE F32 LoadPart(const float* p, size_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
  alignas(64) float buffer[kF32Lanes] = {};
  std::memcpy(buffer, p, count * sizeof(float));
  return hn::Load(kTag, buffer);
#else
  return hn::MaskedLoad(hn::FirstN(kTag, count), kTag, p);
#endif
}

HWY_INLINE void StorePart(F32 v, float* p, size_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
  alignas(64) float buffer[kF32Lanes];
  hn::Store(v, kTag, buffer);
  std::memcpy(p, buffer, count * sizeof(float));
#else
  hn::BlendedStore(v, hn::FirstN(kTag, count), kTag, p);
#endif
}

// How a loop body reaches the vector at a pointer: a whole one, or the short one at the end of a
// run.
struct WholeVector {
  static constexpr bool kWhole = true;
  HWY_INLINE F32 Load(const float* p) const { return hn::LoadU(kTag, p); }
  HWY_INLINE void Store(F32 v, float* p) const { hn::StoreU(v, kTag, p); }
  // v, with `other` in the lanes beyond the run.
  HWY_INLINE F32 Or(F32 v, F32) const { return v; }
};

struct PartVector {
  static constexpr bool kWhole = false;
  size_t count;
  HWY_INLINE F32 Load(const float* p) const { return LoadPart(p, count); }
  HWY_INLINE void Store(F32 v, float* p) const { StorePart(v, p, count); }
  HWY_INLINE F32 Or(F32 v, F32 other) const {
    return hn::IfThenElse(hn::FirstN(kTag, count), v, other);
  }
};

// Calls body(access, i, accumulator) for vectors at i = 0, lanes, 2 lanes, … with one of four
// accumulators in turn, so that sums neither wait for each other nor depend on anything but n.
template <class Body>
HWY_INLINE void ForEachVector(int64_t n, F32 (&accumulators)[4], const Body& body) {
  int64_t i = 0;
  for (; i + 4 * kN <= n; i += 4 * kN) {
    body(WholeVector(), i, accumulators[0]);
    body(WholeVector(), i + kN, accumulators[1]);
    body(WholeVector(), i + 2 * kN, accumulators[2]);
    body(WholeVector(), i + 3 * kN, accumulators[3]);
  }
  for (; i + kN <= n; i += kN) body(WholeVector(), i, accumulators[0]);
  if (i < n) body(PartVector{static_cast<size_t>(n - i)}, i, accumulators[1]);
}

HWY_INLINE float SumAll(const F32 (&a)[4]) {
  return hn::GetLane(hn::SumOfLanes(kTag, hn::Add(hn::Add(a[0], a[1]), hn::Add(a[2], a[3]))));
}

HWY_INLINE float MaxAll(const F32 (&a)[4]) {
  return hn::GetLane(hn::MaxOfLanes(kTag, hn::Max(hn::Max(a[0], a[1]), hn::Max(a[2], a[3]))));
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_F32_LANES_INL_H_
