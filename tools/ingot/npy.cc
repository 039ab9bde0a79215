#include "tools/ingot/npy.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"

namespace ingot::tools {
namespace {

constexpr absl::string_view kMagic("\x93NUMPY", 6);

struct DescrRow {
  absl::string_view descr;
  ir::DType dtype;
};
constexpr DescrRow kDescrs[] = {
    {"|b1", ir::DType::kBool},      {"|u1", ir::DType::kUInt8},       {"|i1", ir::DType::kInt8},
    {"<i2", ir::DType::kInt16},     {"<i4", ir::DType::kInt32},       {"<i8", ir::DType::kInt64},
    {"<f2", ir::DType::kFloat16},   {"<f4", ir::DType::kFloat32},     {"<f8", ir::DType::kFloat64},
    {"<c8", ir::DType::kComplex64}, {"<c16", ir::DType::kComplex128}, {"<u2", ir::DType::kBFloat16},
};

absl::StatusOr<ir::DType> DTypeOfDescr(absl::string_view descr) {
  for (const DescrRow& row : kDescrs) {
    // One-byte elements may be written with any byte order.
    const bool same = row.descr[0] == '|'
                          ? descr.size() == 3 && descr.substr(1) == row.descr.substr(1)
                          : descr == row.descr;
    if (same) return row.dtype;
  }
  if (absl::StartsWith(descr, ">")) {
    return absl::InvalidArgumentError(
        absl::StrCat("dtype '", descr, "' is big-endian: save the array with .astype('<",
                     descr.substr(1), "')"));
  }
  return absl::InvalidArgumentError(absl::StrCat("dtype '", descr, "' is not supported"));
}

// The header's Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class DictParser {
 public:
  explicit DictParser(absl::string_view text) : text_(text) {}

  absl::StatusOr<NpyHeader> Parse() {
    if (!Take("{")) return Malformed("'{'");
    while (!Take("}")) {
      INGOT_ASSIGN_OR_RETURN(const std::string key, String());
      if (!Take(":")) return Malformed("':'");
      INGOT_RETURN_IF_ERROR(Value(key));
      if (!Take(",") && !Peek("}")) return Malformed("',' or '}'");
    }
    if (!Rest().empty()) return Malformed("nothing more");
    if (!descr_ || !fortran_ || !dims_) {
      return absl::InvalidArgumentError(
          "the header lacks one of 'descr', 'fortran_order' and 'shape'");
    }
    NpyHeader header;
    INGOT_ASSIGN_OR_RETURN(header.type.dtype, DTypeOfDescr(*descr_));
    header.is_uint16 = *descr_ == "<u2";
    header.type.dims = *std::move(dims_);
    header.fortran_order = *fortran_;
    INGOT_RETURN_IF_ERROR(CheckSize(header.type));
    return header;
  }

