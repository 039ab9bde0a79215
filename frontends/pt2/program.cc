#include "frontends/pt2/program.h"

#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::pt2 {
namespace {

template <typename... Parts>
absl::Status Bad(const std::string& path, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", parts...));
}

// A place in the tree. Its path is needed for messages only, and so put together when asked for: a
// place points to the one it was reached from, which outlives it, and to its own step from there.
class At {
 public:
  // Where a path begins.
  At(const Json& json, std::string path) : json_(&json), root_(std::move(path)) {}

  const Json& json() const { return *json_; }
  std::string path() const {
    if (parent_ == nullptr) return root_;
    std::string path = parent_->path();
    if (key_.data() == nullptr) return absl::StrCat(path, "[", index_, "]");
    return path.empty() ? std::string(key_) : absl::StrCat(path, ".", key_);
  }

  // `key` outlives the place.
  absl::StatusOr<At> Field(absl::string_view key) const {
    const Json* value = json_->Find(key);
    if (value == nullptr) return Bad(path(), "lacks \"", key, "\"");
    return At(*value, *this, key, 0);
  }
  template <typename T>
  absl::StatusOr<T> As(const char* what) const {
    const T* value = json_->As<T>();
    if (value == nullptr) return Bad(path(), "is ", json_->KindName(), ", not ", what);
    return *value;
  }
  absl::StatusOr<const Json::Array*> Array() const {
    const auto* array = json_->As<Json::Array>();
    if (array == nullptr) return Bad(path(), "is ", json_->KindName(), ", not a list");
    return array;
  }
  absl::StatusOr<const Json::Object*> Object() const {
    const auto* object = json_->As<Json::Object>();
    if (object == nullptr) return Bad(path(), "is ", json_->KindName(), ", not an object");
    return object;
  }
  At Element(size_t i) const {
    return At((*json_->As<Json::Array>())[i], *this, absl::string_view(), i);
  }
  // The one key of a tagged union.
  absl::StatusOr<std::pair<absl::string_view, At>> Union() const {
    INGOT_ASSIGN_OR_RETURN(const Json::Object* object, Object());
    if (object->size() != 1) return Bad(path(), "has ", object->size(), " fields, not one");
    const auto& [tag, value] = object->front();
    return std::make_pair(absl::string_view(tag), At(value, *this, tag, 0));
  }
  // Calls `read` on each element.
  template <typename T, typename Read>
  absl::StatusOr<std::vector<T>> List(Read read) const {
    INGOT_ASSIGN_OR_RETURN(const Json::Array* array, Array());
    std::vector<T> list;
    list.reserve(array->size());
    for (size_t i = 0; i < array->size(); ++i) {
      INGOT_ASSIGN_OR_RETURN(T element, read(Element(i)));
      list.push_back(std::move(element));
    }
    return list;
  }

 private:
  At(const Json& json, const At& parent, absl::string_view key, size_t index)
      : json_(&json), parent_(&parent), key_(key), index_(index) {}

