// Digests of many constants, on several threads: SHA-256 of a model's weights takes longer than
// most of what a recording does.
//
//   ComputeDigests(absl::MakeSpan(recording.constants));
//
// Thread-safe for different constants.
#ifndef INGOT_CORE_IR_CONSTANT_DIGESTS_H_
#define INGOT_CORE_IR_CONSTANT_DIGESTS_H_

#include <functional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/ir/digest.h"
#include "core/ir/recording.h"

namespace ingot::ir {

inline constexpr unsigned kMaxDigestThreads = 8;

// The digests of `strings`, the longest first, on as many threads as this process has CPUs and the
// bytes are worth, up to kMaxDigestThreads. `done` is called with the place and the digest of each
// once its bytes have been read, from any of the threads.
using DigestDone = std::function<void(size_t index, const Digest& digest)>;
std::vector<Digest> DigestsOf(absl::Span<const absl::string_view> strings,
                              const DigestDone& done = nullptr);

// Fills in the constants' digests likewise; `done` is called with each that has its digest.
using ConstantDone = std::function<void(Constant&)>;
void ComputeDigests(absl::Span<Constant> constants, const ConstantDone& done = nullptr);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_CONSTANT_DIGESTS_H_
