#include "frontends/pt2/sym_expr.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"

namespace ingot::pt2 {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxLength = 1 << 16;

absl::Status Overflow() { return absl::InvalidArgumentError("a size is beyond 64 bits"); }

// A fraction in lowest terms with a positive denominator.
struct Fraction {
  int64_t over = 0, under = 1;
};

absl::StatusOr<Fraction> MakeFraction(__int128 over, __int128 under) {
  if (under == 0) return absl::InvalidArgumentError("a size divides by zero");
  if (under < 0) {
    over = -over;
    under = -under;
  }
  __int128 a = over < 0 ? -over : over, b = under;
  while (b != 0) a = std::exchange(b, a % b);
  if (a > 1) {
    over /= a;
    under /= a;
  }
  constexpr __int128 kMax = std::numeric_limits<int64_t>::max();
  if (over > kMax || over < -kMax || under > kMax) return Overflow();
  return Fraction{static_cast<int64_t>(over), static_cast<int64_t>(under)};
}

int64_t Floor(const Fraction& f) {
  return f.over / f.under - (f.over % f.under != 0 && f.over < 0 ? 1 : 0);
}

using Args = std::vector<Fraction>;
using Function = absl::StatusOr<Fraction> (*)(const Args& args);

bool Less(const Fraction& a, const Fraction& b) {
  return static_cast<__int128>(a.over) * b.under < static_cast<__int128>(b.over) * a.under;
}
absl::StatusOr<Fraction> Plus(const Fraction& a, const Fraction& b) {
  return MakeFraction(
      static_cast<__int128>(a.over) * b.under + static_cast<__int128>(b.over) * a.under,
      static_cast<__int128>(a.under) * b.under);
}
absl::StatusOr<Fraction> Times(const Fraction& a, const Fraction& b) {
  return MakeFraction(static_cast<__int128>(a.over) * b.over,
                      static_cast<__int128>(a.under) * b.under);
}
absl::StatusOr<Fraction> Quotient(const Fraction& a, const Fraction& b) {
  return MakeFraction(static_cast<__int128>(a.over) * b.under,
                      static_cast<__int128>(a.under) * b.over);
}

template <absl::StatusOr<Fraction> (*kStep)(const Fraction&, const Fraction&)>
absl::StatusOr<Fraction> Fold(const Args& args) {
  Fraction result = args[0];
  for (size_t i = 1; i < args.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(result, kStep(result, args[i]));
  }
  return result;
}
absl::StatusOr<Fraction> Largest(const Fraction& a, const Fraction& b) {
  return Less(a, b) ? b : a;
}
absl::StatusOr<Fraction> Smallest(const Fraction& a, const Fraction& b) {
  return Less(b, a) ? b : a;
}
absl::StatusOr<Fraction> FloorOf(const Args& args) { return Fraction{Floor(args[0]), 1}; }
absl::StatusOr<Fraction> CeilingOf(const Args& args) {
  return Fraction{-Floor(Fraction{-args[0].over, args[0].under}), 1};
}
absl::StatusOr<Fraction> TruncOf(const Args& args) {
  return Fraction{args[0].over / args[0].under, 1};
}
absl::StatusOr<Fraction> FloorDiv(const Args& args) {
  INGOT_ASSIGN_OR_RETURN(const Fraction quotient, Quotient(args[0], args[1]));
  return Fraction{Floor(quotient), 1};
}
absl::StatusOr<Fraction> CeilDiv(const Args& args) {
  INGOT_ASSIGN_OR_RETURN(const Fraction quotient, Quotient(args[0], args[1]));
  return CeilingOf({quotient});
}
// Python's: the sign is the divisor's.
absl::StatusOr<Fraction> Mod(const Args& args) {
  INGOT_ASSIGN_OR_RETURN(const Fraction quotient, FloorDiv(args));
  INGOT_ASSIGN_OR_RETURN(const Fraction whole, Times(quotient, args[1]));
  return Plus(args[0], Fraction{-whole.over, whole.under});
}
// ModularIndexing(a, b, c) = (a // b) % c
absl::StatusOr<Fraction> ModularIndexing(const Args& args) {
  INGOT_ASSIGN_OR_RETURN(const Fraction quotient, FloorDiv({args[0], args[1]}));
  return Mod({quotient, args[2]});
}
absl::StatusOr<Fraction> Power(const Args& args) {
  Fraction base = args[0];
  if (args[1].under != 1 || args[1].over > 64 || args[1].over < -64) {
    return absl::UnimplementedError("a size has a power that is not a small whole number");
  }
  if (args[1].over < 0) {
    INGOT_ASSIGN_OR_RETURN(base, Quotient(Fraction{1, 1}, base));
  }
  Fraction result{1, 1};
  for (int64_t i = 0; i < std::abs(args[1].over); ++i) {
    INGOT_ASSIGN_OR_RETURN(result, Times(result, base));
  }
  return result;
}
absl::StatusOr<Fraction> Identity(const Args& args) { return args[0]; }

struct FunctionRow {
  absl::string_view name;
  size_t min_args, max_args;
  Function call;
};
constexpr size_t kMany = 1 << 12;
constexpr FunctionRow kFunctions[] = {
    {"Add", 1, kMany, Fold<Plus>},
    {"CeilDiv", 2, 2, CeilDiv},
    {"CeilToInt", 1, 1, CeilingOf},
    {"CleanDiv", 2, 2, FloorDiv},
    {"FloorDiv", 2, 2, FloorDiv},
    {"FloorToInt", 1, 1, FloorOf},
    {"IntTrueDiv", 2, 2, Fold<Quotient>},
    {"Max", 1, kMany, Fold<Largest>},
    {"Min", 1, kMany, Fold<Smallest>},
    {"Mod", 2, 2, Mod},
    {"ModularIndexing", 3, 3, ModularIndexing},
    {"Mul", 1, kMany, Fold<Times>},
    {"Pow", 2, 2, Power},
    {"PowByNatural", 2, 2, Power},
    {"PythonMod", 2, 2, Mod},
    {"ToFloat", 1, 1, Identity},
    {"TruncToInt", 1, 1, TruncOf},
    {"ceiling", 1, 1, CeilingOf},
    {"floor", 1, 1, FloorOf},
};

class Parser {
 public:
  Parser(absl::string_view text, const SymBindings& bindings) : rest_(text), bindings_(bindings) {}

