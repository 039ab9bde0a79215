#include "core/passes/rowwise.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/ops/registry.h"
#include "core/passes/row_rules.h"

namespace ingot::passes {
namespace {

using ir::ValueId;

class Prover {
 public:
  Prover(const ir::Recording& small, const ir::Recording& large, int64_t small_size,
         int64_t large_size)
      : small_(small),
        large_(large),
        small_size_(small_size),
        large_size_(large_size),
        rows_(small.graph.num_values()) {}

  absl::StatusOr<RowPlan> Prove() {
    INGOT_RETURN_IF_ERROR(CheckSameProgram());
    INGOT_RETURN_IF_ERROR(ProveInputs());
    for (ir::NodeId node = 0; node < small_.graph.nodes().size(); ++node) {
      INGOT_RETURN_IF_ERROR(ProveNode(node), ir::Describe(small_.graph, node));
    }
    INGOT_RETURN_IF_ERROR(ProveOutputs());
    return std::move(plan_);
  }

 private:
  template <typename... Parts>
  static absl::Status No(const Parts&... parts) {
    absl::Status status = absl::FailedPreconditionError(absl::StrCat("not row by row: ", parts...));
    status.SetPayload(kNotRowwise, absl::Cord());
    return status;
  }

  // What the two graphs' types say of a value: one size that is the batch times a constant, or
  // none.
  absl::StatusOr<Rows> RowsByType(ValueId value) const {
    const ir::TensorType& small = small_.graph.type(value);
    const ir::TensorType& large = large_.graph.type(value);
    Rows rows;
    if (small == large) return rows;
    bool fits = small.dtype == large.dtype && small.rank() == large.rank();
    for (int i = 0; fits && i < small.rank(); ++i) {
      if (small.dims[i] == large.dims[i]) continue;
      fits = !rows.any() && small.dims[i] % small_size_ == 0 &&
             small.dims[i] / small_size_ * large_size_ == large.dims[i];
      rows = {i, small.dims[i] / small_size_};
    }
    if (fits) return rows;
    return No("%", value, " is ", ir::ToString(small), " for batches of ", small_size_, " and ",
              ir::ToString(large), " for batches of ", large_size_);
  }

  absl::Status CheckSameProgram() const {
    const ir::Graph& a = small_.graph;
    const ir::Graph& b = large_.graph;
    if (a.num_values() != b.num_values() || a.nodes().size() != b.nodes().size() ||
        a.inputs().size() != b.inputs().size() || a.outputs().size() != b.outputs().size() ||
        !(a.result_structure() == b.result_structure()) ||
        small_.scalars.size() != large_.scalars.size()) {
      return No("the program for batches of ", small_size_, " has ", a.nodes().size(),
                " nodes, that for ", large_size_, " has ", b.nodes().size(),
                ", or other inputs or results");
    }
    for (size_t i = 0; i < small_.scalars.size(); ++i) {
      const ir::ScalarBinding &x = small_.scalars[i], &y = large_.scalars[i];
      if (x.is_argument != y.is_argument || x.argument != y.argument || x.literal != y.literal)
        return No("number ", i, " follows the batch's size");
    }
    return absl::OkStatus();
  }

  absl::Status ProveInputs() {
    plan_.argument_rows.assign(small_.signature.arguments.size(), 0);
    for (size_t i = 0; i < small_.graph.inputs().size(); ++i) {
      const ir::InputSpec& a = small_.graph.inputs()[i];
      const ir::InputSpec& b = large_.graph.inputs()[i];
      if (a.role != b.role || a.index != b.index || a.value != b.value)
        return No("input ", i, " differs");
      INGOT_ASSIGN_OR_RETURN(const Rows rows, RowsByType(a.value));
      INGOT_RETURN_IF_ERROR(ProveInput(a, rows));
      rows_[a.value] = rows;
    }
    return absl::OkStatus();
  }

