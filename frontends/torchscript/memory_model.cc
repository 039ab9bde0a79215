#include "frontends/torchscript/memory_model.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/status_macros.h"
#include "frontends/torchscript/view_inverse.h"

namespace ingot::torchscript {
namespace {

using ir::ValueId;
using ir::ValueRef;

// Views of constants up to this many elements are stored, not computed.
constexpr int64_t kSmallView = 64;
// … and so are views of a weight that are at most this part of it.
constexpr int64_t kSmallPart = 4;

std::vector<int64_t> ToVector(const ir::Dims& dims) { return {dims.begin(), dims.end()}; }

// For each element of `layout`, its number among those of `root`.
absl::StatusOr<std::vector<int64_t>> NumbersInRoot(const Layout& root, const Layout& layout) {
  if (layout.dtype != root.dtype || layout.conjugate != root.conjugate ||
      layout.negative != root.negative) {
    return absl::UnimplementedError(
        "a view that reads its memory as another dtype, or conjugated, is written or can't be "
        "followed: clone it first");
  }
  const auto [begin, end] = root.Extent();
  std::vector<int64_t> number(static_cast<size_t>(end - begin), -1);
  const std::vector<int64_t> root_positions = root.Positions();
  for (size_t i = 0; i < root_positions.size(); ++i) {
    number[static_cast<size_t>(root_positions[i] - begin)] = static_cast<int64_t>(i);
  }
  std::vector<int64_t> positions = layout.Positions();
  for (int64_t& position : positions) {
    if (position < begin || position >= end || number[static_cast<size_t>(position - begin)] < 0) {
      return absl::UnimplementedError(
          "a view reaches beyond the tensor whose memory it shares: clone the tensor first");
    }
    position = number[static_cast<size_t>(position - begin)];
  }
  return positions;
}

absl::StatusOr<ir::TensorType> TypeOrError(const Layout& layout) {
  const std::optional<ir::TensorType> type = TypeOf(layout);
  if (type) return *type;
  return absl::UnimplementedError(
      absl::StrCat("dtype ", c10::toString(layout.dtype), " is not supported"));
}

}  // namespace

MemoryModel::MemoryModel(const Tape& tape, ir::Graph* graph, ConstantPool* constants,
                         NameOf name_of)
    : tape_(tape), graph_(graph), constants_(constants), name_of_(std::move(name_of)) {}

MemoryModel::Memory& MemoryModel::Reset(StorageId storage, const Layout& root) {
  Memory& memory = memory_[storage];
  memory = Memory();
  auto view = std::make_unique<View>();
  view->layout = root;
  memory.root = view.get();
  memory.views.emplace(root, std::move(view));
  return memory;
}

MemoryModel::Memory& MemoryModel::FindOrAdd(const TensorSnapshot& tensor) {
  const auto found = memory_.find(tensor.storage);
  return found != memory_.end() ? found->second : Reset(tensor.storage, tensor.layout);
}

MemoryModel::View& MemoryModel::FindOrAddView(Memory& memory, const Layout& layout) {
  auto [entry, inserted] = memory.views.try_emplace(layout);
  if (inserted) {
    entry->second = std::make_unique<View>();
    entry->second->layout = layout;
    entry->second->parent = memory.root;
  }
  return *entry->second;
}

void MemoryModel::DefineInput(const TensorSnapshot& tensor, ValueId value) {
  if (tensor.storage == nullptr) return;
  Memory& memory = Reset(tensor.storage, tensor.layout);
  memory.depends_on_input = true;
  memory.root->value = value;
  memory.root->version = memory.version;
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
  root.sizes = {end - root.offset};
  root.strides = {1};
  // Where the element at each position of the root is among those of the inputs, one after the
  // other. Nothing reads positions that belong to no input.
  std::vector<int64_t> source(static_cast<size_t>(end - root.offset), 0);
  ir::ValueRefList parts;
  int64_t count = 0;
  for (const auto& [tensor, value] : inputs) {
    INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, NumbersInRoot(root, tensor.layout));
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
  DefineInput(whole,
              Emit("aten::index_select",
                   {ValueRef{all}, int64_t{0}, ValueRef{AddIndex(std::move(source))}}, type));
  return absl::OkStatus();
}

void MemoryModel::DefineOverlap(const TensorSnapshot& tensor, ValueId value) {
  Memory& memory = FindOrAdd(tensor);
  View& view = FindOrAddView(memory, tensor.layout);
  if (view.version == memory.version) return;
  view.value = value;
  view.version = memory.version;
}

void MemoryModel::DefineResult(const TensorSnapshot& tensor, ValueId value) {
  DefineInput(tensor, value);
}

void MemoryModel::DefineConstant(const TensorSnapshot& tensor) {
  if (tensor.storage != nullptr && !memory_.contains(tensor.storage))
    Reset(tensor.storage, tensor.layout);
}

void MemoryModel::DefineView(const TensorSnapshot& base, const Layout& view, ViewStep step) {
  Memory& memory = FindOrAdd(base);
  View& parent = FindOrAddView(memory, base.layout);
  auto [entry, inserted] = memory.views.try_emplace(view);
  if (!inserted) return;
  entry->second = std::make_unique<View>();
  entry->second->layout = view;
  entry->second->parent = step.op.empty() ? memory.root : &parent;
  entry->second->step = std::move(step);
}

bool MemoryModel::DependsOnInput(const TensorSnapshot& tensor) const {
  const auto memory = memory_.find(tensor.storage);
  return memory != memory_.end() && memory->second.depends_on_input;
}

absl::StatusOr<ValueId> MemoryModel::Read(const TensorSnapshot& tensor) {
  if (tensor.storage == nullptr) {
    return absl::UnimplementedError(
        "a tensor that is not dense (sparse, quantized, nested) or not on the CPU is not "
        "supported");
  }
  if (!DependsOnInput(tensor)) return ReadConstant(tensor);
  Memory& memory = memory_[tensor.storage];
  return ReadView(memory, FindOrAddView(memory, tensor.layout));
}

absl::StatusOr<ValueId> MemoryModel::ReadView(Memory& memory, View& view) {
  if (view.version == memory.version) return view.value;
  if (view.step.op.empty()) {
    INGOT_ASSIGN_OR_RETURN(view.value, Gather(*memory.root, view.layout));
  } else {
    INGOT_ASSIGN_OR_RETURN(const ValueId operand, ReadView(memory, *view.parent));
    INGOT_ASSIGN_OR_RETURN(view.value, EmitStep(view, operand));
  }
  view.version = memory.version;
  return view.value;
}

// A weight keeps its own bytes and gets view nodes; what the call computed itself is stored as it
// is used, unless the view repeats elements.
bool MemoryModel::IsWorthANode(const TensorSnapshot& tensor, const Memory& memory,
                               const View& view) const {
  if (view.parent == nullptr || view.step.op.empty()) return false;
  const int64_t elements = view.layout.NumElements();
  const int64_t whole = memory.root->layout.NumElements();
  if (elements <= kSmallView) return false;
  if (name_of_(tensor.storage) == nullptr) return elements > whole;
  return elements * kSmallPart > whole;
}

absl::StatusOr<ValueId> MemoryModel::ReadConstant(const TensorSnapshot& tensor) {
  auto [entry, inserted] =
      constant_values_.try_emplace({tensor.storage, tensor.epoch, tensor.layout}, ir::kNoValue);
  if (!inserted && entry->second != ir::kNoValue) return entry->second;
  Memory& memory = FindOrAdd(tensor);
  View& view = FindOrAddView(memory, tensor.layout);
  ValueId value;
  if (IsWorthANode(tensor, memory, view)) {
    TensorSnapshot parent = tensor;
    parent.layout = view.parent->layout;
    INGOT_ASSIGN_OR_RETURN(const ValueId operand, ReadConstant(parent));
    INGOT_ASSIGN_OR_RETURN(value, EmitStep(view, operand));
  } else {
    INGOT_RETURN_IF_ERROR(TypeOrError(tensor.layout));
    const at::Tensor contents = tape_.Contents(tensor);
    if (!contents.defined()) {
      return absl::InternalError(
          "the earlier contents of a constant that the model overwrites were not kept");
    }
    const std::string* name = name_of_(tensor.storage);
    value = constants_->Add(contents, name != nullptr && view.parent == nullptr ? *name : "");
  }
  constant_values_[{tensor.storage, tensor.epoch, tensor.layout}] = value;
  return value;
}

absl::Status MemoryModel::Write(const TensorSnapshot& target, const Layout& after, ValueId value) {
  if (target.storage == nullptr)
    return absl::UnimplementedError("a write into a tensor that is not dense is not supported");
  // An out= tensor that was resized holds nothing but the new value.
  if (after.sizes != target.layout.sizes) {
    TensorSnapshot resized = target;
    resized.layout = after;
    DefineResult(resized, value);
    return absl::OkStatus();
  }
  if (!DependsOnInput(target)) {
    TensorSnapshot root = target;
    root.layout = FindOrAdd(target).root->layout;
    // A write of the whole leaves nothing of the constant.
    ValueId before = ir::kNoValue;
    if (root.layout != target.layout) {
      INGOT_ASSIGN_OR_RETURN(before, ReadConstant(root));
    }
    Memory& memory = memory_[target.storage];
    memory.depends_on_input = true;
    memory.root->value = before;
    memory.root->version = memory.version;
  }
  Memory& memory = memory_[target.storage];
  std::vector<std::pair<View*, ValueId>> path;
  for (View* view = &FindOrAddView(memory, target.layout); view != nullptr;) {
    path.emplace_back(view, value);
    if (view->parent == nullptr) break;
    // The inverse of a step into overlapping elements would leave those beside the written ones
    // stale.
    if (HasInverse(view->step) && !view->layout.OverlapsItself() &&
        !view->parent->layout.OverlapsItself()) {
      INGOT_ASSIGN_OR_RETURN(value, EmitInverse(memory, *view, value));
      view = view->parent;
    } else {
      INGOT_ASSIGN_OR_RETURN(value, Scatter(*memory.root, view->layout, value));
      view = memory.root;
    }
  }
  ++memory.version;
  for (auto& [view, written] : path) {
    view->value = written;
    view->version = memory.version;
  }
  return absl::OkStatus();
}

ValueId MemoryModel::Emit(std::string op, std::vector<ir::Argument> args, ir::TensorType type,
                          std::string source) {
  const ir::NodeId node =
      graph_->AddNode(std::move(op), std::move(args), {std::move(type)}, std::move(source));
  return graph_->node(node).outputs[0];
}

absl::StatusOr<ValueId> MemoryModel::EmitStep(const View& view, ValueId operand) {
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, TypeOrError(view.layout));
  std::vector<ir::Argument> args = view.step.args;
  args[0] = ValueRef{operand};
  return Emit(view.step.op, std::move(args), std::move(type), view.step.source);
}

