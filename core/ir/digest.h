// SHA-256 digests: identity of constants and of compiled graphs.
//
// Thread-safe (no state). Uses OpenSSL's libcrypto, which uses the CPU's SHA instructions.
#ifndef INGOT_CORE_IR_DIGEST_H_
#define INGOT_CORE_IR_DIGEST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::ir {

struct Digest {
  std::array<uint8_t, 32> bytes{};

  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Digest& d) {
    return H::combine_contiguous(std::move(h), d.bytes.data(), d.bytes.size());
  }
  // 64 lower-case hexadecimal digits.
  std::string ToHex() const;
};

// Inverse of ToHex; InvalidArgument unless `hex` is exactly 64 hexadecimal digits.
absl::StatusOr<Digest> ParseDigest(absl::string_view hex);

// SHA-256 (FIPS 180-4) of `size` bytes.
Digest Sha256(const void* data, size_t size);
inline Digest Sha256(absl::string_view data) { return Sha256(data.data(), data.size()); }

// Incremental SHA-256 with parts framed by their length: ("ab","c") and ("a","bc") differ.
class FramedHasher {
 public:
  FramedHasher();
  ~FramedHasher();
  FramedHasher(const FramedHasher&) = delete;
  FramedHasher& operator=(const FramedHasher&) = delete;

  // Adds `tag` and `part`, each preceded by its length as 8 little-endian bytes.
  void Add(absl::string_view tag, absl::string_view part);
  // Call once, last.
  Digest Finish();

 private:
  void* context_;
};

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_DIGEST_H_
