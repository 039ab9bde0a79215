// Sizes as torch.export writes them: sympy expressions in the text of sympy.srepr.
//
//   SymBindings bindings = {{"s17", 4}};
//   EvaluateSize("Mul(Integer(2), Symbol('s17', positive=True, integer=True))", bindings) == 8
//   SymbolName("Symbol('s17', positive=True, integer=True)") == "s17"
//
// Exact integer arithmetic; quotients stay fractions until a function rounds them. Everything is
// bounded: depth, length, and numbers of 64 bits. Functions: see kFunctions in sym_expr.cc.
// Thread-safe.
#ifndef INGOT_FRONTENDS_PT2_SYM_EXPR_H_
#define INGOT_FRONTENDS_PT2_SYM_EXPR_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::pt2 {

using SymBindings = std::map<std::string, int64_t>;

// FailedPrecondition: a symbol without a value (a size that follows from a tensor's elements).
// InvalidArgument: malformed, not a whole number, or beyond 64 bits. Unimplemented: a function that
// is not known here.
absl::StatusOr<int64_t> EvaluateSize(absl::string_view expression, const SymBindings& bindings);

// The symbol's name if the expression is nothing but a symbol.
std::optional<std::string> SymbolName(absl::string_view expression);

// Names of the functions that expressions may use, sorted, for docs.
std::vector<std::string> SymFunctions();

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_SYM_EXPR_H_
