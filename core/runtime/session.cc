#include "core/runtime/session.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/cache/key.h"
#include "core/ir/serialize.h"
#include "core/ir/verifier.h"
#include "core/passes/pipeline.h"
#include "core/plugin/loader.h"
#include "core/plugin/partitioner.h"
#include "core/runtime/compiled_graph_impl.h"
#include "core/runtime/plan_builder.h"

namespace ingot::runtime {
namespace {

using Backends = std::vector<std::shared_ptr<const plugin::Backend>>;
using Support = std::vector<plugin::NodeSupport>;

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

// "aten::sub" matches "aten::sub.Tensor" and "aten::sub"; "aten::sub.Tensor" only itself.
bool OpMatches(absl::string_view op, absl::string_view pattern) {
  return op == pattern ||
         (absl::StartsWith(op, pattern) && op.size() > pattern.size() && op[pattern.size()] == '.');
}

void ForceFallback(const ir::Graph& graph, const std::vector<std::string>& ops, Support& support) {
  for (ir::NodeId node = 0; node < graph.nodes().size(); ++node) {
    for (const std::string& pattern : ops) {
      if (OpMatches(graph.node(node).op, pattern))
        support[node] = {false, "forced by force_fallback"};
    }
  }
}

std::vector<plugin::Fallback> Rejected(const ir::Graph& graph, const Support& support) {
  std::vector<plugin::Fallback> rejected;
  for (ir::NodeId node = 0; node < support.size(); ++node) {
    if (!support[node].claimed)
      rejected.push_back({node, graph.node(node).op, support[node].reason});
  }
  return rejected;
}

// Which backends compile which nodes.
struct Assignment {
  Backends backends;
  plugin::Partition partition;
};

// Without fallback: the first backend that takes the whole graph.
absl::StatusOr<Assignment> AssignWhole(const ir::Graph& graph, const Backends& backends,
                                       const std::vector<std::string>& force_fallback,
                                       Metrics& metrics) {
  std::vector<std::string> refusals;
  for (const auto& backend : backends) {
    INGOT_ASSIGN_OR_RETURN(Support support, backend->Query(graph));
    ForceFallback(graph, force_fallback, support);
    const std::vector<plugin::Fallback> rejected = Rejected(graph, support);
    if (rejected.empty()) {
      INGOT_ASSIGN_OR_RETURN(plugin::Partition partition, plugin::MakePartition(graph, {support}));
      return Assignment{{backend}, std::move(partition)};
    }
    if (refusals.empty()) {
      for (const plugin::Fallback& f : rejected) metrics.Count(absl::StrCat("fallback.", f.op));
    }
    refusals.push_back(absl::StrCat("backend ", backend->name(),
                                    ": fallback: ", plugin::DescribeFallbacks(rejected)));
  }
  return absl::UnimplementedError(
      absl::StrCat(absl::StrJoin(refusals, "; "), " (choose another backend, or allow fallback)"));
}

absl::StatusOr<Assignment> AssignWithFallback(const ir::Graph& graph, const Backends& backends,
                                              const std::vector<std::string>& force_fallback,
                                              Metrics& metrics) {
  std::vector<Support> support;
  for (const auto& backend : backends) {
    INGOT_ASSIGN_OR_RETURN(support.emplace_back(), backend->Query(graph));
  }
  ForceFallback(graph, force_fallback, support[0]);
  INGOT_ASSIGN_OR_RETURN(plugin::Partition partition, plugin::MakePartition(graph, support));
  for (const plugin::Fallback& f : partition.fallbacks)
    metrics.Count(absl::StrCat("fallback.", f.op));
  return Assignment{backends, std::move(partition)};
}

// What tells programs apart whose weights are equal now but may be written: two modules, one a copy
// of the other. An executable that is kept under it keeps the memory, so that no other gets there.
std::string AddressesOfLive(absl::Span<const ir::Constant> constants) {
  return absl::StrJoin(constants, ",", [](std::string* out, const ir::Constant& constant) {
    if (constant.is_live) absl::StrAppend(out, absl::Hex(constant.data));
  });
}

}  // namespace

struct Session::Impl {
  Impl(const Options& options, Sinks sinks)
      : options(options),
        log(std::move(sinks.log)),
        metrics(std::move(sinks.metrics)),
        cache(options.cache_bytes),
        seeds(std::make_shared<SeedStream>(options.seed)),
        force_fallback(options.force_fallback) {}

