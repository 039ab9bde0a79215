#include "frontends/pt2/emitter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/opaque_op.h"
#include "core/ops/registry.h"
#include "frontends/functional/views.h"
#include "frontends/pt2/const_eval.h"
#include "frontends/pt2/const_factories.h"
#include "frontends/pt2/number_form.h"
#include "frontends/pt2/rewrites.h"

namespace ingot::pt2 {
namespace {

using ir::ValueId;
using ir::ValueRef;
using ops::ArgKind;

// Rewrites are made of other ops; none nests deeper.
constexpr int kMaxDepth = 16;

// An argument of a node, whose values stand for tensors until they are read.
struct ToArgument {
  ir::Argument operator()(const TensorOperand& tensor) const { return ValueRef{tensor.id}; }
  ir::Argument operator()(const TensorListOperand& list) const {
    return ir::ValueRefList{list.ids};
  }
  template <typename T>
  ir::Argument operator()(const T& other) const {
    return other;
  }
};
static_assert(kNoTensor == ir::kNoValue, "absent tensors stay absent");

std::vector<ir::Argument> ToArguments(const Operands& args) {
  std::vector<ir::Argument> arguments;
  for (const Operand& arg : args) arguments.push_back(std::visit(ToArgument(), arg));
  return arguments;
}

// "aten::add_.Tensor" → "aten::add.Tensor"
std::string WithoutUnderscore(const std::string& op) {
  const size_t dot = std::min(op.find('.'), op.size());
  if (dot == 0 || op[dot - 1] != '_') return "";
  return absl::StrCat(op.substr(0, dot - 1), op.substr(dot));
}

bool Writes(const OpSignature& signature) {
  return std::count(signature.written.begin(), signature.written.end(), true) > 0;
}

// Whether it may draw random numbers that the seed's input would have to decide.
bool MayDraw(const OpSignature& signature) {
  // Recurrent layers and attention draw without saying so.
  return signature.random || signature.schema.Find("dropout") >= 0 ||
         signature.schema.Find("dropout_p") >= 0;
}

// Whether a file may have LibTorch run this op on these arguments.
absl::Status CheckReach(const OpSignature& signature, const Operands& args) {
  const std::vector<ops::SchemaArg>& specs = signature.schema.args;
  for (size_t i = 0; i < std::min(specs.size(), args.size()); ++i) {
    const bool* value = std::get_if<bool>(&args[i]);
    if (specs[i].name == ir::kUncheckedArgument && (value == nullptr || *value)) {
      return absl::PermissionDeniedError(
          absl::StrCat("a graph may not switch its checks off: ", specs[i].name));
    }
  }
  return ir::CheckOpaqueOp(signature.schema.op);
}

}  // namespace

ValueId Emitter::AddInput(ir::InputRole role, uint32_t index, ir::TensorType type,
                          std::string name) {
  ir::InputSpec spec;
  spec.role = role;
  spec.index = index;
  spec.name = std::move(name);
  return graph_.AddInput(std::move(spec), std::move(type));
}

ValueId Emitter::Seed() {
  if (seed_ == ir::kNoValue) seed_ = AddInput(ir::InputRole::kSeed, 0, {ir::DType::kInt64, {}});
  return seed_;
}

absl::StatusOr<TensorId> Emitter::ApplyOne(const std::string& op, Operands args) {
  INGOT_ASSIGN_OR_RETURN(const Tensors results, Apply(op, std::move(args)));
  if (results.size() == 1) return results[0];
  return absl::InternalError(absl::StrCat(op, " has ", results.size(), " results"));
}

absl::StatusOr<Tensors> Emitter::Apply(const std::string& op, Operands args) {
  const OpSignature* signature = FindSignature(op);
  if (signature == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat(op, " is not supported: neither ingot's vocabulary nor its table has it"));
  }
  if (depth_ == kMaxDepth) return absl::InternalError(absl::StrCat(op, ": rewrites nest too deep"));
  INGOT_RETURN_IF_ERROR(Complete(*signature, args), op);
  Operands own;  // of the file's op
  if (depth_ == 0) own = args;
  ++depth_;
  absl::StatusOr<Tensors> results = [&]() -> absl::StatusOr<Tensors> {
    if (const Rewrite rewrite = FindRewrite(op); rewrite != nullptr) {
      return rewrite(*this, *signature, std::move(args));
    }
    return ApplyAsIs(*signature, std::move(args));
  }();
  --depth_;
  if (depth_ > 0 || !absl::IsUnimplemented(results.status())) return results;
  absl::StatusOr<Tensors> whole = ApplyWhole(*signature, own);
  return whole.ok() ? whole : results;
}

