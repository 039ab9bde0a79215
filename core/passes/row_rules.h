// What each op does with the rows of its operands: the table behind ProveRowwise (rowwise.h).
//
// A new op needs a row here only if graphs with it shall serve batches of several sizes; without
// one they are refused. Immutable, thread-safe.
#ifndef INGOT_CORE_PASSES_ROW_RULES_H_
#define INGOT_CORE_PASSES_ROW_RULES_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/ir/graph.h"
#include "core/ops/op_view.h"
#include "core/ops/registry.h"

namespace ingot::passes {

// Where the rows of a value lie.
struct Rows {
  int axis = -1;      // -1: nowhere, the value is the same for all batches
  int64_t count = 0;  // neighbours along the axis that make one row
  bool any() const { return axis >= 0; }
};

// A node as the rules see it.
class RowNode {
 public:
  RowNode(const ir::Graph& graph, const ir::Node& node, const std::vector<Rows>& rows,
          const std::vector<Rows>& output_rows)
      : view(graph, node), graph_(graph), node_(node), rows_(rows), output_rows_(output_rows) {}

  const ops::OpView view;

  Rows rows(absl::string_view name) const {
    const ir::ValueId value = view.Has(name) ? view.Value(name) : ir::kNoValue;
    return value == ir::kNoValue ? Rows() : rows_[value];
  }
  int rank(absl::string_view name) const { return view.TensorType(name).rank(); }
  int output_rank(int output) const { return graph_.type(node_.outputs[output]).rank(); }

  // Argument `name`, a dimension of operand `of`, counted from the front.
  int Dim(absl::string_view name, int rank_of) const { return Normal(view.Int(name), rank_of); }
  static int Normal(int64_t dim, int rank) {
    return static_cast<int>(dim < 0 ? dim + std::max(rank, 1) : dim);
  }

  // The axis in the broadcast result that all operands' rows lie along; nullopt if they differ.
  std::optional<int> BroadcastAxis(int result_rank) const {
    std::optional<int> axis;
    bool is_same = true;
    ir::ForEachOperand(node_, [&](ir::ValueId value) {
      if (!rows_[value].any()) return;
      const int aligned = result_rank - graph_.type(value).rank() + rows_[value].axis;
      is_same = is_same && (!axis || *axis == aligned);
      axis = aligned;
    });
    return is_same ? axis : std::nullopt;
  }
  // The axis that the rows of all tensor operands lie along; nullopt if one has none or another.
  std::optional<int> CommonAxis() const {
    std::optional<int> axis;
    bool is_same = true;
    ir::ForEachOperand(node_, [&](ir::ValueId value) {
      is_same = is_same && rows_[value].any() && (!axis || *axis == rows_[value].axis);
      axis = rows_[value].axis;
    });
    return is_same ? axis : std::nullopt;
  }
  const ir::TensorType& output_type(int output) const { return graph_.type(node_.outputs[output]); }
  // Where the result's rows must lie, by its type.
  const Rows& output_rows(int output) const { return output_rows_[output]; }

 private:
  const ir::Graph& graph_;
  const ir::Node& node_;
  const std::vector<Rows>& rows_;
  const std::vector<Rows>& output_rows_;
};

// The axis of the output's rows, given that some operand has rows; nullopt: the op mixes them, or
// what it does with them isn't known.
using RowRule = std::optional<int> (*)(const RowNode& node, int output);

// One row of the table.
struct RowEntry {
  absl::string_view op;
  absl::string_view with_rows;  // operands that may have rows; the others must not
  RowRule rule;
  bool sizes_follow = false;      // its lists of ints are sizes, which the result's type implies
  bool makes_equal_rows = false;  // of an operand without rows, where its sizes say so
};
// RowEntry::with_rows of an op that takes rows in any operand.
inline constexpr absl::string_view kAllOperands = "*";

// nullptr: what the op does with rows isn't known.
const RowEntry* FindRowEntry(const ops::OpDef& def, absl::string_view op);

// Rows of the table.
int NumRowEntries();

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_ROW_RULES_H_
