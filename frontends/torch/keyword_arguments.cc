#include "frontends/torch/keyword_arguments.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ingot {
namespace {

std::vector<const c10::Argument*> ArgumentsButSelf(const c10::FunctionSchema& schema) {
  std::vector<const c10::Argument*> arguments;
  for (const c10::Argument& argument : schema.arguments()) {
    if (!arguments.empty() || argument.name() != "self") arguments.push_back(&argument);
  }
  return arguments;
}

std::string Names(const std::vector<const c10::Argument*>& arguments) {
  return absl::StrJoin(arguments, ", ", [](std::string* out, const c10::Argument* argument) {
    absl::StrAppend(out, argument->name());
  });
}

}  // namespace

absl::StatusOr<std::vector<c10::IValue>> ToPositional(const c10::FunctionSchema& schema,
                                                      const std::vector<c10::IValue>& arguments,
                                                      const KeywordArguments& keywords) {
  const std::vector<const c10::Argument*> expected = ArgumentsButSelf(schema);
  const auto bad = [&](const auto&... what) {
    return absl::InvalidArgumentError(
        absl::StrCat(schema.name(), "(", Names(expected), ") ", what...));
  };
  if (arguments.size() > expected.size()) {
    return bad("takes ", expected.size(), " arguments, not ", arguments.size());
  }
  std::vector<c10::IValue> all = arguments;
  size_t used = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto keyword = keywords.find(expected[i]->name());
    if (keyword != keywords.end()) {
      ++used;
      if (i < arguments.size()) return bad("is given '", expected[i]->name(), "' twice");
      all.push_back(keyword->second);
    } else if (i >= arguments.size()) {
      if (!expected[i]->default_value())
        return bad("lacks the argument '", expected[i]->name(), "'");
      all.push_back(*expected[i]->default_value());
    }
  }
  if (used == keywords.size()) return all;
  for (const auto& [name, value] : keywords) {
    bool is_known = false;
    for (const c10::Argument* argument : expected) is_known = is_known || argument->name() == name;
    if (!is_known) return bad("has no argument '", name, "'");
  }
  return absl::InternalError("a keyword was neither used nor unknown");
}

}  // namespace ingot
