#include "core/runtime/session.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/cache/compile_cache.h"
#include "core/cache/key.h"
#include "core/ir/verifier.h"
#include "core/passes/pipeline.h"
#include "core/plugin/loader.h"
#include "core/runtime/compiled_graph_impl.h"
#include "core/runtime/plan_builder.h"
#include "core/runtime/prepared_graph.h"

namespace ingot::runtime {
namespace {

using Backends = std::vector<std::shared_ptr<const plugin::Backend>>;

// Of `cache_bytes`, for prepared graphs, beside what executables get: they are small.
constexpr size_t kPreparedPart = 16;

absl::StatusOr<std::shared_ptr<const plugin::Backend>> OpenBackend(const std::string& name,
                                                                   const Options& options) {
  INGOT_ASSIGN_OR_RETURN(std::string path, plugin::FindPlugin(name, options.plugin_folders));
  INGOT_ASSIGN_OR_RETURN(std::shared_ptr<const plugin::Plugin> plugin, plugin::LoadPlugin(path));
  std::vector<plugin::BackendOption> backend_options = {
      {"threads", int64_t{EffectiveThreads(options.threads)}}};
  if (options.precision != Precision::kF32) {
    backend_options.push_back({"precision", std::string(PrecisionName(options.precision))});
  }
  return plugin::Backend::Create(std::move(plugin), backend_options);
}

// What tells programs apart whose weights are equal now but may be written: two modules, one a copy
// of the other. An executable that is kept under it keeps the memory, so that no other gets there.
std::string AddressesOfLive(absl::Span<const ir::Constant> constants) {
  return absl::StrJoin(constants, ",", [](std::string* out, const ir::Constant& constant) {
    if (constant.is_live) absl::StrAppend(out, absl::Hex(constant.data));
  });
}

// The constants of a prepared graph, for one recording.
class BoundConstants {
 public:
  // `was_prepared`: by another recording of the same key; else `recording` is as PrepareGraph left
  // it.
  BoundConstants(const PreparedGraph& prepared, ir::Recording& recording, bool was_prepared)
      : recording_(recording),
        constants_(was_prepared ? BindConstants(prepared, recording.constants)
                                : recording.constants) {}

  std::vector<ir::Constant> Of(const plugin::GroupGraph& group) const {
    std::vector<ir::Constant> own;
    for (uint32_t index : group.constants) own.push_back(constants_[index]);
    return own;
  }

  // The same with the memory of all, for a compilation: passes compute what they computed for the
  // other recording.
  absl::StatusOr<std::vector<ir::Constant>> WithMemory(const plugin::GroupGraph& group) {
    const bool complete =
        std::all_of(group.constants.begin(), group.constants.end(), [this](uint32_t index) {
          return constants_[index].data != nullptr || constants_[index].type.NumBytes() == 0;
        });
    if (!complete) {
      INGOT_RETURN_IF_ERROR(passes::RunStandardPasses(recording_));
      constants_ = recording_.constants;
    }
    return Of(group);
  }

  std::vector<ir::Constant> Take() && { return std::move(constants_); }

 private:
  ir::Recording& recording_;
  std::vector<ir::Constant> constants_;
};

}  // namespace

struct Session::Impl {
  Impl(const Options& options, Sinks sinks)
      : options(options),
        log(std::move(sinks.log)),
        metrics(std::move(sinks.metrics)),
        executables(options.cache_bytes),
        prepared(options.cache_bytes / kPreparedPart),
        seeds(std::make_shared<SeedStream>(options.seed)),
        force_fallback(options.force_fallback) {}

