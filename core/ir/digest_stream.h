// SHA-256 of many byte strings, two at a time: a CPU's SHA instructions wait for each other within
// one string, so that a second one costs little. The same digests as Sha256's (digest.h).
//
//   DigestStream({
//       .next = [&](DigestJob& job) { … return whether there was one more; },
//       .done = [&](size_t index, const Digest& digest) { digests[index] = digest; },
//   });
//
// Where the CPU has no SHA instructions, one after the other by Sha256. Libraries that do the same
// were looked at: docs/architecture.md.
#ifndef INGOT_CORE_IR_DIGEST_STREAM_H_
#define INGOT_CORE_IR_DIGEST_STREAM_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "core/ir/digest.h"

namespace ingot::ir {

struct DigestJob {
  absl::string_view bytes;  // unchanged until its `done`
  size_t index = 0;         // the caller's
};

// Both are called on the calling thread; `next` until it returns false, and no more.
struct DigestQueue {
  absl::FunctionRef<bool(DigestJob& job)> next;
  absl::FunctionRef<void(size_t index, const Digest& digest)> done;
};

// Returns when all that `next` gave is done. Thread-safe: several threads may share a queue whose
// functions are.
void DigestStream(const DigestQueue& queue);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_DIGEST_STREAM_H_
