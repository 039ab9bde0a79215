#include "core/passes/canonicalize_views.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace ingot::passes {
namespace {

using ir::kNoValue;
using ir::ValueId;
using Ints = std::vector<int64_t>;

Ints ToInts(const ir::Dims& dims) { return Ints(dims.begin(), dims.end()); }

int64_t Wrap(int64_t dim, int64_t rank) { return dim < 0 ? dim + rank : dim; }

int64_t IntOr(const ir::Argument& arg, int64_t fallback) {
  const int64_t* value = std::get_if<int64_t>(&arg);
  return value == nullptr ? fallback : *value;
}

// Whether the node is `op` with these arguments already.
bool IsAlready(const ir::Node& node, absl::string_view op, const std::vector<ir::Argument>& args) {
  return node.op == op && node.args == args;
}

absl::StatusOr<ValueId> EmitUnlessAlready(GraphRewriter& r, const ir::Node& node,
                                          absl::string_view op, std::vector<ir::Argument> args) {
  if (IsAlready(node, op, args)) return kNoValue;
  return r.Emit(op, std::move(args));
}

// A reshape of `operand` to the output's sizes; of what `operand` was reshaped from, if it was.
absl::StatusOr<ValueId> ReshapeTo(GraphRewriter& r, const ir::Node& node, ValueId operand) {
  const ir::TensorType& type = r.type(node.outputs[0]);
  if (r.type(operand) == type) return operand;
  if (const ir::Node* inner = r.ProducerOf(operand, "aten::reshape")) {
    operand = OperandOf(*inner, 0);
    if (r.type(operand) == type) return operand;
  }
  return EmitUnlessAlready(r, node, "aten::reshape", {ir::ValueRef{operand}, ToInts(type.dims)});
}

// The order of dimensions that a permuting node stands for.
Ints OrderOf(const ir::Node& node, int64_t rank) {
  Ints order(rank);
  std::iota(order.begin(), order.end(), 0);
  if (node.op == "aten::t") {
    std::reverse(order.begin(), order.end());
  } else if (node.op == "aten::transpose.int" && rank > 0) {
    std::swap(order[Wrap(std::get<int64_t>(node.args[1]), rank)],
              order[Wrap(std::get<int64_t>(node.args[2]), rank)]);
  } else if (node.op == "aten::permute") {
    order = std::get<Ints>(node.args[1]);
    for (int64_t& dim : order) dim = Wrap(dim, rank);
  }
  return order;
}

// movedim: `source[i]` goes to `destination[i]`, the other dimensions keep their order.
Ints MovedOrder(const ir::Node& node, int64_t rank) {
  const auto list = [&](const ir::Argument& arg) {
    Ints dims =
        std::holds_alternative<int64_t>(arg) ? Ints{std::get<int64_t>(arg)} : std::get<Ints>(arg);
    for (int64_t& dim : dims) dim = Wrap(dim, rank);
    return dims;
  };
  if (rank == 0) return {};  // dimensions 0 and -1 exist, and there is nothing to move
  const Ints source = list(node.args[1]);
  const Ints destination = list(node.args[2]);
  Ints order(rank, -1);
  for (size_t i = 0; i < source.size(); ++i) order[destination[i]] = source[i];
  int64_t next = 0;
  for (int64_t& dim : order) {
    if (dim >= 0) continue;
    while (std::find(source.begin(), source.end(), next) != source.end()) ++next;
    dim = next++;
  }
  return order;
}

// Whether dimensions of other sizes than 1 keep their order: then the elements do, too.
bool MovesOnlyOnes(const Ints& order, const ir::Dims& dims) {
  int64_t last = -1;
  for (int64_t dim : order) {
    if (dims[dim] == 1) continue;
    if (dim < last) return false;
    last = dim;
  }
  return true;
}

}  // namespace

absl::StatusOr<ValueId> CanonicalReshape(GraphRewriter& r, const ir::Node& node) {
  const ValueId operand = OperandOf(node, 0);
  // _unsafe_view is not registered: nobody has checked its arguments.
  const ir::TensorType& type = r.type(node.outputs[0]);
  if (operand == kNoValue || r.type(operand).dtype != type.dtype ||
      r.type(operand).NumElements() != type.NumElements()) {
    return kNoValue;
  }
  return ReshapeTo(r, node, operand);
}

