#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/ir/text.h"
#include "core/ir/text_scanner.h"

namespace ingot::ir {
namespace {

using Kind = Structure::Kind;

class Parser {
 public:
  explicit Parser(absl::string_view text) : scan_(text) {}

  absl::StatusOr<Graph> Parse() && {
    INGOT_RETURN_IF_ERROR(scan_.ExpectWord("graph"));
    INGOT_ASSIGN_OR_RETURN(std::string name, scan_.Quoted());
    graph_.set_name(std::move(name));
    INGOT_RETURN_IF_ERROR(scan_.Expect('{'));
    while (!scan_.Accept('}')) INGOT_RETURN_IF_ERROR(Statement());
    if (!scan_.AtEnd()) return scan_.Error("text after the graph's end");
    return std::move(graph_);
  }

 private:
  // What stands left of `=`: names as written (absent: `_`) and their types.
  struct Definition {
    std::vector<std::string> names;  // "" for `_`
    std::vector<TensorType> types;
  };

  absl::Status Statement() {
    const char c = scan_.Peek();
    if (c == '%' || c == '_' || c == '=') return DefinitionStatement();
    if (scan_.AcceptWord("returns")) {
      INGOT_ASSIGN_OR_RETURN(Structure structure, ParseStructure(0));
      graph_.set_result_structure(std::move(structure));
      return absl::OkStatus();
    }
    return OutputStatement();
  }

  absl::Status DefinitionStatement() {
    INGOT_ASSIGN_OR_RETURN(Definition definition, ParseDefinition());
    INGOT_RETURN_IF_ERROR(scan_.Expect('='));
    const absl::string_view word = scan_.PeekWord();
    if (word.empty()) return scan_.Error("expected an op or the role of an input");
    static constexpr std::pair<absl::string_view, InputRole> kRoles[] = {
        {"argument", InputRole::kArgument}, {"scalar", InputRole::kScalar},
        {"state", InputRole::kState},       {"seed", InputRole::kSeed},
        {"constant", InputRole::kConstant},
    };
    for (const auto& [name, role] : kRoles) {
      if (word == name) return InputStatement(role, std::move(definition));
    }
    return NodeStatement(std::move(definition));
  }

  absl::StatusOr<Definition> ParseDefinition() {
    Definition definition;
    if (scan_.Peek() == '=') return definition;
    do {
      INGOT_ASSIGN_OR_RETURN(std::string name, ValueName());
      definition.names.push_back(std::move(name));
    } while (scan_.Accept(','));
    INGOT_RETURN_IF_ERROR(scan_.Expect(':'));
    for (size_t i = 0; i < definition.names.size(); ++i) {
      if (i > 0) INGOT_RETURN_IF_ERROR(scan_.Expect(','));
      TensorType type;
      if (definition.names[i].empty()) {
        INGOT_RETURN_IF_ERROR(scan_.ExpectWord("_"));
      } else {
        INGOT_ASSIGN_OR_RETURN(type, ParseType());
      }
      definition.types.push_back(std::move(type));
    }
    return definition;
  }

  // "7" of `%7`, "" of `_`.
  absl::StatusOr<std::string> ValueName() {
    if (scan_.AcceptWord("_")) return std::string();
    INGOT_RETURN_IF_ERROR(scan_.Expect('%'));
    const absl::string_view name = scan_.TakeName();
    if (name.empty()) return scan_.Error("expected a value's name after '%'");
    return std::string(name);
  }

  absl::StatusOr<TensorType> ParseType() {
    const std::optional<DType> dtype = ParseDType(scan_.PeekWord());
    if (!dtype) return scan_.Error("expected a type such as f32[2,3]");
    scan_.TakeWord();
    INGOT_ASSIGN_OR_RETURN(Dims dims, ParseDims());
    return TensorType{*dtype, std::move(dims)};
  }

  absl::StatusOr<Dims> ParseDims() {
    INGOT_RETURN_IF_ERROR(scan_.Expect('['));
    Dims dims;
    while (!scan_.Accept(']')) {
      if (!dims.empty()) INGOT_RETURN_IF_ERROR(scan_.Expect(','));
      if (dims.size() >= kMaxRank) return scan_.Error("too many dimensions");
      INGOT_ASSIGN_OR_RETURN(const int64_t dim, scan_.Integer());
      dims.push_back(dim);
    }
    return dims;
  }

