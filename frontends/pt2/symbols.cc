#include "frontends/pt2/symbols.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::pt2 {
namespace {

std::string Where(size_t slot, const ArgumentInfo& argument) {
  return absl::StrCat("argument ", slot, " (", argument.name, ")");
}

// Names in Symbol('name', …) terms.
std::set<std::string> SymbolsIn(const std::string& expression) {
  std::set<std::string> names;
  const std::string open = "Symbol('";
  for (size_t at = expression.find(open); at != std::string::npos;
       at = expression.find(open, at + 1)) {
    const size_t begin = at + open.size(), end = expression.find('\'', begin);
    if (end == std::string::npos) break;
    names.insert(expression.substr(begin, end - begin));
  }
  return names;
}

// The value of the one unknown symbol of a linear expression that equals `size`.
std::optional<int64_t> Solve(const std::string& expression, const std::string& unknown,
                             int64_t size, SymBindings bindings) {
  int64_t at[2];
  for (const int64_t trial : {1, 2}) {
    bindings[unknown] = trial;
    const auto value = EvaluateSize(expression, bindings);
    if (!value.ok()) return std::nullopt;
    at[trial - 1] = *value;
  }
  int64_t slope = 0, intercept = 0, distance = 0;
  if (__builtin_sub_overflow(at[1], at[0], &slope) || slope == 0 ||
      __builtin_sub_overflow(at[0], slope, &intercept) ||
      __builtin_sub_overflow(size, intercept, &distance) || distance % slope != 0) {
    return std::nullopt;
  }
  bindings[unknown] = distance / slope;
  const auto check = EvaluateSize(expression, bindings);
  if (!check.ok() || *check != size) return std::nullopt;
  return distance / slope;
}

class Binder {
 public:
  explicit Binder(const Program& program) : program_(program) {}

  absl::StatusOr<SymBindings> Run(const std::vector<ArgumentInfo>& infos,
                                  const std::vector<ir::TensorType>& arguments) {
    BindNumbers();
    // Symbols first, then expressions of them.
    for (const bool symbols : {true, false}) {
      for (size_t slot = 0; slot < infos.size(); ++slot) {
        for (size_t d = 0; d < infos[slot].meta->sizes.size(); ++d) {
          const SymInt& wanted = infos[slot].meta->sizes[d];
          const bool is_symbol = SymbolName(wanted.expression).has_value();
          if (wanted.expression.empty() != symbols && is_symbol != symbols) continue;
          INGOT_RETURN_IF_ERROR(Bind(wanted, arguments[slot].dims[d]),
                                absl::StrCat(Where(slot, infos[slot]), ", dimension ", d));
        }
      }
    }
    return std::move(bindings_);
  }

 private:
  // A size that is an input itself has the value of the export.
  void BindNumbers() {
    for (const ProgramInput& input : program_.inputs) {
      const auto* name = std::get_if<NameArgument>(&input.value);
      if (input.kind != InputKind::kUser || name == nullptr) continue;
      const auto found = program_.sym_ints.find(name->name);
      if (found == program_.sym_ints.end() || !found->second.hint) continue;
      const auto symbol = SymbolName(found->second.expression);
      if (symbol) bindings_[*symbol] = *found->second.hint;
    }
  }

  absl::Status CheckRange(const std::string& symbol, int64_t value) const {
    const auto range = program_.ranges.find(symbol);
    if (range == program_.ranges.end()) return absl::OkStatus();
    const auto& [min, max] = range->second;
    if ((!min || value >= *min) && (!max || value <= *max)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("the size ", value, " is not in the range ", min ? absl::StrCat(*min) : "",
                     " to ", max ? absl::StrCat(*max) : "", " that the program was exported for"));
  }