 private:
  static absl::Status CheckSize(const ir::TensorType& type) {
    if (type.rank() > ir::kMaxRank) {
      return absl::InvalidArgumentError(
          absl::StrCat("the shape has ", type.rank(), " dimensions; at most ", ir::kMaxRank));
    }
    int64_t bytes = static_cast<int64_t>(ir::ElementSize(type.dtype));
    // A size of 0 does not excuse the product of the others: strides are made from it too.
    for (const int64_t dim : type.dims) {
      if (__builtin_mul_overflow(bytes, std::max<int64_t>(dim, 1), &bytes)) {
        return absl::InvalidArgumentError(
            absl::StrCat("the shape (", absl::StrJoin(type.dims, ", "), ") is too large"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Value(const std::string& key) {
    if (key == "descr") {
      if (Peek("[")) return absl::InvalidArgumentError("structured dtypes are not supported");
      INGOT_ASSIGN_OR_RETURN(descr_, String());
      return absl::OkStatus();
    }
    if (key == "fortran_order") {
      fortran_ = Take("True");
      if (!*fortran_ && !Take("False")) return Malformed("True or False");
      return absl::OkStatus();
    }
    if (key == "shape") return Shape();
    return absl::InvalidArgumentError(absl::StrCat("unknown key '", key, "' in the header"));
  }

  absl::StatusOr<std::string> String() {
    const absl::string_view rest = Rest();
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"')) return Malformed("a string");
    const size_t end = rest.find(rest[0], 1);
    if (end == absl::string_view::npos) return Malformed("the end of a string");
    at_ += end + 1;
    return std::string(rest.substr(1, end - 1));
  }

  absl::Status Shape() {
    if (!Take("(")) return Malformed("'('");
    ir::Dims dims;
    while (!Take(")")) {
      const absl::string_view rest = Rest();
      size_t digits = 0;
      while (digits < rest.size() && absl::ascii_isdigit(rest[digits])) ++digits;
      int64_t dim = 0;
      if (digits == 0 || !absl::SimpleAtoi(rest.substr(0, digits), &dim)) {
        return Malformed("a size of at most 63 bits");
      }
      at_ += digits;
      (void)Take("L");  // Python 2's long
      dims.push_back(dim);
      if (!Take(",") && !Peek(")")) return Malformed("',' or ')'");
    }
    dims_ = std::move(dims);
    return absl::OkStatus();
  }

  absl::string_view Rest() {
    while (at_ < text_.size() && absl::ascii_isspace(text_[at_])) ++at_;
    return text_.substr(at_);
  }
  bool Peek(absl::string_view token) { return absl::StartsWith(Rest(), token); }
  bool Take(absl::string_view token) {
    if (!Peek(token)) return false;
    at_ += token.size();
    return true;
  }
  absl::Status Malformed(absl::string_view expected) const {
    return absl::InvalidArgumentError(
        absl::StrCat("malformed header: expected ", expected, " at byte ", at_));
  }

  absl::string_view text_;
  size_t at_ = 0;
  std::optional<std::string> descr_;
  std::optional<bool> fortran_;
  std::optional<ir::Dims> dims_;
};

}  // namespace

absl::StatusOr<NpyHeader> ParseNpyHeader(absl::string_view bytes) {
  if (!absl::StartsWith(bytes, kMagic)) return absl::InvalidArgumentError("not a .npy array");
  if (bytes.size() < kMagic.size() + 2) return absl::DataLossError("the header is cut off");
  const int major = static_cast<uint8_t>(bytes[6]);
  if (major < 1 || major > 3) {
    return absl::InvalidArgumentError(absl::StrCat(".npy version ", major, " is not supported"));
  }
  const size_t length_bytes = major == 1 ? 2 : 4;
  const size_t begin = kMagic.size() + 2 + length_bytes;
  if (bytes.size() < begin) return absl::DataLossError("the header is cut off");
  size_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i) {
    length |= size_t{static_cast<uint8_t>(bytes[8 + i])} << (8 * i);
  }
  if (length > kMaxNpyHeader - begin) {
    return absl::InvalidArgumentError(absl::StrCat("a header of ", length, " bytes is too long"));
  }
  if (bytes.size() < begin + length) return absl::DataLossError("the header is cut off");
  INGOT_ASSIGN_OR_RETURN(NpyHeader header, DictParser(bytes.substr(begin, length)).Parse());
  header.data_offset = begin + length;
  return header;
}

std::string NpyHeaderBytes(const ir::TensorType& type) {
  absl::string_view descr;
  for (const DescrRow& row : kDescrs) {
    if (row.dtype == type.dtype) descr = row.descr;
  }
  std::string dict =
      absl::StrCat("{'descr': '", descr, "', 'fortran_order': False, 'shape': (",
                   absl::StrJoin(type.dims, ", "), type.rank() == 1 ? ",), }" : "), }");
  constexpr size_t kPrefix = 10, kAlignment = 64;
  const size_t total = (kPrefix + dict.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  dict.resize(total - kPrefix - 1, ' ');
  dict += '\n';
  const char head[4] = {1, 0, static_cast<char>(dict.size() & 0xff),
                        static_cast<char>(dict.size() >> 8)};
  return absl::StrCat(kMagic, absl::string_view(head, sizeof(head)), dict);
}

}  // namespace ingot::tools
