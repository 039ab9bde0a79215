// An Env for tests that fails at a chosen step of the work of another one.
//
//   FaultyEnv env(Env::Default());
//   env.FailAt(3, FaultyEnv::Mode::kOnce);      // the fourth operation fails, as on a full disk
//   env.FailAt(3, FaultyEnv::Mode::kForever);   // … and all after it, as if the process had been
//   killed
//
// Operations are Map, Create, Append, Sync, Close, Rename, Remove and FsyncDir, counted from 0. A
// failing Append writes half of its bytes first. Not thread-safe.
#ifndef INGOT_CORE_BASE_FAULTY_ENV_H_
#define INGOT_CORE_BASE_FAULTY_ENV_H_

#include <memory>
#include <string>

#include "core/base/env.h"

namespace ingot {

class FaultyEnv : public Env {
 public:
  enum class Mode { kOnce, kForever };

  explicit FaultyEnv(Env& base) : base_(base) {}

  // Counts anew from here.
  void FailAt(int operation, Mode mode);
  // Operations since FailAt or construction, failed ones included.
  int operations() const { return operations_; }

  absl::StatusOr<std::shared_ptr<const ReadableMapping>> Map(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status FsyncDir(const std::string& path) override;

 private:
  class File;

  // Counts one operation; an error if it is to fail.
  absl::Status Step(absl::string_view what);

  Env& base_;
  int operations_ = 0;
  int fail_at_ = -1;
  Mode mode_ = Mode::kOnce;
};

}  // namespace ingot

#endif  // INGOT_CORE_BASE_FAULTY_ENV_H_
