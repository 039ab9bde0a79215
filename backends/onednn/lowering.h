// From a graph to the steps of a program: the state that lowering functions share, and their table.
//
// Families (matmul.cc, conv.cc, …) provide an OpLowering an op: whether this backend can run a
// node, and how. `Lowering` holds what has been built so far: a tensor for each value, the buffers,
// the steps. Its rules:
//  - a buffer is written by exactly one step, before anything reads it; only a step that reads it
//  as
//    well may write it again (an addend that a convolution accumulates on), the last to want what
//    was there;
//  - a step all of whose inputs are constants runs at once, and what it writes is a constant: this
//    is how weights get packed and constant sub-graphs folded;
//  - lowering functions never see host addresses, only tensors.
// Not thread-safe; one object a compilation.
#ifndef INGOT_BACKENDS_ONEDNN_LOWERING_H_
#define INGOT_BACKENDS_ONEDNN_LOWERING_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/onednn/constant_memory.h"
#include "backends/onednn/engine.h"
#include "backends/onednn/fusion.h"
#include "backends/onednn/program.h"
#include "backends/onednn/rounding.h"
#include "backends/onednn/strips.h"
#include "backends/onednn/tensor.h"
#include "backends/sdk/backend.h"
#include "core/ir/graph.h"
#include "core/ops/op_view.h"

namespace ingot::onednn {

// An operand of a step that is being added.
struct Operand {
  BufferId buffer = 0;
  int64_t offset = 0;
  bool write = false;
};
inline Operand Read(const Tensor& t) { return {t.buffer, t.offset, false}; }
inline Operand Write(const Tensor& t) { return {t.buffer, t.offset, true}; }

// A primitive's operand: its argument number (0: not an argument, but memory that the call
// touches), place and layout.
struct CallArgument {
  int argument = 0;
  Operand operand;
  MemoryDesc desc;
};
inline CallArgument Reads(int argument, const Tensor& t) { return {argument, Read(t), t.Desc()}; }
inline CallArgument Writes(int argument, const Tensor& t) { return {argument, Write(t), t.Desc()}; }

// Memory of a program that is being built.
struct Buffer {
  enum class Kind : uint8_t { kWorkspace, kInput, kConstant, kOutput };
  Kind kind = Kind::kWorkspace;
  uint32_t index = 0;  // of the input or output
  size_t bytes = 0;
  bool scratch = false;        // of one step
  bool copy = false;           // made by Dense, Strided or InLayout, which may hand it out again
  const char* data = nullptr;  // kConstant
  ConstantMemory memory;       // kConstant: of its own; empty for the host's
  int host_constant = -1;      // kConstant: the index of the host's, until it is dropped
  bool in_program = false;     // a step of the program reads or writes it
};

struct DraftStep {
  Step step;
  std::vector<Operand> operands;  // by position in step.refs
  // The written operand may live in the memory of the read one if that dies here and no other
  // operand is there; -1: none.
  int in_place_read = -1, in_place_write = -1;
  std::shared_ptr<const LineStep> lines;         // null: only as a whole
  std::shared_ptr<const RoundingStep> rounding;  // null: only as it is
  // So many dense f32 elements of operand 0 are rounded to bf16 in the same order, operand 1; 0:
  // the step does something else.
  int64_t rounded_elements = 0;
};

// What a kernel can do beyond running as a whole from operands to operands.
struct KernelAbilities {
  // Output operand `in_place_write` may take over the memory of `in_place_read`; -1: none may.
  int in_place_read = -1, in_place_write = -1;
  std::optional<LineStep> lines;  // make some lines of its result alone
  std::optional<RoundingStep> rounding;
};

class Lowering {
 public:
  struct Options {
    int threads = 1;
    bool bf16 = false;            // CompileOptions::bf16, on a machine that has it
    bool strips = true;           // FusionOptions::strips
    bool roundings = true;        // FusionOptions::roundings
    int64_t own_cache_bytes = 0;  // of a core; 0: this machine's
  };
  Lowering(const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants,
           const sdk::CompileContext& context, Options options);
  ~Lowering();
  Lowering(const Lowering&) = delete;
  Lowering& operator=(const Lowering&) = delete;

  const ir::Graph& graph() const { return graph_; }
  int threads() const { return options_.threads; }
  bool bf16() const { return options_.bf16; }
  ops::OpView View(ir::NodeId node) const { return ops::OpView(graph_, graph_.node(node)); }

