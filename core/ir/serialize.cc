#include "core/ir/serialize.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/fbs_convert.h"
#include "core/ir/graph_generated.h"

namespace ingot::ir {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

constexpr uint32_t kVersion = 1;

// One overload for each alternative of Argument.
class ArgumentPacker {
 public:
  explicit ArgumentPacker(FlatBufferBuilder& builder) : builder_(builder) {}

  Offset<fbs::Arg> operator()(const None&) { return Finish(fbs::ArgKind::None); }
  Offset<fbs::Arg> operator()(const ValueRef& ref) { return Int(fbs::ArgKind::Value, ref.id); }
  Offset<fbs::Arg> operator()(const ValueRefList& list) {
    return List(fbs::ArgKind::ValueList, std::vector<int64_t>(list.ids.begin(), list.ids.end()));
  }
  Offset<fbs::Arg> operator()(bool value) { return Int(fbs::ArgKind::Bool, value); }
  Offset<fbs::Arg> operator()(int64_t value) { return Int(fbs::ArgKind::Int, value); }
  Offset<fbs::Arg> operator()(double value) { return Double(fbs::ArgKind::Double, value, 0); }
  Offset<fbs::Arg> operator()(const std::complex<double>& value) {
    return Double(fbs::ArgKind::Complex, value.real(), value.imag());
  }
  Offset<fbs::Arg> operator()(const std::string& value) {
    const auto text = builder_.CreateString(value);
    return fbs::CreateArg(builder_, fbs::ArgKind::String, 0, 0, 0, text);
  }
  Offset<fbs::Arg> operator()(const std::vector<int64_t>& value) {
    return List(fbs::ArgKind::IntList, value);
  }
  Offset<fbs::Arg> operator()(const std::vector<double>& value) {
    std::vector<double> canonical(value);
    for (double& d : canonical) d = CanonicalNaN(d);
    const auto list = builder_.CreateVector(canonical);
    return fbs::CreateArg(builder_, fbs::ArgKind::DoubleList, 0, 0, 0, 0, 0, list);
  }
  Offset<fbs::Arg> operator()(const std::vector<bool>& value) {
    return List(fbs::ArgKind::BoolList, std::vector<int64_t>(value.begin(), value.end()));
  }
  Offset<fbs::Arg> operator()(DType dtype) {
    return Int(fbs::ArgKind::DType, static_cast<int64_t>(dtype));
  }

 private:
  Offset<fbs::Arg> Finish(fbs::ArgKind kind) { return fbs::CreateArg(builder_, kind); }
  Offset<fbs::Arg> Int(fbs::ArgKind kind, int64_t i) { return fbs::CreateArg(builder_, kind, i); }
  Offset<fbs::Arg> Double(fbs::ArgKind kind, double d, double d2) {
    d = CanonicalNaN(d);
    d2 = CanonicalNaN(d2);
    const ForceDefaultsFor guard(builder_, d, d2);
    return fbs::CreateArg(builder_, kind, 0, d, d2);
  }
  Offset<fbs::Arg> List(fbs::ArgKind kind, const std::vector<int64_t>& values) {
    const auto list = builder_.CreateVector(values);
    return fbs::CreateArg(builder_, kind, 0, 0, 0, 0, list);
  }

