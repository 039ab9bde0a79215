#include "frontends/torchscript/module_guard.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "frontends/torchscript/values.h"

namespace ingot::torchscript {
namespace {

uint32_t VersionOf(c10::TensorImpl& tensor) {
  return tensor.is_inference() ? 0 : tensor.version_counter().current_version();
}

absl::Status Changed(const std::string& name, absl::string_view how) {
  return absl::FailedPreconditionError(
      absl::StrCat("the model's \"", name, "\" ", how, " after extraction: extract again"));
}

}  // namespace

ModuleGuard ModuleGuard::Of(const torch::jit::Module& module,
                            const absl::flat_hash_set<std::string>& except) {
  ModuleGuard guard;
  guard.Add(module, "", except);
  return guard;
}

ModuleGuard ModuleGuard::Of(std::vector<at::Tensor> captured) {
  ModuleGuard guard;
  for (const at::Tensor& tensor : captured) {
    c10::TensorImpl* impl = tensor.unsafeGetTensorImpl();
    guard.tensors_.push_back({nullptr, 0, impl, VersionOf(*impl),
                              absl::StrCat("captured tensor ", guard.tensors_.size())});
  }
  guard.captured_ = std::move(captured);
  return guard;
}

void ModuleGuard::Add(const torch::jit::Module& module, const std::string& prefix,
                      const absl::flat_hash_set<std::string>& except) {
  const auto type = module.type();
  const Object owner = module._ivalue();
  for (size_t slot = 0; slot < type->numAttributes(); ++slot) {
    const std::string name = absl::StrCat(prefix, type->getAttributeName(slot));
    const c10::IValue& value = owner->getSlot(slot);
    if (type->getAttribute(slot)->is_module()) {
      Add(torch::jit::Module(value.toObject()), absl::StrCat(name, "."), except);
    } else if (except.contains(name)) {
      continue;
    } else if (value.isTensor() && value.toTensor().defined()) {
      c10::TensorImpl* tensor = value.unsafeToTensorImpl();
      tensors_.push_back({owner, slot, tensor, VersionOf(*tensor), name});
    } else {
      // None, too: a tensor may come in its place.
      values_.push_back({owner, slot, CopyContainers(value), name});
      ForEachTensor(value, name, [&](const std::string& element, const at::Tensor& tensor) {
        if (!except.contains(element)) AddInContainer(element, tensor);
      });
    }
  }
}

// The containers' copies keep it alive and tell its identity.
void ModuleGuard::AddInContainer(const std::string& name, const at::Tensor& tensor) {
  c10::TensorImpl* impl = tensor.unsafeGetTensorImpl();
  tensors_.push_back({nullptr, 0, impl, VersionOf(*impl), name});
}

absl::Status ModuleGuard::Check() const {
  for (const TensorEntry& entry : tensors_) {
    if (entry.owner != nullptr) {
      const c10::IValue& now = entry.owner->getSlot(entry.slot);
      if (!now.isTensor() || now.unsafeToTensorImpl() != entry.tensor)
        return Changed(entry.name, "was replaced");
    }
    if (VersionOf(*entry.tensor) != entry.version) return Changed(entry.name, "was written");
  }
  for (const ValueEntry& entry : values_) {
    if (!IsSameValue(entry.value, entry.owner->getSlot(entry.slot))) {
      return Changed(entry.name, "was changed");
    }
  }
  return absl::OkStatus();
}

}  // namespace ingot::torchscript
