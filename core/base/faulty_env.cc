#include "core/base/faulty_env.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot {

class FaultyEnv::File : public WritableFile {
 public:
  File(FaultyEnv& env, std::unique_ptr<WritableFile> base) : env_(env), base_(std::move(base)) {}

  absl::Status Append(absl::string_view bytes) override {
    const absl::Status fault = env_.Step("append");
    if (fault.ok()) return base_->Append(bytes);
    INGOT_RETURN_IF_ERROR(base_->Append(bytes.substr(0, bytes.size() / 2)));
    return fault;
  }
  absl::Status Sync() override {
    INGOT_RETURN_IF_ERROR(env_.Step("sync"));
    return base_->Sync();
  }
  absl::Status Close() override {
    INGOT_RETURN_IF_ERROR(env_.Step("close"));
    return base_->Close();
  }

 private:
  FaultyEnv& env_;
  std::unique_ptr<WritableFile> base_;
};

void FaultyEnv::FailAt(int operation, Mode mode) {
  operations_ = 0;
  fail_at_ = operation;
  mode_ = mode;
}

absl::Status FaultyEnv::Step(absl::string_view what) {
  const int operation = operations_++;
  const bool fails =
      fail_at_ >= 0 && (operation == fail_at_ || (mode_ == Mode::kForever && operation > fail_at_));
  if (!fails) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("injected fault: ", what));
}

absl::StatusOr<std::shared_ptr<const ReadableMapping>> FaultyEnv::Map(const std::string& path) {
  INGOT_RETURN_IF_ERROR(Step("map"));
  return base_.Map(path);
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultyEnv::Create(const std::string& path) {
  INGOT_RETURN_IF_ERROR(Step("create"));
  INGOT_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, base_.Create(path));
  return std::make_unique<File>(*this, std::move(file));
}

absl::Status FaultyEnv::Rename(const std::string& from, const std::string& to) {
  INGOT_RETURN_IF_ERROR(Step("rename"));
  return base_.Rename(from, to);
}

absl::Status FaultyEnv::Remove(const std::string& path) {
  INGOT_RETURN_IF_ERROR(Step("remove"));
  return base_.Remove(path);
}

absl::Status FaultyEnv::FsyncDir(const std::string& path) {
  INGOT_RETURN_IF_ERROR(Step("sync folder"));
  return base_.FsyncDir(path);
}

}  // namespace ingot
