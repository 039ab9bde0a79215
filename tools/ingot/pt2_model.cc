#include "tools/ingot/pt2_model.h"

#include <cstring>
#include <utility>
#include <vector>

#include "core/base/env.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/archive.h"
#include "frontends/pt2/convert.h"
#include "frontends/pt2/samples.h"
#include "frontends/pt2/symbols.h"
#include "tools/ingot/literals.h"
#include "tools/ingot/oracle_process.h"

namespace ingot::tools {
namespace {

absl::StatusOr<runtime::HostTensor> ToHostTensor(const pt2::HostConstant& constant) {
  INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor, runtime::HostTensor::Create(constant.type));
  const auto bytes = static_cast<size_t>(constant.type.NumBytes());
  if (bytes > 0) std::memcpy(tensor.data<char>(), constant.data, bytes);
  return tensor;
}

class Pt2Model : public Model {
 public:
  Pt2Model(std::string path, const runtime::Options& options,
           std::shared_ptr<const pt2::Archive> archive)
      : path_(std::move(path)), options_(options), archive_(std::move(archive)) {}

  absl::StatusOr<ir::Recording> Record(const Arguments& arguments) override {
    std::vector<ir::TensorType> types;
    for (const runtime::HostTensor& argument : arguments) types.push_back(argument.type());
    return pt2::Convert(*archive_, types);
  }

  absl::StatusOr<std::unique_ptr<Oracle>> CreateOracle(OracleMode mode) override {
    return StartOracleProcess(path_, mode, options_);
  }

  absl::StatusOr<Arguments> SampleArguments(uint64_t seed) const override {
    Arguments arguments;
    const auto samples = pt2::SampleArguments(*archive_);
    if (absl::IsNotFound(samples.status())) return Random(seed);
    INGOT_RETURN_IF_ERROR(samples);
    for (const pt2::HostConstant& sample : *samples) {
      INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor, ToHostTensor(sample));
      arguments.push_back(std::move(tensor));
    }
    return arguments;
  }

 private:
  absl::StatusOr<Arguments> Random(uint64_t seed) const {
    INGOT_ASSIGN_OR_RETURN(const std::vector<ir::TensorType> types,
                           pt2::DefaultTypes(archive_->program()));
    ir::Signature signature;
    for (const ir::TensorType& type : types) signature.arguments.push_back({type, {}});
    tools::Random random(seed);
    return RandomArguments(signature, random);
  }

  const std::string path_;
  const runtime::Options options_;
  std::shared_ptr<const pt2::Archive> archive_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> OpenPt2Model(const std::string& path,
                                                    const runtime::Options& options) {
  std::shared_ptr<const pt2::Archive> archive;
  INGOT_ASSIGN_OR_RETURN(archive, pt2::Archive::Open(path));
  return std::make_unique<Pt2Model>(path, options, std::move(archive));
}

absl::StatusOr<ModelOpener> PreparePt2Model(const std::string& path,
                                            const runtime::Options& options) {
  std::shared_ptr<const ReadableMapping> file;
  INGOT_ASSIGN_OR_RETURN(file, Env::Default().Map(path));
  return [path, options, file]() -> absl::StatusOr<std::unique_ptr<Model>> {
    std::shared_ptr<const pt2::Archive> archive;
    INGOT_ASSIGN_OR_RETURN(archive, pt2::Archive::Parse(file->bytes(), file), path);
    return std::make_unique<Pt2Model>(path, options, std::move(archive));
  };
}

}  // namespace ingot::tools
