// Memory for a program's constants: packed weights and what else is known once compiled.
//
//   ConstantPool pool(bytes_of_all_weights);
//   ConstantMemory packed = pool.Allocate(bytes);   // contents undefined, 64-byte aligned
//   pool.Settle(packed);                            // it stays; lies elsewhere from now on
//   pool.Recycle(std::move(packed));                // no longer needed: for those to come
//
// Small constants that stay lie side by side in blocks that ask the kernel for huge pages. A
// product reads megabytes of weights on each call; in pages of 4 KB that costs a look-up in the
// page table every 4 KB, and a core's own cache, which is indexed by physical addresses, holds less
// of them than it has room for. Large constants have a block each. Blocks live as long as memory in
// them, which need not outlive the pool.
//
// Not thread-safe; memory once allocated may be used and destroyed from any thread.
#ifndef INGOT_BACKENDS_ONEDNN_CONSTANT_MEMORY_H_
#define INGOT_BACKENDS_ONEDNN_CONSTANT_MEMORY_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/aligned_buffer.h"

namespace ingot::onednn {

class ConstantMemory {
 public:
  ConstantMemory() = default;
  ConstantMemory(ConstantMemory&& other) noexcept { *this = std::move(other); }
  ConstantMemory& operator=(ConstantMemory&& other) noexcept {
    block_ = std::move(other.block_);
    begin_ = std::exchange(other.begin_, nullptr);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  // nullptr for size 0 and when memory had run out.
  char* bytes() const { return begin_; }
  size_t size() const { return size_; }

 private:
  friend class ConstantPool;
  ConstantMemory(std::shared_ptr<const AlignedBuffer> block, char* begin, size_t size)
      : block_(std::move(block)), begin_(begin), size_(size) {}

  std::shared_ptr<const AlignedBuffer> block_;
  char* begin_ = nullptr;
  size_t size_ = 0;
};

class ConstantPool {
 public:
  // `expected_bytes`: about what all constants take. So few that they don't fill a huge page stay
  // where they are.
  explicit ConstantPool(size_t expected_bytes);

  ConstantMemory Allocate(size_t bytes);
  void Recycle(ConstantMemory memory);
  // Moves the contents, if that is worth it and there is memory for it.
  void Settle(ConstantMemory& memory);

 private:
  const bool settles_;
  std::shared_ptr<const AlignedBuffer> block_;  // of small constants that stay
  size_t block_used_ = 0;
  absl::flat_hash_map<size_t, std::vector<ConstantMemory>> spare_;  // by size
  size_t spare_bytes_ = 0;
};

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_CONSTANT_MEMORY_H_
