// Opaque ops: how they are named, and which of LibTorch's operators no graph may name.
//
//   BaseOp("aten::sqrt:opaque") == "aten::sqrt"   // LibTorch's name of it
//   INGOT_RETURN_IF_ERROR(CheckOpaqueOp(node.op));
//
// An op that the vocabulary (core/ops) lacks is run as the operator of LibTorch that it names, and
// a graph may come from a file that nobody vouches for. So it may not name an operator that reaches
// outside of its arguments: one that opens files, or that believes the sizes, strides and positions
// it is told. Whoever makes opaque nodes out of files and whoever runs them ask here; the scan of
// `.pt` files knows the file operators from here too. What is not on the list checks its arguments
// as well as LibTorch does, which is not always (docs/untrusted.md). Thread-safe.
#ifndef INGOT_CORE_IR_OPAQUE_OP_H_
#define INGOT_CORE_IR_OPAQUE_OP_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ingot::ir {

// Ends the name of an op of the vocabulary in a variant that the vocabulary lacks, so that no
// backend mistakes it (docs/adding-an-op.md).
inline constexpr absl::string_view kOutsideVocabulary = ":opaque";

// `op` without that ending.
absl::string_view BaseOp(absl::string_view op);

// Whether LibTorch's operator of this name, without namespace and overload, opens a file.
bool OpensFile(absl::string_view name);

// A bool argument of this name switches an operator's checks off: only a literal false will do.
inline constexpr absl::string_view kUncheckedArgument = "unsafe";

// PermissionDenied, with the reason, for what no graph may name. `op` with namespace and overload,
// as in Node::op. Of LibTorch's namespaces only ATen's pass; those of libraries that the program
// itself has loaded (torchvision) pass, too, but for names like the refused ones.
absl::Status CheckOpaqueOp(absl::string_view op);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_OPAQUE_OP_H_
