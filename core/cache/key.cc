#include "core/cache/key.h"

#include <utility>
#include <vector>

#include "absl/strings/str_join.h"

namespace ingot::cache {
namespace {

// Changes whenever the parts of a key, or their meaning, change.
constexpr absl::string_view kKeyFormat = "ingot-key/2";

}  // namespace

Key MakeKey(std::string canonical_graph, std::string backend_fingerprint, std::string memory) {
  ir::FramedHasher hasher;
  hasher.Add("format", kKeyFormat);
  hasher.Add("graph", canonical_graph);
  hasher.Add("backend", backend_fingerprint);
  hasher.Add("memory", memory);
  return {hasher.Finish(), std::move(canonical_graph), std::move(backend_fingerprint),
          std::move(memory)};
}

std::string DifferingParts(const Key& a, const Key& b) {
  std::vector<absl::string_view> parts;
  if (a.graph != b.graph) parts.push_back("graph");
  if (a.backend != b.backend) parts.push_back("backend");
  if (a.memory != b.memory) parts.push_back("memory");
  return absl::StrJoin(parts, ", ");
}

}  // namespace ingot::cache
