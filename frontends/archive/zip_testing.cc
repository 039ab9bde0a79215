#include "frontends/archive/zip_testing.h"

#include <zlib.h>

#include <cstdint>

namespace ingot::archive {
namespace {

void Put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i, value >>= 8) out.push_back(static_cast<char>(value));
}

std::string Deflate(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace

size_t EntryAt(const std::string& zip, int index) {
  size_t at = zip.find("PK\x01\x02");
  for (; index > 0; --index) at = zip.find("PK\x01\x02", at + 4);
  return at;
}

std::string MakeZip(const ZipRecords& records, const std::set<std::string>& deflated) {
  std::string zip, directory;
  for (const auto& [name, contents] : records) {
    const bool is_deflated = deflated.contains(name);
    const std::string bytes = is_deflated ? Deflate(contents) : contents;
    const uint64_t at = zip.size();
    const uint64_t crc =
        crc32_z(0, reinterpret_cast<const Bytef*>(contents.data()), contents.size());
    std::string common;  // of both headers
    Put(common, 0, 2);   // flags
    Put(common, is_deflated ? 8 : 0, 2);
    Put(common, 0, 4);  // time and date
    Put(common, crc, 4);
    Put(common, bytes.size(), 4);
    Put(common, contents.size(), 4);
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

}  // namespace ingot::archive
