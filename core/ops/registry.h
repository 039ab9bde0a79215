// The op registry: one entry an op, with schema, shape and dtype inference, traits and a doc line.
//
// The vocabulary is ATen's: core ATen plus the composites that backends have fast kernels for.
// Families live in files of their own (pointwise.cc, activation.cc, matmul.cc, conv.cc, pool.cc,
// norm.cc, attention.cc, index.cc, reduce.cc, view.cc, shape.cc, random.cc, rnn.cc), each a table;
// registry.cc lists the families. Immutable after first use, thread-safe.
//
//   const OpDef* def = FindOp("aten::linear");        // nullptr: not in the vocabulary (opaque)
//   INGOT_ASSIGN_OR_RETURN(auto types, InferTypes(*def, args, type_of));
#ifndef INGOT_CORE_OPS_REGISTRY_H_
#define INGOT_CORE_OPS_REGISTRY_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/ir/graph.h"
#include "core/ops/schema.h"

namespace ingot::ops {

class InferContext;

enum OpTraits : uint32_t {
  kNoTraits = 0,
  kPointwise =
      1u << 0,  // each output element depends on the elements of the broadcast operands there
  kCommutative = 1u << 1,  // args[0] and args[1] may be swapped
  kView = 1u << 2,         // in eager a view of args[0]: no arithmetic, elements only renamed
  kRandom = 1u << 3,    // takes the seed as one more, last argument; never merged, moved or removed
  kIdentity = 1u << 4,  // output equals args[0] in value and type whenever types agree (clone,
                        // contiguous, detach …)
};

struct OpDef {
  const char* schema_text;
  // Names of the schema arguments of kind Scalar whose number is data (see ir/argument.h), comma
  // separated.
  const char* data_scalars;
  uint32_t traits;
  absl::Status (*infer)(InferContext& ctx);
  const char* doc;  // one line, with the formula

  Schema schema = {};  // filled by the registry from schema_text
  bool Is(OpTraits trait) const { return (traits & trait) != 0; }
};

// What an inference function sees: arguments by schema position or name, operand types, outputs to
// fill.
class InferContext {
 public:
  InferContext(const OpDef& def, const std::vector<ir::Argument>& args,
               absl::FunctionRef<const ir::TensorType&(ir::ValueId)> type_of);

  const OpDef& def() const { return def_; }
  size_t num_args() const { return args_.size(); }
  const ir::Argument& arg(int i) const { return args_[i]; }

  bool Has(int i) const;                             // argument i is not None
  const ir::TensorType& Tensor(int i) const;         // REQUIRES: Has(i), kind kTensor
  std::vector<ir::TensorType> Tensors(int i) const;  // kTensorList, absent elements left out
  int64_t Int(int i) const;
  int64_t IntOr(int i, int64_t fallback) const;
  double Float(int i) const;
  bool Bool(int i) const;
  absl::Span<const int64_t> Ints(int i) const;
  ir::DType DTypeOr(int i, ir::DType fallback) const;
  // Category and dtype of a Scalar argument, literal or value.
  ir::DType ScalarType(int i) const;

  void AddOutput(ir::TensorType type) { outputs_.push_back(std::move(type)); }
  std::vector<ir::TensorType> TakeOutputs() { return std::move(outputs_); }

  // InvalidArgument prefixed by the op's name.
  absl::Status Error(absl::string_view message) const;

 private:
  const OpDef& def_;
  const std::vector<ir::Argument>& args_;
  absl::FunctionRef<const ir::TensorType&(ir::ValueId)> type_of_;
  std::vector<ir::TensorType> outputs_;
};

// nullptr if the vocabulary has no such op. `op` with overload, as in Node::op.
const OpDef* FindOp(absl::string_view op);

// All ops, sorted by name.
absl::Span<const OpDef* const> AllOps();

// Checks the arguments against the schema and infers the types of the outputs. A Scalar argument
// held by a value must be one of the op's data_scalars. Tensor operands are real tensors: a number
// that eager wraps into a tensor
// ("x * 2") belongs into the Scalar overload, since only there it counts as a number in promotion.
// InvalidArgument: eager would refuse it too. Unimplemented: eager takes it, this vocabulary does
// not (training batch norm, complex dtypes of most ops …); a frontend then records the op's
// children or an opaque node.
absl::StatusOr<std::vector<ir::TensorType>> InferTypes(
    const OpDef& def, const std::vector<ir::Argument>& args,
    absl::FunctionRef<const ir::TensorType&(ir::ValueId)> type_of);

}  // namespace ingot::ops

#endif  // INGOT_CORE_OPS_REGISTRY_H_
