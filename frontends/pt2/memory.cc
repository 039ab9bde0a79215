#include "frontends/pt2/memory.h"

#include <cstring>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/strided_copy.h"

namespace ingot::pt2 {
namespace {

using ir::ValueId;
using ir::ValueRef;

// Views of constants up to this many elements are stored, not computed.
constexpr int64_t kSmallView = 64;
// … and so are views of a weight that are at most this part of it.
constexpr int64_t kSmallPart = 4;
// A write by positions needs an index of this many elements at most.
constexpr int64_t kMaxPositions = 1 << 24;

std::vector<int64_t> ToVector(const ir::Dims& dims) { return {dims.begin(), dims.end()}; }

// For each element of `layout`, its number among those of `root`, which is dense.
absl::StatusOr<std::vector<int64_t>> NumbersInRoot(const Layout& root, const Layout& layout,
                                                   bool writes) {
  const auto [begin, end] = root.Extent();
  std::vector<int64_t> number(static_cast<size_t>(end - begin), -1);
  const std::vector<int64_t> root_positions = Positions(root);
  for (size_t i = 0; i < root_positions.size(); ++i) {
    number[static_cast<size_t>(root_positions[i] - begin)] = static_cast<int64_t>(i);
  }
  std::vector<int64_t> positions = Positions(layout);
  std::vector<bool> seen(number.size(), false);
  for (int64_t& position : positions) {
    if (position < begin || position >= end || number[static_cast<size_t>(position - begin)] < 0) {
      return absl::InternalError("a view reaches beyond the memory that it shares");
    }
    if (writes && seen[static_cast<size_t>(position - begin)]) {
      return absl::InvalidArgumentError(
          "it writes into a view whose elements share places: clone it first");
    }
    seen[static_cast<size_t>(position - begin)] = true;
    position = number[static_cast<size_t>(position - begin)];
  }
  return positions;
}

}  // namespace

TensorId Memory::Add(Layout layout, std::unique_ptr<Storage> storage) {
  auto place = std::make_unique<Place>();
  place->layout = layout;
  storage->root = place.get();
  storage->places.emplace(layout, std::move(place));
  tensors_.push_back({std::move(layout), static_cast<uint32_t>(storages_.size())});
  storages_.push_back(std::move(storage));
  return static_cast<TensorId>(tensors_.size() - 1);
}

TensorId Memory::AddValue(Layout layout, ValueId value) {
  const TensorId id = Add(std::move(layout), std::make_unique<Storage>());
  Storage& memory = storage(id);
  memory.root->value = value;
  memory.root->version = memory.version;
  return id;
}

TensorId Memory::AddConstant(HostConstant constant, std::string name) {
  auto memory = std::make_unique<Storage>();
  memory->is_constant = true;
  memory->name = std::move(name);
  const TensorId id = Add(Layout::RowMajor(constant.type), std::move(memory));
  storage(id).root->contents = std::move(constant);
  storage(id).root->has_contents = true;
  return id;
}

TensorId Memory::AddView(TensorId base, View view) {
  Storage& memory = storage(base);
  auto [entry, inserted] = memory.places.try_emplace(view.layout);
  if (inserted) {
    entry->second = std::make_unique<Place>();
    entry->second->layout = view.layout;
    entry->second->parent = memory.places.at(tensors_[base].layout).get();
    entry->second->step = std::move(view.step);
    entry->second->source = source_;
  }
  tensors_.push_back({std::move(view.layout), tensors_[base].storage});
  return static_cast<TensorId>(tensors_.size() - 1);
}

TensorId Memory::AddAlias(TensorId tensor) {
  tensors_.push_back(Tensor(tensors_[tensor]));
  return static_cast<TensorId>(tensors_.size() - 1);
}

void Memory::Freeze(TensorId tensor) { storage(tensor).is_frozen = true; }

ValueId Memory::Emit(std::string op, std::vector<ir::Argument> args, ir::TensorType type) {
  const ir::NodeId node =
      graph_->AddNode(std::move(op), std::move(args), {std::move(type)}, source_);
  return graph_->node(node).outputs[0];
}

absl::StatusOr<ValueId> Memory::Read(TensorId id) {
  Storage& memory = storage(id);
  Place& place = PlaceOf(id);
  return memory.is_constant ? ReadConstant(memory, place) : ReadPlace(memory, place);
}

absl::StatusOr<ValueId> Memory::ReadPlace(Storage& memory, Place& place) {
  if (place.version == memory.version) return place.value;
  if (place.step.op.empty()) {
    INGOT_ASSIGN_OR_RETURN(place.value, Gather(memory, place.layout));
  } else {
    INGOT_ASSIGN_OR_RETURN(const ValueId operand, ReadPlace(memory, *place.parent));
    place.value = EmitStep(place, operand);
  }
  place.version = memory.version;
  return place.value;
}

ValueId Memory::EmitStep(const Place& place, ValueId operand) {
  std::vector<ir::Argument> args = place.step.args;
  args[0] = ValueRef{operand};
  const ir::NodeId node =
      graph_->AddNode(place.step.op, std::move(args), {place.layout.type}, place.source);
  return graph_->node(node).outputs[0];
}

// A weight keeps its own bytes and gets view nodes; what was computed here is stored as it is used,
// unless the view repeats elements.
bool Memory::IsWorthANode(const Storage& memory, const Place& place) {
  if (place.parent == nullptr || place.step.op.empty()) return false;
  const int64_t elements = place.layout.type.NumElements();
  const int64_t whole = memory.root->layout.type.NumElements();
  if (elements <= kSmallView) return false;
  if (memory.name.empty()) return elements > whole;
  return elements * kSmallPart > whole;
}

absl::StatusOr<ValueId> Memory::ReadConstant(Storage& memory, Place& place) {
  if (place.version == memory.version) return place.value;
  if (IsWorthANode(memory, place)) {
    INGOT_ASSIGN_OR_RETURN(const ValueId operand, ReadConstant(memory, *place.parent));
    place.value = EmitStep(place, operand);
  } else {
    INGOT_ASSIGN_OR_RETURN(const HostConstant contents, ContentsOf(memory, place));
    place.value = constants_->Add(contents, place.parent == nullptr ? memory.name : "");
  }
  place.version = memory.version;
  return place.value;
}

absl::StatusOr<HostConstant> Memory::Contents(TensorId id) {
  return ContentsOf(storage(id), PlaceOf(id));
}

absl::StatusOr<HostConstant> Memory::ContentsOf(Storage& memory, Place& place) {
  if (place.has_contents) return place.contents;
  const HostConstant& root = memory.root->contents;
  const ir::TensorType& type = place.layout.type;
  const size_t element = ir::ElementSize(type.dtype);
  if (place.layout.IsRowMajor()) {
    place.contents = {type, root.data + place.layout.offset * static_cast<int64_t>(element),
                      root.owner};
  } else {
    char* bytes = nullptr;
    INGOT_ASSIGN_OR_RETURN(place.contents, NewConstant(type, &bytes));
    StridedCopy(type.dims, element, root.data + place.layout.offset * static_cast<int64_t>(element),
                place.layout.strides, bytes, ir::ContiguousStrides(type.dims));
  }
  place.has_contents = true;
  return place.contents;
}

absl::Status Memory::Write(TensorId target, ValueId value) {
  Storage& memory = storage(target);
  if (memory.is_frozen) {
    return absl::UnimplementedError(
        "it writes into memory that is shared in a way that is not followed: clone it first");
  }
  if (memory.is_constant) {
    // A write of the whole leaves nothing of the constant.
    if (&PlaceOf(target) != memory.root) {
      INGOT_RETURN_IF_ERROR(ReadConstant(memory, *memory.root));
    }
    memory.is_constant = false;
    for (auto& [layout, place] : memory.places) {
      if (place.get() != memory.root) place->version = 0;
    }
  }
  std::vector<std::pair<Place*, ValueId>> path;
  for (Place* place = &PlaceOf(target); place != nullptr;) {
    path.emplace_back(place, value);
    if (place->parent == nullptr) break;
    InverseStep inverse = Inverse(place->step, place->parent->layout.type);
    if (!inverse.op.empty()) {
      INGOT_ASSIGN_OR_RETURN(value, EmitInverse(memory, *place, std::move(inverse), value));
      place = place->parent;
    } else {
      INGOT_ASSIGN_OR_RETURN(value, Scatter(memory, place->layout, value));
      place = memory.root;
    }
  }
  ++memory.version;
  memory.was_written = true;
  for (auto& [place, written] : path) {
    place->value = written;
    place->version = memory.version;
  }
  return absl::OkStatus();
}

absl::StatusOr<ValueId> Memory::EmitInverse(Storage& memory, Place& place, InverseStep inverse,
                                            ValueId value) {
  if (inverse.keeps_rest) {
    INGOT_ASSIGN_OR_RETURN(const ValueId rest, ReadPlace(memory, *place.parent));
    inverse.args[0] = ValueRef{rest};
    inverse.args[1] = ValueRef{value};
  } else {
    inverse.args[0] = ValueRef{value};
  }
  return Emit(std::move(inverse.op), std::move(inverse.args), place.parent->layout.type);
}

absl::StatusOr<ValueId> Memory::Scatter(Storage& memory, const Layout& layout, ValueId value) {
  const Layout& root = memory.root->layout;
  const ir::TensorType& type = root.type;
  const int64_t whole = type.NumElements();
  const int64_t count = layout.type.NumElements();
  if (whole > kMaxPositions || count > kMaxPositions) {
    return absl::UnimplementedError(
        "it writes through a view of a large tensor in a way that is not supported");
  }
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> written, NumbersInRoot(root, layout, true));
  // Element i of the new root is element `source[i]` of the old root followed by what is written.
  std::vector<int64_t> source(static_cast<size_t>(whole));
  std::iota(source.begin(), source.end(), 0);
  for (int64_t i = 0; i < count; ++i)
    source[static_cast<size_t>(written[static_cast<size_t>(i)])] = whole + i;
  char* bytes = nullptr;
  INGOT_ASSIGN_OR_RETURN(const HostConstant index,
                         NewConstant({ir::DType::kInt64, {whole}}, &bytes));
  if (whole > 0) std::memcpy(bytes, source.data(), source.size() * sizeof(int64_t));
  INGOT_ASSIGN_OR_RETURN(const ValueId old, ReadPlace(memory, *memory.root));
  const ValueId old_flat =
      Emit("aten::view", {ValueRef{old}, std::vector<int64_t>{whole}}, {type.dtype, {whole}});
  const ValueId new_flat =
      Emit("aten::view", {ValueRef{value}, std::vector<int64_t>{count}}, {type.dtype, {count}});
  const ValueId both = Emit("aten::cat", {ir::ValueRefList{{old_flat, new_flat}}, int64_t{0}},
                            {type.dtype, {whole + count}});
  const ValueId merged =
      Emit("aten::index_select", {ValueRef{both}, int64_t{0}, ValueRef{constants_->Add(index, "")}},
           {type.dtype, {whole}});
  return Emit("aten::view", {ValueRef{merged}, ToVector(type.dims)}, type);
}

