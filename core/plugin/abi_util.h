// Both sides of the ABI's conventions (abi/ingot_backend.h): growing structs, strided arrays, error
// buffers.
//
//   ingot_backend_api api = ReadStruct(from_plugin);      // zeroed beyond what the plugin knows
//   ErrorText error;
//   return error.ToStatus(api.create(&options, &out, error.buffer()), "backend onednn: create");
//
// Hosts and plugins of different minors differ in the sizes of structs only, so all that is needed
// is to copy what both know. Thread-safe (no state). Errors: none; hostile sizes and lengths are
// clamped.
#ifndef INGOT_CORE_PLUGIN_ABI_UTIL_H_
#define INGOT_CORE_PLUGIN_ABI_UTIL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/plugin/abi/ingot_backend.h"

namespace ingot::plugin {

// What `source` has of T, the rest zero; all zero if null.
template <typename T>
T ReadStruct(const T* source) {
  T copy{};
  if (source != nullptr) {
    std::memcpy(&copy, source, std::min(source->struct_size, sizeof(T)));
    copy.struct_size = std::min(copy.struct_size, sizeof(T));
  }
  return copy;
}

// Fills `*out`, whose struct_size is its capacity, with what it can take of `value`; then sets
// struct_size to what was written.
template <typename T>
void WriteStruct(const T& value, T* out) {
  const size_t size = std::min(out->struct_size, sizeof(T));
  std::memcpy(out, &value, size);
  out->struct_size = size;
}

// Element `index` of an array whose elements are `stride` bytes apart, the part beyond the stride
// zero.
template <typename T>
T ReadElement(const T* array, size_t index, size_t stride) {
  T copy{};
  std::memcpy(&copy, reinterpret_cast<const char*>(array) + index * stride,
              std::min(stride, sizeof(T)));
  return copy;
}

// `text` (null: "no reason given") up to its NUL but at most 1000 bytes, control characters
// replaced by blanks: what a plugin says, fit for a message.
std::string OneLine(const char* text);

// Callee's side: writes `text` into `error` (may be null), truncated to its capacity. Returns
// `code`.
ingot_status StoreError(ingot_error_buf* error, ingot_status code, absl::string_view text) noexcept;
// OK stores nothing.
ingot_status StoreError(ingot_error_buf* error, const absl::Status& status) noexcept;

// Caller's side: a buffer on the stack.
class ErrorText {
 public:
  ErrorText() : buffer_{text_, sizeof(text_), 0} { text_[0] = '\0'; }
  ErrorText(const ErrorText&) = delete;
  ErrorText& operator=(const ErrorText&) = delete;

  ingot_error_buf* buffer() { return &buffer_; }

  // "<what>: <text>" with the code that a call returned, on one line; OK for INGOT_OK. Trusts
  // nothing: the text may lack its NUL and have any bytes; a code outside absl's is Internal.
  absl::Status ToStatus(ingot_status code, absl::string_view what) const;

  // Replaces the text by "the plugin threw an exception: <what>". Returns INGOT_INTERNAL.
  ingot_status SetThrown(absl::string_view what);

  // What the callee wrote, up to a NUL or the end, control characters replaced by blanks.
  std::string text() const;

 private:
  ingot_error_buf buffer_;
  char text_[1024];
};

// Calls an entry of a plugin: `call` returns an ingot_status. A plugin that lets an exception out,
// against the conventions, has failed with INGOT_INTERNAL.
template <typename Call>
ingot_status CallPlugin(ErrorText* error, const Call& call) {
  try {
    return call();
  } catch (const std::exception& e) {
    return error->SetThrown(e.what());
  } catch (...) {
    return error->SetThrown("of an unknown type");
  }
}

}  // namespace ingot::plugin

#endif  // INGOT_CORE_PLUGIN_ABI_UTIL_H_
