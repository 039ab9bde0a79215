// How much of a graph's memory is its constants'. Thread-safe (no state).
#ifndef INGOT_BACKENDS_ONEDNN_WEIGHT_BYTES_H_
#define INGOT_BACKENDS_ONEDNN_WEIGHT_BYTES_H_

#include <cstdint>

#include "core/ir/graph.h"

namespace ingot::onednn {

inline int64_t WeightBytes(const ir::Graph& graph) {
  int64_t total = 0;
  for (const ir::InputSpec& input : graph.inputs()) {
    if (input.role == ir::InputRole::kConstant) total += graph.type(input.value).NumBytes();
  }
  return total;
}

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_WEIGHT_BYTES_H_
