#include "frontends/torchscript/op_rules.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_tag.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "frontends/torchscript/layout.h"

namespace ingot::torchscript {
namespace {

// Ops whose functional form has another name than the rules below would find.
struct Renamed {
  const char* op;
  const char* functional;
};
constexpr Renamed kRenamed[] = {
    {"aten::_convolution", "aten::convolution"},
    {"aten::_convolution.deprecated", "aten::convolution"},
    {"aten::_unsafe_view", "aten::view"},
    {"aten::_reshape_alias", "aten::view"},
    {"aten::_unsafe_index.Tensor", "aten::index.Tensor"},
    {"aten::zero_", "aten::zero"},
    {"aten::dropout_", "aten::dropout"},
    {"aten::normal_", "aten::normal_functional"},
    {"aten::bernoulli_.float", "aten::bernoulli.p"},
    {"aten::native_batch_norm", "aten::_native_batch_norm_legit_functional"},
    {"aten::_native_batch_norm_legit", "aten::_native_batch_norm_legit_functional"},
    {"aten::_batch_norm_with_update", "aten::_batch_norm_with_update_functional"},
    {"aten::rrelu_with_noise", "aten::rrelu_with_noise_functional"},
};

// Ops that write running statistics in training, annotated in the schema or not: running_mean,
// running_var.
constexpr const char* kBatchNorms[] = {"aten::native_batch_norm", "aten::_native_batch_norm_legit",
                                       "aten::_batch_norm_with_update"};

// Ops whose result sizes follow from the elements of one argument although LibTorch doesn't say so.
struct ShapeReader {
  const char* op;
  int argument;
};
constexpr ShapeReader kShapeReaders[] = {{"aten::_pack_padded_sequence", 1},
                                         {"aten::_pad_packed_sequence", 1},
                                         {"aten::tensor_split.tensor_indices_or_sections", 1}};

// Composite ops that read numbers out of tensors, but not for their results' sizes.
// `unless_negative` names an argument that, when negative, makes the sizes depend on elements.
struct NumberReader {
  const char* prefix;
  const char* unless_negative;
};
constexpr NumberReader kNumberReaders[] = {{"aten::linalg_", nullptr},
                                           {"aten::inverse", nullptr},
                                           {"aten::pinverse", nullptr},
                                           {"aten::linspace.", nullptr},
                                           {"aten::logspace.", nullptr},
                                           {"aten::quantile", nullptr},
                                           {"aten::nanquantile", nullptr},
                                           {"aten::istft", nullptr},
                                           {"aten::index_fill.int_Tensor", nullptr},
                                           {"aten::index_fill_.int_Tensor", nullptr},
                                           {"aten::embedding_bag", nullptr},
                                           {"aten::one_hot", "num_classes"}};

// Don't write unless told to by `train`.
constexpr const char* kDropouts[] = {"aten::dropout_", "aten::feature_dropout_",
                                     "aten::alpha_dropout_", "aten::feature_alpha_dropout_"};

// Copy their operand with its strides: where its elements share memory, so do the result's, and
// what they write is seen more than once. Their inner calls show that.
constexpr const char* kStridedScatters[] = {"aten::select_scatter", "aten::slice_scatter",
                                            "aten::diagonal_scatter", "aten::as_strided_scatter"};

// Return a number, a dtype or a bool that follows from sizes, strides, dtypes and flags alone.
constexpr const char* kMetadataReaders[] = {"aten::size",
                                            "aten::sym_size",
                                            "aten::stride",
                                            "aten::sym_stride",
                                            "aten::numel",
                                            "aten::sym_numel",
                                            "aten::dim",
                                            "aten::storage_offset",
                                            "aten::sym_storage_offset",
                                            "aten::is_complex",
                                            "aten::is_floating_point",
                                            "aten::is_signed",
                                            "aten::is_same_size",
                                            "aten::is_conj",
                                            "aten::is_neg",
                                            "aten::_is_zerotensor",
                                            "aten::is_set_to",
                                            "aten::is_pinned",
                                            "aten::is_inference",
                                            "aten::is_leaf",
                                            "aten::output_nr",
                                            "aten::_version",
                                            "aten::requires_grad",
                                            "aten::retains_grad",
                                            "aten::result_type",
                                            "aten::can_cast",
                                            "aten::promote_types",
                                            "aten::cudnn_is_acceptable",
                                            "aten::_fused_sdp_choice",
                                            "aten::is_contiguous",
                                            "aten::is_strides_like_format",
                                            "aten::is_non_overlapping_and_dense",
                                            "aten::_has_same_storage_numel",
                                            "aten::_has_compatible_shallow_copy_type",
                                            "aten::qscheme",
                                            "aten::_nested_tensor_size",
                                            "aten::is_vulkan_available",
                                            "aten::_use_cudnn_rnn_flatten_weight",
                                            "aten::_assert_tensor_metadata",
                                            "aten::is_cuda",
                                            "aten::get_device"};

constexpr const char* kUninitialised[] = {
    "aten::empty",     "aten::empty_like",        "aten::empty_strided",
    "aten::new_empty", "aten::new_empty_strided", "aten::empty_permuted"};

template <size_t N>
bool Contains(const char* const (&table)[N], const std::string& name) {
  return std::any_of(std::begin(table), std::end(table),
                     [&](const char* entry) { return name == entry; });
}

std::string FullName(const c10::OperatorName& name) {
  return name.overload_name.empty() ? name.name : absl::StrCat(name.name, ".", name.overload_name);
}

const c10::FunctionSchema* FindSchema(const std::string& full_name) {
  const size_t dot = full_name.find('.');
  const c10::OperatorName name(full_name.substr(0, dot),
                               dot == std::string::npos ? "" : full_name.substr(dot + 1));
  const auto handle = c10::Dispatcher::singleton().findSchema(name);
  return handle ? &handle->schema() : nullptr;
}

bool Writes(const c10::Argument& argument) {
  return argument.alias_info() != nullptr && argument.alias_info()->isWrite();
}

// True if `candidate` takes, by name and type, the arguments of `schema` that aren't results
// ("out"), writes nothing and returns as many values.
bool IsFunctionalTwin(const c10::FunctionSchema& schema, bool is_out,
                      const c10::FunctionSchema& candidate) {
  size_t next = 0;
  for (const c10::Argument& argument : schema.arguments()) {
    if (is_out && Writes(argument)) continue;
    if (next == candidate.arguments().size()) return false;
    const c10::Argument& other = candidate.arguments()[next++];
    if (Writes(other) || other.name() != argument.name() || *other.type() != *argument.type())
      return false;
  }
  return next == candidate.arguments().size();
}

const c10::FunctionSchema* FindTwin(const c10::FunctionSchema& schema, bool is_out) {
  const std::string base =
      is_out ? schema.name() : std::string(absl::StripSuffix(schema.name(), "_"));
  for (const auto& op : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(base))) {
    if (op->isC10Op() && IsFunctionalTwin(schema, is_out, op->schema())) return &op->schema();
  }
  return nullptr;
}

void SetFunctional(OpRule& rule, const c10::FunctionSchema* schema) {
  if (schema == nullptr) return;
  rule.functional = FullName(schema->operator_name());
  rule.functional_schema = schema;
  rule.functional_arguments = schema->arguments().size();
  rule.def = ops::FindOp(rule.functional);
}

void FindFunctional(OpRule& rule) {
  for (const Renamed& renamed : kRenamed) {
    if (rule.name == renamed.op) return SetFunctional(rule, FindSchema(renamed.functional));
  }
  if (rule.written.empty() && !rule.changes_metadata_only) return SetFunctional(rule, rule.schema);
  SetFunctional(rule, FindTwin(*rule.schema, rule.is_out_variant));
}

bool ReturnsTensors(const c10::FunctionSchema& schema) {
  return std::any_of(schema.returns().begin(), schema.returns().end(),
                     [](const c10::Argument& result) {
                       const c10::TypePtr& type = result.type();
                       return type->kind() == c10::TypeKind::TensorType ||
                              type->kind() == c10::TypeKind::ListType ||
                              type->kind() == c10::TypeKind::OptionalType;
                     });
}

std::unique_ptr<OpRule> MakeRule(const c10::OperatorHandle& op) {
  auto rule = std::make_unique<OpRule>();
  const c10::FunctionSchema& schema = op.schema();
  rule->schema = &schema;
  rule->name = FullName(schema.operator_name());
  rule->changes_metadata_only = op.hasTag(at::Tag::inplace_view);
  const std::vector<c10::Argument>& arguments = schema.arguments();
  rule->writes_when_training = Contains(kDropouts, schema.name());
  if (Contains(kBatchNorms, schema.name())) {
    rule->written = {3, 4};
    rule->returns_and_writes = rule->writes_when_training = true;
  } else if (!rule->changes_metadata_only) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (Writes(arguments[i])) rule->written.push_back(static_cast<int>(i));
    }
  }
  if (rule->name == "aten::rrelu_with_noise") rule->returns_and_writes = true;
  rule->is_out_variant =
      !rule->written.empty() && !rule->returns_and_writes && arguments[rule->written[0]].is_out();
  rule->is_composite = op.hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd);
  rule->has_own_kernel =
      op.hasKernelForDispatchKey(c10::DispatchKey::CPU) ||
      !(rule->is_composite ||
        op.hasKernelForDispatchKey(c10::DispatchKey::CompositeExplicitAutograd) ||
        op.hasKernelForDispatchKey(c10::DispatchKey::CompositeExplicitAutogradNonFunctional));
  for (const ShapeReader& reader : kShapeReaders) {
    if (rule->name == reader.op) rule->shape_argument = reader.argument;
  }
  rule->is_random_tagged = op.hasTag(at::Tag::nondeterministic_seeded);
  rule->has_dynamic_shape = op.hasTag(at::Tag::dynamic_output_shape);
  rule->returns_tensors = ReturnsTensors(schema);
  rule->reads_metadata_only = Contains(kMetadataReaders, schema.name());
  rule->is_uninitialised = Contains(kUninitialised, schema.name());
  FindFunctional(*rule);
  return rule;
}

