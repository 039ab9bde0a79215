// Applies ATen ops to memory: rewritten where the vocabulary has another form, functionalised where
// they write, computed at once where they depend on no input, as nodes of the graph otherwise.
//
//   Emitter emitter("name");
//   INGOT_ASSIGN_OR_RETURN(auto y, emitter.Apply("aten::conv2d", {TensorOperand{x}, …}));
//
// Arguments are those of the op's schema, in order; missing trailing ones get their defaults. Not
// thread-safe.
#ifndef INGOT_FRONTENDS_PT2_EMITTER_H_
#define INGOT_FRONTENDS_PT2_EMITTER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/ir/graph.h"
#include "frontends/pt2/constants.h"
#include "frontends/pt2/memory.h"
#include "frontends/pt2/operand.h"
#include "frontends/pt2/signatures.h"

namespace ingot::pt2 {

using Operands = std::vector<Operand>;
using Tensors = std::vector<TensorId>;

class Emitter {
 public:
  explicit Emitter(std::string name)
      : graph_(std::move(name)), constants_(&graph_), memory_(&graph_, &constants_) {}
  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;

  // One tensor per returned one, Tensor[] flattened. What the vocabulary does not take, complex
  // numbers for instance, becomes one node for the backend that runs everything. Unimplemented:
  // graphs cannot hold it (the message says why); InvalidArgument: eager would refuse it too;
  // FailedPrecondition: sizes that follow from elements;
  // PermissionDenied: an op that no file may have LibTorch run (core/ir/opaque_op.h).
  absl::StatusOr<Tensors> Apply(const std::string& op, Operands args);
  // The same for ops with one result.
  absl::StatusOr<TensorId> ApplyOne(const std::string& op, Operands args);

  // Past the rewrites: for rewrites that only change arguments.
  absl::StatusOr<Tensors> ApplyAsIs(const OpSignature& signature, Operands args);

  // What the file says of the results of the node that is being converted: its types serve ops that
  // the registry cannot infer, its strides tell what later aliases.
  void set_expected(std::vector<std::optional<Layout>> expected) {
    expected_ = std::move(expected);
  }
  const std::vector<std::optional<Layout>>& expected() const { return expected_; }
  // Emits an op that isn't in the vocabulary, as it is.
  absl::StatusOr<Tensors> ApplyOpaque(const std::string& op, Operands args);

  // Emits an op of the vocabulary on arguments that the vocabulary does not take, for the backend
  // that runs everything: a node that is known to be outside, with results of these types.
  absl::StatusOr<Tensors> ApplyOutside(const OpSignature& signature, const Operands& args,
                                       std::vector<ir::TensorType> types);

  // `constant` fitted into memory of its own.
  TensorId Constant(HostConstant constant) { return memory_.AddConstant(std::move(constant)); }
  // Overwrites `target` with `value`, cast and broadcast to the target's type. `fills`: all of it
  // is one number.
  absl::Status Overwrite(TensorId target, TensorId value, bool fills = false);

  const ir::TensorType& type(TensorId id) const { return memory_.type(id); }
  ir::ValueId AddInput(ir::InputRole role, uint32_t index, ir::TensorType type,
                       std::string name = "");
  Memory& memory() { return memory_; }
  const Memory& memory() const { return memory_; }
  ConstantPool& constants() { return constants_; }
  ir::Graph& graph() { return graph_; }

 private:
  absl::Status Complete(const OpSignature& signature, Operands& args) const;
  absl::StatusOr<Tensors> ApplyInPlace(const OpSignature& signature, Operands args);
  absl::StatusOr<Tensors> ApplyView(const OpSignature& signature, const Operands& args);
  absl::StatusOr<Tensors> ApplyRegistered(const OpSignature& signature, const Operands& args);
  absl::StatusOr<std::vector<ir::TensorType>> Infer(const OpSignature& signature,
                                                    const Operands& args) const;
  absl::StatusOr<std::optional<HostConstant>> Fold(const OpSignature& signature,
                                                   const Operands& args,
                                                   const ir::TensorType& type);
  absl::StatusOr<Tensors> EmitNode(const OpSignature& signature, const Operands& args,
                                   std::vector<ir::TensorType> types);
  // What the file says of the results of its node `op`.
  absl::StatusOr<std::vector<ir::TensorType>> ExpectedTypes(const std::string& op) const;
  // The file's own op as a node of the graph, whatever it could be rewritten to; Unimplemented if
  // that would not be the same.
  absl::StatusOr<Tensors> ApplyWhole(const OpSignature& signature, const Operands& args);
  // Numbers among tensors become the Scalar form, or constants where there is none.
  absl::StatusOr<Tensors> ApplyWithNumbers(const OpSignature& signature, Operands args);
  bool AllConstant(const Operands& args) const;
  TensorId AddResult(const ir::TensorType& type, ir::ValueId value, size_t index);
  ir::ValueId Seed();

  ir::Graph graph_;
  ConstantPool constants_;
  Memory memory_;
  ir::ValueId seed_ = ir::kNoValue;
  std::vector<std::optional<Layout>> expected_;
  int depth_ = 0;
};

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_EMITTER_H_
