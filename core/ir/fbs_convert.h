// The parts of graph.fbs that other schemas share: types and structures, packed and unpacked.
//
// Unpacking trusts nothing: unknown codes, inconsistent counts and nesting deeper than
// kMaxStructureDepth are InvalidArgument. The FlatBuffers verifier must have passed over the bytes.
// Thread-safe.
#ifndef INGOT_CORE_IR_FBS_CONVERT_H_
#define INGOT_CORE_IR_FBS_CONVERT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/digest.h"
#include "core/ir/graph_generated.h"
#include "core/ir/structure.h"
#include "core/ir/type.h"

namespace ingot::ir {

using FbsStructure = flatbuffers::Vector<flatbuffers::Offset<fbs::StructureNode>>;

// A FlatBuffers verifier for `bytes` whose limits no buffer of that size can need to exceed by
// honest means.
flatbuffers::Verifier MakeVerifier(absl::string_view bytes);

// The FlatBuffers verifier checks that a vector begins at a multiple of 4, whatever its elements
// are. A vector of 8-byte elements for which this is false must not be read. nullptr is aligned.
template <typename T>
bool IsAligned(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr || vector->size() == 0 ||
         reinterpret_cast<uintptr_t>(vector->Data()) % alignof(T) == 0;
}

flatbuffers::Offset<fbs::Type> PackType(flatbuffers::FlatBufferBuilder& builder,
                                        const TensorType& type);
absl::StatusOr<TensorType> UnpackType(const fbs::Type* type);
// Sizes or strides; nullptr is empty.
absl::StatusOr<Dims> UnpackDims(const flatbuffers::Vector<int64_t>* dims);

flatbuffers::Offset<FbsStructure> PackStructure(flatbuffers::FlatBufferBuilder& builder,
                                                const Structure& structure);
absl::StatusOr<Structure> UnpackStructure(const FbsStructure* nodes);

flatbuffers::Offset<flatbuffers::Vector<uint8_t>> PackDigest(
    flatbuffers::FlatBufferBuilder& builder, const Digest& digest);
absl::StatusOr<Digest> UnpackDigest(const flatbuffers::Vector<uint8_t>* bytes);

// FlatBuffers leaves out a field that equals its default, and -0.0 == 0.0: without this guard a
// negative zero would come back positive. Makes the builder write every field while it lives.
class ForceDefaultsFor {
 public:
  ForceDefaultsFor(flatbuffers::FlatBufferBuilder& builder, double a, double b = 0);
  ~ForceDefaultsFor() { builder_.ForceDefaults(false); }
  ForceDefaultsFor(const ForceDefaultsFor&) = delete;
  ForceDefaultsFor& operator=(const ForceDefaultsFor&) = delete;

 private:
  flatbuffers::FlatBufferBuilder& builder_;
};

// The one bit pattern that stands for NaN in canonical bytes; every other number is returned as it
// is.
double CanonicalNaN(double value);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_FBS_CONVERT_H_
