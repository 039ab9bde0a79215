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
    const size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, (bytes + kAlignment - 1) / kAlignment * kAlignment) == 0)
      data_.reset(memory);
    // Whole pages only: the rest of the last one would be resident for nothing.
    const size_t whole = bytes / kHugePage * kHugePage;
    if (whole > 0 && memory != nullptr) madvise(memory, whole, MADV_HUGEPAGE);
  }

  // nullptr for size 0 and when memory has run out.
  void* data() const { return data_.get(); }
  char* bytes() const { return static_cast<char*>(data_.get()); }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kHugePage = size_t{2} << 20;  // of x86-64
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> data_;
  size_t size_ = 0;
};

}  // namespace ingot

#endif  // INGOT_CORE_BASE_ALIGNED_BUFFER_H_
