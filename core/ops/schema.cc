#include "core/ops/schema.h"

#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"

namespace ingot::ops {
namespace {

using absl::string_view;

absl::Status Malformed(string_view text, string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("schema \"", text, "\": ", why));
}

struct BaseType {
  string_view name;
  ArgKind kind;
  std::optional<ArgKind> list_kind;
};

constexpr std::array kBaseTypes = {
    BaseType{"Tensor", ArgKind::kTensor, ArgKind::kTensorList},
    BaseType{"Scalar", ArgKind::kScalar, std::nullopt},
    BaseType{"bool", ArgKind::kBool, ArgKind::kBoolList},
    BaseType{"int", ArgKind::kInt, ArgKind::kIntList},
    BaseType{"SymInt", ArgKind::kInt, ArgKind::kIntList},
    BaseType{"MemoryFormat", ArgKind::kInt, std::nullopt},
    BaseType{"float", ArgKind::kFloat, ArgKind::kFloatList},
    BaseType{"str", ArgKind::kString, std::nullopt},
    BaseType{"ScalarType", ArgKind::kDType, std::nullopt},
    BaseType{"Device", ArgKind::kIgnored, std::nullopt},
    BaseType{"Layout", ArgKind::kIgnored, std::nullopt},
    BaseType{"Generator", ArgKind::kIgnored, std::nullopt},
};

// Removes "(a!)", "(a -> *)" and the like.
std::string WithoutAliases(string_view text) {
  std::string result;
  int depth = 0;
  for (char c : text) {
    if (c == '(') ++depth;
    if (depth == 0) result.push_back(c);
    if (c == ')') --depth;
  }
  return result;
}

struct ParsedType {
  ArgKind kind = ArgKind::kTensor;
  bool optional = false;
  bool optional_elements = false;
  int list_size = 0;  // N of `int[N]`
};

absl::StatusOr<ParsedType> ParseType(string_view schema, string_view text) {
  ParsedType type;
  std::string name = WithoutAliases(text);
  if (absl::EndsWith(name, "?")) {
    type.optional = true;
    name.pop_back();
  }
  bool is_list = false;
  if (absl::EndsWith(name, "]")) {
    is_list = true;
    size_t open = name.find('[');
    if (open == std::string::npos) return Malformed(schema, absl::StrCat("bad type ", text));
    string_view size = string_view(name).substr(open + 1, name.size() - open - 2);
    if (!size.empty() && !absl::SimpleAtoi(size, &type.list_size)) {
      return Malformed(schema, absl::StrCat("bad list size in ", text));
    }
    name.resize(open);
    if (absl::EndsWith(name, "?")) {
      type.optional_elements = true;
      name.pop_back();
    }
  }
  for (const BaseType& base : kBaseTypes) {
    if (base.name != name) continue;
    if (is_list && !base.list_kind) break;
    type.kind = is_list ? *base.list_kind : base.kind;
    return type;
  }
  return Malformed(schema, absl::StrCat("unknown type ", text));
}

absl::StatusOr<std::vector<string_view>> ListItems(string_view schema, string_view text) {
  if (!absl::ConsumePrefix(&text, "[") || !absl::ConsumeSuffix(&text, "]")) {
    return Malformed(schema, absl::StrCat("bad list default ", text));
  }
  std::vector<string_view> items;
  for (string_view item : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    items.push_back(absl::StripAsciiWhitespace(item));
  }
  return items;
}

// A number as C++ and Python both print it ("1", "1.", "1e-05").
absl::StatusOr<ir::Argument> ParseNumber(string_view schema, string_view text) {
  int64_t integer;
  if (absl::SimpleAtoi(text, &integer)) return ir::Argument(integer);
  double real;
  if (absl::SimpleAtod(text, &real)) return ir::Argument(real);
  return Malformed(schema, absl::StrCat("bad default ", text));
}

absl::StatusOr<ir::Argument> ParseIntList(string_view schema, const ParsedType& type,
                                          string_view text) {
  int64_t integer;
  if (absl::SimpleAtoi(text, &integer)) {  // int[2] x=0 means [0, 0]
    return ir::Argument(std::vector<int64_t>(type.list_size, integer));
  }
  INGOT_ASSIGN_OR_RETURN(auto items, ListItems(schema, text));
  std::vector<int64_t> values;
  for (string_view item : items) {
    if (!absl::SimpleAtoi(item, &integer)) {
      return Malformed(schema, absl::StrCat("bad list default ", text));
    }
    values.push_back(integer);
  }
  return ir::Argument(std::move(values));
}

absl::StatusOr<ir::Argument> ParseDefault(string_view schema, const ParsedType& type,
                                          string_view text) {
  if (text == "None") return ir::Argument(ir::None{});
  switch (type.kind) {
    case ArgKind::kBool:
      if (text == "True") return ir::Argument(true);
      if (text == "False") return ir::Argument(false);
      break;
    case ArgKind::kInt:
      if (text == "contiguous_format") return ir::Argument(int64_t{0});
      [[fallthrough]];
    case ArgKind::kScalar:
      return ParseNumber(schema, text);
    case ArgKind::kFloat: {
      double real;
      if (absl::SimpleAtod(text, &real)) return ir::Argument(real);
      break;
    }
    case ArgKind::kString:
      if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
          text.back() == text.front()) {
        return ir::Argument(std::string(text.substr(1, text.size() - 2)));
      }
      break;
    case ArgKind::kIntList:
      return ParseIntList(schema, type, text);
    default:
      break;
  }
  return Malformed(schema, absl::StrCat("bad default ", text));
}

