// Summaries of measured times.
//
//   const double p99 = Percentile(times, 99);
#ifndef INGOT_TOOLS_INGOT_STATISTICS_H_
#define INGOT_TOOLS_INGOT_STATISTICS_H_

#include <vector>

namespace ingot::tools {

// The `percent`-th percentile with linear interpolation between the nearest ranks, as
// numpy.percentile's default. REQUIRES: !values.empty(), 0 <= percent <= 100.
double Percentile(std::vector<double> values, double percent);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_STATISTICS_H_