absl::StatusOr<Tensors> Emitter::ApplyAsIs(const OpSignature& signature, Operands args) {
  return Writes(signature) ? ApplyInPlace(signature, std::move(args))
                           : ApplyWithNumbers(signature, std::move(args));
}

absl::Status Emitter::Complete(const OpSignature& signature, Operands& args) const {
  const std::vector<ops::SchemaArg>& specs = signature.schema.args;
  std::vector<ir::Argument> rest(args.size());
  INGOT_RETURN_IF_ERROR(ops::FillDefaults(signature.schema, rest));
  for (size_t i = args.size(); i < specs.size(); ++i) {
    std::visit(
        [&](auto&& value) {
          using T = std::decay_t<decltype(value)>;
          if constexpr (!std::is_same_v<T, ValueRef> && !std::is_same_v<T, ir::ValueRefList>) {
            args.push_back(value);
          }
        },
        rest[i]);
  }
  return absl::OkStatus();
}

bool Emitter::AllConstant(const Operands& args) const {
  const auto constant = [this](TensorId id) { return id == kNoTensor || memory_.IsConstant(id); };
  return std::all_of(args.begin(), args.end(), [&](const Operand& arg) {
    if (const auto* tensor = std::get_if<TensorOperand>(&arg)) return constant(tensor->id);
    const auto* list = std::get_if<TensorListOperand>(&arg);
    return list == nullptr || std::all_of(list->ids.begin(), list->ids.end(), constant);
  });
}

absl::StatusOr<Tensors> Emitter::ApplyWithNumbers(const OpSignature& signature, Operands args) {
  const std::string& op = signature.schema.op;
  const auto element = [this](TensorId id) -> Operand {
    if (!memory_.IsConstant(id)) return ir::None{};
    const auto contents = memory_.Contents(id);
    return contents.ok() ? NumberOf(*contents) : ir::None{};
  };
  if (auto form = ToNumberForm(op, args, memory_, element)) {
    return Apply(form->op, std::move(form->args));
  }
  for (size_t i = 0; i < args.size(); ++i) {
    if (signature.schema.args[i].kind != ArgKind::kTensor || !IsNumber(args[i])) continue;
    // A number weighs less than the tensors beside it: it takes the dtype of the first, unless that
    // could not hold it.
    ir::DType dtype = ir::DType::kFloat32;
    if (std::holds_alternative<int64_t>(args[i])) dtype = ir::DType::kInt64;
    if (std::holds_alternative<bool>(args[i])) dtype = ir::DType::kBool;
    for (const Operand& other : args) {
      const auto* tensor = std::get_if<TensorOperand>(&other);
      if (tensor == nullptr) continue;
      if (ir::Category(type(tensor->id).dtype) >= ir::Category(dtype))
        dtype = type(tensor->id).dtype;
      break;
    }
    INGOT_ASSIGN_OR_RETURN(HostConstant constant, Filled({dtype, {}}, args[i]), op);
    args[i] = TensorOperand{Constant(std::move(constant))};
  }
  if (signature.def == nullptr) return ApplyOpaque(op, std::move(args));
  if (signature.def->Is(ops::kView)) return ApplyView(signature, args);
  return ApplyRegistered(signature, args);
}

absl::StatusOr<std::vector<ir::TensorType>> Emitter::Infer(const OpSignature& signature,
                                                           const Operands& args) const {
  std::vector<ir::Argument> arguments = ToArguments(args);
  if (!signature.def->Is(ops::kRandom)) {
    return ops::InferTypes(*signature.def, arguments,
                           [this](ValueId id) -> const ir::TensorType& { return type(id); });
  }
  // The seed is no tensor of the program.
  static const auto* const seed_type = new ir::TensorType{ir::DType::kInt64, {}};
  constexpr ValueId kSeed = ir::kNoValue - 1;
  arguments.push_back(ValueRef{kSeed});
  return ops::InferTypes(*signature.def, arguments, [this](ValueId id) -> const ir::TensorType& {
    return id == kSeed ? *seed_type : type(id);
  });
}