// Splits at commas that are in no bracket or string.
std::vector<string_view> SplitTopLevel(string_view text) {
  std::vector<string_view> parts;
  int depth = 0;
  bool quoted = false;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0 && !quoted)) {
      string_view part = absl::StripAsciiWhitespace(text.substr(begin, i - begin));
      if (!part.empty()) parts.push_back(part);
      begin = i + 1;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '(' || text[i] == '[') {
      ++depth;
    } else if (text[i] == ')' || text[i] == ']') {
      --depth;
    }
  }
  return parts;
}

absl::StatusOr<SchemaArg> ParseArg(string_view schema, string_view text) {
  SchemaArg arg;
  string_view declaration = text.substr(0, text.find('='));
  size_t space = declaration.rfind(' ');
  if (space == string_view::npos) {
    return Malformed(schema, absl::StrCat("argument without name: ", text));
  }
  arg.name = std::string(declaration.substr(space + 1));
  INGOT_ASSIGN_OR_RETURN(ParsedType type, ParseType(schema, declaration.substr(0, space)));
  arg.kind = type.kind;
  arg.optional = type.optional;
  arg.optional_elements = type.optional_elements;
  if (declaration.size() < text.size()) {
    INGOT_ASSIGN_OR_RETURN(arg.default_value,
                           ParseDefault(schema, type, text.substr(declaration.size() + 1)));
  }
  return arg;
}

absl::Status ParseReturns(string_view text, string_view returns, Schema& schema) {
  std::vector<string_view> parts;
  if (absl::StartsWith(returns, "(") && absl::EndsWith(returns, ")")) {
    parts = SplitTopLevel(returns.substr(1, returns.size() - 2));
  } else {
    parts = {returns};
  }
  for (string_view part : parts) {
    std::string type = WithoutAliases(part);
    type.resize(std::min(type.find(' '), type.size()));
    if (type == "Tensor[]" && parts.size() == 1) {
      schema.list_return = true;
    } else if (type != "Tensor") {
      return Malformed(text, absl::StrCat("unsupported return type ", part));
    }
  }
  schema.num_returns = static_cast<int>(parts.size());
  return absl::OkStatus();
}

string_view KindName(ArgKind kind) {
  switch (kind) {
    case ArgKind::kTensor:
      return "a tensor";
    case ArgKind::kTensorList:
      return "a list of tensors";
    case ArgKind::kScalar:
      return "a number";
    case ArgKind::kBool:
      return "a bool";
    case ArgKind::kInt:
      return "an int";
    case ArgKind::kFloat:
      return "a float";
    case ArgKind::kString:
      return "a string";
    case ArgKind::kIntList:
      return "a list of ints";
    case ArgKind::kFloatList:
      return "a list of floats";
    case ArgKind::kBoolList:
      return "a list of bools";
    case ArgKind::kDType:
      return "a dtype";
    case ArgKind::kIgnored:
      return "None";
  }
  return "";
}

template <typename... T>
bool HoldsAny(const ir::Argument& arg) {
  return (std::holds_alternative<T>(arg) || ...);
}

