// Conversions between element types, and fills.
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "backends/onednn/kernels/pointwise_kernels.h"

namespace ingot::kernels::internal {
namespace {

// Storage of bool and of the two 16-bit floats; Wide() is what arithmetic sees.
struct Bool {
  uint8_t bits;
  float Wide() const { return bits != 0 ? 1.0f : 0.0f; }
};

struct BFloat16 {
  uint16_t bits;
  float Wide() const {
    const uint32_t wide = static_cast<uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &wide, sizeof(value));
    return value;
  }
  static BFloat16 Round(float value) {
    if (std::isnan(value)) return {0x7fc0};
    uint32_t wide;
    std::memcpy(&wide, &value, sizeof(wide));
    return {static_cast<uint16_t>((wide + 0x7fff + ((wide >> 16) & 1)) >> 16)};
  }
};

struct Float16 {
  _Float16 value;
  float Wide() const { return static_cast<float>(value); }
};

template <class T>
auto Wide(T value) {
  if constexpr (requires { value.Wide(); }) {
    return value.Wide();
  } else {
    return value;
  }
}

// Truncates; out of range and NaN give the least value, what x86's own conversion does.
template <class To, class From>
To ToInteger(From value) {
  using Limits = std::numeric_limits<To>;
  constexpr From kEnd = static_cast<From>(Limits::max() / 2 + 1) * 2;
  if (!(value >= static_cast<From>(Limits::min()) && value < kEnd)) return Limits::min();
  return static_cast<To>(value);
}

template <class To, class From>
To Convert(From stored) {
  const auto value = Wide(stored);
  using Value = std::remove_const_t<decltype(value)>;
  if constexpr (std::is_same_v<To, Bool>) {
    return {static_cast<uint8_t>(value != 0)};
  } else if constexpr (std::is_same_v<To, BFloat16>) {
    return BFloat16::Round(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, Float16>) {
    return {static_cast<_Float16>(static_cast<float>(value))};
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<Value>) {
    if constexpr (sizeof(To) >= 4) {
      return ToInteger<To>(value);
    } else {
      return static_cast<To>(ToInteger<int64_t>(value));
    }
  } else {
    return static_cast<To>(value);
  }
}

template <class From, class To>
void ConvertLoop(const void* a, const void*, const void*, void* out, int64_t n,
                 const PwImmediates&) {
  const From* x = static_cast<const From*>(a);
  To* y = static_cast<To*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = Convert<To>(x[i]);
}

constexpr int kStorageTypes = 10;

// In the order of DType, complex left out.
template <class From>
constexpr std::array<PwKernel, kStorageTypes> ConversionsFrom() {
  return {ConvertLoop<From, Bool>,    ConvertLoop<From, uint8_t>,  ConvertLoop<From, int8_t>,
          ConvertLoop<From, int16_t>, ConvertLoop<From, int32_t>,  ConvertLoop<From, int64_t>,
          ConvertLoop<From, Float16>, ConvertLoop<From, BFloat16>, ConvertLoop<From, float>,
          ConvertLoop<From, double>};
}

template <class T>
void FillLoop(const void* a, const void*, const void*, void* out, int64_t n, const PwImmediates&) {
  T value;
  std::memcpy(&value, a, sizeof(T));
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = value;
}

}  // namespace

PwKernel FindCastKernel(DType from, DType to) {
  static constexpr std::array<std::array<PwKernel, kStorageTypes>, kStorageTypes> kTable = {
      ConversionsFrom<Bool>(),    ConversionsFrom<uint8_t>(),  ConversionsFrom<int8_t>(),
      ConversionsFrom<int16_t>(), ConversionsFrom<int32_t>(),  ConversionsFrom<int64_t>(),
      ConversionsFrom<Float16>(), ConversionsFrom<BFloat16>(), ConversionsFrom<float>(),
      ConversionsFrom<double>()};
  const size_t row = static_cast<size_t>(from);
  const size_t column = static_cast<size_t>(to);
  return row < kStorageTypes && column < kStorageTypes ? kTable[row][column] : nullptr;
}

PwKernel FindFillKernel(int element_size) {
  switch (element_size) {
    case 1:
      return FillLoop<uint8_t>;
    case 2:
      return FillLoop<uint16_t>;
    case 4:
      return FillLoop<uint32_t>;
    case 8:
      return FillLoop<uint64_t>;
    default:
      return nullptr;
  }
}

}  // namespace ingot::kernels::internal
