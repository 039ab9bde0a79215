#include "core/ir/builder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/verifier.h"
#include "core/ops/registry.h"

namespace ingot::ir {

ValueId GraphBuilder::AddInput(InputRole role, uint32_t index, TensorType type) {
  InputSpec spec;
  spec.role = role;
  spec.index = index;
  return graph_.AddInput(std::move(spec), std::move(type));
}

ValueId GraphBuilder::Argument(TensorType type) {
  return AddInput(InputRole::kArgument, num_arguments_++, std::move(type));
}

ValueId GraphBuilder::Scalar(DType dtype) {
  return AddInput(InputRole::kScalar, num_scalars_++, {dtype, {}});
}

ValueId GraphBuilder::State(TensorType type) {
  return AddInput(InputRole::kState, num_states_++, std::move(type));
}

ValueId GraphBuilder::Constant(TensorType type, Digest digest, std::string name) {
  const ValueId value = AddInput(InputRole::kConstant, num_constants_++, std::move(type));
  graph_.mutable_inputs().back().digest = digest;
  graph_.mutable_inputs().back().name = std::move(name);
  return value;
}

ValueId GraphBuilder::Seed() {
  if (seed_ == kNoValue) seed_ = AddInput(InputRole::kSeed, 0, {DType::kInt64, {}});
  return seed_;
}

ValueId GraphBuilder::Op(absl::string_view op, std::vector<ir::Argument> args) {
  const std::vector<ValueId> outputs = Ops(op, std::move(args));
  return outputs.empty() ? kNoValue : outputs[0];
}

std::vector<ValueId> GraphBuilder::Ops(absl::string_view op, std::vector<ir::Argument> args) {
  if (!status_.ok()) return {};
  absl::StatusOr<std::vector<TensorType>> types = Complete(op, args);
  if (!types.ok()) {
    status_ = types.status();
    return {};
  }
  const NodeId node = graph_.AddNode(std::string(op), std::move(args), *std::move(types));
  return graph_.node(node).outputs;
}

absl::StatusOr<std::vector<TensorType>> GraphBuilder::Complete(absl::string_view op,
                                                               std::vector<ir::Argument>& args) {
  const ops::OpDef* def = ops::FindOp(op);
  if (def == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(op, " is not a registered op; use Opaque and give its output types"));
  }
  INGOT_RETURN_IF_ERROR(ops::FillDefaults(def->schema, args), op);
  if (def->Is(ops::kRandom)) args.push_back(ValueRef{Seed()});
  for (const ir::Argument& arg : args) INGOT_RETURN_IF_ERROR(CheckOperands(arg), op);
  return ops::InferTypes(*def, args, [this](ValueId v) -> const TensorType& { return type(v); });
}

absl::Status GraphBuilder::CheckOperands(const ir::Argument& arg) const {
  absl::Status status;
  ForEachValue(arg, [&](ValueId value) {
    if (value < graph_.num_values()) return;
    status.Update(absl::InvalidArgumentError(
        absl::StrCat("an operand is not a value of the graph \"", graph_.name(), "\"")));
  });
  return status;
}

std::vector<ValueId> GraphBuilder::Opaque(std::string op, std::vector<ir::Argument> args,
                                          std::vector<TensorType> types) {
  if (!status_.ok()) return std::vector<ValueId>(types.size(), kNoValue);
  const NodeId node = graph_.AddNode(std::move(op), std::move(args), std::move(types));
  return graph_.node(node).outputs;
}

void GraphBuilder::Result(ValueId value) { AddOutput(OutputRole::kResult, num_results_++, value); }

void GraphBuilder::WriteBack(uint32_t argument, ValueId value) {
  AddOutput(OutputRole::kWriteBack, argument, value);
}

void GraphBuilder::StateUpdate(uint32_t state, ValueId value) {
  AddOutput(OutputRole::kStateUpdate, state, value);
}

void GraphBuilder::AddOutput(OutputRole role, uint32_t index, ValueId value) {
  graph_.mutable_outputs().emplace_back();
  OutputSpec& spec = graph_.mutable_outputs().back();
  spec.role = role;
  spec.index = index;
  spec.value = value;
}

absl::StatusOr<Graph> GraphBuilder::Build() && {
  INGOT_RETURN_IF_ERROR(status_);
  if (graph_.result_structure() == Structure() && num_results_ > 0) {
    std::vector<Structure> slots;
    for (uint32_t i = 0; i < num_results_; ++i) {
      slots.push_back(Structure::Tensor(static_cast<int32_t>(i)));
    }
    graph_.set_result_structure(slots.size() == 1 ? slots[0] : Structure::Tuple(std::move(slots)));
  }
  INGOT_RETURN_IF_ERROR(Verify(graph_), graph_.name());
  return std::move(graph_);
}

}  // namespace ingot::ir
