// What an `.ingot` file keeps of the options that its graph was compiled with, so that later runs
// do the same and load no other backend to choose from.
//
//   artifact::WriteArtifact(path, recording, StoredOptions(session, *graph));
//
// Readers lay them under all other layers (options.h). Thread-safe.
#ifndef INGOT_CORE_RUNTIME_STORED_OPTIONS_H_
#define INGOT_CORE_RUNTIME_STORED_OPTIONS_H_

#include <map>
#include <string>

#include "core/runtime/compiled_graph.h"
#include "core/runtime/session.h"

namespace ingot::runtime {

// The backends that run the graph's groups, in order of their first group: "onednn,torchscript". Of
// a graph without nodes the session's first.
std::string BackendNames(const Session& session, const CompiledGraph& graph);

// backend (what "auto" came to), fallback and, where it is not the default, precision: names and
// texts as SetOption takes them.
std::map<std::string, std::string> StoredOptions(const Session& session,
                                                 const CompiledGraph& graph);

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_STORED_OPTIONS_H_