  const Json* json_;
  const At* parent_ = nullptr;
  absl::string_view key_;  // without data: an element of a list
  size_t index_ = 0;
  std::string root_;
};

absl::StatusOr<int64_t> ReadInt(const At& at) { return at.As<int64_t>("a whole number"); }
absl::StatusOr<bool> ReadBool(const At& at) { return at.As<bool>("a bool"); }
absl::StatusOr<std::string> ReadString(const At& at) { return at.As<std::string>("a string"); }

// Infinities and NaN are written as strings, since JSON has none.
absl::StatusOr<double> ReadFloat(const At& at) {
  if (const auto* number = at.json().As<double>()) return *number;
  if (const auto* integer = at.json().As<int64_t>()) return static_cast<double>(*integer);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (const auto* text = at.json().As<std::string>()) {
    if (*text == "Infinity") return kInfinity;
    if (*text == "-Infinity") return -kInfinity;
    if (*text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  }
  return Bad(at.path(), "is no number");
}

absl::StatusOr<std::string> ReadName(const At& at) {
  INGOT_ASSIGN_OR_RETURN(const At name, at.Field("name"));
  return ReadString(name);
}

absl::StatusOr<std::string> ReadOptionalName(const At& at) {
  INGOT_ASSIGN_OR_RETURN((const auto [tag, value]), at.Union());
  if (tag == "as_none") return std::string();
  if (tag == "as_tensor") return ReadName(value);
  return Bad(value.path(), "is neither a tensor nor None");
}

absl::StatusOr<SymInt> ReadSymInt(const At& at) {
  INGOT_ASSIGN_OR_RETURN((const auto [tag, value]), at.Union());
  SymInt result;
  if (tag == "as_int") {
    INGOT_ASSIGN_OR_RETURN(result.value, ReadInt(value));
    return result;
  }
  if (tag != "as_expr") return Bad(value.path(), "is no size");
  INGOT_ASSIGN_OR_RETURN(const At text, value.Field("expr_str"));
  INGOT_ASSIGN_OR_RETURN(result.expression, ReadString(text));
  if (result.expression.empty()) return Bad(text.path(), "is empty");
  const Json* hint = value.json().Find("hint");
  const Json* number = hint == nullptr ? nullptr : hint->Find("as_int");
  if (number != nullptr && number->As<int64_t>() != nullptr) result.hint = *number->As<int64_t>();
  return result;
}

absl::StatusOr<SymArgument> ReadSymArgument(const At& at) {
  INGOT_ASSIGN_OR_RETURN((const auto [tag, value]), at.Union());
  SymArgument result;
  if (tag == "as_name") {
    INGOT_ASSIGN_OR_RETURN(result.name, ReadString(value));
    if (result.name.empty()) return Bad(value.path(), "is empty");
  } else if (tag == "as_int") {
    INGOT_ASSIGN_OR_RETURN(result.value, ReadInt(value));
  } else {
    return Bad(value.path(), "is neither a number nor a name");
  }
  return result;
}

// --- Arguments: one reader a tag ---

using Read = absl::StatusOr<GraphArgument> (*)(const At& at);

absl::StatusOr<GraphArgument> NoneOf(const At&) { return GraphArgument(NoneArgument()); }
template <typename T, absl::StatusOr<T> (*kRead)(const At&)>
absl::StatusOr<GraphArgument> One(const At& at) {
  INGOT_ASSIGN_OR_RETURN(T value, kRead(at));
  return GraphArgument(std::move(value));
}
template <typename T, absl::StatusOr<T> (*kRead)(const At&)>
absl::StatusOr<GraphArgument> Many(const At& at) {
  INGOT_ASSIGN_OR_RETURN(std::vector<T> values, at.List<T>(kRead));
  return GraphArgument(std::move(values));
}
absl::StatusOr<GraphArgument> TensorOf(const At& at) {
  INGOT_ASSIGN_OR_RETURN(std::string name, ReadName(at));
  return GraphArgument(TensorArgument{std::move(name)});
}
template <absl::StatusOr<std::string> (*kRead)(const At&)>
absl::StatusOr<GraphArgument> TensorsOf(const At& at) {
  INGOT_ASSIGN_OR_RETURN(std::vector<std::string> names, at.List<std::string>(kRead));
  return GraphArgument(TensorsArgument{std::move(names)});
}
absl::StatusOr<GraphArgument> OptionalTensorOf(const At& at) {
  INGOT_ASSIGN_OR_RETURN(std::string name, ReadOptionalName(at));
  if (name.empty()) return GraphArgument(NoneArgument());
  return GraphArgument(TensorArgument{std::move(name)});
}
absl::StatusOr<GraphArgument> SymIntOf(const At& at) {
  INGOT_ASSIGN_OR_RETURN(SymArgument value, ReadSymArgument(at));
  if (value.name.empty()) return GraphArgument(value.value);
  return GraphArgument(NameArgument{std::move(value.name)});
}
// as_sym_float and as_sym_bool: a literal, or the name of what a node computes.
absl::StatusOr<GraphArgument> SymOtherOf(const At& at) {
  INGOT_ASSIGN_OR_RETURN((const auto [tag, value]), at.Union());
  if (tag == "as_float") return One<double, ReadFloat>(value);
  if (tag == "as_bool") return One<bool, ReadBool>(value);
  if (tag != "as_name") return Bad(value.path(), "is neither a number nor a name");
  INGOT_ASSIGN_OR_RETURN(std::string name, ReadString(value));
  return GraphArgument(NameArgument{std::move(name)});
}
absl::StatusOr<GraphArgument> DTypeOf(const At& at) {
  INGOT_ASSIGN_OR_RETURN(const int64_t code, ReadInt(at));
  return GraphArgument(DTypeArgument{code});
}
absl::StatusOr<GraphArgument> MemoryFormatOf(const At& at) {
  INGOT_ASSIGN_OR_RETURN(const int64_t code, ReadInt(at));
  return GraphArgument(MemoryFormatArgument{code});
}
constexpr int64_t kStridedLayout = 7;
absl::StatusOr<GraphArgument> LayoutOf(const At& at) {
  INGOT_ASSIGN_OR_RETURN(const int64_t code, ReadInt(at));
  return GraphArgument(
      PlacementArgument{code == kStridedLayout || code == 0, absl::StrCat("layout ", code)});
}
absl::StatusOr<GraphArgument> DeviceOf(const At& at) {
  INGOT_ASSIGN_OR_RETURN(const At type, at.Field("type"));
  INGOT_ASSIGN_OR_RETURN(std::string name, ReadString(type));
  const bool usable = name == "cpu" || name == "meta";
  return GraphArgument(PlacementArgument{usable, absl::StrCat("device ", name)});
}
absl::StatusOr<GraphArgument> ComplexOf(const At& at) {
  INGOT_ASSIGN_OR_RETURN(const At real_at, at.Field("real"));
  INGOT_ASSIGN_OR_RETURN(const At imag_at, at.Field("imag"));
  INGOT_ASSIGN_OR_RETURN(const double real, ReadFloat(real_at));
  INGOT_ASSIGN_OR_RETURN(const double imag, ReadFloat(imag_at));
  return GraphArgument(std::complex<double>(real, imag));
}

struct Tag {
  absl::string_view name;
  Read read;
};
constexpr Tag kTags[] = {
    {"as_none", NoneOf},
    {"as_tensor", TensorOf},
    {"as_tensors", TensorsOf<ReadName>},
    {"as_optional_tensors", TensorsOf<ReadOptionalName>},
    {"as_optional_tensor", OptionalTensorOf},
    {"as_int", One<int64_t, ReadInt>},
    {"as_ints", Many<int64_t, ReadInt>},
    {"as_float", One<double, ReadFloat>},
    {"as_floats", Many<double, ReadFloat>},
    {"as_string", One<std::string, ReadString>},
    {"as_bool", One<bool, ReadBool>},
    {"as_bools", Many<bool, ReadBool>},
    {"as_sym_int", SymIntOf},
    {"as_sym_ints", Many<SymArgument, ReadSymArgument>},
    {"as_sym_float", SymOtherOf},
    {"as_sym_bool", SymOtherOf},
    {"as_scalar_type", DTypeOf},
    {"as_memory_format", MemoryFormatOf},
    {"as_layout", LayoutOf},
    {"as_device", DeviceOf},
    {"as_complex", ComplexOf},
};

absl::StatusOr<GraphArgument> ReadArgument(const At& at) {
  INGOT_ASSIGN_OR_RETURN((const auto [tag, value]), at.Union());
  for (const Tag& entry : kTags) {
    if (entry.name == tag) return entry.read(value);
  }
  return GraphArgument(OtherArgument{std::string(tag)});
}

// --- Nodes ---

// The innermost line of `File "a/b.py", line 12, in forward` as "b.py:12".
std::string SourceOf(const std::string& stack_trace) {
  const size_t at = stack_trace.rfind("File \"");
  if (at == std::string::npos) return "";
  const size_t begin = at + 6, end = stack_trace.find('"', begin);
  constexpr absl::string_view kLine = "\", line ";
  if (end == std::string::npos ||
      !absl::StartsWith(absl::string_view(stack_trace).substr(end), kLine))
    return "";
  const size_t slash = stack_trace.rfind('/', end);
  const size_t file = slash == std::string::npos || slash < begin ? begin : slash + 1;
  const size_t line = end + kLine.size();
  size_t line_end = line;
  while (line_end < stack_trace.size() && absl::ascii_isdigit(stack_trace[line_end])) ++line_end;
  return absl::StrCat(stack_trace.substr(file, end - file), ":",
                      stack_trace.substr(line, line_end - line));
}

absl::StatusOr<NamedArgument> ReadInput(const At& at) {
  NamedArgument input;
  INGOT_ASSIGN_OR_RETURN(input.name, ReadName(at));
  INGOT_ASSIGN_OR_RETURN(const At argument, at.Field("arg"));
  INGOT_ASSIGN_OR_RETURN(input.value, ReadArgument(argument));
  constexpr int64_t kKeyword = 2;
  if (const Json* kind = at.json().Find("kind"); kind != nullptr && kind->As<int64_t>() != nullptr)
    input.positional = *kind->As<int64_t>() != kKeyword;
  return input;
}

absl::StatusOr<GraphNode> ReadNode(const At& at) {
  GraphNode node;
  INGOT_ASSIGN_OR_RETURN(const At target, at.Field("target"));
  INGOT_ASSIGN_OR_RETURN(node.target, ReadString(target));
  INGOT_ASSIGN_OR_RETURN(const At inputs, at.Field("inputs"));
  INGOT_ASSIGN_OR_RETURN(node.inputs, inputs.List<NamedArgument>(ReadInput));
  INGOT_ASSIGN_OR_RETURN(const At outputs, at.Field("outputs"));
  INGOT_ASSIGN_OR_RETURN(node.outputs, outputs.List<GraphArgument>(ReadArgument));
  if (const Json* metadata = at.json().Find("metadata"); metadata != nullptr) {
    const Json* trace = metadata->Find("stack_trace");
    if (trace != nullptr && trace->As<std::string>() != nullptr)
      node.source = SourceOf(*trace->As<std::string>());
  }
  return node;
}

// --- The signature ---

struct InputTag {
  absl::string_view name;
  InputKind kind;
  absl::string_view fqn;  // the field with the FQN
};
constexpr InputTag kInputTags[] = {
    {"parameter", InputKind::kParameter, "parameter_name"},
    {"buffer", InputKind::kBuffer, "buffer_name"},
    {"tensor_constant", InputKind::kTensorConstant, "tensor_constant_name"},
};

absl::StatusOr<ProgramInput> ReadInputSpec(const At& at) {
  INGOT_ASSIGN_OR_RETURN((const auto [tag, spec]), at.Union());
  ProgramInput input;
  if (tag == "user_input") {
    INGOT_ASSIGN_OR_RETURN(const At argument, spec.Field("arg"));
    INGOT_ASSIGN_OR_RETURN(input.value, ReadArgument(argument));
    return input;
  }
  if (tag == "constant_input") {
    input.kind = InputKind::kNumber;
    INGOT_ASSIGN_OR_RETURN(const At value, spec.Field("value"));
    INGOT_ASSIGN_OR_RETURN(input.value, ReadArgument(value));
    return input;
  }
  for (const InputTag& entry : kInputTags) {
    if (entry.name != tag) continue;
    input.kind = entry.kind;
    INGOT_ASSIGN_OR_RETURN(const At argument, spec.Field("arg"));
    INGOT_ASSIGN_OR_RETURN(input.value, TensorOf(argument));
    INGOT_ASSIGN_OR_RETURN(const At fqn, spec.Field(entry.fqn));
    INGOT_ASSIGN_OR_RETURN(input.fqn, ReadString(fqn));
    return input;
  }
  input.kind = InputKind::kOther;
  input.fqn = std::string(tag);
  return input;
}

struct OutputTag {
  absl::string_view name;
  OutputKind kind;
  absl::string_view target;
};
constexpr OutputTag kOutputTags[] = {
    {"buffer_mutation", OutputKind::kBufferMutation, "buffer_name"},
    {"parameter_mutation", OutputKind::kBufferMutation, "parameter_name"},
    {"user_input_mutation", OutputKind::kInputMutation, "user_input_name"},
};

absl::StatusOr<ProgramOutput> ReadOutputSpec(const At& at) {
  INGOT_ASSIGN_OR_RETURN((const auto [tag, spec]), at.Union());
  ProgramOutput output;
  if (tag == "user_output") {
    INGOT_ASSIGN_OR_RETURN(const At argument, spec.Field("arg"));
    INGOT_ASSIGN_OR_RETURN(output.value, ReadArgument(argument));
    return output;
  }
  for (const OutputTag& entry : kOutputTags) {
    if (entry.name != tag) continue;
    output.kind = entry.kind;
    INGOT_ASSIGN_OR_RETURN(const At argument, spec.Field("arg"));
    INGOT_ASSIGN_OR_RETURN(output.value, TensorOf(argument));
    INGOT_ASSIGN_OR_RETURN(const At target, spec.Field(entry.target));
    INGOT_ASSIGN_OR_RETURN(output.target, ReadString(target));
    return output;
  }
  output.kind = OutputKind::kOther;
  output.target = std::string(tag);
  return output;
}

// --- The whole ---

absl::Status CheckVersion(const At& root) {
  INGOT_ASSIGN_OR_RETURN(const At version, root.Field("schema_version"));
  INGOT_ASSIGN_OR_RETURN(const At major_at, version.Field("major"));
  INGOT_ASSIGN_OR_RETURN(const At minor_at, version.Field("minor"));
  INGOT_ASSIGN_OR_RETURN(const int64_t major, ReadInt(major_at));
  INGOT_ASSIGN_OR_RETURN(const int64_t minor, ReadInt(minor_at));
  if (major == kSchemaMajor) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the file's schema version is ", major, ".", minor, "; this build reads ", kSchemaMajor,
      ".x: export the model with a PyTorch ",
      major > kSchemaMajor ? "that writes it, or use a newer ingot" : "of 2.8 or later"));
}

