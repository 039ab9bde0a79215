// Nested tensors in a recording, as padded ones.
//
// The fast path of nn.TransformerEncoder packs the rows that a padding mask keeps into a nested
// tensor, runs its layers on that, and pads the result. Graphs hold dense values only, so each
// nested tensor of a recording has a padded form: a dense value in which the padding is still
// there, with arbitrary elements, and which of its rows are real. The mask is data: a graph is
// right for any. Sums run over the padded rows' zeros too, so results equal eager's to rounding,
// not to the bit.
//
// Not thread-safe. Pointers outlive the forms.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_PADDED_FORMS_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_PADDED_FORMS_H_

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/ir/graph.h"
#include "frontends/torchscript/constant_pool.h"
#include "frontends/torchscript/memory_model.h"
#include "frontends/torchscript/tape.h"

namespace ingot::torchscript {

class PaddedForms {
 public:
  PaddedForms(ir::Graph* graph, ConstantPool* constants, MemoryModel* memory)
      : graph_(graph), constants_(constants), memory_(memory) {}

  // All calls with nested operands or results go to Process.
  static bool Takes(const Call& call) { return HasNested(call.inputs) || HasNested(call.outputs); }

  // Unimplemented for an op that has no padded form; FailedPrecondition, as for other
  // data-dependent calls, if sizes or errors follow from the mask's elements.
  absl::Status Process(const Call& call);

 private:
  struct Form {
    ir::ValueId padded = ir::kNoValue;      // [batch, rows, features]
    ir::ValueId is_padding = ir::kNoValue;  // bool [batch, rows]
  };

  absl::Status FromMask(const Call& call);
  absl::Status EncoderLayer(const Call& call);
  absl::Status ToPadded(const Call& call);
  absl::StatusOr<Form> FormOf(const TensorSnapshot& nested) const;

  ir::Graph* graph_;
  ConstantPool* constants_;
  MemoryModel* memory_;
  // The tape keeps the tensors alive, so addresses are unique.
  absl::flat_hash_map<const c10::TensorImpl*, Form> forms_;
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_PADDED_FORMS_H_
