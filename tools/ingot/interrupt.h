// What happens on SIGINT and SIGTERM: files that are being written are removed and the process ends
// with exit code 130 (SIGTERM: 143). Files appear whole or not at all, so nothing is left
// half-written.
#ifndef INGOT_TOOLS_INGOT_INTERRUPT_H_
#define INGOT_TOOLS_INGOT_INTERRUPT_H_

#include <string>

namespace ingot::tools {

// Installs the handlers. Call once, before threads start.
void InstallInterruptHandler();

// The file is removed if the process is interrupted, until `Forget`. For a handful of files at a
// time: a file beyond that, or with a path longer than PATH_MAX, may stay behind. Thread-safe.
void RemoveOnInterrupt(const std::string& path);
void Forget(const std::string& path);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_INTERRUPT_H_