absl::Status ReadGraph(const At& graph, Program& program) {
  INGOT_ASSIGN_OR_RETURN(const At nodes, graph.Field("nodes"));
  INGOT_ASSIGN_OR_RETURN(program.nodes, nodes.List<GraphNode>(ReadNode));
  INGOT_ASSIGN_OR_RETURN(const At tensors, graph.Field("tensor_values"));
  INGOT_ASSIGN_OR_RETURN(const Json::Object* metas, tensors.Object());
  for (const auto& [name, meta] : *metas) {
    INGOT_ASSIGN_OR_RETURN(program.tensors[name],
                           ParseTensorMeta(meta, absl::StrCat(tensors.path(), ".", name)));
  }
  INGOT_ASSIGN_OR_RETURN(const At sym_ints, graph.Field("sym_int_values"));
  INGOT_ASSIGN_OR_RETURN(const Json::Object* values, sym_ints.Object());
  for (const auto& [name, value] : *values) {
    INGOT_ASSIGN_OR_RETURN(program.sym_ints[name],
                           ReadSymInt(At(value, absl::StrCat(sym_ints.path(), ".", name))));
  }
  return absl::OkStatus();
}

absl::Status ReadCallSpecs(const At& module, Program& program) {
  INGOT_ASSIGN_OR_RETURN(const At calls, module.Field("module_call_graph"));
  INGOT_ASSIGN_OR_RETURN(const Json::Array* entries, calls.Array());
  for (size_t i = 0; i < entries->size(); ++i) {
    const At entry = calls.Element(i);
    const Json* fqn = entry.json().Find("fqn");
    if (fqn == nullptr || fqn->As<std::string>() == nullptr || !fqn->As<std::string>()->empty())
      continue;
    INGOT_ASSIGN_OR_RETURN(const At signature, entry.Field("signature"));
    INGOT_ASSIGN_OR_RETURN(const At in_spec, signature.Field("in_spec"));
    INGOT_ASSIGN_OR_RETURN(program.in_spec, ReadString(in_spec));
    INGOT_ASSIGN_OR_RETURN(const At out_spec, signature.Field("out_spec"));
    INGOT_ASSIGN_OR_RETURN(program.out_spec, ReadString(out_spec));
    const Json* names = signature.json().Find("forward_arg_names");
    if (names == nullptr || names->IsNull()) return absl::OkStatus();
    INGOT_ASSIGN_OR_RETURN(
        program.argument_names,
        At(*names, signature.path() + ".forward_arg_names").List<std::string>(ReadString));
    return absl::OkStatus();
  }
  return Bad(calls.path(), "has no entry of the whole module");
}

