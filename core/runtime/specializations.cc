#include "core/runtime/specializations.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/cache/key.h"

namespace ingot::runtime {
namespace {

// An injective encoding: every variable part is preceded by its length.
class SignatureBytes {
 public:
  explicit SignatureBytes(const ir::Signature& signature) {
    Add(signature.arguments.size());
    for (const ir::ArgumentSpec& argument : signature.arguments) {
      Add(static_cast<uint64_t>(argument.type.dtype));
      AddDims(argument.type.dims);
      AddDims(argument.strides);
    }
    for (const ir::Alias& alias : signature.aliases) {
      Add(alias.argument);
      Add(static_cast<uint64_t>(alias.offset));
    }
    AddStructure(signature.arguments_structure);
  }
  std::string Take() && { return std::move(bytes_); }

 private:
  void Add(uint64_t number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  void AddText(const std::string& text) {
    Add(text.size());
    bytes_ += text;
  }
  void AddDims(const ir::Dims& dims) {
    Add(dims.size());
    for (int64_t dim : dims) Add(static_cast<uint64_t>(dim));
  }
  void AddStructure(const ir::Structure& s) {
    Add(static_cast<uint64_t>(s.kind));
    Add(static_cast<uint64_t>(static_cast<int64_t>(s.slot)));
    Add(s.number.index());
    Add(ir::NumberBits(s.number));
    AddText(s.text);
    Add(s.keys.size());
    for (const std::string& key : s.keys) AddText(key);
    Add(s.children.size());
    for (const ir::Structure& child : s.children) AddStructure(child);
  }
  std::string bytes_;
};

std::string Describe(const ir::ArgumentSpec& argument) {
  ir::Signature one;
  one.arguments = {argument};
  const std::string text = ir::ToString(one);
  return text.substr(1, text.size() - 2);
}

std::string Describe(size_t slot, const ir::Alias& alias) {
  if (alias.argument == slot) return "shares no earlier argument's memory";
  return absl::StrCat("begins ", alias.offset, " bytes after argument ", alias.argument);
}

// How much two signatures have in common, to find the nearest.
int Likeness(const ir::Signature& a, const ir::Signature& b) {
  if (a.arguments.size() != b.arguments.size()) return 0;
  int likeness = 1 + (a.arguments_structure == b.arguments_structure);
  for (size_t i = 0; i < a.arguments.size(); ++i) {
    likeness += (a.arguments[i] == b.arguments[i]) + (a.aliases[i] == b.aliases[i]) +
                (a.arguments[i].type.dtype == b.arguments[i].type.dtype) +
                (a.arguments[i].type.rank() == b.arguments[i].type.rank());
  }
  return likeness;
}

}  // namespace

std::string SignatureKey(const ir::Signature& signature) {
  return SignatureBytes(signature).Take();
}

std::string Difference(const ir::Signature& call, const ir::Signature& compiled) {
  if (call.arguments.size() != compiled.arguments.size()) {
    return absl::StrCat(call.arguments.size(), " tensor arguments, not ",
                        compiled.arguments.size());
  }
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    if (call.arguments[i] == compiled.arguments[i]) continue;
    return absl::StrCat("argument ", i, " is ", Describe(call.arguments[i]), ", not ",
                        Describe(compiled.arguments[i]));
  }
  if (!(call.arguments_structure == compiled.arguments_structure)) {
    return absl::StrCat("the arguments are ", ir::ToString(call.arguments_structure), ", not ",
                        ir::ToString(compiled.arguments_structure));
  }
  for (size_t i = 0; i < call.aliases.size(); ++i) {
    if (call.aliases[i] == compiled.aliases[i]) continue;
    return absl::StrCat("argument ", i, " ", Describe(i, call.aliases[i]), "; earlier it ",
                        Describe(i, compiled.aliases[i]));
  }
  return "";
}

Specializations::Specializations(size_t capacity_bytes, int max_signatures)
    : max_signatures_(static_cast<size_t>(max_signatures)), graphs_(capacity_bytes) {}

std::string Specializations::ReasonFor(const ir::Signature& signature) {
  if (!cleared_.empty()) return std::exchange(cleared_, "");
  const ir::Signature* nearest = nullptr;
  for (const ir::Signature& earlier : signatures_) {
    if (nearest == nullptr || Likeness(signature, earlier) >= Likeness(signature, *nearest))
      nearest = &earlier;
  }
  if (nearest == nullptr) return "first call";
  const std::string difference = Difference(signature, *nearest);
  return difference.empty() ? "its graph was dropped to make room" : difference;
}

absl::StatusOr<bool> Specializations::Count(const std::string& key) {
  absl::MutexLock lock(&mutex_);
  if (counted_.contains(key)) return false;
  if (counted_.size() >= max_signatures_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the program has been compiled for ", counted_.size(),
        " signatures (max_specializations) and this call has another one: pad the arguments, "
        "use leading_sizes=buckets, or raise the limit"));
  }
  counted_.insert(key);
  return true;
}

absl::StatusOr<Specializations::Graph> Specializations::CompileNew(const ir::Signature& signature,
                                                                   const std::string& key,
                                                                   const Compile& compile) {
  INGOT_ASSIGN_OR_RETURN(const bool is_new, Count(key));
  absl::Cleanup forget = [&] {
    absl::MutexLock lock(&mutex_);
    if (is_new) counted_.erase(key);
  };
  uint64_t clears;
  {
    absl::MutexLock lock(&mutex_);
    clears = clears_;
  }
  const absl::Time start = absl::Now();
  INGOT_ASSIGN_OR_RETURN(Graph graph, compile());
  std::move(forget).Cancel();
  Graph dropped;  // destroyed outside the lock
  absl::MutexLock lock(&mutex_);
  if (clears == clears_) {
    newest_key_ = key;
    dropped = std::exchange(newest_, graph);
  }
  events_.push_back({ir::ToString(signature), ReasonFor(signature), absl::Now() - start});
  signatures_.push_back(signature);
  if (events_.size() > kMaxEvents) {
    events_.pop_front();
    signatures_.pop_front();
  }
  return graph;
}

absl::StatusOr<Specializations::Graph> Specializations::GetOrCompile(const ir::Signature& signature,
                                                                     const Compile& compile) {
  const std::string key = SignatureKey(signature);
  {
    absl::MutexLock lock(&mutex_);
    if (newest_ != nullptr && newest_key_ == key) return newest_;
  }
  const auto compile_entry = [&]() -> absl::StatusOr<cache::CompileCache::Entry> {
    INGOT_ASSIGN_OR_RETURN(Graph graph, CompileNew(signature, key, compile));
    size_t bytes = 0;
    for (const GroupReport& group : graph->groups())
      bytes += group.retained_bytes + group.workspace_bytes;
    return cache::CompileCache::Entry{std::move(graph), bytes};
  };
  INGOT_ASSIGN_OR_RETURN(const cache::CompileCache::Entry entry,
                         graphs_.GetOrCompile(cache::MakeKey(key, ""), compile_entry));
  return std::static_pointer_cast<const CompiledGraph>(entry.value);
}

void Specializations::Clear(std::string reason) {
  Graph dropped;  // destroyed outside the lock
  graphs_.Clear();
  absl::MutexLock lock(&mutex_);
  ++clears_;
  dropped.swap(newest_);
  counted_.clear();
  cleared_ = std::move(reason);
}

std::vector<Specializations::Event> Specializations::events() const {
  absl::MutexLock lock(&mutex_);
  return {events_.begin(), events_.end()};
}

}  // namespace ingot::runtime
