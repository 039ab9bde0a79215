#include "frontends/pt2/memory.h"

#include <cstring>

#include "core/base/status_macros.h"
#include "core/base/strided_copy.h"

namespace ingot::pt2 {
namespace {

using ir::ValueId;

// A read or write by positions needs an index of this many elements at most.
constexpr int64_t kMaxPositions = 1 << 24;

}  // namespace

Memory::Memory(ir::Graph* graph, ConstantPool* constants)
    : constants_(constants),
      memory_(graph,
              {[this](const std::vector<int64_t>& index) { return AddIndex(index); },
               [this](functional::StorageKey storage, const Layout& layout) {
                 return AddContents(static_cast<uint32_t>(storage), layout);
               }},
              kMaxPositions) {}

TensorId Memory::Add(Layout layout, uint32_t storage) {
  tensors_.push_back({std::move(layout), storage});
  return static_cast<TensorId>(tensors_.size() - 1);
}

TensorId Memory::AddValue(Layout layout, ValueId value) {
  const auto storage = static_cast<uint32_t>(storages_.size());
  storages_.emplace_back();
  memory_.DefineValue(storage, layout, value);
  return Add(std::move(layout), storage);
}

TensorId Memory::AddConstant(HostConstant constant, std::string name) {
  const auto storage = static_cast<uint32_t>(storages_.size());
  Layout layout = Layout::RowMajor(constant.type);
  memory_.DefineConstant(storage, layout, /*is_weight=*/!name.empty());
  Storage& memory = storages_.emplace_back();
  memory.name = std::move(name);
  memory.contents.emplace(layout, std::move(constant));
  return Add(std::move(layout), storage);
}

TensorId Memory::AddView(TensorId base, View view) {
  const uint32_t storage = tensors_[base].storage;
  memory_.DefineView(storage, tensors_[base].layout, view.layout, std::move(view.step));
  return Add(std::move(view.layout), storage);
}

TensorId Memory::AddAlias(TensorId tensor) {
  return Add(tensors_[tensor].layout, tensors_[tensor].storage);
}

void Memory::Freeze(TensorId tensor) { storages_[tensors_[tensor].storage].is_frozen = true; }

absl::StatusOr<ValueId> Memory::Read(TensorId id) {
  return memory_.Read(tensors_[id].storage, tensors_[id].layout);
}

absl::StatusOr<HostConstant> Memory::Contents(TensorId id) {
  return ContentsOf(tensors_[id].storage, tensors_[id].layout);
}

absl::StatusOr<HostConstant> Memory::ContentsOf(uint32_t storage, const Layout& layout) {
  absl::flat_hash_map<Layout, HostConstant>& known = storages_[storage].contents;
  if (const auto found = known.find(layout); found != known.end()) return found->second;
  const HostConstant& root = known.at(memory_.root(storage));
  const size_t element = ir::ElementSize(layout.type.dtype);
  const char* const first = root.data + layout.offset * static_cast<int64_t>(element);
  HostConstant contents{layout.type, first, root.owner};
  if (!layout.IsRowMajor()) {
    char* bytes = nullptr;
    INGOT_ASSIGN_OR_RETURN(contents, NewConstant(layout.type, &bytes));
    StridedCopy(layout.type.dims, element, first, layout.strides, bytes,
                ir::ContiguousStrides(layout.type.dims));
  }
  known.emplace(layout, contents);
  return contents;
}

absl::StatusOr<ValueId> Memory::AddContents(uint32_t storage, const Layout& layout) {
  INGOT_ASSIGN_OR_RETURN(const HostConstant contents, ContentsOf(storage, layout));
  const bool is_root = layout == memory_.root(storage);
  return constants_->Add(contents, is_root ? storages_[storage].name : "");
}

absl::StatusOr<ValueId> Memory::AddIndex(const std::vector<int64_t>& index) {
  char* bytes = nullptr;
  INGOT_ASSIGN_OR_RETURN(
      const HostConstant constant,
      NewConstant({ir::DType::kInt64, {static_cast<int64_t>(index.size())}}, &bytes));
  if (!index.empty()) std::memcpy(bytes, index.data(), index.size() * sizeof(int64_t));
  return constants_->Add(constant, "");
}

absl::Status Memory::CheckPlaces(TensorId target) const {
  const Layout& layout = tensors_[target].layout;
  if (layout.HasOwnPlaces()) return absl::OkStatus();
  if (MemoryElements(target) > kMaxPositions || layout.type.NumElements() > kMaxPositions) {
    return absl::UnimplementedError(
        "it writes through a view of a large tensor in a way that is not supported");
  }
  if (!layout.OverlapsItself()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "it writes into a view whose elements share places: clone it first");
}

absl::Status Memory::Write(TensorId target, ValueId value, bool fills) {
  Storage& storage = storages_[tensors_[target].storage];
  if (storage.is_frozen) {
    return absl::UnimplementedError(
        "it writes into memory that is shared in a way that is not followed: clone it first");
  }
  if (!fills) INGOT_RETURN_IF_ERROR(CheckPlaces(target));
  INGOT_RETURN_IF_ERROR(memory_.Write(tensors_[target].storage, tensors_[target].layout, value));
  storage.was_written = true;
  return absl::OkStatus();
}

}  // namespace ingot::pt2