bool IsTrue(const c10::IValue* value) {
  return value != nullptr && value->isBool() && value->toBool();
}
bool IsPositive(const c10::IValue* value) {
  return value != nullptr &&
         ((value->isDouble() && value->toDouble() > 0) || (value->isInt() && value->toInt() > 0));
}

}  // namespace

const c10::IValue* OpRule::Argument(absl::Span<const c10::IValue> args, const char* name) const {
  const std::optional<int> index = schema->argumentIndexWithName(name);
  return index && static_cast<size_t>(*index) < args.size() ? &args[*index] : nullptr;
}

bool OpRule::IsRandom(absl::Span<const c10::IValue> args) const {
  if (!is_random_tagged && !(def != nullptr && def->Is(ops::kRandom))) return false;
  // Ops that are random only as told by an argument.
  if (const c10::IValue* p = Argument(args, "dropout_p")) return IsPositive(p);
  if (const c10::IValue* train = Argument(args, "train")) {
    if (!IsTrue(train)) return false;
    const c10::IValue* dropout = Argument(args, "dropout");
    return dropout == nullptr || IsPositive(dropout);
  }
  if (const c10::IValue* training = Argument(args, "training")) return IsTrue(training);
  return true;
}

bool OpRule::IsTakenWhole(absl::Span<const c10::IValue> args) const {
  if (def == nullptr) return false;
  // In training batch_norm updates its running statistics, which its schema conceals; what it calls
  // doesn't.
  if (functional == "aten::batch_norm") return !IsTrue(Argument(args, "training"));
  if (Contains(kStridedScatters, schema->name()) && HasLayout(args[0].toTensor()) &&
      LayoutOf(args[0].toTensor()).OverlapsItself()) {
    return false;
  }
  // The vocabulary has some ops without their random side.
  return def->Is(ops::kRandom) || !IsRandom(args);
}

