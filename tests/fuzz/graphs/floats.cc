#include "tests/fuzz/graphs/floats.h"

#include <algorithm>
#include <cmath>

namespace ingot::fuzz {
namespace {

// IEEE 754 bits with `fraction_bits` and the exponent range of `min_exponent` (of the least normal
// number) to -min_exponent + 1.
uint16_t ToBits(double value, int fraction_bits, int min_exponent) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const uint16_t infinity = static_cast<uint16_t>((2 * (1 - min_exponent) + 1) << fraction_bits);
  if (std::isnan(value)) return infinity | 1u << (fraction_bits - 1);
  if (std::isinf(value)) return sign | infinity;
  value = std::abs(value);
  if (value == 0) return sign;
  const int exponent = std::max(std::ilogb(value), min_exponent);
  // In units of the last place; 2^fraction_bits and more is a normal number. A carry out of the
  // fraction lands in the exponent, as it should.
  const auto units =
      static_cast<int64_t>(std::nearbyint(std::scalbn(value, fraction_bits - exponent)));
  const int64_t bits = units + (static_cast<int64_t>(exponent - min_exponent) << fraction_bits);
  return sign | (bits >= infinity ? infinity : static_cast<uint16_t>(bits));
}

}  // namespace

uint16_t ToFloat16Bits(double value) { return ToBits(value, 10, -14); }
uint16_t ToBFloat16Bits(double value) { return ToBits(static_cast<double>(value), 7, -126); }

void StoreFloat(const runtime::HostTensor& tensor, size_t i, double value) {
  switch (tensor.type().dtype) {
    case ir::DType::kFloat16:
      tensor.data<uint16_t>()[i] = ToFloat16Bits(value);
      break;
    case ir::DType::kBFloat16:
      tensor.data<uint16_t>()[i] = ToBFloat16Bits(value);
      break;
    case ir::DType::kFloat32:
      tensor.data<float>()[i] = static_cast<float>(value);
      break;
    default:
      tensor.data<double>()[i] = value;
  }
}

void StoreInt(const runtime::HostTensor& tensor, size_t i, int64_t value) {
  switch (ir::ElementSize(tensor.type().dtype)) {
    case 1:
      tensor.data<uint8_t>()[i] = static_cast<uint8_t>(value);
      break;
    case 2:
      tensor.data<uint16_t>()[i] = static_cast<uint16_t>(value);
      break;
    case 4:
      tensor.data<uint32_t>()[i] = static_cast<uint32_t>(value);
      break;
    default:
      tensor.data<int64_t>()[i] = value;
  }
}

}  // namespace ingot::fuzz