  absl::StatusOr<Fraction> Whole() {
    INGOT_ASSIGN_OR_RETURN(const Fraction value, Term(0));
    Space();
    if (!rest_.empty()) return Malformed();
    return value;
  }

 private:
  absl::Status Malformed() const {
    return absl::InvalidArgumentError(
        absl::StrCat("a size's expression cannot be read at \"", rest_.substr(0, 20), "\""));
  }
  void Space() { rest_ = absl::StripLeadingAsciiWhitespace(rest_); }
  bool Take(absl::string_view token) {
    Space();
    return absl::ConsumePrefix(&rest_, token);
  }
  absl::string_view Word() {
    Space();
    size_t end = 0;
    while (end < rest_.size() && (absl::ascii_isalnum(rest_[end]) || rest_[end] == '_')) ++end;
    const absl::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return word;
  }
  absl::StatusOr<int64_t> Number() {
    Space();
    const bool negative = Take("-");
    const absl::string_view digits = Word();
    int64_t value = 0;
    if (!absl::SimpleAtoi(digits, &value)) return Malformed();
    return negative ? -value : value;
  }

  absl::StatusOr<Fraction> Term(int depth) {
    if (depth > kMaxDepth) return absl::InvalidArgumentError("a size's expression is too deep");
    Space();
    if (!rest_.empty() && (absl::ascii_isdigit(rest_[0]) || rest_[0] == '-')) {
      INGOT_ASSIGN_OR_RETURN(const int64_t value, Number());
      return Fraction{value, 1};
    }
    const absl::string_view name = Word();
    if (name.empty() || !Take("(")) return Malformed();
    if (name == "Symbol") return Symbol();
    if (name == "Integer" || name == "Rational") {
      INGOT_ASSIGN_OR_RETURN(const int64_t over, Number());
      int64_t under = 1;
      if (Take(",")) {
        INGOT_ASSIGN_OR_RETURN(under, Number());
      }
      if (!Take(")")) return Malformed();
      return MakeFraction(over, under);
    }
    return Call(name, depth);
  }

  absl::StatusOr<Fraction> Symbol() {
    if (!Take("'")) return Malformed();
    const std::string name(Word());
    if (!Take("'")) return Malformed();
    // The rest are sympy's assumptions: positive=True, …
    const size_t end = rest_.find(')');
    if (end == absl::string_view::npos) return Malformed();
    rest_.remove_prefix(end + 1);
    const auto found = bindings_.find(name);
    if (found != bindings_.end()) return Fraction{found->second, 1};
    return absl::FailedPreconditionError(
        absl::StrCat("data-dependent: the size ", name,
                     " follows from a tensor's elements, not from the arguments' sizes"));
  }

  absl::StatusOr<Fraction> Call(absl::string_view name, int depth) {
    const auto* row = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                   [&](const FunctionRow& f) { return f.name == name; });
    if (row == std::end(kFunctions)) {
      return absl::UnimplementedError(
          absl::StrCat("a size uses the function ", name, ", which is not supported"));
    }
    Args args;
    do {
      if (args.size() == row->max_args) return Malformed();
      INGOT_ASSIGN_OR_RETURN(const Fraction arg, Term(depth + 1));
      args.push_back(arg);
    } while (Take(","));
    if (!Take(")") || args.size() < row->min_args) return Malformed();
    return row->call(args);
  }

  absl::string_view rest_;
  const SymBindings& bindings_;
};

}  // namespace

absl::StatusOr<int64_t> EvaluateSize(absl::string_view expression, const SymBindings& bindings) {
  if (expression.size() > kMaxLength) {
    return absl::InvalidArgumentError("a size's expression is too long");
  }
  INGOT_ASSIGN_OR_RETURN(const Fraction value, Parser(expression, bindings).Whole());
  if (value.under == 1) return value.over;
  return absl::InvalidArgumentError(
      absl::StrCat("a size is ", value.over, "/", value.under, ", no whole number"));
}

std::optional<std::string> SymbolName(absl::string_view expression) {
  if (!absl::ConsumePrefix(&expression, "Symbol('")) return std::nullopt;
  const size_t end = expression.find('\'');
  if (end == absl::string_view::npos || expression.find('(') != absl::string_view::npos) {
    return std::nullopt;
  }
  return std::string(expression.substr(0, end));
}

std::vector<std::string> SymFunctions() {
  std::vector<std::string> names;
  for (const FunctionRow& row : kFunctions) names.emplace_back(row.name);
  return names;
}

}  // namespace ingot::pt2
