#include "frontends/torchscript/graph_recorder.h"

#include <ATen/ops/nonzero.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/ir/opaque_op.h"
#include "core/ops/registry.h"
#include "frontends/torchscript/number_operand.h"
#include "frontends/torchscript/record.h"
#include "frontends/torchscript/view_step.h"

namespace ingot::torchscript {
namespace {

using ir::ValueId;
using ir::ValueRef;

std::vector<c10::IValue> Values(const std::vector<Operand>& operands) {
  std::vector<c10::IValue> values;
  for (const Operand& operand : operands) values.push_back(operand.value);
  return values;
}

std::string Where(const std::string& op, const std::string& source) {
  return source.empty() ? op : absl::StrCat(op, " (", source, ")");
}

bool IsMask(const TensorSnapshot& tensor) {
  const at::ScalarType dtype = ScalarTypeOf(tensor.layout);
  return dtype == at::ScalarType::Bool || dtype == at::ScalarType::Byte;
}

}  // namespace

GraphRecorder::GraphRecorder(const Tape& tape, std::string name, MemoryModel::NameOf name_of)
    : tape_(tape),
      graph_(std::move(name)),
      constants_(&graph_),
      memory_(tape, &graph_, &constants_, std::move(name_of)),
      padded_(&graph_, &constants_, &memory_) {}

ValueId GraphRecorder::AddInput(ir::InputRole role, uint32_t index, ir::TensorType type,
                                std::string name) {
  ir::InputSpec spec;
  spec.role = role;
  spec.index = index;
  spec.name = std::move(name);
  return graph_.AddInput(std::move(spec), std::move(type));
}

ValueId GraphRecorder::Seed() {
  if (seed_ == ir::kNoValue) seed_ = AddInput(ir::InputRole::kSeed, 0, {ir::DType::kInt64, {}});
  return seed_;
}

absl::Status GraphRecorder::Process(const Call& call) {
  memory_.set_source(call.source);
  const absl::Status status = ProcessCall(call);
  memory_.set_source("");
  return Annotate(status, Where(call.rule->name, call.source));
}

absl::Status GraphRecorder::ProcessCall(const Call& call) {
  if (PaddedForms::Takes(call)) return padded_.Process(call);
  const OpRule& rule = *call.rule;
  const std::vector<c10::IValue> values = Values(call.inputs);
  const bool is_random = rule.IsRandom(values);
  bool depends = is_random;
  for (const Operand& operand : call.inputs) {
    for (const TensorSnapshot& tensor : operand.tensors) depends |= memory_.DependsOnInput(tensor);
  }
  // Fresh memory (`empty_like`) holds nothing of its operand but the sizes.
  if (!depends || rule.is_uninitialised) return ProcessConstant(call);
  if (rule.reads_metadata_only || IsPassedOn(call)) return absl::OkStatus();
  INGOT_RETURN_IF_ERROR(CheckStatic(call));
  INGOT_ASSIGN_OR_RETURN(FunctionalCall functional, ToFunctional(call));
  INGOT_RETURN_IF_ERROR(CheckWrites(functional));
  return EmitCall(call, std::move(functional), is_random);
}

// Views of weights are followed, so that they can be read as nodes on the weight.
absl::Status GraphRecorder::ProcessConstant(const Call& call) {
  if (!call.rule->returns_tensors) return absl::OkStatus();
  const absl::StatusOr<FunctionalCall> functional = ToFunctional(call);
  if (functional.ok()) INGOT_RETURN_IF_ERROR(DefineViews(*functional));
  for (const Operand& operand : call.outputs) {
    for (const TensorSnapshot& tensor : operand.tensors) memory_.DefineConstant(tensor);
  }
  return absl::OkStatus();
}

absl::Status GraphRecorder::CheckStatic(const Call& call) const {
  const OpRule& rule = *call.rule;
  const bool writes = !rule.Written(Values(call.inputs)).empty();
  const bool has_dynamic_shape =
      rule.has_dynamic_shape && !rule.MayReadNumbers(Values(call.inputs));
  const bool is_index = absl::StartsWith(rule.functional, "aten::index.Tensor");
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    const bool reads_shape = rule.shape_argument == static_cast<int>(i);
    for (const TensorSnapshot& tensor : call.inputs[i].tensors) {
      if (!memory_.DependsOnInput(tensor)) continue;
      const bool is_shape = is_index ? i == 1 && IsMask(tensor) : has_dynamic_shape || reads_shape;
      if ((!rule.returns_tensors && !writes) || is_shape) return DataDependent(call, tensor);
    }
  }
  return absl::OkStatus();
}

