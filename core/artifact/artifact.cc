#include "core/artifact/artifact.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/artifact/header.h"
#include "core/base/status_macros.h"
#include "core/ir/constant_digests.h"
#include "core/ir/recording_verifier.h"

namespace ingot::artifact {
namespace {

constexpr absl::string_view kMagic("INGOT\r\n\x1a", 8);
constexpr uint32_t kFormatVersion = 1;
constexpr uint64_t kAlignment = 64;
constexpr uint64_t kPrologueSize = 128;

// The first 128 bytes of a file: docs/ingot-file.md.
struct Prologue {
  uint32_t version = kFormatVersion;
  uint32_t flags = 0;
  uint64_t header_offset = kPrologueSize;
  uint64_t header_size = 0;
  uint64_t file_size = 0;
  ir::Digest header_digest;
};

// Where each field is.
constexpr size_t kVersionAt = 8, kFlagsAt = 12, kHeaderOffsetAt = 16, kHeaderSizeAt = 24,
                 kFileSizeAt = 32, kHeaderDigestAt = 40, kReservedAt = 72;

uint64_t AlignUp(uint64_t value) { return (value + kAlignment - 1) / kAlignment * kAlignment; }

template <typename T>
void PutLittleEndian(std::string& bytes, size_t at, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

template <typename T>
T GetLittleEndian(absl::string_view bytes, size_t at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  }
  return value;
}

std::string PackPrologue(const Prologue& prologue) {
  std::string bytes(kPrologueSize, '\0');
  std::copy(kMagic.begin(), kMagic.end(), bytes.begin());
  PutLittleEndian(bytes, kVersionAt, prologue.version);
  PutLittleEndian(bytes, kFlagsAt, prologue.flags);
  PutLittleEndian(bytes, kHeaderOffsetAt, prologue.header_offset);
  PutLittleEndian(bytes, kHeaderSizeAt, prologue.header_size);
  PutLittleEndian(bytes, kFileSizeAt, prologue.file_size);
  const auto& digest = prologue.header_digest.bytes;
  std::copy(digest.begin(), digest.end(), bytes.begin() + kHeaderDigestAt);
  return bytes;
}

bool AllZero(absl::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

absl::StatusOr<Prologue> ParsePrologue(absl::string_view file) {
  if (file.substr(0, kMagic.size()) != kMagic.substr(0, file.size()) || file.empty()) {
    return absl::DataLossError("it is not an .ingot file (it does not begin with INGOT)");
  }
  if (file.size() < kPrologueSize) {
    return absl::DataLossError(absl::StrCat("truncated: it has only ", file.size(), " bytes"));
  }
  Prologue prologue;
  prologue.version = GetLittleEndian<uint32_t>(file, kVersionAt);
  prologue.flags = GetLittleEndian<uint32_t>(file, kFlagsAt);
  prologue.header_offset = GetLittleEndian<uint64_t>(file, kHeaderOffsetAt);
  prologue.header_size = GetLittleEndian<uint64_t>(file, kHeaderSizeAt);
  prologue.file_size = GetLittleEndian<uint64_t>(file, kFileSizeAt);
  std::memcpy(prologue.header_digest.bytes.data(), file.data() + kHeaderDigestAt,
              prologue.header_digest.bytes.size());
  if (prologue.version != kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "it has format version ", prologue.version, "; this build reads version ", kFormatVersion));
  }
  if (prologue.flags != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("it has the format flags ", prologue.flags, ", which this build lacks"));
  }
  if (file.size() != prologue.file_size) {
    return absl::DataLossError(absl::StrCat("truncated or overwritten: it has ", file.size(),
                                            " bytes and says ", prologue.file_size));
  }
  const bool header_fits = prologue.header_offset == kPrologueSize &&
                           prologue.header_size <= file.size() - kPrologueSize;
  if (!header_fits || !AllZero(file.substr(kReservedAt, kPrologueSize - kReservedAt))) {
    return absl::DataLossError("corrupt: its prologue is inconsistent");
  }
  return prologue;
}

// The weights of a recording, constants first.
std::vector<const ir::Constant*> AllWeights(const ir::Recording& recording) {
  std::vector<const ir::Constant*> weights;
  for (const ir::Constant& weight : recording.constants) weights.push_back(&weight);
  for (const ir::Constant& weight : recording.initial_state) weights.push_back(&weight);
  return weights;
}