absl::StatusOr<Tensors> Emitter::ApplyView(const OpSignature& signature, const Operands& args) {
  INGOT_ASSIGN_OR_RETURN(const std::vector<ir::TensorType> types, Infer(signature, args));
  const TensorId base = std::get<TensorOperand>(args[0]).id;
  const std::string& op = signature.schema.op;
  auto views = functional::ViewsOf(op, ToArguments(args), memory_.layout(base), types);
  Tensors results;
  if (views) {
    for (View& view : *views) {
      const bool same = view.layout == memory_.layout(base);
      results.push_back(same ? memory_.AddAlias(base) : memory_.AddView(base, std::move(view)));
    }
    return results;
  }
  if (memory_.IsConstant(base) && types[0].NumElements() <= kMaxElements) {
    INGOT_ASSIGN_OR_RETURN(HostConstant contents, memory_.Contents(base));
    contents.type = types[0];
    return Tensors{Constant(std::move(contents))};
  }
  return EmitNode(signature, args, types);
}

absl::StatusOr<std::optional<HostConstant>> Emitter::Fold(const OpSignature& signature,
                                                          const Operands& args,
                                                          const ir::TensorType& result) {
  if (signature.def->Is(ops::kRandom) || !AllConstant(args)) return std::nullopt;
  bool small = true;
  const auto look = [&](TensorId id) {
    // Weights may be large where what is picked out of them is small.
    if (id != kNoTensor && memory_.layout(id).IsRowMajor()) return;
    small &= id == kNoTensor || type(id).NumElements() <= kMaxElements;
  };
  for (const Operand& arg : args) {
    if (const auto* tensor = std::get_if<TensorOperand>(&arg)) look(tensor->id);
    if (const auto* list = std::get_if<TensorListOperand>(&arg)) {
      for (const TensorId id : list->ids) look(id);
    }
  }
  if (!small) return std::nullopt;
  return EvaluateConstant(signature.schema.op, args, result,
                          [this](TensorId id) { return memory_.Contents(id); });
}

absl::StatusOr<Tensors> Emitter::ApplyRegistered(const OpSignature& signature,
                                                 const Operands& args) {
  INGOT_ASSIGN_OR_RETURN(std::vector<ir::TensorType> types, Infer(signature, args));
  if (types.size() == 1) {
    INGOT_ASSIGN_OR_RETURN(std::optional<HostConstant> folded, Fold(signature, args, types[0]),
                           signature.schema.op);
    if (folded) return Tensors{Constant(*std::move(folded))};
  }
  const auto* self = args.empty() ? nullptr : std::get_if<TensorOperand>(&args[0]);
  const bool is_identity = signature.def->Is(ops::kIdentity) && types.size() == 1 &&
                           !signature.def->Is(ops::kRandom) && self != nullptr &&
                           type(self->id) == types[0];
  if (!is_identity) return EmitNode(signature, args, std::move(types));
  INGOT_ASSIGN_OR_RETURN(const ValueId value, memory_.Read(self->id));
  return Tensors{AddResult(types[0], value, 0)};
}

TensorId Emitter::AddResult(const ir::TensorType& type, ValueId value, size_t index) {
  Layout layout = Layout::RowMajor(type);
  if (index < expected_.size() && expected_[index] && expected_[index]->type == type) {
    Layout hinted = *expected_[index];
    hinted.offset = 0;
    if (hinted.IsDense()) layout = std::move(hinted);
  }
  return memory_.AddValue(std::move(layout), value);
}

absl::StatusOr<Tensors> Emitter::EmitNode(const OpSignature& signature, const Operands& args,
                                          std::vector<ir::TensorType> types) {
  std::vector<ir::Argument> arguments = ToArguments(args);
  for (ir::Argument& argument : arguments) {
    if (auto* ref = std::get_if<ValueRef>(&argument)) {
      INGOT_ASSIGN_OR_RETURN(ref->id, memory_.Read(ref->id));
    } else if (auto* list = std::get_if<ir::ValueRefList>(&argument)) {
      for (ValueId& id : list->ids) {
        if (id == ir::kNoValue) continue;
        INGOT_ASSIGN_OR_RETURN(id, memory_.Read(id));
      }
    }
  }
  if (signature.random) arguments.push_back(ValueRef{Seed()});
  const ir::NodeId node =
      graph_.AddNode(signature.schema.op, std::move(arguments), types, memory_.source());
  const std::vector<ValueId> outputs = graph_.node(node).outputs;
  Tensors results;
  for (size_t i = 0; i < outputs.size(); ++i) {
    results.push_back(AddResult(types[i], outputs[i], i));
  }
  return results;
}

