// What happens on SIGINT and SIGTERM: temporary files are removed and the process ends with exit
// code 130 (SIGTERM: 143). Files appear whole or not at all, so nothing is left half-written.
#ifndef INGOT_TOOLS_INGOT_INTERRUPT_H_
#define INGOT_TOOLS_INGOT_INTERRUPT_H_

#include <string>

namespace ingot::tools {

// Installs the handlers. Call once, before threads start.
void InstallInterruptHandler();

// Files removed if the process is interrupted; a handful at a time. Thread-safe. Adding fails
// silently when all places are taken or the path is longer than PATH_MAX: the file may then stay.
class TemporaryFileGuard {
 public:
  explicit TemporaryFileGuard(const std::string& path);
  // Removes the file, unless `Keep` was called.
  ~TemporaryFileGuard();
  TemporaryFileGuard(const TemporaryFileGuard&) = delete;
  TemporaryFileGuard& operator=(const TemporaryFileGuard&) = delete;

  // The file has got its final name.
  void Keep();

 private:
  std::string path_;
  int place_ = -1;
  bool keep_ = false;
};

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_INTERRUPT_H_
