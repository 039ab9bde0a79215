// Canonical bytes of a graph (graph.fbs), and back.
//
// The bytes are a function of the program alone: debug names, source positions, the graph's name
// and the numbering of values do not change them. They are what the cache key hashes, what an
// `.ingot` file stores and what a backend receives. Thread-safe.
#ifndef INGOT_CORE_IR_SERIALIZE_H_
#define INGOT_CORE_IR_SERIALIZE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/graph.h"

namespace ingot::ir {

// Renumbers a copy of `graph` and serialises it.
std::string ToCanonicalBytes(const Graph& graph);

// Parses and checks the bytes' form (FlatBuffers verifier, ids in range, enum codes known, single
// definitions in topological order). InvalidArgument says what is wrong. It does not check ops or
// types: `Verify` does. `bytes` need not be aligned.
absl::StatusOr<Graph> FromCanonicalBytes(absl::string_view bytes);

// Identity of the program: Sha256 of the canonical bytes.
Digest GraphDigest(const Graph& graph);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_SERIALIZE_H_
