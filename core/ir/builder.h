// Builds graphs op by op with inferred types: for tests, passes and hand-written graphs.
//
//   GraphBuilder b("linear");
//   ValueId x = b.Argument({DType::kFloat32, {8, 64}});
//   ValueId y = b.Op("aten::relu", {ValueRef{x}});
//   b.Result(y);
//   absl::StatusOr<Graph> g = std::move(b).Build();
//
// Errors stick: the first one is returned by Build, later calls do nothing. Not thread-safe.
#ifndef INGOT_CORE_IR_BUILDER_H_
#define INGOT_CORE_IR_BUILDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/ir/graph.h"

namespace ingot::ir {

class GraphBuilder {
 public:
  explicit GraphBuilder(std::string name = "") : graph_(std::move(name)) {}

  ValueId Argument(TensorType type);  // next argument
  ValueId Scalar(DType dtype);        // next scalar input (i64, f64, b8, c128)
  ValueId State(TensorType type);     // next state input
  ValueId Constant(TensorType type, Digest digest, std::string name = "");
  ValueId Seed();  // the seed input, made on first use

  // Appends a node of a registered op. Missing trailing arguments get the schema's defaults; a
  // random op gets the seed. Returns the first output (Ops: all). kNoValue once an error has stuck.
  ValueId Op(absl::string_view op, std::vector<ir::Argument> args);
  std::vector<ValueId> Ops(absl::string_view op, std::vector<ir::Argument> args);
  // Appends an opaque node with given output types.
  std::vector<ValueId> Opaque(std::string op, std::vector<ir::Argument> args,
                              std::vector<TensorType> types);

  void Result(ValueId value);  // next result slot
  void WriteBack(uint32_t argument, ValueId value);
  void StateUpdate(uint32_t state, ValueId value);

  const TensorType& type(ValueId value) const { return graph_.type(value); }
  const absl::Status& status() const { return status_; }

  // The graph, verified. The results form a tuple in slot order (a lone one is returned bare)
  // unless a structure was set (through `graph()`; needed when aliases were added there).
  absl::StatusOr<Graph> Build() &&;
  Graph& graph() { return graph_; }

 private:
  ValueId AddInput(InputRole role, uint32_t index, TensorType type);
  void AddOutput(OutputRole role, uint32_t index, ValueId value);
  // Fills in defaults and seed; the types of the outputs.
  absl::StatusOr<std::vector<TensorType>> Complete(absl::string_view op,
                                                   std::vector<ir::Argument>& args);
  absl::Status CheckOperands(const ir::Argument& arg) const;

  Graph graph_;
  absl::Status status_;
  uint32_t num_arguments_ = 0, num_scalars_ = 0, num_states_ = 0, num_constants_ = 0,
           num_results_ = 0;
  ValueId seed_ = kNoValue;
};

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_BUILDER_H_
