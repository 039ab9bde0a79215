#include "backends/onednn/number.h"

#include <cstring>

#include "backends/onednn/kernels/elements.h"

namespace ingot::onednn {
namespace {

template <class V>
NumberBytes Stored(V value, ir::DType dtype) {
  NumberBytes bytes{};
  kernels::VisitElement(dtype, [&](auto element) {
    using T = decltype(element);
    const T typed = static_cast<T>(static_cast<kernels::Compute<T>>(value));
    std::memcpy(bytes.data(), &typed, sizeof(typed));
  });
  return bytes;
}

}  // namespace

NumberBytes BytesOf(double value, ir::DType dtype) { return Stored(value, dtype); }

std::optional<NumberBytes> BytesOf(const ir::Argument& argument, ir::DType dtype) {
  const std::optional<double> number = LiteralNumber(argument);
  if (!number || (ir::IsComplex(dtype) && *number != 0)) return std::nullopt;
  // Integers beyond 2^53 keep all digits.
  const auto* integer = std::get_if<int64_t>(&argument);
  return integer != nullptr ? Stored(*integer, dtype) : Stored(*number, dtype);
}

std::optional<double> LiteralNumber(const ir::Argument& argument) {
  if (const auto* i = std::get_if<int64_t>(&argument)) return static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(&argument)) return *d;
  if (const auto* b = std::get_if<bool>(&argument)) return *b ? 1.0 : 0.0;
  return std::nullopt;
}

}  // namespace ingot::onednn