absl::StatusOr<std::vector<ir::TensorType>> Emitter::ExpectedTypes(const std::string& op) const {
  std::vector<ir::TensorType> types;
  for (const std::optional<Layout>& layout : expected_) {
    if (!layout) {
      return absl::UnimplementedError(absl::StrCat(op, " has a result that no graph can hold"));
    }
    types.push_back(layout->type);
  }
  if (types.empty()) {
    return absl::UnimplementedError(absl::StrCat(op, " has no result that the graph could use"));
  }
  return types;
}

absl::StatusOr<Tensors> Emitter::ApplyOpaque(const std::string& op, Operands args) {
  const OpSignature* signature = FindSignature(op);
  INGOT_RETURN_IF_ERROR(CheckReach(*signature, args), op);
  if (signature->dynamic) {
    return absl::FailedPreconditionError(
        absl::StrCat("data-dependent: ", op,
                     " sizes its result by a tensor's elements; move that step out of "
                     "the model, or compute it with tensor ops"));
  }
  INGOT_ASSIGN_OR_RETURN(std::vector<ir::TensorType> types, ExpectedTypes(op));
  INGOT_RETURN_IF_ERROR(ops::CheckArguments(signature->schema, ToArguments(args)));
  INGOT_ASSIGN_OR_RETURN(const Tensors results, EmitNode(*signature, args, std::move(types)));
  if (!signature->aliases) return results;
  for (const TensorId result : results) memory_.Freeze(result);
  for (const Operand& arg : args) {
    if (const auto* tensor = std::get_if<TensorOperand>(&arg)) memory_.Freeze(tensor->id);
  }
  return results;
}

absl::StatusOr<Tensors> Emitter::ApplyOutside(const OpSignature& signature, const Operands& args,
                                              std::vector<ir::TensorType> types) {
  OpSignature outside = signature;
  absl::StrAppend(&outside.schema.op, ir::kOutsideVocabulary);  // as recordings name it
  return EmitNode(outside, args, std::move(types));
}

absl::StatusOr<Tensors> Emitter::ApplyWhole(const OpSignature& signature, const Operands& args) {
  const std::string& op = signature.schema.op;
  if (Writes(signature) || signature.aliases || MayDraw(signature)) {
    return absl::UnimplementedError(absl::StrCat(op, " is more than a function of its arguments"));
  }
  for (size_t i = 0; i < args.size(); ++i) {
    if (signature.schema.args[i].kind == ArgKind::kTensor && IsNumber(args[i]))
      return absl::UnimplementedError(absl::StrCat(op, " of numbers"));
  }
  if (signature.def == nullptr) return ApplyOpaque(op, args);
  INGOT_ASSIGN_OR_RETURN(std::vector<ir::TensorType> types, ExpectedTypes(op));
  return ApplyOutside(signature, args, std::move(types));
}

absl::StatusOr<Tensors> Emitter::ApplyInPlace(const OpSignature& signature, Operands args) {
  const std::string& op = signature.schema.op;
  const std::string functional = WithoutUnderscore(op);
  const bool only_self =
      std::count(signature.written.begin(), signature.written.end(), true) == 1 &&
      signature.written[0];
  const auto* self = args.empty() ? nullptr : std::get_if<TensorOperand>(&args[0]);
  if (functional.empty() || !only_self || self == nullptr || FindSignature(functional) == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat(op,
                     " writes into its arguments in a way that is not supported: use the form "
                     "without underscore, or run_decompositions() before saving"));
  }
  const TensorId target = self->id;
  INGOT_ASSIGN_OR_RETURN(const TensorId value, ApplyOne(functional, std::move(args)));
  const bool fills = absl::StartsWith(functional, "aten::fill.");
  INGOT_RETURN_IF_ERROR(Overwrite(target, value, fills), op);
  return Tensors{target};
}

absl::Status Emitter::Overwrite(TensorId target, TensorId value, bool fills) {
  const ir::TensorType wanted = type(target);
  if (type(value).dtype != wanted.dtype) {
    INGOT_ASSIGN_OR_RETURN(value, ApplyOne("aten::_to_copy", {TensorOperand{value}, wanted.dtype}));
  }
  if (type(value).dims != wanted.dims) {
    const std::vector<int64_t> sizes(wanted.dims.begin(), wanted.dims.end());
    INGOT_ASSIGN_OR_RETURN(value, ApplyOne("aten::expand", {TensorOperand{value}, sizes}));
  }
  INGOT_ASSIGN_OR_RETURN(const ValueId read, memory_.Read(value));
  return memory_.Write(target, read, fills);
}

}  // namespace ingot::pt2