absl::Status ReadRanges(const At& root, Program& program) {
  INGOT_ASSIGN_OR_RETURN(const At ranges, root.Field("range_constraints"));
  INGOT_ASSIGN_OR_RETURN(const Json::Object* entries, ranges.Object());
  for (const auto& [symbol, json] : *entries) {
    Range& range = program.ranges[symbol];
    for (const auto& [key, bound] :
         {std::make_pair("min_val", &range.min), std::make_pair("max_val", &range.max)}) {
      const Json* value = json.Find(key);
      if (value == nullptr || value->As<int64_t>() == nullptr) continue;
      *bound = *value->As<int64_t>();
    }
  }
  return absl::OkStatus();
}

struct DTypeCode {
  int64_t code;
  const char* name;
  std::optional<ir::DType> dtype;
};
const DTypeCode kDTypeCodes[] = {
    {1, "uint8", ir::DType::kUInt8},
    {2, "int8", ir::DType::kInt8},
    {3, "int16", ir::DType::kInt16},
    {4, "int32", ir::DType::kInt32},
    {5, "int64", ir::DType::kInt64},
    {6, "float16", ir::DType::kFloat16},
    {7, "float32", ir::DType::kFloat32},
    {8, "float64", ir::DType::kFloat64},
    {9, "complex32", std::nullopt},
    {10, "complex64", ir::DType::kComplex64},
    {11, "complex128", ir::DType::kComplex128},
    {12, "bool", ir::DType::kBool},
    {13, "bfloat16", ir::DType::kBFloat16},
    {28, "uint16", std::nullopt},
    {29, "float8_e4m3fn", std::nullopt},
    {30, "float8_e5m2", std::nullopt},
    {31, "float8_e4m3fnuz", std::nullopt},
    {32, "float8_e5m2fnuz", std::nullopt},
    {33, "float8_e8m0fnu", std::nullopt},
    {34, "uint32", std::nullopt},
    {35, "uint64", std::nullopt},
};

}  // namespace

