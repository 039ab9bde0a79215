#include "frontends/pt2/const_factories.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/elements.h"

namespace ingot::pt2 {
namespace {

using ir::DType;
using ir::TensorType;

template <typename Float>
void FillSpaced(Float start, Float end, int64_t count, Float* to) {
  const Float step = count > 1 ? (end - start) / static_cast<Float>(count - 1) : Float{0};
  for (int64_t i = 0; i < count; ++i) {
    to[i] = i < count / 2 ? start + step * static_cast<Float>(i)
                          : end - step * static_cast<Float>(count - 1 - i);
  }
  if (count == 1) to[0] = start;
}

}  // namespace

absl::StatusOr<HostConstant> Filled(const TensorType& type, const Operand& value) {
  if (!IsPlain(type.dtype)) {
    // Zero is all zero bits in every dtype.
    const bool is_zero =
        value == Operand(int64_t{0}) || value == Operand(0.0) || value == Operand(false);
    if (!is_zero) {
      return absl::UnimplementedError(absl::StrCat("a constant filled with numbers of ",
                                                   ir::DTypeName(type.dtype),
                                                   " is not supported: fill float32 and convert"));
    }
    char* bytes = nullptr;
    return NewConstant(type, &bytes);
  }
  Elements elements;
  const auto count = static_cast<size_t>(type.NumElements());
  if (const auto* real = std::get_if<double>(&value)) {
    elements.floating = true;
    elements.doubles.assign(count, *real);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    elements.ints.assign(count, *integer);
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    elements.ints.assign(count, *truth ? 1 : 0);
  } else {
    return absl::UnimplementedError("a constant filled with a complex number is not supported");
  }
  return Store(type, elements);
}

absl::StatusOr<HostConstant> Counted(const TensorType& type, const Operand& start,
                                     const Operand& step) {
  if (!IsPlain(type.dtype)) {
    return absl::UnimplementedError(absl::StrCat("arange in ", ir::DTypeName(type.dtype),
                                                 " is not supported: convert from float32"));
  }
  const auto as_double = [](const Operand& operand) {
    if (const auto* real = std::get_if<double>(&operand)) return *real;
    const auto* integer = std::get_if<int64_t>(&operand);
    return integer == nullptr ? 0.0 : static_cast<double>(*integer);
  };
  const auto* first = std::get_if<int64_t>(&start);
  const auto* by = std::get_if<int64_t>(&step);
  Elements elements;
  elements.floating = first == nullptr || by == nullptr;
  for (int64_t i = 0; i < type.NumElements(); ++i) {
    if (elements.floating) {
      elements.doubles.push_back(as_double(start) + static_cast<double>(i) * as_double(step));
    } else {
      // Wraps, as eager's does.
      const uint64_t moved = static_cast<uint64_t>(i) * static_cast<uint64_t>(*by);
      elements.ints.push_back(static_cast<int64_t>(static_cast<uint64_t>(*first) + moved));
    }
  }
  return Store(type, elements);
}

absl::StatusOr<HostConstant> Spaced(const TensorType& type, double start, double end) {
  char* bytes = nullptr;
  INGOT_ASSIGN_OR_RETURN(HostConstant constant, NewConstant(type, &bytes));
  if (type.dtype == DType::kFloat32) {
    FillSpaced(static_cast<float>(start), static_cast<float>(end), type.dims[0],
               reinterpret_cast<float*>(bytes));
  } else {
    FillSpaced(start, end, type.dims[0], reinterpret_cast<double*>(bytes));
  }
  return constant;
}

}  // namespace ingot::pt2
