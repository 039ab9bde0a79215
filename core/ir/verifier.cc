#include "core/ir/verifier.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/registry.h"

namespace ingot::ir {
namespace {

template <typename... Parts>
absl::Status Bad(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status CheckType(const TensorType& type) {
  if (static_cast<int>(type.dtype) >= kNumDTypes) {
    return Bad("unknown dtype code ", static_cast<int>(type.dtype));
  }
  if (type.rank() > kMaxRank) return Bad("rank ", type.rank(), " is above ", kMaxRank);
  // The product of all sizes that are not 0: strides are products of those.
  int64_t bytes = static_cast<int64_t>(ElementSize(type.dtype));
  for (int64_t dim : type.dims) {
    if (dim < 0) return Bad("size ", dim, ": sizes are static in this version");
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(dim, 1), &bytes)) {
      return Bad("more than 2^63 bytes");
    }
  }
  return absl::OkStatus();
}

// Strides of a result or view of type `type`; `offset` from the first element of what is viewed.
absl::Status CheckStrides(const Dims& strides, const TensorType& type) {
  if (strides.empty()) return absl::OkStatus();
  if (static_cast<int>(strides.size()) != type.rank()) {
    return Bad(strides.size(), " strides for the type ", ToString(type));
  }
  for (int64_t stride : strides) {
    if (stride < 0) return Bad("stride ", stride, " is negative");
  }
  return absl::OkStatus();
}

bool IsScalarDType(DType dtype) {
  return dtype == DType::kBool || dtype == DType::kInt64 || dtype == DType::kFloat64 ||
         dtype == DType::kComplex128;
}

bool IsOpName(const std::string& op) {
  return !op.empty() && std::all_of(op.begin(), op.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == ':';
  });
}

class GraphVerifier {
 public:
  explicit GraphVerifier(const Graph& graph)
      : graph_(graph), defined_(graph.num_values()), is_scalar_(graph.num_values()) {}

