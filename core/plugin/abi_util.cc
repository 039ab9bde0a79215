#include "core/plugin/abi_util.h"

#include "absl/strings/str_cat.h"

namespace ingot::plugin {
namespace {

constexpr int kLastStatusCode = static_cast<int>(absl::StatusCode::kUnauthenticated);

std::string CleanLine(const char* text, size_t capacity) {
  std::string line(text, strnlen(text, capacity));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return line;
}

}  // namespace

std::string OneLine(const char* text) {
  return text != nullptr ? CleanLine(text, 1000) : "no reason given";
}

ingot_status StoreError(ingot_error_buf* error, ingot_status code,
                        absl::string_view text) noexcept {
  if (error == nullptr) return code;
  error->length = text.size();
  if (error->text != nullptr && error->capacity > 0) {
    const size_t size = std::min(text.size(), error->capacity - 1);
    std::memcpy(error->text, text.data(), size);
    error->text[size] = '\0';
  }
  return code;
}

ingot_status StoreError(ingot_error_buf* error, const absl::Status& status) noexcept {
  if (status.ok()) return INGOT_OK;
  return StoreError(error, static_cast<ingot_status>(status.code()), status.message());
}

std::string ErrorText::text() const {
  // The callee may have changed the descriptor: only the array itself counts.
  return CleanLine(text_, sizeof(text_));
}

ingot_status ErrorText::SetThrown(absl::string_view what) {
  // Not the descriptor, which the plugin may have changed.
  ingot_error_buf own{text_, sizeof(text_), 0};
  return StoreError(&own, INGOT_INTERNAL, absl::StrCat("the plugin threw an exception: ", what));
}

absl::Status ErrorText::ToStatus(ingot_status code, absl::string_view what) const {
  if (code == INGOT_OK) return absl::OkStatus();
  std::string message = text();
  if (message.empty()) message = "no reason given";
  if (code < 0 || code > kLastStatusCode) {
    return absl::InternalError(
        absl::StrCat(what, ": returned the unknown status ", code, " (", message, ")"));
  }
  return absl::Status(static_cast<absl::StatusCode>(code), absl::StrCat(what, ": ", message));
}

}  // namespace ingot::plugin
