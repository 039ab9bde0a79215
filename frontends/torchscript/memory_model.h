// Which value each piece of LibTorch's memory holds at the current point of a recording.
//
// Values, views and writes are frontends/functional's; here are the tape's snapshots as its
// storages and layouts, inputs that overlap, and constants as LibTorch's memory. A constant has a
// version for each epoch of its storage, since calls that depend on no input write it without a
// node.
//
// Not thread-safe. Pointers outlive the model.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_MEMORY_MODEL_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_MEMORY_MODEL_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/ir/graph.h"
#include "frontends/functional/functional_memory.h"
#include "frontends/functional/views.h"
#include "frontends/torchscript/constant_pool.h"
#include "frontends/torchscript/tape.h"

namespace ingot::torchscript {

class MemoryModel {
 public:
  // `name_of` yields the debug name of a storage of the module, or nothing for memory made during
  // the call.
  using NameOf = std::function<const std::string*(StorageId)>;
  MemoryModel(const Tape& tape, ir::Graph* graph, ConstantPool* constants, NameOf name_of);
  MemoryModel(const MemoryModel&) = delete;
  MemoryModel& operator=(const MemoryModel&) = delete;

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
  void DefineView(const TensorSnapshot& base, const Layout& view, functional::ViewStep step);

  bool DependsOnInput(const TensorSnapshot& tensor) const;
  // Emits what it takes. Unimplemented for element types that graphs lack.
  absl::StatusOr<ir::ValueId> Read(const TensorSnapshot& tensor);
  // `value` has the sizes and dtype of `after`, the target's layout after the call. If elements of
  // the target share a place, `value` has equal elements there.
  absl::Status Write(const TensorSnapshot& target, const Layout& after, ir::ValueId value);

  // Emits a node with one result of `type`, which comes from the source that is set.
  ir::ValueId Emit(std::string op, std::vector<ir::Argument> args, ir::TensorType type) {
    return memory_.Emit(std::move(op), std::move(args), std::move(type));
  }
  // Where in the program nodes and views come from, until it is set again.
  void set_source(std::string source) { memory_.set_source(std::move(source)); }

 private:
  // The storage, as a constant if it is seen for the first time, at the snapshot's epoch.
  functional::StorageKey Follow(const TensorSnapshot& tensor);
  absl::StatusOr<ir::ValueId> AddContents(functional::StorageKey storage, const Layout& layout);
  ir::ValueId AddIndex(const std::vector<int64_t>& index);

  const Tape& tape_;
  ConstantPool* constants_;
  NameOf name_of_;
  const TensorSnapshot* followed_ = nullptr;  // of a read or write while it goes on
  functional::FunctionalMemory memory_;
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_MEMORY_MODEL_H_
