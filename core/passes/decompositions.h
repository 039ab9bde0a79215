// The table of `decompose.h`, by family, and what its functions share.
#ifndef INGOT_CORE_PASSES_DECOMPOSITIONS_H_
#define INGOT_CORE_PASSES_DECOMPOSITIONS_H_

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/passes/rewriter.h"

namespace ingot::passes {

// A value for each output of a node, kNoValue for one that nothing uses; empty: the node stays.
using Outputs = std::vector<ir::ValueId>;

struct Decomposition {
  absl::string_view op;
  absl::StatusOr<Outputs> (*run)(GraphRewriter&, const ir::Node&);
};

absl::Span<const Decomposition> AttentionDecompositions();
absl::Span<const Decomposition> BagDecompositions();
absl::Span<const Decomposition> CellDecompositions();
absl::Span<const Decomposition> LayerDecompositions();
absl::Span<const Decomposition> WindowDecompositions();

// Emits nodes of one output; after an error it emits nothing more, and Finish returns that error.
class Steps {
 public:
  explicit Steps(GraphRewriter& rewriter) : rewriter_(rewriter) {}

  ir::ValueId operator()(absl::string_view op, std::vector<ir::Argument> args);
  ir::ValueId Reshape(ir::ValueId value, std::vector<int64_t> sizes);
  ir::ValueId Permute(ir::ValueId value, std::vector<int64_t> order);
  ir::ValueId Int64s(const std::vector<int64_t>& values);
  ir::ValueId Zeros(const ir::TensorType& type);

  // Valid until the next step.
  const ir::TensorType& type(ir::ValueId value) const { return rewriter_.type(value); }
  bool ok() const { return status_.ok(); }
  absl::StatusOr<Outputs> Finish(Outputs outputs) const;

 private:
  GraphRewriter& rewriter_;
  absl::Status status_;
};

inline ir::Argument Ref(ir::ValueId value) { return ir::ValueRef{value}; }
inline std::vector<int64_t> Sizes(const ir::TensorType& type) {
  return {type.dims.begin(), type.dims.end()};
}

// Arguments of nodes that no registry has checked; false, 0, empty if it is something else.
bool BoolAt(const ir::Node& node, size_t i);
int64_t IntAt(const ir::Node& node, size_t i, int64_t otherwise);
std::vector<int64_t> IntsAt(const ir::Node& node, size_t i);

// float32 or float64, whose sums may round in another order.
bool IsWide(const ir::TensorType& type);
// Whether nothing uses the outputs from `first` on.
bool UnusedFrom(const GraphRewriter& r, const ir::Node& node, size_t first);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_DECOMPOSITIONS_H_
