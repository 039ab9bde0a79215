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

TemporaryFileGuard::TemporaryFileGuard(const std::string& path) : path_(path) {
  if (path.size() >= PATH_MAX) return;
  for (int i = 0; i < kPlaces; ++i) {
    if (places[i].taken.exchange(true, std::memory_order_acquire)) continue;
    std::memcpy(places[i].path, path.c_str(), path.size() + 1);
    places[i].armed.store(true, std::memory_order_release);
    place_ = i;
    return;
  }
}

TemporaryFileGuard::~TemporaryFileGuard() {
  if (!keep_) unlink(path_.c_str());
  if (place_ < 0) return;
  places[place_].armed.store(false, std::memory_order_release);
  places[place_].taken.store(false, std::memory_order_release);
}

void TemporaryFileGuard::Keep() {
  keep_ = true;
  if (place_ >= 0) places[place_].armed.store(false, std::memory_order_release);
}

}  // namespace ingot::tools