// A file's contents, ready to be written.
struct Layout {
  Prologue prologue;
  std::string header;
  // Each once, in the order of the file.
  std::vector<std::pair<uint64_t, const ir::Constant*>> weights;
};

Layout MakeLayout(const ir::Recording& recording, const Options& options) {
  const std::vector<const ir::Constant*> all = AllWeights(recording);
  Layout layout;
  // The header's size does not depend on the offsets' values, only the offsets on its size.
  layout.prologue.header_size =
      PackHeader(recording, options, std::vector<uint64_t>(all.size(), kAlignment)).size();
  uint64_t end = kPrologueSize + layout.prologue.header_size;
  absl::flat_hash_map<ir::Digest, uint64_t> place;
  std::vector<uint64_t> offsets;
  for (const ir::Constant* weight : all) {
    const auto [it, is_new] = place.try_emplace(weight->digest, AlignUp(end));
    if (is_new) {
      layout.weights.emplace_back(it->second, weight);
      end = it->second + BytesOf(*weight).size();
    }
    offsets.push_back(it->second);
  }
  layout.header = PackHeader(recording, options, offsets);
  layout.prologue.file_size = end;
  layout.prologue.header_digest = ir::Sha256(layout.header);
  return layout;
}

absl::Status WriteLayout(const Layout& layout, WritableFile& out) {
  INGOT_RETURN_IF_ERROR(out.Append(PackPrologue(layout.prologue)));
  INGOT_RETURN_IF_ERROR(out.Append(layout.header));
  uint64_t end = kPrologueSize + layout.header.size();
  for (const auto& [offset, weight] : layout.weights) {
    INGOT_RETURN_IF_ERROR(out.Append(std::string(offset - end, '\0')));
    INGOT_RETURN_IF_ERROR(out.Append(BytesOf(*weight)));
    end = offset + BytesOf(*weight).size();
  }
  return absl::OkStatus();
}

// A byte range of a file that a weight occupies.
struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;
  friend auto operator<=>(const Range&, const Range&) = default;
};

// Finds the header's weights in a mapped file, and keeps account of what of the file is in use, to
// be checked at the end: all weights together take less time than one by one.
class WeightReader {
 public:
  WeightReader(std::shared_ptr<const ReadableMapping> mapping, uint64_t weights_begin, bool verify)
      : mapping_(std::move(mapping)), begin_(weights_begin), verify_(verify) {}

  absl::StatusOr<WeightBytes> Find(const WeightEntry& entry) {
    const absl::string_view file = mapping_->bytes();
    if (entry.offset % kAlignment != 0 || entry.offset < begin_ || entry.offset > file.size() ||
        entry.size > file.size() - entry.offset) {
      return absl::InvalidArgumentError(
          absl::StrCat("its ", entry.size, " bytes at ", entry.offset, " are not in the file"));
    }
    if (verify_) {
      weights_[{entry.offset, entry.offset + entry.size}].push_back(
          {entry.constant->digest, std::string(entry.name)});
    }
    return WeightBytes{file.data() + entry.offset, entry.size, mapping_, mapping_.get()};
  }

  // The bytes of all weights that were found have their digests, bytes that belong to no weight are
  // zero, and the file ends with the last weight. Nothing is checked if nothing is to be verified.
  absl::Status Check() const {
    if (!verify_) return absl::OkStatus();
    INGOT_RETURN_IF_ERROR(CheckDigests());
    return CheckGaps();
  }

 private:
  // What the header says of a weight.
  struct Weight {
    ir::Digest digest;
    std::string name;
  };

  absl::string_view BytesAt(const Range& range) const {
    return mapping_->bytes().substr(range.begin, range.end - range.begin);
  }

  absl::Status CheckDigests() const {
    std::vector<absl::string_view> strings;
    for (const auto& [range, weights] : weights_) strings.push_back(BytesAt(range));
    // Whoever needs them reads them one by one; until then they needn't be resident, all at once.
    const std::vector<ir::Digest> digests =
        ir::DigestsOf(strings, [&](size_t i, const ir::Digest&) { mapping_->Evict(strings[i]); });
    auto digest = digests.begin();
    for (const auto& [range, weights] : weights_) {
      for (const Weight& weight : weights) {
        if (weight.digest == *digest) continue;
        return absl::InvalidArgumentError(
            absl::StrCat(weight.name, ": its bytes do not have its digest"));
      }
      ++digest;
    }
    return absl::OkStatus();
  }

