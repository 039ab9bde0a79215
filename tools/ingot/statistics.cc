#include "tools/ingot/statistics.h"

#include <algorithm>
#include <cmath>

namespace ingot::tools {

double Percentile(std::vector<double> values, double percent) {
  const double rank = percent / 100 * static_cast<double>(values.size() - 1);
  const auto low = values.begin() + static_cast<std::ptrdiff_t>(std::floor(rank));
  std::nth_element(values.begin(), low, values.end());
  const double fraction = rank - std::floor(rank);
  if (fraction == 0) return *low;
  return *low + fraction * (*std::min_element(low + 1, values.end()) - *low);
}

}  // namespace ingot::tools
