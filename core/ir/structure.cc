#include "core/ir/structure.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/ir/number_text.h"

namespace ingot::ir {
namespace {

std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
}

std::string JoinChildren(const Structure& structure) {
  std::string text;
  for (size_t i = 0; i < structure.children.size(); ++i) {
    if (i > 0) text += ", ";
    if (structure.kind == Structure::Kind::kDict) {
      absl::StrAppend(&text, Quoted(structure.keys[i]), ": ");
    }
    text += ToString(structure.children[i]);
  }
  return text;
}

std::string NumberText(const Structure& structure) {
  if (structure.slot >= 0) {
    const bool is_float = structure.kind == Structure::Kind::kFloat;
    const bool is_int = structure.kind == Structure::Kind::kInt;
    return absl::StrCat(is_float ? "float S" : is_int ? "int S" : "bool S", structure.slot);
  }
  if (const bool* b = std::get_if<bool>(&structure.number)) return *b ? "true" : "false";
  if (const int64_t* i = std::get_if<int64_t>(&structure.number)) return absl::StrCat(*i);
  return DoubleText(std::get<double>(structure.number));
}

}  // namespace

uint64_t NumberBits(const Structure::Number& number) {
  Structure::Number canonical = number;
  if (const double* d = std::get_if<double>(&number); d != nullptr && std::isnan(*d))
    canonical = std::numeric_limits<double>::quiet_NaN();
  uint64_t bits = 0;
  std::visit([&](auto value) { std::memcpy(&bits, &value, sizeof(value)); }, canonical);
  return bits;
}

bool SameNumber(const Structure::Number& a, const Structure::Number& b) {
  return a.index() == b.index() && NumberBits(a) == NumberBits(b);
}

bool operator==(const Structure& a, const Structure& b) {
  return a.kind == b.kind && a.slot == b.slot && SameNumber(a.number, b.number) &&
         a.text == b.text && a.keys == b.keys && a.children == b.children;
}

Structure Structure::Tensor(int32_t slot) {
  Structure s;
  s.kind = Kind::kTensor;
  s.slot = slot;
  return s;
}

Structure Structure::Tuple(std::vector<Structure> children) {
  Structure s;
  s.kind = Kind::kTuple;
  s.children = std::move(children);
  return s;
}

std::string ToString(const Structure& structure) {
  switch (structure.kind) {
    case Structure::Kind::kNone:
      return "None";
    case Structure::Kind::kTensor:
      return absl::StrCat("T", structure.slot);
    case Structure::Kind::kBool:
    case Structure::Kind::kInt:
    case Structure::Kind::kFloat:
      return NumberText(structure);
    case Structure::Kind::kString:
      return Quoted(structure.text);
    case Structure::Kind::kTuple:
      // A tuple of one needs the comma that tells it from parentheses.
      return absl::StrCat("(", JoinChildren(structure),
                          structure.children.size() == 1 ? ",)" : ")");
    case Structure::Kind::kList:
      return absl::StrCat("[", JoinChildren(structure), "]");
    case Structure::Kind::kDict:
      return absl::StrCat("{", JoinChildren(structure), "}");
  }
  return "";
}

}  // namespace ingot::ir
