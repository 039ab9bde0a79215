#include "backends/onednn/support.h"

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/packed_gemm.h"
#include "backends/onednn/lowering.h"
#include "core/base/status_macros.h"
#include "core/ops/op_view.h"
#include "core/ops/registry.h"

namespace ingot::onednn {
namespace {

const std::vector<const OpLowering*>& Table() {
  static const auto* const table = [] {
    auto* all = new std::vector<const OpLowering*>;
    for (auto family : {&MatmulLowerings, &ConvLowerings, &PoolLowerings, &NormLowerings,
                        &AttentionLowerings, &RnnLowerings, &ReduceLowerings, &IndexLowerings,
                        &ScanLowerings, &LossLowerings, &ScatterLowerings, &SearchLowerings,
                        &AlgebraLowerings, &SortLowerings, &ResampleLowerings, &ShapeLowerings,
                        &MoveLowerings, &RandomLowerings, &PointwiseLowerings}) {
      for (const OpLowering& entry : family()) all->push_back(&entry);
    }
    std::sort(all->begin(), all->end(), [](const OpLowering* a, const OpLowering* b) {
      return absl::string_view(a->op) < absl::string_view(b->op);
    });
    return all;
  }();
  return *table;
}

// Nodes without a result of any size need no step: their values only have to exist.
bool GivesNothing(const ir::Graph& graph, const ir::Node& node) {
  return std::all_of(node.outputs.begin(), node.outputs.end(), [&](ir::ValueId value) {
    return value == ir::kNoValue || graph.type(value).NumElements() == 0;
  });
}

enum class Lowered { kDone, kBetterInParts };

absl::Status LowerUnit(Lowering& lowering, const Unit& unit) {
  const ir::Graph& graph = lowering.graph();
  if (GivesNothing(graph, graph.node(unit.nodes.back()))) {
    for (ir::ValueId value : graph.node(unit.nodes.back()).outputs) {
      if (value != ir::kNoValue) lowering.Set(value, lowering.NewTensor(graph.type(value)));
    }
    return absl::OkStatus();
  }
  const OpLowering* entry = FindLowering(graph.node(unit.anchor).op);
  if (entry == nullptr) {
    return absl::InvalidArgumentError("a node that was not claimed");
  }
  return entry->lower(lowering, unit);
}

}  // namespace

const OpLowering* FindLowering(absl::string_view op) {
  static const auto* const index = [] {
    auto* map = new absl::flat_hash_map<absl::string_view, const OpLowering*>;
    for (const OpLowering* entry : Table()) map->emplace(entry->op, entry);
    return map;
  }();
  const auto it = index->find(op);
  return it == index->end() ? nullptr : it->second;
}

absl::Span<const OpLowering* const> AllLowerings() { return Table(); }

absl::Status Supports(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  const OpLowering* entry = FindLowering(node.op);
  const bool known = ops::FindOp(node.op) != nullptr;
  if (known && GivesNothing(graph, node)) return absl::OkStatus();
  if (entry == nullptr || !known) {
    return absl::UnimplementedError("no oneDNN primitive or kernel for this op");
  }
  return entry->supports(graph, ops::OpView(graph, node));
}

absl::StatusOr<std::unique_ptr<Program>> Compile(const ir::Graph& graph,
                                                 absl::Span<const sdk::ConstantView> constants,
                                                 const sdk::CompileContext& context,
                                                 const CompileOptions& options) {
  Lowering lowering(graph, constants, context,
                    {options.threads, options.bf16 && kernels::PackedGemm::HasBf16(),
                     options.fusion.strips, options.fusion.roundings, options.own_cache_bytes});
  const auto lower = [&](const Unit& unit) -> absl::StatusOr<Lowered> {
    INGOT_RETURN_IF_ERROR(context.cancel().Check());
    lowering.BeginUnit(unit);
    INGOT_RETURN_IF_ERROR(LowerUnit(lowering, unit), ir::Describe(graph, unit.anchor));
    if (lowering.gave_up()) {
      lowering.AbandonUnit();
      return Lowered::kBetterInParts;
    }
    lowering.EndUnit();
    return Lowered::kDone;
  };
  for (const Unit& unit : PlanFusion(graph, options.fusion)) {
    INGOT_ASSIGN_OR_RETURN(const Lowered lowered, lower(unit));
    if (lowered == Lowered::kDone) continue;
    for (const Unit& part : InParts(unit)) {
      INGOT_ASSIGN_OR_RETURN(const Lowered lowered_part, lower(part));
      if (lowered_part != Lowered::kDone) {
        return absl::InternalError(
            absl::StrCat(ir::Describe(graph, part.anchor), ": a part of a unit has parts"));
      }
    }
  }
  return std::move(lowering).Finish();
}

}  // namespace ingot::onednn
