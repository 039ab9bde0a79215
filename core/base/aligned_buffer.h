// An owned block of 64-byte aligned memory. Large blocks ask the kernel for huge pages.
//
// Movable, not copyable. Contents start undefined.
#ifndef INGOT_CORE_BASE_ALIGNED_BUFFER_H_
#define INGOT_CORE_BASE_ALIGNED_BUFFER_H_

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace ingot {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t bytes) : size_(bytes) {
    if (bytes == 0) return;
    // Huge pages pay only where a block spans several of them (2 MiB on x86-64).
    const bool huge = bytes >= 2 * kHugePage;
    const size_t alignment = huge ? kHugePage : 64;
    data_.reset(std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment));
    if (huge && data_ != nullptr) madvise(data_.get(), bytes, MADV_HUGEPAGE);
  }

  // nullptr for size 0 and when memory has run out.
  void* data() const { return data_.get(); }
  char* bytes() const { return static_cast<char*>(data_.get()); }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kHugePage = size_t{2} << 20;
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> data_;
  size_t size_ = 0;
};

}  // namespace ingot

#endif  // INGOT_CORE_BASE_ALIGNED_BUFFER_H_
