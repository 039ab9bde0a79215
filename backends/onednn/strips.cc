#include "backends/onednn/strips.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "backends/onednn/kernels/parallel.h"

namespace ingot::onednn {
namespace {

constexpr size_t kAlignment = 64;

size_t Aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

LineRange LinesFor(const LineStep& step, const LineRange& result) {
  const int64_t begin = result.begin * step.stride - step.padding;
  const int64_t end = (result.end - 1) * step.stride - step.padding + step.extent;
  LineRange lines = {std::clamp<int64_t>(begin, 0, step.in_lines),
                     std::clamp<int64_t>(end, 0, step.in_lines)};
  lines.end = std::max(lines.begin, lines.end);
  return lines;
}

StripChain::StripChain(std::vector<Link> links, int64_t budget) : links_(std::move(links)) {
  const int64_t most = links_.back().step.out_lines;
  while (height_ < most && BytesFor(height_ + 1, nullptr) <= static_cast<size_t>(budget)) {
    ++height_;
  }
  scratch_bytes_ = BytesFor(height_, &offsets_);
}

size_t StripChain::BytesFor(int64_t height, std::vector<size_t>* offsets) const {
  std::vector<size_t> bytes(links_.size() - 1);
  int64_t lines = height;
  for (size_t k = links_.size() - 1; k > 0; --k) {
    const LineStep& step = links_[k].step;
    lines = std::min((lines - 1) * step.stride + step.extent, step.in_lines);
    bytes[k - 1] = Aligned(static_cast<size_t>(lines) * step.in_line_bytes);
  }
  size_t total = 0;
  for (const size_t size : bytes) {
    if (offsets != nullptr) offsets->push_back(total);
    total += size;
  }
  return total;
}

void StripChain::Run(const StepArgs& args, int scratch) const {
  const LineStep& last = links_.back().step;
  kernels::ParallelFor(args.threads(), last.images * last.out_lines, /*grain=*/1,
                       [&](int64_t begin, int64_t end, int thread) {
                         RunLines(args, args.At<char>(scratch) + thread * scratch_bytes_, begin,
                                  end, thread);
                       });
}

// Lines [first, last) of all images' results, counted through.
void StripChain::RunLines(const StepArgs& args, char* scratch, int64_t first, int64_t last,
                          int thread) const {
  const size_t n = links_.size();
  const int64_t out_lines = links_.back().step.out_lines;
  absl::InlinedVector<LineRange, 8> ranges(n);
  absl::InlinedVector<LineRange, 8> held(n - 1);  // lines that lie at the links' offsets
  for (int64_t line = first; line < last;) {
    LineStep::Call call;
    call.thread = thread;
    call.image = line / out_lines;
    const int64_t begin = line - call.image * out_lines;
    ranges[n - 1] = {begin, std::min({begin + height_, out_lines, begin + last - line})};
    for (size_t k = n - 1; k > 0; --k) ranges[k - 1] = LinesFor(links_[k].step, ranges[k]);
    if (begin == 0) std::fill(held.begin(), held.end(), LineRange());
    for (size_t k = 0; k < n; ++k) {
      const LineStep& step = links_[k].step;
      const StepArgs own = args.From(links_[k].first_operand);
      const LineRange& range = ranges[k];
      call.begin = range.begin;
      call.end = range.end;
      if (k == 0) {
        call.x = own.At<float>(step.in) +
                 call.image * step.in_lines * static_cast<int64_t>(step.in_line_bytes / 4);
        call.in_begin = 0;
        call.in_end = step.in_lines;
      } else {
        call.x = reinterpret_cast<const float*>(scratch + offsets_[k - 1]);
        call.in_begin = ranges[k - 1].begin;
        call.in_end = ranges[k - 1].end;
      }
      if (k + 1 < n) {
        char* const lines = scratch + offsets_[k];
        const int64_t kept = std::max<int64_t>(std::min(held[k].end, range.end) - range.begin, 0);
        if (kept > 0 && held[k].begin < range.begin) {
          std::memmove(lines, lines + (range.begin - held[k].begin) * step.out_line_bytes,
                       kept * step.out_line_bytes);
        }
        held[k] = range;
        call.begin += kept;
        call.y = reinterpret_cast<float*>(lines + kept * step.out_line_bytes);
      } else {
        call.y = own.At<float>(step.out) +
                 (call.image * out_lines + begin) * static_cast<int64_t>(step.out_line_bytes / 4);
      }
      if (call.begin < call.end) step.run(own, call);
    }
    line += ranges[n - 1].end - begin;
  }
}

}  // namespace ingot::onednn
