// The one place where LibTorch's exceptions end.
//
//   return Guarded("compiling", [&]() -> absl::StatusOr<T> { … LibTorch … });
//
// Whatever is thrown becomes Internal (ResourceExhausted for lack of memory) with the first line of
// its text: c10::Error appends a backtrace that means nothing to our users.
#ifndef INGOT_BACKENDS_TORCHSCRIPT_GUARD_H_
#define INGOT_BACKENDS_TORCHSCRIPT_GUARD_H_

#include <ATen/core/ATen_fwd.h>
#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace ingot::torchscript_backend {

// The one line that tells what went wrong. The interpreter wraps an operator's error in a traceback
// that ends with "RuntimeError: …"; elsewhere the first line says it.
inline absl::string_view TellingLine(absl::string_view text) {
  constexpr absl::string_view kMark = "RuntimeError: ";
  const size_t mark = text.rfind(kMark);
  if (mark != absl::string_view::npos) text.remove_prefix(mark + kMark.size());
  return text.substr(0, text.find('\n'));
}

template <typename Fn>
auto Guarded(absl::string_view doing, Fn&& fn) -> decltype(fn()) {
  try {
    return std::forward<Fn>(fn)();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(doing, ": LibTorch ran out of memory"));
  } catch (const c10::Error& e) {
    return absl::InternalError(absl::StrCat(doing, ": ", TellingLine(e.what_without_backtrace())));
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat(doing, ": ", TellingLine(e.what())));
  }
}

}  // namespace ingot::torchscript_backend

#endif  // INGOT_BACKENDS_TORCHSCRIPT_GUARD_H_