absl::StatusOr<ValueId> Memory::Gather(Storage& memory, const Layout& layout) {
  const Layout& root = memory.root->layout;
  const int64_t whole = root.type.NumElements(), count = layout.type.NumElements();
  if (whole > kMaxPositions || count > kMaxPositions) {
    return absl::UnimplementedError(
        "it reads through a view of a large tensor in a way that is not supported");
  }
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> read, NumbersInRoot(root, layout, false));
  char* bytes = nullptr;
  INGOT_ASSIGN_OR_RETURN(const HostConstant index,
                         NewConstant({ir::DType::kInt64, {count}}, &bytes));
  if (count > 0) std::memcpy(bytes, read.data(), read.size() * sizeof(int64_t));
  INGOT_ASSIGN_OR_RETURN(const ValueId all, ReadPlace(memory, *memory.root));
  const ir::DType dtype = layout.type.dtype;
  const ValueId flat =
      Emit("aten::view", {ValueRef{all}, std::vector<int64_t>{whole}}, {dtype, {whole}});
  const ValueId found =
      Emit("aten::index_select", {ValueRef{flat}, int64_t{0}, ValueRef{constants_->Add(index, "")}},
           {dtype, {count}});
  return Emit("aten::view", {ValueRef{found}, ToVector(layout.type.dims)}, layout.type);
}

}  // namespace ingot::pt2
