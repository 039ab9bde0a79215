#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/ir/number_text.h"
#include "core/ir/text.h"

namespace ingot::ir {
namespace {

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
}

std::string ValueText(ValueId id) { return id == kNoValue ? "_" : absl::StrCat("%", id); }

std::string DimsText(const Dims& dims) { return absl::StrCat("[", absl::StrJoin(dims, ", "), "]"); }

// One overload for each alternative of Argument.
struct ArgumentPrinter {
  std::string operator()(const None&) const { return "None"; }
  std::string operator()(const ValueRef& ref) const { return absl::StrCat("%", ref.id); }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return absl::StrCat(value); }
  std::string operator()(double value) const { return DoubleText(value); }
  std::string operator()(const std::complex<double>& value) const {
    return absl::StrCat("complex(", DoubleText(value.real()), ", ", DoubleText(value.imag()), ")");
  }
  std::string operator()(const std::string& value) const { return Quoted(value); }
  std::string operator()(DType dtype) const { return std::string(DTypeName(dtype)); }

  std::string operator()(const ValueRefList& list) const {
    return List(list.ids, "value", [](ValueId id) -> std::string {
      return id == kNoValue ? "None" : absl::StrCat("%", id);
    });
  }
  std::string operator()(const std::vector<int64_t>& list) const {
    return List(list, "int", [](int64_t i) { return absl::StrCat(i); });
  }
  std::string operator()(const std::vector<double>& list) const {
    return List(list, "float", DoubleText);
  }
  std::string operator()(const std::vector<bool>& list) const {
    return List(list, "bool", [](bool b) -> std::string { return b ? "true" : "false"; });
  }

 private:
  template <typename T, typename Fn>
  static std::string List(const std::vector<T>& list, absl::string_view kind, Fn element_text) {
    if (list.empty()) return absl::StrCat(kind, "[]");
    std::string text = "[";
    for (size_t i = 0; i < list.size(); ++i) {
      absl::StrAppend(&text, i == 0 ? "" : ", ", element_text(list[i]));
    }
    return text + "]";
  }
};

std::string ArgumentText(const Argument& arg) { return std::visit(ArgumentPrinter(), arg); }

std::string InputText(const Graph& graph, const InputSpec& input) {
  static constexpr absl::string_view kRoles[] = {"argument", "scalar", "state", "seed", "constant"};
  std::string text = absl::StrCat(ValueText(input.value), " : ", ToString(graph.type(input.value)),
                                  " = ", kRoles[static_cast<size_t>(input.role)]);
  // There is one seed at most: its index is 0.
  if (input.role != InputRole::kSeed) absl::StrAppend(&text, " ", input.index);
  if (!input.name.empty()) absl::StrAppend(&text, " ", Quoted(input.name));
  if (input.role == InputRole::kConstant) {
    absl::StrAppend(&text, " sha256:", input.digest.ToHex());
  }
  return text;
}

std::string NodeText(const Graph& graph, const Node& node) {
  std::vector<std::string> names;
  std::vector<std::string> types;
  for (ValueId output : node.outputs) {
    names.push_back(ValueText(output));
    types.push_back(output == kNoValue ? "_" : ToString(graph.type(output)));
  }
  std::vector<std::string> args;
  for (const Argument& arg : node.args) args.push_back(ArgumentText(arg));
  std::string text;
  if (!names.empty()) {
    text = absl::StrCat(absl::StrJoin(names, ", "), " : ", absl::StrJoin(types, ", "), " ");
  }
  absl::StrAppend(&text, "= ", node.op, "(", absl::StrJoin(args, ", "), ")");
  if (!node.source.empty()) absl::StrAppend(&text, " ", Quoted(node.source));
  return text;
}

std::string OutputText(const OutputSpec& output) {
  static constexpr absl::string_view kRoles[] = {"result", "writeback", "state", "alias"};
  std::string text = absl::StrCat(kRoles[static_cast<size_t>(output.role)], " ", output.index,
                                  " = ", ValueText(output.value));
  if (output.role == OutputRole::kAlias) absl::StrAppend(&text, " of argument ", output.alias_of);
  if (!output.strides.empty()) absl::StrAppend(&text, " strides ", DimsText(output.strides));
  if (output.role == OutputRole::kAlias && output.offset != 0) {
    absl::StrAppend(&text, " offset ", output.offset);
  }
  return text;
}

