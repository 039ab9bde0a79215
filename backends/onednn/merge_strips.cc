// Chains of steps over images that are worth running strip by strip (strips.h).
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "backends/onednn/cache_sizes.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/strips.h"

namespace ingot::onednn {
namespace {

// Of a core's own cache: what a strip's images between the steps, and all weights, may take, and
// above which a thread's share of an image is gone when the next step asks for it.
constexpr int64_t kStripShare = 2, kWeightShare = 4, kImageShare = 2;

int64_t ImageBytes(const LineStep& step) {
  return step.images * step.out_lines * static_cast<int64_t>(step.out_line_bytes);
}

// Images of one line can't be cut.
bool Fit(const LineStep& from, const LineStep& to) {
  return from.out_lines > 1 && from.images == to.images && from.out_lines == to.in_lines &&
         from.out_line_bytes == to.in_line_bytes;
}

DraftStep Merged(absl::Span<DraftStep> steps, Operand scratch, const StripChain& chain) {
  DraftStep merged;
  std::vector<std::string> names;
  StepInfo& info = merged.step.info;
  info.node = steps.back().step.info.node;
  info.op = steps.back().step.info.op;
  info.layout_in = steps.front().step.info.layout_in;
  info.layout = steps.back().step.info.layout;
  for (size_t k = 0; k < steps.size(); ++k) {
    DraftStep& step = steps[k];
    names.emplace_back(absl::StripPrefix(step.step.info.implementation, "ingot:"));
    if (k + 1 < steps.size()) info.fused.push_back(step.step.info.node);
    info.fused.insert(info.fused.end(), step.step.info.fused.begin(), step.step.info.fused.end());
    // The images between the steps are nowhere but in the scratch memory.
    if (k > 0) step.operands[step.lines->in] = scratch;
    if (k + 1 < steps.size()) step.operands[step.lines->out] = scratch;
    merged.operands.insert(merged.operands.end(), step.operands.begin(), step.operands.end());
  }
  std::sort(info.fused.begin(), info.fused.end());
  info.implementation = absl::StrCat("ingot:strips(", absl::StrJoin(names, ","), ")");
  merged.step.threads = steps.back().step.threads;
  const int at = static_cast<int>(merged.operands.size());
  merged.operands.push_back(scratch);
  merged.step.run = [chain, at](const StepArgs& args) {
    chain.Run(args, at);
    return absl::OkStatus();
  };
  return merged;
}

std::vector<StripChain::Link> LinksOf(absl::Span<const DraftStep> steps) {
  std::vector<StripChain::Link> links;
  int operands = 0;
  for (const DraftStep& step : steps) {
    links.push_back({*step.lines, operands});
    operands += static_cast<int>(step.operands.size());
  }
  return links;
}

bool FitsCache(absl::Span<const DraftStep> steps, int64_t own) {
  int64_t weights = 0;
  for (const DraftStep& step : steps) weights += static_cast<int64_t>(step.lines->weight_bytes);
  return weights <= own / kWeightShare &&
         static_cast<int64_t>(StripChain(LinksOf(steps), 0).scratch_bytes()) <= own / kStripShare;
}

// Where the chains of a run of steps that link end: those whose images between the steps are
// largest together, among chains that fit the cache.
std::vector<size_t> CutIntoChains(absl::Span<const DraftStep> steps, int64_t own) {
  const size_t n = steps.size();
  std::vector<int64_t> saved(n + 1, -1);  // bytes, by the first steps that are in chains
  std::vector<size_t> begin_of(n + 1, 0);
  saved[0] = 0;
  for (size_t end = 1; end <= n; ++end) {
    int64_t between = 0;
    for (size_t begin = end; begin-- > 0;) {
      if (begin + 1 < end) {
        between += ImageBytes(*steps[begin].lines);
        if (!FitsCache(steps.subspan(begin, end - begin), own)) break;
      }
      if (saved[begin] + between > saved[end]) {
        saved[end] = saved[begin] + between;
        begin_of[end] = begin;
      }
    }
  }
  std::vector<size_t> ends;
  for (size_t end = n; end > 0; end = begin_of[end]) ends.push_back(end);
  std::reverse(ends.begin(), ends.end());
  return ends;
}

}  // namespace

// Whether the result of steps_[i] is what steps_[i + 1] reads, by lines, and nobody else.
bool Lowering::IsStripLink(size_t i, absl::Span<const int> uses) const {
  const DraftStep &from = steps_[i], &to = steps_[i + 1];
  if (from.lines == nullptr || to.lines == nullptr || !Fit(*from.lines, *to.lines)) return false;
  const Operand& out = from.operands[from.lines->out];
  const Operand& in = to.operands[to.lines->in];
  return out.buffer == in.buffer && out.offset == 0 && in.offset == 0 && uses[out.buffer] == 2 &&
         buffers_[out.buffer].kind == Buffer::Kind::kWorkspace;
}

void Lowering::MergeStrips() {
  const int64_t own = options_.own_cache_bytes > 0 ? options_.own_cache_bytes : OwnCacheBytes();
  const std::vector<int> uses = CountUses();
  std::vector<DraftStep> merged;
  for (size_t begin = 0, end = 0; begin < steps_.size(); begin = end) {
    end = begin + 1;
    while (end < steps_.size() && IsStripLink(end - 1, uses) &&
           ImageBytes(*steps_[end - 1].lines) / options_.threads > own / kImageShare) {
      ++end;
    }
    size_t first = begin;
    const absl::Span<DraftStep> run = absl::MakeSpan(steps_).subspan(begin, end - begin);
    for (const size_t count : CutIntoChains(run, own)) {
      const size_t next = begin + count;
      const absl::Span<DraftStep> part = absl::MakeSpan(steps_).subspan(first, next - first);
      first = next;
      if (part.size() == 1) {
        merged.push_back(std::move(part[0]));
        continue;
      }
      const StripChain chain(LinksOf(part), own / kStripShare);
      const Operand scratch =
          NewScratch(chain.scratch_bytes() * static_cast<size_t>(options_.threads));
      merged.push_back(Merged(part, scratch, chain));
    }
  }
  steps_ = std::move(merged);
}

}  // namespace ingot::onednn