  absl::StatusOr<ValueId> Define(const std::string& name, TensorType type) {
    if (!ids_.emplace(name, static_cast<ValueId>(graph_.num_values())).second) {
      return scan_.Error(absl::StrCat("%", name, " is defined a second time"));
    }
    return graph_.AddValue(std::move(type));
  }

  // A use: `%7` that has been defined.
  absl::StatusOr<ValueId> Use() {
    if (scan_.Peek() != '%') return scan_.Error("expected a value such as %7");
    INGOT_ASSIGN_OR_RETURN(const std::string name, ValueName());
    const auto it = ids_.find(name);
    if (it == ids_.end())
      return scan_.Error(absl::StrCat("%", name, " is not defined before here"));
    return it->second;
  }

  absl::Status InputStatement(InputRole role, Definition definition) {
    scan_.TakeWord();
    if (definition.names.size() != 1 || definition.names[0].empty()) {
      return scan_.Error("an input defines one value");
    }
    if (!graph_.nodes().empty()) return scan_.Error("inputs come before nodes");
    InputSpec spec;
    spec.role = role;
    if (role != InputRole::kSeed) {
      INGOT_ASSIGN_OR_RETURN(spec.index, scan_.Index());
    }
    if (scan_.Peek() == '"') {
      INGOT_ASSIGN_OR_RETURN(spec.name, scan_.Quoted());
    }
    if (role == InputRole::kConstant) {
      absl::string_view hex = scan_.PeekWord();
      if (!absl::ConsumePrefix(&hex, "sha256:"))
        return scan_.Error("expected 'sha256:' and a digest");
      absl::StatusOr<Digest> digest = ParseDigest(hex);
      if (!digest.ok()) return scan_.Error(digest.status().message());
      scan_.TakeWord();
      spec.digest = *digest;
    }
    INGOT_ASSIGN_OR_RETURN(spec.value, Define(definition.names[0], std::move(definition.types[0])));
    graph_.mutable_inputs().push_back(std::move(spec));
    return absl::OkStatus();
  }

  absl::Status NodeStatement(Definition definition) {
    Node node;
    node.op = std::string(scan_.TakeWord());
    INGOT_RETURN_IF_ERROR(scan_.Expect('('));
    while (!scan_.Accept(')')) {
      if (!node.args.empty()) INGOT_RETURN_IF_ERROR(scan_.Expect(','));
      INGOT_ASSIGN_OR_RETURN(Argument arg, ParseArgument());
      node.args.push_back(std::move(arg));
    }
    if (scan_.Peek() == '"') {
      INGOT_ASSIGN_OR_RETURN(node.source, scan_.Quoted());
    }
    for (size_t i = 0; i < definition.names.size(); ++i) {
      ValueId id = kNoValue;
      if (!definition.names[i].empty()) {
        INGOT_ASSIGN_OR_RETURN(id, Define(definition.names[i], std::move(definition.types[i])));
      }
      node.outputs.push_back(id);
    }
    graph_.mutable_nodes().push_back(std::move(node));
    return absl::OkStatus();
  }

  absl::StatusOr<Argument> ParseArgument() {
    const char c = scan_.Peek();
    if (c == '%') {
      INGOT_ASSIGN_OR_RETURN(const ValueId id, Use());
      return Argument(ValueRef{id});
    }
    if (c == '"') {
      INGOT_ASSIGN_OR_RETURN(std::string text, scan_.Quoted());
      return Argument(std::move(text));
    }
    if (c == '[') return ParseList();
    return ParseWordArgument();
  }

  absl::StatusOr<Argument> ParseWordArgument() {
    if (scan_.AcceptWord("None")) return Argument(None{});
    if (scan_.AcceptWord("true")) return Argument(true);
    if (scan_.AcceptWord("false")) return Argument(false);
    if (scan_.AcceptWord("int")) return Empty(std::vector<int64_t>());
    if (scan_.AcceptWord("float")) return Empty(std::vector<double>());
    if (scan_.AcceptWord("bool")) return Empty(std::vector<bool>());
    if (scan_.AcceptWord("value")) return Empty(ValueRefList());
    if (scan_.AcceptWord("complex")) return ParseComplex();
    if (const std::optional<DType> dtype = ParseDType(scan_.PeekWord())) {
      scan_.TakeWord();
      return Argument(*dtype);
    }
    INGOT_ASSIGN_OR_RETURN((std::variant<int64_t, double> number), scan_.Number());
    return std::visit([](auto value) { return Argument(value); }, number);
  }

