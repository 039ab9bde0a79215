#include "frontends/functional/functional_memory.h"

#include <numeric>
#include <optional>
#include <utility>

#include "core/base/status_macros.h"

namespace ingot::functional {
namespace {

using ir::ValueId;
using ir::ValueRef;

// Views of constants up to this many elements are stored, not computed.
constexpr int64_t kSmallView = 64;
// … and so are views of a weight that are at most this part of it.
constexpr int64_t kSmallPart = 4;

absl::StatusOr<ir::TensorType> TypeOrError(const Layout& layout) {
  const std::optional<ir::TensorType> type = TypeOf(layout);
  if (type) return *type;
  return absl::UnimplementedError("a view of a dtype that graphs lack is not supported");
}

}  // namespace

FunctionalMemory::FunctionalMemory(ir::Graph* graph, ConstantSource constants,
                                   int64_t max_positions)
    : graph_(graph), constants_(std::move(constants)), max_positions_(max_positions) {}

FunctionalMemory::Storage& FunctionalMemory::Reset(StorageKey key, const Layout& root) {
  Storage& storage = storages_[key];
  storage = Storage();
  auto place = std::make_unique<Place>();
  place->layout = root;
  storage.root = place.get();
  storage.places.emplace(root, std::move(place));
  return storage;
}

FunctionalMemory::Place& FunctionalMemory::FindOrAdd(Storage& storage, const Layout& layout) {
  auto [entry, inserted] = storage.places.try_emplace(layout);
  if (inserted) {
    entry->second = std::make_unique<Place>();
    entry->second->layout = layout;
    entry->second->parent = storage.root;
  }
  return *entry->second;
}

void FunctionalMemory::DefineValue(StorageKey storage, const Layout& root, ValueId value) {
  Storage& memory = Reset(storage, root);
  memory.root->value = value;
  memory.root->version = memory.version;
}

void FunctionalMemory::DefineConstant(StorageKey storage, const Layout& root, bool is_weight) {
  if (storages_.contains(storage)) return;
  Storage& memory = Reset(storage, root);
  memory.is_constant = true;
  memory.is_weight = is_weight;
}

void FunctionalMemory::DefineView(StorageKey storage, const Layout& base, const Layout& view,
                                  ViewStep step) {
  Storage& memory = storages_.at(storage);
  Place& parent = FindOrAdd(memory, base);
  auto [entry, inserted] = memory.places.try_emplace(view);
  if (!inserted) return;
  entry->second = std::make_unique<Place>();
  entry->second->layout = view;
  entry->second->parent = step.op.empty() ? memory.root : &parent;
  entry->second->step = std::move(step);
  entry->second->source = source_;
}

void FunctionalMemory::DefineOverlap(StorageKey storage, const Layout& view, ValueId value) {
  Storage& memory = storages_.at(storage);
  Place& place = FindOrAdd(memory, view);
  if (place.version == memory.version) return;
  place.value = value;
  place.version = memory.version;
}

void FunctionalMemory::SetConstantVersion(StorageKey storage, uint64_t version) {
  Storage& memory = storages_.at(storage);
  if (memory.is_constant) memory.version = version;
}

bool FunctionalMemory::DependsOnInput(StorageKey storage) const {
  const auto memory = storages_.find(storage);
  return memory != storages_.end() && !memory->second.is_constant;
}

absl::StatusOr<ValueId> FunctionalMemory::Read(StorageKey storage, const Layout& view) {
  Storage& memory = storages_.at(storage);
  Place& place = FindOrAdd(memory, view);
  return memory.is_constant ? ReadConstant(storage, memory, place) : ReadPlace(memory, place);
}

absl::StatusOr<ValueId> FunctionalMemory::ReadPlace(Storage& storage, Place& place) {
  if (place.version == storage.version) return place.value;
  if (place.step.op.empty()) {
    INGOT_ASSIGN_OR_RETURN(place.value, Gather(storage, place.layout));
  } else {
    INGOT_ASSIGN_OR_RETURN(const ValueId operand, ReadPlace(storage, *place.parent));
    INGOT_ASSIGN_OR_RETURN(place.value, EmitStep(place, operand));
  }
  place.version = storage.version;
  return place.value;
}

// A weight keeps its own bytes and gets view nodes; what was computed on the way is stored as it is
// used, unless the view repeats elements.
bool FunctionalMemory::IsWorthANode(const Storage& storage, const Place& place) {
  if (place.parent == nullptr || place.step.op.empty()) return false;
  const int64_t elements = place.layout.type.NumElements();
  const int64_t whole = storage.root->layout.type.NumElements();
  if (elements <= kSmallView) return false;
  if (!storage.is_weight) return elements > whole;
  return elements * kSmallPart > whole;
}

absl::StatusOr<ValueId> FunctionalMemory::ReadConstant(StorageKey key, Storage& storage,
                                                       Place& place) {
  if (place.version == storage.version) return place.value;
  if (IsWorthANode(storage, place)) {
    INGOT_ASSIGN_OR_RETURN(const ValueId operand, ReadConstant(key, storage, *place.parent));
    INGOT_ASSIGN_OR_RETURN(place.value, EmitStep(place, operand));
  } else {
    INGOT_ASSIGN_OR_RETURN(place.value, constants_.add_contents(key, place.layout));
  }
  place.version = storage.version;
  return place.value;
}

absl::Status FunctionalMemory::MakeVariable(StorageKey key, Storage& storage,
                                            const Place& written) {
  // A write of the whole leaves nothing of the constant.
  if (&written != storage.root) {
    INGOT_RETURN_IF_ERROR(ReadConstant(key, storage, *storage.root));
  }
  storage.is_constant = false;
  // Versions of constants come from outside and need not grow.
  for (auto& [layout, place] : storage.places) {
    if (place.get() != storage.root) place->version = 0;
  }
  return absl::OkStatus();
}

absl::Status FunctionalMemory::Write(StorageKey storage, const Layout& view, ValueId value) {
  Storage& memory = storages_.at(storage);
  Place* place = &FindOrAdd(memory, view);
  if (memory.is_constant) INGOT_RETURN_IF_ERROR(MakeVariable(storage, memory, *place));
  std::vector<std::pair<Place*, ValueId>> path = {{place, value}};
  while (place->parent != nullptr) {
    std::optional<InverseStep> inverse = Inverse(place->step, place->parent->layout.type);
    // The inverse of a step into overlapping elements would leave those beside the written ones
    // stale.
    if (inverse && place->layout.HasOwnPlaces() && place->parent->layout.HasOwnPlaces()) {
      INGOT_ASSIGN_OR_RETURN(value, EmitInverse(memory, *place, *std::move(inverse), value));
      place = place->parent;
    } else {
      INGOT_ASSIGN_OR_RETURN(value, Scatter(memory, place->layout, value));
      place = memory.root;
    }
    path.emplace_back(place, value);
  }
  ++memory.version;
  for (auto& [known, written] : path) {
    known->value = written;
    known->version = memory.version;
  }
  return absl::OkStatus();
}

ValueId FunctionalMemory::Emit(std::string op, std::vector<ir::Argument> args,
                               ir::TensorType type) {
  const ir::NodeId node =
      graph_->AddNode(std::move(op), std::move(args), {std::move(type)}, source_);
  return graph_->node(node).outputs[0];
}

absl::StatusOr<ValueId> FunctionalMemory::EmitStep(const Place& place, ValueId operand) {
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, TypeOrError(place.layout));
  std::vector<ir::Argument> args = place.step.args;
  args[0] = ValueRef{operand};
  const ir::NodeId node =
      graph_->AddNode(place.step.op, std::move(args), {std::move(type)}, place.source);
  return graph_->node(node).outputs[0];
}

