#include "frontends/pt2/zip_testing.h"

#include <zlib.h>

#include <cstdint>

namespace ingot::pt2 {
namespace {

void Put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i, value >>= 8) out.push_back(static_cast<char>(value));
}

}  // namespace

std::string MakeZip(const std::vector<std::pair<std::string, std::string>>& records) {
  std::string zip, directory;
  for (const auto& [name, bytes] : records) {
    const uint64_t at = zip.size();
    const uint64_t crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    std::string common;  // of both headers
    Put(common, 0, 2);   // flags
    Put(common, 0, 2);   // stored
    Put(common, 0, 4);   // time and date
    Put(common, crc, 4);
    Put(common, bytes.size(), 4);
    Put(common, bytes.size(), 4);
    Put(common, name.size(), 2);
    Put(common, 0, 2);  // extra field
    Put(zip, 0x04034b50, 4);
    Put(zip, 20, 2);
    zip += common + name + bytes;
    Put(directory, 0x02014b50, 4);
    Put(directory, 20, 2);
    Put(directory, 20, 2);
    directory += common;
    Put(directory, 0, 10);  // comment, disk, attributes
    Put(directory, at, 4);
    directory += name;
  }
  const uint64_t begin = zip.size();
  zip += directory;
  Put(zip, 0x06054b50, 4);
  Put(zip, 0, 4);
  Put(zip, records.size(), 2);
  Put(zip, records.size(), 2);
  Put(zip, directory.size(), 4);
  Put(zip, begin, 4);
  Put(zip, 0, 2);
  return zip;
}

std::string MakeArchive(const std::string& program_json, const std::string& weights_config,
                        const std::vector<std::pair<std::string, std::string>>& weights) {
  std::vector<std::pair<std::string, std::string>> records = {
      {"m/archive_format", "pt2"},
      {"m/archive_version", "0"},
      {"m/byteorder", "little"},
      {"m/models/model.json", program_json},
      {"m/data/weights/model_weights_config.json", weights_config}};
  for (const auto& [name, bytes] : weights) records.emplace_back("m/data/weights/" + name, bytes);
  return MakeZip(records);
}

}  // namespace ingot::pt2
