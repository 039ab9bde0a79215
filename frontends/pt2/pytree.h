// The nesting of arguments and results as torch.export writes it: JSON in a string.
//
//   INGOT_ASSIGN_OR_RETURN(TreeSpec spec, ParseTreeSpec(R"([1, {"type": "builtins.tuple", …}])"));
//   INGOT_ASSIGN_OR_RETURN(ir::Structure structure, ToStructure(spec, leaves));
//
// Leaves are in depth-first order; None is one of them. A named tuple becomes a tuple, an
// OrderedDict or defaultdict a dict: what the caller sees are places, not Python's types. The
// format: torch.utils._pytree.treespec_dumps, version 1. Values.
#ifndef INGOT_FRONTENDS_PT2_PYTREE_H_
#define INGOT_FRONTENDS_PT2_PYTREE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/structure.h"

namespace ingot::pt2 {

struct TreeSpec {
  // kNone stands for a leaf.
  ir::Structure::Kind kind = ir::Structure::Kind::kNone;
  std::vector<std::string> keys;  // of a dict
  std::vector<TreeSpec> children;

  bool is_leaf() const { return kind == ir::Structure::Kind::kNone; }
  size_t CountLeaves() const;
};

// InvalidArgument: malformed, or deeper than ir::kMaxStructureDepth. Unimplemented: a container
// that only its own Python class could unflatten.
absl::StatusOr<TreeSpec> ParseTreeSpec(absl::string_view text);

// Puts the leaves in their places. InvalidArgument unless there are as many as the spec has.
absl::StatusOr<ir::Structure> ToStructure(const TreeSpec& spec,
                                          const std::vector<ir::Structure>& leaves);

// Of an in_spec, which is (positional, keyword): one tuple with the keyword arguments, in the
// order of the spec, behind the positional ones. InvalidArgument for another shape.
absl::StatusOr<ir::Structure> ToArguments(const TreeSpec& in_spec,
                                          const std::vector<ir::Structure>& leaves);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_PYTREE_H_
