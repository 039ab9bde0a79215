#include "frontends/pt2/convert.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/base/strided_copy.h"
#include "core/ir/recording_verifier.h"
#include "frontends/pt2/bind_arguments.h"
#include "frontends/pt2/emitter.h"
#include "frontends/pt2/pytree.h"
#include "frontends/pt2/signatures.h"
#include "frontends/pt2/symbols.h"

namespace ingot::pt2 {
namespace {

using ir::Structure;
using ir::ValueId;

// Weights whose strides need a copy may be copied up to so many times the file's size.
constexpr int64_t kMaxCopies = 4;
constexpr int64_t kFreeCopies = 64 << 20;
// No value may be larger: no machine could run it.
constexpr int64_t kMaxValueBytes = int64_t{1} << 42;

// Nodes whose only purpose is to check sizes and types, which specialised graphs have fixed.
constexpr absl::string_view kChecks[] = {"torch.ops.aten._assert_tensor_metadata.default",
                                         "torch.ops.aten._assert_async.default",
                                         "torch.ops.aten._assert_async.msg",
                                         "torch.ops.aten._assert_scalar.default",
                                         "torch.ops.aten.sym_constrain_range.default",
                                         "torch.ops.aten.sym_constrain_range_for_size.default",
                                         "torch.ops.aten._functional_assert_scalar.default"};

std::string Where(const GraphNode& node) {
  return node.source.empty() ? node.target : absl::StrCat(node.target, " (", node.source, ")");
}

// "torch.ops.aten.add.Tensor" → "aten::add.Tensor", "torch.ops.aten.relu.default" → "aten::relu"
std::optional<std::string> OpOf(absl::string_view target) {
  if (!absl::ConsumePrefix(&target, "torch.ops.aten.")) return std::nullopt;
  absl::ConsumeSuffix(&target, ".default");
  return absl::StrCat("aten::", target);
}

bool IsCheck(const GraphNode& node) {
  return std::find(std::begin(kChecks), std::end(kChecks), node.target) != std::end(kChecks);
}

// The names of the tensors that a node returns, Tensor[] flattened; "" for what is no tensor.
std::vector<std::string> OutputNames(const GraphNode& node) {
  std::vector<std::string> names;
  for (const GraphArgument& output : node.outputs) {
    if (const auto* list = std::get_if<TensorsArgument>(&output)) {
      names.insert(names.end(), list->names.begin(), list->names.end());
    } else {
      const auto* tensor = std::get_if<TensorArgument>(&output);
      names.push_back(tensor == nullptr ? "" : tensor->name);
    }
  }
  return names;
}

// Sizes, numbers and bools: computed from the file's own expressions where something uses them.
bool ComputesSizes(const GraphNode& node) {
  return !node.outputs.empty() &&
         std::all_of(node.outputs.begin(), node.outputs.end(), [](const GraphArgument& output) {
           return std::holds_alternative<NameArgument>(output);
         });
}

struct Stored {
  TensorId id = kNoTensor;
  const StoredTensor* tensor = nullptr;
  std::string fqn;
};

// One conversion with given buffers as state.
class Conversion {
 public:
  Conversion(const Archive& archive, const std::vector<ir::TensorType>& arguments,
             const std::set<std::string>& stateful, SymBindings bindings)
      : archive_(archive),
        program_(archive.program()),
        types_(arguments),
        stateful_(stateful),
        bindings_(std::move(bindings)),
        emitter_(archive.model_name()) {}

  absl::Status Run() {
    INGOT_RETURN_IF_ERROR(AddArguments());
    INGOT_RETURN_IF_ERROR(AddStored());
    for (const GraphNode& node : program_.nodes) {
      emitter_.memory().set_source(node.source);
      INGOT_RETURN_IF_ERROR(AddNode(node), Where(node));
    }
    emitter_.memory().set_source("");
    return absl::OkStatus();
  }

  // Parameters and buffers that the program writes but which are no state yet.
  std::set<std::string> NewlyWritten() const {
    std::set<std::string> written;
    for (const Stored& stored : stored_) {
      if (!stateful_.contains(stored.fqn) && emitter_.memory().WasWritten(stored.id))
        written.insert(stored.fqn);
    }
    return written;
  }