absl::Status GraphRecorder::DataDependent(const Call& call, const TensorSnapshot& tensor) const {
  const char* effect = call.rule->returns_tensors ? "sizes its result by" : "reads a number out of";
  return DataDependentError(
      call.rule->name,
      absl::StrCat(effect, " a value computed from ", Origin(tensor),
                   "; the graph would hold for these arguments only: move that step out of the "
                   "model, or compute it with tensor ops"));
}

std::string GraphRecorder::Origin(const TensorSnapshot& tensor) const {
  const absl::StatusOr<ValueId> value = memory_.Read(tensor);
  if (!value.ok()) return "an argument";
  std::set<ValueId> needed = {*value};
  for (auto node = graph_.nodes().rbegin(); node != graph_.nodes().rend(); ++node) {
    const bool is_needed = std::any_of(node->outputs.begin(), node->outputs.end(),
                                       [&](ValueId output) { return needed.contains(output); });
    if (is_needed) ir::ForEachOperand(*node, [&](ValueId operand) { needed.insert(operand); });
  }
  std::vector<std::string> origins;
  for (const ir::InputSpec& input : graph_.inputs()) {
    if (!needed.contains(input.value)) continue;
    if (input.role == ir::InputRole::kArgument)
      origins.push_back(absl::StrCat("argument ", input.index));
    if (input.role == ir::InputRole::kState)
      origins.push_back(absl::StrCat("state \"", input.name, "\""));
    if (input.role == ir::InputRole::kSeed) origins.push_back("random numbers");
  }
  return absl::StrJoin(origins, ", ");
}

// Where eager's result follows from the order in which it reads and writes single elements.
absl::Status GraphRecorder::CheckWrites(const FunctionalCall& functional) const {
  const bool fills =
      functional.op == "aten::zero" || absl::StartsWith(functional.op, "aten::fill.");
  for (const FunctionalCall::Result& result : functional.results) {
    if (!result.is_write) continue;
    const TensorSnapshot& target = result.tensor;
    if (!fills && target.layout.OverlapsItself()) {
      return absl::UnimplementedError(
          "writes to a tensor whose elements share memory (expanded, or overlapping windows): what "
          "is left there depends on the order of the writes; clone the tensor first");
    }
    for (const Operand& operand : functional.args) {
      for (const TensorSnapshot& read : operand.tensors) {
        if (read.storage != target.storage || read.layout == target.layout) continue;
        if (read.layout.Intersects(target.layout)) {
          return absl::UnimplementedError(
              "reads elements that it writes elsewhere (the operand and the target are different "
              "views of the same memory): the result depends on the order; clone the operand "
              "first");
        }
      }
    }
  }
  return absl::OkStatus();
}

bool GraphRecorder::IsPassedOn(const Call& call) const {
  if (!call.rule->returns_tensors || !call.rule->Written(Values(call.inputs)).empty()) return false;
  const auto is_operand = [&](const TensorSnapshot& result) {
    for (const Operand& operand : call.inputs) {
      for (const TensorSnapshot& tensor : operand.tensors) {
        if (tensor.storage == result.storage && tensor.layout == result.layout) return true;
      }
    }
    return false;
  };
  for (const Operand& operand : call.outputs) {
    for (const TensorSnapshot& result : operand.tensors) {
      if (result.storage == nullptr || !is_operand(result)) return false;
    }
  }
  return true;
}

