// Negative log likelihood of the classes that a tensor names.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_NLL_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_NLL_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/ir/dtype.h"

namespace ingot::kernels {

struct NllArgs {
  enum class Reduction : uint8_t { kNone = 0, kMean = 1, kSum = 2 };
  ir::DType dtype = ir::DType::kFloat32;  // floating
  Reduction reduction = Reduction::kMean;
  int64_t batch = 1, classes = 0, inner = 1;
  int64_t ignore_index = -100;
  bool target_is_u8 = false;     // else i64
  const void* x = nullptr;       // dense [batch, classes, inner]
  const void* target = nullptr;  // dense [batch, inner]
  const void* weight = nullptr;  // [classes]; null: ones
  void* output = nullptr;        // [batch, inner], or one element
  void* total_weight = nullptr;  // one element: 0 for kNone; may be null
};

// The mean of nothing is NaN. OutOfRange: a target that is no class. Reentrant; allocates nothing.
absl::Status NegativeLogLikelihood(const NllArgs& args);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_NLL_H_