  absl::Status Bind(const SymInt& wanted, int64_t size) {
    if (wanted.expression.empty()) {
      if (size == wanted.value) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat(
          "the size is ", size, "; the program was exported for ", wanted.value, " alone"));
    }
    std::vector<std::string> unknown;
    for (const std::string& name : SymbolsIn(wanted.expression)) {
      if (!bindings_.contains(name)) unknown.push_back(name);
    }
    if (unknown.size() == 1) {
      const auto value = Solve(wanted.expression, unknown[0], size, bindings_);
      if (!value) {
        return absl::InvalidArgumentError(
            absl::StrCat("the size ", size, " is none that ", wanted.expression, " can be"));
      }
      INGOT_RETURN_IF_ERROR(CheckRange(unknown[0], *value));
      bindings_[unknown[0]] = *value;
      return absl::OkStatus();
    }
    INGOT_ASSIGN_OR_RETURN(const int64_t value, EvaluateSize(wanted.expression, bindings_));
    if (value == size) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("the size is ", size, ", but the other arguments' sizes make it ", value));
  }

  const Program& program_;
  SymBindings bindings_;
};

}  // namespace

absl::StatusOr<int64_t> ValueOf(const SymInt& size, const SymBindings& bindings) {
  if (size.expression.empty()) return size.value;
  return EvaluateSize(size.expression, bindings);
}

absl::StatusOr<std::vector<ArgumentInfo>> ArgumentsOf(const Program& program) {
  std::vector<ArgumentInfo> infos;
  for (const ProgramInput& input : program.inputs) {
    const auto* tensor = std::get_if<TensorArgument>(&input.value);
    if (input.kind != InputKind::kUser || tensor == nullptr) continue;
    const auto found = program.tensors.find(tensor->name);
    if (found == program.tensors.end()) {
      return absl::InvalidArgumentError(absl::StrCat("the input ", tensor->name, " has no type"));
    }
    infos.push_back({tensor->name, &found->second});
  }
  return infos;
}

absl::StatusOr<SymBindings> BindSymbols(const Program& program,
                                        const std::vector<ir::TensorType>& arguments) {
  INGOT_ASSIGN_OR_RETURN(const std::vector<ArgumentInfo> infos, ArgumentsOf(program));
  if (infos.size() != arguments.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the program takes ", infos.size(), " tensors, not ", arguments.size()));
  }
  for (size_t slot = 0; slot < infos.size(); ++slot) {
    const TensorMeta& meta = *infos[slot].meta;
    if (DTypeOfCode(meta.dtype_code) != arguments[slot].dtype) {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(slot, infos[slot]), " is ", ir::DTypeName(arguments[slot].dtype),
                       "; the program takes ", DTypeCodeName(meta.dtype_code)));
    }
    if (meta.sizes.size() != arguments[slot].dims.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(slot, infos[slot]), " has ", arguments[slot].dims.size(),
                       " dimensions; the program takes ", meta.sizes.size()));
    }
  }
  return Binder(program).Run(infos, arguments);
}

absl::StatusOr<std::vector<ir::TensorType>> DefaultTypes(const Program& program) {
  INGOT_ASSIGN_OR_RETURN(const std::vector<ArgumentInfo> infos, ArgumentsOf(program));
  SymBindings least;
  for (const auto& [symbol, range] : program.ranges) {
    const int64_t value = std::max<int64_t>(range.min.value_or(2), 2);
    least[symbol] = range.max ? std::min(value, *range.max) : value;
  }
  std::vector<ir::TensorType> types;
  for (const ArgumentInfo& info : infos) {
    const std::optional<ir::DType> dtype = DTypeOfCode(info.meta->dtype_code);
    if (!dtype) {
      return absl::UnimplementedError(absl::StrCat("the input ", info.name, " is of dtype ",
                                                   DTypeCodeName(info.meta->dtype_code),
                                                   ", which is not supported"));
    }
    ir::TensorType type{*dtype, {}};
    for (const SymInt& size : info.meta->sizes) {
      int64_t value = size.hint.value_or(0);
      if (!size.hint) {
        INGOT_ASSIGN_OR_RETURN(value, ValueOf(size, least));
      }
      if (value < 0) return absl::InvalidArgumentError("an input has a negative size");
      type.dims.push_back(value);
    }
    types.push_back(std::move(type));
  }
  return types;
}

}  // namespace ingot::pt2
