// The graph: a functional program in static single assignment form over tensors.
//
// A graph is a list of values, inputs, nodes and outputs. Values are defined once: by an input or
// as an output of a node. Nodes are in topological order. An op name is ATen's own with its
// overload ("aten::add.Tensor", "aten::linear"); an op that the registry (core/ops) does not know
// is *opaque*: it is carried with all its arguments, and only a backend that claims it can run it.
//
//   Graph g("sub");
//   ValueId a = g.AddInput({InputRole::kArgument, 0}, {DType::kFloat32, {2, 3}});
//   ValueId b = g.AddInput({InputRole::kArgument, 1}, {DType::kFloat32, {2, 3}});
//   NodeId n = g.AddNode("aten::sub.Tensor", {ValueRef{a}, ValueRef{b}, int64_t{1}}, {type});
//   g.AddOutput({OutputRole::kResult, 0}, g.node(n).outputs[0]);
//
// This class only stores; `GraphBuilder` (builder.h) infers types, `Verify` (verifier.h) checks.
// Not thread-safe while being built; const access is.
#ifndef INGOT_CORE_IR_GRAPH_H_
#define INGOT_CORE_IR_GRAPH_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/ir/argument.h"
#include "core/ir/digest.h"
#include "core/ir/structure.h"
#include "core/ir/type.h"

namespace ingot::ir {

using NodeId = uint32_t;

// What an input is for. Codes are part of the format.
enum class InputRole : uint8_t {
  kArgument = 0,  // tensor argument number `index` of the call
  kScalar = 1,    // number `index`, a "wrapped number" in promotion: i64[], f64[], b8[] or c128[]
  kState = 2,     // mutable buffer number `index` of the module, held by the runtime between calls
  kSeed = 3,      // the call's seed: i64[], at most one
  kConstant = 4,  // weights: bytes identified by `digest`, held outside the graph
};

// What an output is for. Codes are part of the format.
enum class OutputRole : uint8_t {
  kResult = 0,       // result slot `index`
  kWriteBack = 1,    // new contents of tensor argument `index`
  kStateUpdate = 2,  // new contents of state `index`
  kAlias = 3,        // result slot `index` is memory of tensor argument `alias_of`: see OutputSpec
};

struct InputSpec {
  InputRole role = InputRole::kArgument;
  uint32_t index = 0;  // dense per role, from 0
  Digest digest;       // kConstant only
  std::string name;    // debug only (weight or state name); not part of the canonical bytes
  ValueId value = kNoValue;

  friend bool operator==(const InputSpec&, const InputSpec&) = default;
};

// A result that is an alias *is* tensor argument `alias_of` when it has no strides, and the view of
// it given by `strides` and `offset` otherwise (a view of rank 0 has only an offset). The type of
// `value` gives the sizes; its contents are what the alias shows once write-backs are done.
struct OutputSpec {
  OutputRole role = OutputRole::kResult;
  uint32_t index = 0;
  // Strides in elements of the result as eager returns it; empty: row-major. kAlias: of the view.
  Dims strides;
  uint32_t alias_of = 0;  // kAlias only
  int64_t offset = 0;     // kAlias only: in elements from the argument's own first element
  ValueId value = kNoValue;

  friend bool operator==(const OutputSpec&, const OutputSpec&) = default;
};

struct Node {
  std::string op;
  // In schema order, all of them. A random op (see OpTraits) has one more, last: the seed's value.
  std::vector<Argument> args;
  // One id per returned tensor, Tensor[] flattened; kNoValue for one that the op leaves undefined.
  std::vector<ValueId> outputs;
  std::string source;  // debug only: "file.py:12", not part of the canonical bytes

  friend bool operator==(const Node&, const Node&) = default;
};

class Graph {
 public:
  explicit Graph(std::string name = "") : name_(std::move(name)) {}

  // A name for messages; not part of the canonical bytes.
  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

  // Adds an input; `spec.value` is set by the call. Returns the new value.
  ValueId AddInput(InputSpec spec, TensorType type);
  // Appends a node whose outputs are new values of `types`.
  NodeId AddNode(std::string op, std::vector<Argument> args, std::vector<TensorType> types,
                 std::string source = "");
  void AddOutput(OutputSpec spec, ValueId value);

  // Low-level: a new value without a definition yet (parsers and passes define it by `nodes()`).
  ValueId AddValue(TensorType type);

  size_t num_values() const { return types_.size(); }
  const TensorType& type(ValueId value) const { return types_[value]; }
  // For Renumber: the types by new value id.
  void ReplaceTypes(std::vector<TensorType> types) { types_ = std::move(types); }
  TensorType& mutable_type(ValueId value) { return types_[value]; }

  absl::Span<const InputSpec> inputs() const { return inputs_; }
  absl::Span<const Node> nodes() const { return nodes_; }
  absl::Span<const OutputSpec> outputs() const { return outputs_; }
  const Node& node(NodeId id) const { return nodes_[id]; }

  // For passes. They keep the order topological and every use defined.
  std::vector<InputSpec>& mutable_inputs() { return inputs_; }
  std::vector<Node>& mutable_nodes() { return nodes_; }
  std::vector<OutputSpec>& mutable_outputs() { return outputs_; }

  // The nesting of results; tensor leaves are result slots (outputs of role kResult or kAlias).
  const Structure& result_structure() const { return result_structure_; }
  void set_result_structure(Structure s) { result_structure_ = std::move(s); }

  friend bool operator==(const Graph&, const Graph&) = default;

 private:
  std::string name_;
  std::vector<TensorType> types_;
  std::vector<InputSpec> inputs_;
  std::vector<Node> nodes_;
  std::vector<OutputSpec> outputs_;
  Structure result_structure_;
};

// Calls `fn` on each value that the argument refers to (absent list elements left out).
void ForEachValue(const Argument& arg, absl::FunctionRef<void(ValueId)> fn);
void ForEachOperand(const Node& node, absl::FunctionRef<void(ValueId)> fn);
// Replaces each reference by `fn(reference)`.
void MapOperands(Node& node, absl::FunctionRef<ValueId(ValueId)> fn);

// Drops values that nothing defines and numbers the rest in order of definition (inputs, then
// nodes). Afterwards equal programs are equal graphs; ids held outside are invalid. Debug fields
// stay, and a use of an undefined value stays one. REQUIRES: ids that define a value are in range.
void Renumber(Graph& graph);

// `node` as text for messages: "%7 = aten::linear (file.py:12)".
std::string Describe(const Graph& graph, NodeId node);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_GRAPH_H_