bool IsTensorList(const SchemaArg& spec, const ir::Argument& arg) {
  const auto* list = std::get_if<ir::ValueRefList>(&arg);
  if (list == nullptr) return false;
  if (spec.optional_elements) return true;
  for (ir::ValueId id : list->ids) {
    if (id == ir::kNoValue) return false;
  }
  return true;
}

bool HasKind(const SchemaArg& spec, const ir::Argument& arg) {
  if (std::holds_alternative<ir::None>(arg)) {
    return spec.optional || spec.kind == ArgKind::kIgnored;
  }
  if (const auto* ref = std::get_if<ir::ValueRef>(&arg)) {
    return ref->id != ir::kNoValue &&
           (spec.kind == ArgKind::kTensor || spec.kind == ArgKind::kScalar);
  }
  switch (spec.kind) {
    case ArgKind::kTensorList:
      return IsTensorList(spec, arg);
    case ArgKind::kScalar:
      return HoldsAny<bool, int64_t, double, std::complex<double>>(arg);
    case ArgKind::kBool:
      return HoldsAny<bool>(arg);
    case ArgKind::kInt:
      return HoldsAny<int64_t>(arg);
    case ArgKind::kFloat:
      return HoldsAny<double>(arg);
    case ArgKind::kString:
      return HoldsAny<std::string>(arg);
    case ArgKind::kIntList:
      return HoldsAny<std::vector<int64_t>>(arg);
    case ArgKind::kFloatList:
      return HoldsAny<std::vector<double>>(arg);
    case ArgKind::kBoolList:
      return HoldsAny<std::vector<bool>>(arg);
    case ArgKind::kDType:
      return HoldsAny<ir::DType>(arg);
    case ArgKind::kTensor:
    case ArgKind::kIgnored:
      return false;
  }
  return false;
}

}  // namespace

int Schema::Find(string_view name) const {
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

absl::StatusOr<Schema> ParseSchema(string_view text) {
  Schema schema;
  size_t open = text.find('(');
  size_t arrow = text.rfind(") -> ");
  // A tuple of returns contains no ") -> ", but a return's alias set may: "Tensor(a -> *)".
  if (open == string_view::npos || arrow == string_view::npos || arrow < open) {
    return Malformed(text, "expected name(arguments) -> returns");
  }
  schema.op = std::string(text.substr(0, open));
  if (!absl::StrContains(schema.op, "::")) return Malformed(text, "name without namespace");
  for (string_view part : SplitTopLevel(text.substr(open + 1, arrow - open - 1))) {
    if (part == "*") continue;
    INGOT_ASSIGN_OR_RETURN(SchemaArg arg, ParseArg(text, part));
    if (schema.Find(arg.name) >= 0) {
      return Malformed(text, absl::StrCat("two arguments called ", arg.name));
    }
    schema.args.push_back(std::move(arg));
  }
  INGOT_RETURN_IF_ERROR(ParseReturns(text, text.substr(arrow + 5), schema));
  return schema;
}

absl::Status CheckArguments(const Schema& schema, const std::vector<ir::Argument>& args,
                            int extra) {
  const size_t expected = schema.args.size() + extra;
  if (args.size() != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat(schema.op, ": expected ", expected, " arguments, got ", args.size()));
  }
  for (size_t i = 0; i < schema.args.size(); ++i) {
    if (HasKind(schema.args[i], args[i])) continue;
    return absl::InvalidArgumentError(absl::StrCat(schema.op, ": argument \"", schema.args[i].name,
                                                   "\" must be ", KindName(schema.args[i].kind),
                                                   schema.args[i].optional ? " or None" : ""));
  }
  for (size_t i = schema.args.size(); i < args.size(); ++i) {
    const auto* ref = std::get_if<ir::ValueRef>(&args[i]);
    if (ref == nullptr || ref->id == ir::kNoValue) {
      return absl::InvalidArgumentError(
          absl::StrCat(schema.op, ": argument ", i, " must be the seed"));
    }
  }
  return absl::OkStatus();
}

absl::Status FillDefaults(const Schema& schema, std::vector<ir::Argument>& args) {
  for (size_t i = args.size(); i < schema.args.size(); ++i) {
    const SchemaArg& spec = schema.args[i];
    if (spec.default_value) {
      args.push_back(*spec.default_value);
    } else if (spec.kind == ArgKind::kIgnored) {
      args.push_back(ir::None{});
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(schema.op, ": argument \"", spec.name, "\" is missing"));
    }
  }
  return absl::OkStatus();
}

}  // namespace ingot::ops