bool OpRule::MayReadNumbers(absl::Span<const c10::IValue> args) const {
  for (const NumberReader& reader : kNumberReaders) {
    if (!absl::StartsWith(name, reader.prefix)) continue;
    if (reader.unless_negative == nullptr) return true;
    const c10::IValue* number = Argument(args, reader.unless_negative);
    return number != nullptr && number->isInt() && number->toInt() >= 0;
  }
  return false;
}

std::vector<int> OpRule::Written(absl::Span<const c10::IValue> args) const {
  if (!writes_when_training) return written;
  for (const char* name : {"training", "train"}) {
    const c10::IValue* training = Argument(args, name);
    if (training != nullptr && !IsTrue(training)) return {};
  }
  // batch_norm may have no statistics to update.
  const c10::IValue& target = args[static_cast<size_t>(written[0])];
  return target.isTensor() && target.toTensor().defined() ? written : std::vector<int>();
}

const OpRule* OpRules::Find(const c10::OperatorName& name) const {
  auto [entry, inserted] = rules_.try_emplace(FullName(name));
  if (inserted) {
    const auto handle = c10::Dispatcher::singleton().findSchema(name);
    if (handle) entry->second = MakeRule(*handle);
  }
  return entry->second.get();
}

}  // namespace ingot::torchscript
