// Records a TorchScript module, or any C++ callable on tensors, as a functional graph: by running
// it once.
//
//   INGOT_ASSIGN_OR_RETURN(torch::jit::Module module, LoadModule("model.pt"));
//   INGOT_ASSIGN_OR_RETURN(ir::Recording recording, Record(module, {x, y}));
//
// The run is on clones of the arguments, as eager inference (no_grad, graph optimizer off).
// Afterwards, and if it fails, arguments, the module's or captured tensors and the default random
// generator are as they were.
// Each dispatched call becomes a node, a view, a write or a constant: tape.h says which calls
// count, memory_model.h how views and writes become values.
//
// Results: tensors are slots, one a tensor object; a result that is an argument, or a view of it,
// is an alias. Arguments that were written become write-backs; module tensors that were written or
// replaced, and a callable's captured tensors that were written, become state. Number and string
// arguments are part of the signature.
//
// Opaque nodes (ops that the registry lacks) carry all arguments of their schema; a random one has
// the seed as one more, last argument.
//
// Errors: InvalidArgument for arguments that no graph can take; FailedPrecondition if the model
// fails on them, is data-dependent (numbers or sizes read out of tensors that depend on arguments)
// or changes attributes that are no tensors; Unimplemented for what graphs can't hold. Concurrent
// recordings of one module must be serialised by the caller if the module has state; else
// thread-safe. Memory that C++ code fills without LibTorch's ops counts as constant: a callable
// must not do that with numbers computed from its arguments.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_RECORD_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_RECORD_H_

#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/api/module.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/recording.h"
#include "frontends/torchscript/data_numbers.h"

namespace ingot::torchscript {

// Payload of the status of a data-dependent program: the op's name.
inline constexpr absl::string_view kDataDependentOp = "ingot/data-dependent-op";

// That status: FailedPrecondition, "data-dependent: `op` `what`", with the payload.
absl::Status DataDependentError(absl::string_view op, absl::string_view what);

// … and of one whose numbers are no data after all.
inline constexpr absl::string_view kNumbersAreNoData = "ingot/numbers-are-no-data";

// … and of one that raised an error itself: with these arguments it fails without ingot, too.
inline constexpr absl::string_view kModelFailed = "ingot/model-failed";

// What the recordings of one program know to be its state. A tensor that one signature's call
// writes must be state in the graphs of the others, too, which may only read it, and under the same
// name. Not thread-safe.
struct ProgramState {
  absl::flat_hash_set<std::string> names;  // of a module's tensors
  // A callable's: "captured.3" is the fourth. Undefined: nobody but the recording held it.
  std::vector<at::Tensor> captured;
};

struct RecordOptions {
  std::string name;  // of the graph; empty: the module's type name
  // Of a callable that isn't a module: receives the tensors that it used or returned and neither
  // was given nor
  // made, and that are no state: its weights.
  std::vector<at::Tensor>* captured = nullptr;
  // Number arguments that become scalar inputs; null: none, all are part of the signature.
  // FailedPrecondition with the payload kNumbersAreNoData if it turns out that they are no data.
  const DataNumbers* numbers = nullptr;
  // Of the program's other recordings, if there are any. Those tensors of it that the call uses are
  // state, written or not; what a recording that succeeds writes is added.
  ProgramState* state = nullptr;
};

absl::StatusOr<ir::Recording> Record(const torch::jit::Module& module,
                                     const std::vector<c10::IValue>& args,
                                     const RecordOptions& options = {});

using Callable = std::function<c10::IValue(std::vector<c10::IValue>)>;
absl::StatusOr<ir::Recording> Record(const Callable& callable, const std::vector<c10::IValue>& args,
                                     const RecordOptions& options = {});

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_RECORD_H_
