#include "frontends/torchscript/module.h"

#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/serialization/import.h>

#include <istream>
#include <memory>
#include <streambuf>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/archive/scanned_file.h"
#include "frontends/archive/torchscript_scan.h"
#include "frontends/torchscript/guard.h"

namespace ingot::torchscript {
namespace {

// A stream over bytes that are not copied.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(absl::string_view bytes) {
    char* begin = const_cast<char*>(bytes.data());
    setg(begin, begin, begin + bytes.size());
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir direction,
                   std::ios_base::openmode) override {
    const off_type base = direction == std::ios_base::beg   ? 0
                          : direction == std::ios_base::cur ? gptr() - eback()
                                                            : egptr() - eback();
    const off_type position = base + offset;
    if (position < 0 || position > egptr() - eback()) return pos_type(off_type(-1));
    setg(eback(), eback() + position, egptr());
    return position;
  }
  pos_type seekpos(pos_type position, std::ios_base::openmode which) override {
    return seekoff(off_type(position), std::ios_base::beg, which);
  }
};

// A scanned file as LibTorch reads it.
class FileReader : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit FileReader(archive::ScannedFile file) : file_(std::move(file)) {}
  size_t size() const override { return file_.size(); }
  size_t read(uint64_t position, void* to, size_t size, const char*) const override {
    return file_.Read(position, to, size);
  }

 private:
  archive::ScannedFile file_;
};

// The file exists and could be read: what LibTorch dislikes is its content, unless an op or class
// is unknown.
absl::Status LoadError(const absl::Status& status) {
  const absl::string_view message = status.message();
  if (status.code() == absl::StatusCode::kResourceExhausted) return status;
  if (absl::StrContains(message, "Unknown builtin op") ||
      absl::StrContains(message, "Unknown type name") || absl::StrContains(message, "torchbind")) {
    return absl::FailedPreconditionError(message);
  }
  return absl::DataLossError(absl::StrCat(message, " (not a whole TorchScript archive)"));
}

template <typename Load>
absl::StatusOr<torch::jit::Module> LoadAs(absl::string_view name, Load load) {
  absl::StatusOr<torch::jit::Module> module =
      Guard(absl::StrCat("cannot load ", name),
            [&]() -> absl::StatusOr<torch::jit::Module> { return load(); });
  if (!module.ok()) return LoadError(module.status());
  return module;
}

}  // namespace

absl::StatusOr<torch::jit::Module> LoadModule(const std::string& path) {
  INGOT_ASSIGN_OR_RETURN(archive::ScannedFile file, archive::ScannedFile::Open(path));
  return LoadAs(path, [&] {
    return torch::jit::load(std::make_shared<FileReader>(std::move(file)), at::kCPU);
  });
}

absl::StatusOr<torch::jit::Module> LoadModule(absl::string_view bytes, absl::string_view name) {
  INGOT_RETURN_IF_ERROR(archive::ScanTorchScript(bytes), name);
  return LoadAs(name, [&] {
    ViewBuffer buffer(bytes);
    std::istream stream(&buffer);
    return torch::jit::load(stream, at::kCPU);
  });
}

}  // namespace ingot::torchscript