  absl::StatusOr<Assignment> Assign(const ir::Graph& graph) {
    std::vector<std::string> forced;
    {
      absl::MutexLock lock(&mutex);
      forced = force_fallback;
    }
    return options.fallback == FallbackPolicy::kForbid
               ? AssignWhole(graph, backends, forced, metrics)
               : AssignWithFallback(graph, backends, forced, metrics);
  }

  struct Compiled {
    std::shared_ptr<const plugin::Executable> executable;
    bool cached = false;
  };
  absl::StatusOr<Compiled> CompileGroup(const plugin::Backend& backend,
                                        const plugin::GroupGraph& group,
                                        const std::vector<ir::Constant>& constants) {
    std::vector<ir::Constant> own;
    for (uint32_t index : group.constants) own.push_back(constants[index]);
    const auto compile = [&]() -> absl::StatusOr<cache::CompileCache::Entry> {
      const absl::Time start = absl::Now();
      INGOT_ASSIGN_OR_RETURN(std::shared_ptr<const plugin::Executable> executable,
                             backend.Compile(group.graph, own));
      metrics.Record("CompileTime", absl::Now() - start);
      const size_t bytes = executable->retained_bytes();
      return cache::CompileCache::Entry{std::move(executable), bytes};
    };
    const auto find = [&](std::string memory) -> absl::StatusOr<Compiled> {
      Compiled found;
      INGOT_ASSIGN_OR_RETURN(
          const cache::CompileCache::Entry entry,
          cache.GetOrCompile(cache::MakeKey(ir::ToCanonicalBytes(group.graph),
                                            backend.fingerprint(), std::move(memory)),
                             compile, &found.cached));
      found.executable = std::static_pointer_cast<const plugin::Executable>(entry.value);
      return found;
    };
    INGOT_ASSIGN_OR_RETURN(Compiled compiled, find(""));
    if (compiled.cached && !compiled.executable->CanServe(own)) {
      INGOT_ASSIGN_OR_RETURN(compiled, find(AddressesOfLive(own)));
    }
    metrics.Count(compiled.cached ? "CachedCompile" : "UncachedCompile");
    return compiled;
  }

  const Options options;
  const std::shared_ptr<LogSink> log;
  Backends backends;
  Metrics metrics;
  cache::CompileCache cache;
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
cache::CompileCache& Session::cache() { return impl_->cache; }

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
  const absl::Time start = absl::Now();
  INGOT_RETURN_IF_ERROR(passes::RunStandardPasses(recording));
  impl_->metrics.Record("PassTime", absl::Now() - start);

  auto graph = std::make_unique<CompiledGraphBuilder::Impl>();
  INGOT_ASSIGN_OR_RETURN(Assignment assignment, impl_->Assign(recording.graph));
  if (impl_->options.fallback == FallbackPolicy::kWarn) {
    for (const plugin::Fallback& fallback : assignment.partition.fallbacks) {
      Log(LogSeverity::kWarning,
          absl::StrCat("fallback: ", ir::Describe(recording.graph, fallback.node), ": ",
                       fallback.reason));
    }
  }
  std::vector<CompiledGroup> groups;
  for (const plugin::Group& group : assignment.partition.groups) {
    const plugin::Backend& backend = *assignment.backends[group.backend];
    plugin::GroupGraph mapping = plugin::ExtractGroup(recording.graph, group);
    INGOT_ASSIGN_OR_RETURN(Impl::Compiled compiled,
                           impl_->CompileGroup(backend, mapping, recording.constants));
    graph->groups.push_back({backend.name(), backend.library_version(), group.nodes,
                             compiled.executable->plan_json(),
                             compiled.executable->retained_bytes(),
                             compiled.executable->workspace_bytes(), compiled.cached});
    groups.push_back({std::move(mapping), group.nodes, std::move(compiled.executable)});
  }
  INGOT_ASSIGN_OR_RETURN(graph->results, MakeResultSpecs(recording.graph));
  INGOT_ASSIGN_OR_RETURN(graph->plan,
                         MakeRunPlan(recording.graph, recording.signature, graph->results, groups));
  graph->fallbacks = std::move(assignment.partition.fallbacks);
  graph->seeds = impl_->seeds;
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