  FlatBufferBuilder& builder_;
};

Offset<fbs::Node> PackNode(FlatBufferBuilder& builder, const Node& node) {
  std::vector<Offset<fbs::Arg>> args;
  args.reserve(node.args.size());
  for (const Argument& arg : node.args) args.push_back(std::visit(ArgumentPacker(builder), arg));
  const auto op = builder.CreateString(node.op);
  const auto packed_args = builder.CreateVector(args);
  const auto outputs = builder.CreateVector(node.outputs);
  return fbs::CreateNode(builder, op, packed_args, outputs);
}

Offset<fbs::Input> PackInput(FlatBufferBuilder& builder, const InputSpec& input) {
  const auto digest = input.role == InputRole::kConstant ? PackDigest(builder, input.digest) : 0;
  return fbs::CreateInput(builder, static_cast<uint8_t>(input.role), input.index, digest,
                          input.value);
}

Offset<fbs::Output> PackOutput(FlatBufferBuilder& builder, const OutputSpec& output) {
  const auto strides = builder.CreateVector(output.strides.data(), output.strides.size());
  return fbs::CreateOutput(builder, static_cast<uint8_t>(output.role), output.index, strides,
                           output.alias_of, output.offset, output.value);
}

std::string Pack(const Graph& graph) {
  FlatBufferBuilder builder(4096);
  std::vector<Offset<fbs::Type>> types;
  for (ValueId v = 0; v < graph.num_values(); ++v) {
    types.push_back(PackType(builder, graph.type(v)));
  }
  std::vector<Offset<fbs::Input>> inputs;
  for (const InputSpec& input : graph.inputs()) inputs.push_back(PackInput(builder, input));
  std::vector<Offset<fbs::Node>> nodes;
  for (const Node& node : graph.nodes()) nodes.push_back(PackNode(builder, node));
  std::vector<Offset<fbs::Output>> outputs;
  for (const OutputSpec& output : graph.outputs()) outputs.push_back(PackOutput(builder, output));

  const auto structure = PackStructure(builder, graph.result_structure());
  const auto packed_types = builder.CreateVector(types);
  const auto packed_inputs = builder.CreateVector(inputs);
  const auto packed_nodes = builder.CreateVector(nodes);
  const auto packed_outputs = builder.CreateVector(outputs);
  builder.Finish(fbs::CreateGraph(builder, kVersion, packed_types, packed_inputs, packed_nodes,
                                  packed_outputs, structure),
                 fbs::GraphIdentifier());
  return std::string(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
}

template <typename T>
uint32_t SizeOf(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr ? 0 : vector->size();
}

// Turns a verified FlatBuffer into a Graph, and checks what FlatBuffers does not know.
class Unpacker {
 public:
  Unpacker(const fbs::Graph& source, size_t num_bytes) : source_(source), budget_(num_bytes) {}

  absl::StatusOr<Graph> Unpack() && {
    if (source_.version() != kVersion) {
      return absl::InvalidArgumentError(absl::StrCat("graph of version ", source_.version(),
                                                     "; this build reads version ", kVersion));
    }
    for (uint32_t i = 0; i < SizeOf(source_.types()); ++i) {
      INGOT_ASSIGN_OR_RETURN(TensorType type, UnpackType(source_.types()->Get(i)),
                             absl::StrCat("value %", i));
      graph_.AddValue(std::move(type));
    }
    defined_.assign(graph_.num_values(), false);
    for (uint32_t i = 0; i < SizeOf(source_.inputs()); ++i) {
      INGOT_RETURN_IF_ERROR(AddInput(*source_.inputs()->Get(i)), absl::StrCat("input ", i));
    }
    for (uint32_t i = 0; i < SizeOf(source_.nodes()); ++i) {
      INGOT_RETURN_IF_ERROR(AddNode(*source_.nodes()->Get(i)), absl::StrCat("node ", i));
    }
    for (uint32_t i = 0; i < SizeOf(source_.outputs()); ++i) {
      INGOT_RETURN_IF_ERROR(AddOutput(*source_.outputs()->Get(i)), absl::StrCat("output ", i));
    }
    INGOT_ASSIGN_OR_RETURN(Structure structure, UnpackStructure(source_.result_structure()));
    graph_.set_result_structure(std::move(structure));
    return std::move(graph_);
  }

 private:
  absl::Status Define(ValueId value) {
    if (value >= defined_.size()) {
      return absl::InvalidArgumentError(absl::StrCat("defines %", value, ", which has no type"));
    }
    if (defined_[value]) {
      return absl::InvalidArgumentError(absl::StrCat("defines %", value, " a second time"));
    }
    defined_[value] = true;
    return absl::OkStatus();
  }

  absl::Status Use(int64_t value) const {
    if (value < 0 || value >= static_cast<int64_t>(defined_.size()) || !defined_[value]) {
      return absl::InvalidArgumentError(
          absl::StrCat("uses %", value, ", which nothing before it defines"));
    }
    return absl::OkStatus();
  }

  // Counts list elements and characters read. FlatBuffers may refer to one list many times; written
  // honestly, each takes a byte or more of its own, so that a small file cannot become a huge
  // graph.
  absl::Status Charge(size_t elements) {
    if (elements > budget_) {
      return absl::InvalidArgumentError("its parts overlap: they are larger than the whole");
    }
    budget_ -= elements;
    return absl::OkStatus();
  }

  absl::Status AddInput(const fbs::Input& input) {
    if (input.role() > static_cast<uint8_t>(InputRole::kConstant)) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown role ", static_cast<int>(input.role())));
    }
    INGOT_RETURN_IF_ERROR(Define(input.value()));
    InputSpec spec{static_cast<InputRole>(input.role()), input.index(), {}, "", input.value()};
    if (spec.role == InputRole::kConstant) {
      INGOT_ASSIGN_OR_RETURN(spec.digest, UnpackDigest(input.digest()));
    }
    graph_.mutable_inputs().push_back(std::move(spec));
    return absl::OkStatus();
  }

  absl::StatusOr<Argument> UnpackArgument(const fbs::Arg& arg) {
    INGOT_RETURN_IF_ERROR(Charge(size_t{SizeOf(arg.il())} + SizeOf(arg.dl()) +
                                 (arg.s() == nullptr ? 0 : arg.s()->size())));
    if (!IsAligned(arg.il()) || !IsAligned(arg.dl())) {
      return absl::InvalidArgumentError("a list is not aligned");
    }
    switch (arg.kind()) {
      case fbs::ArgKind::None:
        return Argument(None{});
      case fbs::ArgKind::Value:
        INGOT_RETURN_IF_ERROR(Use(arg.i()));
        return Argument(ValueRef{static_cast<ValueId>(arg.i())});
      case fbs::ArgKind::ValueList:
        return UnpackValueList(arg);
      case fbs::ArgKind::Bool:
        return Argument(arg.i() != 0);
      case fbs::ArgKind::Int:
        return Argument(arg.i());
      case fbs::ArgKind::Double:
        return Argument(arg.d());
      case fbs::ArgKind::Complex:
        return Argument(std::complex<double>(arg.d(), arg.d2()));
      case fbs::ArgKind::String:
        return Argument(arg.s() == nullptr ? std::string() : arg.s()->str());
      case fbs::ArgKind::IntList:
        return Argument(List<int64_t>(arg.il()));
      case fbs::ArgKind::DoubleList:
        return Argument(List<double>(arg.dl()));
      case fbs::ArgKind::BoolList:
        return Argument(List<bool>(arg.il()));
      case fbs::ArgKind::DType:
        if (arg.i() < 0 || arg.i() >= kNumDTypes) {
          return absl::InvalidArgumentError(absl::StrCat("unknown dtype code ", arg.i()));
        }
        return Argument(static_cast<DType>(arg.i()));
    }
    return absl::InvalidArgumentError(absl::StrCat("unknown kind ", static_cast<int>(arg.kind())));
  }

  absl::StatusOr<Argument> UnpackValueList(const fbs::Arg& arg) const {
    ValueRefList list;
    for (uint32_t i = 0; i < SizeOf(arg.il()); ++i) {
      const int64_t id = arg.il()->Get(i);
      if (id != static_cast<int64_t>(kNoValue)) INGOT_RETURN_IF_ERROR(Use(id));
      list.ids.push_back(static_cast<ValueId>(id));
    }
    return Argument(std::move(list));
  }

  template <typename T, typename Source>
  static std::vector<T> List(const flatbuffers::Vector<Source>* source) {
    if (source == nullptr) return {};
    return std::vector<T>(source->begin(), source->end());
  }

  absl::Status AddNode(const fbs::Node& source) {
    Node node;
    if (source.op() == nullptr || source.op()->size() == 0) {
      return absl::InvalidArgumentError("it has no op");
    }
    INGOT_RETURN_IF_ERROR(Charge(size_t{source.op()->size()} + SizeOf(source.outputs())));
    node.op = source.op()->str();
    for (uint32_t i = 0; i < SizeOf(source.args()); ++i) {
      INGOT_ASSIGN_OR_RETURN(Argument arg, UnpackArgument(*source.args()->Get(i)),
                             absl::StrCat(node.op, ": argument ", i));
      node.args.push_back(std::move(arg));
    }
    for (uint32_t i = 0; i < SizeOf(source.outputs()); ++i) {
      const ValueId id = source.outputs()->Get(i);
      if (id != kNoValue) INGOT_RETURN_IF_ERROR(Define(id), node.op);
      node.outputs.push_back(id);
    }
    graph_.mutable_nodes().push_back(std::move(node));
    return absl::OkStatus();
  }

  absl::Status AddOutput(const fbs::Output& output) {
    if (output.role() > static_cast<uint8_t>(OutputRole::kAlias)) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown role ", static_cast<int>(output.role())));
    }
    INGOT_RETURN_IF_ERROR(Use(output.value()));
    OutputSpec spec;
    spec.role = static_cast<OutputRole>(output.role());
    spec.index = output.index();
    INGOT_ASSIGN_OR_RETURN(spec.strides, UnpackDims(output.strides()));
    spec.alias_of = output.alias_of();
    spec.offset = output.offset();
    graph_.AddOutput(std::move(spec), output.value());
    return absl::OkStatus();
  }

