// The key: identity of a compiled graph.
//
// SHA-256 over tagged, length-framed parts: key format version, the graph's canonical bytes
// (constants by digest), the backend's fingerprint (name, versions, instruction sets, every option
// that may affect code), and, where equal digests are not enough, the memory of the constants.
// Scalars and seeds are data and not in it. The parts are kept beside
// the digest: equality is equality of the parts, and `Explain` can say which part differs.
#ifndef INGOT_CORE_CACHE_KEY_H_
#define INGOT_CORE_CACHE_KEY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/ir/digest.h"

namespace ingot::cache {

struct Key {
  ir::Digest digest;
  std::string graph;    // canonical bytes
  std::string backend;  // fingerprint
  // Addresses of live constants, for executables that read them when they run; else empty.
  std::string memory;

  friend bool operator==(const Key& a, const Key& b) {
    return a.digest == b.digest && a.graph == b.graph && a.backend == b.backend &&
           a.memory == b.memory;
  }
};

Key MakeKey(std::string canonical_graph, std::string backend_fingerprint, std::string memory = "");

// "graph", "backend", "memory" or several of them: which parts of two keys differ; empty if none.
std::string DifferingParts(const Key& a, const Key& b);

}  // namespace ingot::cache

#endif  // INGOT_CORE_CACHE_KEY_H_