// Text for a dot label that is itself quoted: `\l` breaks lines and aligns left.
std::string DotEscape(absl::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

class DotPrinter {
 public:
  explicit DotPrinter(const Graph& graph) : graph_(graph), origin_(graph.num_values()) {}

  std::string Print() {
    text_ = absl::StrCat("digraph \"", DotEscape(graph_.name()),
                         "\" {\n  node [shape=box, fontname=\"monospace\"];\n");
    for (size_t i = 0; i < graph_.inputs().size(); ++i) AddInput(i);
    for (NodeId n = 0; n < graph_.nodes().size(); ++n) AddNode(n);
    for (size_t i = 0; i < graph_.outputs().size(); ++i) AddOutput(i);
    return text_ + "}\n";
  }

 private:
  void AddInput(size_t i) {
    const InputSpec& input = graph_.inputs()[i];
    std::string& origin = origin_[input.value];
    if (input.role == InputRole::kConstant) return;  // folded into the boxes that use it
    origin = absl::StrCat("in", i);
    AddBox(origin, InputText(graph_, input), "style=rounded");
  }

  void AddNode(NodeId n) {
    const Node& node = graph_.node(n);
    std::string label = node.op;
    for (ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      origin_[output] = absl::StrCat("n", n);
      absl::StrAppend(&label, "\n", ValueText(output), " : ", ToString(graph_.type(output)));
    }
    ForEachOperand(node, [&](ValueId operand) {
      if (!origin_[operand].empty()) return;
      absl::StrAppend(&label, "\n", ConstantText(operand));
    });
    AddBox(absl::StrCat("n", n), label, "");
    ForEachOperand(node, [&](ValueId operand) { AddEdge(operand, absl::StrCat("n", n)); });
  }

  void AddOutput(size_t i) {
    const OutputSpec& output = graph_.outputs()[i];
    const std::string name = absl::StrCat("out", i);
    AddBox(name, OutputText(output), "style=rounded");
    AddEdge(output.value, name);
  }

  std::string ConstantText(ValueId value) const {
    for (const InputSpec& input : graph_.inputs()) {
      if (input.value != value) continue;
      return absl::StrCat(input.name.empty() ? absl::StrCat("constant ", input.index) : input.name,
                          " : ", ToString(graph_.type(value)));
    }
    return ValueText(value);
  }

  void AddBox(absl::string_view id, absl::string_view label, absl::string_view attributes) {
    std::string escaped;
    for (absl::string_view rest = label;;) {
      const size_t end = rest.find('\n');
      absl::StrAppend(&escaped, DotEscape(rest.substr(0, end)), "\\l");
      if (end == absl::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    absl::StrAppend(&text_, "  ", id, " [label=\"", escaped, "\"", attributes.empty() ? "" : ", ",
                    attributes, "];\n");
  }

  void AddEdge(ValueId from, absl::string_view to) {
    if (!origin_[from].empty()) absl::StrAppend(&text_, "  ", origin_[from], " -> ", to, ";\n");
  }

  const Graph& graph_;
  std::vector<std::string> origin_;  // the box a value comes from; empty for constants
  std::string text_;
};

}  // namespace

std::string PrintGraph(const Graph& graph) {
  std::string text = absl::StrCat("graph ", Quoted(graph.name()), " {\n");
  for (const InputSpec& input : graph.inputs()) {
    absl::StrAppend(&text, "  ", InputText(graph, input), "\n");
  }
  for (const Node& node : graph.nodes()) absl::StrAppend(&text, "  ", NodeText(graph, node), "\n");
  for (const OutputSpec& output : graph.outputs()) {
    absl::StrAppend(&text, "  ", OutputText(output), "\n");
  }
  absl::StrAppend(&text, "  returns ", ToString(graph.result_structure()), "\n}\n");
  return text;
}

std::string PrintDot(const Graph& graph) { return DotPrinter(graph).Print(); }

}  // namespace ingot::ir