  absl::Status ProveInput(const ir::InputSpec& input, const Rows& rows) {
    switch (input.role) {
      case ir::InputRole::kSeed:
        return No("the program draws random numbers, whose order follows the batch's size");
      case ir::InputRole::kArgument:
        if (rows.axis > 0)
          return No("argument ", input.index, " has its rows along axis ", rows.axis);
        plan_.argument_rows[input.index] = rows.count;
        return absl::OkStatus();
      case ir::InputRole::kConstant:
        return rows.any() ? ProveConstantRows(input, rows) : ProveEqualConstants(input.index);
      case ir::InputRole::kState:
      case ir::InputRole::kScalar:
        return rows.any() ? No("a state's size follows the batch's") : absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status ProveEqualConstants(uint32_t index) const {
    if (small_.constants[index].digest == large_.constants[index].digest) return absl::OkStatus();
    return No("the contents of constant ", index, " follow the batch's size");
  }

  // A constant with rows, like a mask for each row, begins with the smaller one's.
  absl::Status ProveConstantRows(const ir::InputSpec& input, const Rows& rows) const {
    const ir::Constant& a = small_.constants[input.index];
    const ir::Constant& b = large_.constants[input.index];
    int64_t before = 1;  // blocks of rows, one for each place before the axis
    for (int i = 0; i < rows.axis; ++i) before *= a.type.dims[i];
    if (before == 0 || a.type.NumBytes() == 0) return absl::OkStatus();
    const size_t a_stride = static_cast<size_t>(a.type.NumBytes() / before);
    const size_t b_stride = static_cast<size_t>(b.type.NumBytes() / before);
    for (int64_t i = 0; i < before; ++i) {
      const char* from = static_cast<const char*>(a.data) + static_cast<size_t>(i) * a_stride;
      const char* to = static_cast<const char*>(b.data) + static_cast<size_t>(i) * b_stride;
      if (std::memcmp(from, to, a_stride) != 0)
        return No("the contents of constant ", input.index, " follow the batch's size");
    }
    return absl::OkStatus();
  }

  absl::Status ProveNode(ir::NodeId id) {
    const ir::Node& a = small_.graph.node(id);
    const ir::Node& b = large_.graph.node(id);
    if (a.op != b.op || a.outputs != b.outputs)
      return No("batches of ", large_size_, " have ", b.op);
    const ops::OpDef* def = ops::FindOp(a.op);
    const RowEntry* entry = def == nullptr ? nullptr : FindRowEntry(*def, a.op);
    INGOT_RETURN_IF_ERROR(CheckArguments(a, b, entry));
    std::vector<Rows> by_type;
    bool has_rows = false;
    for (ValueId output : a.outputs) {
      by_type.emplace_back();
      if (output == ir::kNoValue) continue;
      INGOT_ASSIGN_OR_RETURN(by_type.back(), RowsByType(output));
      has_rows = has_rows || by_type.back().any();
    }
    bool takes_rows = false;
    ir::ForEachOperand(a, [&](ValueId value) { takes_rows |= rows_[value].any(); });
    if (takes_rows) {
      INGOT_RETURN_IF_ERROR(ProveRows(a, entry, by_type));
    } else if (has_rows && (entry == nullptr || !entry->makes_equal_rows)) {
      // expand and repeat make equal rows; of what others make of a size nothing is known.
      return No("it makes something of the batch's size");
    }
    for (size_t i = 0; i < a.outputs.size(); ++i) {
      if (a.outputs[i] != ir::kNoValue) rows_[a.outputs[i]] = by_type[i];
    }
    return absl::OkStatus();
  }

  absl::Status CheckArguments(const ir::Node& a, const ir::Node& b, const RowEntry* entry) const {
    if (a.args.size() != b.args.size()) return No("its arguments differ");
    for (size_t i = 0; i < a.args.size(); ++i) {
      if (a.args[i] == b.args[i]) continue;
      const bool are_sizes = std::holds_alternative<std::vector<int64_t>>(a.args[i]) &&
                             std::holds_alternative<std::vector<int64_t>>(b.args[i]);
      if (entry != nullptr && entry->sizes_follow && are_sizes) continue;
      return No("its argument ", i, " follows the batch's size");
    }
    return absl::OkStatus();
  }

  absl::Status ProveRows(const ir::Node& node, const RowEntry* entry,
                         const std::vector<Rows>& by_type) const {
    if (entry == nullptr) return No("what the op does with rows isn't known");
    const RowNode view(small_.graph, node, rows_, by_type);
    if (entry->with_rows != kAllOperands) {
      const std::vector<absl::string_view> allowed = absl::StrSplit(entry->with_rows, ',');
      const auto& parameters = view.view.def().schema.args;
      for (size_t i = 0; i < parameters.size(); ++i) {
        if (std::find(allowed.begin(), allowed.end(), parameters[i].name) != allowed.end())
          continue;
        bool has_rows = false;
        ir::ForEachValue(node.args[i], [&](ValueId value) { has_rows |= rows_[value].any(); });
        if (has_rows) return No("its argument '", parameters[i].name, "' has rows");
      }
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == ir::kNoValue) continue;
      const std::optional<int> axis = entry->rule(view, static_cast<int>(i));
      if (!axis || *axis != by_type[i].axis) return No("it mixes rows");
    }
    return absl::OkStatus();
  }

  absl::Status ProveOutputs() {
    for (size_t i = 0; i < small_.graph.outputs().size(); ++i) {
      const ir::OutputSpec& a = small_.graph.outputs()[i];
      const ir::OutputSpec& b = large_.graph.outputs()[i];
      if (a.role != b.role || a.index != b.index || a.value != b.value || a.alias_of != b.alias_of)
        return No("output ", i, " differs");
      const Rows& rows = rows_[a.value];
      const bool is_result = a.role == ir::OutputRole::kResult;
      if (rows.any() && (!is_result || rows.axis != 0 || !a.strides.empty() || !b.strides.empty()))
        return No("output ", i, " has rows and is no row-major result with rows along axis 0");
      if (!is_result && a.role != ir::OutputRole::kAlias) continue;
      if (a.role == ir::OutputRole::kAlias && plan_.argument_rows[a.alias_of] != 0)
        return No("result ", a.index, " is an argument, or a view of one");
      if (plan_.result_rows.size() <= a.index) plan_.result_rows.resize(a.index + 1);
      plan_.result_rows[a.index] = rows.count;
    }
    return absl::OkStatus();
  }

  const ir::Recording& small_;
  const ir::Recording& large_;
  const int64_t small_size_, large_size_;
  std::vector<Rows> rows_;  // by value
  RowPlan plan_;
};

}  // namespace

absl::StatusOr<RowPlan> ProveRowwise(const ir::Recording& small, const ir::Recording& large,
                                     int64_t small_size, int64_t large_size) {
  return Prover(small, large, small_size, large_size).Prove();
}

}  // namespace ingot::passes
