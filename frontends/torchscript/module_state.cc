#include "frontends/torchscript/module_state.h"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/torchscript/fingerprint.h"
#include "frontends/torchscript/source_position.h"
#include "frontends/torchscript/values.h"

namespace ingot::torchscript {
namespace {

// What runs without a dispatched op that a recorder could see on its thread.
struct Refused {
  const char* kind;
  const char* why;
};
constexpr Refused kRefused[] = {
    {"prim::fork", "runs part of the model on another thread"},
    {"prim::awaitable", "runs part of the model later"},
    {"prim::tolist", "turns a tensor into numbers, which makes the graph data-dependent"},
};

StorageId StorageOf(const at::Tensor& tensor) {
  return HasLayout(tensor) ? tensor.unsafeGetTensorImpl()->unsafe_storage().unsafeGetStorageImpl()
                           : nullptr;
}

template <typename Visit>
absl::Status ForEachNode(const torch::jit::Block* block, const Visit& visit) {
  for (const torch::jit::Node* node : block->nodes()) {
    INGOT_RETURN_IF_ERROR(visit(node));
    for (const torch::jit::Block* inner : node->blocks())
      INGOT_RETURN_IF_ERROR(ForEachNode(inner, visit));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModuleState> ModuleState::Of(const torch::jit::Module& module) {
  ModuleState state;
  state.AddModule(module, "");
  INGOT_RETURN_IF_ERROR(state.AddLiterals(module));
  for (const Tensor& tensor : state.tensors_) {
    const StorageId storage = tensor.is_parameter ? nullptr : StorageOf(tensor.tensor);
    state.fingerprints_.push_back(storage == nullptr ? 0 : Fingerprint(storage));
  }
  return state;
}

void ModuleState::AddTensor(std::string name, const at::Tensor& tensor, bool is_parameter) {
  const StorageId storage = StorageOf(tensor);
  if (storage != nullptr) names_.try_emplace(storage, name);
  tensors_.push_back({std::move(name), tensor, is_parameter});
}

void ModuleState::AddModule(const torch::jit::Module& module, const std::string& prefix) {
  const auto type = module.type();
  for (size_t i = 0; i < type->numAttributes(); ++i) {
    const std::string& attribute = type->getAttributeName(i);
    const std::string name = absl::StrCat(prefix, attribute);
    const c10::IValue value = module._ivalue()->getSlot(i);
    if (type->getAttribute(i)->is_module()) {
      AddModule(torch::jit::Module(value.toObject()), absl::StrCat(name, "."));
      continue;
    }
    Attribute entry{module, attribute, name, CopyContainers(value)};
    if (value.isTensor() && value.toTensor().defined()) {
      entry.tensor = static_cast<int64_t>(tensors_.size());
      AddTensor(name, value.toTensor(), type->is_parameter(i));
    } else {
      ForEachTensor(value, name, [&](const std::string& element, const at::Tensor& tensor) {
        AddTensor(element, tensor, false);
      });
    }
    attributes_.push_back(std::move(entry));
  }
}

absl::Status ModuleState::AddLiterals(const torch::jit::Module& module) {
  const auto method = module.find_method("forward");
  if (!method) return absl::FailedPreconditionError("the module has no method forward");
  const auto graph = method->graph()->copy();
  torch::jit::Inline(*graph);
  int64_t literals = 0;
  return ForEachNode(graph->block(), [&](const torch::jit::Node* node) -> absl::Status {
    for (const Refused& refused : kRefused) {
      if (node->kind().toQualString() == absl::string_view(refused.kind)) {
        return absl::UnimplementedError(absl::StrCat(refused.kind, " (",
                                                     SourcePosition(node->sourceRange()), ") ",
                                                     refused.why, ": take it out of the model"));
      }
    }
    if (node->kind() == torch::jit::prim::Constant && node->outputs().size() == 1) {
      const auto value = torch::jit::toIValue(node->output());
      if (value && value->isTensor() && value->toTensor().defined()) {
        AddTensor(absl::StrCat("literal.", literals++), value->toTensor(), false);
      }
    }
    return absl::OkStatus();
  });
}

const std::string* ModuleState::NameOf(StorageId storage) const {
  const auto name = names_.find(storage);
  return name == names_.end() ? nullptr : &name->second;
}

absl::StatusOr<std::vector<ModuleState::Rebinding>> ModuleState::FindChanges(
    const Tape& tape) const {
  std::vector<Rebinding> rebindings;
  for (const Attribute& entry : attributes_) {
    const c10::IValue now = entry.owner.attr(entry.attribute);
    if (entry.tensor >= 0 && now.isTensor() && now.toTensor().defined()) {
      if (!now.toTensor().is_same(entry.value.toTensor())) {
        rebindings.push_back({static_cast<size_t>(entry.tensor), now.toTensor()});
      }
    } else if (!IsSameValue(entry.value, now)) {
      return absl::FailedPreconditionError(
          absl::StrCat("the call changes the module's attribute \"", entry.name,
                       "\", which is no tensor: make it a buffer, or keep it outside the model"));
    }
  }
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const StorageId storage = tensors_[i].is_parameter ? nullptr : StorageOf(tensors_[i].tensor);
    if (storage == nullptr || tape.WasWritten(storage) || Fingerprint(storage) == fingerprints_[i])
      continue;
    return absl::FailedPreconditionError(
        absl::StrCat("the call changes \"", tensors_[i].name, "\" by an op that does not say so"));
  }
  return rebindings;
}

void ModuleState::UndoRebindings() {
  for (Attribute& entry : attributes_) {
    if (!IsSameValue(entry.value, entry.owner.attr(entry.attribute))) {
      entry.owner.setattr(entry.attribute, entry.value);
    }
  }
}

}  // namespace ingot::torchscript
