// A zip archive, read in place: what torch.export.save, torch.save and torch.jit.save write.
//
//   INGOT_ASSIGN_OR_RETURN(ZipView zip, ZipView::Parse(file->bytes()));
//   const ZipView::Record* record = zip.Find("model/archive_format");
//
// Made for untrusted bytes: every offset is checked, records overlap neither each other nor the
// directory, names are unique, relative and free of "..", and nothing is decompressed before it is
// asked for, so that memory stays within a small multiple of the directory's size. Nothing that two
// readers could see differently is read: the archive ends where the file does, without a comment.
// Nothing is copied: views point into `bytes`, which must outlive them. The format: PKWARE's
// APPNOTE.TXT 6.3, with zip64. Immutable, thread-safe.
#ifndef INGOT_FRONTENDS_ARCHIVE_ZIP_VIEW_H_
#define INGOT_FRONTENDS_ARCHIVE_ZIP_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::archive {

class ZipView {
 public:
  struct Record {
    absl::string_view name;
    absl::string_view bytes;  // as they lie in the archive
    uint64_t size = 0;        // of the contents; that of `bytes` unless they are deflated
    uint32_t crc32 = 0;       // of the contents, as the directory says; see Contents
    bool is_deflated = false;
  };
  enum class Deflated { kRefuse, kAccept };

  // DataLoss: not a zip archive, truncated, or parts that contradict each other. Unimplemented:
  // compressed or encrypted records, archives in several parts. Messages name the record.
  static absl::StatusOr<ZipView> Parse(absl::string_view bytes,
                                       Deflated deflated = Deflated::kRefuse);

  const std::vector<Record>& records() const { return records_; }
  // nullptr if there is none.
  const Record* Find(absl::string_view name) const;

 private:
  std::vector<Record> records_;
  absl::flat_hash_map<absl::string_view, size_t> by_name_;
};

// DataLoss unless a stored record's bytes have its checksum. Reads all of them.
absl::Status CheckCrc(const ZipView::Record& record);

// A record's contents, their checksum compared: its bytes, or what they are decompressed to in
// `buffer`, whose memory is that of the record's size. DataLoss: damaged; ResourceExhausted: more
// than `limit` bytes.
absl::StatusOr<absl::string_view> Contents(const ZipView::Record& record, uint64_t limit,
                                           std::string& buffer);

}  // namespace ingot::archive

#endif  // INGOT_FRONTENDS_ARCHIVE_ZIP_VIEW_H_
