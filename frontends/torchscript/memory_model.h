// Which value each piece of LibTorch's memory holds at the current point of a recording.
//
// The heart of functionalisation. A storage that depends on the call's inputs has a *root*, the
// layout it was first seen with, whose value is always known, and views: chains of view ops from
// the root. A read through a view emits the chain on the root's present value (once a version). A
// write through a view emits the chain's inverse (slice → slice_scatter, transpose → transpose …)
// and so makes a new root value; all other views thereby become stale. A view that LibTorch made in
// a way that the vocabulary lacks, or that has no inverse, is read by index_select and written by
// cat + index_select over the root's elements: slow, but exact for any strides.
//
// A storage that depends on no input is a constant: reading it yields a constant input of the
// graph, or a chain of view nodes on the constant of a large weight, so that weights are stored
// once and as they are.
//
// Not thread-safe. Pointers outlive the model.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_MEMORY_MODEL_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_MEMORY_MODEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/ir/graph.h"
#include "frontends/torchscript/constant_pool.h"
#include "frontends/torchscript/tape.h"

namespace ingot::torchscript {

// One view op. `args[0]` is the operand and is filled in when the step is emitted. An empty op: by
// element positions.
struct ViewStep {
  std::string op;
  std::vector<ir::Argument> args;
  std::string source;
};

class MemoryModel {
 public:
  // `name_of` yields the debug name of a storage of the module, or nothing for memory made during
  // the call.
  using NameOf = std::function<const std::string*(StorageId)>;
  MemoryModel(const Tape& tape, ir::Graph* graph, ConstantPool* constants, NameOf name_of);

  // An input of the graph, whole.
  void DefineInput(const TensorSnapshot& tensor, ir::ValueId value);
  // One more tensor over the memory of an input or result, which has a value of its own until the
  // memory is written.
  void DefineOverlap(const TensorSnapshot& tensor, ir::ValueId value);
  // Inputs that share memory of which none holds all. Emits what puts them together.
  absl::Status DefineUnion(const std::vector<std::pair<TensorSnapshot, ir::ValueId>>& inputs);
  // The result of an op, in memory of its own.
  void DefineResult(const TensorSnapshot& tensor, ir::ValueId value);
  // The result of an op, independent of all inputs.
  void DefineConstant(const TensorSnapshot& tensor);
  // `view` shares the memory of `base`.
  void DefineView(const TensorSnapshot& base, const Layout& view, ViewStep step);

  bool DependsOnInput(const TensorSnapshot& tensor) const;
  // Emits what it takes. Unimplemented for element types that graphs lack.
  absl::StatusOr<ir::ValueId> Read(const TensorSnapshot& tensor);
  // `value` has the sizes and dtype of `after`, the target's layout after the call.
  absl::Status Write(const TensorSnapshot& target, const Layout& after, ir::ValueId value);

  // Emits a node with one result of `type`.
  ir::ValueId Emit(std::string op, std::vector<ir::Argument> args, ir::TensorType type,
                   std::string source = "");

 private:
  struct View {
    Layout layout;
    View* parent = nullptr;  // nullptr: the root
    ViewStep step;
    uint64_t version = 0;  // of the storage, at which `value` was found; 0: never
    ir::ValueId value = ir::kNoValue;
  };
  struct Memory {
    bool depends_on_input = false;
    uint64_t version = 1;
    View* root = nullptr;
    absl::flat_hash_map<Layout, std::unique_ptr<View>> views;
  };

  Memory& Reset(StorageId storage, const Layout& root);
  Memory& FindOrAdd(const TensorSnapshot& tensor);
  View& FindOrAddView(Memory& memory, const Layout& layout);
  absl::StatusOr<ir::ValueId> ReadView(Memory& memory, View& view);
  absl::StatusOr<ir::ValueId> ReadConstant(const TensorSnapshot& tensor);
  bool IsWorthANode(const TensorSnapshot& tensor, const Memory& memory, const View& view) const;
  absl::StatusOr<ir::ValueId> EmitStep(const View& view, ir::ValueId operand);
  absl::StatusOr<ir::ValueId> EmitInverse(Memory& memory, View& view, ir::ValueId value);
  absl::StatusOr<ir::ValueId> Gather(const View& root, const Layout& layout);
  absl::StatusOr<ir::ValueId> Scatter(const View& root, const Layout& layout, ir::ValueId value);
  ir::ValueId AddIndex(std::vector<int64_t> index);

  const Tape& tape_;
  ir::Graph* graph_;
  ConstantPool* constants_;
  NameOf name_of_;
  absl::flat_hash_map<StorageId, Memory> memory_;
  absl::flat_hash_map<std::tuple<StorageId, uint32_t, Layout>, ir::ValueId> constant_values_;
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_MEMORY_MODEL_H_
