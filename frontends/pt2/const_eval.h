// What can be computed while a graph is converted, since it depends on no input: position numbers,
// masks and tables that models build on each call.
//
//   arange(16) → unsqueeze → ge(·, 0) → __and__ …  one constant instead of a dozen nodes
//
// Only what every backend would compute to the same bits: whole numbers and bools, single correctly
// rounded operations on float32 and float64, and moving elements. Everything else stays in the
// graph. Results are limited in size; see kMaxElements. Thread-safe.
#ifndef INGOT_FRONTENDS_PT2_CONST_EVAL_H_
#define INGOT_FRONTENDS_PT2_CONST_EVAL_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "frontends/pt2/constants.h"
#include "frontends/pt2/operand.h"

namespace ingot::pt2 {

// Neither operands nor results of what is computed here have more elements.
inline constexpr int64_t kMaxElements = 1 << 22;

// Contents of a constant operand.
using ContentsOf = absl::FunctionRef<absl::StatusOr<HostConstant>(TensorId)>;

// `op` on `args`, all of whose tensors are constants, with a result of `type`. nullopt: not
// computed here. InvalidArgument for an index that is out of range.
absl::StatusOr<std::optional<HostConstant>> EvaluateConstant(const std::string& op,
                                                             const std::vector<Operand>& args,
                                                             const ir::TensorType& type,
                                                             ContentsOf contents);

// The only element of a constant of rank 0. REQUIRES: not complex.
Operand NumberOf(const HostConstant& constant);

// For each dimension of `mask` the coordinates of its true elements, as i64 constants.
absl::StatusOr<std::vector<HostConstant>> TruePositions(const HostConstant& mask);

// Names of the ops that are computed here, sorted, for docs.
std::vector<std::string> ConstantOps();

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_CONST_EVAL_H_