absl::Status GraphRecorder::EmitCall(const Call& call, FunctionalCall functional, bool is_random) {
  if (functional.op == "aten::copy") return EmitCopy(functional);
  if (functional.op == "aten::index.Tensor" || functional.op == "aten::index_put") {
    INGOT_RETURN_IF_ERROR(ReplaceMasks(functional));
  }
  if (IsMaskedFill(functional)) return EmitMaskedFill(functional);
  INGOT_ASSIGN_OR_RETURN(const std::vector<bool> is_view, DefineViews(functional));
  if (std::find(is_view.begin(), is_view.end(), false) == is_view.end()) return absl::OkStatus();
  PreferNumber(functional, [this](const TensorSnapshot& tensor) {
    return memory_.DependsOnInput(tensor) ? at::Tensor() : tape_.Contents(tensor);
  });
  INGOT_ASSIGN_OR_RETURN(
      std::vector<ir::Argument> args,
      ToArguments(functional, [this](const TensorSnapshot& t) { return memory_.Read(t); }));
  if (functional.op == "aten::zero") {
    functional.op = "aten::fill.Scalar";
    functional.def = ops::FindOp(functional.op);
    args.push_back(int64_t{0});
  }
  if (is_random) args.push_back(ValueRef{Seed()});
  if (IsOutsideVocabulary(functional, args)) {
    absl::StrAppend(&functional.op, ir::kOutsideVocabulary);
    functional.def = nullptr;
  }
  INGOT_ASSIGN_OR_RETURN(std::vector<ir::TensorType> types, ResultTypes(functional, args));
  const bool is_identity = functional.def != nullptr && functional.def->Is(ops::kIdentity) &&
                           !is_random && types.size() == 1 &&
                           std::holds_alternative<ValueRef>(args[0]) &&
                           graph_.type(std::get<ValueRef>(args[0]).id) == types[0];
  if (is_identity) return StoreResult(functional.results[0], std::get<ValueRef>(args[0]).id);
  absl::flat_hash_set<StorageId> defined;
  const ir::NodeId node =
      graph_.AddNode(functional.op, std::move(args), std::move(types), call.source);
  for (size_t i = 0; i < functional.results.size(); ++i) {
    const FunctionalCall::Result& result = functional.results[i];
    if (!result.tensor.defined()) {
      graph_.mutable_nodes()[node].outputs[i] = ir::kNoValue;
      continue;
    }
    const ValueId value = graph_.node(node).outputs[i];
    if (!result.is_write && !is_view[i] && !defined.insert(result.tensor.storage).second) {
      // Results cut from one piece of memory.
      memory_.DefineOverlap(result.tensor, value);
    } else if (!is_view[i]) {
      INGOT_RETURN_IF_ERROR(StoreResult(result, value));
    }
  }
  return absl::OkStatus();
}

// The registry has the op, but not with these operands: other backends must not mistake it.
bool GraphRecorder::IsOutsideVocabulary(const FunctionalCall& call,
                                        const std::vector<ir::Argument>& args) const {
  if (call.def == nullptr) return false;
  const auto type_of = [this](ValueId id) -> const ir::TensorType& { return graph_.type(id); };
  return absl::IsUnimplemented(ops::InferTypes(*call.def, args, type_of).status());
}

// `copy` fits its second operand to the first, so the graph needs no op of that name.
absl::Status GraphRecorder::EmitCopy(const FunctionalCall& call) {
  INGOT_ASSIGN_OR_RETURN(ValueId value, memory_.Read(call.args[1].tensors[0]));
  const FunctionalCall::Result& result = call.results[0];
  if (!result.is_write) {
    INGOT_ASSIGN_OR_RETURN(value, Fit(value, result.tensor.layout));
  }
  return StoreResult(result, value);
}

// x[mask] = number, with a mask computed from the arguments.
bool GraphRecorder::IsMaskedFill(const FunctionalCall& call) const {
  if (call.op != "aten::index_put" || call.args[1].tensors.size() != 1) return false;
  const TensorSnapshot& mask = call.args[1].tensors[0];
  const bool accumulates = call.args[3].value.toBool();
  return mask.defined() && IsMask(mask) && !accumulates &&
         call.args[2].tensors[0].layout.type.NumElements() == 1;
}

absl::Status GraphRecorder::EmitMaskedFill(const FunctionalCall& call) {
  INGOT_ASSIGN_OR_RETURN(const ValueId self, memory_.Read(call.args[0].tensors[0]));
  INGOT_ASSIGN_OR_RETURN(ValueId mask, memory_.Read(call.args[1].tensors[0]));
  INGOT_ASSIGN_OR_RETURN(ValueId number, memory_.Read(call.args[2].tensors[0]));
  const ir::TensorType type = graph_.type(self);
  // A mask of lower rank covers the first dimensions.
  ir::TensorType mask_type{ir::DType::kBool, graph_.type(mask).dims};
  if (graph_.type(mask).dtype != ir::DType::kBool) {
    mask = memory_.Emit("aten::ne.Scalar", {ValueRef{mask}, int64_t{0}}, mask_type);
  }
  const auto resize = [&](ValueId value, ir::TensorType to) {
    if (graph_.type(value).dims == to.dims) return value;
    std::vector<int64_t> sizes(to.dims.begin(), to.dims.end());
    return memory_.Emit("aten::view", {ValueRef{value}, std::move(sizes)}, std::move(to));
  };
  mask_type.dims.resize(type.dims.size(), 1);
  mask = resize(mask, mask_type);
  number = resize(number, {type.dtype, {}});
  const ValueId filled =
      memory_.Emit("aten::where.self", {ValueRef{mask}, ValueRef{number}, ValueRef{self}}, type);
  return StoreResult(call.results[0], filled);
}

