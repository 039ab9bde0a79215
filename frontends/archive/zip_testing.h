// Zip archives for tests: stored records, one after the other.
#ifndef INGOT_FRONTENDS_ARCHIVE_ZIP_TESTING_H_
#define INGOT_FRONTENDS_ARCHIVE_ZIP_TESTING_H_

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ingot::archive {

using ZipRecords = std::vector<std::pair<std::string, std::string>>;

// A zip archive of (name, bytes). Those in `deflated` are compressed.
std::string MakeZip(const ZipRecords& records, const std::set<std::string>& deflated = {});

// Positions in a record's directory entry, for tests that change it.
inline constexpr size_t kEntryFlags = 8, kEntryMethod = 10, kEntryCrc = 16, kEntryPacked = 20,
                        kEntrySize = 24, kEntryLocal = 42;
// Where the entry of record `index` begins.
size_t EntryAt(const std::string& zip, int index);

// The records of a torch.export archive around a program's JSON and the two payload configs.
// `weights` are (path_name, bytes).
std::string MakeArchive(const std::string& program_json, const std::string& weights_config,
                        const std::vector<std::pair<std::string, std::string>>& weights = {});

}  // namespace ingot::archive

#endif  // INGOT_FRONTENDS_ARCHIVE_ZIP_TESTING_H_
