// Signatures of all ATen operators that an exported graph may hold: more than ingot's vocabulary.
//
//   const OpSignature* add_ = FindSignature("aten::add_.Tensor");
//   add_->written == {true, false, false}
//
// From aten_schemas.txt, which print_schemas.py prints out of PyTorch; an op of the registry
// (core/ops) has the registry's schema. Parsed on first use, kept for good. Thread-safe.
#ifndef INGOT_FRONTENDS_PT2_SIGNATURES_H_
#define INGOT_FRONTENDS_PT2_SIGNATURES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/ops/registry.h"

namespace ingot::pt2 {

struct OpSignature {
  ops::Schema schema;
  const ops::OpDef* def = nullptr;  // nullptr: not in the vocabulary
  std::vector<bool> written;        // by argument: the op writes into it
  bool aliases = false;             // a result may share memory with an argument
  bool random = false;
  bool dynamic = false;  // sizes of results follow from elements
};

// nullptr: no such op, or one whose arguments graphs cannot hold.
const OpSignature* FindSignature(absl::string_view op);

// Names of all ops of the table, sorted.
std::vector<absl::string_view> AllSignatures();

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_SIGNATURES_H_
