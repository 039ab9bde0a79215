// Elements of tensors as C++ types, for loops that are written once for all dtypes.
//
//   bool known = VisitElement(dtype, [&](auto element) {
//     using T = decltype(element);                     // float, double, int64_t, …, bool
//     static_cast<T*>(out)[i] = static_cast<T>(Compute<T>(a) + Compute<T>(b));
//   });
//
// Halves are computed in float and rounded to nearest even when stored, as in PyTorch.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_ELEMENTS_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_ELEMENTS_H_

#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/ir/dtype.h"

namespace ingot::kernels {

class BFloat16 {
 public:
  BFloat16() = default;
  BFloat16(float value) {  // NOLINT: converts as the other element types do
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    bits_ =
        static_cast<uint16_t>(value != value ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
  operator float() const {  // NOLINT
    const uint32_t bits = static_cast<uint32_t>(bits_) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }

 private:
  uint16_t bits_ = 0;
};

using Float16 = _Float16;

template <class T>
inline constexpr bool kIsHalf = std::is_same_v<T, BFloat16> || std::is_same_v<T, Float16>;
template <class T>
inline constexpr bool kIsFloating = std::is_floating_point_v<T> || kIsHalf<T>;

// The type in which elements of type T are computed with.
template <class T>
using Compute = std::conditional_t<kIsHalf<T>, float, T>;

template <class T>
bool IsNan(T value) {
  if constexpr (kIsFloating<T>) {
    return std::isnan(static_cast<Compute<T>>(value));
  } else {
    return false;
  }
}

// Calls f with an element of the C++ type of `dtype`; false, without a call, for complex ones.
template <class F>
bool VisitElement(ir::DType dtype, const F& f) {
  switch (dtype) {
    case ir::DType::kBool:
      return f(bool{}), true;
    case ir::DType::kUInt8:
      return f(uint8_t{}), true;
    case ir::DType::kInt8:
      return f(int8_t{}), true;
    case ir::DType::kInt16:
      return f(int16_t{}), true;
    case ir::DType::kInt32:
      return f(int32_t{}), true;
    case ir::DType::kInt64:
      return f(int64_t{}), true;
    case ir::DType::kFloat16:
      return f(Float16{}), true;
    case ir::DType::kBFloat16:
      return f(BFloat16{}), true;
    case ir::DType::kFloat32:
      return f(float{}), true;
    case ir::DType::kFloat64:
      return f(double{}), true;
    default:
      return false;
  }
}

// The same for elements that are only moved: an unsigned integer (or a pair) of that size.
template <class F>
void VisitSize(size_t element_size, const F& f) {
  switch (element_size) {
    case 1:
      return f(uint8_t{});
    case 2:
      return f(uint16_t{});
    case 4:
      return f(uint32_t{});
    case 8:
      return f(uint64_t{});
    default:
      return f(std::complex<double>{});
  }
}

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_ELEMENTS_H_
