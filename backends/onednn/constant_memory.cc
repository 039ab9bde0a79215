#include "backends/onednn/constant_memory.h"

#include <cstring>

namespace ingot::onednn {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;
// Of address space: what nobody has touched yet takes no memory.
constexpr size_t kBlock = 16 * kHugePage;
// Of recycled memory at most this much waits for a constant of the same size: the kernel clears new
// pages, which takes longer than much of what is done with them.
constexpr size_t kMaxSpareBytes = 16 << 20;

}  // namespace

ConstantPool::ConstantPool(size_t expected_bytes) : settles_(expected_bytes >= kHugePage) {}

ConstantMemory ConstantPool::Allocate(size_t bytes) {
  std::vector<ConstantMemory>& spare = spare_[bytes];
  if (!spare.empty()) {
    ConstantMemory memory = std::move(spare.back());
    spare.pop_back();
    spare_bytes_ -= bytes;
    return memory;
  }
  auto block = std::make_shared<const AlignedBuffer>(bytes);
  char* const begin = block->bytes();
  if (begin == nullptr) return ConstantMemory();
  return ConstantMemory(std::move(block), begin, bytes);
}

void ConstantPool::Recycle(ConstantMemory memory) {
  // Of a shared block nothing can be had back.
  const bool has_own_block = memory.size() > 0 && memory.block_->size() == memory.size();
  if (!has_own_block || memory.size() > kMaxSpareBytes - spare_bytes_) return;
  spare_bytes_ += memory.size();
  spare_[memory.size()].push_back(std::move(memory));
}

void ConstantPool::Settle(ConstantMemory& memory) {
  if (!settles_ || memory.size() == 0 || memory.size() >= kHugePage) return;
  const size_t size = (memory.size() + kAlignment - 1) / kAlignment * kAlignment;
  if (block_ == nullptr || size > block_->size() - block_used_) {
    auto block = std::make_shared<const AlignedBuffer>(kBlock);
    if (block->bytes() == nullptr) return;
    block_ = std::move(block);
    block_used_ = 0;
  }
  ConstantMemory settled(block_, block_->bytes() + block_used_, memory.size());
  block_used_ += size;
  std::memcpy(settled.bytes(), memory.bytes(), memory.size());
  std::swap(settled, memory);
  Recycle(std::move(settled));
}

}  // namespace ingot::onednn
