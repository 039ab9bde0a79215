#include "core/ir/constant_digests.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <thread>
#include <vector>

#include "core/ir/digest_stream.h"

namespace ingot::ir {
namespace {

// About 4 ms of one CPU's SHA instructions; a thread takes a hundredth of that to start.
constexpr int64_t kBytesWorthAThread = 8 << 20;

}  // namespace

void ComputeDigests(absl::Span<Constant> constants, const ConstantDone& done) {
  std::vector<size_t> order(constants.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return constants[a].type.NumBytes() > constants[b].type.NumBytes();
  });
  std::atomic<size_t> next{0};
  const auto work = [&] {
    DigestStream({
        .next =
            [&](DigestJob& job) {
              const size_t i = next++;
              if (i >= order.size()) return false;
              job = {BytesOf(constants[order[i]]), order[i]};
              return true;
            },
        .done =
            [&](size_t index, const Digest& digest) {
              constants[index].digest = digest;
              if (done) done(constants[index]);
            },
    });
  };
  int64_t bytes = 0;
  for (const Constant& constant : constants) bytes += constant.type.NumBytes();
  const auto worth =
      static_cast<unsigned>(std::min<int64_t>(1 + bytes / kBytesWorthAThread, kMaxDigestThreads));
  std::vector<std::thread> helpers;
  for (unsigned i = std::min(worth, std::thread::hardware_concurrency()); i > 1; --i)
    helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace ingot::ir
