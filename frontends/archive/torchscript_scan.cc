#include "frontends/archive/torchscript_scan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "frontends/archive/pickle.h"
#include "frontends/archive/script_source.h"
#include "frontends/archive/zip_view.h"

namespace ingot::archive {
namespace {

using absl::string_view;

constexpr PickleGlobal Storage(const char* name, size_t element_size) {
  return {name, GlobalUse::kStorage, element_size};
}

// What LibTorch's reader builds without Python.
const PickleGlobal kGlobals[] = {
    {"torch._utils._rebuild_tensor_v2", GlobalUse::kRebuildTensor},
    {"torch._utils._rebuild_qtensor", GlobalUse::kRebuildTensor},
    {"torch._utils._rebuild_sparse_tensor"},
    {"torch.jit._pickle.build_boollist"},
    {"torch.jit._pickle.build_doublelist"},
    {"torch.jit._pickle.build_intlist"},
    {"torch.jit._pickle.build_tensorlist"},
    {"torch.jit._pickle.restore_type_tag"},
    {"torch.device"},
    {"builtins.complex"},
    {"collections.OrderedDict", GlobalUse::kOrderedDict},
    {"torch.per_channel_affine", GlobalUse::kValue},
    {"torch.per_channel_affine_float_qparams", GlobalUse::kValue},
    {"torch.per_channel_symmetric", GlobalUse::kValue},
    {"torch.per_tensor_affine", GlobalUse::kValue},
    {"torch.per_tensor_symmetric", GlobalUse::kValue},
    Storage("torch.BFloat16Storage", 2),
    Storage("torch.BoolStorage", 1),
    Storage("torch.ByteStorage", 1),
    Storage("torch.CharStorage", 1),
    Storage("torch.ComplexDoubleStorage", 16),
    Storage("torch.ComplexFloatStorage", 8),
    Storage("torch.ComplexHalfStorage", 4),
    Storage("torch.DoubleStorage", 8),
    Storage("torch.FloatStorage", 4),
    Storage("torch.Float8_e4m3fnStorage", 1),
    Storage("torch.Float8_e4m3fnuzStorage", 1),
    Storage("torch.Float8_e5m2Storage", 1),
    Storage("torch.Float8_e5m2fnuzStorage", 1),
    Storage("torch.HalfStorage", 2),
    Storage("torch.IntStorage", 4),
    Storage("torch.LongStorage", 8),
    Storage("torch.QInt32Storage", 4),
    Storage("torch.QInt8Storage", 1),
    Storage("torch.QUInt2x4Storage", 1),
    Storage("torch.QUInt4x2Storage", 1),
    Storage("torch.QUInt8Storage", 1),
    Storage("torch.ShortStorage", 2),
    Storage("torch.UInt16Storage", 2),
    Storage("torch.UInt32Storage", 4),
    Storage("torch.UInt64Storage", 8),
};

// Source files cannot define these; LibTorch has them, or refuses them by name.
constexpr string_view kBuiltinClasses = "__torch__.torch.classes.";
constexpr string_view kOwnClasses = "__torch__.";

class Scan {
 public:
  explicit Scan(string_view bytes) : bytes_(bytes) {}

  absl::Status Run() {
    if (absl::StartsWith(bytes_, "\x80\x02")) {
      return absl::FailedPreconditionError(
          "it is a pickle of torch.save, not a TorchScript archive; write one with torch.jit.save");
    }
    INGOT_ASSIGN_OR_RETURN(zip_, ZipView::Parse(bytes_, ZipView::Deflated::kAccept));
    INGOT_RETURN_IF_ERROR(CheckRoot());
    INGOT_RETURN_IF_ERROR(CheckParts());
    INGOT_RETURN_IF_ERROR(CheckGrowth());
    for (const ZipView::Record& record : zip_.records()) {
      INGOT_RETURN_IF_ERROR(Named(record, ScanRecord(record)));
    }
    return absl::OkStatus();
  }

 private:
  // What the parsers call malformed is a damaged file; what they call unknown is not loaded.
  static absl::Status Named(const ZipView::Record& record, const absl::Status& status) {
    if (status.ok() || absl::StrContains(status.message(), record.name)) return status;
    const std::string message = absl::StrCat("record ", record.name, ": ", status.message());
    if (absl::IsInvalidArgument(status)) return absl::DataLossError(message);
    return absl::Status(status.code(), message);
  }

  // LibTorch takes the first record's folder for the archive's.
  absl::Status CheckRoot() {
    if (zip_.records().empty()) return absl::DataLossError("the archive has no records");
    const string_view first = zip_.records().front().name;
    const size_t slash = first.find('/');
    if (slash == string_view::npos)
      return absl::DataLossError("the archive's records are in no folder");
    root_ = std::string(first.substr(0, slash + 1));
    for (const ZipView::Record& record : zip_.records()) {
      if (!absl::StartsWith(record.name, root_))
        return absl::DataLossError("the archive's records are in several folders");
    }
    return absl::OkStatus();
  }

  const ZipView::Record* Find(string_view name) const {
    return zip_.Find(absl::StrCat(root_, name));
  }

