// The second half of recording: turns the calls of a tape into nodes of a functional graph.
//
//   GraphRecorder recorder(tape, name_of);
//   recorder.AddArgument(snapshot, type, …);
//   for (const Call& call : tape.calls()) INGOT_RETURN_IF_ERROR(recorder.Process(call));
//   INGOT_ASSIGN_OR_RETURN(ValueId v, recorder.memory().Read(result));
//
// What depends on no argument, state or seed leaves no node: its results are constants, taken from
// memory when a node needs them. Random ops take the seed as one more, last argument, opaque ones
// too. The types of registered ops are inferred and compared with what LibTorch returned. Not
// thread-safe.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_GRAPH_RECORDER_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_GRAPH_RECORDER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/ir/recording.h"
#include "frontends/torchscript/constant_pool.h"
#include "frontends/torchscript/functional_call.h"
#include "frontends/torchscript/memory_model.h"
#include "frontends/torchscript/padded_forms.h"
#include "frontends/torchscript/tape.h"

namespace ingot::torchscript {

class GraphRecorder {
 public:
  GraphRecorder(const Tape& tape, std::string name, MemoryModel::NameOf name_of);
  GraphRecorder(const GraphRecorder&) = delete;
  GraphRecorder& operator=(const GraphRecorder&) = delete;

  ir::ValueId AddInput(ir::InputRole role, uint32_t index, ir::TensorType type,
                       std::string name = "");

  // FailedPrecondition for a call that makes the graph data-dependent; Unimplemented for what
  // graphs can't hold; Internal if inference and LibTorch disagree. Messages name the op and its
  // source line.
  absl::Status Process(const Call& call);

  MemoryModel& memory() { return memory_; }
  ConstantPool& constants() { return constants_; }
  ir::Graph& graph() { return graph_; }

 private:
  absl::Status ProcessCall(const Call& call);
  absl::Status ProcessConstant(const Call& call);
  absl::Status CheckWrites(const FunctionalCall& functional) const;
  absl::Status CheckStatic(const Call& call) const;
  absl::Status DataDependent(const Call& call, const TensorSnapshot& tensor) const;
  bool IsPassedOn(const Call& call) const;

  bool IsOutsideVocabulary(const FunctionalCall& call, const std::vector<ir::Argument>& args) const;
  absl::Status EmitCall(const Call& call, FunctionalCall functional, bool is_random);
  bool IsMaskedFill(const FunctionalCall& call) const;
  absl::Status EmitMaskedFill(const FunctionalCall& call);
  absl::Status EmitCopy(const FunctionalCall& call);
  absl::StatusOr<std::vector<ir::TensorType>> ResultTypes(
      const FunctionalCall& call, const std::vector<ir::Argument>& args) const;
  // Defines those results that are views, and says which.
  absl::StatusOr<std::vector<bool>> DefineViews(const FunctionalCall& call);
  absl::Status StoreResult(const FunctionalCall::Result& result, ir::ValueId value);
  absl::StatusOr<ir::ValueId> Fit(ir::ValueId value, const Layout& layout);
  absl::Status ReplaceMasks(FunctionalCall& call) const;
  ir::ValueId Seed();
  std::string Origin(const TensorSnapshot& tensor) const;

  const Tape& tape_;
  ir::Graph graph_;
  ConstantPool constants_;
  mutable MemoryModel memory_;
  PaddedForms padded_;
  ir::ValueId seed_ = ir::kNoValue;
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_GRAPH_RECORDER_H_