  // --- Values ---
  // The tensor of a value in the layout that its producer chose.
  const Tensor& Get(ir::ValueId value) const { return tensors_[value]; }
  void Set(ir::ValueId value, Tensor tensor);
  // Same contents with strides (any); reorders opaque tensors once a value.
  absl::StatusOr<Tensor> Strided(const Tensor& tensor);
  // Same contents, dense and row-major; copies only when needed, once a tensor.
  absl::StatusOr<Tensor> Dense(const Tensor& tensor);
  absl::StatusOr<Tensor> Strided(ir::ValueId value) { return Strided(Get(value)); }
  absl::StatusOr<Tensor> Dense(ir::ValueId value) { return Dense(Get(value)); }
  // Same contents in the layout of `desc` (of the same dims), by a oneDNN reorder when needed.
  absl::StatusOr<Tensor> InLayout(const Tensor& tensor, const MemoryDesc& desc) {
    return InLayout(tensor, desc, tensor.dtype);
  }
  // … rounded to `dtype`, which is that of `desc`.
  absl::StatusOr<Tensor> InLayout(const Tensor& tensor, const MemoryDesc& desc, ir::DType dtype);
  // Whether the contents are known now.
  bool IsConstant(const Tensor& tensor) const {
    return buffers_[tensor.buffer].kind == Buffer::Kind::kConstant;
  }
  // Whether an earlier step of the program reads this constant, which therefore stays as it lies.
  bool StaysPlain(const Tensor& tensor) const {
    return IsConstant(tensor) && buffers_[tensor.buffer].in_program;
  }
  // Says that a step of the program reads all of this constant on each call: the program holds it
  // in memory of its own from now on, not in the host's, which may be a file's small pages.
  absl::Status WillStream(const Tensor& constant);
  // REQUIRES: IsConstant, strided.
  const char* ConstantData(const Tensor& tensor) const {
    return buffers_[tensor.buffer].data + tensor.offset;
  }
  // Whether the unit being lowered is the last to use the memory of `tensor`, which is then free to
  // be overwritten by it.
  bool DiesHere(const Tensor& tensor) const;

  // --- Memory ---
  Tensor NewTensor(ir::DType dtype, absl::Span<const int64_t> dims);  // row-major
  Tensor NewTensor(const ir::TensorType& type) { return NewTensor(type.dtype, type.dims); }
  // With the layout of `desc`: strided if strides can express it.
  Tensor NewTensor(ir::DType dtype, absl::Span<const int64_t> dims, const MemoryDesc& desc);
  // Memory without a type, e.g. scratch; used by one step as a written operand.
  Operand NewScratch(size_t bytes);
  // A constant copied from `data`.
  absl::StatusOr<Tensor> NewConstant(ir::DType dtype, absl::Span<const int64_t> dims,
                                     const void* data);

  // --- Steps ---
  // `fn` gets the operands by position. Kernels decide by themselves whether threads pay.
  absl::Status AddKernel(absl::string_view implementation, std::vector<Operand> operands,
                         StepFn fn);
  absl::Status AddKernel(absl::string_view implementation, std::vector<Operand> operands, StepFn fn,
                         KernelAbilities abilities);
  // As AddKernel; output operand `write` may take over the memory of operand `read`.
  absl::Status AddInPlaceKernel(absl::string_view implementation, std::vector<Operand> operands,
                                int read, int write, StepFn fn);
  // Creates the primitive of `desc` and calls it. Adds the scratchpad.
  absl::Status AddCall(const PrimitiveDesc& desc, std::vector<CallArgument> arguments);
  // oneDNN fixes the number of threads when a descriptor is made: those made, and the calls added,
  // from now on use as many as work that takes one thread `nanoseconds` deserves.
  void UseThreadsFor(double nanoseconds);

  // Which nodes the next steps stand for.
  void BeginUnit(const Unit& unit);
  void EndUnit();
  // For a lowering function that finds that its unit, of several nodes, is better lowered as
  // InParts says; it then returns OK at once. It has set no value and added no step yet but those
  // that fold constants, whose results are dropped, and those of copies, which the parts find
  // again.
  void GiveUpUnit() { gave_up_ = true; }
  bool gave_up() const { return gave_up_; }
  // Instead of EndUnit: as if the unit had not begun.
  void AbandonUnit();

  // Binds the graph's outputs, plans memory and gives the finished program.
  absl::StatusOr<std::unique_ptr<Program>> Finish() &&;