  absl::StatusOr<ir::Recording> Finish() {
    INGOT_RETURN_IF_ERROR(AddResults());
    INGOT_RETURN_IF_ERROR(AddMutations());
    INGOT_RETURN_IF_ERROR(AddWriteBacks());
    INGOT_RETURN_IF_ERROR(AddStateUpdates());
    ir::Recording recording;
    // Digests read all weights; a backend packs most of them later, one by one.
    recording.constants = std::move(emitter_.constants()).Finish([this](ir::Constant& constant) {
      constant.file = archive_.FileOf(constant.data);
      ir::EvictPages(constant);
    });
    ir::ComputeDigests(absl::MakeSpan(initial_state_));
    recording.initial_state = std::move(initial_state_);
    for (uint32_t slot = 0; slot < types_.size(); ++slot) {
      recording.signature.arguments.push_back({types_[slot], {}});
      recording.signature.aliases.push_back({slot, 0});
    }
    INGOT_ASSIGN_OR_RETURN(const TreeSpec spec, ParseTreeSpec(program_.in_spec));
    INGOT_ASSIGN_OR_RETURN(recording.signature.arguments_structure,
                           ToArguments(spec, input_leaves_));
    recording.graph = std::move(emitter_.graph());
    INGOT_RETURN_IF_ERROR(ir::VerifyRecording(recording));
    return recording;
  }

 private:
  // --- Inputs ---

  absl::Status Define(const std::string& name, TensorId id) {
    if (names_.emplace(name, id).second) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("the tensor ", name, " is defined twice"));
  }

  absl::StatusOr<Structure> NumberLeaf(const GraphArgument& value) const {
    Structure leaf;
    if (std::holds_alternative<NoneArgument>(value)) return leaf;
    if (const auto* text = std::get_if<std::string>(&value)) {
      leaf.kind = Structure::Kind::kString;
      leaf.text = *text;
    } else if (const auto* truth = std::get_if<bool>(&value)) {
      leaf.kind = Structure::Kind::kBool;
      leaf.number = *truth;
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      leaf.kind = Structure::Kind::kInt;
      leaf.number = *integer;
    } else if (const auto* real = std::get_if<double>(&value)) {
      leaf.kind = Structure::Kind::kFloat;
      leaf.number = *real;
    } else if (const auto* name = std::get_if<NameArgument>(&value)) {
      leaf.kind = Structure::Kind::kInt;
      INGOT_ASSIGN_OR_RETURN(leaf.number, SizeOf(name->name));
    } else {
      return absl::UnimplementedError(
          "an input or output that is neither tensor, number, string nor None is not supported");
    }
    return leaf;
  }

  absl::Status AddArguments() {
    for (const ProgramInput& input : program_.inputs) {
      if (input.kind != InputKind::kUser && input.kind != InputKind::kNumber) continue;
      const auto* tensor = std::get_if<TensorArgument>(&input.value);
      if (tensor == nullptr) {
        INGOT_ASSIGN_OR_RETURN(Structure leaf, NumberLeaf(input.value));
        input_leaves_.push_back(std::move(leaf));
        continue;
      }
      const auto slot = static_cast<uint32_t>(arguments_.size());
      const ValueId value = emitter_.AddInput(ir::InputRole::kArgument, slot, types_[slot]);
      argument_values_.push_back(value);
      arguments_.push_back(emitter_.memory().AddValue(Layout::RowMajor(types_[slot]), value));
      INGOT_RETURN_IF_ERROR(Define(tensor->name, arguments_.back()));
      input_leaves_.push_back(Structure::Tensor(static_cast<int32_t>(slot)));
    }
    return absl::OkStatus();
  }

