#include "tools/ingot/npz.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "tools/ingot/elements.h"
#include "tools/ingot/files.h"
#include "tools/ingot/npy.h"

namespace ingot::tools {
namespace {

constexpr absl::string_view kBFloat16Suffix = ".bf16";
// Deflate cannot shrink data by more than this factor (zlib's technical notes), plus its framing.
constexpr uint64_t kMaxDeflateRatio = 1032;
constexpr uint64_t kDeflateSlack = 4096;

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
using Entry = std::unique_ptr<zip_file_t, Discard>;
using Source = std::unique_ptr<zip_source_t, Discard>;

absl::StatusOr<Archive> OpenArchive(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be read"));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a file"));
  }
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    absl::Status status = absl::InvalidArgumentError(
        absl::StrCat(path, ": not a .npz archive, or a damaged one: ", zip_error_strerror(&error)));
    zip_error_fini(&error);
    return status;
  }
  return archive;
}

// Fills `size` bytes; libzip checks the entry's CRC when its last byte is read.
absl::Status ReadFully(zip_file_t* file, char* data, uint64_t size) {
  while (size > 0) {
    const zip_int64_t count = zip_fread(file, data, size);
    if (count <= 0) {
      return absl::DataLossError(count == 0 ? "is cut off" : zip_file_strerror(file));
    }
    data += count;
    size -= static_cast<uint64_t>(count);
  }
  return absl::OkStatus();
}

absl::Status CheckClaimedSize(const zip_stat_t& info, uint64_t file_size) {
  constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  if ((info.valid & kNeeded) != kNeeded) return absl::DataLossError("has no size");
  if (info.comp_method != ZIP_CM_STORE && info.comp_method != ZIP_CM_DEFLATE) {
    return absl::InvalidArgumentError("is compressed in a way that NumPy does not use");
  }
  const uint64_t ratio = info.comp_method == ZIP_CM_STORE ? 1 : kMaxDeflateRatio;
  if (info.comp_size > file_size || info.size / ratio > info.comp_size + kDeflateSlack) {
    return absl::DataLossError("claims to be larger than the file can hold");
  }
  return absl::OkStatus();
}

ir::Dims FortranStrides(const ir::Dims& dims) {
  ir::Dims strides(dims.size(), 1);
  for (size_t i = 1; i < dims.size(); ++i) {
    strides[i] = strides[i - 1] * std::max<int64_t>(dims[i - 1], 1);
  }
  return strides;
}

absl::StatusOr<runtime::HostTensor> ReadArray(zip_t* archive, const zip_stat_t& info,
                                              bool is_bfloat16) {
  const Entry file(zip_fopen_index(archive, info.index, 0));
  if (file == nullptr) return absl::DataLossError(zip_strerror(archive));
  std::string head(std::min<uint64_t>(info.size, kMaxNpyHeader), '\0');
  INGOT_RETURN_IF_ERROR(ReadFully(file.get(), head.data(), head.size()));
  INGOT_ASSIGN_OR_RETURN(const NpyHeader header, ParseNpyHeader(head));
  if (header.is_uint16 != is_bfloat16) {
    return absl::InvalidArgumentError(
        is_bfloat16 ? "must hold uint16, the bits of bfloat16"
                    : "dtype '<u2' is not supported (bfloat16 needs a name that ends in .bf16)");
  }
  const uint64_t data_size = static_cast<uint64_t>(header.type.NumBytes());
  if (info.size - header.data_offset != data_size) {
    return absl::DataLossError(absl::StrCat("holds ", info.size - header.data_offset,
                                            " bytes of elements; its header says ", data_size));
  }
  INGOT_ASSIGN_OR_RETURN(
      runtime::HostTensor tensor,
      runtime::HostTensor::Create(
          header.type, header.fortran_order ? FortranStrides(header.type.dims) : ir::Dims()));
  char* data = tensor.data<char>();
  const size_t in_head = head.size() - header.data_offset;
  std::copy_n(head.data() + header.data_offset, in_head, data);
  INGOT_RETURN_IF_ERROR(ReadFully(file.get(), data + in_head, data_size - in_head));
  // Reading past the end makes libzip report a wrong checksum.
  char beyond;
  if (zip_fread(file.get(), &beyond, 1) != 0) {
    return absl::DataLossError(zip_file_strerror(file.get()));
  }
  return header.fortran_order ? runtime::HostTensor::Copy(tensor.view()) : std::move(tensor);
}

}  // namespace

