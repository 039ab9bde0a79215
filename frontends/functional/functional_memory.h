// Which value each piece of memory holds at the current point of a conversion.
//
// The heart of functionalisation. A storage that depends on the program's inputs has a *root*, the
// layout it was first seen with, whose value is always known, and views: chains of view ops from
// the root. A read through a view emits the chain on the root's present value (once a version). A
// write through a view emits the chain's inverse (slice → slice_scatter, transpose → transpose …)
// and so makes a new root value; all other views thereby become stale. A view that no op of the
// vocabulary makes, or that has no inverse, is read by index_select and written by cat +
// index_select over the root's elements: slow, but exact for any strides.
//
// A storage that depends on no input is a constant: reading it yields a constant input of the
// graph, or a chain of view nodes on the constant of a large weight, so that weights are stored
// once and as they are.
//
//   memory.DefineValue(storage, Layout::RowMajor(type), value);
//   memory.DefineView(storage, Layout::RowMajor(type), row.layout, row.step);
//   INGOT_RETURN_IF_ERROR(memory.Write(storage, row.layout, new_value));
//   INGOT_ASSIGN_OR_RETURN(ValueId now, memory.Read(storage, Layout::RowMajor(type)));
//
// Not thread-safe. The graph outlives the memory.
#ifndef INGOT_FRONTENDS_FUNCTIONAL_FUNCTIONAL_MEMORY_H_
#define INGOT_FRONTENDS_FUNCTIONAL_FUNCTIONAL_MEMORY_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/ir/graph.h"
#include "frontends/functional/layout.h"
#include "frontends/functional/view_inverse.h"
#include "frontends/functional/views.h"

namespace ingot::functional {

// What the frontend tells storages apart by.
using StorageKey = uint64_t;

// The graph's constants, which each frontend holds in its own way. Neither function may call the
// memory back, other than to look.
struct ConstantSource {
  // The value of these int64 numbers, as many as there are.
  std::function<absl::StatusOr<ir::ValueId>(const std::vector<int64_t>&)> add_index;
  // The value of what the layout shows of a constant storage at its present version.
  std::function<absl::StatusOr<ir::ValueId>(StorageKey, const Layout&)> add_contents;
};

class FunctionalMemory {
 public:
  // Reads and writes by positions of more elements than `max_positions` are refused: their cost
  // would be out of proportion to an untrusted file.
  FunctionalMemory(ir::Graph* graph, ConstantSource constants,
                   int64_t max_positions = std::numeric_limits<int64_t>::max());

  // From now on `root` is the whole of the storage and holds `value`: an input of the graph or an
  // op's result. Whatever was known of the storage is forgotten.
  void DefineValue(StorageKey storage, const Layout& root, ir::ValueId value);
  // A storage seen for the first time is a constant with this root; nothing happens to others. Of a
  // weight the bytes are kept as they are rather than each of its views.
  void DefineConstant(StorageKey storage, const Layout& root, bool is_weight);
  // `step` makes `view` of `base`. A view that is known keeps its step.
  // REQUIRES for this and what follows: `storage` is defined.
  void DefineView(StorageKey storage, const Layout& base, const Layout& view, ViewStep step);
  // A view whose value at the present version is known without any step.
  void DefineOverlap(StorageKey storage, const Layout& view, ir::ValueId value);
  // The constants' contents are those of another version, if it differs; 1 at first.
  void SetConstantVersion(StorageKey storage, uint64_t version);

  // It is defined, and no constant.
  bool DependsOnInput(StorageKey storage) const;
  const Layout& root(StorageKey storage) const { return storages_.at(storage).root->layout; }

  // Emits what it takes. Unimplemented for element types that graphs lack.
  absl::StatusOr<ir::ValueId> Read(StorageKey storage, const Layout& view);
  // `value` has the view's type. If elements of the view share a place, `value` has equal elements
  // there.
  absl::Status Write(StorageKey storage, const Layout& view, ir::ValueId value);

  // Emits a node with one result of `type`, which comes from the source that is set.
  ir::ValueId Emit(std::string op, std::vector<ir::Argument> args, ir::TensorType type);
  // Where in the program nodes and views come from, until it is set again.
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
  };
  struct Storage {
    bool is_constant = false;
    bool is_weight = false;
    uint64_t version = 1;
    Place* root = nullptr;
    absl::flat_hash_map<Layout, std::unique_ptr<Place>> places;
  };

  Storage& Reset(StorageKey key, const Layout& root);
  static Place& FindOrAdd(Storage& storage, const Layout& layout);
  static bool IsWorthANode(const Storage& storage, const Place& place);
  absl::StatusOr<ir::ValueId> ReadConstant(StorageKey key, Storage& storage, Place& place);
  absl::StatusOr<ir::ValueId> ReadPlace(Storage& storage, Place& place);
  absl::Status MakeVariable(StorageKey key, Storage& storage, const Place& written);
  absl::StatusOr<ir::ValueId> EmitStep(const Place& place, ir::ValueId operand);
  absl::StatusOr<ir::ValueId> EmitInverse(Storage& storage, const Place& place, InverseStep inverse,
                                          ir::ValueId value);
  absl::StatusOr<ir::ValueId> Gather(Storage& storage, const Layout& layout);
  absl::StatusOr<ir::ValueId> Scatter(Storage& storage, const Layout& layout, ir::ValueId value);
  absl::Status CheckPositions(const Layout& root, const Layout& layout) const;
  ir::ValueId Reshape(ir::ValueId value, const ir::TensorType& type);
  absl::StatusOr<ir::ValueId> Pick(ir::ValueId flat, const std::vector<int64_t>& index,
                                   const ir::TensorType& type);

  ir::Graph* graph_;
  const ConstantSource constants_;
  const int64_t max_positions_;
  std::string source_;
  absl::flat_hash_map<StorageKey, Storage> storages_;
};

}  // namespace ingot::functional

#endif  // INGOT_FRONTENDS_FUNCTIONAL_FUNCTIONAL_MEMORY_H_
