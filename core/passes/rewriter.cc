#include "core/passes/rewriter.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::passes {
namespace {

using ir::DType;
using ir::kNoValue;
using ir::ValueId;

template <typename T>
T Load(const void* data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

std::optional<ir::Scalar> LoadNumber(const ir::Constant& constant) {
  const void* data = constant.data;
  switch (constant.type.dtype) {
    case DType::kBool:
      return ir::Scalar(Load<uint8_t>(data) != 0);
    case DType::kUInt8:
      return ir::Scalar(int64_t{Load<uint8_t>(data)});
    case DType::kInt8:
      return ir::Scalar(int64_t{Load<int8_t>(data)});
    case DType::kInt16:
      return ir::Scalar(int64_t{Load<int16_t>(data)});
    case DType::kInt32:
      return ir::Scalar(int64_t{Load<int32_t>(data)});
    case DType::kInt64:
      return ir::Scalar(Load<int64_t>(data));
    case DType::kFloat32:
      return ir::Scalar(double{Load<float>(data)});
    case DType::kFloat64:
      return ir::Scalar(Load<double>(data));
    default:
      return std::nullopt;
  }
}

}  // namespace

GraphRewriter::GraphRewriter(ir::Recording& recording) : recording_(recording) {
  GrowTo(recording.graph.num_values());
  for (const ir::InputSpec& input : recording.graph.inputs()) {
    if (input.role == ir::InputRole::kConstant) {
      constant_index_[input.value] = static_cast<int>(input.index);
    }
  }
  for (const ir::Node& node : recording.graph.nodes()) CountUses(node, 1);
  for (const ir::OutputSpec& output : recording.graph.outputs()) ++uses_[output.value];
}

void GraphRewriter::GrowTo(size_t num_values) {
  producer_.resize(num_values, nullptr);
  uses_.resize(num_values, 0);
  constant_index_.resize(num_values, -1);
  for (size_t v = replacement_.size(); v < num_values; ++v) {
    replacement_.push_back(static_cast<ValueId>(v));
  }
}

// Replacements of replacements do not occur: what a rule returns has been resolved already.
ValueId GraphRewriter::Resolve(ValueId value) const { return replacement_[value]; }

void GraphRewriter::CountUses(const ir::Node& node, int delta) {
  ir::ForEachOperand(node, [&](ValueId value) { uses_[value] += delta; });
}

void GraphRewriter::Append(ir::Node node) {
  nodes_.push_back(std::move(node));
  for (ValueId output : nodes_.back().outputs) {
    if (output != kNoValue) producer_[output] = &nodes_.back();
  }
}

absl::Status GraphRewriter::ReplaceOutput(const ir::Node& node, ValueId output, ValueId by) {
  if (by == kNoValue && (output == kNoValue || uses_[output] == 0)) return absl::OkStatus();
  if (by == kNoValue || output == kNoValue || type(by) != type(output)) {
    return absl::InternalError(
        absl::StrCat(node.op, " was replaced by ",
                     by == kNoValue ? "no value" : ir::ToString(type(by)), ", not one of the type ",
                     output == kNoValue ? "(none)" : ir::ToString(type(output)), " of its output"));
  }
  replacement_[output] = by;
  uses_[by] += uses_[output];
  uses_[output] = 0;
  return absl::OkStatus();
}

absl::Status GraphRewriter::Replace(const ir::Node& node, const std::vector<ValueId>& by) {
  if (by.size() != node.outputs.size()) {
    return absl::InternalError(absl::StrCat(node.op, " has ", node.outputs.size(),
                                            " outputs and was replaced by ", by.size(), " values"));
  }
  for (size_t i = 0; i < by.size(); ++i) {
    INGOT_RETURN_IF_ERROR(ReplaceOutput(node, node.outputs[i], by[i]));
  }
  CountUses(node, -1);
  return absl::OkStatus();
}

absl::StatusOr<bool> GraphRewriter::Run(Rule rule) {
  return RunWide(
      [&rule](GraphRewriter& r, const ir::Node& node) -> absl::StatusOr<std::vector<ValueId>> {
        INGOT_ASSIGN_OR_RETURN(const ValueId by, rule(r, node));
        if (by == kNoValue) return std::vector<ValueId>{};
        return std::vector<ValueId>{by};
      });
}

absl::StatusOr<bool> GraphRewriter::RunWide(WideRule rule) {
  ir::Graph& graph = recording_.graph;
  std::vector<ir::Node> old_nodes = std::move(graph.mutable_nodes());
  bool changed = false;
  absl::Status status;
  for (ir::Node& node : old_nodes) {
    ir::MapOperands(node, [this](ValueId value) { return Resolve(value); });
    std::vector<ValueId> by;
    if (status.ok()) {
      source_ = node.source;
      absl::StatusOr<std::vector<ValueId>> result = rule(*this, node);
      status = result.status();
      if (result.ok()) by = *std::move(result);
    }
    if (status.ok() && !by.empty()) {
      status = Replace(node, by);
      changed = true;
      if (status.ok()) continue;
    }
    // After an error too: the graph stays whole.
    Append(std::move(node));
  }
  for (ir::OutputSpec& output : graph.mutable_outputs()) output.value = Resolve(output.value);
  graph.mutable_nodes().assign(std::make_move_iterator(nodes_.begin()),
                               std::make_move_iterator(nodes_.end()));
  if (!status.ok()) return status;
  return changed;
}

const ir::Node* GraphRewriter::Producer(ValueId value) const {
  return value == kNoValue ? nullptr : producer_[value];
}

const ir::Node* GraphRewriter::ProducerOf(ValueId value, absl::string_view op) const {
  const ir::Node* node = Producer(value);
  return node != nullptr && node->op == op && node->outputs.size() == 1 ? node : nullptr;
}

const ir::Constant* GraphRewriter::ConstantOf(ValueId value) const {
  if (value == kNoValue || constant_index_[value] < 0) return nullptr;
  const ir::Constant& constant = recording_.constants[constant_index_[value]];
  return constant.data == nullptr ? nullptr : &constant;
}

std::optional<ir::Scalar> GraphRewriter::NumberOf(const ir::Argument& arg) const {
  if (const bool* value = std::get_if<bool>(&arg)) return *value;
  if (const int64_t* value = std::get_if<int64_t>(&arg)) return *value;
  if (const double* value = std::get_if<double>(&arg)) return *value;
  if (const auto* value = std::get_if<std::complex<double>>(&arg)) return *value;
  const ir::ValueRef* ref = std::get_if<ir::ValueRef>(&arg);
  const ir::Constant* constant = ref == nullptr ? nullptr : ConstantOf(ref->id);
  if (constant == nullptr || constant->type.rank() != 0) return std::nullopt;
  return LoadNumber(*constant);
}

absl::StatusOr<ValueId> GraphRewriter::Emit(absl::string_view op, std::vector<ir::Argument> args) {
  const ops::OpDef* def = ops::FindOp(op);
  if (def == nullptr) return absl::InternalError(absl::StrCat(op, " is not registered"));
  INGOT_RETURN_IF_ERROR(ops::FillDefaults(def->schema, args));
  ir::Graph& graph = recording_.graph;
  INGOT_ASSIGN_OR_RETURN(std::vector<ir::TensorType> types,
                         ops::InferTypes(*def, args, [&](ValueId v) -> const ir::TensorType& {
                           return graph.type(v);
                         }));
  if (types.size() != 1) {
    return absl::InternalError(absl::StrCat(op, " has ", types.size(), " outputs"));
  }
  const ValueId value = graph.AddValue(std::move(types[0]));
  GrowTo(graph.num_values());
  ir::Node node{std::string(op), std::move(args), {value}, source_};
  CountUses(node, 1);
  Append(std::move(node));
  return value;
}

ValueId GraphRewriter::AddConstant(ir::Constant constant, std::string name) {
  ir::Graph& graph = recording_.graph;
  ir::InputSpec spec;
  spec.role = ir::InputRole::kConstant;
  spec.index = static_cast<uint32_t>(recording_.constants.size());
  spec.digest = constant.digest;
  spec.name = std::move(name);
  const ValueId value = graph.AddInput(std::move(spec), constant.type);
  GrowTo(graph.num_values());
  constant_index_[value] = static_cast<int>(recording_.constants.size());
  recording_.constants.push_back(std::move(constant));
  return value;
}

ir::Constant MakeConstant(const ir::TensorType& type, absl::FunctionRef<void(char*)> fill) {
  const auto bytes = std::make_shared<std::vector<std::max_align_t>>(
      static_cast<size_t>(type.NumBytes()) / sizeof(std::max_align_t) + 1);
  fill(reinterpret_cast<char*>(bytes->data()));
  ir::Constant constant;
  constant.type = type;
  constant.data = bytes->data();
  constant.owner = bytes;
  constant.digest = ir::Sha256(constant.data, static_cast<size_t>(type.NumBytes()));
  return constant;
}

ValueId OperandOf(const ir::Node& node, size_t i) {
  if (i >= node.args.size()) return kNoValue;
  const ir::ValueRef* ref = std::get_if<ir::ValueRef>(&node.args[i]);
  return ref == nullptr ? kNoValue : ref->id;
}

std::optional<double> AsDouble(const std::optional<ir::Scalar>& number) {
  if (!number.has_value()) return std::nullopt;
  if (const bool* value = std::get_if<bool>(&*number)) return *value ? 1.0 : 0.0;
  if (const int64_t* value = std::get_if<int64_t>(&*number)) return static_cast<double>(*value);
  if (const double* value = std::get_if<double>(&*number)) return *value;
  return std::nullopt;
}

ir::Argument AsArgument(const ir::Scalar& number) {
  return std::visit([](const auto& value) { return ir::Argument(value); }, number);
}

}  // namespace ingot::passes