  absl::Status Verify() {
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      INGOT_RETURN_IF_ERROR(VerifyInput(graph_.inputs()[i]), absl::StrCat("input ", i));
    }
    INGOT_RETURN_IF_ERROR(VerifyDenseInputs());
    for (NodeId n = 0; n < graph_.nodes().size(); ++n) {
      INGOT_RETURN_IF_ERROR(VerifyNode(graph_.node(n)),
                            absl::StrCat("node ", n, " ", Describe(graph_, n)));
    }
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      INGOT_RETURN_IF_ERROR(VerifyOutput(graph_.outputs()[i]), absl::StrCat("output ", i));
    }
    INGOT_RETURN_IF_ERROR(VerifyResults(), "results");
    return absl::OkStatus();
  }

 private:
  absl::Status Define(ValueId value) {
    if (value >= graph_.num_values()) return Bad("defines %", value, ", which has no type");
    if (defined_[value]) return Bad("defines %", value, " a second time");
    defined_[value] = true;
    return Annotate(CheckType(graph_.type(value)), absl::StrCat("type of %", value));
  }

  absl::Status Use(ValueId value) const {
    if (value == kNoValue) return Bad("refers to no value");
    if (value >= graph_.num_values() || !defined_[value]) {
      return Bad("uses %", value, ", which nothing before it defines");
    }
    return absl::OkStatus();
  }

  absl::Status VerifyInput(const InputSpec& input) {
    INGOT_RETURN_IF_ERROR(Define(input.value));
    if (input.role > InputRole::kConstant) return Bad("unknown role");
    const TensorType& type = graph_.type(input.value);
    indices_[static_cast<size_t>(input.role)].push_back(input.index);
    switch (input.role) {
      case InputRole::kArgument:
        arguments_.emplace_back(input.index, input.value);
        return absl::OkStatus();
      case InputRole::kState:
        states_.emplace_back(input.index, input.value);
        return absl::OkStatus();
      case InputRole::kScalar:
        is_scalar_[input.value] = true;
        if (type.rank() == 0 && IsScalarDType(type.dtype)) return absl::OkStatus();
        return Bad("a scalar of type ", ToString(type),
                   "; it must be i64[], f64[], b8[] or c128[]");
      case InputRole::kSeed:
        seed_ = input.value;
        if (type == TensorType{DType::kInt64, {}}) return absl::OkStatus();
        return Bad("a seed of type ", ToString(type), "; it must be i64[]");
      case InputRole::kConstant:
        return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status VerifyDenseInputs() {
    static constexpr absl::string_view kNames[] = {"argument", "scalar", "state", "seed",
                                                   "constant"};
    for (size_t role = 0; role < std::size(kNames); ++role) {
      std::vector<uint32_t>& indices = indices_[role];
      std::sort(indices.begin(), indices.end());
      for (uint32_t i = 0; i < indices.size(); ++i) {
        if (indices[i] != i) {
          return Bad(kNames[role], " inputs are not numbered 0 to ", indices.size() - 1,
                     ", each once");
        }
      }
    }
    if (indices_[static_cast<size_t>(InputRole::kSeed)].size() > 1)
      return Bad("more than one seed");
    return absl::OkStatus();
  }

  absl::Status VerifyNode(const Node& node) {
    if (!IsOpName(node.op)) return Bad("the op's name is not made of letters, digits and _ . :");
    for (size_t i = 0; i < node.args.size(); ++i) {
      INGOT_RETURN_IF_ERROR(VerifyOperands(node.args[i]), absl::StrCat("argument ", i));
    }
    for (ValueId output : node.outputs) {
      if (output != kNoValue) INGOT_RETURN_IF_ERROR(Define(output));
    }
    const ops::OpDef* def = ops::FindOp(node.op);
    INGOT_RETURN_IF_ERROR(VerifySeed(def, node));
    return def == nullptr ? absl::OkStatus() : VerifyRegistered(*def, node);
  }

  // The seed is for random ops, as their last argument: each group of a compiled graph has another.
  absl::Status VerifySeed(const ops::OpDef* def, const Node& node) const {
    if (seed_ == kNoValue) return absl::OkStatus();
    const bool may_draw = def == nullptr || def->Is(ops::kRandom);
    for (size_t i = 0; i < node.args.size(); ++i) {
      const bool is_last = i + 1 == node.args.size();
      if (may_draw && is_last && std::holds_alternative<ValueRef>(node.args[i])) continue;
      bool reads = false;
      ForEachValue(node.args[i], [&](ValueId value) { reads |= value == seed_; });
      if (reads) return Bad("argument ", i, " is the seed; only a random op takes it, last");
    }
    return absl::OkStatus();
  }

  absl::Status VerifyOperands(const Argument& arg) const {
    if (const ValueRef* ref = std::get_if<ValueRef>(&arg)) return Use(ref->id);
    absl::Status status;
    ForEachValue(arg, [&](ValueId value) { status.Update(Use(value)); });
    return status;
  }

  absl::Status VerifyRegistered(const ops::OpDef& def, const Node& node) const {
    const auto type_of = [this](ValueId v) -> const TensorType& { return graph_.type(v); };
    INGOT_ASSIGN_OR_RETURN(const std::vector<TensorType> types,
                           ops::InferTypes(def, node.args, type_of));
    INGOT_RETURN_IF_ERROR(VerifyScalarArguments(def, node));
    if (def.Is(ops::kRandom)) {
      const ValueRef* seed = std::get_if<ValueRef>(&node.args.back());
      if (seed == nullptr || seed->id != seed_)
        return Bad("its last argument is not the seed input");
    }
    if (types.size() != node.outputs.size()) {
      return Bad("has ", node.outputs.size(), " outputs; the op yields ", types.size());
    }
    for (size_t i = 0; i < types.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      const TensorType& type = graph_.type(node.outputs[i]);
      if (type != types[i]) {
        return Bad("output ", i, " has type ", ToString(type), "; the op yields ",
                   ToString(types[i]));
      }
    }
    return absl::OkStatus();
  }

  // A Scalar argument held by a value is held by a scalar input: promotion treats it as a number.
  absl::Status VerifyScalarArguments(const ops::OpDef& def, const Node& node) const {
    for (size_t i = 0; i < def.schema.args.size(); ++i) {
      if (def.schema.args[i].kind != ops::ArgKind::kScalar) continue;
      const ValueRef* ref = std::get_if<ValueRef>(&node.args[i]);
      if (ref != nullptr && !is_scalar_[ref->id]) {
        return Bad("argument ", def.schema.args[i].name, " is a number; %", ref->id,
                   " is not a scalar input");
      }
    }
    return absl::OkStatus();
  }

  using Indexed = std::vector<std::pair<uint32_t, ValueId>>;

  // The type of the input of that number must be the output's; each is written once.
  absl::Status VerifyUpdate(absl::string_view what, const OutputSpec& output, const Indexed& inputs,
                            absl::flat_hash_set<uint32_t>& seen) const {
    INGOT_ASSIGN_OR_RETURN(const TensorType type, TypeOfInput(what, output.index, inputs));
    const TensorType& value_type = graph_.type(output.value);
    if (value_type != type) {
      return Bad("writes ", ToString(value_type), " to ", what, " ", output.index, " of type ",
                 ToString(type));
    }
    if (!seen.insert(output.index).second) {
      return Bad("writes ", what, " ", output.index, " a second time");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<TensorType> TypeOfInput(absl::string_view what, uint32_t index,
                                         const Indexed& inputs) const {
    for (const auto& [i, value] : inputs) {
      if (i == index) return graph_.type(value);
    }
    return Bad("there is no ", what, " ", index);
  }

  absl::Status VerifyOutput(const OutputSpec& output) {
    INGOT_RETURN_IF_ERROR(Use(output.value));
    if (output.value == seed_) return Bad("%", output.value, " is the seed, which is no output");
    const TensorType& type = graph_.type(output.value);
    switch (output.role) {
      case OutputRole::kResult:
        slots_.push_back(output.index);
        return CheckStrides(output.strides, type);
      case OutputRole::kWriteBack:
        return VerifyUpdate("argument", output, arguments_, written_arguments_);
      case OutputRole::kStateUpdate:
        return VerifyUpdate("state", output, states_, written_states_);
      case OutputRole::kAlias:
        slots_.push_back(output.index);
        return VerifyAlias(output, type);
    }
    return Bad("unknown role");
  }

  absl::Status VerifyAlias(const OutputSpec& output, const TensorType& type) const {
    INGOT_ASSIGN_OR_RETURN(const TensorType viewed,
                           TypeOfInput("argument", output.alias_of, arguments_));
    INGOT_RETURN_IF_ERROR(CheckStrides(output.strides, type));
    if (output.offset < 0) return Bad("offset ", output.offset, " is negative");
    if (type.dtype != viewed.dtype) {
      return Bad("an alias of type ", ToString(type), " of an argument of type ", ToString(viewed));
    }
    // Without strides it is the argument itself; a view of rank 0 has none to give.
    if (output.strides.empty() && type.rank() > 0 && (type != viewed || output.offset != 0)) {
      return Bad("an alias without strides must have the argument's type ", ToString(viewed));
    }
    return absl::OkStatus();
  }

  absl::Status VerifyResults() {
    std::vector<bool> named(slots_.size());
    std::sort(slots_.begin(), slots_.end());
    for (uint32_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i] != i) {
        return Bad("slots are not numbered 0 to ", slots_.size() - 1, ", each once");
      }
    }
    INGOT_RETURN_IF_ERROR(VerifyStructure(graph_.result_structure(), 0, named));
    const auto unnamed = std::find(named.begin(), named.end(), false);
    if (unnamed != named.end()) {
      return Bad("the result structure does not name slot ", unnamed - named.begin());
    }
    return absl::OkStatus();
  }

  absl::Status VerifyStructure(const Structure& structure, int depth, std::vector<bool>& named) {
    if (depth > kMaxStructureDepth) return Bad("they nest deeper than ", kMaxStructureDepth);
    if (structure.kind == Structure::Kind::kTensor) {
      if (structure.slot < 0 || static_cast<size_t>(structure.slot) >= named.size()) {
        return Bad("the result structure names slot ", structure.slot, " of ", named.size());
      }
      named[structure.slot] = true;
    } else if (structure.slot >= 0) {
      return Bad("the result structure has a number that comes from an argument");
    }
    if (structure.kind == Structure::Kind::kDict &&
        structure.keys.size() != structure.children.size()) {
      return Bad("a dict with ", structure.keys.size(), " keys and ", structure.children.size(),
                 " values");
    }
    for (const Structure& child : structure.children) {
      INGOT_RETURN_IF_ERROR(VerifyStructure(child, depth + 1, named));
    }
    return absl::OkStatus();
  }

  const Graph& graph_;
  std::vector<bool> defined_;         // by value
  std::vector<bool> is_scalar_;       // by value: an input of role kScalar
  std::vector<uint32_t> indices_[5];  // by role
  Indexed arguments_;
  Indexed states_;
  ValueId seed_ = kNoValue;
  absl::flat_hash_set<uint32_t> written_arguments_;
  absl::flat_hash_set<uint32_t> written_states_;
  std::vector<uint32_t> slots_;  // of results and aliases
};

}  // namespace

absl::Status Verify(const Graph& graph) { return GraphVerifier(graph).Verify(); }

}  // namespace ingot::ir
