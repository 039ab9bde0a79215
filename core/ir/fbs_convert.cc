#include "core/ir/fbs_convert.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::ir {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using Kind = Structure::Kind;

bool HasChildren(Kind kind) {
  return kind == Kind::kTuple || kind == Kind::kList || kind == Kind::kDict;
}

void PackPreOrder(FlatBufferBuilder& builder, const Structure& structure,
                  std::vector<Offset<fbs::StructureNode>>& out) {
  int64_t i = 0;
  double d = 0;
  if (const bool* b = std::get_if<bool>(&structure.number)) i = *b;
  if (const int64_t* n = std::get_if<int64_t>(&structure.number)) i = *n;
  if (const double* n = std::get_if<double>(&structure.number)) d = CanonicalNaN(*n);
  const auto text = structure.kind == Kind::kString ? builder.CreateString(structure.text) : 0;
  const auto keys =
      structure.kind == Kind::kDict ? builder.CreateVectorOfStrings(structure.keys) : 0;
  const ForceDefaultsFor guard(builder, d);
  out.push_back(fbs::CreateStructureNode(builder, static_cast<uint8_t>(structure.kind),
                                         structure.slot, i, d, text, keys,
                                         static_cast<uint32_t>(structure.children.size())));
  for (const Structure& child : structure.children) PackPreOrder(builder, child, out);
}

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("structure: ", what));
}

// Where a reader of a structure is.
struct Cursor {
  uint32_t next = 0;
  // FlatBuffers may refer to one string many times: the bound keeps a small file from becoming a
  // huge structure.
  size_t text_bytes_left = size_t{1} << 20;
};

absl::StatusOr<std::string> TakeText(const flatbuffers::String* text, Cursor& cursor) {
  if (text == nullptr) return std::string();
  if (text->size() > cursor.text_bytes_left) return Malformed("more than 1 MiB of text");
  cursor.text_bytes_left -= text->size();
  return text->str();
}

// Reads the subtree at the cursor and leaves the cursor behind it.
absl::StatusOr<Structure> UnpackPreOrder(const FbsStructure& nodes, Cursor& cursor, int depth) {
  if (cursor.next >= nodes.size()) return Malformed("it ends before its last child");
  if (depth > kMaxStructureDepth) {
    return Malformed(absl::StrCat("it nests deeper than ", kMaxStructureDepth));
  }
  const fbs::StructureNode& node = *nodes.Get(cursor.next++);
  if (node.kind() > static_cast<uint8_t>(Kind::kDict)) {
    return Malformed(absl::StrCat("unknown kind ", static_cast<int>(node.kind())));
  }
  Structure out;
  out.kind = static_cast<Kind>(node.kind());
  out.slot = node.slot();
  if (out.kind == Kind::kTensor && out.slot < 0) return Malformed("a tensor without a slot");
  if (out.kind == Kind::kBool) out.number = node.i() != 0;
  if (out.kind == Kind::kInt) out.number = node.i();
  if (out.kind == Kind::kFloat) out.number = node.d();
  if (out.kind == Kind::kString) {
    INGOT_ASSIGN_OR_RETURN(out.text, TakeText(node.s(), cursor));
  }
  if (node.num_children() > 0 && !HasChildren(out.kind)) return Malformed("a leaf with children");
  if (out.kind == Kind::kDict) {
    const uint32_t num_keys = node.keys() == nullptr ? 0 : node.keys()->size();
    if (num_keys != node.num_children()) return Malformed("a dict with unlike keys and children");
    for (uint32_t i = 0; i < num_keys; ++i) {
      INGOT_ASSIGN_OR_RETURN(std::string key, TakeText(node.keys()->Get(i), cursor));
      out.keys.push_back(std::move(key));
    }
  }
  for (uint32_t i = 0; i < node.num_children(); ++i) {
    INGOT_ASSIGN_OR_RETURN(Structure child, UnpackPreOrder(nodes, cursor, depth + 1));
    out.children.push_back(std::move(child));
  }
  return out;
}

}  // namespace

flatbuffers::Verifier MakeVerifier(absl::string_view bytes) {
  // A table takes at least 8 bytes (its own offset to the vtable and the offset that leads to it),
  // so a buffer that needs more than size / 4 visits refers to the same tables over and over.
  const size_t max_tables =
      std::min<size_t>(bytes.size() / 4 + 1, std::numeric_limits<flatbuffers::uoffset_t>::max());
  return flatbuffers::Verifier(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
                               /*max_depth=*/16, static_cast<flatbuffers::uoffset_t>(max_tables));
}

Offset<fbs::Type> PackType(FlatBufferBuilder& builder, const TensorType& type) {
  const auto dims = builder.CreateVector(type.dims.data(), type.dims.size());
  return fbs::CreateType(builder, static_cast<uint8_t>(type.dtype), dims);
}

absl::StatusOr<TensorType> UnpackType(const fbs::Type* type) {
  if (type == nullptr) return absl::InvalidArgumentError("a type is missing");
  if (type->dtype() >= kNumDTypes) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown dtype code ", static_cast<int>(type->dtype())));
  }
  INGOT_ASSIGN_OR_RETURN(Dims dims, UnpackDims(type->dims()));
  return TensorType{static_cast<DType>(type->dtype()), std::move(dims)};
}

absl::StatusOr<Dims> UnpackDims(const flatbuffers::Vector<int64_t>* dims) {
  const uint32_t rank = dims == nullptr ? 0 : dims->size();
  if (rank > kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat("a rank of ", rank, "; at most ", kMaxRank, " dimensions are possible"));
  }
  if (!IsAligned(dims)) return absl::InvalidArgumentError("a list of sizes is not aligned");
  Dims out(rank);
  for (uint32_t i = 0; i < rank; ++i) out[i] = dims->Get(i);
  return out;
}

Offset<FbsStructure> PackStructure(FlatBufferBuilder& builder, const Structure& structure) {
  std::vector<Offset<fbs::StructureNode>> nodes;
  PackPreOrder(builder, structure, nodes);
  return builder.CreateVector(nodes);
}

absl::StatusOr<Structure> UnpackStructure(const FbsStructure* nodes) {
  if (nodes == nullptr) return Malformed("missing");
  Cursor cursor;
  INGOT_ASSIGN_OR_RETURN(Structure structure, UnpackPreOrder(*nodes, cursor, 0));
  if (cursor.next != nodes->size()) return Malformed("it goes on after its end");
  return structure;
}

Offset<flatbuffers::Vector<uint8_t>> PackDigest(FlatBufferBuilder& builder, const Digest& digest) {
  return builder.CreateVector(digest.bytes.data(), digest.bytes.size());
}

absl::StatusOr<Digest> UnpackDigest(const flatbuffers::Vector<uint8_t>* bytes) {
  Digest digest;
  if (bytes == nullptr || bytes->size() != digest.bytes.size()) {
    return absl::InvalidArgumentError("a digest does not have 32 bytes");
  }
  std::copy(bytes->begin(), bytes->end(), digest.bytes.begin());
  return digest;
}

ForceDefaultsFor::ForceDefaultsFor(FlatBufferBuilder& builder, double a, double b)
    : builder_(builder) {
  builder_.ForceDefaults((a == 0 && std::signbit(a)) || (b == 0 && std::signbit(b)));
}

double CanonicalNaN(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

}  // namespace ingot::ir