absl::StatusOr<ValueId> CanonicalPermute(GraphRewriter& r, const ir::Node& node) {
  ValueId operand = OperandOf(node, 0);
  const int64_t rank = r.type(operand).rank();
  const bool is_move = node.op == "aten::movedim.int" || node.op == "aten::movedim.intlist";
  Ints order = is_move ? MovedOrder(node, rank) : OrderOf(node, rank);
  if (MovesOnlyOnes(order, r.type(operand).dims)) return ReshapeTo(r, node, operand);
  if (const ir::Node* inner = r.ProducerOf(operand, "aten::permute")) {
    const Ints inner_order = OrderOf(*inner, rank);
    for (int64_t& dim : order) dim = inner_order[dim];
    operand = OperandOf(*inner, 0);
    if (MovesOnlyOnes(order, r.type(operand).dims)) return ReshapeTo(r, node, operand);
  }
  return EmitUnlessAlready(r, node, "aten::permute", {ir::ValueRef{operand}, std::move(order)});
}

absl::StatusOr<ValueId> CanonicalExpand(GraphRewriter& r, const ir::Node& node) {
  const ValueId operand = OperandOf(node, 0);
  const ir::TensorType& type = r.type(node.outputs[0]);
  if (r.type(operand) == type) return operand;
  return EmitUnlessAlready(r, node, "aten::expand",
                           {ir::ValueRef{operand}, ToInts(type.dims), false});
}

absl::StatusOr<ValueId> CanonicalSlice(GraphRewriter& r, const ir::Node& node) {
  const ValueId operand = OperandOf(node, 0);
  const ir::TensorType& type = r.type(operand);
  const int64_t dim = Wrap(std::get<int64_t>(node.args[1]), type.rank());
  const int64_t size = type.dims[dim];
  const auto bound = [size](const ir::Argument& arg, int64_t fallback) {
    return std::clamp<int64_t>(Wrap(IntOr(arg, fallback), size), 0, size);
  };
  const int64_t start = bound(node.args[2], 0);
  const int64_t end = std::max(start, bound(node.args[3], size));
  const int64_t step = std::get<int64_t>(node.args[4]);
  if (start == 0 && end == size && step == 1) return operand;
  return EmitUnlessAlready(r, node, "aten::slice.Tensor",
                           {ir::ValueRef{operand}, dim, start, end, step});
}

absl::StatusOr<ValueId> CanonicalSelect(GraphRewriter& r, const ir::Node& node) {
  const ValueId operand = OperandOf(node, 0);
  const ir::TensorType& type = r.type(operand);
  const int64_t dim = Wrap(std::get<int64_t>(node.args[1]), type.rank());
  const int64_t index = Wrap(std::get<int64_t>(node.args[2]), type.dims[dim]);
  if (type.dims[dim] == 1) return ReshapeTo(r, node, operand);
  return EmitUnlessAlready(r, node, "aten::select.int", {ir::ValueRef{operand}, dim, index});
}

absl::StatusOr<ValueId> PositiveDims(GraphRewriter& r, const ops::OpDef& def,
                                     const ir::Node& node) {
  if (def.Is(ops::kRandom) || def.schema.num_returns != 1 || def.schema.list_return) {
    return kNoValue;
  }
  // stack counts in its result; cat's operands may have another rank (empty ones of rank 1 are
  // skipped).
  const bool counts_in_result = node.op == "aten::stack" || node.op == "aten::cat";
  const ValueId reference = counts_in_result ? node.outputs[0] : OperandOf(node, 0);
  if (reference == kNoValue || r.type(reference).rank() == 0) return kNoValue;
  const int64_t rank = r.type(reference).rank();
  std::vector<ir::Argument> args = node.args;
  for (const char* name : {"dim", "dims"}) {
    const int position = def.schema.Find(name);
    if (position < 0) continue;
    if (int64_t* dim = std::get_if<int64_t>(&args[position])) *dim = Wrap(*dim, rank);
    if (Ints* dims = std::get_if<Ints>(&args[position])) {
      for (int64_t& dim : *dims) dim = Wrap(dim, rank);
    }
  }
  return EmitUnlessAlready(r, node, node.op, std::move(args));
}

}  // namespace ingot::passes
