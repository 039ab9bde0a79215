// The end of lowering: outputs bound, memory planned, operands turned into addresses.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/copy.h"
#include "backends/onednn/lowering.h"
#include "core/base/memory_plan.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

constexpr uint32_t kNever = 0xffffffffu;
// Constants of the host up to this size are copied: smaller than the memory that pinning them may
// hold (a mapped file's pages, a tensor that others share).
constexpr size_t kLargeConstant = size_t{64} << 10;

// Which buffers share one place: in-place steps merge theirs.
class Places {
 public:
  explicit Places(size_t count) : parent_(count), first_(count, kNever), last_(count, 0) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  uint32_t Of(BufferId id) const {
    while (parent_[id] != id) id = parent_[id];
    return id;
  }
  void Use(BufferId id, uint32_t step) {
    first_[id] = std::min(first_[id], step);
    last_[id] = std::max(last_[id], step);
  }
  void Merge(BufferId from, BufferId into) {
    first_[into] = std::min(first_[into], first_[from]);
    last_[into] = std::max(last_[into], last_[from]);
    parent_[from] = into;
  }
  uint32_t first(uint32_t place) const { return first_[place]; }
  uint32_t last(uint32_t place) const { return last_[place]; }

 private:
  std::vector<uint32_t> parent_, first_, last_;
};

// Whether the step reads the place by another operand than `taken`: a view of the same value, say,
// of which it may want elements that it has overwritten.
bool ReadsElsewhere(const DraftStep& step, int taken, uint32_t place, const Places& places) {
  for (int k = 0; k < static_cast<int>(step.operands.size()); ++k) {
    const Operand& operand = step.operands[k];
    if (k != taken && !operand.write && places.Of(operand.buffer) == place) return true;
  }
  return false;
}

// Lets the written operand of in-place steps take over the memory of the read one where that is
// workspace which nothing uses later, nor the step itself by another operand.
void MergeInPlace(absl::Span<const DraftStep> steps, absl::Span<const Buffer> buffers,
                  Places& places) {
  for (uint32_t i = 0; i < steps.size(); ++i) {
    const DraftStep& step = steps[i];
    if (step.in_place_read < 0) continue;
    const BufferId read = step.operands[step.in_place_read].buffer;
    const BufferId write = step.operands[step.in_place_write].buffer;
    const uint32_t place = places.Of(read);
    if (buffers[read].kind == Buffer::Kind::kWorkspace &&
        buffers[write].kind == Buffer::Kind::kWorkspace && places.last(place) == i &&
        buffers[place].bytes >= buffers[write].bytes &&
        step.operands[step.in_place_read].offset == 0 &&
        !ReadsElsewhere(step, step.in_place_read, place, places)) {
      places.Merge(write, place);
    }
  }
}

}  // namespace

absl::Status Lowering::BindOutput(uint32_t index, const Tensor& tensor) {
  if (tensor.NumElements() == 0) return absl::OkStatus();
  INGOT_ASSIGN_OR_RETURN(const Tensor dense, Dense(tensor));
  Buffer& buffer = buffers_[dense.buffer];
  if (buffer.kind == Buffer::Kind::kWorkspace && dense.offset == 0 &&
      buffer.bytes == static_cast<size_t>(dense.NumBytes())) {
    buffer.kind = Buffer::Kind::kOutput;
    buffer.index = index;
    return absl::OkStatus();
  }
  const Tensor out = NewTensor(dense.dtype, dense.dims);
  buffers_[out.buffer].kind = Buffer::Kind::kOutput;
  buffers_[out.buffer].index = index;
  const size_t bytes = dense.NumBytes();
  return AddKernel("ingot:copy", {Read(dense), Write(out)}, [bytes](const StepArgs& args) {
    std::memcpy(args.At<void>(1), args.At<void>(0), bytes);
    return absl::OkStatus();
  });
}

