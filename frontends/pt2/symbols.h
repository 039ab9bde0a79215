// The symbols of a program's sizes, bound to the sizes of concrete arguments.
//
//   INGOT_ASSIGN_OR_RETURN(SymBindings bindings, BindSymbols(program, {{kFloat32, {4, 8}}}));
//
// Thread-safe.
#ifndef INGOT_FRONTENDS_PT2_SYMBOLS_H_
#define INGOT_FRONTENDS_PT2_SYMBOLS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/ir/type.h"
#include "frontends/pt2/program.h"
#include "frontends/pt2/sym_expr.h"

namespace ingot::pt2 {

// One tensor argument, as far as the file fixes it.
struct ArgumentInfo {
  std::string name;
  const TensorMeta* meta = nullptr;
};
// InvalidArgument if an input has no type or a dtype that graphs lack.
absl::StatusOr<std::vector<ArgumentInfo>> ArgumentsOf(const Program& program);

// InvalidArgument for arguments that the program does not take, naming argument and dimension: a
// wrong count, dtype, rank or size, two sizes for one symbol, a size outside of its range.
absl::StatusOr<SymBindings> BindSymbols(const Program& program,
                                        const std::vector<ir::TensorType>& arguments);

// Types that the program takes: fixed sizes as they are, others as when it was exported (or, where
// the file does not tell, the least size of its range from 2 on).
absl::StatusOr<std::vector<ir::TensorType>> DefaultTypes(const Program& program);

absl::StatusOr<int64_t> ValueOf(const SymInt& size, const SymBindings& bindings);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_SYMBOLS_H_
