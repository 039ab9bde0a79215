// Steps over images, one after the other, as one step that goes over the images in strips of a few
// lines.
//
//   expand (1x1), depthwise (3x3), project (1x1):
//     lines 0 to 3 of the expanded image → lines 0 and 1 of the filtered one → of the result
//     lines 2 to 5                       → lines 2 and 3                     → …
//
// Step by step, each whole image is written to the shared cache or beyond and read back from there.
// A strip's lines stay in the core's own cache, and the images between the steps take no memory
// but for that. Lines that two strips need are kept from one to the next; only where one thread's
// strips end and another's begin they are made twice. Results are bit for bit those of the steps,
// whose sums don't depend on which lines are made together.
#ifndef INGOT_BACKENDS_ONEDNN_STRIPS_H_
#define INGOT_BACKENDS_ONEDNN_STRIPS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "backends/onednn/program.h"

namespace ingot::onednn {

// A step that can make some lines of its result by themselves. Sizes are those of one image; lines
// are dense, f32, one behind the other.
struct LineStep {
  int64_t images = 1;
  int64_t in_lines = 0, out_lines = 0;
  // Line i of the result is made of lines [i * stride - padding, i * stride - padding + extent), as
  // far as there are such.
  int64_t extent = 1, stride = 1, padding = 0;
  size_t in_line_bytes = 0, out_line_bytes = 0;
  size_t weight_bytes = 0;  // that are read again for each strip
  int in = 0, out = 2;      // positions among the step's operands

  struct Call {
    int64_t image = 0;
    int64_t begin = 0, end = 0;        // lines of the result
    const float* x = nullptr;          // line `in_begin`
    int64_t in_begin = 0, in_end = 0;  // holds all lines needed
    float* y = nullptr;                // line `begin`
    int thread = 0;
  };
  // On the calling thread; threads below the step's number may run at the same time. Touches `x`
  // and `y` in place of the operands `in` and `out`.
  std::function<void(const StepArgs&, const Call&)> run;
};

// Lines [begin, end) that `step` reads for lines [begin, end) of its result.
struct LineRange {
  int64_t begin = 0, end = 0;
  bool operator==(const LineRange&) const = default;
};
LineRange LinesFor(const LineStep& step, const LineRange& result);

// Immutable, thread-safe.
class StripChain {
 public:
  struct Link {
    LineStep step;
    int first_operand = 0;  // of the step's operands among the chain's
  };

  // Strips are as high as the images between the steps fit `budget` bytes a thread, and one line of
  // the result at least. REQUIRES: two links or more; each reads what the one before it makes.
  StripChain(std::vector<Link> links, int64_t budget);

  // Of one thread, for the images between the steps.
  size_t scratch_bytes() const { return scratch_bytes_; }
  int64_t height() const { return height_; }  // lines of the result in a strip

  // `scratch`: the position of args.threads() times scratch_bytes() among the operands.
  void Run(const StepArgs& args, int scratch) const;

 private:
  // The bytes that a strip of `height` lines of the result has between the steps.
  size_t BytesFor(int64_t height, std::vector<size_t>* offsets) const;
  void RunLines(const StepArgs& args, char* scratch, int64_t first, int64_t last, int thread) const;

  std::vector<Link> links_;
  int64_t height_ = 1;
  std::vector<size_t> offsets_;  // of the lines that each link but the last makes
  size_t scratch_bytes_ = 0;
};

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_STRIPS_H_
