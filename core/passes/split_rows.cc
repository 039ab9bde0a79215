#include "core/passes/split_rows.h"

#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/recording.h"
#include "core/ops/registry.h"
#include "core/passes/row_rules.h"
#include "core/passes/rowwise.h"

namespace ingot::passes {
namespace {

using Ints = std::vector<int64_t>;

// Guesses the smaller graph, node by node.
class Splitter {
 public:
  Splitter(const ir::Graph& large, int64_t batch, int64_t rows)
      : large_(large), small_(large), batch_(batch), size_(rows), rows_(large.num_values()) {}

  absl::StatusOr<ir::Graph> Split() && {
    for (const ir::InputSpec& input : large_.inputs()) {
      if (input.role != ir::InputRole::kArgument) continue;
      const ir::TensorType& type = large_.type(input.value);
      if (type.rank() == 0 || type.dims[0] == 0 || type.dims[0] % batch_ != 0) continue;
      rows_[input.value] = {0, type.dims[0] / batch_};
      small_.mutable_type(input.value).dims[0] = rows_[input.value].count * size_;
    }
    for (ir::NodeId node = 0; node < large_.nodes().size(); ++node) {
      INGOT_RETURN_IF_ERROR(SplitNode(node), ir::Describe(large_, node));
    }
    return std::move(small_);
  }

 private:
  absl::Status SplitNode(ir::NodeId id) {
    ir::Node& node = small_.mutable_nodes()[id];
    bool takes_rows = false;
    ir::ForEachOperand(node, [&](ir::ValueId value) { takes_rows |= rows_[value].any(); });
    const ops::OpDef* const def = ops::FindOp(node.op);
    if (def == nullptr) return absl::FailedPreconditionError("the op is not in the vocabulary");
    const RowEntry* const entry = FindRowEntry(*def, node.op);
    if (takes_rows && entry == nullptr)
      return absl::FailedPreconditionError("what the op does with rows isn't known");
    if (entry != nullptr && entry->sizes_follow) ScaleSizes(*entry, takes_rows, id, node);
    const auto types = ops::InferTypes(
        *def, node.args,
        [&](ir::ValueId value) -> const ir::TensorType& { return small_.type(value); });
    // A size that is not where the guess takes it to be.
    if (!types.ok()) return absl::FailedPreconditionError(types.status().message());
    for (size_t i = 0; i < node.outputs.size() && i < types->size(); ++i) {
      if (node.outputs[i] == ir::kNoValue) continue;
      small_.mutable_type(node.outputs[i]) = (*types)[i];
      rows_[node.outputs[i]] = RowsOf((*types)[i], large_.type(node.outputs[i]));
    }
    return absl::OkStatus();
  }

  // Where a value's sizes differ. Wrong guesses don't pass the proof.
  Rows RowsOf(const ir::TensorType& small, const ir::TensorType& large) const {
    for (int i = 0; i < large.rank() && i < small.rank(); ++i) {
      if (small.dims[i] != large.dims[i]) return {i, large.dims[i] / batch_};
    }
    return {};
  }

  // A list of the result's sizes: the one where the op's rule finds the rows gets smaller.
  void ScaleSizes(const RowEntry& entry, bool takes_rows, ir::NodeId id, ir::Node& node) const {
    const ir::TensorType& result = large_.type(node.outputs[0]);
    for (ir::Argument& argument : node.args) {
      Ints* const sizes = std::get_if<Ints>(&argument);
      if (sizes == nullptr || sizes->size() != result.dims.size()) continue;
      for (int axis = 0; axis < result.rank(); ++axis) {
        const int64_t size = result.dims[axis];
        if ((*sizes)[axis] != size || size == 0 || size % batch_ != 0) continue;
        const std::vector<Rows> guess = {{axis, size / batch_}};
        const RowNode view(large_, large_.node(id), rows_, guess);
        // Without rows before, the first size that could be the batch is taken for it.
        if (takes_rows ? entry.rule(view, 0) == axis : entry.makes_equal_rows && axis == 0) {
          (*sizes)[axis] = guess[0].count * size_;
          return;
        }
      }
    }
  }

  const ir::Graph& large_;
  ir::Graph small_;
  const int64_t batch_, size_;
  std::vector<Rows> rows_;  // by value
};

// As much of a recording as the proof looks at. Constants are equal because they are the same.
ir::Recording RecordingOf(const ir::Graph& graph) {
  ir::Recording recording;
  recording.graph = graph;
  for (const ir::InputSpec& input : graph.inputs()) {
    switch (input.role) {
      case ir::InputRole::kArgument:
        recording.signature.arguments.resize(
            std::max<size_t>(recording.signature.arguments.size(), input.index + 1));
        break;
      case ir::InputRole::kConstant:
        recording.constants.resize(std::max<size_t>(recording.constants.size(), input.index + 1));
        recording.constants[input.index].digest = input.digest;
        break;
      default:
        break;
    }
  }
  return recording;
}

}  // namespace

int64_t BatchSize(const ir::Graph& graph) {
  int64_t batch = 1, most = 0;
  for (const ir::InputSpec& input : graph.inputs()) {
    const ir::TensorType& type = graph.type(input.value);
    if (input.role != ir::InputRole::kArgument || type.rank() < 2 || type.NumBytes() <= most)
      continue;
    most = type.NumBytes();
    batch = type.dims[0];
  }
  return batch;
}

absl::StatusOr<RowSplit> SplitRows(const ir::Graph& graph, int64_t batch, int64_t rows) {
  RowSplit split;
  INGOT_ASSIGN_OR_RETURN(split.graph, Splitter(graph, batch, rows).Split());
  INGOT_ASSIGN_OR_RETURN(const RowPlan plan,
                         ProveRowwise(RecordingOf(split.graph), RecordingOf(graph), rows, batch));
  for (const ir::InputSpec& input : graph.inputs()) {
    split.input_rows.push_back(
        input.role == ir::InputRole::kArgument ? plan.argument_rows[input.index] : 0);
  }
  for (const ir::OutputSpec& output : graph.outputs()) {
    const bool is_result = output.role == ir::OutputRole::kResult;
    const int64_t result_rows = is_result ? plan.result_rows[output.index] : 0;
    if (result_rows == 0)
      return absl::FailedPreconditionError(absl::StrCat("result ", output.index, " has no rows"));
    split.output_rows.push_back(result_rows);
  }
  return split;
}

}  // namespace ingot::passes