  // What compiling makes of `recording` before a backend compiles. `was_prepared`: it was kept from
  // an equal one, and `recording` is as it was; else as PrepareGraph leaves it.
  absl::StatusOr<std::shared_ptr<const PreparedGraph>> Prepare(ir::Recording& recording,
                                                               bool& was_prepared) {
    BackendChoice choice{backends, options.fallback != FallbackPolicy::kForbid, {}};
    {
      absl::MutexLock lock(&mutex);
      choice.force_fallback = force_fallback;
    }
    const auto prepare = [&]() -> absl::StatusOr<cache::CompileCache::Entry> {
      INGOT_ASSIGN_OR_RETURN(PreparedGraph graph, PrepareGraph(recording, choice, metrics));
      const size_t bytes = ApproximateBytes(graph);
      return cache::CompileCache::Entry{std::make_shared<const PreparedGraph>(std::move(graph)),
                                        bytes};
    };
    INGOT_ASSIGN_OR_RETURN(const cache::CompileCache::Entry entry,
                           prepared.GetOrCompile(RecordingKey(recording, choice.force_fallback),
                                                 prepare, &was_prepared));
    auto graph = std::static_pointer_cast<const PreparedGraph>(entry.value);
    if (was_prepared) CountFallbacks(*graph, metrics);
    return graph;
  }

  struct Compiled {
    std::shared_ptr<const plugin::Executable> executable;
    bool cached = false;
  };
  absl::StatusOr<Compiled> CompileGroup(const PreparedGraph::Group& group,
                                        BoundConstants& constants) {
    const auto compile = [&]() -> absl::StatusOr<cache::CompileCache::Entry> {
      INGOT_ASSIGN_OR_RETURN(const std::vector<ir::Constant> own,
                             constants.WithMemory(group.mapping));
      const absl::Time start = absl::Now();
      INGOT_ASSIGN_OR_RETURN(std::shared_ptr<const plugin::Executable> executable,
                             group.backend->Compile(group.mapping.graph, own));
      metrics.Record("CompileTime", absl::Now() - start);
      const size_t bytes = executable->retained_bytes();
      return cache::CompileCache::Entry{std::move(executable), bytes};
    };
    const auto find = [&](const cache::Key& key) -> absl::StatusOr<Compiled> {
      Compiled found;
      INGOT_ASSIGN_OR_RETURN(const cache::CompileCache::Entry entry,
                             executables.GetOrCompile(key, compile, &found.cached));
      found.executable = std::static_pointer_cast<const plugin::Executable>(entry.value);
      return found;
    };
    INGOT_ASSIGN_OR_RETURN(Compiled compiled, find(group.key));
    const std::vector<ir::Constant> own = constants.Of(group.mapping);
    if (compiled.cached && !compiled.executable->CanServe(own)) {
      INGOT_ASSIGN_OR_RETURN(
          compiled, find(cache::MakeKey(group.key.graph, group.key.backend, AddressesOfLive(own))));
    }
    metrics.Count(compiled.cached ? "CachedCompile" : "UncachedCompile");
    return compiled;
  }

