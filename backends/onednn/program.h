// What a compiled graph runs: a flat list of steps over buffers, relocatable against the caller's
// inputs, outputs and workspace.
//
// A step's code reads and writes memory only through its operands. While a program is being built
// an operand names a buffer (Operand); afterwards it is an offset from one of the bases of an
// execution (Ref): nothing (a constant's own address), the workspace, input i or output k. A
// program is therefore immutable, and any number of threads may run it at once, each with its own
// workspace. oneDNN's memory objects hold addresses and can't be shared; a pool keeps a set of them
// (Binding) per concurrent execution, and only those whose base moved are told the new address.
#ifndef INGOT_BACKENDS_ONEDNN_PROGRAM_H_
#define INGOT_BACKENDS_ONEDNN_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "backends/onednn/constant_memory.h"
#include "backends/onednn/engine.h"
#include "backends/sdk/backend.h"
#include "core/ir/graph.h"

namespace ingot::onednn {

// An address of an execution: bases[base] + offset.
struct Ref {
  uint32_t base = 0;
  int64_t offset = 0;
};
inline constexpr uint32_t kAbsoluteBase = 0;  // offset is the address: constants
inline constexpr uint32_t kWorkspaceBase = 1;
inline constexpr uint32_t kFirstInputBase = 2;  // inputs, then outputs

// Where an execution's inputs, then its outputs, lie; so many that are usual fit on the stack.
using Addresses = absl::InlinedVector<char*, 32>;
Addresses AddressesOf(absl::Span<const ingot_tensor> inputs,
                      absl::Span<const ingot_tensor> outputs);

// What the code of a step sees.
class StepArgs {
 public:
  StepArgs(char* const* bases, const Ref* refs, int threads)
      : bases_(bases), refs_(refs), threads_(threads) {}
  template <typename T = char>
  T* At(int operand) const {
    const Ref& ref = refs_[operand];
    return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(bases_[ref.base]) +
                                static_cast<uintptr_t>(ref.offset));
  }
  int threads() const { return threads_; }
  // The same, whose operands are those from `first` on.
  StepArgs From(int first) const { return StepArgs(bases_, refs_ + first, threads_); }

 private:
  char* const* bases_;
  const Ref* refs_;
  int threads_;
};

using StepFn = std::function<absl::Status(const StepArgs&)>;

// For people: plan_json and traces.
struct StepInfo {
  ir::NodeId node = 0;
  std::string op;              // "aten::linear"
  std::string implementation;  // "brgemm:avx512_core", "ingot:pointwise"
  std::vector<ir::NodeId> fused;
  // Of the first value that it reads and of that which it makes; empty: row-major, or neither.
  std::string layout_in, layout;
};

// One oneDNN call: which operand (position in the step's refs) is which argument.
struct PrimitiveCall {
  struct Argument {
    int argument = 0;  // DNNL_ARG_…
    MemoryDesc desc;
    int operand = 0;
  };
  std::shared_ptr<const Primitive> primitive;
  std::vector<Argument> arguments;
};

struct Step {
  StepInfo info;
  std::vector<Ref> refs;
  int threads = 1;  // that oneDNN and the kernels may use
  // Exactly one of the two.
  StepFn run;
  std::shared_ptr<const PrimitiveCall> call;
};

// Runs one call with memory objects of its own: for work at compile time.
absl::Status RunOnce(const PrimitiveCall& call, const StepArgs& args);

class Program {
 public:
  struct Parts {
    std::vector<Step> steps;
    size_t num_inputs = 0, num_outputs = 0;
    size_t workspace_bytes = 0;
    size_t workspace_lower_bound = 0;       // the most bytes of it in use at one step
    std::vector<ConstantMemory> constants;  // memory that absolute refs point into
  };
  explicit Program(Parts parts);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // See sdk::Executable::Execute.
  absl::Status Run(const sdk::RunContext& context, absl::Span<const ingot_tensor> inputs,
                   absl::Span<const ingot_tensor> outputs, void* workspace) const;
  // The same at `addresses` (AddressesOf).
  absl::Status RunAt(const sdk::RunContext& context, absl::Span<char* const> addresses,
                     void* workspace) const;

  size_t workspace_bytes() const { return parts_.workspace_bytes; }
  size_t workspace_lower_bound() const { return parts_.workspace_lower_bound; }
  size_t retained_bytes() const;
  absl::Span<const Step> steps() const { return parts_.steps; }
  // `times`: how often an execution runs each step.
  std::string PlanJson(int64_t times = 1) const;

 private:
  class Binding;
  absl::StatusOr<std::unique_ptr<Binding>> MakeBinding() const;
  absl::StatusOr<std::unique_ptr<Binding>> TakeBinding(const void* workspace) const;
  void ReturnBinding(std::unique_ptr<Binding> binding) const;
  absl::Status RunSteps(const sdk::RunContext& context, char* const* bases, Binding* binding) const;

  Parts parts_;
  bool calls_onednn_ = false;
  mutable absl::Mutex mutex_;
  mutable std::vector<std::unique_ptr<Binding>> pool_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_PROGRAM_H_
