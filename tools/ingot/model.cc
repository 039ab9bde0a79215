#include "tools/ingot/model.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/artifact/artifact.h"
#include "core/base/status_macros.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/pt2_model.h"
#include "tools/ingot/torchscript_model.h"

namespace ingot::tools {
namespace {

class ArtifactModel : public Model {
 public:
  explicit ArtifactModel(artifact::Artifact artifact) : artifact_(std::move(artifact)) {}

  absl::StatusOr<ir::Recording> Record(const Arguments&) override { return artifact_.recording; }
  absl::StatusOr<std::unique_ptr<Oracle>> CreateOracle(OracleMode) override {
    return AtStage(Stage::kCompile,
                   absl::UnimplementedError("an .ingot file has no TorchScript module for LibTorch "
                                            "to run: give the .pt file"));
  }
  const ir::Signature* signature() const override { return &artifact_.recording.signature; }
  std::map<std::string, std::string> stored_options() const override { return artifact_.options; }

 private:
  artifact::Artifact artifact_;
};

absl::StatusOr<std::unique_ptr<Model>> OpenArtifact(const std::string& path,
                                                    const runtime::Options&) {
  INGOT_ASSIGN_OR_RETURN(artifact::Artifact artifact, artifact::ReadArtifact(path));
  return std::make_unique<ArtifactModel>(std::move(artifact));
}

// What is refused in a sandbox needs none: a graph, checked as a child's answer would be.
absl::StatusOr<ModelOpener> PrepareArtifact(const std::string&, const runtime::Options&) {
  return absl::UnimplementedError(".ingot files are read without a sandbox");
}

struct Format {
  absl::string_view suffix;
  absl::StatusOr<std::unique_ptr<Model>> (*open)(const std::string&, const runtime::Options&);
  absl::StatusOr<ModelOpener> (*prepare)(const std::string&, const runtime::Options&);
};

// The first suffix that fits counts; anything else is taken for TorchScript.
constexpr Format kFormats[] = {{".ingot", OpenArtifact, PrepareArtifact},
                               {".pt2", OpenPt2Model, PreparePt2Model},
                               {"", OpenTorchScriptModel, PrepareTorchScriptModel}};

absl::StatusOr<const Format*> FormatOf(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return AtStage(Stage::kModel,
                   absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be read")));
  }
  if (!S_ISREG(info.st_mode)) {
    return AtStage(Stage::kModel,
                   absl::InvalidArgumentError(absl::StrCat(path,
                                                           ": is no model file, but a folder or "
                                                           "device")));
  }
  for (const Format& format : kFormats) {
    if (absl::EndsWith(path, format.suffix)) return &format;
  }
  return absl::InternalError("no format takes the file");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> OpenModel(const std::string& path,
                                                 const runtime::Options& options) {
  INGOT_ASSIGN_OR_RETURN(const Format* const format, FormatOf(path));
  auto model = format->open(path, options);
  INGOT_RETURN_IF_ERROR(AtStage(Stage::kModel, model.status()));
  return model;
}

absl::StatusOr<ModelOpener> PrepareModel(const std::string& path, const runtime::Options& options) {
  INGOT_ASSIGN_OR_RETURN(const Format* const format, FormatOf(path));
  return format->prepare(path, options);
}

absl::StatusOr<Arguments> DefaultArguments(const Model& model, uint64_t seed) {
  if (model.signature() == nullptr) return model.SampleArguments(seed);
  Random random(seed);
  return RandomArguments(*model.signature(), random);
}

}  // namespace ingot::tools
