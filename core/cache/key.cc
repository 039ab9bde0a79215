#include "core/cache/key.h"

#include <utility>

namespace ingot::cache {
namespace {

// Changes whenever the parts of a key, or their meaning, change.
constexpr absl::string_view kKeyFormat = "ingot-key/1";

}  // namespace

Key MakeKey(std::string canonical_graph, std::string backend_fingerprint) {
  ir::FramedHasher hasher;
  hasher.Add("format", kKeyFormat);
  hasher.Add("graph", canonical_graph);
  hasher.Add("backend", backend_fingerprint);
  return {hasher.Finish(), std::move(canonical_graph), std::move(backend_fingerprint)};
}

std::string DifferingParts(const Key& a, const Key& b) {
  std::string parts;
  if (a.graph != b.graph) parts = "graph";
  if (a.backend != b.backend) parts += parts.empty() ? "backend" : ", backend";
  return parts;
}

}  // namespace ingot::cache
