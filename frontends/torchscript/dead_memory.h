// Memory of a recording's tensors that nobody but the recording refers to any more.
//
//   DeadMemory dead;
//   dead.Hold(tensor, 2);                      // the recording keeps two references to the object
//   dead.Collect(is_no_longer_needed);         // now and then
//
// A tape keeps every tensor object alive, so that addresses tell storages apart. Their memory it
// needs only where contents may be asked for later; the rest would make a recording hold all
// activations of a model at once. Collect frees the memory of storages of which every reference is
// one that Hold was told of; object and storage stay, without data. It is conservative: a reference
// that it doesn't know of keeps the memory.
//
// Not thread-safe.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_DEAD_MEMORY_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_DEAD_MEMORY_H_

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"

namespace ingot::torchscript {

class DeadMemory {
 public:
  // Smaller storages are not worth the search.
  static constexpr size_t kMinBytes = 16 * 1024;

  // The recording keeps `references` more to the object behind `tensor`, for good.
  // REQUIRES: a dense tensor.
  void Hold(const at::Tensor& tensor, uint32_t references);

  // Frees what is dead and allowed. Looks at kProbes storages, in turn, so that its cost is
  // bounded.
  void Collect(absl::FunctionRef<bool(const c10::StorageImpl*)> is_allowed);

 private:
  static constexpr size_t kProbes = 64;

  struct Object {
    uint32_t references = 0;  // known ones
    bool is_listed = false;   // under its storage
  };
  struct Candidate {
    c10::StorageImpl* storage = nullptr;
    std::vector<const c10::TensorImpl*> objects;  // on it
  };

  void List(const at::TensorBase& tensor, Object& object);
  bool IsDead(const Candidate& candidate) const;

  absl::flat_hash_map<const c10::TensorImpl*, Object> objects_;
  absl::flat_hash_map<const c10::StorageImpl*, size_t> position_;  // in candidates_
  std::vector<Candidate> candidates_;
  size_t next_ = 0;  // to look at
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_DEAD_MEMORY_H_
