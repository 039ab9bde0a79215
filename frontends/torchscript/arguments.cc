#include "frontends/torchscript/arguments.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/set.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/torchscript/layout.h"
#include "frontends/torchscript/values.h"

namespace ingot::torchscript {
namespace {

// The bytes that a tensor's elements lie in.
struct Range {
  uintptr_t begin = 0;
  uintptr_t end = 0;
};

Range RangeOf(const at::Tensor& tensor) {
  Layout layout = LayoutOf(tensor);
  layout.offset = 0;
  const auto base = reinterpret_cast<uintptr_t>(tensor.const_data_ptr());
  return {base, base + static_cast<uintptr_t>(layout.Extent().second) * tensor.element_size()};
}

absl::Status Check(const at::Tensor& tensor, size_t slot) {
  const auto bad = [slot](const auto&... why) {
    return absl::InvalidArgumentError(absl::StrCat("argument ", slot, " ", why...));
  };
  if (!HasLayout(tensor))
    return bad("is not a dense CPU tensor: convert it with .to_dense().cpu()");
  if (!ToDType(tensor.scalar_type()))
    return bad("has the unsupported dtype ", c10::toString(tensor.scalar_type()));
  if (tensor.is_conj() || tensor.is_neg())
    return bad("is a conjugated or negated view: call .resolve_conj().resolve_neg()");
  return absl::OkStatus();
}

// Copies the tensors at `slots`, whose memory overlaps, into one new storage.
absl::Status CloneGroup(const std::vector<at::Tensor>& tensors, const std::vector<size_t>& slots,
                        Range range, std::vector<at::Tensor>& clones) {
  at::Tensor bytes = at::empty({static_cast<int64_t>(range.end - range.begin)},
                               at::TensorOptions().dtype(at::kByte));
  if (range.end > range.begin) {
    std::memcpy(bytes.mutable_data_ptr(), reinterpret_cast<const void*>(range.begin),
                range.end - range.begin);
  }
  for (size_t slot : slots) {
    const at::Tensor& tensor = tensors[slot];
    for (size_t earlier : slots) {
      if (earlier < slot && tensors[earlier].is_same(tensor)) clones[slot] = clones[earlier];
    }
    if (clones[slot].defined()) continue;
    const uintptr_t offset = tensor.numel() == 0 ? 0 : RangeOf(tensor).begin - range.begin;
    if (offset % tensor.element_size() != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("argument ", slot, " overlaps another argument of another dtype"));
    }
    clones[slot] = at::empty({0}, at::TensorOptions().dtype(tensor.dtype()));
    clones[slot].set_(bytes.storage(), static_cast<int64_t>(offset / tensor.element_size()),
                      tensor.sizes(), tensor.strides());
  }
  return absl::OkStatus();
}

// Groups of slots whose memory overlaps, with the memory of each group.
using OverlapGroup = std::pair<Range, std::vector<size_t>>;
std::vector<OverlapGroup> OverlapGroups(const std::vector<at::Tensor>& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<Range> ranges;
  for (const at::Tensor& tensor : tensors) ranges.push_back(RangeOf(tensor));
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return ranges[a].begin < ranges[b].begin; });
  std::vector<OverlapGroup> groups;
  for (size_t slot : order) {
    const Range range = ranges[slot];
    if (range.begin == range.end) continue;  // overlaps nothing
    if (groups.empty() || range.begin >= groups.back().first.end) groups.push_back({range, {}});
    groups.back().first.end = std::max(groups.back().first.end, range.end);
    groups.back().second.push_back(slot);
  }
  for (size_t slot = 0; slot < tensors.size(); ++slot) {
    if (ranges[slot].begin == ranges[slot].end) groups.push_back({ranges[slot], {slot}});
  }
  for (auto& group : groups) std::sort(group.second.begin(), group.second.end());
  return groups;
}

absl::StatusOr<std::vector<OverlapGroup>> Describe(const std::vector<c10::IValue>& args,
                                                   DescribedArguments& result) {
  ir::Structure& structure = result.signature.arguments_structure;
  structure.kind = ir::Structure::Kind::kTuple;
  for (size_t i = 0; i < args.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(ir::Structure child,
                           ToStructure(args[i], Slots::kByLeaf, result.tensors),
                           absl::StrCat("argument ", i));
    structure.children.push_back(std::move(child));
  }
  for (size_t slot = 0; slot < result.tensors.size(); ++slot) {
    INGOT_RETURN_IF_ERROR(Check(result.tensors[slot], slot));
    const Layout layout = LayoutOf(result.tensors[slot]);
    result.signature.arguments.push_back(
        {*TypeOf(layout), layout.IsRowMajor() ? ir::Dims() : layout.strides});
  }
  std::vector<OverlapGroup> groups = OverlapGroups(result.tensors);
  result.signature.aliases.resize(result.tensors.size());
  for (const auto& [range, slots] : groups) {
    const auto* const first =
        static_cast<const char*>(result.tensors[slots.front()].const_data_ptr());
    for (size_t slot : slots) {
      result.signature.aliases[slot] = {
          static_cast<uint32_t>(slots.front()),
          static_cast<const char*>(result.tensors[slot].const_data_ptr()) - first};
    }
  }
  return groups;
}

}  // namespace

absl::StatusOr<DescribedArguments> DescribeArguments(const std::vector<c10::IValue>& args) {
  DescribedArguments result;
  INGOT_RETURN_IF_ERROR(Describe(args, result).status());
  return result;
}

absl::StatusOr<ClonedArguments> CloneArguments(const std::vector<c10::IValue>& args) {
  const at::NoGradGuard no_grad;
  DescribedArguments originals;
  INGOT_ASSIGN_OR_RETURN(const std::vector<OverlapGroup> groups, Describe(args, originals));
  ClonedArguments result;
  result.tensors.resize(originals.tensors.size());
  for (const auto& [range, slots] : groups)
    INGOT_RETURN_IF_ERROR(CloneGroup(originals.tensors, slots, range, result.tensors));
  result.signature = std::move(originals.signature);
  size_t next = 0;
  for (const c10::IValue& arg : args) {
    result.values.push_back(
        MapTensors(arg, [&](const at::Tensor&) { return result.tensors[next++]; }));
  }
  return result;
}

}  // namespace ingot::torchscript
