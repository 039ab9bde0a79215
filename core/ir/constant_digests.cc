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
constexpr size_t kBytesWorthAThread = 8 << 20;

}  // namespace

std::vector<Digest> DigestsOf(absl::Span<const absl::string_view> strings, const DigestDone& done) {
  std::vector<size_t> order(strings.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return strings[a].size() > strings[b].size(); });
  std::vector<Digest> digests(strings.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    DigestStream({
        .next =
            [&](DigestJob& job) {
              const size_t i = next++;
              if (i >= order.size()) return false;
              job = {strings[order[i]], order[i]};
              return true;
            },
        .done =
            [&](size_t index, const Digest& digest) {
              digests[index] = digest;
              if (done) done(index, digest);
            },
    });
  };
  size_t bytes = 0;
  for (const absl::string_view string : strings) bytes += string.size();
  const auto worth =
      static_cast<unsigned>(std::min<size_t>(1 + bytes / kBytesWorthAThread, kMaxDigestThreads));
  std::vector<std::thread> helpers;
  for (unsigned i = std::min(worth, std::thread::hardware_concurrency()); i > 1; --i)
    helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  return digests;
}

void ComputeDigests(absl::Span<Constant> constants, const ConstantDone& done) {
  std::vector<absl::string_view> strings;
  for (const Constant& constant : constants) strings.push_back(BytesOf(constant));
  DigestsOf(strings, [&](size_t i, const Digest& digest) {
    constants[i].digest = digest;
    if (done) done(constants[i]);
  });
}

}  // namespace ingot::ir
