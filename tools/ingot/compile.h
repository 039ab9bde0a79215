// From a model file and options to a compiled graph, with the time each step took.
//
//   INGOT_ASSIGN_OR_RETURN(Compiled compiled, OpenAndCompile("m.pt", flags));
//
// What `run`, `verify`, `bench`, `inspect` and `extract` have in common.
#ifndef INGOT_TOOLS_INGOT_COMPILE_H_
#define INGOT_TOOLS_INGOT_COMPILE_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/runtime/session.h"
#include "tools/ingot/common_flags.h"
#include "tools/ingot/model.h"

namespace ingot::tools {

struct Opened {
  std::unique_ptr<Model> model;
  runtime::Options options;  // flags over environment, file and what the artifact was made with
  Arguments arguments;
  absl::Duration load_time;
};

// Opens the file and settles options and arguments: `given`, else those of the flags, else
// DefaultArguments.
absl::StatusOr<Opened> Open(const std::string& path, const CommonFlags& flags,
                            std::optional<Arguments> given = std::nullopt);

// A session with these options; errors of stage kBackend.
absl::StatusOr<std::shared_ptr<runtime::Session>> CreateSession(const runtime::Options& options);

// Records with the arguments; errors of stage kModel.
absl::StatusOr<ir::Recording> Record(const std::string& path, Opened& opened);

// Errors of stage kCompile.
absl::StatusOr<std::shared_ptr<const runtime::CompiledGraph>> Compile(runtime::Session& session,
                                                                      ir::Recording recording);

// LibTorch running a whole model that can't be a graph, since its control flow or sizes depend on
// its inputs' values.
struct WholeModel {
  std::unique_ptr<Oracle> runner;
  std::string op, reason;  // "aten::item", and the refusal in one line
};

// Where `refusal` says that the model can't be a graph and the options allow fallback; else
// `refusal`. Tells of it on stderr.
absl::StatusOr<WholeModel> WholeModelFallback(const Opened& opened, const absl::Status& refusal);

// All of it. `graph` is nullptr if the model runs whole on LibTorch, which only those get who ask
// for it.
struct Compiled {
  Opened opened;
  std::shared_ptr<runtime::Session> session;
  std::shared_ptr<const runtime::CompiledGraph> graph;
  WholeModel whole;
  absl::Duration record_time, compile_time;

  // "onednn", "onednn,torchscript", "LibTorch eager"
  std::string backend() const;
};
enum class IfNoGraph { kRefuse, kFallBack };
absl::StatusOr<Compiled> OpenAndCompile(const std::string& path, const CommonFlags& flags,
                                        IfNoGraph if_no_graph = IfNoGraph::kRefuse);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_COMPILE_H_
