#include "frontends/pt2/archive.h"

#include <bit>
#include <cstdint>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"

namespace ingot::pt2 {
namespace {

using absl::string_view;
using archive::ZipView;

static_assert(std::endian::native == std::endian::little,
              "weights are used in place and archives are little-endian");

absl::StatusOr<int64_t> Known(const SymInt& value) {
  if (value.expression.empty()) return value.value;
  return absl::InvalidArgumentError("a stored tensor has a symbolic size");
}

// Whether all elements lie inside of `bytes`; also that nothing overflows.
absl::Status CheckInside(const StoredTensor& tensor) {
  const __int128 element = static_cast<__int128>(ir::ElementSize(tensor.type.dtype));
  const __int128 available = static_cast<__int128>(tensor.storage.size()) / element;
  __int128 last = tensor.offset, count = 1;
  constexpr __int128 kMax = __int128{1} << 60;
  for (size_t d = 0; d < tensor.strides.size(); ++d) {
    const int64_t size = tensor.type.dims[d], stride = tensor.strides[d];
    if (size < 0 || stride < 0) return absl::InvalidArgumentError("a size or stride is negative");
    count *= size;
    if (size > 0) last += static_cast<__int128>(size - 1) * stride;
    if (count > kMax || last > kMax) return absl::InvalidArgumentError("sizes beyond 2^60");
  }
  if (tensor.offset < 0) return absl::InvalidArgumentError("the offset is negative");
  if (count == 0 || last < available) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("its elements reach beyond the ", tensor.storage.size(),
                                          " bytes of ", tensor.record));
}

absl::StatusOr<StoredTensor> FromMeta(const TensorMeta& meta, string_view storage,
                                      std::string record) {
  StoredTensor tensor;
  const std::optional<ir::DType> dtype = DTypeOfCode(meta.dtype_code);
  if (!dtype) {
    return absl::UnimplementedError(
        absl::StrCat("dtype ", DTypeCodeName(meta.dtype_code), " is not supported"));
  }
  if (!meta.strided) return absl::UnimplementedError("a sparse tensor is not supported");
  if (meta.sizes.size() > static_cast<size_t>(ir::kMaxRank)) {
    return absl::InvalidArgumentError(absl::StrCat("has ", meta.sizes.size(), " dimensions"));
  }
  tensor.type.dtype = *dtype;
  for (const SymInt& size : meta.sizes) {
    INGOT_ASSIGN_OR_RETURN(const int64_t value, Known(size));
    tensor.type.dims.push_back(value);
  }
  for (const SymInt& stride : meta.strides) {
    INGOT_ASSIGN_OR_RETURN(const int64_t value, Known(stride));
    tensor.strides.push_back(value);
  }
  INGOT_ASSIGN_OR_RETURN(tensor.offset, Known(meta.offset));
  tensor.storage = storage;
  tensor.record = std::move(record);
  INGOT_RETURN_IF_ERROR(CheckInside(tensor));
  return tensor;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Archive>> Archive::Open(const std::string& path,
                                                             string_view model, Env& env) {
  std::shared_ptr<const ReadableMapping> file;
  INGOT_ASSIGN_OR_RETURN(file, env.Map(path));
  std::shared_ptr<Archive> archive(new Archive());
  archive->bytes_ = file->bytes();
  archive->file_ = file.get();
  archive->owner_ = std::move(file);
  INGOT_RETURN_IF_ERROR(archive->Read(model), path);
  return archive;
}

absl::StatusOr<std::shared_ptr<const Archive>> Archive::Parse(string_view bytes,
                                                              std::shared_ptr<const void> owner,
                                                              string_view model) {
  std::shared_ptr<Archive> archive(new Archive());
  archive->bytes_ = bytes;
  archive->owner_ = std::move(owner);
  INGOT_RETURN_IF_ERROR(archive->Read(model));
  return archive;
}

const ReadableMapping* Archive::FileOf(const void* data) const {
  const std::less_equal<const void*> is_before;
  const bool inside =
      is_before(bytes_.data(), data) && is_before(data, bytes_.data() + bytes_.size());
  return inside ? file_ : nullptr;
}

absl::Status Archive::Read(string_view model) {
  INGOT_ASSIGN_OR_RETURN(zip_, ZipView::Parse(bytes_));
  INGOT_RETURN_IF_ERROR(CheckFormat());
  INGOT_RETURN_IF_ERROR(ChooseModel(model));
  INGOT_ASSIGN_OR_RETURN(const string_view json, Text(absl::StrCat("models/", model_, ".json")));
  INGOT_ASSIGN_OR_RETURN(program_, ParseProgram(json), absl::StrCat("model ", model_));
  INGOT_RETURN_IF_ERROR(ReadTensors("data/weights", "_weights_config.json"));
  INGOT_RETURN_IF_ERROR(ReadTensors("data/constants", "_constants_config.json"));
  auto samples = Text(absl::StrCat("data/sample_inputs/", model_, ".pt"));
  if (samples.ok()) sample_inputs_ = *samples;
  return absl::IsNotFound(samples.status()) ? absl::OkStatus() : samples.status();
}

absl::StatusOr<string_view> Archive::Text(string_view name) const {
  const ZipView::Record* record = zip_.Find(absl::StrCat(root_, name));
  if (record == nullptr)
    return absl::NotFoundError(absl::StrCat("the record ", name, " is missing"));
  INGOT_RETURN_IF_ERROR(archive::CheckCrc(*record));
  return record->bytes;
}

// All records lie in one folder, whose name means nothing.
absl::Status Archive::CheckFormat() {
  const auto foreign = [](string_view why) {
    return absl::FailedPreconditionError(
        absl::StrCat("no torch.export archive: ", why, "; write one with torch.export.save"));
  };
  if (zip_.records().empty()) return foreign("it has no records");
  const string_view first = zip_.records().front().name;
  const size_t slash = first.find('/');
  if (slash == string_view::npos) return foreign("its records are in no folder");
  root_ = std::string(first.substr(0, slash + 1));
  for (const ZipView::Record& record : zip_.records()) {
    if (!absl::StartsWith(record.name, root_)) return foreign("its records are in several folders");
  }
  const auto format = Text("archive_format");
  if (absl::IsNotFound(format.status())) return foreign("it does not say that it is one");
  INGOT_RETURN_IF_ERROR(format.status());
  if (*format != "pt2")
    return foreign(absl::StrCat("its format is \"", format->substr(0, 20), "\""));
  INGOT_ASSIGN_OR_RETURN(const string_view version, Text("archive_version"));
  if (version != "0") {
    return foreign(absl::StrCat("its archive version is ", version.substr(0, 20), ", not 0"));
  }
  const auto order = Text("byteorder");
  if (order.ok() && *order != "little") return foreign("it is not little-endian");
  return absl::OkStatus();
}

absl::Status Archive::ChooseModel(string_view wanted) {
  std::set<std::string> names;
  const std::string folder = absl::StrCat(root_, "models/");
  for (const ZipView::Record& record : zip_.records()) {
    string_view name = record.name;
    if (!absl::ConsumePrefix(&name, folder) || !absl::ConsumeSuffix(&name, ".json")) continue;
    if (!absl::StrContains(name, "/")) names.emplace(name);
  }
  if (names.empty()) {
    return absl::FailedPreconditionError(
        "the archive holds no exported program (models/*.json); AOTInductor packages are not read");
  }
  if (wanted.empty()) wanted = names.size() == 1 ? string_view(*names.begin()) : "model";
  if (!names.contains(std::string(wanted))) {
    return absl::NotFoundError(absl::StrCat("the archive has no model \"", wanted, "\", but ",
                                            absl::StrJoin(names, ", ")));
  }
  model_ = std::string(wanted);
  return absl::OkStatus();
}

absl::Status Archive::ReadTensors(string_view folder, string_view config_suffix) {
  const std::string name = absl::StrCat(folder, "/", model_, config_suffix);
  const auto text = Text(name);
  if (absl::IsNotFound(text.status())) return absl::OkStatus();
  INGOT_RETURN_IF_ERROR(text.status());
  INGOT_ASSIGN_OR_RETURN(const Json json, ParseJson(*text), name);
  const Json* config = json.Find("config");
  const auto* entries = config == nullptr ? nullptr : config->As<Json::Object>();
  if (entries == nullptr) return absl::InvalidArgumentError(absl::StrCat(name, " has no config"));
  for (const auto& [fqn, payload] : *entries) {
    INGOT_RETURN_IF_ERROR(ReadTensor(folder, fqn, payload), absl::StrCat(name, ": ", fqn));
  }
  return absl::OkStatus();
}

// Contradictions are errors. What is sound but of no use here only matters if the program asks.
absl::Status Archive::ReadTensor(string_view folder, const std::string& fqn, const Json& payload) {
  if (tensors_.contains(fqn) || refused_.contains(fqn)) {
    return absl::InvalidArgumentError("is stored twice");
  }
  const Json* pickled = payload.Find("use_pickle");
  const Json* meta = payload.Find("tensor_meta");
  const Json* path = payload.Find("path_name");
  if (path == nullptr || path->As<std::string>() == nullptr) {
    return absl::InvalidArgumentError("has no path_name");
  }
  const bool is_pickled =
      pickled != nullptr && pickled->As<bool>() != nullptr && *pickled->As<bool>();
  if (is_pickled || meta == nullptr || meta->IsNull()) {
    refused_[fqn] = absl::UnimplementedError("it is a pickled object, which is never loaded");
    return absl::OkStatus();
  }
  INGOT_ASSIGN_OR_RETURN(const TensorMeta parsed, ParseTensorMeta(*meta, "tensor_meta"));
  // A tensor without elements may have no record.
  const std::string record = absl::StrCat(folder, "/", *path->As<std::string>());
  const ZipView::Record* found = zip_.Find(absl::StrCat(root_, record));
  auto tensor = FromMeta(parsed, found == nullptr ? string_view() : found->bytes, record);
  if (absl::IsUnimplemented(tensor.status())) {
    refused_[fqn] = tensor.status();
    return absl::OkStatus();
  }
  INGOT_RETURN_IF_ERROR(tensor.status());
  tensors_.emplace(fqn, *std::move(tensor));
  return absl::OkStatus();
}

}  // namespace ingot::pt2
