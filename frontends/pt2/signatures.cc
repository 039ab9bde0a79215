#include "frontends/pt2/signatures.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"

namespace ingot::pt2 {

extern const char* const kAtenSchemas;  // aten_schemas.txt

namespace {

using absl::string_view;

struct Line {
  string_view op, flags, schema;
};

const std::vector<Line>& Lines() {
  static const auto* const lines = [] {
    auto* all = new std::vector<Line>();
    for (const string_view text : absl::StrSplit(kAtenSchemas, '\n', absl::SkipEmpty())) {
      const size_t bar = text.find('|');
      const string_view schema = text.substr(bar + 1);
      all->push_back({schema.substr(0, schema.find('(')), text.substr(0, bar), schema});
    }
    std::sort(all->begin(), all->end(), [](const Line& a, const Line& b) { return a.op < b.op; });
    return all;
  }();
  return *lines;
}

// "(Tensor(a!) self, Scalar x)" → {"Tensor(a!) self", "Scalar x"}, the marker "*" left out.
std::vector<string_view> Declarations(string_view schema) {
  std::vector<string_view> parts;
  const size_t open = schema.find('('), close = schema.rfind(") -> ");
  int depth = 0;
  size_t begin = open + 1;
  for (size_t i = open + 1; i <= close; ++i) {
    if (i == close || (schema[i] == ',' && depth == 0)) {
      const string_view part = absl::StripAsciiWhitespace(schema.substr(begin, i - begin));
      if (!part.empty() && part != "*") parts.push_back(part);
      begin = i + 1;
    } else if (schema[i] == '(' || schema[i] == '[') {
      ++depth;
    } else if (schema[i] == ')' || schema[i] == ']') {
      --depth;
    }
  }
  return parts;
}

std::unique_ptr<OpSignature> Make(const Line* line, string_view op) {
  const ops::OpDef* const def = ops::FindOp(op);
  if (line == nullptr && def == nullptr) return nullptr;
  auto signature = std::make_unique<OpSignature>();
  signature->def = def;
  if (line != nullptr) {
    signature->random = absl::StrContains(line->flags, "r");
    signature->dynamic = absl::StrContains(line->flags, "d");
    signature->aliases = absl::StrContains(line->schema, "(a");
    for (const string_view declaration : Declarations(line->schema)) {
      signature->written.push_back(absl::StrContains(declaration, "!)"));
    }
  }
  if (def != nullptr) {
    signature->schema = def->schema;
    signature->random = def->Is(ops::kRandom);
    signature->aliases |= def->Is(ops::kView);
  } else {
    auto schema = ops::ParseSchema(line->schema);
    if (!schema.ok()) return nullptr;
    signature->schema = *std::move(schema);
  }
  signature->written.resize(signature->schema.args.size(), false);
  return signature;
}

class Table {
 public:
  const OpSignature* Find(string_view op) {
    absl::MutexLock lock(&mutex_);
    auto [entry, inserted] = known_.try_emplace(op);
    if (inserted) {
      const auto line = std::lower_bound(
          Lines().begin(), Lines().end(), op,
          [](const Line& candidate, string_view name) { return candidate.op < name; });
      const bool found = line != Lines().end() && line->op == op;
      entry->second = Make(found ? &*line : nullptr, op);
    }
    return entry->second.get();
  }

 private:
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::unique_ptr<OpSignature>> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

const OpSignature* FindSignature(string_view op) {
  static auto* const table = new Table();
  return table->Find(op);
}

std::vector<string_view> AllSignatures() {
  std::vector<string_view> names;
  for (const Line& line : Lines()) names.push_back(line.op);
  return names;
}

}  // namespace ingot::pt2
