// Which ops of a pointwise program are done two in one loop. Private to this folder.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_PAIRS_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_PAIRS_H_

#include <vector>

#include "backends/onednn/kernels/pointwise_plan.h"

namespace ingot::kernels::internal {

// What becomes of a value. Neither the outer nor the inner value of one pair is part of another.
struct PointwisePair {
  // The outer value of a pair: computed by `kernel` from the values a, b and c; c may be -1.
  PwKernel kernel = nullptr;
  int a = -1, b = -1, c = -1;
  // The inner value of a pair: never computed by itself.
  bool is_inner = false;
};

// By value. An op that only one other reads is done in that one's loop where there is such a loop:
// what lies between them is neither stored nor loaded. `live` and `uniform` are by value, too.
std::vector<PointwisePair> ChoosePointwisePairs(const PointwiseProgram& program,
                                                const std::vector<bool>& live,
                                                const std::vector<bool>& uniform);

}  // namespace ingot::kernels::internal

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_PAIRS_H_
