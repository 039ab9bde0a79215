// The tables that make up the registry, one function a family. Private to core/ops.
#ifndef INGOT_CORE_OPS_FAMILIES_H_
#define INGOT_CORE_OPS_FAMILIES_H_

#include <vector>

#include "core/ops/registry.h"

namespace ingot::ops {

std::vector<OpDef> PointwiseOps();   // arithmetic, comparisons, logic, casts
std::vector<OpDef> ActivationOps();  // pointwise functions of one tensor
std::vector<OpDef> MatmulOps();
std::vector<OpDef> ConvOps();
std::vector<OpDef> PoolOps();
std::vector<OpDef> NormOps();
std::vector<OpDef> AttentionOps();
std::vector<OpDef> IndexOps();
std::vector<OpDef> ReduceOps();
std::vector<OpDef> ViewOps();
std::vector<OpDef> ShapeOps();
std::vector<OpDef> RandomOps();
std::vector<OpDef> RnnOps();
std::vector<OpDef> SpecialOps();  // special functions, losses
std::vector<OpDef> ScanOps();     // scans, order statistics
std::vector<OpDef> ScatterOps();  // writes by index, searches

}  // namespace ingot::ops

#endif  // INGOT_CORE_OPS_FAMILIES_H_
