#include "frontends/pt2/json.h"

#include <algorithm>
#include <limits>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace ingot::pt2 {
namespace {

// Objects up to this many keys look for repeated ones by comparing.
constexpr size_t kFewKeys = 8;

class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return Add(Json()); }
  bool boolean(bool value) override { return Add(Json(value)); }
  bool number_integer(int64_t value) override { return Add(Json(value)); }
  bool number_unsigned(uint64_t value) override {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Add(Json(static_cast<double>(value)));
    }
    return Add(Json(static_cast<int64_t>(value)));
  }
  bool number_float(double value, const std::string&) override { return Add(Json(value)); }
  bool string(std::string& value) override { return Add(Json(std::move(value))); }
  bool binary(nlohmann::json::binary_t&) override { return Fail("binary data"); }
  bool start_object(size_t) override { return Open(Json(Json::Object())); }
  bool start_array(size_t) override { return Open(Json(Json::Array())); }
  bool end_array() override { return Close(); }
  bool end_object() override {
    const auto& object = *stack_.back().As<Json::Object>();
    if (object.size() > kFewKeys) {
      absl::flat_hash_set<absl::string_view> keys;
      for (const auto& [key, value] : object) {
        if (!keys.insert(key).second) return Repeated(key);
      }
    }
    for (size_t i = 0; i < std::min(object.size(), kFewKeys + 1) && object.size() <= kFewKeys;
         ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (object[i].first == object[j].first) return Repeated(object[i].first);
      }
    }
    keys_.pop_back();
    return Close();
  }
  bool key(std::string& key) override {
    keys_.back() = std::move(key);
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    return Fail(absl::StrCat("no JSON at byte ", position));
  }

  const std::string& error() const { return error_; }
  Json Take() { return std::move(root_); }

 private:
  bool Fail(std::string why) {
    if (error_.empty()) error_ = std::move(why);
    return false;
  }
  bool Repeated(const std::string& key) {
    return Fail(absl::StrCat("the key \"", key, "\" twice"));
  }

  bool Open(Json container) {
    if (stack_.size() >= static_cast<size_t>(kMaxJsonDepth)) {
      return Fail(absl::StrCat("values nested deeper than ", kMaxJsonDepth));
    }
    if (container.As<Json::Object>() != nullptr) keys_.emplace_back();
    stack_.push_back(std::move(container));
    return true;
  }
  bool Close() {
    Json done = std::move(stack_.back());
    stack_.pop_back();
    return Add(std::move(done));
  }
  bool Add(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (auto* array = stack_.back().As<Json::Array>()) {
      array->push_back(std::move(value));
    } else {
      stack_.back().As<Json::Object>()->emplace_back(std::move(keys_.back()), std::move(value));
    }
    return true;
  }

  Json root_;
  std::vector<Json> stack_;
  std::vector<std::string> keys_;  // the next key of each open object
  std::string error_;
};

}  // namespace

const Json* Json::Find(absl::string_view key) const {
  const auto* object = As<Object>();
  if (object == nullptr) return nullptr;
  for (const auto& [name, value] : *object) {
    if (name == key) return &value;
  }
  return nullptr;
}

const char* Json::KindName() const {
  constexpr const char* kNames[] = {"null",     "a bool", "a whole number", "a number",
                                    "a string", "a list", "an object"};
  return kNames[value_.index()];
}

absl::StatusOr<Json> ParseJson(absl::string_view text) {
  if (text.size() > kMaxJsonBytes) {
    return absl::InvalidArgumentError(absl::StrCat("JSON of ", text.size(), " bytes is too large"));
  }
  TreeBuilder builder;
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return builder.Take();
  return absl::InvalidArgumentError(absl::StrCat("JSON: ", builder.error()));
}

}  // namespace ingot::pt2
