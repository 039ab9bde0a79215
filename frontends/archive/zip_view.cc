#include "frontends/archive/zip_view.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"

namespace ingot::archive {
namespace {

using absl::string_view;

constexpr uint32_t kEndSignature = 0x06054b50, kEnd64Signature = 0x06064b50,
                   kLocator64Signature = 0x07064b50, kEntrySignature = 0x02014b50,
                   kLocalSignature = 0x04034b50;
constexpr size_t kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20, kEntrySize = 46,
                 kLocalSize = 30;
constexpr size_t kMaxRecords = 1 << 20, kMaxName = 4096;
constexpr uint16_t kZip64Extra = 1, kEncrypted = 1 << 0, kStored = 0, kDeflate = 8;

template <typename... Parts>
absl::Status Bad(const Parts&... parts) {
  return absl::DataLossError(absl::StrCat("not a sound zip archive: ", parts...));
}

// Little-endian, at a position that the caller has checked.
template <typename T>
T Load(string_view bytes, size_t position) {
  T value = 0;
  for (size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>(static_cast<uint64_t>(value) << 8 |
                           static_cast<unsigned char>(bytes[position + i]));
  }
  return value;
}

struct Directory {
  uint64_t offset = 0, size = 0, count = 0;
  uint64_t end = 0;  // of what comes before the closing records
};

// Where the archive's closing record begins: no comment follows it.
absl::StatusOr<size_t> FindEnd(string_view bytes) {
  if (bytes.size() < kEndSize) return Bad("it has ", bytes.size(), " bytes");
  const size_t at = bytes.size() - kEndSize;
  if (Load<uint32_t>(bytes, at) == kEndSignature && Load<uint16_t>(bytes, at + 20) == 0) return at;
  return Bad("it does not end with a directory; is the file truncated?");
}

// What both forms of the end record say twice.
absl::StatusOr<Directory> Checked(const Directory& directory, bool in_parts,
                                  uint64_t count_of_part) {
  if (in_parts) return absl::UnimplementedError("zip archives in several parts are not read");
  if (count_of_part != directory.count) return Bad("two counts of records");
  return directory;
}

absl::StatusOr<Directory> ReadDirectory64(string_view bytes, size_t locator) {
  const uint64_t at = Load<uint64_t>(bytes, locator + 8);
  if (locator < kEnd64Size || at > locator - kEnd64Size ||
      Load<uint32_t>(bytes, at) != kEnd64Signature) {
    return Bad("the zip64 locator points nowhere");
  }
  Directory directory;
  directory.count = Load<uint64_t>(bytes, at + 32);
  directory.size = Load<uint64_t>(bytes, at + 40);
  directory.offset = Load<uint64_t>(bytes, at + 48);
  directory.end = at;
  const bool in_parts = Load<uint32_t>(bytes, locator + 4) != 0 ||
                        Load<uint32_t>(bytes, at + 16) != 0 || Load<uint32_t>(bytes, at + 20) != 0;
  return Checked(directory, in_parts, Load<uint64_t>(bytes, at + 24));
}

absl::StatusOr<Directory> ReadDirectory(string_view bytes) {
  INGOT_ASSIGN_OR_RETURN(const size_t end, FindEnd(bytes));
  if (end >= kLocator64Size && Load<uint32_t>(bytes, end - kLocator64Size) == kLocator64Signature) {
    return ReadDirectory64(bytes, end - kLocator64Size);
  }
  Directory directory;
  directory.count = Load<uint16_t>(bytes, end + 10);
  directory.size = Load<uint32_t>(bytes, end + 12);
  directory.offset = Load<uint32_t>(bytes, end + 16);
  directory.end = end;
  const bool in_parts = Load<uint16_t>(bytes, end + 4) != 0 || Load<uint16_t>(bytes, end + 6) != 0;
  return Checked(directory, in_parts, Load<uint16_t>(bytes, end + 8));
}

absl::Status CheckName(string_view name) {
  const auto bad = [&](string_view why) { return Bad("a record's name ", why); };
  if (name.empty()) return bad("is empty");
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return bad("has control characters");
  }
  if (name[0] == '/' || absl::StrContains(name, "\\") || absl::StrContains(name, ":")) {
    return bad("is no relative path");
  }
  for (const string_view part : absl::StrSplit(name, '/')) {
    if (part == ".." || part == ".") return bad("climbs out of its folder");
  }
  return absl::OkStatus();
}

struct Entry {
  string_view name;
  uint64_t size = 0, packed_size = 0, local = 0;
  uint32_t crc32 = 0;
  uint16_t method = 0, flags = 0;
};

// 64-bit values replace, in this order, those fields that are all ones.
absl::Status ReadZip64(string_view extra, Entry& entry) {
  constexpr uint64_t kAllOnes = std::numeric_limits<uint32_t>::max();
  uint64_t* const fields[] = {&entry.size, &entry.packed_size, &entry.local};
  if (std::none_of(std::begin(fields), std::end(fields),
                   [](const uint64_t* field) { return *field == kAllOnes; })) {
    return absl::OkStatus();
  }
  while (extra.size() >= 4) {
    const uint16_t id = Load<uint16_t>(extra, 0), size = Load<uint16_t>(extra, 2);
    if (size > extra.size() - 4) return Bad("record ", entry.name, ": extra field too long");
    if (id == kZip64Extra) {
      string_view values = extra.substr(4, size);
      for (uint64_t* field : fields) {
        if (*field != kAllOnes) continue;
        if (values.size() < 8) return Bad("record ", entry.name, ": zip64 field too short");
        *field = Load<uint64_t>(values, 0);
        values.remove_prefix(8);
      }
      return absl::OkStatus();
    }
    extra.remove_prefix(4 + size_t{size});
  }
  return Bad("record ", entry.name, ": zip64 sizes are missing");
}

// Reads the entry at the front of `rest` and moves past it.
absl::StatusOr<Entry> ReadEntry(string_view& rest) {
  if (rest.size() < kEntrySize || Load<uint32_t>(rest, 0) != kEntrySignature) {
    return Bad("the directory is cut short");
  }
  Entry entry;
  entry.flags = Load<uint16_t>(rest, 8);
  entry.method = Load<uint16_t>(rest, 10);
  entry.crc32 = Load<uint32_t>(rest, 16);
  entry.packed_size = Load<uint32_t>(rest, 20);
  entry.size = Load<uint32_t>(rest, 24);
  const size_t name = Load<uint16_t>(rest, 28), extra = Load<uint16_t>(rest, 30),
               comment = Load<uint16_t>(rest, 32);
  entry.local = Load<uint32_t>(rest, 42);
  if (rest.size() - kEntrySize < name + extra + comment) return Bad("the directory is cut short");
  if (name > kMaxName) return Bad("a record's name has ", name, " characters");
  entry.name = rest.substr(kEntrySize, name);
  INGOT_RETURN_IF_ERROR(CheckName(entry.name));
  INGOT_RETURN_IF_ERROR(ReadZip64(rest.substr(kEntrySize + name, extra), entry));
  rest.remove_prefix(kEntrySize + name + extra + comment);
  return entry;
}

struct Extent {
  uint64_t begin, end;
  string_view name;
};

// Where the record's bytes are. `limit`: where the directory begins.
absl::StatusOr<ZipView::Record> Locate(string_view bytes, const Entry& entry, uint64_t limit,
                                       ZipView::Deflated deflated, std::vector<Extent>& extents) {
  if ((entry.flags & kEncrypted) != 0) {
    return absl::UnimplementedError(absl::StrCat("record ", entry.name, " is encrypted"));
  }
  const bool is_deflated = entry.method == kDeflate && deflated == ZipView::Deflated::kAccept;
  if (entry.method != kStored && !is_deflated) {
    return absl::UnimplementedError(absl::StrCat(
        "record ", entry.name, " is compressed (method ", entry.method, "); only stored ",
        deflated == ZipView::Deflated::kAccept ? "and deflated records are read"
                                               : "records are read"));
  }
  if (!is_deflated && entry.size != entry.packed_size)
    return Bad("record ", entry.name, " has two sizes");
  if (limit < kLocalSize || entry.local > limit - kLocalSize) {
    return Bad("record ", entry.name, " lies outside of the file");
  }
  if (Load<uint32_t>(bytes, entry.local) != kLocalSignature) {
    return Bad("record ", entry.name, " has no header where the directory says");
  }
  const size_t name = Load<uint16_t>(bytes, entry.local + 26),
               extra = Load<uint16_t>(bytes, entry.local + 28);
  const uint64_t begin = entry.local + kLocalSize + name + extra;
  if (begin > limit || entry.packed_size > limit - begin) {
    return Bad("record ", entry.name, " lies outside of the file");
  }
  if (bytes.substr(entry.local + kLocalSize, name) != entry.name) {
    return Bad("record ", entry.name, " has another name in its header");
  }
  extents.push_back({entry.local, begin + entry.packed_size, entry.name});
  return ZipView::Record{entry.name, bytes.substr(begin, entry.packed_size), entry.size,
                         entry.crc32, is_deflated};
}

absl::Status CheckDisjoint(std::vector<Extent> extents) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < extents.size(); ++i) {
    if (extents[i].begin < extents[i - 1].end) {
      return Bad("records ", extents[i - 1].name, " and ", extents[i].name, " overlap");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ZipView> ZipView::Parse(string_view bytes, Deflated deflated) {
  INGOT_ASSIGN_OR_RETURN(const Directory directory, ReadDirectory(bytes));
  if (directory.offset > directory.end || directory.size != directory.end - directory.offset) {
    return Bad("the directory lies outside of the file");
  }
  if (directory.count > kMaxRecords || directory.count > directory.size / kEntrySize) {
    return Bad("the directory cannot hold ", directory.count, " records");
  }
  ZipView zip;
  std::vector<Extent> extents;
  string_view rest = bytes.substr(directory.offset, directory.size);
  for (uint64_t i = 0; i < directory.count; ++i) {
    INGOT_ASSIGN_OR_RETURN(const Entry entry, ReadEntry(rest));
    INGOT_ASSIGN_OR_RETURN(Record record,
                           Locate(bytes, entry, directory.offset, deflated, extents));
    if (!zip.by_name_.emplace(record.name, zip.records_.size()).second) {
      return Bad("two records are called ", record.name);
    }
    zip.records_.push_back(record);
  }
  if (!rest.empty()) return Bad("there is more in the directory than it counts");
  INGOT_RETURN_IF_ERROR(CheckDisjoint(std::move(extents)));
  return zip;
}

const ZipView::Record* ZipView::Find(string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &records_[found->second];
}

namespace {

absl::Status Damaged(const ZipView::Record& record, string_view why) {
  return absl::DataLossError(absl::StrCat("record ", record.name, " is damaged: ", why));
}

absl::Status CompareCrc(const ZipView::Record& record, string_view contents) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  // A fuzzer would never get past it.
  return absl::OkStatus();
#endif
  const auto* data = reinterpret_cast<const Bytef*>(contents.data());
  if (crc32_z(0, data, contents.size()) == record.crc32) return absl::OkStatus();
  return Damaged(record, "its checksum differs");
}

// Raw deflate data, which must end exactly where both sizes say.
absl::Status Inflate(const ZipView::Record& record, std::string& buffer) {
  constexpr uint64_t kMaxOfZlib = std::numeric_limits<uInt>::max() - 1;
  if (record.size > kMaxOfZlib || record.bytes.size() > kMaxOfZlib)
    return Damaged(record, "it is too long");
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return absl::ResourceExhaustedError("no memory to decompress");
  // One byte more, so that contents longer than they should be are seen.
  buffer.resize(record.size + 1);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(record.bytes.data()));
  stream.avail_in = static_cast<uInt>(record.bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
  stream.avail_out = static_cast<uInt>(buffer.size());
  const int result = inflate(&stream, Z_FINISH);
  const uint64_t size = stream.total_out;
  const bool all_read = stream.avail_in == 0;
  inflateEnd(&stream);
  if (result != Z_STREAM_END || size != record.size || !all_read)
    return Damaged(record, "it does not decompress to its size");
  buffer.resize(size);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCrc(const ZipView::Record& record) { return CompareCrc(record, record.bytes); }

absl::StatusOr<string_view> Contents(const ZipView::Record& record, uint64_t limit,
                                     std::string& buffer) {
  if (record.size > limit) {
    return absl::ResourceExhaustedError(absl::StrCat("record ", record.name, " has ", record.size,
                                                     " bytes; at most ", limit, " are read"));
  }
  if (!record.is_deflated) {
    INGOT_RETURN_IF_ERROR(CheckCrc(record));
    return record.bytes;
  }
  INGOT_RETURN_IF_ERROR(Inflate(record, buffer));
  INGOT_RETURN_IF_ERROR(CompareCrc(record, buffer));
  return string_view(buffer);
}

}  // namespace ingot::archive
