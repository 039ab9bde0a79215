// A session: options, backends, cache and metrics, shared by all graphs compiled through it.
//
//   INGOT_ASSIGN_OR_RETURN(auto session, Session::Create(options));
//   INGOT_ASSIGN_OR_RETURN(ir::Recording recording, frontend.Record(...));
//   INGOT_ASSIGN_OR_RETURN(auto graph, session->Compile(std::move(recording)));
//
// Compiling: verify, passes, ask the backends, partition, compile each group or find it in the
// cache, plan memory. Nothing is executed. What comes before the groups is kept, too: for a
// recording that equals an earlier one it is a lookup. Thread-safe; compiled graphs may outlive
// their session.
#ifndef INGOT_CORE_RUNTIME_SESSION_H_
#define INGOT_CORE_RUNTIME_SESSION_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cache/compile_cache.h"
#include "core/ir/recording.h"
#include "core/plugin/backend.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/metrics.h"
#include "core/runtime/options.h"
#include "core/runtime/sinks.h"

namespace ingot::runtime {

class Session {
 public:
  // NotFound, FailedPrecondition: a named backend is not there or cannot be used, and why. Under
  // "auto" backends that cannot be used are left out; it is an error only if none is left.
  static absl::StatusOr<std::shared_ptr<Session>> Create(const Options& options, Sinks sinks = {});
  ~Session();

  // InvalidArgument: the graph does not verify. Unimplemented: fallback is forbidden and a node is
  // not taken: "fallback: aten::sub=1 (why), …", naming backend and ops. Compiles at the current
  // force_fallback setting. Graphs of one `program` share states; null: a program of its own.
  absl::StatusOr<std::shared_ptr<const CompiledGraph>> Compile(ir::Recording recording,
                                                               Program program = nullptr);

  const Options& options() const;
  // Takes effect for every later Compile.
  void set_force_fallback(std::vector<std::string> ops);

  // Usable backends in order of priority.
  const std::vector<std::shared_ptr<const plugin::Backend>>& backends() const;
  Metrics& metrics();
  // To the log sink, or, from warnings up, to stderr.
  void Log(LogSeverity severity, absl::string_view message) const;
  // Of executables, for its statistics and explanations.
  const cache::CompileCache& cache() const;
  // Forgets what was compiled and prepared. Compiled graphs keep what is theirs.
  void ClearCache();

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What `ingot backends` shows: every plugin found, with its versions or the reason why it can't be
// used.
struct BackendListing {
  std::string name, path, version, library_version;
  std::string unavailable;  // reason, empty when usable
};
std::vector<BackendListing> ListBackends(const Options& options);

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_SESSION_H_
