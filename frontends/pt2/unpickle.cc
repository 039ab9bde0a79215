#include "frontends/pt2/unpickle.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/archive/zip_view.h"

namespace ingot::pt2 {
namespace {

using absl::string_view;
using archive::GlobalUse;
using archive::PickleGlobal;
using archive::ZipView;
using ir::DType;

PickleGlobal Storage(const char* name, DType dtype) {
  return {name, GlobalUse::kStorage, ir::ElementSize(dtype), dtype};
}

const PickleGlobal kGlobals[] = {
    {"torch._utils._rebuild_tensor_v2", GlobalUse::kRebuildTensor},
    {"collections.OrderedDict", GlobalUse::kOrderedDict},
    Storage("torch.BoolStorage", DType::kBool),
    Storage("torch.ByteStorage", DType::kUInt8),
    Storage("torch.CharStorage", DType::kInt8),
    Storage("torch.ShortStorage", DType::kInt16),
    Storage("torch.IntStorage", DType::kInt32),
    Storage("torch.LongStorage", DType::kInt64),
    Storage("torch.HalfStorage", DType::kFloat16),
    Storage("torch.BFloat16Storage", DType::kBFloat16),
    Storage("torch.FloatStorage", DType::kFloat32),
    Storage("torch.DoubleStorage", DType::kFloat64),
    Storage("torch.ComplexFloatStorage", DType::kComplex64),
    Storage("torch.ComplexDoubleStorage", DType::kComplex128),
};

}  // namespace

absl::StatusOr<archive::Pickle> ReadTorchPickle(string_view bytes) {
  INGOT_ASSIGN_OR_RETURN(const ZipView zip, ZipView::Parse(bytes));
  for (const ZipView::Record& record : zip.records()) {
    if (!absl::EndsWith(record.name, "/data.pkl")) continue;
    INGOT_RETURN_IF_ERROR(archive::CheckCrc(record));
    const string_view root = record.name.substr(0, record.name.size() - 8);
    const auto storage = [&](string_view key) -> absl::StatusOr<string_view> {
      const ZipView::Record* found = zip.Find(absl::StrCat(root, "data/", key));
      if (found == nullptr) {
        return absl::InvalidArgumentError("pickle: a storage's record is missing");
      }
      return found->bytes;
    };
    const auto is_class = [](string_view) { return false; };
    return archive::ReadPickle(record.bytes, {.globals = kGlobals,
                                              .storage = storage,
                                              .is_class = is_class,
                                              .max_storage_bytes = bytes.size()});
  }
  return absl::InvalidArgumentError("the archive has no data.pkl");
}

std::vector<std::string> PickleGlobals() {
  std::vector<std::string> names;
  for (const PickleGlobal& global : kGlobals) names.emplace_back(global.name);
  return names;
}

}  // namespace ingot::pt2