  // Row-major contents of a stored tensor: in place where they are that already.
  absl::StatusOr<HostConstant> RowMajor(const StoredTensor& tensor) {
    const size_t element = ir::ElementSize(tensor.type.dtype);
    const char* data = tensor.storage.data() + tensor.offset * static_cast<int64_t>(element);
    const bool is_aligned = reinterpret_cast<uintptr_t>(data) % element == 0;
    const Layout layout{tensor.type, tensor.strides, 0};
    if (tensor.type.NumElements() == 0 || (is_aligned && layout.IsRowMajor()))
      return HostConstant{tensor.type, data, archive_.owner()};
    copied_ += tensor.type.NumBytes();
    if (copied_ > kMaxCopies * static_cast<int64_t>(archive_.num_bytes()) + kFreeCopies) {
      return absl::ResourceExhaustedError(
          "weights that are views of themselves take more memory than the file allows for");
    }
    char* bytes = nullptr;
    INGOT_ASSIGN_OR_RETURN(HostConstant copy, NewConstant(tensor.type, &bytes));
    StridedCopy(tensor.type.dims, element, data, tensor.strides, bytes,
                ir::ContiguousStrides(tensor.type.dims));
    return copy;
  }

  absl::Status AddStored() {
    for (const ProgramInput& input : program_.inputs) {
      if (input.kind == InputKind::kOther) {
        return absl::UnimplementedError(
            absl::StrCat("an input that is a ", input.fqn, " is not supported"));
      }
      if (input.kind == InputKind::kUser || input.kind == InputKind::kNumber) continue;
      const auto& name = std::get<TensorArgument>(input.value).name;
      const auto refused = archive_.refused().find(input.fqn);
      if (refused != archive_.refused().end()) return Annotate(refused->second, input.fqn);
      const auto found = archive_.tensors().find(input.fqn);
      if (found == archive_.tensors().end()) {
        return absl::DataLossError(absl::StrCat("the archive lacks the tensor ", input.fqn));
      }
      INGOT_ASSIGN_OR_RETURN(const TensorId id, AddStoredTensor(input.fqn, found->second),
                             input.fqn);
      INGOT_RETURN_IF_ERROR(Define(name, id));
      INGOT_RETURN_IF_ERROR(CheckDeclared(name, emitter_.type(id)), input.fqn);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<TensorId> AddStoredTensor(const std::string& fqn, const StoredTensor& tensor) {
    bool is_state = stateful_.contains(fqn);
    for (const Stored& other : stored_) {
      const StoredTensor& o = *other.tensor;
      if (o.record != tensor.record) continue;
      if (o.type == tensor.type && o.strides == tensor.strides && o.offset == tensor.offset) {
        const TensorId id = other.id;  // `other` moves with what is added
        stored_.push_back({id, &tensor, fqn});
        return id;
      }
      if (is_state || stateful_.contains(other.fqn)) {
        return absl::UnimplementedError(
            absl::StrCat("the program writes memory that it shares with ", other.fqn));
      }
    }
    INGOT_ASSIGN_OR_RETURN(HostConstant contents, RowMajor(tensor));
    // Tied tensors are state together.
    for (const auto& [name, other] : archive_.tensors()) {
      is_state |= stateful_.contains(name) && other.record == tensor.record &&
                  other.type == tensor.type && other.strides == tensor.strides &&
                  other.offset == tensor.offset;
    }
    TensorId id = kNoTensor;
    if (is_state) {
      const auto index = static_cast<uint32_t>(states_.size());
      const ValueId value = emitter_.AddInput(ir::InputRole::kState, index, tensor.type, fqn);
      id = emitter_.memory().AddValue(Layout::RowMajor(tensor.type), value);
      states_.push_back(id);
      initial_state_.push_back({{}, contents.type, contents.data, contents.owner});
    } else {
      id = emitter_.memory().AddConstant(std::move(contents), fqn);
    }
    stored_.push_back({id, &tensor, fqn});
    return id;
  }

  // --- Names and types ---

  absl::StatusOr<TensorId> TensorOf(const std::string& name) const {
    const auto found = names_.find(name);
    if (found == names_.end()) {
      return absl::InvalidArgumentError(absl::StrCat("the tensor ", name,
                                                     " is used before it is "
                                                     "defined"));
    }
    if (found->second == kNoTensor) {
      return absl::UnimplementedError(
          absl::StrCat("the tensor ", name, ", which only training needs, is not supported"));
    }
    return found->second;
  }

  absl::StatusOr<int64_t> SizeOf(const std::string& name) const {
    const auto found = program_.sym_ints.find(name);
    if (found == program_.sym_ints.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat("data-dependent: ", name,
                       " is a number or bool that the program computes, no size; move "
                       "that step out of the model, or compute it with tensor ops"));
    }
    return ValueOf(found->second, bindings_);
  }

  // What the file says of a tensor; nullopt if graphs cannot hold it.
  absl::StatusOr<std::optional<Layout>> Declared(const std::string& name) const {
    const auto found = program_.tensors.find(name);
    if (found == program_.tensors.end()) return std::nullopt;
    const TensorMeta& meta = found->second;
    const std::optional<ir::DType> dtype = DTypeOfCode(meta.dtype_code);
    if (!dtype || !meta.strided || meta.sizes.size() > static_cast<size_t>(ir::kMaxRank))
      return std::nullopt;
    Layout layout{{*dtype, {}}, {}, 0};
    __int128 bytes = static_cast<__int128>(ir::ElementSize(*dtype));
    for (const SymInt& size : meta.sizes) {
      INGOT_ASSIGN_OR_RETURN(const int64_t value, ValueOf(size, bindings_), name);
      if (value < 0) {
        return absl::InvalidArgumentError(absl::StrCat(name, " has the size ", value));
      }
      layout.type.dims.push_back(value);
      bytes *= std::max<int64_t>(value, 1);
      if (bytes > kMaxValueBytes) {
        return absl::ResourceExhaustedError(absl::StrCat(name, " is larger than any memory"));
      }
    }
    for (const SymInt& stride : meta.strides) {
      const auto value = ValueOf(stride, bindings_);
      // Of use only where they make sense.
      if (!value.ok() || *value < 0 || *value > kMaxValueBytes) {
        return std::optional<Layout>(Layout::RowMajor(layout.type));
      }
      layout.strides.push_back(*value);
    }
    return std::optional<Layout>(std::move(layout));
  }

  absl::Status CheckDeclared(const std::string& name, const ir::TensorType& type) const {
    INGOT_ASSIGN_OR_RETURN(const std::optional<Layout> declared, Declared(name));
    if (!declared || declared->type == type) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("the file says that ", name, " is ",
                                                   ir::ToString(declared->type), "; ingot infers ",
                                                   ir::ToString(type)));
  }

