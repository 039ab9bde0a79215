#include "tools/ingot/elements.h"

#include <bit>
#include <cstring>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/strided_copy.h"
#include "core/plugin/tensor.h"

namespace ingot::tools {
namespace {

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

// Calls `fn` with a value of the C++ type that stores an element of `dtype`.
template <typename Fn>
auto DispatchDType(ir::DType dtype, Fn&& fn) {
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
      return fn(Half{});
    case ir::DType::kBFloat16:
      return fn(BFloat16{});
    case ir::DType::kFloat32:
      return fn(float{});
    case ir::DType::kFloat64:
      return fn(double{});
    case ir::DType::kComplex64:
      return fn(std::complex<float>{});
    case ir::DType::kComplex128:
      break;
  }
  return fn(std::complex<double>{});
}

template <typename T>
inline constexpr bool kIsComplex =
    std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>;

template <typename To, typename From>
To Convert(From value) {
  if constexpr (std::is_same_v<From, Half>) {
    return To(HalfToFloat(value.bits));
  } else if constexpr (std::is_same_v<From, BFloat16>) {
    return To(BFloat16ToFloat(value.bits));
  } else if constexpr (std::is_same_v<To, Half>) {
    return Half{FloatToHalf(Convert<float>(value))};
  } else if constexpr (std::is_same_v<To, BFloat16>) {
    return BFloat16{FloatToBFloat16(Convert<float>(value))};
  } else if constexpr (kIsComplex<From> && !kIsComplex<To>) {
    return static_cast<To>(value.real());
  } else if constexpr (kIsComplex<From> && kIsComplex<To>) {
    return To(static_cast<typename To::value_type>(value.real()),
              static_cast<typename To::value_type>(value.imag()));
  } else if constexpr (kIsComplex<To>) {
    return To(static_cast<typename To::value_type>(value));
  } else {
    return static_cast<To>(value);
  }
}

template <typename To>
std::vector<To> Elements(const ingot_tensor& tensor) {
  const std::string bytes = RowMajorBytes(tensor);
  return DispatchDType(TypeOf(tensor).dtype, [&](auto element) {
    using From = decltype(element);
    std::vector<To> out;
    out.reserve(bytes.size() / sizeof(From));
    for (size_t i = 0; i < bytes.size(); i += sizeof(From)) {
      std::memcpy(&element, bytes.data() + i, sizeof(From));
      out.push_back(Convert<To>(element));
    }
    return out;
  });
}

template <typename From>
void Store(const ingot_tensor& tensor, int64_t index, From value) {
  DispatchDType(TypeOf(tensor).dtype, [&](auto element) {
    using To = decltype(element);
    element = Convert<To>(value);
    std::memcpy(plugin::TensorData<char>(tensor) + index * static_cast<int64_t>(sizeof(To)),
                &element, sizeof(To));
  });
}

std::vector<std::string> ElementTexts(const ingot_tensor& tensor) {
  const ir::DType dtype = TypeOf(tensor).dtype;
  std::vector<std::string> texts;
  if (ir::IsComplex(dtype)) {
    for (const std::complex<double> c : ElementsAsComplex(tensor)) {
      texts.push_back(absl::StrFormat("%.6g%+.6gj", c.real(), c.imag()));
    }
  } else if (ir::IsFloating(dtype)) {
    for (const double d : ElementsAsDouble(tensor)) texts.push_back(absl::StrFormat("%.6g", d));
  } else if (dtype == ir::DType::kBool) {
    for (const int64_t i : ElementsAsInt(tensor)) texts.push_back(i != 0 ? "true" : "false");
  } else {
    for (const int64_t i : ElementsAsInt(tensor)) texts.push_back(absl::StrCat(i));
  }
  return texts;
}

// Elements shown at each end of a dimension of an abridged tensor.
constexpr int64_t kEdge = 3;

void AppendText(const std::vector<std::string>& texts, const ir::Dims& dims, size_t dim,
                int64_t first, int64_t stride, bool abridge, std::string& out) {
  if (dim == dims.size()) {
    out += texts[first];
    return;
  }
  const int64_t size = dims[dim];
  const int64_t inner = size > 0 ? stride / size : 0;
  out += '[';
  for (int64_t i = 0; i < size; ++i) {
    if (i > 0) out += ", ";
    if (abridge && i == kEdge && size > 2 * kEdge) {
      out += "..., ";
      i = size - kEdge;
    }
    AppendText(texts, dims, dim + 1, first + i * inner, inner, abridge, out);
  }
  out += ']';
}

}  // namespace

float HalfToFloat(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000u} << 16;
  const uint32_t exponent = (bits >> 10) & 0x1fu;
  const uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide_exponent = exponent == 0x1f ? 0xffu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide_exponent << 23) | (mantissa << 13));
}

uint16_t FloatToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u;   // NaN
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // rounds to 65536 or more: infinity
  if (magnitude < 0x38800000u) {
    // Below 2^-14: adding 0.5 leaves the result in units of 2^-24 in the low bits, rounded by the
    // hardware.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(shifted) - 0x3f000000u);
  }
  const uint32_t rebased = magnitude - ((127u - 15u) << 23);
  return sign | static_cast<uint16_t>((rebased + 0xfffu + ((rebased >> 13) & 1u)) >> 13);
}

uint16_t FloatToBFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

ir::TensorType TypeOf(const ingot_tensor& tensor) {
  const absl::Span<const int64_t> dims = plugin::TensorDims(tensor);
  return {*plugin::TensorDType(tensor), ir::Dims(dims.begin(), dims.end())};
}

std::string RowMajorBytes(const ingot_tensor& tensor) {
  const ir::TensorType type = TypeOf(tensor);
  std::string bytes(type.NumBytes(), '\0');
  if (!bytes.empty()) {
    StridedCopy(type.dims, ir::ElementSize(type.dtype), plugin::TensorData(tensor),
                plugin::TensorStrides(tensor), bytes.data(), ir::ContiguousStrides(type.dims));
  }
  return bytes;
}

std::vector<double> ElementsAsDouble(const ingot_tensor& tensor) {
  return Elements<double>(tensor);
}

std::vector<std::complex<double>> ElementsAsComplex(const ingot_tensor& tensor) {
  return Elements<std::complex<double>>(tensor);
}

std::vector<int64_t> ElementsAsInt(const ingot_tensor& tensor) { return Elements<int64_t>(tensor); }

void StoreElement(const ingot_tensor& tensor, int64_t index, std::complex<double> value) {
  Store(tensor, index, value);
}

void StoreElement(const ingot_tensor& tensor, int64_t index, int64_t value) {
  Store(tensor, index, value);
}

std::string ElementsText(const ingot_tensor& tensor, int64_t limit) {
  const ir::TensorType type = TypeOf(tensor);
  const int64_t count = type.NumElements();
  std::string out;
  AppendText(ElementTexts(tensor), type.dims, 0, 0, count, count > limit, out);
  return out;
}

}  // namespace ingot::tools