  absl::StatusOr<Argument> Empty(Argument list) {
    INGOT_RETURN_IF_ERROR(scan_.Expect('['));
    INGOT_RETURN_IF_ERROR(scan_.Expect(']'));
    return list;
  }

  absl::StatusOr<Argument> ParseComplex() {
    INGOT_RETURN_IF_ERROR(scan_.Expect('('));
    INGOT_ASSIGN_OR_RETURN(const double real, scan_.Float());
    INGOT_RETURN_IF_ERROR(scan_.Expect(','));
    INGOT_ASSIGN_OR_RETURN(const double imaginary, scan_.Float());
    INGOT_RETURN_IF_ERROR(scan_.Expect(')'));
    return Argument(std::complex<double>(real, imaginary));
  }

  // Elements after the first must be of its kind.
  absl::StatusOr<Argument> ParseList() {
    INGOT_RETURN_IF_ERROR(scan_.Expect('['));
    const char c = scan_.Peek();
    if (c == ']')
      return scan_.Error("an empty list needs its kind: int[], float[], bool[], value[]");
    const absl::string_view word = scan_.PeekWord();
    if (c == '%' || word == "None") return ParseValueList();
    if (word == "true" || word == "false") return ParseBoolList();
    return ParseNumberList();
  }

  absl::StatusOr<Argument> ParseValueList() {
    ValueRefList list;
    do {
      ValueId id = kNoValue;
      if (!scan_.AcceptWord("None")) {
        INGOT_ASSIGN_OR_RETURN(id, Use());
      }
      list.ids.push_back(id);
    } while (scan_.Accept(','));
    INGOT_RETURN_IF_ERROR(scan_.Expect(']'));
    return Argument(std::move(list));
  }

  absl::StatusOr<Argument> ParseBoolList() {
    std::vector<bool> list;
    do {
      const bool value = scan_.AcceptWord("true");
      if (!value) INGOT_RETURN_IF_ERROR(scan_.ExpectWord("false"));
      list.push_back(value);
    } while (scan_.Accept(','));
    INGOT_RETURN_IF_ERROR(scan_.Expect(']'));
    return Argument(std::move(list));
  }

  absl::StatusOr<Argument> ParseNumberList() {
    INGOT_ASSIGN_OR_RETURN((std::variant<int64_t, double> first), scan_.Number());
    if (const int64_t* i = std::get_if<int64_t>(&first)) {
      return ParseRest(*i, [this] { return scan_.Integer(); });
    }
    return ParseRest(std::get<double>(first), [this] { return scan_.Float(); });
  }

  template <typename T, typename Fn>
  absl::StatusOr<Argument> ParseRest(T first, Fn next) {
    std::vector<T> list = {first};
    while (scan_.Accept(',')) {
      INGOT_ASSIGN_OR_RETURN(const T value, next());
      list.push_back(value);
    }
    INGOT_RETURN_IF_ERROR(scan_.Expect(']'));
    return Argument(std::move(list));
  }

  absl::Status OutputStatement() {
    static constexpr std::pair<absl::string_view, OutputRole> kRoles[] = {
        {"result", OutputRole::kResult},
        {"writeback", OutputRole::kWriteBack},
        {"state", OutputRole::kStateUpdate},
        {"alias", OutputRole::kAlias},
    };
    for (const auto& [name, role] : kRoles) {
      if (scan_.AcceptWord(name)) return ParseOutput(role);
    }
    return scan_.Error("expected a value, result, writeback, state, alias, returns or '}'");
  }