absl::StatusOr<ValueId> MemoryModel::EmitInverse(Memory& memory, View& view, ValueId value) {
  InverseStep inverse = Inverse(view.step, view.parent->layout);
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, TypeOrError(view.parent->layout));
  if (inverse.keeps_rest) {
    INGOT_ASSIGN_OR_RETURN(const ValueId rest, ReadView(memory, *view.parent));
    inverse.args[0] = ValueRef{rest};
    inverse.args[1] = ValueRef{value};
  } else {
    inverse.args[0] = ValueRef{value};
  }
  return Emit(std::move(inverse.op), std::move(inverse.args), std::move(type), view.step.source);
}

ValueId MemoryModel::AddIndex(std::vector<int64_t> index) {
  return constants_->Add(at::tensor(index, at::TensorOptions().dtype(at::kLong)), "");
}

absl::StatusOr<ValueId> MemoryModel::Gather(const View& root, const Layout& layout) {
  INGOT_ASSIGN_OR_RETURN(std::vector<int64_t> index, NumbersInRoot(root.layout, layout));
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, TypeOrError(layout));
  const int64_t whole = root.layout.NumElements();
  const int64_t count = static_cast<int64_t>(index.size());
  const ValueId flat = Emit("aten::view", {ValueRef{root.value}, std::vector<int64_t>{whole}},
                            {type.dtype, {whole}});
  const ValueId picked =
      Emit("aten::index_select", {ValueRef{flat}, int64_t{0}, ValueRef{AddIndex(std::move(index))}},
           {type.dtype, {count}});
  return Emit("aten::view", {ValueRef{picked}, ToVector(layout.sizes)}, std::move(type));
}

