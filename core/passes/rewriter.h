// Rewrites a graph node by node: what rules need to look around, to add nodes, and to replace
// values.
//
//   GraphRewriter rewriter(recording);
//   return rewriter.Run([](GraphRewriter& r, const ir::Node& node) -> absl::StatusOr<ir::ValueId> {
//     if (node.op != "aten::detach") return ir::kNoValue;   // keep the node
//     return OperandOf(node, 0);                            // its output becomes this value
//   });
//
// Run visits nodes in order and builds the new list as it goes: what a rule sees behind an operand
// is already rewritten, and new nodes come before the node in hand, so that the order stays
// topological. Replaced nodes go; nodes that nothing uses any more stay until dead code
// elimination. Not thread-safe.
#ifndef INGOT_CORE_PASSES_REWRITER_H_
#define INGOT_CORE_PASSES_REWRITER_H_

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/recording.h"
#include "core/ops/registry.h"

namespace ingot::passes {

class GraphRewriter {
 public:
  // A value that takes the place of the node's one output, or kNoValue to keep the node. Its type
  // must be that of the output.
  using Rule = absl::FunctionRef<absl::StatusOr<ir::ValueId>(GraphRewriter&, const ir::Node&)>;

  explicit GraphRewriter(ir::Recording& recording);

  // The same for nodes of several outputs: a value for each, kNoValue for one that nothing uses;
  // or no values, to keep the node.
  using WideRule =
      absl::FunctionRef<absl::StatusOr<std::vector<ir::ValueId>>(GraphRewriter&, const ir::Node&)>;

  // Call one of them, once. Whether any node was replaced.
  absl::StatusOr<bool> Run(Rule rule);
  absl::StatusOr<bool> RunWide(WideRule rule);

  // --- For rules ---
  // Valid until something is emitted or added.
  const ir::TensorType& type(ir::ValueId value) const { return recording_.graph.type(value); }
  // The node that defines `value`; nullptr for an input. Valid during Run.
  const ir::Node* Producer(ir::ValueId value) const;
  // As Producer, if its op is `op` and it has one output.
  const ir::Node* ProducerOf(ir::ValueId value, absl::string_view op) const;
  // How many operands and outputs refer to `value`.
  int Uses(ir::ValueId value) const { return uses_[value]; }
  // The constant behind a constant input; nullptr for other values and constants without bytes.
  const ir::Constant* ConstantOf(ir::ValueId value) const;
  // The number behind a literal, or behind a constant of rank 0 and a bool, integer, f32 or f64
  // type.
  std::optional<ir::Scalar> NumberOf(const ir::Argument& arg) const;

  // Adds a node of a registered op with one output, defaults filled in; Internal if that is not
  // possible.
  absl::StatusOr<ir::ValueId> Emit(absl::string_view op, std::vector<ir::Argument> args);
  // Adds a constant input.
  ir::ValueId AddConstant(ir::Constant constant, std::string name);

 private:
  ir::ValueId Resolve(ir::ValueId value) const;
  void CountUses(const ir::Node& node, int delta);
  void Append(ir::Node node);
  absl::Status ReplaceOutput(const ir::Node& node, ir::ValueId output, ir::ValueId by);
  absl::Status Replace(const ir::Node& node, const std::vector<ir::ValueId>& by);
  void GrowTo(size_t num_values);

  ir::Recording& recording_;
  std::deque<ir::Node> nodes_;             // rewritten so far; a deque keeps pointers valid
  std::vector<const ir::Node*> producer_;  // by value
  std::vector<int> uses_;                  // by value
  std::vector<ir::ValueId> replacement_;   // by value; itself if not replaced
  std::vector<int> constant_index_;        // by value; -1: not a constant input
  std::string source_;  // of the node in hand: what is emitted for it comes from there
};

// A constant of `type` whose bytes `fill` writes, row-major.
ir::Constant MakeConstant(const ir::TensorType& type, absl::FunctionRef<void(char*)> fill);

// The value at argument `i`, or kNoValue if that isn't a tensor operand.
ir::ValueId OperandOf(const ir::Node& node, size_t i);

// A number as a double; nullopt for complex ones.
std::optional<double> AsDouble(const std::optional<ir::Scalar>& number);

// The literal argument that holds the number.
ir::Argument AsArgument(const ir::Scalar& number);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_REWRITER_H_
