#include "tools/ingot/literals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "tools/ingot/elements.h"

namespace ingot::tools {
namespace {

absl::Status ErrorAt(absl::string_view literal, size_t offset, absl::string_view what) {
  constexpr size_t kShown = 60;
  const bool cut = literal.size() > kShown;
  return absl::InvalidArgumentError(absl::StrCat("tensor literal \"", literal.substr(0, kShown),
                                                 cut ? "…" : "", "\", column ", offset + 1, ": ",
                                                 what));
}

// "2x3xf32": sizes, then the dtype.
absl::StatusOr<ir::TensorType> ParseType(absl::string_view literal, absl::string_view type_text) {
  ir::TensorType type;
  size_t offset = 0;
  const std::vector<absl::string_view> parts = absl::StrSplit(type_text, 'x');
  int64_t bytes = 1;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    int64_t size = 0;
    const bool digits =
        !parts[i].empty() && std::all_of(parts[i].begin(), parts[i].end(),
                                         [](char c) { return absl::ascii_isdigit(c); });
    if (!digits || !absl::SimpleAtoi(parts[i], &size)) {
      return ErrorAt(literal, offset, absl::StrCat("\"", parts[i], "\" is not a size"));
    }
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes) ||
        bytes > (int64_t{1} << 58)) {
      return ErrorAt(literal, offset, "the tensor is too large");
    }
    type.dims.push_back(size);
    offset += parts[i].size() + 1;
  }
  if (type.rank() > ir::kMaxRank) {
    return ErrorAt(literal, 0, absl::StrCat("more than ", ir::kMaxRank, " dimensions"));
  }
  const std::optional<ir::DType> dtype = ir::ParseDType(parts.back());
  if (!dtype) {
    return ErrorAt(literal, offset,
                   absl::StrCat("\"", parts.back(),
                                "\" is not an element type (b8 u8 i8 i16 i32 i64 f16 bf16 f32 f64 "
                                "c64 c128)"));
  }
  type.dtype = *dtype;
  return type;
}

std::optional<int64_t> ParseInteger(ir::DType dtype, absl::string_view text) {
  if (dtype == ir::DType::kBool) {
    if (text == "true" || text == "1") return 1;
    if (text == "false" || text == "0") return 0;
    return std::nullopt;
  }
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
  const int bits = static_cast<int>(8 * ir::ElementSize(dtype));
  if (bits < 64) {
    const bool is_unsigned = dtype == ir::DType::kUInt8;
    const int64_t high = (int64_t{1} << (is_unsigned ? bits : bits - 1)) - 1;
    const int64_t low = is_unsigned ? 0 : -high - 1;
    if (value < low || value > high) return std::nullopt;
  }
  return value;
}

std::optional<double> ParseReal(absl::string_view text) {
  double value = 0;
  // SimpleAtod takes hexadecimal and surrounding blanks too; a number begins with a sign, a digit,
  // a point, "inf" or "nan".
  if (text.empty() || text.find_first_of("xX") != text.npos || !absl::SimpleAtod(text, &value)) {
    return std::nullopt;
  }
  return value;
}

// "1.5", "2j", "1+2j", "1e-3-2j".
std::optional<std::complex<double>> ParseComplex(absl::string_view text) {
  if (!absl::EndsWith(text, "j")) {
    const std::optional<double> real = ParseReal(text);
    if (!real) return std::nullopt;
    return std::complex<double>(*real, 0);
  }
  text.remove_suffix(1);
  size_t split = 0;  // where the imaginary part begins: the last sign that is not an exponent's
  for (size_t i = 1; i < text.size(); ++i) {
    const bool sign = text[i] == '+' || text[i] == '-';
    if (sign && text[i - 1] != 'e' && text[i - 1] != 'E') split = i;
  }
  const std::optional<double> real = split == 0 ? 0.0 : ParseReal(text.substr(0, split));
  const std::optional<double> imaginary = ParseReal(text.substr(split));
  if (!real || !imaginary) return std::nullopt;
  return std::complex<double>(*real, *imaginary);
}

bool StoreValue(const ingot_tensor& tensor, ir::DType dtype, int64_t index,
                absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (ir::IsIntegralOrBool(dtype)) {
    const std::optional<int64_t> value = ParseInteger(dtype, text);
    if (value) StoreElement(tensor, index, *value);
    return value.has_value();
  }
  std::optional<std::complex<double>> value;
  if (ir::IsComplex(dtype)) {
    value = ParseComplex(text);
  } else if (const std::optional<double> real = ParseReal(text)) {
    value = *real;
  }
  if (value) StoreElement(tensor, index, *value);
  return value.has_value();
}

}  // namespace

absl::StatusOr<runtime::HostTensor> RandomTensor(const ir::TensorType& type, Random& random) {
  INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor, runtime::HostTensor::Create(type));
  const ingot_tensor view = tensor.view();
  const int64_t count = type.NumElements();
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < count; ++i) {
    if (ir::IsIntegralOrBool(type.dtype)) {
      StoreElement(view, i, static_cast<int64_t>(random() >> 63));
    } else {
      const double real = normal(random);
      StoreElement(view, i, {real, ir::IsComplex(type.dtype) ? normal(random) : 0.0});
    }
  }
  return tensor;
}

absl::StatusOr<runtime::HostTensor> ParseLiteral(absl::string_view literal, Random& random) {
  const size_t equals = literal.find('=');
  INGOT_ASSIGN_OR_RETURN(const ir::TensorType type, ParseType(literal, literal.substr(0, equals)));
  if (equals == absl::string_view::npos) return RandomTensor(type, random);
  const absl::string_view values = literal.substr(equals + 1);
  std::vector<absl::string_view> parts;
  if (!values.empty()) parts = absl::StrSplit(values, ',');
  const int64_t count = type.NumElements();
  if (static_cast<int64_t>(parts.size()) != count) {
    return ErrorAt(literal, equals + 1,
                   absl::StrCat(parts.size(), " values; ", ir::ToString(type), " has ", count));
  }
  INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor, runtime::HostTensor::Create(type));
  const ingot_tensor view = tensor.view();
  for (int64_t i = 0; i < count; ++i) {
    if (!StoreValue(view, type.dtype, i, parts[i])) {
      return ErrorAt(
          literal, static_cast<size_t>(parts[i].data() - literal.data()),
          absl::StrCat("\"", parts[i], "\" is not a value of ", ir::DTypeName(type.dtype)));
    }
  }
  return tensor;
}

}  // namespace ingot::tools