absl::StatusOr<ValueId> FunctionalMemory::EmitInverse(Storage& storage, const Place& place,
                                                      InverseStep inverse, ValueId value) {
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, TypeOrError(place.parent->layout));
  inverse.args[inverse.keeps_rest ? 1 : 0] = ValueRef{value};
  if (inverse.keeps_rest) {
    INGOT_ASSIGN_OR_RETURN(const ValueId rest, ReadPlace(storage, *place.parent));
    inverse.args[0] = ValueRef{rest};
  }
  return Emit(std::move(inverse.op), std::move(inverse.args), std::move(type));
}

absl::Status FunctionalMemory::CheckPositions(const Layout& root, const Layout& layout) const {
  if (root.type.NumElements() <= max_positions_ && layout.type.NumElements() <= max_positions_)
    return absl::OkStatus();
  return absl::UnimplementedError(
      "it reads or writes through a view of a large tensor in a way that is not supported");
}

ValueId FunctionalMemory::Reshape(ValueId value, const ir::TensorType& type) {
  return Emit("aten::view",
              {ValueRef{value}, std::vector<int64_t>(type.dims.begin(), type.dims.end())}, type);
}

absl::StatusOr<ValueId> FunctionalMemory::Pick(ValueId flat, const std::vector<int64_t>& index,
                                               const ir::TensorType& type) {
  INGOT_ASSIGN_OR_RETURN(const ValueId numbers, constants_.add_index(index));
  const ValueId picked = Emit("aten::index_select", {ValueRef{flat}, int64_t{0}, ValueRef{numbers}},
                              {type.dtype, {static_cast<int64_t>(index.size())}});
  return Reshape(picked, type);
}

absl::StatusOr<ValueId> FunctionalMemory::Gather(Storage& storage, const Layout& layout) {
  const Layout& root = storage.root->layout;
  INGOT_RETURN_IF_ERROR(CheckPositions(root, layout));
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> index, NumbersIn(root, layout));
  INGOT_ASSIGN_OR_RETURN(const ir::TensorType type, TypeOrError(layout));
  const ValueId flat = Reshape(storage.root->value, {type.dtype, {root.type.NumElements()}});
  return Pick(flat, index, type);
}

absl::StatusOr<ValueId> FunctionalMemory::Scatter(Storage& storage, const Layout& layout,
                                                  ValueId value) {
  const Layout& root = storage.root->layout;
  INGOT_RETURN_IF_ERROR(CheckPositions(root, layout));
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> written, NumbersIn(root, layout));
  INGOT_ASSIGN_OR_RETURN(const ir::TensorType type, TypeOrError(root));
  const int64_t whole = type.NumElements();
  const int64_t count = static_cast<int64_t>(written.size());
  // Element i of the new root is element `source[i]` of the old root followed by the written
  // elements.
  std::vector<int64_t> source(static_cast<size_t>(whole));
  std::iota(source.begin(), source.end(), 0);
  for (int64_t i = 0; i < count; ++i)
    source[static_cast<size_t>(written[static_cast<size_t>(i)])] = whole + i;
  if (!root.HasOwnPlaces()) {
    // All elements of a place follow the one that stands for it.
    INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> place, NumbersIn(root, root));
    for (size_t i = 0; i < source.size(); ++i) {
      const int64_t latest = source[static_cast<size_t>(place[i])];
      if (latest >= whole) source[i] = latest;
    }
  }
  const ValueId old_flat = Reshape(storage.root->value, {type.dtype, {whole}});
  const ValueId new_flat = Reshape(value, {type.dtype, {count}});
  const ValueId both = Emit("aten::cat", {ir::ValueRefList{{old_flat, new_flat}}, int64_t{0}},
                            {type.dtype, {whole + count}});
  return Pick(both, source, type);
}

}  // namespace ingot::functional
