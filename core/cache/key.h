// The key: identity of a compiled graph.
//
// SHA-256 over tagged, length-framed parts: key format version, the graph's canonical bytes
// (constants by digest), and the backend's fingerprint (name, versions, instruction sets, every
// option that may affect code). Scalars and seeds are data and not in it. The parts are kept beside
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

  friend bool operator==(const Key& a, const Key& b) {
    return a.digest == b.digest && a.graph == b.graph && a.backend == b.backend;
  }
};

Key MakeKey(std::string canonical_graph, std::string backend_fingerprint);

// "graph" , "backend", or "graph, backend": which parts of two keys differ; empty if none.
std::string DifferingParts(const Key& a, const Key& b);

}  // namespace ingot::cache

#endif  // INGOT_CORE_CACHE_KEY_H_
