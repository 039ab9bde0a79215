// Tells ThreadSanitizer what abseil's locks order. Linked under --config=tsan only.
//
// Debian's abseil is not built with ThreadSanitizer, so it would see no ordering between two
// critical sections of an absl::Mutex and report a race for each. The definitions here stand before
// those of the shared library in the order in which symbols are looked up; each calls the library's
// and adds the edge: what comes before a release happens before what follows a later acquire.
// Covered: absl::Mutex (plain and reader locks), CondVar::Wait, Notification. Waiting on an
// absl::Condition is not: abseil evaluates it on whichever thread unlocks.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/base/config.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}

#define INGOT_STRING_(x) #x
#define INGOT_STRING(x) INGOT_STRING_(x)

namespace {

// `member` is the mangled name after the namespaces, as in "5Mutex4LockEv".
template <typename Function>
Function* Original(std::string_view constness, std::string_view member) {
  constexpr std::string_view kInline = INGOT_STRING(ABSL_OPTION_INLINE_NAMESPACE_NAME);
  std::string name = "_ZN";
  name.append(constness).append("4absl").append(std::to_string(kInline.size()));
  name.append(kInline).append(member);
  void* symbol = dlsym(RTLD_NEXT, name.c_str());
  if (symbol == nullptr) {
    std::fprintf(stderr, "tsan_annotations: abseil has no %s\n", name.c_str());
    std::abort();
  }
  return reinterpret_cast<Function*>(symbol);
}

template <typename T>
void* Address(const T* object) {
  return const_cast<T*>(object);
}

}  // namespace

namespace absl {

void Mutex::Lock() {
  static auto* const original = Original<void(Mutex*)>("", "5Mutex4LockEv");
  original(this);
  __tsan_acquire(this);
}

void Mutex::Unlock() {
  static auto* const original = Original<void(Mutex*)>("", "5Mutex6UnlockEv");
  __tsan_release(this);
  original(this);
}

bool Mutex::TryLock() {
  static auto* const original = Original<bool(Mutex*)>("", "5Mutex7TryLockEv");
  const bool locked = original(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::ReaderLock() {
  static auto* const original = Original<void(Mutex*)>("", "5Mutex10ReaderLockEv");
  original(this);
  __tsan_acquire(this);
}

void Mutex::ReaderUnlock() {
  static auto* const original = Original<void(Mutex*)>("", "5Mutex12ReaderUnlockEv");
  __tsan_release(this);
  original(this);
}

void CondVar::Wait(Mutex* mutex) {
  static auto* const original = Original<void(CondVar*, Mutex*)>("", "7CondVar4WaitEPNS0_5MutexE");
  __tsan_release(mutex);
  original(this, mutex);
  __tsan_acquire(mutex);
}

void Notification::Notify() {
  static auto* const original = Original<void(Notification*)>("", "12Notification6NotifyEv");
  __tsan_release(this);
  original(this);
}

void Notification::WaitForNotification() const {
  static auto* const original =
      Original<void(const Notification*)>("K", "12Notification19WaitForNotificationEv");
  original(this);
  __tsan_acquire(Address(this));
}

}  // namespace absl