absl::StatusOr<std::vector<NamedTensor>> ReadNpz(const std::string& path) {
  INGOT_ASSIGN_OR_RETURN(const Archive archive, OpenArchive(path));
  struct stat file_info;
  if (stat(path.c_str(), &file_info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be read"));
  }
  std::vector<NamedTensor> arrays;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t info;
    if (zip_stat_index(archive.get(), static_cast<zip_uint64_t>(i), 0, &info) != 0 ||
        (info.valid & ZIP_STAT_NAME) == 0) {
      return absl::DataLossError(absl::StrCat(path, ": entry ", i, " cannot be read"));
    }
    absl::string_view name = absl::StripSuffix(info.name, ".npy");
    const std::string context = absl::StrCat(path, ": array ", name);
    const bool is_bfloat16 = absl::ConsumeSuffix(&name, kBFloat16Suffix);
    INGOT_RETURN_IF_ERROR(CheckClaimedSize(info, static_cast<uint64_t>(file_info.st_size)),
                          context);
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor, ReadArray(archive.get(), info, is_bfloat16),
                           context);
    arrays.push_back({std::string(name), std::move(tensor)});
  }
  return arrays;
}

absl::StatusOr<std::vector<runtime::HostTensor>> ReadArguments(const std::string& path) {
  INGOT_ASSIGN_OR_RETURN(std::vector<NamedTensor> arrays, ReadNpz(path));
  std::map<std::string, runtime::HostTensor*> by_name;
  for (NamedTensor& array : arrays) by_name[array.name] = &array.tensor;
  std::vector<runtime::HostTensor> arguments;
  for (size_t i = 0; i < arrays.size(); ++i) {
    const auto found = by_name.find(absl::StrCat("arg", i));
    if (found == by_name.end()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": has ", arrays.size(),
                                                     " arrays, which must be named arg0, arg1, …; ",
                                                     "there is no arg", i));
    }
    arguments.push_back(std::move(*found->second));
  }
  return arguments;
}

absl::Status WriteNpz(const std::string& path,
                      absl::Span<const std::pair<std::string, ingot_tensor>> arrays) {
  // libzip makes no file of an archive without entries, but the zip format has one: the end record
  // of a directory of nothing.
  if (arrays.empty()) return WriteFile(path, "PK\x05\x06" + std::string(18, '\0'));
  std::vector<std::string> contents;  // libzip reads them when the archive is closed
  contents.reserve(arrays.size());
  zip_error_t error;
  zip_error_init(&error);
  Source target(zip_source_buffer_create(nullptr, 0, 0, &error));
  if (target == nullptr) return absl::ResourceExhaustedError("no memory for the archive");
  zip_source_keep(target.get());
  Archive archive(zip_open_from_source(target.get(), ZIP_TRUNCATE | ZIP_CREATE, &error));
  if (archive == nullptr) return absl::InternalError(zip_error_strerror(&error));
  for (const auto& [name, tensor] : arrays) {
    const ir::TensorType type = TypeOf(tensor);
    contents.push_back(absl::StrCat(NpyHeaderBytes(type), RowMajorBytes(tensor)));
    Source source(
        zip_source_buffer(archive.get(), contents.back().data(), contents.back().size(), 0));
    const std::string file =
        absl::StrCat(name, type.dtype == ir::DType::kBFloat16 ? kBFloat16Suffix : "", ".npy");
    const zip_int64_t index =
        zip_file_add(archive.get(), file.c_str(), source.get(), ZIP_FL_ENC_UTF_8);
    if (index < 0) return absl::InternalError(zip_strerror(archive.get()));
    source.release();  // the archive's now
    zip_set_file_compression(archive.get(), static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
  }
  if (zip_close(archive.get()) != 0) return absl::InternalError(zip_strerror(archive.get()));
  archive.release();
  if (zip_source_open(target.get()) != 0) return absl::InternalError("the archive is unreadable");
  zip_source_seek(target.get(), 0, SEEK_END);
  std::string bytes(static_cast<size_t>(std::max<zip_int64_t>(zip_source_tell(target.get()), 0)),
                    '\0');
  zip_source_seek(target.get(), 0, SEEK_SET);
  const zip_int64_t copied = zip_source_read(target.get(), bytes.data(), bytes.size());
  zip_source_close(target.get());
  if (copied != static_cast<zip_int64_t>(bytes.size())) {
    return absl::InternalError("the archive is unreadable");
  }
  return WriteFile(path, bytes);
}

}  // namespace ingot::tools