  // --- Nodes ---

  absl::Status AddNode(const GraphNode& node) {
    if (ComputesSizes(node) || IsCheck(node)) return absl::OkStatus();
    for (const NamedArgument& input : node.inputs) {
      const auto* other = std::get_if<OtherArgument>(&input.value);
      if (other != nullptr && other->kind == "as_graph") {
        return absl::UnimplementedError(
            "higher-order ops, which hold graphs of their own, are not supported");
      }
    }
    const std::optional<std::string> op = OpOf(node.target);
    if (!op) {
      return absl::UnimplementedError(
          "only ATen's own ops are supported: what others read and write is not known");
    }
    const OpSignature* signature = FindSignature(*op);
    if (signature == nullptr) {
      return absl::UnimplementedError("neither ingot's vocabulary nor its table of ATen has it");
    }
    INGOT_ASSIGN_OR_RETURN(
        std::vector<Operand> args,
        BindArguments(node, *signature,
                      {[this](const std::string& name) { return TensorOf(name); },
                       [this](const std::string& name) { return SizeOf(name); }}));
    const std::vector<std::string> names = OutputNames(node);
    std::vector<std::optional<Layout>> expected;
    for (const std::string& name : names) {
      INGOT_ASSIGN_OR_RETURN(std::optional<Layout> layout, Declared(name));
      expected.push_back(std::move(layout));
    }
    emitter_.set_expected(std::move(expected));
    INGOT_ASSIGN_OR_RETURN(const Tensors results, emitter_.Apply(*op, std::move(args)));
    return DefineResults(names, results);
  }

