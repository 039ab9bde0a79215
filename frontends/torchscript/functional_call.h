// A recorded call in functional form: it computes values and writes nothing.
//
//   aten::add_.Tensor(x!, y, 1)        → aten::add.Tensor(x, y, 1), whose result overwrites x
//   aten::max.dim_max(x, 0, False, values!, indices!) → aten::max.dim(x, 0, False), results
//   overwrite both aten::_convolution(…13)            → aten::convolution(first 9)
//
// Thread-safe (no state).
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_FUNCTIONAL_CALL_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_FUNCTIONAL_CALL_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "core/ir/argument.h"
#include "frontends/torchscript/tape.h"

namespace ingot::torchscript {

struct FunctionalCall {
  struct Result {
    TensorSnapshot
        tensor;  // the call's own result, or what the result overwrites as it was before the call
    bool is_write = false;
    Layout after;  // of `tensor` after the call: an out= variant may have resized it
  };

  std::string op;
  const c10::FunctionSchema* schema = nullptr;
  const ops::OpDef* def = nullptr;  // nullptr: opaque
  std::vector<Operand> args;
  std::vector<Result> results;  // one per returned tensor, Tensor[] flattened
};

// Unimplemented for an op that writes and has no functional form.
absl::StatusOr<FunctionalCall> ToFunctional(const Call& call);

// The graph's arguments of a call. `value_of` yields the value of a tensor operand (never asked for
// undefined ones). Unimplemented for arguments that graphs can't hold (storages, streams, dimension
// names).
using ValueOf = absl::FunctionRef<absl::StatusOr<ir::ValueId>(const TensorSnapshot&)>;
absl::StatusOr<std::vector<ir::Argument>> ToArguments(const FunctionalCall& call, ValueOf value_of);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_FUNCTIONAL_CALL_H_
