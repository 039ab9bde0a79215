// Constants whose elements don't depend on any tensor's: arange, zeros, full_like, linspace …
//
//   INGOT_ASSIGN_OR_RETURN(HostConstant ones, Filled(type, int64_t{1}));
//
// Thread-safe.
#ifndef INGOT_FRONTENDS_PT2_CONST_FACTORIES_H_
#define INGOT_FRONTENDS_PT2_CONST_FACTORIES_H_

#include "absl/status/statusor.h"
#include "frontends/pt2/constants.h"
#include "frontends/pt2/operand.h"

namespace ingot::pt2 {

// Each element is `value`. Unimplemented for a dtype or number that can't be stored here.
absl::StatusOr<HostConstant> Filled(const ir::TensorType& type, const Operand& value);

// arange: element i is start + i * step, in whole numbers if both are. Unimplemented as above.
absl::StatusOr<HostConstant> Counted(const ir::TensorType& type, const Operand& start,
                                     const Operand& step);

// linspace: from both ends towards the middle, in the arithmetic of `type`, as eager does.
// REQUIRES: a vector of float32 or float64.
absl::StatusOr<HostConstant> Spaced(const ir::TensorType& type, double start, double end);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_CONST_FACTORIES_H_