absl::StatusOr<std::vector<ir::TensorType>> GraphRecorder::ResultTypes(
    const FunctionalCall& call, const std::vector<ir::Argument>& args) const {
  std::vector<ir::TensorType> actual;
  for (const FunctionalCall::Result& result : call.results) {
    const std::optional<ir::TensorType> type =
        result.tensor.defined() ? TypeOf(result.after)
                                : std::optional<ir::TensorType>(ir::TensorType());
    if (!type || (result.tensor.defined() && result.tensor.storage == nullptr)) {
      return absl::UnimplementedError(
          "a result that is not dense or of a dtype that graphs lack is not supported");
    }
    actual.push_back(*type);
  }
  if (call.def == nullptr) return actual;
  INGOT_ASSIGN_OR_RETURN(
      std::vector<ir::TensorType> inferred,
      ops::InferTypes(*call.def, args,
                      [this](ValueId id) -> const ir::TensorType& { return graph_.type(id); }));
  bool agree = inferred.size() == actual.size();
  for (size_t i = 0; agree && i < actual.size(); ++i) {
    // What is written is then cast to its target.
    agree =
        !call.results[i].tensor.defined() || call.results[i].is_write || inferred[i] == actual[i];
  }
  if (agree) return inferred;
  const auto text = [](const std::vector<ir::TensorType>& types) {
    return absl::StrJoin(
        types, ", ", [](std::string* out, const ir::TensorType& t) { *out += ir::ToString(t); });
  };
  return absl::InternalError(absl::StrCat("LibTorch returned ", text(actual),
                                          " but the op registry infers ", text(inferred)));
}

absl::StatusOr<std::vector<bool>> GraphRecorder::DefineViews(const FunctionalCall& call) {
  std::vector<bool> is_view(call.results.size(), false);
  std::vector<functional::ViewStep> steps;
  const TensorSnapshot* steps_base = nullptr;
  for (size_t i = 0; i < call.results.size(); ++i) {
    const FunctionalCall::Result& result = call.results[i];
    const TensorSnapshot* base = result.is_write ? nullptr : FindBase(call, result.tensor);
    is_view[i] = base != nullptr;
    if (base == nullptr || base->layout == result.tensor.layout) continue;
    if (base != steps_base) {
      INGOT_ASSIGN_OR_RETURN(steps, MakeViewSteps(call, *base));
      steps_base = base;
    }
    memory_.DefineView(*base, result.tensor.layout, std::move(steps[i]));
  }
  return is_view;
}

absl::Status GraphRecorder::StoreResult(const FunctionalCall::Result& result, ValueId value) {
  if (!result.is_write) {
    memory_.DefineResult(result.tensor, value);
    return absl::OkStatus();
  }
  INGOT_ASSIGN_OR_RETURN(const ValueId fitted, Fit(value, result.after));
  return memory_.Write(result.tensor, result.after, fitted);
}

absl::StatusOr<ValueId> GraphRecorder::Fit(ValueId value, const Layout& layout) {
  const std::optional<ir::TensorType> type = TypeOf(layout);
  if (!type)
    return absl::UnimplementedError(
        absl::StrCat("dtype ", c10::toString(ScalarTypeOf(layout)), " is not supported"));
  if (graph_.type(value).dtype != type->dtype) {
    ir::TensorType cast = graph_.type(value);
    cast.dtype = type->dtype;
    value = memory_.Emit(
        "aten::_to_copy",
        {ValueRef{value}, type->dtype, ir::None{}, ir::None{}, ir::None{}, false, ir::None{}},
        std::move(cast));
  }
  if (graph_.type(value).dims != type->dims) {
    value = memory_.Emit(
        "aten::expand",
        {ValueRef{value}, std::vector<int64_t>(type->dims.begin(), type->dims.end()), false},
        *type);
  }
  return value;
}

// A mask that depends on no input picks fixed positions.
absl::Status GraphRecorder::ReplaceMasks(FunctionalCall& call) const {
  std::vector<TensorSnapshot> indices;
  bool any = false;
  for (const TensorSnapshot& index : call.args[1].tensors) {
    if (!index.defined() || !IsMask(index) || memory_.DependsOnInput(index)) {
      indices.push_back(index);
      continue;
    }
    any = true;
    const at::Tensor contents = tape_.Contents(index);
    if (!contents.defined()) return absl::InternalError("the mask's contents were not kept");
    for (const at::Tensor& positions : contents.nonzero().unbind(1)) {
      indices.push_back(tape_.Snapshot(positions.contiguous()));
    }
  }
  if (any) call.args[1].tensors = std::move(indices);
  return absl::OkStatus();
}

}  // namespace ingot::torchscript
