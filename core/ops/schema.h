// Op schemas in ATen's own notation, parsed.
//
//   ParseSchema("aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) ->
//   Tensor")
//
// The notation is that of PyTorch's native_functions.yaml ("func:"), as printed by
// `torch._C._jit_get_all_schemas()`: alias annotations `(a!)` are accepted and dropped, since
// graphs are functional.
#ifndef INGOT_CORE_OPS_SCHEMA_H_
#define INGOT_CORE_OPS_SCHEMA_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/argument.h"

namespace ingot::ops {

enum class ArgKind : uint8_t {
  kTensor,      // ValueRef; None when optional
  kTensorList,  // ValueRefList (elements optional for Tensor?[])
  kScalar,      // bool, int64_t, double, complex, or ValueRef to a scalar value
  kBool,
  kInt,  // int, SymInt, MemoryFormat
  kFloat,
  kString,
  kIntList,  // int[], SymInt[], int[N]
  kFloatList,
  kBoolList,
  kDType,    // ScalarType
  kIgnored,  // Device, Layout, Generator: always None in a graph
};

struct SchemaArg {
  std::string name;
  ArgKind kind = ArgKind::kTensor;
  bool optional = false;                      // `T?`
  bool optional_elements = false;             // `Tensor?[]`
  std::optional<ir::Argument> default_value;  // None{} for `=None`
};

struct Schema {
  std::string op;  // "aten::add.Tensor"
  std::vector<SchemaArg> args;
  // Returned tensors; a Tensor[] return has `list_return` and its length follows from the
  // arguments.
  int num_returns = 1;
  bool list_return = false;

  // Position of the argument called `name`, or -1.
  int Find(absl::string_view name) const;
};

absl::StatusOr<Schema> ParseSchema(absl::string_view text);

// InvalidArgument unless `args` has one argument per schema entry (plus `extra` trailing ones),
// each of its kind.
absl::Status CheckArguments(const Schema& schema, const std::vector<ir::Argument>& args,
                            int extra = 0);

// Appends the defaults of missing trailing arguments; InvalidArgument if one has no default.
absl::Status FillDefaults(const Schema& schema, std::vector<ir::Argument>& args);

}  // namespace ingot::ops

#endif  // INGOT_CORE_OPS_SCHEMA_H_