 private:
  struct TensorKey {
    BufferId buffer;
    int64_t offset;
    ir::Dims dims, strides;
    bool operator==(const TensorKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const TensorKey& k) {
      return H::combine(std::move(h), k.buffer, k.offset, k.dims, k.strides);
    }
  };

  void SetThreads(int threads);
  BufferId NewBuffer(size_t bytes);
  absl::Status AddStep(DraftStep draft);
  absl::Status RunNow(DraftStep& draft);
  // Says of the unit's steps how what they read and make lies.
  void NameLayouts();
  // Copies made of `buffer` are no longer used for it: a step overwrites it, or nothing asks for it
  // any more. Returns them.
  std::vector<BufferId> ForgetCopies(BufferId buffer);
  // Makes it a constant with uninitialised memory of its own.
  absl::Status Materialize(Buffer& buffer);
  // Copies the host's constant and drops it. Does nothing to others.
  absl::Status TakeFromHost(Buffer& buffer);
  // Whether a unit that is still to come may ask for the contents.
  bool MayBeAskedFor(BufferId buffer) const;
  // Gives back a constant that neither the program nor a later unit reads, and copies made of it.
  void DropConstant(BufferId buffer);
  // … of those that were made for the unit.
  void DropUnitsConstants();
  // The host's constants that no step reads are dropped, small ones after they were copied.
  absl::Status SettleHostConstants();
  absl::Status BindOutput(uint32_t index, const Tensor& tensor);
  // By buffer, how many operands of steps it is.
  std::vector<int> CountUses() const;
  bool IsStripLink(size_t step, absl::Span<const int> uses) const;
  void MergeStrips();
  void StoreRounded(DraftStep& step, const Operand& rounded);
  void MergeRoundings();

  const ir::Graph& graph_;
  const sdk::CompileContext& context_;
  const Options options_;
  const int saved_threads_;      // the caller's OpenMP setting
  std::vector<Tensor> tensors_;  // by value
  std::vector<Buffer> buffers_;
  ConstantPool constant_pool_;
  std::vector<bool> written_;  // by buffer
  std::vector<DraftStep> steps_;
  std::vector<int> uses_left_;                       // by value: units and outputs still to come
  std::vector<std::vector<ir::ValueId>> values_of_;  // by buffer
  absl::flat_hash_map<TensorKey, Tensor> dense_;     // copies made by Dense
  struct Reordered {
    BufferId source = 0;
    int64_t offset = 0;
    MemoryDesc from, to;
    Tensor result;
  };
  std::vector<Reordered> reordered_;  // by InLayout
  const Unit* unit_ = nullptr;        // being lowered
  bool gave_up_ = false;
  BufferId unit_begin_ = 0;  // buffers from here on were made for it
  size_t unit_steps_ = 0;    // steps from here on are its
  StepInfo current_;
  int call_threads_ = 1;
  size_t num_inputs_ = 0;
};

// --- The table ---

struct OpLowering {
  const char* op;  // "aten::linear"
  // OK if Lower takes this node; else the reason, for people.
  absl::Status (*supports)(const ir::Graph& graph, const ops::OpView& view);
  absl::Status (*lower)(Lowering& lowering, const Unit& unit);
};

// nullptr: this backend has no lowering for the op.
const OpLowering* FindLowering(absl::string_view op);
// All entries, sorted by name.
absl::Span<const OpLowering* const> AllLowerings();

// --- Families ---
absl::Span<const OpLowering> MatmulLowerings();
absl::Span<const OpLowering> ConvLowerings();
absl::Span<const OpLowering> PoolLowerings();
absl::Span<const OpLowering> NormLowerings();
absl::Span<const OpLowering> AttentionLowerings();
absl::Span<const OpLowering> RnnLowerings();
absl::Span<const OpLowering> ReduceLowerings();
absl::Span<const OpLowering> IndexLowerings();
absl::Span<const OpLowering> ScanLowerings();
absl::Span<const OpLowering> LossLowerings();
absl::Span<const OpLowering> ScatterLowerings();
absl::Span<const OpLowering> SearchLowerings();
absl::Span<const OpLowering> AlgebraLowerings();
absl::Span<const OpLowering> SortLowerings();
absl::Span<const OpLowering> ResampleLowerings();
absl::Span<const OpLowering> ShapeLowerings();
absl::Span<const OpLowering> MoveLowerings();
absl::Span<const OpLowering> RandomLowerings();
absl::Span<const OpLowering> PointwiseLowerings();

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_LOWERING_H_
