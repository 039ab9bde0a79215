#include "core/ops/call_text.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"

namespace ingot::ops {
namespace {

using absl::string_view;

absl::Status Bad(string_view what, string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("not ", what, ": ", text));
}

absl::StatusOr<int64_t> ParseInt(string_view text) {
  int64_t value;
  if (!absl::SimpleAtoi(text, &value)) return Bad("an int", text);
  return value;
}

absl::StatusOr<ir::Argument> ParseNumber(string_view text) {
  if (text == "true" || text == "false") return ir::Argument(text == "true");
  int64_t integer;
  if (absl::SimpleAtoi(text, &integer)) return ir::Argument(integer);
  double real;
  if (absl::SimpleAtod(text, &real)) return ir::Argument(real);
  return Bad("a number", text);
}

class Parser {
 public:
  Parser(Call& call, int position) : call_(call), position_(position) {}

  absl::StatusOr<ir::Argument> Parse(const SchemaArg& spec, string_view text) {
    if (text == "None") return ir::Argument(ir::None{});
    switch (spec.kind) {
      case ArgKind::kTensor: {
        INGOT_ASSIGN_OR_RETURN(const ir::ValueId id, Tensor(text));
        return ir::Argument(ir::ValueRef{id});
      }
      case ArgKind::kTensorList:
        return TensorList(text);
      case ArgKind::kIntList:
        return IntList(text);
      case ArgKind::kScalar:
        return ParseNumber(text);
      case ArgKind::kFloat: {
        double real;
        if (!absl::SimpleAtod(text, &real)) return Bad("a float", text);
        return ir::Argument(real);
      }
      case ArgKind::kBool:
        return ir::Argument(text == "true");
      case ArgKind::kInt: {
        INGOT_ASSIGN_OR_RETURN(const int64_t value, ParseInt(text));
        return ir::Argument(value);
      }
      case ArgKind::kString:
        return ir::Argument(std::string(text.substr(1, text.size() - 2)));
      case ArgKind::kDType:
        if (auto dtype = ir::ParseDType(text)) return ir::Argument(*dtype);
        return Bad("a dtype", text);
      default:
        return Bad("None", text);
    }
  }

  absl::StatusOr<ir::ValueId> Tensor(string_view text) {
    const std::pair<string_view, string_view> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
    const std::vector<string_view> type = absl::StrSplit(parts.first, absl::ByAnyChar("[]"));
    if (type.size() != 3) return Bad("a tensor type", text);
    const auto dtype = ir::ParseDType(type[0]);
    if (!dtype) return Bad("a dtype", type[0]);
    ir::TensorType parsed{*dtype, {}};
    for (string_view size : absl::StrSplit(type[1], ',', absl::SkipEmpty())) {
      INGOT_ASSIGN_OR_RETURN(const int64_t value, ParseInt(size));
      parsed.dims.push_back(value);
    }
    call_.operands.push_back(std::move(parsed));
    call_.hints.emplace_back(parts.second);
    call_.positions.push_back(position_);
    return static_cast<ir::ValueId>(call_.operands.size() - 1);
  }

 private:
  absl::StatusOr<std::vector<string_view>> Items(string_view text) {
    if (!absl::ConsumePrefix(&text, "[") || !absl::ConsumeSuffix(&text, "]")) {
      return Bad("a list", text);
    }
    return std::vector<string_view>(absl::StrSplit(text, ' ', absl::SkipEmpty()));
  }

  absl::StatusOr<ir::Argument> TensorList(string_view text) {
    ir::ValueRefList list;
    INGOT_ASSIGN_OR_RETURN(const auto items, Items(text));
    for (string_view item : items) {
      ir::ValueId id = ir::kNoValue;
      if (item != "None") {
        INGOT_ASSIGN_OR_RETURN(id, Tensor(item));
      }
      list.ids.push_back(id);
    }
    return ir::Argument(std::move(list));
  }

  absl::StatusOr<ir::Argument> IntList(string_view text) {
    std::vector<int64_t> list;
    INGOT_ASSIGN_OR_RETURN(const auto items, Items(text));
    for (string_view item : items) {
      INGOT_ASSIGN_OR_RETURN(const int64_t value, ParseInt(item));
      list.push_back(value);
    }
    return ir::Argument(std::move(list));
  }

  Call& call_;
  const int position_;
};

}  // namespace

absl::StatusOr<std::vector<ir::TensorType>> Call::Infer() const {
  return InferTypes(*def, args,
                    [&](ir::ValueId id) -> const ir::TensorType& { return operands[id]; });
}

absl::StatusOr<Call> ParseCall(string_view op, string_view args) {
  Call call;
  call.def = FindOp(op);
  if (call.def == nullptr) return Bad("an op of the registry", op);
  const std::vector<SchemaArg>& spec = call.def->schema.args;
  const std::vector<string_view> texts = absl::StrSplit(args, " ; ", absl::SkipEmpty());
  if (texts.size() > spec.size()) {
    return absl::InvalidArgumentError(absl::StrCat(op, ": too many arguments: ", args));
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    const string_view text = absl::StripAsciiWhitespace(texts[i]);
    INGOT_ASSIGN_OR_RETURN(ir::Argument arg, Parser(call, static_cast<int>(i)).Parse(spec[i], text),
                           absl::StrCat(op, ": argument ", spec[i].name));
    call.args.push_back(std::move(arg));
  }
  INGOT_RETURN_IF_ERROR(FillDefaults(call.def->schema, call.args));
  if (call.def->Is(kRandom)) {
    INGOT_ASSIGN_OR_RETURN(const ir::ValueId seed,
                           Parser(call, static_cast<int>(spec.size())).Tensor("i64[]"));
    call.args.push_back(ir::ValueRef{seed});
  }
  return call;
}

}  // namespace ingot::ops
