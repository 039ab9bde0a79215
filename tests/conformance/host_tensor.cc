#include "tests/conformance/host_tensor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace ingot::conformance {
namespace {

using ir::DType;

constexpr size_t kGuardBytes = 64;
constexpr uint8_t kGuard = 0xa5;

double DecodeFloat16(uint16_t bits) {
  const double sign = bits & 0x8000 ? -1 : 1;
  const int exponent = (bits >> 10) & 0x1f, mantissa = bits & 0x3ff;
  if (exponent == 31) {
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  }
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

uint16_t EncodeFloat16(double value) {
  const uint32_t bits = std::bit_cast<uint32_t>(static_cast<float>(value));
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const int exponent = static_cast<int>((bits >> 23) & 0xff) - 112;
  if (std::isnan(value)) return sign | 0x7e00;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent <= 0) return sign;
  return static_cast<uint16_t>(sign | (exponent << 10) | ((bits >> 13) & 0x3ff));
}

double DecodeBFloat16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

uint16_t EncodeBFloat16(double value) {
  if (std::isnan(value)) return 0x7fc0;
  return static_cast<uint16_t>(std::bit_cast<uint32_t>(static_cast<float>(value)) >> 16);
}

template <typename T>
T At(const void* data, int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(data) + i * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
void Put(void* data, int64_t i, T value) {
  std::memcpy(static_cast<char*>(data) + i * sizeof(T), &value, sizeof(T));
}

}  // namespace

HostTensor::HostTensor(ir::TensorType type, uint8_t fill)
    : type_(std::move(type)), strides_(ir::ContiguousStrides(type_.dims)) {
  const size_t bytes = type_.NumBytes();
  const size_t rounded = (bytes + kGuardBytes + 63) / 64 * 64;
  data_ = std::shared_ptr<void>(std::aligned_alloc(64, rounded), std::free);
  std::memset(data_.get(), fill, bytes);
  std::memset(static_cast<char*>(data_.get()) + bytes, kGuard, rounded - bytes);
}

double HostTensor::Double(int64_t i) const {
  switch (type_.dtype) {
    case DType::kFloat16:
      return DecodeFloat16(At<uint16_t>(data(), i));
    case DType::kBFloat16:
      return DecodeBFloat16(At<uint16_t>(data(), i));
    case DType::kFloat32:
    case DType::kComplex64:
      return At<float>(data(), i);
    case DType::kFloat64:
    case DType::kComplex128:
      return At<double>(data(), i);
    default:
      return static_cast<double>(Int(i));
  }
}

int64_t HostTensor::Int(int64_t i) const {
  switch (type_.dtype) {
    case DType::kBool:
    case DType::kUInt8:
      return At<uint8_t>(data(), i);
    case DType::kInt8:
      return At<int8_t>(data(), i);
    case DType::kInt16:
      return At<int16_t>(data(), i);
    case DType::kInt32:
      return At<int32_t>(data(), i);
    default:
      return At<int64_t>(data(), i);
  }
}

void HostTensor::SetDouble(int64_t i, double value) {
  switch (type_.dtype) {
    case DType::kFloat16:
      return Put(data(), i, EncodeFloat16(value));
    case DType::kBFloat16:
      return Put(data(), i, EncodeBFloat16(value));
    case DType::kFloat32:
    case DType::kComplex64:
      return Put(data(), i, static_cast<float>(value));
    case DType::kFloat64:
    case DType::kComplex128:
      return Put(data(), i, value);
    default:
      return SetInt(i, static_cast<int64_t>(value));
  }
}

void HostTensor::SetInt(int64_t i, int64_t value) {
  switch (type_.dtype) {
    case DType::kBool:
      return Put(data(), i, static_cast<uint8_t>(value != 0));
    case DType::kUInt8:
      return Put(data(), i, static_cast<uint8_t>(value));
    case DType::kInt8:
      return Put(data(), i, static_cast<int8_t>(value));
    case DType::kInt16:
      return Put(data(), i, static_cast<int16_t>(value));
    case DType::kInt32:
      return Put(data(), i, static_cast<int32_t>(value));
    case DType::kInt64:
      return Put(data(), i, value);
    default:
      return SetDouble(i, static_cast<double>(value));
  }
}

bool HostTensor::GuardIntact() const {
  const uint8_t* guard = static_cast<const uint8_t*>(data()) + type_.NumBytes();
  return std::all_of(guard, guard + kGuardBytes, [](uint8_t byte) { return byte == kGuard; });
}

bool HostTensor::SameBytes(const HostTensor& other) const {
  return type_ == other.type_ && std::memcmp(data(), other.data(), type_.NumBytes()) == 0;
}

}  // namespace ingot::conformance
