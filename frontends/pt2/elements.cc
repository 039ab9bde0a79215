#include "frontends/pt2/elements.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace ingot::pt2 {
namespace {

using ir::DType;

template <typename T>
T At(const char* data, size_t i) {
  T value;
  std::memcpy(&value, data + i * sizeof(T), sizeof(T));
  return value;
}

// Calls `fn` with a value of the element type.
template <typename Fn>
void WithType(DType dtype, Fn fn) {
  switch (dtype) {
    case DType::kBool:
    case DType::kUInt8:
      return fn(uint8_t{});
    case DType::kInt8:
      return fn(int8_t{});
    case DType::kInt16:
      return fn(int16_t{});
    case DType::kInt32:
      return fn(int32_t{});
    case DType::kInt64:
      return fn(int64_t{});
    case DType::kFloat32:
      return fn(float{});
    default:
      return fn(double{});
  }
}

// Floating to whole as far as C++ defines it; beyond, the least number, as x86 converts.
int64_t ToInt(double value) {
  constexpr double kLimit = 9223372036854775808.0;
  if (!(value >= -kLimit && value < kLimit)) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(value);
}

}  // namespace

bool IsPlain(DType dtype) {
  return !ir::IsComplex(dtype) && dtype != DType::kFloat16 && dtype != DType::kBFloat16;
}

double Round(double value, DType dtype) {
  return dtype == DType::kFloat32 ? static_cast<double>(static_cast<float>(value)) : value;
}

Elements Load(const HostConstant& constant) {
  Elements elements;
  elements.floating = ir::IsFloating(constant.type.dtype);
  const auto count = static_cast<size_t>(constant.type.NumElements());
  WithType(constant.type.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (size_t i = 0; i < count; ++i) {
      if (elements.floating) {
        elements.doubles.push_back(static_cast<double>(At<T>(constant.data, i)));
      } else {
        elements.ints.push_back(static_cast<int64_t>(At<T>(constant.data, i)));
      }
    }
  });
  return elements;
}

absl::StatusOr<HostConstant> Store(const ir::TensorType& type, const Elements& elements) {
  char* bytes = nullptr;
  auto constant = NewConstant(type, &bytes);
  if (!constant.ok()) return constant;
  WithType(type.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (size_t i = 0; i < elements.size(); ++i) {
      T value;
      if (type.dtype == DType::kBool) {
        value =
            static_cast<T>(elements.floating ? elements.doubles[i] != 0 : elements.ints[i] != 0);
      } else if constexpr (std::is_floating_point_v<T>) {
        value = static_cast<T>(elements.floating ? elements.doubles[i]
                                                 : static_cast<double>(elements.ints[i]));
        // A double between would round twice.
        if (!elements.floating) value = static_cast<T>(elements.ints[i]);
      } else {
        value = static_cast<T>(elements.floating ? ToInt(elements.doubles[i]) : elements.ints[i]);
      }
      std::memcpy(bytes + i * sizeof(T), &value, sizeof(T));
    }
  });
  return constant;
}

Elements Broadcast(const Elements& elements, const ir::Dims& from, const ir::Dims& to) {
  if (from == to) return elements;
  const ir::Dims dense = ir::ContiguousStrides(from);
  ir::Dims strides(to.size(), 0);
  const size_t added = to.size() - from.size();
  for (size_t d = 0; d < from.size(); ++d) {
    if (from[d] != 1) strides[added + d] = dense[d];
  }
  Elements result;
  result.floating = elements.floating;
  ir::Dims index(to.size(), 0);
  int64_t position = 0;
  int64_t count = 1;
  for (const int64_t size : to) count *= size;
  for (; count > 0; --count) {
    const auto at = static_cast<size_t>(position);
    if (elements.floating) {
      result.doubles.push_back(elements.doubles[at]);
    } else {
      result.ints.push_back(elements.ints[at]);
    }
    for (size_t d = to.size(); d-- > 0;) {
      position += strides[d];
      if (++index[d] < to[d]) break;
      position -= strides[d] * to[d];
      index[d] = 0;
    }
  }
  return result;
}

}  // namespace ingot::pt2