  const fbs::Graph& source_;
  size_t budget_;
  Graph graph_;
  std::vector<bool> defined_;  // by value id
};

}  // namespace

std::string ToCanonicalBytes(const Graph& graph) {
  Graph copy = graph;
  Renumber(copy);
  return Pack(copy);
}

absl::StatusOr<Graph> FromCanonicalBytes(absl::string_view bytes) {
  constexpr size_t kAlignment = alignof(uint64_t);
  if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) {
    return absl::InvalidArgumentError("graph: too many bytes for a FlatBuffer");
  }
  std::unique_ptr<uint64_t[]> aligned;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment != 0) {
    aligned = std::make_unique<uint64_t[]>(bytes.size() / kAlignment + 1);
    std::memcpy(aligned.get(), bytes.data(), bytes.size());
    bytes = absl::string_view(reinterpret_cast<const char*>(aligned.get()), bytes.size());
  }
  flatbuffers::Verifier verifier = MakeVerifier(bytes);
  if (!fbs::VerifyGraphBuffer(verifier)) {
    return absl::InvalidArgumentError(
        absl::StrCat("graph: these ", bytes.size(),
                     " bytes are not a graph of graph.fbs (truncated or corrupt)"));
  }
  INGOT_ASSIGN_OR_RETURN(Graph graph, Unpacker(*fbs::GetGraph(bytes.data()), bytes.size()).Unpack(),
                         "graph");
  return graph;
}

Digest GraphDigest(const Graph& graph) { return Sha256(ToCanonicalBytes(graph)); }

}  // namespace ingot::ir
