#include "frontends/torchscript/memory_model.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::torchscript {
namespace {

using functional::StorageKey;
using ir::ValueId;
using ir::ValueRef;

StorageKey KeyOf(StorageId storage) { return reinterpret_cast<uintptr_t>(storage); }

absl::StatusOr<ir::TensorType> TypeOrError(const Layout& layout) {
  const std::optional<ir::TensorType> type = TypeOf(layout);
  if (type) return *type;
  return absl::UnimplementedError(
      absl::StrCat("dtype ", c10::toString(ScalarTypeOf(layout)), " is not supported"));
}

}  // namespace

MemoryModel::MemoryModel(const Tape& tape, ir::Graph* graph, ConstantPool* constants,
                         NameOf name_of)
    : tape_(tape),
      constants_(constants),
      name_of_(std::move(name_of)),
      memory_(graph, {[this](const std::vector<int64_t>& index) { return AddIndex(index); },
                      [this](StorageKey storage, const Layout& layout) {
                        return AddContents(storage, layout);
                      }}) {}

StorageKey MemoryModel::Follow(const TensorSnapshot& tensor) {
  const StorageKey key = KeyOf(tensor.storage);
  memory_.DefineConstant(key, tensor.layout, name_of_(tensor.storage) != nullptr);
  memory_.SetConstantVersion(key, uint64_t{tensor.epoch} + 1);
  followed_ = &tensor;
  return key;
}

void MemoryModel::DefineInput(const TensorSnapshot& tensor, ValueId value) {
  if (tensor.storage != nullptr) memory_.DefineValue(KeyOf(tensor.storage), tensor.layout, value);
}

absl::Status MemoryModel::DefineUnion(
    const std::vector<std::pair<TensorSnapshot, ValueId>>& inputs) {
  Layout root = inputs.front().first.layout;
  int64_t end = 0;
  std::tie(root.offset, end) = root.Extent();
  for (const auto& [tensor, value] : inputs) {
    const auto [first, last] = tensor.layout.Extent();
    root.offset = std::min(root.offset, first);
    end = std::max(end, last);
  }
  root.type.dims = {end - root.offset};
  root.strides = {1};
  // Where the element at each position of the root is among those of the inputs, one after the
  // other. Nothing reads positions that belong to no input.
  std::vector<int64_t> source(static_cast<size_t>(end - root.offset), 0);
  ir::ValueRefList parts;
  int64_t count = 0;
  for (const auto& [tensor, value] : inputs) {
    INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers,
                           functional::NumbersIn(root, tensor.layout));
    for (size_t i = 0; i < numbers.size(); ++i)
      source[static_cast<size_t>(numbers[i])] = count + static_cast<int64_t>(i);
    const int64_t elements = static_cast<int64_t>(numbers.size());
    INGOT_ASSIGN_OR_RETURN(const ir::TensorType type, TypeOrError(tensor.layout));
    parts.ids.push_back(Emit("aten::view", {ValueRef{value}, std::vector<int64_t>{elements}},
                             {type.dtype, {elements}}));
    count += elements;
  }
  INGOT_ASSIGN_OR_RETURN(const ir::TensorType type, TypeOrError(root));
  const ValueId all = Emit("aten::cat", {parts, int64_t{0}}, {type.dtype, {count}});
  TensorSnapshot whole = inputs.front().first;
  whole.layout = root;
  DefineInput(whole, Emit("aten::index_select",
                          {ValueRef{all}, int64_t{0}, ValueRef{AddIndex(source)}}, type));
  return absl::OkStatus();
}

void MemoryModel::DefineOverlap(const TensorSnapshot& tensor, ValueId value) {
  memory_.DefineOverlap(Follow(tensor), tensor.layout, value);
}

void MemoryModel::DefineResult(const TensorSnapshot& tensor, ValueId value) {
  DefineInput(tensor, value);
}

void MemoryModel::DefineConstant(const TensorSnapshot& tensor) {
  if (tensor.storage != nullptr) Follow(tensor);
}

void MemoryModel::DefineView(const TensorSnapshot& base, const Layout& view,
                             functional::ViewStep step) {
  memory_.DefineView(Follow(base), base.layout, view, std::move(step));
}

bool MemoryModel::DependsOnInput(const TensorSnapshot& tensor) const {
  return memory_.DependsOnInput(KeyOf(tensor.storage));
}

absl::StatusOr<ValueId> MemoryModel::Read(const TensorSnapshot& tensor) {
  if (tensor.storage == nullptr) {
    return absl::UnimplementedError(
        "a tensor that is not dense (sparse, quantized, nested) or not on the CPU is not "
        "supported");
  }
  INGOT_RETURN_IF_ERROR(TypeOrError(tensor.layout));
  return memory_.Read(Follow(tensor), tensor.layout);
}

absl::Status MemoryModel::Write(const TensorSnapshot& target, const Layout& after, ValueId value) {
  if (target.storage == nullptr)
    return absl::UnimplementedError("a write into a tensor that is not dense is not supported");
  // An out= tensor that was resized holds nothing but the new value.
  if (after.type.dims != target.layout.type.dims) {
    TensorSnapshot resized = target;
    resized.layout = after;
    DefineResult(resized, value);
    return absl::OkStatus();
  }
  return memory_.Write(Follow(target), target.layout, value);
}

absl::StatusOr<ValueId> MemoryModel::AddContents(StorageKey storage, const Layout& layout) {
  INGOT_RETURN_IF_ERROR(TypeOrError(layout));
  TensorSnapshot part = *followed_;
  part.layout = layout;
  const at::Tensor contents = tape_.Contents(part);
  if (!contents.defined()) {
    return absl::InternalError(
        "the earlier contents of a constant that the model overwrites were not kept");
  }
  const std::string* name = name_of_(part.storage);
  return constants_->Add(contents, name != nullptr && layout == memory_.root(storage) ? *name : "");
}

ValueId MemoryModel::AddIndex(const std::vector<int64_t>& index) {
  return constants_->Add(at::tensor(index, at::TensorOptions().dtype(at::kLong)), "");
}

}  // namespace ingot::torchscript