  absl::Status DefineResults(const std::vector<std::string>& names, const Tensors& results) {
    if (names.size() > results.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the file names ", names.size(), " results; the op has ", results.size()));
    }
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i].empty()) continue;
      INGOT_RETURN_IF_ERROR(Define(names[i], results[i]));
      if (results[i] == kNoTensor) continue;
      INGOT_RETURN_IF_ERROR(CheckDeclared(names[i], emitter_.type(results[i])));
    }
    return absl::OkStatus();
  }

  // --- Outputs ---

  absl::Status AddResults() {
    std::vector<Structure> leaves;
    std::map<TensorId, int32_t> slots;
    for (const ProgramOutput& output : program_.outputs) {
      if (output.kind == OutputKind::kOther) {
        return absl::UnimplementedError(
            absl::StrCat("an output that is a ", output.target, " is not supported"));
      }
      if (output.kind != OutputKind::kUser) continue;
      const auto* tensor = std::get_if<TensorArgument>(&output.value);
      if (tensor == nullptr) {
        INGOT_ASSIGN_OR_RETURN(Structure leaf, NumberLeaf(output.value), "result");
        leaves.push_back(std::move(leaf));
        continue;
      }
      INGOT_ASSIGN_OR_RETURN(const TensorId id, TensorOf(tensor->name), "result");
      const auto [slot, inserted] = slots.emplace(id, static_cast<int32_t>(slots.size()));
      leaves.push_back(Structure::Tensor(slot->second));
      if (!inserted) continue;
      INGOT_ASSIGN_OR_RETURN(const ValueId value, emitter_.memory().Read(id),
                             absl::StrCat("result ", slot->second));
      ir::OutputSpec spec = DescribeResult(id);
      spec.index = static_cast<uint32_t>(slot->second);
      emitter_.graph().AddOutput(std::move(spec), value);
    }
    INGOT_ASSIGN_OR_RETURN(const TreeSpec spec, ParseTreeSpec(program_.out_spec));
    INGOT_ASSIGN_OR_RETURN(Structure structure, ToStructure(spec, leaves));
    emitter_.graph().set_result_structure(std::move(structure));
    return absl::OkStatus();
  }

  // A result that is an argument, a view of one, or neither.
  ir::OutputSpec DescribeResult(TensorId id) const {
    ir::OutputSpec output;
    const Memory& memory = emitter_.memory();
    const Layout& layout = memory.layout(id);
    for (size_t slot = 0; slot < arguments_.size(); ++slot) {
      if (!memory.SharesMemory(id, arguments_[slot]) || layout.type.NumElements() == 0) continue;
      output.role = ir::OutputRole::kAlias;
      output.alias_of = static_cast<uint32_t>(slot);
      if (id == arguments_[slot]) return output;
      output.strides = layout.strides;
      output.offset = layout.offset;
      return output;
    }
    if (!layout.IsRowMajor() && layout.IsDense()) output.strides = layout.strides;
    return output;
  }

  absl::Status AddOutput(ir::OutputRole role, size_t index, ValueId value) {
    for (const ir::OutputSpec& output : emitter_.graph().outputs()) {
      if (output.role == role && output.index == index) {
        return absl::InvalidArgumentError("an argument or buffer is updated twice");
      }
    }
    ir::OutputSpec spec;
    spec.role = role;
    spec.index = static_cast<uint32_t>(index);
    emitter_.graph().AddOutput(std::move(spec), value);
    return absl::OkStatus();
  }

  // What the signature of a functional graph says of updates.
  absl::Status AddMutations() {
    for (const ProgramOutput& output : program_.outputs) {
      const bool is_buffer = output.kind == OutputKind::kBufferMutation;
      if (!is_buffer && output.kind != OutputKind::kInputMutation) continue;
      INGOT_ASSIGN_OR_RETURN(const TensorId id,
                             TensorOf(std::get<TensorArgument>(output.value).name), output.target);
      INGOT_ASSIGN_OR_RETURN(const TensorId target,
                             is_buffer ? StateOf(output.target) : TensorOf(output.target));
      const std::vector<TensorId>& targets = is_buffer ? states_ : arguments_;
      const auto at = std::find(targets.begin(), targets.end(), target);
      if (at == targets.end()) {
        return absl::InvalidArgumentError(
            absl::StrCat(output.target, " is updated but no ", is_buffer ? "buffer" : "argument"));
      }
      if (emitter_.type(id) != emitter_.type(target)) {
        return absl::FailedPreconditionError(
            absl::StrCat(output.target, " changes its dtype or sizes; a graph's state keeps them"));
      }
      INGOT_ASSIGN_OR_RETURN(const ValueId value, emitter_.memory().Read(id), output.target);
      const auto role = is_buffer ? ir::OutputRole::kStateUpdate : ir::OutputRole::kWriteBack;
      const auto index = static_cast<size_t>(at - targets.begin());
      if (emitter_.memory().WasWritten(target)) {
        return absl::InvalidArgumentError(
            absl::StrCat(output.target, " is written in place and updated by the signature"));
      }
      if (!is_buffer && value == argument_values_[index]) continue;
      INGOT_RETURN_IF_ERROR(AddOutput(role, index, value), output.target);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<TensorId> StateOf(const std::string& fqn) const {
    for (const Stored& stored : stored_) {
      if (stored.fqn == fqn) return stored.id;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("the program updates ", fqn, ", which is none of its inputs"));
  }

  absl::Status AddWriteBacks() {
    for (size_t slot = 0; slot < arguments_.size(); ++slot) {
      if (!emitter_.memory().WasWritten(arguments_[slot])) continue;
      INGOT_ASSIGN_OR_RETURN(const ValueId value, emitter_.memory().Read(arguments_[slot]),
                             absl::StrCat("argument ", slot));
      if (value == argument_values_[slot]) continue;
      INGOT_RETURN_IF_ERROR(AddOutput(ir::OutputRole::kWriteBack, slot, value));
    }
    return absl::OkStatus();
  }

  absl::Status AddStateUpdates() {
    for (size_t i = 0; i < states_.size(); ++i) {
      if (!emitter_.memory().WasWritten(states_[i])) continue;
      INGOT_ASSIGN_OR_RETURN(const ValueId value, emitter_.memory().Read(states_[i]),
                             absl::StrCat("state ", i));
      INGOT_RETURN_IF_ERROR(AddOutput(ir::OutputRole::kStateUpdate, i, value));
    }
    return absl::OkStatus();
  }

  const Archive& archive_;
  const Program& program_;
  const std::vector<ir::TensorType>& types_;
  const std::set<std::string>& stateful_;
  const SymBindings bindings_;
  Emitter emitter_;
  absl::flat_hash_map<std::string, TensorId> names_;
  std::vector<TensorId> arguments_;
  std::vector<ValueId> argument_values_;
  std::vector<Structure> input_leaves_;
  std::vector<Stored> stored_;
  std::vector<TensorId> states_;
  std::vector<ir::Constant> initial_state_;
  int64_t copied_ = 0;
};

}  // namespace