  absl::Status CheckParts() {
    if (Find("archive_format") != nullptr && Find("data.pkl") == nullptr) {
      return absl::FailedPreconditionError(
          "it is a torch.export archive, not TorchScript: call it .pt2");
    }
    if (Find("model.json") != nullptr) {
      return absl::FailedPreconditionError(
          "it is a TorchScript archive of before PyTorch 1.2: load and save it with a newer one");
    }
    for (const char* name : {"data.pkl", "constants.pkl"}) {
      if (Find(name) == nullptr) {
        return absl::DataLossError(absl::StrCat(
            "the archive has no ", name, ": it was not written by torch.jit.save, or not wholly"));
      }
    }
    const ZipView::Record* version = Find("version");
    if (version == nullptr) version = Find(".data/version");
    if (version == nullptr) return absl::DataLossError("the archive does not say its version");
    INGOT_RETURN_IF_ERROR(CheckText(*version, [](string_view text) {
      return !text.empty() && text.size() <= 9 &&
             std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
    }));
    const ZipView::Record* const order = Find("byteorder");
    if (order == nullptr) return absl::OkStatus();
    return CheckText(*order, [](string_view text) { return text == "little"; });
  }

  template <typename IsGood>
  absl::Status CheckText(const ZipView::Record& record, IsGood is_good) {
    constexpr uint64_t kMaxText = 64;
    std::string buffer;
    INGOT_ASSIGN_OR_RETURN(const string_view text, Contents(record, kMaxText, buffer));
    if (is_good(absl::StripAsciiWhitespace(text))) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("record ", record.name, " says what is not read here"));
  }

  absl::Status CheckGrowth() const {
    uint64_t unpacked = 0;
    for (const ZipView::Record& record : zip_.records()) {
      if (!record.is_deflated) continue;
      if (record.size > kMaxUnpackedBytes || (unpacked += record.size) > kMaxUnpackedBytes) {
        return absl::ResourceExhaustedError(
            absl::StrCat("record ", record.name, ": the compressed records grow to more than ",
                         kMaxUnpackedBytes >> 20, " MiB"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ScanRecord(const ZipView::Record& record) {
    string_view name = record.name;
    name.remove_prefix(root_.size());
    const bool is_code = absl::StartsWith(name, "code/");
    std::string buffer;
    if (is_code && absl::EndsWith(name, ".py")) {
      INGOT_ASSIGN_OR_RETURN(const string_view text, Contents(record, kMaxUnpackedBytes, buffer));
      return CheckScriptSource(text);
    }
    if (absl::ConsumeSuffix(&name, ".pkl") || absl::EndsWith(name, ".debug_pkl")) {
      INGOT_ASSIGN_OR_RETURN(const string_view code, Contents(record, kMaxUnpackedBytes, buffer));
      return ScanPickle(is_code ? string_view() : name, code);
    }
    return absl::OkStatus();
  }

  // `folder`: where its tensors are; empty: it may have none, and no objects.
  absl::Status ScanPickle(string_view folder, string_view code) {
    const auto storage = [&](string_view key) -> absl::StatusOr<string_view> {
      const ZipView::Record* const record =
          folder.empty() ? nullptr : Find(absl::StrCat(folder, "/", key));
      if (record == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("pickle: its storage ", key.substr(0, 100), " has no record"));
      }
      if (record->is_deflated) {
        return absl::InvalidArgumentError(
            absl::StrCat("pickle: its storage ", key.substr(0, 100), " is compressed"));
      }
      return record->bytes;
    };
    const auto is_class = [&](string_view name) { return !folder.empty() && HasSource(name); };
    const auto pickle = ReadPickle(code, {.dialect = PickleDialect::kTorchScript,
                                          .globals = kGlobals,
                                          .storage = storage,
                                          .is_class = is_class,
                                          .max_storage_bytes = bytes_.size(),
                                          .has_storages = folder != kTracedInputs});
    if (absl::IsUnimplemented(pickle.status()) &&
        absl::StrContains(pickle.status().message(), "global")) {
      return absl::PermissionDeniedError(pickle.status().message());
    }
    INGOT_RETURN_IF_ERROR(pickle.status());
    return CheckTypeNames(*pickle);
  }

  // "__torch__.a.b.C" is defined in code/__torch__/a/b.py.
  bool HasSource(string_view name) const {
    if (absl::StartsWith(name, kBuiltinClasses)) return true;
    if (!absl::StartsWith(name, kOwnClasses)) return false;
    const string_view module = name.substr(0, name.rfind('.'));
    return Find(absl::StrCat("code/", absl::StrReplaceAll(module, {{".", "/"}}), ".py")) != nullptr;
  }

  // Types that LibTorch parses out of strings.
  static absl::Status CheckTypeNames(const Pickle& pickle) {
    for (const PickleValue& value : pickle.values) {
      if (value.kind != PickleValue::Kind::kObject ||
          value.text != "torch.jit._pickle.restore_type_tag")
        continue;
      const PickleValue& arguments = pickle.values[value.items[0]];
      const PickleValue* const name =
          arguments.items.size() == 2 ? &pickle.values[arguments.items[1]] : nullptr;
      if (name == nullptr || name->kind != PickleValue::Kind::kString)
        return absl::InvalidArgumentError("pickle: a type's name is malformed");
      INGOT_RETURN_IF_ERROR(CheckScriptSource(name->text), "pickle: a type's name");
    }
    return absl::OkStatus();
  }

  // Of traced inputs the writer keeps sizes only, and nobody loads them.
  static constexpr string_view kTracedInputs = "traced_inputs";

  string_view bytes_;
  ZipView zip_;
  std::string root_;
};

}  // namespace

absl::Status ScanTorchScript(string_view bytes) { return Scan(bytes).Run(); }

std::vector<std::string> TorchScriptGlobals() {
  std::vector<std::string> names;
  for (const PickleGlobal& global : kGlobals) names.emplace_back(global.name);
  return names;
}

}  // namespace ingot::archive
