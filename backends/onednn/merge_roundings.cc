// Steps that store their results in bf16 for those who read them so (rounding.h).
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/rounding.h"

namespace ingot::onednn {
namespace {

// Whether the step can store so many elements in bf16 that it now stores in `what`.
bool CanRound(const DraftStep& step, const Operand& what, int64_t elements) {
  if (step.rounding == nullptr || step.rounding->elements != elements) return false;
  const Operand& out = step.operands[step.rounding->out];
  return out.buffer == what.buffer && out.offset == what.offset;
}

}  // namespace

void Lowering::StoreRounded(DraftStep& step, const Operand& rounded) {
  const RoundingStep& rounding = *step.rounding;
  step.operands[rounding.out] = rounded;
  // What is half as wide runs ahead of what is still to be read.
  step.in_place_read = step.in_place_write = -1;
  if (rounding.scratch >= 0) {
    size_t& bytes = buffers_[step.operands[rounding.scratch].buffer].bytes;
    bytes = std::max(bytes, rounding.scratch_bytes);
  }
  absl::StrAppend(&step.step.info.implementation, ">bf16");
  step.step.run = rounding.run;
  step.rounding = nullptr;
}

void Lowering::MergeRoundings() {
  const std::vector<int> uses = CountUses();
  std::vector<DraftStep> merged;
  std::vector<int> writer(buffers_.size(), -1);  // by buffer: the last one so far, among merged
  for (DraftStep& step : steps_) {
    if (step.rounded_elements > 0) {
      const Operand& from = step.operands[0];
      const int maker = writer[from.buffer];
      const bool one_reader =
          uses[from.buffer] == 2 && buffers_[from.buffer].kind == Buffer::Kind::kWorkspace;
      if (maker >= 0 && one_reader && CanRound(merged[maker], from, step.rounded_elements)) {
        StoreRounded(merged[maker], step.operands[1]);
        continue;
      }
    }
    for (const Operand& operand : step.operands) {
      if (operand.write) writer[operand.buffer] = static_cast<int>(merged.size());
    }
    merged.push_back(std::move(step));
  }
  steps_ = std::move(merged);
}

}  // namespace ingot::onednn
