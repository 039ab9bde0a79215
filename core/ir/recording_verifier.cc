#include "core/ir/recording_verifier.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/verifier.h"

namespace ingot::ir {
namespace {

template <typename... Parts>
absl::Status Bad(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// The inputs of a verified graph by role and index.
class InputsByRole {
 public:
  explicit InputsByRole(const Graph& graph) {
    for (const InputSpec& input : graph.inputs()) {
      std::vector<const InputSpec*>& inputs = by_role_[static_cast<size_t>(input.role)];
      inputs.resize(std::max<size_t>(inputs.size(), input.index + 1));
      inputs[input.index] = &input;
    }
  }
  const std::vector<const InputSpec*>& operator[](InputRole role) const {
    return by_role_[static_cast<size_t>(role)];
  }

 private:
  std::array<std::vector<const InputSpec*>, 5> by_role_;
};

absl::Status CheckCount(absl::string_view what, size_t has, size_t needs) {
  if (has == needs) return absl::OkStatus();
  return Bad("the graph has ", needs, " ", what, " inputs, the recording ", has);
}

absl::Status CheckSameType(const TensorType& has, const TensorType& needs) {
  if (has == needs) return absl::OkStatus();
  return Bad("type ", ToString(has), "; the graph has ", ToString(needs));
}

absl::Status CheckConstants(absl::string_view what, const Graph& graph,
                            const std::vector<Constant>& constants,
                            const std::vector<const InputSpec*>& inputs) {
  INGOT_RETURN_IF_ERROR(CheckCount(what, constants.size(), inputs.size()));
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = absl::StrCat(what, " ", i);
    INGOT_RETURN_IF_ERROR(CheckSameType(constants[i].type, graph.type(inputs[i]->value)), name);
    const bool has_digest = inputs[i]->role == InputRole::kConstant;
    if (has_digest && constants[i].digest != inputs[i]->digest) {
      return Bad(name, ": digest ", constants[i].digest.ToHex(), "; the graph has ",
                 inputs[i]->digest.ToHex());
    }
  }
  return absl::OkStatus();
}

// Slots that a structure of arguments names: all are below these.
struct SlotBounds {
  size_t tensors = 0;
  size_t scalars = 0;
};

void CollectSlots(const Structure& structure, SlotBounds& bounds) {
  if (structure.slot >= 0) {
    const bool is_tensor = structure.kind == Structure::Kind::kTensor;
    size_t& bound = is_tensor ? bounds.tensors : bounds.scalars;
    bound = std::max(bound, static_cast<size_t>(structure.slot) + 1);
  }
  for (const Structure& child : structure.children) CollectSlots(child, bounds);
}

absl::Status CheckScalars(const Graph& graph, const std::vector<ScalarBinding>& scalars,
                          const std::vector<const InputSpec*>& inputs, size_t num_scalar_slots) {
  INGOT_RETURN_IF_ERROR(CheckCount("scalar", scalars.size(), inputs.size()));
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (scalars[i].is_argument && scalars[i].argument >= num_scalar_slots) {
      return Bad("scalar ", i, " comes from number argument ", scalars[i].argument, " of ",
                 num_scalar_slots);
    }
    const DType needs = graph.type(inputs[i]->value).dtype;
    if (ScalarDType(scalars[i].literal) == needs) continue;
    return Bad("scalar ", i, " is bound to a number of type ",
               DTypeName(ScalarDType(scalars[i].literal)), "; the graph has ", DTypeName(needs));
  }
  return absl::OkStatus();
}

// Elements from the first that a tensor touches to behind its last; the largest number if that can
// not be counted. Strides are not negative; empty: row-major.
int64_t SpanOf(const TensorType& type, const Dims& strides) {
  const Dims dense = ContiguousStrides(type.dims);
  const Dims& steps = strides.empty() ? dense : strides;
  if (std::find(type.dims.begin(), type.dims.end(), 0) != type.dims.end()) return 0;
  int64_t span = 1;
  for (size_t i = 0; i < type.dims.size(); ++i) {
    int64_t reach;
    if (__builtin_mul_overflow(type.dims[i] - 1, steps[i], &reach) ||
        __builtin_add_overflow(span, reach, &span)) {
      return std::numeric_limits<int64_t>::max();
    }
  }
  return span;
}

absl::Status CheckLayout(const ArgumentSpec& spec) {
  if (!spec.strides.empty() && spec.strides.size() != spec.type.dims.size()) {
    return Bad(spec.strides.size(), " strides for ", ToString(spec.type));
  }
  for (int64_t stride : spec.strides) {
    if (stride < 0) return Bad("stride ", stride, " is negative");
  }
  constexpr int64_t kMaxSpan = std::numeric_limits<int64_t>::max() / 16;  // 16 bytes an element
  if (SpanOf(spec.type, spec.strides) > kMaxSpan) return Bad("strides that reach too far");
  return absl::OkStatus();
}

// A view of an argument stays in the memory that the signature says the argument has.
absl::Status CheckAliases(const Graph& graph, const Signature& signature) {
  for (const OutputSpec& output : graph.outputs()) {
    if (output.role != OutputRole::kAlias) continue;
    const TensorType& type = graph.type(output.value);
    const ArgumentSpec& argument = signature.arguments[output.alias_of];
    const bool is_itself = output.strides.empty() && type == argument.type && output.offset == 0;
    if (is_itself) continue;
    const int64_t has = SpanOf(argument.type, argument.strides);
    if (output.offset > has || SpanOf(type, output.strides) > has - output.offset) {
      return Bad("result ", output.index, ", a view ", ToString(type), " of argument ",
                 output.alias_of, ", reaches beyond the argument's ", has, " elements");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSignature(const Graph& graph, const Signature& signature,
                            const std::vector<const InputSpec*>& inputs, const SlotBounds& slots) {
  const size_t count = signature.arguments.size();
  INGOT_RETURN_IF_ERROR(CheckCount("argument", count, inputs.size()));
  if (signature.aliases.size() != count) {
    return Bad(signature.aliases.size(), " aliases for ", count, " arguments");
  }
  for (size_t i = 0; i < count; ++i) {
    const ArgumentSpec& spec = signature.arguments[i];
    INGOT_RETURN_IF_ERROR(CheckSameType(spec.type, graph.type(inputs[i]->value)),
                          absl::StrCat("argument ", i));
    INGOT_RETURN_IF_ERROR(CheckLayout(spec), absl::StrCat("argument ", i));
    const Alias& alias = signature.aliases[i];
    if (alias.argument > i || signature.aliases[alias.argument].argument != alias.argument) {
      return Bad("argument ", i, ": alias of ", alias.argument, ", which is no first argument");
    }
    if (alias.argument == i && alias.offset != 0) {
      return Bad("argument ", i, ": ", alias.offset, " bytes from itself");
    }
  }
  if (slots.tensors > count) {
    return Bad("the structure of the arguments names tensor slot ", slots.tensors - 1, " of ",
               count);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status VerifyRecording(const Recording& recording) {
  const Graph& graph = recording.graph;
  INGOT_RETURN_IF_ERROR(Verify(graph));
  const InputsByRole inputs(graph);
  INGOT_RETURN_IF_ERROR(
      CheckConstants("constant", graph, recording.constants, inputs[InputRole::kConstant]));
  INGOT_RETURN_IF_ERROR(
      CheckConstants("state", graph, recording.initial_state, inputs[InputRole::kState]));
  SlotBounds slots;
  CollectSlots(recording.signature.arguments_structure, slots);
  INGOT_RETURN_IF_ERROR(
      CheckScalars(graph, recording.scalars, inputs[InputRole::kScalar], slots.scalars));
  INGOT_RETURN_IF_ERROR(
      CheckSignature(graph, recording.signature, inputs[InputRole::kArgument], slots));
  return CheckAliases(graph, recording.signature);
}

}  // namespace ingot::ir
