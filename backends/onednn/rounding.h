// Results that nobody reads but products of bf16 factors.
//
//   product → f32 image → round → bf16 image → product      becomes
//   product → bf16 image → product
//
// Such products ask for their left factor in bf16 (Lowering::InLayout), which is a step of its own.
// Where what makes the factor can store it rounded, that step goes, and the f32 image with it. As
// with strips (strips.h) it is done on steps, since only they know how their results lie and who
// reads them. Results keep their bits.
#ifndef INGOT_BACKENDS_ONEDNN_ROUNDING_H_
#define INGOT_BACKENDS_ONEDNN_ROUNDING_H_

#include <cstddef>
#include <cstdint>

#include "backends/onednn/program.h"

namespace ingot::onednn {

// A step that can store its result, dense f32 elements, in bf16 instead.
struct RoundingStep {
  int64_t elements = 0;
  int out = 2;  // position of the result among the step's operands
  // What the operand `scratch` takes then; -1: no operand takes more.
  int scratch = -1;
  size_t scratch_bytes = 0;
  StepFn run;  // the step; operand `out` is bf16
};

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_ROUNDING_H_
