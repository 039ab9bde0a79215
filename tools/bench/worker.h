// A process that holds one runtime and one model, and times calls when it is told to.
//
//   return Serve(description, workload);
//
// It writes `description` (one JSON line with "ready": true) and then answers one line for each
// line of standard input:
//
//   run SECONDS CALLS     blocks of CALLS calls until SECONDS have passed, at least one block and
//                         at most 10,000
//                         -> {"us": [microseconds a call, one number a block]}
//   clients N SECONDS     N threads, each calling again as soon as its last call has returned
//                         -> {"calls", "seconds", "min", "p50", "p99"}, the last three in
//                         microseconds
//   outputs FOLDER        one call for each input set -> FOLDER/K.npz with out0, out1, … and
//   {"sets": number}
//
// An error is {"error": "one line"}, and the process goes on. It ends at the end of its input.
// Between two lines it only waits, and whoever drives it may stop it (SIGSTOP) meanwhile.
#ifndef INGOT_TOOLS_BENCH_WORKER_H_
#define INGOT_TOOLS_BENCH_WORKER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/ingot/call.h"
#include "tools/ingot/console.h"

namespace ingot::bench {

// A model that is ready to be called, with several sets of inputs.
class Workload {
 public:
  virtual ~Workload() = default;
  virtual int sets() const = 0;
  // One call with the input set `set` in [0, sets()).
  virtual absl::Status Run(int set) = 0;
  // The results of a call with that set, by slot.
  virtual absl::StatusOr<tools::Arguments> Results(int set) = 0;
  // The same model for another thread, with inputs and results of its own. This one must outlive
  // it.
  virtual absl::StatusOr<std::unique_ptr<Workload>> ForClient() = 0;
};

// Milliseconds that `Run(0)` takes now; for the first call of all.
absl::StatusOr<double> TimeOneCall(Workload& workload);

// Answers until the end of standard input; returns the exit code.
int Serve(const tools::Json& description, Workload& workload);

// Writes {"error": …} as the description of a worker that can't serve; returns the exit code.
int Refuse(const absl::Status& status);

// The input sets of the command line: one .npz each. At least one; errors name the file.
absl::StatusOr<std::vector<tools::Arguments>> ReadInputSets(const std::vector<std::string>& paths);

}  // namespace ingot::bench

#endif  // INGOT_TOOLS_BENCH_WORKER_H_
