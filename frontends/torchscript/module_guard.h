// Tells whether a module is still as it was when it was recorded.
//
//   const ModuleGuard guard = ModuleGuard::Of(module, {"running_mean"});
//   INGOT_RETURN_IF_ERROR(guard.Check());   // before each call
//
// Looks at every attribute of the module and its children: a tensor, in containers too, must be the
// same tensor at the same version, so that optimizer steps, load_state_dict and every other
// in-place op are noticed; all else must be equal (None, numbers by their bits, strings, devices,
// containers by element) or the same object. Not noticed, because LibTorch's version counter
// doesn't: writes through `tensor.data` and into raw memory, and into tensors made in inference
// mode.
//
// A guard keeps the module's objects alive. Const access is thread-safe as long as nobody changes
// the module meanwhile. A check costs a few nanoseconds an attribute.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_MODULE_GUARD_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_MODULE_GUARD_H_

#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"

namespace ingot::torchscript {

class ModuleGuard {
 public:
  // `except`: attributes, named "block.bn.running_mean", and tensors in containers, named
  // "cache.0", that may change.
  static ModuleGuard Of(const torch::jit::Module& module,
                        const absl::flat_hash_set<std::string>& except);

  // Of a callable's weights (RecordOptions::captured), by their versions.
  static ModuleGuard Of(std::vector<at::Tensor> captured);

  // FailedPrecondition naming the first attribute that is no longer as it was.
  absl::Status Check() const;

 private:
  using Object = c10::intrusive_ptr<c10::ivalue::Object>;
  struct TensorEntry {
    Object owner;  // null for a captured tensor and for one in a container
    size_t slot = 0;
    c10::TensorImpl* tensor = nullptr;
    uint32_t version = 0;
    std::string name;
  };
  struct ValueEntry {
    Object owner;
    size_t slot = 0;
    c10::IValue value;
    std::string name;
  };
  void Add(const torch::jit::Module& module, const std::string& prefix,
           const absl::flat_hash_set<std::string>& except);
  void AddInContainer(const std::string& name, const at::Tensor& tensor);

  std::vector<TensorEntry> tensors_;
  std::vector<ValueEntry> values_;
  std::vector<at::Tensor> captured_;  // keeps them alive
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_MODULE_GUARD_H_