absl::StatusOr<ir::Recording> Convert(const Archive& archive,
                                      const std::vector<ir::TensorType>& arguments) {
  for (size_t slot = 0; slot < arguments.size(); ++slot) {
    __int128 bytes = static_cast<__int128>(ir::ElementSize(arguments[slot].dtype));
    for (const int64_t size : arguments[slot].dims) {
      if (size < 0)
        return absl::InvalidArgumentError(absl::StrCat("argument ", slot, " has a negative size"));
      bytes *= std::max<int64_t>(size, 1);
      if (bytes > kMaxValueBytes)
        return absl::ResourceExhaustedError(
            absl::StrCat("argument ", slot, " is larger than any memory"));
    }
  }
  INGOT_ASSIGN_OR_RETURN(const SymBindings bindings, BindSymbols(archive.program(), arguments));
  std::set<std::string> stateful;
  for (const ProgramOutput& output : archive.program().outputs) {
    if (output.kind == OutputKind::kBufferMutation) stateful.insert(output.target);
  }
  // Which buffers a graph writes in place is only known once it is converted. What reads them
  // before the first write must read the state then, not a constant: once more, with them as state.
  while (true) {
    Conversion conversion(archive, arguments, stateful, bindings);
    INGOT_RETURN_IF_ERROR(conversion.Run());
    const std::set<std::string> written = conversion.NewlyWritten();
    if (written.empty()) return conversion.Finish();
    stateful.insert(written.begin(), written.end());
  }
}

}  // namespace ingot::pt2
