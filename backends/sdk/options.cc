#include <string>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backends/sdk/backend.h"

namespace ingot::sdk {
namespace {

constexpr const char* kTypeNames[] = {"string", "integer", "number", "boolean"};

// `text` as a value of the type of `like`; false if it isn't one.
bool ParseLike(const std::string& text, const OptionValue& like, OptionValue* out) {
  if (std::holds_alternative<int64_t>(like)) {
    int64_t value;
    if (!absl::SimpleAtoi(text, &value)) return false;
    *out = value;
  } else if (std::holds_alternative<double>(like)) {
    double value;
    if (!absl::SimpleAtod(text, &value)) return false;
    *out = value;
  } else if (std::holds_alternative<bool>(like)) {
    bool value;
    if (!absl::SimpleAtob(text, &value)) return false;
    *out = value;
  } else {
    *out = text;
  }
  return true;
}

bool Convert(const OptionValue& value, const OptionValue& like, OptionValue* out) {
  if (value.index() == like.index()) {
    *out = value;
    return true;
  }
  if (const std::string* text = std::get_if<std::string>(&value)) {
    return ParseLike(*text, like, out);
  }
  if (const int64_t* integer = std::get_if<int64_t>(&value);
      integer != nullptr && std::holds_alternative<double>(like)) {
    *out = static_cast<double>(*integer);
    return true;
  }
  return false;
}

}  // namespace

absl::Status Options::Set(absl::string_view name, const OptionValue& value) {
  const auto it = values_.find(std::string(name));
  if (it == values_.end()) {
    const std::string known = absl::StrJoin(values_, ", ", [](std::string* out, const auto& entry) {
      absl::StrAppend(out, entry.first);
    });
    return absl::InvalidArgumentError(absl::StrCat(
        "unknown option \"", name, "\"; known options: ", known.empty() ? "none" : known));
  }
  OptionValue converted;
  if (!Convert(value, it->second, &converted)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "option \"", name, "\" takes a value of type ", kTypeNames[it->second.index()], ", not a ",
        kTypeNames[value.index()],
        std::holds_alternative<std::string>(value) ? " that can't be read as one" : ""));
  }
  it->second = std::move(converted);
  return absl::OkStatus();
}

}  // namespace ingot::sdk
