// One step of a recurrent layer: nn.LSTMCell, nn.GRUCell, nn.RNNCell.
#include <utility>

#include "core/passes/decompositions.h"

namespace ingot::passes {
namespace {

using ir::kNoValue;
using ir::ValueId;

// input, hidden state(s), w_ih, w_hh, b_ih, b_hh: what all cells take.
struct Cell {
  ValueId input, hidden, w_input, w_hidden;
  ir::Argument b_input, b_hidden;
};

bool Read(const GraphRewriter& r, const ir::Node& node, ValueId hidden, Cell& cell) {
  if (node.args.size() != 6) return false;
  cell = {OperandOf(node, 0), hidden,       OperandOf(node, 2),
          OperandOf(node, 3), node.args[4], node.args[5]};
  for (ValueId value : {cell.input, cell.hidden, cell.w_input, cell.w_hidden}) {
    if (value == kNoValue || !IsWide(r.type(value)) || r.type(value).rank() != 2) return false;
  }
  return true;
}

// The products of input and hidden state with their weights.
struct Gates {
  ValueId input, hidden;
};

Gates Multiply(Steps& step, const Cell& cell) {
  return {step("aten::linear", {Ref(cell.input), Ref(cell.w_input), cell.b_input}),
          step("aten::linear", {Ref(cell.hidden), Ref(cell.w_hidden), cell.b_hidden})};
}

ValueId Add(Steps& step, ValueId a, ValueId b) {
  return step("aten::add.Tensor", {Ref(a), Ref(b), int64_t{1}});
}

ValueId Multiply(Steps& step, ValueId a, ValueId b) {
  return step("aten::mul.Tensor", {Ref(a), Ref(b)});
}

// Gate `k` of those side by side in `gates`.
ValueId Gate(Steps& step, ValueId gates, int64_t k, int64_t size) {
  return step("aten::slice.Tensor", {Ref(gates), int64_t{1}, k * size, (k + 1) * size, int64_t{1}});
}

// The second argument is the list of hidden and cell state.
absl::StatusOr<Outputs> Lstm(GraphRewriter& r, const ir::Node& node) {
  const auto* states =
      node.args.size() > 1 ? std::get_if<ir::ValueRefList>(&node.args[1]) : nullptr;
  Cell cell;
  if (states == nullptr || states->ids.size() != 2 || node.outputs.size() != 2 ||
      !Read(r, node, states->ids[0], cell)) {
    return Outputs{};
  }
  const int64_t size = r.type(cell.hidden).dims[1];
  Steps step(r);
  const Gates gates = Multiply(step, cell);
  const ValueId sum = Add(step, gates.input, gates.hidden);
  const auto gate = [&](int64_t k, const char* op) {
    return step(op, {Ref(Gate(step, sum, k, size))});
  };
  const ValueId in = gate(0, "aten::sigmoid"), forget = gate(1, "aten::sigmoid");
  const ValueId next = gate(2, "aten::tanh"), out = gate(3, "aten::sigmoid");
  const ValueId c = Add(step, Multiply(step, forget, states->ids[1]), Multiply(step, in, next));
  return step.Finish({Multiply(step, out, step("aten::tanh", {Ref(c)})), c});
}

absl::StatusOr<Outputs> Gru(GraphRewriter& r, const ir::Node& node) {
  Cell cell;
  if (node.outputs.size() != 1 || !Read(r, node, OperandOf(node, 1), cell)) return Outputs{};
  const int64_t size = r.type(cell.hidden).dims[1];
  Steps step(r);
  const Gates gates = Multiply(step, cell);
  const auto both = [&](int64_t k) {
    const ValueId sum =
        Add(step, Gate(step, gates.input, k, size), Gate(step, gates.hidden, k, size));
    return step("aten::sigmoid", {Ref(sum)});
  };
  const ValueId reset = both(0), update = both(1);
  const ValueId kept = Multiply(step, reset, Gate(step, gates.hidden, 2, size));
  const ValueId next = step("aten::tanh", {Ref(Add(step, Gate(step, gates.input, 2, size), kept))});
  const ValueId change = step("aten::sub.Tensor", {Ref(cell.hidden), Ref(next), int64_t{1}});
  return step.Finish({Add(step, Multiply(step, change, update), next)});
}

template <bool kRelu>
absl::StatusOr<Outputs> Rnn(GraphRewriter& r, const ir::Node& node) {
  Cell cell;
  if (node.outputs.size() != 1 || !Read(r, node, OperandOf(node, 1), cell)) return Outputs{};
  Steps step(r);
  const Gates gates = Multiply(step, cell);
  return step.Finish(
      {step(kRelu ? "aten::relu" : "aten::tanh", {Ref(Add(step, gates.input, gates.hidden))})});
}

constexpr Decomposition kCells[] = {
    {"aten::lstm_cell", Lstm},
    {"aten::gru_cell", Gru},
    {"aten::rnn_tanh_cell", Rnn<false>},
    {"aten::rnn_relu_cell", Rnn<true>},
};

}  // namespace

absl::Span<const Decomposition> CellDecompositions() { return kCells; }

}  // namespace ingot::passes