  absl::Status CheckGaps() const {
    uint64_t end = begin_;
    for (const auto& [range, weights] : weights_) {
      if (range.begin > end && !AllZero(BytesAt({end, range.begin}))) {
        return absl::InvalidArgumentError(absl::StrCat("the padding at ", end, " is not zero"));
      }
      end = std::max(end, range.end);
    }
    if (end < mapping_->bytes().size()) {
      return absl::InvalidArgumentError(absl::StrCat("nothing uses the bytes from ", end, " on"));
    }
    return absl::OkStatus();
  }

  const std::shared_ptr<const ReadableMapping> mapping_;
  const uint64_t begin_;  // behind the header
  const bool verify_;
  // By the bytes that they occupy, in the order of the file; equal weights share theirs.
  std::map<Range, std::vector<Weight>> weights_;
};

absl::StatusOr<Artifact> ReadMapped(std::shared_ptr<const ReadableMapping> mapping,
                                    const ReadOptions& options) {
  const absl::string_view file = mapping->bytes();
  INGOT_ASSIGN_OR_RETURN(const Prologue prologue, ParsePrologue(file));
  const absl::string_view header = file.substr(kPrologueSize, prologue.header_size);
  if (ir::Sha256(header) != prologue.header_digest) {
    return absl::DataLossError("corrupt: its header does not have its checksum");
  }
  WeightReader reader(std::move(mapping), kPrologueSize + prologue.header_size,
                      options.verify_weights);
  absl::StatusOr<Artifact> artifact =
      UnpackHeader(header, [&](size_t, const WeightEntry& entry) { return reader.Find(entry); });
  absl::Status status = artifact.status();
  if (status.ok()) status = reader.Check();
  if (!status.ok()) return absl::DataLossError(absl::StrCat("corrupt: ", status.message()));
  return artifact;
}

}  // namespace

absl::Status WriteArtifact(const std::string& path, const ir::Recording& recording,
                           const Options& options, Env& env) {
  INGOT_RETURN_IF_ERROR(ir::VerifyRecording(recording), path);
  const std::vector<const ir::Constant*> weights = AllWeights(recording);
  std::vector<absl::string_view> bytes;
  for (const ir::Constant* weight : weights) bytes.push_back(BytesOf(*weight));
  const std::vector<ir::Digest> digests = ir::DigestsOf(bytes);
  for (size_t i = 0; i < weights.size(); ++i) {
    if (digests[i] == weights[i]->digest) continue;
    return absl::InternalError(
        absl::StrCat(path, ": a weight of type ", ir::ToString(weights[i]->type), " with digest ",
                     weights[i]->digest.ToHex(), " has changed since it was recorded"));
  }
  const Layout layout = MakeLayout(recording, options);
  return WriteFileAtomically(env, path,
                             [&](WritableFile& out) { return WriteLayout(layout, out); });
}

absl::StatusOr<Artifact> ReadArtifact(const std::string& path, const ReadOptions& options,
                                      Env& env) {
  INGOT_ASSIGN_OR_RETURN(std::shared_ptr<const ReadableMapping> mapping, env.Map(path));
  INGOT_ASSIGN_OR_RETURN(Artifact artifact, ReadMapped(std::move(mapping), options), path);
  return artifact;
}

std::string SerializeHeader(const ir::Recording& recording, const Options& options) {
  return PackHeader(recording, options, {});
}

absl::StatusOr<Artifact> ParseHeader(absl::string_view header,
                                     absl::Span<const WeightBytes> weights) {
  size_t used = 0;
  const auto find = [&](size_t index, const WeightEntry& entry) -> absl::StatusOr<WeightBytes> {
    if (index >= weights.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("only ", weights.size(), " weights are given"));
    }
    if (weights[index].size != entry.size) {
      return absl::InvalidArgumentError(
          absl::StrCat("it needs ", entry.size, " bytes, ", weights[index].size, " are given"));
    }
    used = std::max(used, index + 1);
    return weights[index];
  };
  INGOT_ASSIGN_OR_RETURN(Artifact artifact, UnpackHeader(header, find));
  if (used != weights.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("header: it describes ", used, " weights, ", weights.size(), " are given"));
  }
  return artifact;
}

}  // namespace ingot::artifact
