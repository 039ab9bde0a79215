// Typed access to a node's arguments by name: what backends and passes read nodes with.
//
//   OpView v(graph, graph.node(n));               // REQUIRES: the op is registered
//   double eps = v.Float("eps");
//   const ir::TensorType& x = v.TensorType("input");
//
// Names are the schema's. Accessors CHECK-fail only on a name that the schema lacks (a bug of the
// caller): a verified graph has an argument of the right kind at every position. Thread-safe
// (const).
#ifndef INGOT_CORE_OPS_OP_VIEW_H_
#define INGOT_CORE_OPS_OP_VIEW_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/ir/graph.h"
#include "core/ops/registry.h"

namespace ingot::ops {

class OpView {
 public:
  OpView(const ir::Graph& graph, const ir::Node& node);

  const OpDef& def() const { return *def_; }
  const ir::Node& node() const { return node_; }

  bool Has(absl::string_view name) const;  // not None
  ir::ValueId Value(absl::string_view name)
      const;  // Tensor or Scalar held by a value; kNoValue if None or literal
  const ir::TensorType& TensorType(absl::string_view name) const;
  absl::Span<const ir::ValueId> Values(absl::string_view name) const;  // Tensor[]
  int64_t Int(absl::string_view name) const;
  int64_t IntOr(absl::string_view name, int64_t fallback) const;  // fallback if None
  double Float(absl::string_view name) const;  // float, or a literal int/float Scalar
  double FloatOr(absl::string_view name, double fallback) const;
  bool Bool(absl::string_view name) const;
  const std::string& String(absl::string_view name) const;
  absl::Span<const int64_t> Ints(absl::string_view name) const;
  ir::DType DTypeOr(absl::string_view name, ir::DType fallback) const;
  const ir::Argument& Raw(absl::string_view name) const;

  const ir::TensorType& OutputType(int i = 0) const;  // REQUIRES: produced

 private:
  int Position(absl::string_view name) const;

  const ir::Graph& graph_;
  const ir::Node& node_;
  const OpDef* def_;
};

}  // namespace ingot::ops

#endif  // INGOT_CORE_OPS_OP_VIEW_H_
