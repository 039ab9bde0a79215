// Early return on absl::Status errors, and annotation of errors on their way up.
//
//   absl::StatusOr<Graph> Load(absl::string_view path) {
//     INGOT_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
//     INGOT_RETURN_IF_ERROR(Verify(bytes), absl::StrCat("while loading ", path));
//     ...
//   }
//
// Both macros evaluate their expression once, work in functions that return absl::Status or
// absl::StatusOr<T>, and take an optional last argument: a context put before the error's message
// (evaluated only on error). Wrap a type that contains commas in parentheses:
//   INGOT_ASSIGN_OR_RETURN((std::pair<int, int> range), Range());
#ifndef INGOT_CORE_BASE_STATUS_MACROS_H_
#define INGOT_CORE_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot {

// Returns `status` with "context: " before its message; its code and payloads are kept. OK stays
// OK.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

namespace internal {

inline absl::Status ToStatus(absl::Status status) { return status; }

inline absl::Status ToStatus(const absl::Status& status, absl::string_view context) {
  return Annotate(status, context);
}

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }

}  // namespace internal
}  // namespace ingot

#define INGOT_RETURN_IF_ERROR(expression, ...)                                                    \
  do {                                                                                            \
    if (const auto& ingot_result = (expression); !ingot_result.ok()) {                            \
      return ::ingot::internal::ToStatus(::ingot::internal::StatusOf(ingot_result) __VA_OPT__(, ) \
                                             __VA_ARGS__);                                        \
    }                                                                                             \
  } while (false)

#define INGOT_ASSIGN_OR_RETURN(declaration, expression, ...)                           \
  INGOT_ASSIGN_OR_RETURN_IMPL_(INGOT_CONCAT_(ingot_status_or_, __LINE__), declaration, \
                               expression __VA_OPT__(, ) __VA_ARGS__)

#define INGOT_ASSIGN_OR_RETURN_IMPL_(result, declaration, expression, ...)          \
  auto result = (expression);                                                       \
  if (!result.ok()) {                                                               \
    return ::ingot::internal::ToStatus(result.status() __VA_OPT__(, ) __VA_ARGS__); \
  }                                                                                 \
  INGOT_STRIP_(declaration) = *std::move(result)

#define INGOT_CONCAT_(a, b) INGOT_CONCAT_INNER_(a, b)
#define INGOT_CONCAT_INNER_(a, b) a##b

// INGOT_STRIP_((a, b)) and INGOT_STRIP_(a b) both yield the declaration without parentheses.
#define INGOT_STRIP_(x) INGOT_STRIP_2_(INGOT_STRIP_1_ x)
#define INGOT_STRIP_1_(...) INGOT_STRIP_1_ __VA_ARGS__
#define INGOT_STRIP_2_(...) INGOT_STRIP_3_(__VA_ARGS__)
#define INGOT_STRIP_3_(...) INGOT_VANISH_##__VA_ARGS__
#define INGOT_VANISH_INGOT_STRIP_1_

#endif  // INGOT_CORE_BASE_STATUS_MACROS_H_
