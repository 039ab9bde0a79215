// The tensors that exist before a call: a module's parameters, buffers, attributes and literals.
//
//   INGOT_ASSIGN_OR_RETURN(ModuleState state, ModuleState::Of(module));
//   const std::string* name = state.NameOf(storage);   // "encoder.fc1.weight"
//   … run …
//   INGOT_ASSIGN_OR_RETURN(std::vector<Rebinding> r, state.FindRebindings());
//
// A call may write into them or put another tensor in their place; the recorder makes those it
// writes state inputs. Not thread-safe.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_MODULE_STATE_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_MODULE_STATE_H_

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontends/torchscript/tape.h"

namespace ingot::torchscript {

class ModuleState {
 public:
  struct Tensor {
    std::string name;
    at::Tensor tensor;
    bool is_parameter = false;
  };

  // Of a callable that isn't a module: nothing is known.
  ModuleState() = default;

  // Refuses, as Unimplemented with the source line, programs whose calls can't be recorded: those
  // that fork, and those that turn tensors into lists of numbers without a dispatched op.
  static absl::StatusOr<ModuleState> Of(const torch::jit::Module& module);

  const std::vector<Tensor>& tensors() const { return tensors_; }
  // nullptr if the storage isn't one of the module's. The pointer lives as long as this object.
  const std::string* NameOf(StorageId storage) const;

  // The tensors that are now in the place of those that were there, by index of `tensors()`.
  // FailedPrecondition if an attribute that isn't a tensor has changed, or a buffer without a
  // dispatched op.
  struct Rebinding {
    size_t index;
    at::Tensor now;
  };
  absl::StatusOr<std::vector<Rebinding>> FindChanges(const Tape& tape) const;
  // Puts the tensors back in their places.
  void UndoRebindings();

 private:
  struct Attribute {
    torch::jit::Module owner;
    std::string attribute;
    std::string name;
    c10::IValue value;    // as it was, lists copied
    int64_t tensor = -1;  // index into tensors_
  };

  void AddModule(const torch::jit::Module& module, const std::string& prefix);
  void AddTensor(std::string name, const at::Tensor& tensor, bool is_parameter);
  absl::Status AddLiterals(const torch::jit::Module& module);

  std::vector<Tensor> tensors_;
  std::vector<Attribute> attributes_;
  std::vector<uint64_t> fingerprints_;  // of tensors_ that aren't parameters
  absl::flat_hash_map<StorageId, std::string> names_;
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_MODULE_STATE_H_
