#include "core/ir/digest_stream.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace ingot::ir {
namespace {

void OneByOne(const DigestQueue& queue) {
  DigestJob job;
  while (queue.next(job)) queue.done(job.index, Sha256(job.bytes));
}

#if defined(__x86_64__)

#define INGOT_SHA_TARGET __attribute__((target("sha,sse4.1")))

constexpr size_t kBlock = 64;  // bytes, FIPS 180-4 section 5.2.1

// Section 4.2.2.
alignas(16) constexpr uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// Section 5.3.3.
constexpr std::array<uint32_t, 8> kInitialState = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// A string on its way: its whole blocks, then the last one or two, which have its length.
struct Lane {
  bool busy = false;
  DigestJob job;
  std::array<uint32_t, 8> state{};
  const char* next = nullptr;
  size_t blocks = 0;  // to come, from `next` on
  bool padded = false;
  char tail[2 * kBlock];
};

void Begin(Lane& lane, const DigestJob& job) {
  lane.busy = true;
  lane.job = job;
  lane.state = kInitialState;
  lane.next = job.bytes.data();
  lane.blocks = job.bytes.size() / kBlock;
  lane.padded = false;
}

// Section 5.1.1: a bit that is 1, zeros, and the length in bits.
void Pad(Lane& lane) {
  const absl::string_view rest =
      lane.job.bytes.substr(lane.job.bytes.size() - lane.job.bytes.size() % kBlock);
  lane.blocks = rest.size() + 9 > kBlock ? 2 : 1;
  lane.next = lane.tail;
  lane.padded = true;
  std::memset(lane.tail, 0, sizeof(lane.tail));
  if (!rest.empty()) std::memcpy(lane.tail, rest.data(), rest.size());
  lane.tail[rest.size()] = static_cast<char>(0x80);
  const uint64_t bits = static_cast<uint64_t>(lane.job.bytes.size()) * 8;
  char* const end = lane.tail + lane.blocks * kBlock;
  for (int i = 0; i < 8; ++i) end[-1 - i] = static_cast<char>(bits >> (8 * i));
}

Digest Finished(const Lane& lane) {
  Digest digest;
  for (size_t i = 0; i < digest.bytes.size(); ++i) {
    digest.bytes[i] = static_cast<uint8_t>(lane.state[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

// Section 6.2.2 for the next `blocks` of each lane. The instructions keep the state as (a, b, e, f)
// and (c, d, g, h), the first word highest, and take two rounds at a time.
template <int kLanes>
INGOT_SHA_TARGET void Compress(const std::array<Lane*, kLanes>& lanes, size_t blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef[kLanes], cdgh[kLanes];
  for (int l = 0; l < kLanes; ++l) {
    const auto* const state = reinterpret_cast<const __m128i*>(lanes[l]->state.data());
    const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(state), 0xb1);
    const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(state + 1), 0x1b);
    abef[l] = _mm_alignr_epi8(cdab, efgh, 8);
    cdgh[l] = _mm_blend_epi16(efgh, cdab, 0xf0);
  }
  for (size_t block = 0; block < blocks; ++block) {
    __m128i abef_before[kLanes], cdgh_before[kLanes];
    __m128i words[kLanes][4];  // of the message schedule: the last 16
    for (int l = 0; l < kLanes; ++l) {
      abef_before[l] = abef[l];
      cdgh_before[l] = cdgh[l];
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
#pragma GCC unroll 2
      for (int l = 0; l < kLanes; ++l) {
        __m128i(&w)[4] = words[l];
        if (i < 4) {
          const auto* const message =
              reinterpret_cast<const __m128i*>(lanes[l]->next + block * kBlock);
          w[i] = _mm_shuffle_epi8(_mm_loadu_si128(message + i), big_endian);
        } else {
          const __m128i w9 = _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4);
          w[i % 4] = _mm_sha256msg2_epu32(
              _mm_add_epi32(_mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]), w9), w[(i + 3) % 4]);
        }
        const auto* const constants = reinterpret_cast<const __m128i*>(kRoundConstants);
        const __m128i k = _mm_add_epi32(w[i % 4], _mm_load_si128(constants + i));
        cdgh[l] = _mm_sha256rnds2_epu32(cdgh[l], abef[l], k);
        abef[l] = _mm_sha256rnds2_epu32(abef[l], cdgh[l], _mm_shuffle_epi32(k, 0x0e));
      }
    }
    for (int l = 0; l < kLanes; ++l) {
      abef[l] = _mm_add_epi32(abef[l], abef_before[l]);
      cdgh[l] = _mm_add_epi32(cdgh[l], cdgh_before[l]);
    }
  }
  for (int l = 0; l < kLanes; ++l) {
    auto* const state = reinterpret_cast<__m128i*>(lanes[l]->state.data());
    const __m128i feba = _mm_shuffle_epi32(abef[l], 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh[l], 0xb1);
    _mm_storeu_si128(state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(state + 1, _mm_alignr_epi8(dchg, feba, 8));
    lanes[l]->next += blocks * kBlock;
    lanes[l]->blocks -= blocks;
  }
}

void TwoByTwo(const DigestQueue& queue) {
  std::array<Lane, 2> lanes;
  bool more = true;
  const auto refill = [&](Lane& lane) {
    while (lane.blocks == 0) {
      if (lane.busy && !lane.padded) {
        Pad(lane);
        return;
      }
      if (lane.busy) queue.done(lane.job.index, Finished(lane));
      lane.busy = false;
      DigestJob job;
      more = more && queue.next(job);
      if (!more) return;
      Begin(lane, job);
    }
  };
  for (;;) {
    refill(lanes[0]);
    refill(lanes[1]);
    if (lanes[0].busy && lanes[1].busy) {
      Compress<2>({&lanes[0], &lanes[1]}, std::min(lanes[0].blocks, lanes[1].blocks));
    } else if (lanes[0].busy || lanes[1].busy) {
      Lane& lane = lanes[lanes[0].busy ? 0 : 1];
      Compress<1>({&lane}, lane.blocks);
    } else {
      return;
    }
  }
}

bool HasShaInstructions() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0 &&
         __builtin_cpu_supports("sse4.1");
}

#endif  // __x86_64__

}  // namespace

void DigestStream(const DigestQueue& queue) {
#if defined(__x86_64__)
  static const bool has_sha = HasShaInstructions();
  if (has_sha) return TwoByTwo(queue);
#endif
  OneByOne(queue);
}

}  // namespace ingot::ir
