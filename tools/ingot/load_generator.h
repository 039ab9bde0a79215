// Calls a function again and again and measures how long each call takes.
//
//   LoadOptions options;
//   options.clients = 2;
//   INGOT_ASSIGN_OR_RETURN(std::vector<double> us, RunClosedLoop(options, call));
//
// Closed loop: each client calls as soon as its last call has returned. Open loop: calls arrive at
// random times (Poisson) whatever the clients do, and a call's time counts from its arrival, so
// that waiting in the queue is measured too (no coordinated omission).
#ifndef INGOT_TOOLS_INGOT_LOAD_GENERATOR_H_
#define INGOT_TOOLS_INGOT_LOAD_GENERATOR_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace ingot::tools {

struct LoadOptions {
  int clients = 1;
  // Ends after this time or, when max_calls > 0, this many calls, whichever is first.
  absl::Duration duration = absl::Seconds(2);
  int64_t max_calls = 0;
  // Open loop: arrivals a second, and the seed of their times.
  double rate = 0;
  uint64_t seed = 0;
};

// One call on behalf of client `client`; each client's calls come one after another.
using LoadFunction = std::function<absl::Status(int client)>;

// Microseconds of each call, at least one, in no particular order. The first error ends the run and
// is returned.
absl::StatusOr<std::vector<double>> RunClosedLoop(const LoadOptions& options,
                                                  const LoadFunction& call);
absl::StatusOr<std::vector<double>> RunOpenLoop(const LoadOptions& options,
                                                const LoadFunction& call);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_LOAD_GENERATOR_H_
