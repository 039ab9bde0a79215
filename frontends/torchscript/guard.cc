#include "frontends/torchscript/guard.h"

#include <c10/util/Exception.h>
#include <torch/csrc/jit/runtime/jit_exception.h>

#include <new>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace ingot::torchscript {
namespace {

// TorchScript wraps the error of an op into "The following operation failed in the TorchScript
// interpreter.", a traceback, and last "RuntimeError: <the error>". That last part tells.
std::string TellingLine(absl::string_view text) {
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  for (auto& line : lines) line = absl::StripAsciiWhitespace(line);
  if (absl::StartsWith(text, "The following operation failed in the TorchScript interpreter")) {
    for (absl::string_view line : lines) {
      const size_t colon = line.find(": ");
      if (colon == absl::string_view::npos) continue;
      const absl::string_view kind = line.substr(0, colon);
      if (absl::EndsWith(kind, "Error") || absl::EndsWith(kind, "Exception")) {
        return std::string(line.substr(colon + 2));
      }
    }
  }
  for (absl::string_view line : lines) {
    if (!line.empty()) return std::string(line);
  }
  return "unknown error";
}

absl::StatusCode CodeOf(const c10::Error& error) {
  if (dynamic_cast<const c10::NotImplementedError*>(&error))
    return absl::StatusCode::kUnimplemented;
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error))
    return absl::StatusCode::kResourceExhausted;
  if (dynamic_cast<const c10::IndexError*>(&error) ||
      dynamic_cast<const c10::ValueError*>(&error) || dynamic_cast<const c10::TypeError*>(&error)) {
    return absl::StatusCode::kInvalidArgument;
  }
  return absl::StatusCode::kFailedPrecondition;
}

}  // namespace

absl::Status StatusFromException(absl::string_view what, std::exception_ptr exception) {
  const auto status = [what](absl::StatusCode code, absl::string_view text) {
    return absl::Status(code, absl::StrCat(what, ": ", TellingLine(text)));
  };
  try {
    std::rethrow_exception(exception);
  } catch (const c10::Error& error) {
    return status(CodeOf(error), error.what_without_backtrace());
  } catch (const torch::jit::JITException& error) {
    return status(absl::StatusCode::kFailedPrecondition,
                  error.getOriginalMsg().value_or(error.what()));
  } catch (const std::bad_alloc&) {
    return status(absl::StatusCode::kResourceExhausted, "out of memory");
  } catch (const std::exception& error) {
    return status(absl::StatusCode::kFailedPrecondition, error.what());
  } catch (...) {
    return status(absl::StatusCode::kFailedPrecondition, "an exception of unknown type");
  }
}

}  // namespace ingot::torchscript