  absl::Status ParseOutput(OutputRole role) {
    OutputSpec spec;
    spec.role = role;
    INGOT_ASSIGN_OR_RETURN(spec.index, scan_.Index());
    INGOT_RETURN_IF_ERROR(scan_.Expect('='));
    INGOT_ASSIGN_OR_RETURN(const ValueId value, Use());
    if (role == OutputRole::kAlias) {
      INGOT_RETURN_IF_ERROR(scan_.ExpectWord("of"));
      INGOT_RETURN_IF_ERROR(scan_.ExpectWord("argument"));
      INGOT_ASSIGN_OR_RETURN(spec.alias_of, scan_.Index());
    }
    if (scan_.AcceptWord("strides")) {
      INGOT_ASSIGN_OR_RETURN(spec.strides, ParseDims());
    }
    if (role == OutputRole::kAlias && scan_.AcceptWord("offset")) {
      INGOT_ASSIGN_OR_RETURN(spec.offset, scan_.Integer());
    }
    graph_.AddOutput(std::move(spec), value);
    return absl::OkStatus();
  }

  absl::StatusOr<Structure> ParseStructure(int depth) {
    if (depth > kMaxStructureDepth) return scan_.Error("the structure nests too deeply");
    Structure structure;
    if (scan_.Accept('(')) return ParseChildren(Kind::kTuple, ')', depth);
    if (scan_.Accept('[')) return ParseChildren(Kind::kList, ']', depth);
    if (scan_.Accept('{')) return ParseChildren(Kind::kDict, '}', depth);
    if (scan_.Peek() == '"') {
      structure.kind = Kind::kString;
      INGOT_ASSIGN_OR_RETURN(structure.text, scan_.Quoted());
      return structure;
    }
    return ParseStructureWord();
  }

  absl::StatusOr<Structure> ParseChildren(Kind kind, char end, int depth) {
    Structure structure;
    structure.kind = kind;
    while (!scan_.Accept(end)) {
      if (!structure.children.empty()) {
        INGOT_RETURN_IF_ERROR(scan_.Expect(','));
        if (scan_.Accept(end)) break;  // "(T0,)"
      }
      if (kind == Kind::kDict) {
        INGOT_ASSIGN_OR_RETURN(std::string key, scan_.Quoted());
        INGOT_RETURN_IF_ERROR(scan_.Expect(':'));
        structure.keys.push_back(std::move(key));
      }
      INGOT_ASSIGN_OR_RETURN(Structure child, ParseStructure(depth + 1));
      structure.children.push_back(std::move(child));
    }
    return structure;
  }

  absl::StatusOr<Structure> ParseStructureWord() {
    Structure structure;
    static constexpr std::pair<absl::string_view, Kind> kSlots[] = {
        {"bool", Kind::kBool}, {"int", Kind::kInt}, {"float", Kind::kFloat}};
    const absl::string_view word = scan_.PeekWord();
    if (scan_.AcceptWord("None")) return structure;
    if (scan_.AcceptWord("true") || scan_.AcceptWord("false")) {
      structure.kind = Kind::kBool;
      structure.number = word == "true";
      return structure;
    }
    for (const auto& [name, kind] : kSlots) {
      if (!scan_.AcceptWord(name)) continue;
      structure.kind = kind;
      // The number that a slot stands for is not known; the type is that of its kind.
      if (kind == Kind::kBool) structure.number = false;
      if (kind == Kind::kFloat) structure.number = 0.0;
      INGOT_ASSIGN_OR_RETURN(structure.slot, ParseSlot('S'));
      return structure;
    }
    if (!word.empty() && word[0] == 'T') {
      structure.kind = Kind::kTensor;
      INGOT_ASSIGN_OR_RETURN(structure.slot, ParseSlot('T'));
      return structure;
    }
    INGOT_ASSIGN_OR_RETURN((std::variant<int64_t, double> number), scan_.Number());
    structure.kind = std::holds_alternative<double>(number) ? Kind::kFloat : Kind::kInt;
    std::visit([&structure](auto value) { structure.number = value; }, number);
    return structure;
  }

  absl::StatusOr<int32_t> ParseSlot(char prefix) {
    INGOT_RETURN_IF_ERROR(scan_.Expect(prefix));
    INGOT_ASSIGN_OR_RETURN(const uint32_t slot, scan_.Index());
    if (slot > static_cast<uint32_t>(INT32_MAX)) return scan_.Error("a slot is out of range");
    return static_cast<int32_t>(slot);
  }

  TextScanner scan_;
  Graph graph_;
  absl::flat_hash_map<std::string, ValueId> ids_;  // by name in the text
};

}  // namespace

absl::StatusOr<Graph> ParseGraph(absl::string_view text) { return Parser(text).Parse(); }

}  // namespace ingot::ir
