#include "core/artifact/header.h"

#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/artifact/artifact_generated.h"
#include "core/base/status_macros.h"
#include "core/base/version.h"
#include "core/ir/fbs_convert.h"
#include "core/ir/recording_verifier.h"
#include "core/ir/serialize.h"

namespace ingot::artifact {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

constexpr uint32_t kHeaderVersion = 1;

template <typename... Parts>
absl::Status Bad(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

template <typename T>
uint32_t SizeOf(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr ? 0 : vector->size();
}

// The debug name of the input of this role and index.
std::string InputName(const ir::Graph& graph, ir::InputRole role, size_t index) {
  for (const ir::InputSpec& input : graph.inputs()) {
    if (input.role == role && input.index == index) return input.name;
  }
  return "";
}

class Packer {
 public:
  Packer(const ir::Recording& recording, const Options& options,
         const std::vector<uint64_t>& offsets)
      : recording_(recording), options_(options), offsets_(offsets), builder_(4096) {}

  std::string Pack() && {
    const ir::Graph& graph = recording_.graph;
    const std::string graph_bytes = ir::ToCanonicalBytes(graph);
    builder_.ForceVectorAlignment(graph_bytes.size(), sizeof(uint8_t), 8);
    const auto packed_graph = builder_.CreateVector(
        reinterpret_cast<const uint8_t*>(graph_bytes.data()), graph_bytes.size());
    const auto producer = builder_.CreateString(absl::StrCat("ingot ", kVersion));
    const auto name = builder_.CreateString(graph.name());
    const auto input_names = PackInputNames();
    const auto node_sources = PackNodeSources();
    const auto constants = PackWeights(recording_.constants, ir::InputRole::kConstant, 0);
    const auto states =
        PackWeights(recording_.initial_state, ir::InputRole::kState, recording_.constants.size());
    const auto scalars = PackScalars();
    const auto arguments = PackArguments();
    std::vector<uint32_t> first_aliases;
    std::vector<int64_t> offsets;
    for (const ir::Alias& alias : recording_.signature.aliases) {
      first_aliases.push_back(alias.argument);
      offsets.push_back(alias.offset);
    }
    const auto alias_class = builder_.CreateVector(first_aliases);
    const auto alias_offset = builder_.CreateVector(offsets);
    const auto structure = ir::PackStructure(builder_, recording_.signature.arguments_structure);
    const auto options = PackOptions();
    builder_.Finish(fbs::CreateArtifact(builder_, kHeaderVersion, producer, packed_graph, name,
                                        input_names, node_sources, constants, states, scalars,
                                        arguments, alias_class, structure, options, alias_offset),
                    fbs::ArtifactIdentifier());
    return std::string(reinterpret_cast<const char*>(builder_.GetBufferPointer()),
                       builder_.GetSize());
  }

 private:
  Offset<flatbuffers::Vector<Offset<flatbuffers::String>>> PackInputNames() {
    std::vector<std::string> names;
    for (const ir::InputSpec& input : recording_.graph.inputs()) names.push_back(input.name);
    return builder_.CreateVectorOfStrings(names);
  }

  Offset<flatbuffers::Vector<Offset<flatbuffers::String>>> PackNodeSources() {
    std::vector<Offset<flatbuffers::String>> sources;
    // Many nodes share a source line.
    for (const ir::Node& node : recording_.graph.nodes()) {
      sources.push_back(builder_.CreateSharedString(node.source));
    }
    return builder_.CreateVector(sources);
  }

  Offset<flatbuffers::Vector<Offset<fbs::ConstantEntry>>> PackWeights(
      const std::vector<ir::Constant>& weights, ir::InputRole role, size_t first) {
    std::vector<Offset<fbs::ConstantEntry>> entries;
    for (size_t i = 0; i < weights.size(); ++i) {
      const auto digest = ir::PackDigest(builder_, weights[i].digest);
      const auto type = ir::PackType(builder_, weights[i].type);
      const auto name = builder_.CreateString(InputName(recording_.graph, role, i));
      entries.push_back(fbs::CreateConstantEntry(
          builder_, digest, type, name, offsets_.empty() ? 0 : offsets_[first + i],
          static_cast<uint64_t>(weights[i].type.NumBytes())));
    }
    return builder_.CreateVector(entries);
  }

  Offset<flatbuffers::Vector<Offset<fbs::ScalarBinding>>> PackScalars() {
    std::vector<Offset<fbs::ScalarBinding>> scalars;
    for (const ir::ScalarBinding& binding : recording_.scalars) {
      const ir::Scalar& literal = binding.literal;
      int64_t i = 0;
      std::complex<double> d = 0;
      if (const bool* value = std::get_if<bool>(&literal)) i = *value;
      if (const int64_t* value = std::get_if<int64_t>(&literal)) i = *value;
      if (const double* value = std::get_if<double>(&literal)) d = *value;
      if (const auto* value = std::get_if<std::complex<double>>(&literal)) d = *value;
      const ir::ForceDefaultsFor guard(builder_, d.real(), d.imag());
      scalars.push_back(fbs::CreateScalarBinding(builder_, binding.is_argument, binding.argument,
                                                 static_cast<uint8_t>(literal.index()), i, d.real(),
                                                 d.imag()));
    }
    return builder_.CreateVector(scalars);
  }

  Offset<flatbuffers::Vector<Offset<fbs::ArgumentSpec>>> PackArguments() {
    std::vector<Offset<fbs::ArgumentSpec>> arguments;
    for (const ir::ArgumentSpec& spec : recording_.signature.arguments) {
      const auto type = ir::PackType(builder_, spec.type);
      const auto strides = builder_.CreateVector(spec.strides.data(), spec.strides.size());
      arguments.push_back(fbs::CreateArgumentSpec(builder_, type, strides));
    }
    return builder_.CreateVector(arguments);
  }

  Offset<flatbuffers::Vector<Offset<fbs::Option>>> PackOptions() {
    std::vector<Offset<fbs::Option>> options;
    for (const auto& [name, value] : options_) {
      const auto packed_name = builder_.CreateString(name);
      const auto packed_value = builder_.CreateString(value);
      options.push_back(fbs::CreateOption(builder_, packed_name, packed_value));
    }
    return builder_.CreateVector(options);
  }

  const ir::Recording& recording_;
  const Options& options_;
  const std::vector<uint64_t>& offsets_;
  FlatBufferBuilder builder_;
};

class Unpacker {
 public:
  Unpacker(const fbs::Artifact& source, FindWeight find) : source_(source), find_(find) {}

  absl::StatusOr<Artifact> Unpack() && {
    if (source_.format_version() != kHeaderVersion) {
      return Bad("header of version ", source_.format_version(), "; this build reads version ",
                 kHeaderVersion);
    }
    INGOT_ASSIGN_OR_RETURN(artifact_.producer, TakeText(source_.producer()));
    INGOT_RETURN_IF_ERROR(UnpackGraph());
    INGOT_RETURN_IF_ERROR(UnpackWeights());
    INGOT_RETURN_IF_ERROR(UnpackScalars());
    INGOT_RETURN_IF_ERROR(UnpackSignature());
    INGOT_RETURN_IF_ERROR(UnpackOptions());
    INGOT_RETURN_IF_ERROR(ir::VerifyRecording(artifact_.recording));
    return std::move(artifact_);
  }

 private:
  absl::Status UnpackGraph() {
    if (source_.graph() == nullptr) return Bad("it has no graph");
    INGOT_ASSIGN_OR_RETURN(
        artifact_.recording.graph,
        ir::FromCanonicalBytes(absl::string_view(
            reinterpret_cast<const char*>(source_.graph()->data()), source_.graph()->size())));
    ir::Graph& graph = artifact_.recording.graph;
    INGOT_ASSIGN_OR_RETURN(std::string name, TakeText(source_.graph_name()));
    graph.set_name(std::move(name));
    std::vector<ir::InputSpec>& inputs = graph.mutable_inputs();
    std::vector<ir::Node>& nodes = graph.mutable_nodes();
    if (SizeOf(source_.input_names()) != inputs.size()) {
      return Bad(SizeOf(source_.input_names()), " names for ", inputs.size(), " inputs");
    }
    if (SizeOf(source_.node_sources()) != nodes.size()) {
      return Bad(SizeOf(source_.node_sources()), " source positions for ", nodes.size(), " nodes");
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      INGOT_ASSIGN_OR_RETURN(inputs[i].name, TakeText(source_.input_names()->Get(i)));
    }
    for (size_t i = 0; i < nodes.size(); ++i) {
      INGOT_ASSIGN_OR_RETURN(nodes[i].source, TakeText(source_.node_sources()->Get(i)));
    }
    return absl::OkStatus();
  }

  // Strings may be shared, as source positions are: a small file must not unfold into a huge
  // recording.
  absl::StatusOr<std::string> TakeText(const flatbuffers::String* text) {
    if (text == nullptr) return std::string();
    if (text->size() > text_bytes_left_) return Bad("more than 256 MiB of text");
    text_bytes_left_ -= text->size();
    return text->str();
  }

  absl::Status UnpackWeights() {
    ir::Recording& recording = artifact_.recording;
    for (uint32_t i = 0; i < SizeOf(source_.constants()); ++i) {
      INGOT_ASSIGN_OR_RETURN(ir::Constant weight,
                             UnpackWeight("constant", i, *source_.constants()->Get(i), i));
      recording.constants.push_back(std::move(weight));
    }
    const size_t first = recording.constants.size();
    for (uint32_t i = 0; i < SizeOf(source_.initial_state()); ++i) {
      INGOT_ASSIGN_OR_RETURN(ir::Constant weight,
                             UnpackWeight("state", i, *source_.initial_state()->Get(i), first + i));
      recording.initial_state.push_back(std::move(weight));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<ir::Constant> UnpackWeight(absl::string_view kind, uint32_t number,
                                            const fbs::ConstantEntry& source, size_t index) {
    ir::Constant weight;
    WeightEntry entry;
    entry.constant = &weight;
    entry.name = absl::StrCat(kind, " ", number);
    INGOT_ASSIGN_OR_RETURN(const std::string name, TakeText(source.name()));
    if (!name.empty()) absl::StrAppend(&entry.name, " \"", name, "\"");
    entry.offset = source.offset();
    entry.size = source.size();
    INGOT_ASSIGN_OR_RETURN(weight.digest, ir::UnpackDigest(source.digest()), entry.name);
    INGOT_ASSIGN_OR_RETURN(weight.type, ir::UnpackType(source.type()), entry.name);
    INGOT_RETURN_IF_ERROR(CheckSize(weight.type, entry.size), entry.name);
    INGOT_ASSIGN_OR_RETURN(WeightBytes bytes, find_(index, entry), entry.name);
    weight.data = bytes.data;
    weight.owner = std::move(bytes.owner);
    weight.file = bytes.file;
    return weight;
  }

  static absl::Status CheckSize(const ir::TensorType& type, uint64_t size) {
    uint64_t needs = ir::ElementSize(type.dtype);
    for (int64_t dim : type.dims) {
      if (dim < 0 || __builtin_mul_overflow(needs, static_cast<uint64_t>(dim), &needs)) {
        return Bad("its type ", ir::ToString(type), " has no size");
      }
    }
    if (needs == size) return absl::OkStatus();
    return Bad(size, " bytes for the type ", ir::ToString(type), ", which needs ", needs);
  }

  absl::Status UnpackScalars() {
    for (uint32_t i = 0; i < SizeOf(source_.scalars()); ++i) {
      const fbs::ScalarBinding& source = *source_.scalars()->Get(i);
      ir::ScalarBinding binding;
      binding.is_argument = source.is_argument();
      binding.argument = source.argument();
      const ir::Scalar literals[] = {source.i() != 0, source.i(), source.d(),
                                     std::complex<double>(source.d(), source.d2())};
      if (source.kind() >= std::size(literals)) {
        return Bad("scalar ", i, ": unknown kind ", static_cast<int>(source.kind()));
      }
      binding.literal = literals[source.kind()];
      artifact_.recording.scalars.push_back(std::move(binding));
    }
    return absl::OkStatus();
  }

  absl::Status UnpackSignature() {
    ir::Signature& signature = artifact_.recording.signature;
    for (uint32_t i = 0; i < SizeOf(source_.arguments()); ++i) {
      const fbs::ArgumentSpec& source = *source_.arguments()->Get(i);
      ir::ArgumentSpec spec;
      INGOT_ASSIGN_OR_RETURN(spec.type, ir::UnpackType(source.type()),
                             absl::StrCat("argument ", i));
      INGOT_ASSIGN_OR_RETURN(spec.strides, ir::UnpackDims(source.strides()),
                             absl::StrCat("argument ", i));
      signature.arguments.push_back(std::move(spec));
    }
    for (uint32_t i = 0; i < SizeOf(source_.alias_class()); ++i) {
      signature.aliases.push_back({source_.alias_class()->Get(i), 0});
    }
    if (SizeOf(source_.alias_offset()) != SizeOf(source_.alias_class())) {
      return Bad("there are ", SizeOf(source_.alias_class()), " aliases and ",
                 SizeOf(source_.alias_offset()), " alias offsets");
    }
    if (!ir::IsAligned(source_.alias_offset())) return Bad("the alias offsets are not aligned");
    for (uint32_t i = 0; i < SizeOf(source_.alias_offset()); ++i) {
      signature.aliases[i].offset = source_.alias_offset()->Get(i);
    }
    INGOT_ASSIGN_OR_RETURN(signature.arguments_structure,
                           ir::UnpackStructure(source_.arguments_structure()), "arguments");
    return absl::OkStatus();
  }

  absl::Status UnpackOptions() {
    for (uint32_t i = 0; i < SizeOf(source_.options()); ++i) {
      const fbs::Option& option = *source_.options()->Get(i);
      INGOT_ASSIGN_OR_RETURN(const std::string name, TakeText(option.name()));
      INGOT_ASSIGN_OR_RETURN(std::string value, TakeText(option.value()));
      if (!artifact_.options.emplace(name, std::move(value)).second) {
        return Bad("the option ", name, " is given twice");
      }
    }
    return absl::OkStatus();
  }

  const fbs::Artifact& source_;
  const FindWeight find_;
  size_t text_bytes_left_ = size_t{1} << 28;
  Artifact artifact_;
};

}  // namespace

std::string PackHeader(const ir::Recording& recording, const Options& options,
                       const std::vector<uint64_t>& offsets) {
  return Packer(recording, options, offsets).Pack();
}

absl::StatusOr<Artifact> UnpackHeader(absl::string_view bytes, FindWeight find) {
  constexpr size_t kAlignment = alignof(uint64_t);
  if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) return Bad("header: too many bytes");
  std::unique_ptr<uint64_t[]> aligned;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment != 0) {
    aligned = std::make_unique<uint64_t[]>(bytes.size() / kAlignment + 1);
    std::memcpy(aligned.get(), bytes.data(), bytes.size());
    bytes = absl::string_view(reinterpret_cast<const char*>(aligned.get()), bytes.size());
  }
  flatbuffers::Verifier verifier = ir::MakeVerifier(bytes);
  if (!fbs::VerifyArtifactBuffer(verifier)) {
    return Bad("header: these ", bytes.size(), " bytes are not a header of artifact.fbs");
  }
  INGOT_ASSIGN_OR_RETURN(Artifact artifact,
                         Unpacker(*fbs::GetArtifact(bytes.data()), find).Unpack(), "header");
  return artifact;
}

}  // namespace ingot::artifact
