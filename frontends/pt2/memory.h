// Which value each piece of memory holds at the current point of a conversion.
//
// The heart of functionalisation, as in frontends/torchscript/memory_model.h but without LibTorch:
// here memory is what the graph's ops say of it. A storage whose contents are known is a constant:
// reading it yields a constant input of the graph. One that depends on the call's inputs has a
// *root*, whose value is always known, and views: chains of view ops from the root. A read through
// a view emits the chain on the root's present value (once a version). A write through a view emits
// the chain's inverse (slice → slice_scatter, transpose → transpose …) and so makes a new root
// value; all other views thereby become stale. A view without an inverse is written by cat and
// index_select over the root's elements: slow, but exact for any strides.
//
//   TensorId x = memory.AddInput(Layout::RowMajor(type), value);
//   TensorId row = memory.AddView(x, views[0]);
//   INGOT_RETURN_IF_ERROR(memory.Write(row, new_value));
//   INGOT_ASSIGN_OR_RETURN(ValueId now, memory.Read(x));
//
// Two ids over one storage with one layout show the same elements. Not thread-safe.
#ifndef INGOT_FRONTENDS_PT2_MEMORY_H_
#define INGOT_FRONTENDS_PT2_MEMORY_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/ir/graph.h"
#include "frontends/pt2/constants.h"
#include "frontends/pt2/operand.h"
#include "frontends/pt2/views.h"

namespace ingot::pt2 {

class Memory {
 public:
  Memory(ir::Graph* graph, ConstantPool* constants) : graph_(graph), constants_(constants) {}

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
  bool IsConstant(TensorId id) const { return storage(id).is_constant; }
  bool SharesMemory(TensorId a, TensorId b) const {
    return tensors_[a].storage == tensors_[b].storage;
  }
  // How many elements the memory has that `id` shows some of.
  int64_t MemoryElements(TensorId id) const { return storage(id).root->layout.type.NumElements(); }
  bool WasWritten(TensorId id) const { return storage(id).was_written; }

  // Emits what it takes.
  absl::StatusOr<ir::ValueId> Read(TensorId id);
  // The elements of a constant, row-major; copied at most once. REQUIRES: IsConstant(id).
  absl::StatusOr<HostConstant> Contents(TensorId id);
  // `value` has the target's type. Unimplemented: frozen memory, or a view that is too large to be
  // written by positions.
  absl::Status Write(TensorId target, ir::ValueId value);

  // Emits a node with one result of `type`, with the source that is set.
  ir::ValueId Emit(std::string op, std::vector<ir::Argument> args, ir::TensorType type);
  void set_source(std::string source) { source_ = std::move(source); }
  const std::string& source() const { return source_; }

 private:
  struct Place {
    Layout layout;
    Place* parent = nullptr;  // nullptr: the root
    ViewStep step;
    std::string source;
    uint64_t version = 0;  // of the storage, at which `value` was found; 0: never
    ir::ValueId value = ir::kNoValue;
    HostConstant contents;  // of a constant, once asked for
    bool has_contents = false;
  };
  struct Storage {
    bool is_constant = false, was_written = false, is_frozen = false;
    std::string name;  // of the weight
    uint64_t version = 1;
    Place* root = nullptr;
    absl::flat_hash_map<Layout, std::unique_ptr<Place>> places;
  };
  struct Tensor {
    Layout layout;
    uint32_t storage = 0;
  };

  Storage& storage(TensorId id) { return *storages_[tensors_[id].storage]; }
  const Storage& storage(TensorId id) const { return *storages_[tensors_[id].storage]; }
  Place& PlaceOf(TensorId id) { return *storage(id).places.at(tensors_[id].layout); }
  TensorId Add(Layout layout, std::unique_ptr<Storage> storage);

  absl::StatusOr<ir::ValueId> ReadPlace(Storage& storage, Place& place);
  absl::StatusOr<ir::ValueId> ReadConstant(Storage& storage, Place& place);
  absl::StatusOr<HostConstant> ContentsOf(Storage& storage, Place& place);
  static bool IsWorthANode(const Storage& storage, const Place& place);
  ir::ValueId EmitStep(const Place& place, ir::ValueId operand);
  absl::StatusOr<ir::ValueId> EmitInverse(Storage& storage, Place& place, InverseStep inverse,
                                          ir::ValueId value);
  absl::StatusOr<ir::ValueId> Scatter(Storage& storage, const Layout& layout, ir::ValueId value);
  absl::StatusOr<ir::ValueId> Gather(Storage& storage, const Layout& layout);

  ir::Graph* graph_;
  ConstantPool* constants_;
  std::string source_;
  std::vector<std::unique_ptr<Storage>> storages_;
  std::vector<Tensor> tensors_;
};

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_MEMORY_H_
