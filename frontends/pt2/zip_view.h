// A zip archive whose records are stored uncompressed, read in place.
//
//   INGOT_ASSIGN_OR_RETURN(ZipView zip, ZipView::Parse(file->bytes()));
//   const ZipView::Record* record = zip.Find("model/archive_format");
//
// Made for untrusted bytes: every offset is checked, records neither overlap each other nor the
// directory, names are unique, relative and free of "..", and nothing is ever decompressed, so that
// memory stays within a small multiple of the directory's size. Nothing is copied: views point into
// `bytes`, which must outlive them. The format: PKWARE's APPNOTE.TXT 6.3, with zip64. Immutable,
// thread-safe.
#ifndef INGOT_FRONTENDS_PT2_ZIP_VIEW_H_
#define INGOT_FRONTENDS_PT2_ZIP_VIEW_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::pt2 {

class ZipView {
 public:
  struct Record {
    absl::string_view name;
    absl::string_view bytes;
    uint32_t crc32 = 0;  // as the directory says; see CheckCrc
  };

  // DataLoss: not a zip archive, truncated, or parts that contradict each other. Unimplemented:
  // compressed or encrypted records, archives in several parts. Messages name the record.
  static absl::StatusOr<ZipView> Parse(absl::string_view bytes);

  const std::vector<Record>& records() const { return records_; }
  // nullptr if there is none.
  const Record* Find(absl::string_view name) const;

 private:
  std::vector<Record> records_;
  absl::flat_hash_map<absl::string_view, size_t> by_name_;
};

// DataLoss unless the record's bytes have its checksum. Reads all of them.
absl::Status CheckCrc(const ZipView::Record& record);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_ZIP_VIEW_H_
