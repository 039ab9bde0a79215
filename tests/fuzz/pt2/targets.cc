#include "tests/fuzz/pt2/targets.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "frontends/archive/torchscript_scan.h"
#include "frontends/archive/zip_testing.h"
#include "frontends/pt2/archive.h"
#include "frontends/pt2/convert.h"
#include "frontends/pt2/samples.h"
#include "frontends/pt2/symbols.h"

namespace ingot::pt2 {
namespace {

void ConvertAll(const Archive& archive) {
  const auto types = DefaultTypes(archive.program());
  if (types.ok()) Convert(archive, *types).status().IgnoreError();
  const auto samples = SampleArguments(archive);
  if (!samples.ok()) return;
  std::vector<ir::TensorType> sample_types;
  for (const HostConstant& sample : *samples) sample_types.push_back(sample.type);
  Convert(archive, sample_types).status().IgnoreError();
}

}  // namespace

void FuzzArchive(absl::string_view bytes) {
  // Exactly as long as the input, so that reading past its end is seen.
  const auto owner = std::make_shared<std::vector<char>>(bytes.begin(), bytes.end());
  const auto archive = Archive::Parse({owner->data(), owner->size()}, owner);
  if (archive.ok()) ConvertAll(**archive);
}

void FuzzProgram(absl::string_view json) {
  // All of the program's weights are views of one record.
  constexpr char kConfig[] =
      R"({"config": {"w": {"path_name": "weight_0", "is_param": true, "use_pickle": false,
      "tensor_meta": {"dtype": 7, "sizes": [{"as_int": 32}, {"as_int": 32}],
      "strides": [{"as_int": 32}, {"as_int": 1}], "storage_offset": {"as_int": 0},
      "device": {"type": "cpu"}, "layout": 7}}}})";
  const auto zip = std::make_shared<std::string>(
      archive::MakeArchive(std::string(json), kConfig, {{"weight_0", std::string(4096, '\0')}}));
  const auto archive = Archive::Parse(*zip, zip);
  if (archive.ok()) ConvertAll(**archive);
}

void FuzzScan(absl::string_view bytes) {
  const auto scan = [](const std::string& archive) {
    // On the heap, exactly as long as it is.
    const std::vector<char> copy(archive.begin(), archive.end());
    archive::ScanTorchScript({copy.data(), copy.size()}).IgnoreError();
  };
  if (absl::StartsWith(bytes, "PK")) return scan(std::string(bytes));
  const bool is_pickle = absl::StartsWith(bytes, "\x80");
  const std::string nothing = "\x80\x02).";
  scan(archive::MakeZip({{"m/data.pkl", is_pickle ? std::string(bytes) : nothing},
                         {"m/data/0", std::string(64, 'w')},
                         {"m/data/1", std::string(4096, 'w')},
                         {"m/code/__torch__/m.py", is_pickle ? "" : std::string(bytes)},
                         {"m/constants.pkl", nothing},
                         {"m/version", "3"}}));
}

}  // namespace ingot::pt2
