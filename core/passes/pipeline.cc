#include "core/passes/pipeline.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/verifier.h"
#include "core/passes/canonicalize.h"
#include "core/passes/constant_folding.h"
#include "core/passes/cse.h"
#include "core/passes/dce.h"
#include "core/passes/decompose.h"
#include "core/passes/lift_scalars.h"
#include "core/passes/patterns.h"

namespace ingot::passes {
namespace {

// Chains shrink by a pass each round; models take three or four.
constexpr int kMaxRounds = 10;

absl::Status CheckCount(const ir::Recording& recording, ir::InputRole role, absl::string_view what,
                        size_t has) {
  const size_t needs =
      std::count_if(recording.graph.inputs().begin(), recording.graph.inputs().end(),
                    [role](const ir::InputSpec& input) { return input.role == role; });
  if (has == needs) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the graph has ", needs, " ", what, " inputs, the recording ", has));
}

}  // namespace

std::vector<Pass> StandardPasses() {
  return {
      {"decompose", Decompose},
      {"canonicalize", Canonicalize},
      {"constant_folding", FoldConstants},
      {"cse", EliminateCommonSubexpressions},
      {"dce", EliminateDeadCode},
      {"activations", MatchActivations},
      {"attention", MatchAttention},
  };
}

absl::Status RunStandardPasses(ir::Recording& recording) {
  INGOT_RETURN_IF_ERROR(ir::Verify(recording.graph));
  INGOT_RETURN_IF_ERROR(
      CheckCount(recording, ir::InputRole::kConstant, "constant", recording.constants.size()));
  INGOT_RETURN_IF_ERROR(
      CheckCount(recording, ir::InputRole::kScalar, "scalar", recording.scalars.size()));
  PassManager standard(StandardPasses());
  INGOT_RETURN_IF_ERROR(standard.RunToFixedPoint(recording, kMaxRounds));
  PassManager last({{"lift_scalars", LiftScalars}, {"dce", EliminateDeadCode}});
  INGOT_RETURN_IF_ERROR(last.Run(recording).status());
  ir::Renumber(recording.graph);
  const absl::Status status = ir::Verify(recording.graph);
  if (status.ok()) return status;
  return absl::InternalError(absl::StrCat("the passes left a broken graph: ", status.message()));
}

}  // namespace ingot::passes