absl::StatusOr<ValueId> MemoryModel::Scatter(const View& root, const Layout& layout,
                                             ValueId value) {
  INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> written, NumbersInRoot(root.layout, layout));
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, TypeOrError(root.layout));
  const int64_t whole = type.NumElements();
  const int64_t count = static_cast<int64_t>(written.size());
  // Element i of the new root is element `source[i]` of the old root followed by the written
  // elements.
  std::vector<int64_t> source(static_cast<size_t>(whole));
  std::iota(source.begin(), source.end(), 0);
  for (int64_t i = 0; i < count; ++i) source[static_cast<size_t>(written[i])] = whole + i;
  if (root.layout.OverlapsItself()) {
    // All elements of a place follow the one that stands for it.
    INGOT_ASSIGN_OR_RETURN(const std::vector<int64_t> place,
                           NumbersInRoot(root.layout, root.layout));
    for (size_t i = 0; i < source.size(); ++i) {
      const int64_t latest = source[static_cast<size_t>(place[i])];
      if (latest >= whole) source[i] = latest;
    }
  }
  const ValueId old_flat = Emit("aten::view", {ValueRef{root.value}, std::vector<int64_t>{whole}},
                                {type.dtype, {whole}});
  const ValueId new_flat =
      Emit("aten::view", {ValueRef{value}, std::vector<int64_t>{count}}, {type.dtype, {count}});
  const ValueId both = Emit("aten::cat", {ir::ValueRefList{{old_flat, new_flat}}, int64_t{0}},
                            {type.dtype, {whole + count}});
  const ValueId merged = Emit("aten::index_select",
                              {ValueRef{both}, int64_t{0}, ValueRef{AddIndex(std::move(source))}},
                              {type.dtype, {whole}});
  return Emit("aten::view", {ValueRef{merged}, ToVector(root.layout.sizes)}, std::move(type));
}

}  // namespace ingot::torchscript
