// Tensors of a program under conversion: which memory each shows, and what that memory holds.
//
// Values, views and writes are frontends/functional's; here are the identity of tensor objects and
// constants as bytes, so that they can be computed with.
//
//   TensorId x = memory.AddValue(Layout::RowMajor(type), value);
//   TensorId row = memory.AddView(x, views[0]);
//   INGOT_RETURN_IF_ERROR(memory.Write(row, new_value));
//   INGOT_ASSIGN_OR_RETURN(ValueId now, memory.Read(x));
//
// Two ids over one storage with one layout show the same elements. Not thread-safe.
#ifndef INGOT_FRONTENDS_PT2_MEMORY_H_
#define INGOT_FRONTENDS_PT2_MEMORY_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/ir/graph.h"
#include "frontends/functional/functional_memory.h"
#include "frontends/functional/layout.h"
#include "frontends/functional/views.h"
#include "frontends/pt2/constants.h"
#include "frontends/pt2/operand.h"

namespace ingot::pt2 {

using functional::Layout;
using functional::View;

class Memory {
 public:
  Memory(ir::Graph* graph, ConstantPool* constants);
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Memory of its own. `layout` must be dense from offset 0.
  TensorId AddValue(Layout layout, ir::ValueId value);
  TensorId AddConstant(HostConstant constant, std::string name = "");
  TensorId AddView(TensorId base, View view);
  // One more tensor object that shows the same elements.
  TensorId AddAlias(TensorId tensor);
  // `results` share memory with `operands` in a way that isn't known: none of it may be written
  // from now on.
  void Freeze(TensorId tensor);

  const Layout& layout(TensorId id) const { return tensors_[id].layout; }
  const ir::TensorType& type(TensorId id) const { return tensors_[id].layout.type; }
  bool IsConstant(TensorId id) const { return !memory_.DependsOnInput(tensors_[id].storage); }
  bool SharesMemory(TensorId a, TensorId b) const {
    return tensors_[a].storage == tensors_[b].storage;
  }
  // How many elements the memory has that `id` shows some of.
  int64_t MemoryElements(TensorId id) const {
    return memory_.root(tensors_[id].storage).type.NumElements();
  }
  bool WasWritten(TensorId id) const { return storages_[tensors_[id].storage].was_written; }

  // Emits what it takes.
  absl::StatusOr<ir::ValueId> Read(TensorId id);
  // The elements of a constant, row-major; copied at most once. REQUIRES: IsConstant(id).
  absl::StatusOr<HostConstant> Contents(TensorId id);
  // `value` has the target's type. Elements that share a place may be written only if all of
  // `value` is one number, which `fills` says: InvalidArgument else, as eager has it.
  // Unimplemented: frozen memory, or a view that is too large to be written by positions.
  absl::Status Write(TensorId target, ir::ValueId value, bool fills = false);

  // Where in the program nodes and views come from, until it is set again.
  void set_source(std::string source) { memory_.set_source(std::move(source)); }
  const std::string& source() const { return memory_.source(); }

 private:
  struct Storage {
    bool was_written = false;
    bool is_frozen = false;
    std::string name;  // of the weight
    // Of a constant: its root's, and its views' as far as they were asked for.
    absl::flat_hash_map<Layout, HostConstant> contents;
  };
  struct Tensor {
    Layout layout;
    uint32_t storage = 0;
  };

  TensorId Add(Layout layout, uint32_t storage);
  absl::Status CheckPlaces(TensorId target) const;
  absl::StatusOr<HostConstant> ContentsOf(uint32_t storage, const Layout& layout);
  absl::StatusOr<ir::ValueId> AddIndex(const std::vector<int64_t>& index);
  absl::StatusOr<ir::ValueId> AddContents(uint32_t storage, const Layout& layout);

  ConstantPool* constants_;
  functional::FunctionalMemory memory_;
  std::vector<Storage> storages_;
  std::vector<Tensor> tensors_;
};

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_MEMORY_H_