std::optional<ir::DType> DTypeOfCode(int64_t code) {
  for (const DTypeCode& entry : kDTypeCodes) {
    if (entry.code == code) return entry.dtype;
  }
  return std::nullopt;
}

std::string DTypeCodeName(int64_t code) {
  for (const DTypeCode& entry : kDTypeCodes) {
    if (entry.code == code) return entry.name;
  }
  return absl::StrCat("dtype ", code);
}

absl::StatusOr<TensorMeta> ParseTensorMeta(const Json& json, const std::string& path) {
  const At at(json, path);
  TensorMeta meta;
  INGOT_ASSIGN_OR_RETURN(const At dtype, at.Field("dtype"));
  INGOT_ASSIGN_OR_RETURN(meta.dtype_code, ReadInt(dtype));
  INGOT_ASSIGN_OR_RETURN(const At sizes, at.Field("sizes"));
  INGOT_ASSIGN_OR_RETURN(meta.sizes, sizes.List<SymInt>(ReadSymInt));
  INGOT_ASSIGN_OR_RETURN(const At strides, at.Field("strides"));
  INGOT_ASSIGN_OR_RETURN(meta.strides, strides.List<SymInt>(ReadSymInt));
  if (meta.strides.size() != meta.sizes.size()) {
    return Bad(path, "has ", meta.sizes.size(), " sizes but ", meta.strides.size(), " strides");
  }
  INGOT_ASSIGN_OR_RETURN(const At offset, at.Field("storage_offset"));
  INGOT_ASSIGN_OR_RETURN(meta.offset, ReadSymInt(offset));
  if (const Json* layout = json.Find("layout"); layout != nullptr) {
    const int64_t* code = layout->As<int64_t>();
    meta.strided = code != nullptr && *code == kStridedLayout;
  }
  INGOT_ASSIGN_OR_RETURN(const At device, at.Field("device"));
  INGOT_ASSIGN_OR_RETURN(const GraphArgument placement, DeviceOf(device));
  meta.cpu = std::get<PlacementArgument>(placement).usable;
  return meta;
}