absl::Status Lowering::SettleHostConstants() {
  for (Buffer& buffer : buffers_) {
    const bool stays = buffer.in_program && buffer.bytes > kLargeConstant;
    if (buffer.host_constant < 0 || stays) continue;
    if (buffer.in_program) {
      INGOT_RETURN_IF_ERROR(TakeFromHost(buffer));
      continue;
    }
    context_.DropConstant(buffer.host_constant);
    buffer.host_constant = -1;
  }
  return absl::OkStatus();
}

std::vector<int> Lowering::CountUses() const {
  std::vector<int> uses(buffers_.size(), 0);
  for (const DraftStep& step : steps_) {
    for (const Operand& operand : step.operands) ++uses[operand.buffer];
  }
  return uses;
}

absl::StatusOr<std::unique_ptr<Program>> Lowering::Finish() && {
  for (uint32_t i = 0; i < graph_.outputs().size(); ++i) {
    const ir::OutputSpec& output = graph_.outputs()[i];
    current_ = StepInfo();
    current_.op = "output";
    INGOT_RETURN_IF_ERROR(BindOutput(i, Get(output.value)), absl::StrCat("output ", i));
  }
  INGOT_RETURN_IF_ERROR(SettleHostConstants());
  if (options_.strips) MergeStrips();
  if (options_.bf16 && options_.roundings) MergeRoundings();
  Places places(buffers_.size());
  for (uint32_t i = 0; i < steps_.size(); ++i) {
    for (const Operand& operand : steps_[i].operands) places.Use(operand.buffer, i);
  }
  MergeInPlace(steps_, buffers_, places);

  std::vector<BufferLifetime> lifetimes;
  std::vector<uint32_t> slot(buffers_.size(), 0);
  for (BufferId id = 0; id < buffers_.size(); ++id) {
    if (buffers_[id].kind != Buffer::Kind::kWorkspace || places.Of(id) != id ||
        places.first(id) == kNever) {
      continue;
    }
    slot[id] = static_cast<uint32_t>(lifetimes.size());
    lifetimes.push_back({buffers_[id].bytes, places.first(id), places.last(id)});
  }
  const MemoryPlan plan = PlanMemory(lifetimes);

  Program::Parts parts;
  parts.num_inputs = num_inputs_;
  parts.num_outputs = graph_.outputs().size();
  parts.workspace_bytes = plan.arena_bytes;
  parts.workspace_lower_bound = plan.lower_bound;
  std::vector<std::string> slow;
  for (DraftStep& draft : steps_) {
    for (const Operand& operand : draft.operands) {
      Buffer& buffer = buffers_[operand.buffer];
      Ref ref{kWorkspaceBase, operand.offset};
      switch (buffer.kind) {
        case Buffer::Kind::kWorkspace:
          ref.offset += static_cast<int64_t>(plan.offsets[slot[places.Of(operand.buffer)]]);
          break;
        case Buffer::Kind::kInput:
          ref.base = kFirstInputBase + buffer.index;
          break;
        case Buffer::Kind::kOutput:
          ref.base = kFirstInputBase + static_cast<uint32_t>(num_inputs_) + buffer.index;
          break;
        case Buffer::Kind::kConstant:
          ref.base = kAbsoluteBase;
          ref.offset += static_cast<int64_t>(reinterpret_cast<intptr_t>(buffer.data));
          break;
      }
      draft.step.refs.push_back(ref);
    }
    if (absl::StrContains(draft.step.info.implementation, "ref")) {
      slow.push_back(absl::StrCat(draft.step.info.op, " (node ", draft.step.info.node, ", ",
                                  draft.step.info.implementation, ")"));
    }
    parts.steps.push_back(std::move(draft.step));
  }
  if (!slow.empty()) {
    sdk::Log(sdk::Severity::kWarning,
             absl::StrCat("oneDNN runs ", slow.size(), " steps by its slow reference code: ",
                          slow.front(), slow.size() > 1 ? ", …" : ""));
  }
  for (Buffer& buffer : buffers_) {
    if (buffer.in_program && buffer.memory.size() > 0) {
      parts.constants.push_back(std::move(buffer.memory));
    }
  }
  return std::make_unique<Program>(std::move(parts));
}

}  // namespace ingot::onednn
