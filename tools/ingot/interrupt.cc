#include "tools/ingot/interrupt.h"

#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

namespace ingot::tools {
namespace {

// Read by the signal handler, so plain memory: a path is complete while `armed` is set.
struct Place {
  std::atomic<bool> taken{false};
  std::atomic<bool> armed{false};
  char path[PATH_MAX];
};
constexpr int kPlaces = 8;
Place places[kPlaces];
static_assert(std::atomic<bool>::is_always_lock_free, "the handler may not lock");

void OnSignal(int signal) {
  for (Place& place : places) {
    if (place.armed.load(std::memory_order_acquire)) unlink(place.path);
  }
  constexpr char kText[] = "\ningot: interrupted\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kText, sizeof(kText) - 1);
  _exit(128 + signal);
}

}  // namespace

void InstallInterruptHandler() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigfillset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void RemoveOnInterrupt(const std::string& path) {
  if (path.size() >= PATH_MAX) return;
  for (Place& place : places) {
    if (place.taken.exchange(true, std::memory_order_acquire)) continue;
    std::memcpy(place.path, path.c_str(), path.size() + 1);
    place.armed.store(true, std::memory_order_release);
    return;
  }
}

void Forget(const std::string& path) {
  for (Place& place : places) {
    // Only the file's writer forgets it, so the path of an armed place does not change meanwhile.
    if (!place.armed.load(std::memory_order_acquire) || path != place.path) continue;
    place.armed.store(false, std::memory_order_release);
    place.taken.store(false, std::memory_order_release);
    return;
  }
}

}  // namespace ingot::tools
