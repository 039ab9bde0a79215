// Element types: storage types of the two half formats, and conversions that mean what eager's
// mean.
//
//   VisitElement(dtype, [&](auto tag) { using T = decltype(tag); … });   // complex dtypes: not
//   visited
//
// A kernel computes in the *wide* type of a dtype: int64_t for integers and bools, float for f16,
// bf16 and f32, double for f64. Conversions: IEEE 754 round to nearest even; floats to integers
// truncate and, out of range, give what x86 gives (the least integer, then its low bits); anything
// but zero is true. Thread-safe (no state).
#ifndef INGOT_BACKENDS_REFERENCE_ELEMENT_H_
#define INGOT_BACKENDS_REFERENCE_ELEMENT_H_

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/ir/dtype.h"

namespace ingot::reference {

struct Float16 {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

float ToFloat(Float16 value);
Float16 ToFloat16(float value);
inline float ToFloat(BFloat16 value) { return std::bit_cast<float>(uint32_t{value.bits} << 16); }
BFloat16 ToBFloat16(float value);

template <typename T>
inline constexpr bool kIsHalf = std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

template <typename T>
using Wide = std::conditional_t<std::is_integral_v<T>, int64_t,
                                std::conditional_t<std::is_same_v<T, double>, double, float>>;

inline int64_t TruncateToInt(double value) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (!(value >= -kLimit && value < kLimit)) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(value);
}

// Any element or wide type to any other.
template <typename To, typename From>
To Convert(From value) {
  if constexpr (kIsHalf<From>) {
    return Convert<To>(ToFloat(value));
  } else if constexpr (std::is_same_v<To, Float16>) {
    return ToFloat16(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, BFloat16>) {
    return ToBFloat16(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    return static_cast<To>(TruncateToInt(value));
  } else {
    return static_cast<To>(value);
  }
}

// Calls `fn` with a value of the storage type of `dtype`.
template <typename Fn>
void VisitElement(ir::DType dtype, Fn&& fn) {
  switch (dtype) {
    case ir::DType::kBool:
      return fn(bool{});
    case ir::DType::kUInt8:
      return fn(uint8_t{});
    case ir::DType::kInt8:
      return fn(int8_t{});
    case ir::DType::kInt16:
      return fn(int16_t{});
    case ir::DType::kInt32:
      return fn(int32_t{});
    case ir::DType::kInt64:
      return fn(int64_t{});
    case ir::DType::kFloat16:
      return fn(Float16{});
    case ir::DType::kBFloat16:
      return fn(BFloat16{});
    case ir::DType::kFloat32:
      return fn(float{});
    case ir::DType::kFloat64:
      return fn(double{});
    case ir::DType::kComplex64:
    case ir::DType::kComplex128:
      return;  // refused by ReferenceBackend::Supports
  }
}

// Calls `fn` with a value of the accumulator type: double for floats, int64_t for integers and
// bools.
template <typename Fn>
auto VisitAccumulator(ir::DType dtype, Fn&& fn) {
  if (ir::IsFloating(dtype)) return fn(double{});
  return fn(int64_t{});
}

// Integer arithmetic that wraps, as eager's does.
template <typename T>
T Plus(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else {
    return a + b;
  }
}
template <typename T>
T Minus(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
  } else {
    return a - b;
  }
}
template <typename T>
T Times(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else {
    return a * b;
  }
}
template <typename T>
bool IsNan(T value) {
  if constexpr (std::is_integral_v<T>) {
    return false;
  } else {
    return std::isnan(value);
  }
}

}  // namespace ingot::reference

#endif  // INGOT_BACKENDS_REFERENCE_ELEMENT_H_
