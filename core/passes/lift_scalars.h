// Lifts numbers that are data out of the graph: each literal that an op's `data_scalars` names
// becomes a scalar input bound to that literal. Modules that differ in such a number only then have
// equal graphs and share a compiled executable.
//
// Every use gets an input of its own, in order of nodes and arguments, so that equal literals do
// not make a different graph from unequal ones. One literal stays: an `alpha` of 1, which is how
// eager spells "no factor"; lifted, every plain `a + b` would be multiplied by a number at run
// time.
//
// To be run last: patterns look for literals.
#ifndef INGOT_CORE_PASSES_LIFT_SCALARS_H_
#define INGOT_CORE_PASSES_LIFT_SCALARS_H_

#include "absl/status/statusor.h"
#include "core/ir/recording.h"

namespace ingot::passes {

absl::StatusOr<bool> LiftScalars(ir::Recording& recording);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_LIFT_SCALARS_H_
