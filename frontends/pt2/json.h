// JSON from untrusted bytes, as a tree.
//
//   INGOT_ASSIGN_OR_RETURN(Json json, ParseJson(bytes));
//   const Json* version = json.Find("schema_version");
//
// Reading is nlohmann-json's, event by event; this adds what a file from anywhere needs: a limit on
// depth, no key twice in an object, UTF-8 checked, whole numbers kept exact. Memory is at most
// about 60 times the text's size. Values; const access is thread-safe.
#ifndef INGOT_FRONTENDS_PT2_JSON_H_
#define INGOT_FRONTENDS_PT2_JSON_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::pt2 {

inline constexpr int kMaxJsonDepth = 128;
inline constexpr size_t kMaxJsonBytes = size_t{1} << 30;

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;  // in the text's order
  // Whole numbers beyond int64_t are doubles.
  using Value = std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array, Object>;

  Json() = default;
  explicit Json(Value value) : value_(std::move(value)) {}

  template <typename T>
  const T* As() const {
    return std::get_if<T>(&value_);
  }
  template <typename T>
  T* As() {
    return std::get_if<T>(&value_);
  }
  bool IsNull() const { return As<std::nullptr_t>() != nullptr; }
  // The value of a key; nullptr if this is no object or has no such key.
  const Json* Find(absl::string_view key) const;
  // "an object", "a string" … for messages.
  const char* KindName() const;

 private:
  Value value_ = nullptr;
};

// InvalidArgument, with the byte, for what is no JSON or beyond the limits.
absl::StatusOr<Json> ParseJson(absl::string_view text);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_JSON_H_