absl::StatusOr<Program> ParseProgram(absl::string_view text) {
  INGOT_ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  const At root(json, "");
  INGOT_RETURN_IF_ERROR(CheckVersion(root));
  Program program;
  INGOT_ASSIGN_OR_RETURN(const At module, root.Field("graph_module"));
  INGOT_ASSIGN_OR_RETURN(const At graph, module.Field("graph"));
  INGOT_RETURN_IF_ERROR(ReadGraph(graph, program));
  INGOT_ASSIGN_OR_RETURN(const At signature, module.Field("signature"));
  INGOT_ASSIGN_OR_RETURN(const At inputs, signature.Field("input_specs"));
  INGOT_ASSIGN_OR_RETURN(program.inputs, inputs.List<ProgramInput>(ReadInputSpec));
  INGOT_ASSIGN_OR_RETURN(const At outputs, signature.Field("output_specs"));
  INGOT_ASSIGN_OR_RETURN(program.outputs, outputs.List<ProgramOutput>(ReadOutputSpec));
  INGOT_RETURN_IF_ERROR(ReadCallSpecs(module, program));
  INGOT_RETURN_IF_ERROR(ReadRanges(root, program));
  if (const Json* version = json.Find("torch_version");
      version != nullptr && version->As<std::string>() != nullptr) {
    program.torch_version = *version->As<std::string>();
  }
  return program;
}

}  // namespace ingot::pt2
