// What the recorder has to know about an op of LibTorch: its functional form, whether that is in
// ingot's vocabulary, what it writes, whether it is random or reads numbers out of tensors.
//
//   OpRules rules;
//   const OpRule* rule = rules.Find({"aten::add_", "Tensor"});
//   rule->functional == "aten::add.Tensor"; rule->written == {0}
//
// Facts come from LibTorch's own schemas, tags and dispatch table; what those don't tell is in the
// tables of op_rules.cc. A rule lives as long as its OpRules. Not thread-safe.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_OP_RULES_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_OP_RULES_H_

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/operator_name.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "core/ops/registry.h"

namespace ingot::torchscript {

struct OpRule {
  std::string name;                             // "aten::add_.Tensor"
  const c10::FunctionSchema* schema = nullptr;  // of the op as called
  // The op that computes the same and writes nothing: itself for most. Empty: there is none.
  std::string functional;
  const c10::FunctionSchema* functional_schema = nullptr;
  const ops::OpDef* def = nullptr;    // of `functional`, nullptr if it isn't in the vocabulary
  size_t functional_arguments = 0;    // it takes the first so many arguments that aren't `out`
  std::vector<int> written;           // positions of arguments whose elements the call may write
  bool writes_when_training = false;  // … if its argument `training` or `train` is true
  bool returns_and_writes =
      false;                    // `functional` returns the op's results and then what is written
  bool is_out_variant = false;  // `written` are results, not operands
  bool changes_metadata_only =
      false;                  // `t_`, `unsqueeze_` …: a view that takes the place of its operand
  bool is_composite = false;  // its kernel is made of other dispatched ops
  // It has a kernel of its own for CPUs, which may read and write memory past the dispatcher: what
  // it calls on the way says nothing certain of what it computes.
  bool has_own_kernel = false;
  // Position of the argument whose elements set the sizes of results, or -1.
  int shape_argument = -1;
  bool is_random_tagged = false;
  bool has_dynamic_shape = false;  // sizes of results follow from elements
  bool returns_tensors = false;
  bool reads_metadata_only = false;  // returns numbers that don't depend on elements
  bool is_uninitialised = false;     // results hold no defined elements

  // The call becomes a node as it is; what it calls inside doesn't matter.
  bool IsTakenWhole(absl::Span<const c10::IValue> args) const;
  // Numbers that it reads out of tensors say nothing of its results' sizes (checks of arguments,
  // bounds of ranges): as one node it is correct for other elements too.
  bool MayReadNumbers(absl::Span<const c10::IValue> args) const;
  // Results differ from call to call.
  bool IsRandom(absl::Span<const c10::IValue> args) const;
  // `written`, or nothing for an op that writes only in training and isn't.
  std::vector<int> Written(absl::Span<const c10::IValue> args) const;

  // The argument called `name`, or nullptr.
  const c10::IValue* Argument(absl::Span<const c10::IValue> args, const char* name) const;
};

class OpRules {
 public:
  OpRules() = default;
  OpRules(const OpRules&) = delete;
  OpRules& operator=(const OpRules&) = delete;

  // nullptr if the dispatcher has no such op.
  const OpRule* Find(const c10::OperatorName& name) const;

 private:
  mutable absl::flat_hash_map<std::string, std::unique_ptr<OpRule>> rules_;
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_OP_RULES_H_
