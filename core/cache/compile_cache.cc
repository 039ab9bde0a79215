#include "core/cache/compile_cache.h"

#include <condition_variable>
#include <iterator>
#include <list>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace ingot::cache {
namespace {

// A compilation under way. `result` is written by the compiling thread before it lands, and only
// read after.
class Flight {
 public:
  explicit Flight(const Key& k) : key(k) {}

  void Land() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      landed_ = true;
    }
    landing_.notify_all();
  }
  void WaitForLanding() {
    std::unique_lock<std::mutex> lock(mutex_);
    landing_.wait(lock, [this] { return landed_; });
  }

  const Key key;
  absl::StatusOr<CompileCache::Entry> result = absl::InternalError("the compilation threw");

 private:
  std::mutex mutex_;
  std::condition_variable landing_;
  bool landed_ = false;
};

bool GaveUp(const absl::Status& status) {
  return absl::IsCancelled(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

struct CompileCache::Impl {
  struct Slot {
    Key key;
    Entry entry;
    size_t charge;
  };
  // Most recently used first.
  using Slots = std::list<Slot>;

  explicit Impl(size_t capacity_bytes) : capacity(capacity_bytes) {}

  // What to do for a key, decided under the lock.
  struct Decision {
    enum Kind { kHit, kJoin, kCompile, kCompileAlone } kind;
    Entry entry;                     // kHit
    std::shared_ptr<Flight> flight;  // kJoin, kCompile
  };
  Decision Decide(const Key& key);

  absl::StatusOr<Entry> CompileAlone(const Compile& compile);
  void Land(const std::shared_ptr<Flight>& flight);
  // REQUIRES: `mutex` is held. Moves what no longer fits to `evicted`, to be destroyed outside the
  // lock: destructors of executables may be slow, and may call anything.
  void Keep(const Key& key, const Entry& entry, Slots& evicted);

  const size_t capacity;
  // Guards all that follows. (Not absl::Mutex: abseil as installed is invisible to
  // ThreadSanitizer.)
  mutable std::mutex mutex;
  Slots slots;
  absl::flat_hash_map<ir::Digest, Slots::iterator> by_digest;
  absl::flat_hash_map<ir::Digest, std::shared_ptr<Flight>> flights;
  CacheStats stats;
};

CompileCache::Impl::Decision CompileCache::Impl::Decide(const Key& key) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (const auto it = by_digest.find(key.digest); it != by_digest.end()) {
    if (it->second->key == key) {
      ++stats.hits;
      slots.splice(slots.begin(), slots, it->second);
      return {Decision::kHit, it->second->entry, nullptr};
    }
  } else if (const auto flying = flights.find(key.digest); flying != flights.end()) {
    if (flying->second->key == key) {
      ++stats.joined;
      return {Decision::kJoin, {}, flying->second};
    }
  } else {
    ++stats.misses;
    auto flight = std::make_shared<Flight>(key);
    flights.emplace(key.digest, flight);
    return {Decision::kCompile, {}, std::move(flight)};
  }
  ++stats.collisions;
  ++stats.misses;
  return {Decision::kCompileAlone, {}, nullptr};
}

void CompileCache::Impl::Keep(const Key& key, const Entry& entry, Slots& evicted) {
  const size_t charge = entry.bytes + key.graph.size() + key.backend.size();
  if (charge > capacity) return;
  slots.push_front({key, entry, charge});
  by_digest[key.digest] = slots.begin();
  stats.bytes += charge;
  while (stats.bytes > capacity) {
    const auto oldest = std::prev(slots.end());
    by_digest.erase(oldest->key.digest);
    stats.bytes -= oldest->charge;
    ++stats.evictions;
    evicted.splice(evicted.end(), slots, oldest);
  }
}

void CompileCache::Impl::Land(const std::shared_ptr<Flight>& flight) {
  Slots evicted;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!flight->result.ok()) ++stats.failures;
    const auto it = flights.find(flight->key.digest);
    // Else `Clear` has detached it, and another may fly for the key by now.
    if (it != flights.end() && it->second == flight) {
      flights.erase(it);
      if (flight->result.ok()) Keep(flight->key, *flight->result, evicted);
    }
  }
  flight->Land();
}

absl::StatusOr<CompileCache::Entry> CompileCache::Impl::CompileAlone(const Compile& compile) {
  absl::StatusOr<Entry> result = compile();
  if (!result.ok()) {
    const std::lock_guard<std::mutex> lock(mutex);
    ++stats.failures;
  }
  return result;
}

CompileCache::CompileCache(size_t capacity_bytes) : impl_(std::make_unique<Impl>(capacity_bytes)) {}
CompileCache::~CompileCache() = default;

absl::StatusOr<CompileCache::Entry> CompileCache::GetOrCompile(const Key& key,
                                                               const Compile& compile, bool* hit) {
  bool ignored;
  bool& is_hit = hit != nullptr ? *hit : ignored;
  while (true) {
    Impl::Decision decision = impl_->Decide(key);
    is_hit = decision.kind == Impl::Decision::kHit || decision.kind == Impl::Decision::kJoin;
    switch (decision.kind) {
      case Impl::Decision::kHit:
        return std::move(decision.entry);
      case Impl::Decision::kJoin:
        decision.flight->WaitForLanding();
        if (GaveUp(decision.flight->result.status())) continue;
        return decision.flight->result;
      case Impl::Decision::kCompile: {
        // Those who wait are told even if `compile` throws.
        const absl::Cleanup land = [&] { impl_->Land(decision.flight); };
        decision.flight->result = compile();
        return decision.flight->result;
      }
      case Impl::Decision::kCompileAlone:
        return impl_->CompileAlone(compile);
    }
  }
}

std::string CompileCache::Explain(const Key& key) const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  const auto flying = impl_->flights.find(key.digest);
  if (flying != impl_->flights.end() && flying->second->key == key) return "";
  if (impl_->slots.empty()) return "nothing is cached";
  // Fewest differing parts; among equals the most recently used.
  std::string nearest;
  for (const Impl::Slot& slot : impl_->slots) {
    std::string parts = DifferingParts(slot.key, key);
    if (parts.empty()) return "";
    if (nearest.empty() || parts.size() < nearest.size()) nearest = std::move(parts);
  }
  return absl::StrCat("the nearest entry differs in: ", nearest);
}

void CompileCache::Clear() {
  Impl::Slots dropped;
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  dropped.swap(impl_->slots);
  impl_->by_digest.clear();
  impl_->flights.clear();
  impl_->stats.bytes = 0;
}

CacheStats CompileCache::stats() const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  CacheStats stats = impl_->stats;
  stats.entries = impl_->slots.size();
  return stats;
}

}  // namespace ingot::cache
