// The first half of recording: what LibTorch did, call by call.
//
//   Tape tape(is_known);
//   tape.MarkInput(clone);                       // depends on the call's arguments
//   { Tape::Scope scope(tape); module.forward(clones); }
//   for (const Call& call : tape.calls()) …
//
// While a Scope lives, an at::RecordFunction callback of this thread sees every dispatched op. Of
// the tree of calls the tape keeps an antichain: the outermost call that `OpRules` knows; else its
// inner calls, provided that they alone produce its results; else the call itself, whole
// ("opaque"). A call whose kernel isn't composite is proved to be the sum of its inner calls by the
// bytes in memory: a kernel that also computes by itself stays whole.
//
// Tensors are snapshots: identity of the storage, layout, and the storage's epoch (how often it had
// been written). All of them stay alive, so that addresses are unique; memory that depends on the
// arguments and that the program has dropped is freed all the same (dead_memory.h), so that a
// recording takes about as much as the program. `Contents` yields the bytes that an
// input-independent tensor had at its epoch: a storage about to be written is copied first.
//
// Not thread-safe: one tape, one thread.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_TAPE_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_TAPE_H_

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <ATen/record_function.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "frontends/torchscript/dead_memory.h"
#include "frontends/torchscript/layout.h"
#include "frontends/torchscript/op_rules.h"

namespace ingot::torchscript {

using StorageId = const c10::StorageImpl*;

struct TensorSnapshot {
  at::Tensor tensor;  // keeps object and storage alive; its metadata may have changed since
  StorageId storage = nullptr;  // nullptr: undefined, or of a kind that has no layout
  uint32_t epoch = 0;
  Layout layout = NoLayout();

  bool defined() const { return tensor.defined(); }
  // Has neither sizes nor a layout; padded_forms.h reads it.
  bool is_nested() const { return tensor.defined() && tensor.is_nested(); }
};

// One argument or result: its value (lists copied) and its tensors in order, undefined ones
// included.
struct Operand {
  c10::IValue value;
  std::vector<TensorSnapshot> tensors;
};

bool HasNested(const std::vector<Operand>& operands);

struct Call {
  const OpRule* rule = nullptr;
  std::vector<Operand> inputs;   // by schema position
  std::vector<Operand> outputs;  // by schema position
  std::string source;            // "model.py:12", or empty
};

class Tape {
 public:
  explicit Tape(const OpRules& rules) : rules_(rules) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  // Installs the callback on this thread. One scope at a time a thread.
  class Scope {
   public:
    explicit Scope(Tape& tape);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    at::CallbackHandle handle_;
  };

  // Declares that the tensor depends on the call's arguments: its earlier contents need no keeping.
  void MarkInput(const at::Tensor& tensor);

  const std::vector<Call>& calls() const { return calls_; }
  // An error of the tape itself; OK as a rule.
  const absl::Status& status() const { return status_; }

  TensorSnapshot Snapshot(const at::Tensor& tensor) const;
  // The snapshot's elements as a row-major tensor of its own or shared memory; undefined if they
  // are lost.
  at::Tensor Contents(const TensorSnapshot& snapshot) const;
  // The tensor's storage was written, by a kept call, since the tape began.
  bool WasWritten(StorageId storage) const { return epochs_.contains(storage); }
  // Undoes the writes, unless the storage depended on an input before them or its memory is gone.
  void Restore(StorageId storage) const;

 private:
  struct Frame;
  struct Context;
  static std::unique_ptr<at::ObserverContext> Start(const at::RecordFunction& function);
  static void End(const at::RecordFunction& function, at::ObserverContext* context);

  std::unique_ptr<Frame> OpenFrame(const at::RecordFunction& function);
  void CloseFrame(Frame& frame, const at::RecordFunction& function);
  std::vector<Operand> Operands(c10::ArrayRef<c10::IValue> values) const;
  bool IsSumOfChildren(const Frame& frame) const;
  bool ReadsUninitialised(const Call& call) const;
  void NoteReads(const Call& call, Frame& parent) const;
  void KeepWhole(Frame& frame);
  void Splice(Frame& frame);
  void PreserveWritten(const Call& call);
  void NoteWrites(const Call& call);
  void Keep(Call call);
  void CollectDeadMemory();
  bool DependsOnInput(const Call& call) const;

  const OpRules& rules_;
  std::vector<Call> calls_;
  DeadMemory dead_memory_;
  std::vector<Frame*> frames_;  // open calls, outermost first
  bool inside_whole_ = false;   // a call kept whole is open: nothing below it counts
  absl::Status status_;
  absl::flat_hash_map<StorageId, uint32_t> epochs_;  // absent: 0
  struct Copy {
    std::shared_ptr<char> bytes;
    size_t size = 0;
  };
  absl::flat_hash_map<std::pair<StorageId, uint32_t>, Copy> preserved_;
  absl::flat_hash_set<StorageId> dependent_;      // on the call's arguments or on randomness
  absl::flat_hash_set<StorageId> seen_;           // operands and results of kept calls
  absl::flat_hash_set<StorageId> uninitialised_;  // made by empty() and not written yet
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_TAPE_H_