  const Options options;
  const std::shared_ptr<LogSink> log;
  Backends backends;
  Metrics metrics;
  cache::CompileCache executables, prepared;
  std::shared_ptr<SeedStream> seeds;
  absl::Mutex mutex;
  std::vector<std::string> force_fallback ABSL_GUARDED_BY(mutex);
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

absl::StatusOr<std::shared_ptr<Session>> Session::Create(const Options& options, Sinks sinks) {
  auto impl = std::make_unique<Impl>(options, std::move(sinks));
  const auto named = [&](const std::string& name) {
    for (absl::string_view part : absl::StrSplit(options.backend, ',')) {
      if (absl::StripAsciiWhitespace(part) == name) return true;
    }
    return false;
  };
  std::vector<std::string> reasons;
  for (const std::string& name : BackendPriority(options)) {
    absl::StatusOr<std::shared_ptr<const plugin::Backend>> backend = OpenBackend(name, options);
    if (backend.ok()) {
      impl->backends.push_back(*std::move(backend));
    } else if (named(name)) {
      return Annotate(backend.status(), absl::StrCat("backend ", name));
    } else {
      reasons.push_back(absl::StrCat(name, ": ", backend.status().message()));
    }
  }
  if (impl->backends.empty()) {
    return absl::NotFoundError(absl::StrCat("no usable backend: ", absl::StrJoin(reasons, "; ")));
  }
  return std::shared_ptr<Session>(new Session(std::move(impl)));
}

const Options& Session::options() const { return impl_->options; }
const Backends& Session::backends() const { return impl_->backends; }
Metrics& Session::metrics() { return impl_->metrics; }
const cache::CompileCache& Session::cache() const { return impl_->executables; }
void Session::ClearCache() {
  impl_->prepared.Clear();
  impl_->executables.Clear();
}

void Session::Log(LogSeverity severity, absl::string_view message) const {
  if (impl_->log != nullptr) return impl_->log->Log(severity, message);
  if (severity == LogSeverity::kInfo) return;
  // One write a line, so that lines of several threads don't mix.
  const std::string line = absl::StrCat(
      "ingot: ", severity == LogSeverity::kWarning ? "warning: " : "error: ", message, "\n");
  std::fputs(line.c_str(), stderr);
}

void Session::set_force_fallback(std::vector<std::string> ops) {
  absl::MutexLock lock(&impl_->mutex);
  impl_->force_fallback = std::move(ops);
}

absl::StatusOr<std::shared_ptr<const CompiledGraph>> Session::Compile(ir::Recording recording,
                                                                      Program program) {
  INGOT_RETURN_IF_ERROR(ir::Verify(recording.graph));
  bool was_prepared = false;
  INGOT_ASSIGN_OR_RETURN(const std::shared_ptr<const PreparedGraph> prepared,
                         impl_->Prepare(recording, was_prepared));
  if (impl_->options.fallback == FallbackPolicy::kWarn) {
    for (const plugin::Fallback& fallback : prepared->fallbacks) {
      Log(LogSeverity::kWarning,
          absl::StrCat("fallback: ", ir::Describe(*prepared->graph, fallback.node), ": ",
                       fallback.reason));
    }
  }
  auto graph = std::make_unique<CompiledGraphBuilder::Impl>();
  BoundConstants constants(*prepared, recording, was_prepared);
  std::vector<CompiledGroup> groups;
  for (const PreparedGraph::Group& group : prepared->groups) {
    INGOT_ASSIGN_OR_RETURN(Impl::Compiled compiled, impl_->CompileGroup(group, constants));
    graph->groups.push_back({group.backend->name(), group.backend->library_version(), group.nodes,
                             compiled.executable->plan_json(),
                             compiled.executable->retained_bytes(),
                             compiled.executable->workspace_bytes(), compiled.cached});
    groups.push_back({&group.mapping, group.nodes, std::move(compiled.executable)});
  }
  graph->graph = prepared->graph;
  graph->results = prepared->results;
  INGOT_ASSIGN_OR_RETURN(
      graph->plan, MakeRunPlan(*prepared->graph, recording.signature, prepared->results, groups));
  graph->fallbacks = prepared->fallbacks;
  graph->scalars = prepared->scalars;
  graph->seeds = impl_->seeds;
  recording.constants = std::move(constants).Take();
  return CompiledGraphBuilder::Finish(std::move(graph), std::move(recording), std::move(program));
}

std::vector<BackendListing> ListBackends(const Options& options) {
  std::vector<BackendListing> listings;
  for (const std::string& path : plugin::ListPlugins(options.plugin_folders)) {
    BackendListing listing;
    listing.path = path;
    absl::StatusOr<std::shared_ptr<const plugin::Backend>> backend = OpenBackend(path, options);
    if (backend.ok()) {
      listing.name = (*backend)->name();
      listing.version = (*backend)->version();
      listing.library_version = (*backend)->library_version();
    } else {
      listing.unavailable = std::string(backend.status().message());
    }
    listings.push_back(std::move(listing));
  }
  return listings;
}

}  // namespace ingot::runtime
