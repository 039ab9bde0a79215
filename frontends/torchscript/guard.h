// The one place where LibTorch's exceptions end.
//
//   absl::Status status = Guard("loading m.pt", [&] { module = torch::jit::load(path); return
//   absl::OkStatus(); });
//
// `body` returns absl::Status or absl::StatusOr<T>. What it throws becomes a Status of one line:
// `what`, then the first telling line of the exception's text, without C++ backtrace. Thread-safe
// (no state).
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_GUARD_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_GUARD_H_

#include <exception>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ingot::torchscript {

// Code by kind: c10's index, value and type errors are InvalidArgument, not-implemented is
// Unimplemented, no memory is ResourceExhausted, errors raised by the model itself and all others
// are FailedPrecondition.
absl::Status StatusFromException(absl::string_view what, std::exception_ptr exception);

template <typename Body>
std::invoke_result_t<Body> Guard(absl::string_view what, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (...) {
    return StatusFromException(what, std::current_exception());
  }
}

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_GUARD_H_
