// Where the time of a compiled graph goes, step by step, from the traces of several calls.
//
//   StepProfile profile(*graph);
//   const absl::FunctionRef<void(const runtime::TraceEvent&)> trace = …profile.Add(event)…;
//   for (…) { profile.BeginCall(); call.Run({.trace = &trace}); }
//   PrintText(profile.ToText(20));
//
// A step is what a backend runs at once: a primitive, a kernel, or the reorder that one of them
// needs; one node may take several, and one step may stand for several nodes. Not thread-safe.
#ifndef INGOT_TOOLS_INGOT_STEP_PROFILE_H_
#define INGOT_TOOLS_INGOT_STEP_PROFILE_H_

#include <string>
#include <vector>

#include "core/runtime/compiled_graph.h"
#include "core/runtime/run_context.h"
#include "tools/ingot/console.h"
#include "tools/ingot/plan.h"
#include "tools/ingot/work.h"

namespace ingot::tools {

struct StepRow {
  ir::NodeId node = 0;
  std::string op, implementation, layout_in, layout, output, source;
  std::vector<double> times;  // microseconds, by call; of all its runs, where there are several
  Work work;                  // the step's part of what its nodes take; of a helper step, none
  double median = 0;          // microseconds
  int64_t begin_ns = 0;       // of the last run, of the monotonic clock
  double last = 0;            // microseconds of that run
  // oneDNN's ref and gemm code: another shape, type or layout would run faster.
  bool loss = false;
};

class StepProfile {
 public:
  // `graph` must outlive the profile.
  explicit StepProfile(const runtime::CompiledGraph& graph);

  void BeginCall() {
    position_ = 0;
    ++calls_;
  }
  void Add(const runtime::TraceEvent& event);

  // In the order of execution.
  std::vector<StepRow> Steps() const;

  // The `top` slowest steps (0: all), then time by implementation, then the losses.
  std::string ToText(size_t top) const;
  // {"steps":[{"node","op","impl","layout_in","layout","output","us","share","gflops","gbs","source","loss"}…],
  //  "total_us"}.
  Json ToJson() const;
  // The last call in the Trace Event Format, which Perfetto and Chrome's about:tracing read.
  Json ToTrace() const;

 private:
  const runtime::CompiledGraph& graph_;
  std::vector<PlannedStep> plan_;  // of all groups
  // By an event's position in a call: which row it belongs to. Events behind have rows of their
  // own.
  std::vector<size_t> row_of_;
  size_t planned_rows_ = 0;
  std::vector<StepRow> rows_;
  size_t calls_ = 0;
  size_t position_ = 0;  // in the call, of the next event
};

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_STEP_PROFILE_H_
