#include "core/ir/digest.h"

#include <openssl/evp.h>

#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace ingot::ir {
namespace {

// libcrypto fails here only when memory has run out or it was built without SHA-256: a digest that
// isn't one must never get out, so there is nothing to do but stop.
void Require(bool ok) {
  if (!ok) std::abort();
}

EVP_MD_CTX* Context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

void AddFramed(EVP_MD_CTX* context, absl::string_view part) {
  uint8_t length[8];
  for (int i = 0; i < 8; ++i) {
    length[i] = static_cast<uint8_t>(static_cast<uint64_t>(part.size()) >> (8 * i));
  }
  Require(EVP_DigestUpdate(context, length, sizeof(length)) == 1);
  Require(EVP_DigestUpdate(context, part.data(), part.size()) == 1);
}

}  // namespace

std::string Digest::ToHex() const {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

absl::StatusOr<Digest> ParseDigest(absl::string_view hex) {
  Digest digest;
  if (hex.size() != 2 * digest.bytes.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a digest has 64 hexadecimal digits, not ", hex.size()));
  }
  for (size_t i = 0; i < hex.size(); ++i) {
    const char c = absl::ascii_tolower(hex[i]);
    if (!absl::ascii_isxdigit(c)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", absl::CEscape(hex.substr(i, 1)), "' is not a hexadecimal digit"));
    }
    const int value = absl::ascii_isdigit(c) ? c - '0' : c - 'a' + 10;
    digest.bytes[i / 2] = static_cast<uint8_t>(digest.bytes[i / 2] << 4 | value);
  }
  return digest;
}

Digest Sha256(const void* data, size_t size) {
  Digest digest;
  Require(EVP_Digest(data, size, digest.bytes.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return digest;
}

FramedHasher::FramedHasher() : context_(EVP_MD_CTX_new()) {
  Require(context_ != nullptr);
  Require(EVP_DigestInit_ex(Context(context_), EVP_sha256(), nullptr) == 1);
}

FramedHasher::~FramedHasher() { EVP_MD_CTX_free(Context(context_)); }

void FramedHasher::Add(absl::string_view tag, absl::string_view part) {
  AddFramed(Context(context_), tag);
  AddFramed(Context(context_), part);
}

Digest FramedHasher::Finish() {
  Digest digest;
  Require(EVP_DigestFinal_ex(Context(context_), digest.bytes.data(), nullptr) == 1);
  return digest;
}

}  // namespace ingot::ir
