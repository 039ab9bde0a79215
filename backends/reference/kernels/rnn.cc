// LSTM and GRU: layer after layer, direction after direction, step after step, in double.
#include "backends/reference/kernels/families.h"

namespace ingot::reference {
namespace {

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The sizes of a call, and its scratch memory.
struct Layers {
  int gates;
  bool lstm, has_biases, batch_first;
  int64_t count, directions, steps, batch, input, hidden, output;
  int params_each;  // tensors a layer and direction

  explicit Layers(const ops::OpView& op) {
    lstm = op.node().op == "aten::lstm.input";
    gates = lstm ? 4 : 3;
    has_biases = op.Bool("has_biases");
    batch_first = op.Bool("batch_first");
    count = op.Int("num_layers");
    directions = op.Bool("bidirectional") ? 2 : 1;
    const ir::Dims& dims = op.TensorType("input").dims;
    steps = dims[batch_first ? 1 : 0];
    batch = dims[batch_first ? 0 : 1];
    input = dims[2];
    output = op.OutputType(1).dims[2];
    hidden = lstm ? op.OutputType(2).dims[2] : output;
    params_each = 2 + (has_biases ? 2 : 0) + (output != hidden ? 1 : 0);
  }

  // Doubles: the sequences into and out of a layer; hidden and cell state of one batch element;
  // gates from input and from the hidden state.
  int64_t Width() const { return std::max(input, output * directions); }
  int64_t SequenceSize() const { return steps * batch * Width(); }
  int64_t ScratchDoubles() const {
    return 2 * SequenceSize() + output + 2 * hidden + 2 * gates * hidden;
  }
};

// The parameters of one layer and direction.
struct Cell {
  ConstTensor w_ih, w_hh, b_ih, b_hh, w_hr;
  bool has_biases, projected;

  Cell(const KernelContext& context, const Layers& layers, int64_t index)
      : has_biases(layers.has_biases), projected(layers.output != layers.hidden) {
    const ir::ValueId* params = context.op().Values("params").data() + index * layers.params_each;
    w_ih = context.Value(*params++);
    w_hh = context.Value(*params++);
    if (has_biases) b_ih = context.Value(*params++);
    if (has_biases) b_hh = context.Value(*params++);
    if (projected) w_hr = context.Value(*params++);
  }
};

// out[r] = weight[r,:] · x + bias[r] for all rows.
void Affine(const ConstTensor& weight, const ConstTensor* bias, const double* x, double* out) {
  const int64_t rows = weight.dims[0], columns = weight.dims[1];
  for (int64_t r = 0; r < rows; ++r) {
    double sum = bias == nullptr ? 0 : Load<double>(*bias, r);
    const double* factor = x;
    ForEachRun<double>(weight, r * columns, 1, columns, [&](const double* w, int64_t n) {
      for (int64_t i = 0; i < n; ++i) sum += w[i] * factor[i];
      factor += n;
    });
    out[r] = sum;
  }
}

struct State {
  double *h, *c, *next;  // next: hidden state before projection
  double *from_input, *from_hidden;
};

void LstmStep(const Cell& cell, const Layers& layers, const double* x, const State& s) {
  const int64_t n = layers.hidden;
  Affine(cell.w_ih, cell.has_biases ? &cell.b_ih : nullptr, x, s.from_input);
  Affine(cell.w_hh, cell.has_biases ? &cell.b_hh : nullptr, s.h, s.from_hidden);
  for (int64_t i = 0; i < n; ++i) {
    const auto gate = [&](int g) { return s.from_input[g * n + i] + s.from_hidden[g * n + i]; };
    s.c[i] = Sigmoid(gate(1)) * s.c[i] + Sigmoid(gate(0)) * std::tanh(gate(2));
    s.next[i] = Sigmoid(gate(3)) * std::tanh(s.c[i]);
  }
  if (cell.projected) {
    Affine(cell.w_hr, nullptr, s.next, s.h);
  } else {
    std::copy_n(s.next, n, s.h);
  }
}

void GruStep(const Cell& cell, const Layers& layers, const double* x, const State& s) {
  const int64_t n = layers.hidden;
  Affine(cell.w_ih, cell.has_biases ? &cell.b_ih : nullptr, x, s.from_input);
  Affine(cell.w_hh, cell.has_biases ? &cell.b_hh : nullptr, s.h, s.from_hidden);
  for (int64_t i = 0; i < n; ++i) {
    const double reset = Sigmoid(s.from_input[i] + s.from_hidden[i]);
    const double update = Sigmoid(s.from_input[n + i] + s.from_hidden[n + i]);
    const double fresh = std::tanh(s.from_input[2 * n + i] + reset * s.from_hidden[2 * n + i]);
    s.h[i] = (1 - update) * fresh + update * s.h[i];
  }
}

// The initial or final states: [layers * directions, batch, width].
ConstTensor InitialHidden(const KernelContext& context, const Layers& layers) {
  return layers.lstm ? context.Value(context.op().Values("hx")[0]) : context.In("hx");
}

// One layer and direction over the whole sequence. `in` and `out`: [step][batch][width] of scratch.
void RunDirection(const KernelContext& context, const Layers& layers, int64_t index,
                  const double* in, int64_t in_width, double* out, const State& s) {
  const Cell cell(context, layers, index);
  const int64_t out_width = layers.output * layers.directions;
  const bool backward = index % layers.directions == 1;
  for (int64_t b = 0; b < layers.batch; ++b) {
    const int64_t row = index * layers.batch + b;
    LoadRun(InitialHidden(context, layers), row * layers.output, 1, layers.output, s.h);
    if (layers.lstm) {
      LoadRun(context.Value(context.op().Values("hx")[1]), row * layers.hidden, 1, layers.hidden,
              s.c);
    }
    for (int64_t t = 0; t < layers.steps; ++t) {
      const int64_t step = backward ? layers.steps - 1 - t : t;
      const double* x = in + (step * layers.batch + b) * in_width;
      layers.lstm ? LstmStep(cell, layers, x, s) : GruStep(cell, layers, x, s);
      std::copy_n(s.h, layers.output,
                  out + (step * layers.batch + b) * out_width + (backward ? layers.output : 0));
    }
    StoreRun(s.h, layers.output, context.Out(1), row * layers.output, 1);
    if (layers.lstm) StoreRun(s.c, layers.hidden, context.Out(2), row * layers.hidden, 1);
  }
}

absl::Status RunRnn(const KernelContext& context) {
  const Layers layers(context.op());
  double* in = context.Scratch<double>();
  double* out = in + layers.SequenceSize();
  State s;
  s.h = out + layers.SequenceSize();
  s.c = s.h + layers.output;
  s.next = s.c + layers.hidden;
  s.from_input = s.next + layers.hidden;
  s.from_hidden = s.from_input + layers.gates * layers.hidden;
  // Row (t, b) of the operand or result, whichever of the two comes first there.
  const auto row = [&](int64_t t, int64_t b) {
    return layers.batch_first ? b * layers.steps + t : t * layers.batch + b;
  };
  int64_t width = layers.input;
  for (int64_t t = 0; t < layers.steps; ++t) {
    for (int64_t b = 0; b < layers.batch; ++b) {
      LoadRun(context.In("input"), row(t, b) * width, 1, width,
              in + (t * layers.batch + b) * width);
    }
  }
  for (int64_t layer = 0; layer < layers.count; ++layer) {
    for (int64_t d = 0; d < layers.directions; ++d) {
      RunDirection(context, layers, layer * layers.directions + d, in, width, out, s);
    }
    width = layers.output * layers.directions;
    std::swap(in, out);
  }
  for (int64_t t = 0; t < layers.steps; ++t) {
    for (int64_t b = 0; b < layers.batch; ++b) {
      StoreRun(in + (t * layers.batch + b) * width, width, context.Out(0), row(t, b) * width, 1);
    }
  }
  return absl::OkStatus();
}

int64_t RnnScratch(const ops::OpView& op) { return 8 * Layers(op).ScratchDoubles(); }

}  // namespace

std::vector<Kernel> RnnKernels() {
  return {
      {"aten::lstm.input", RunRnn, RnnScratch},
      {"aten::gru.input", RunRnn, RnnScratch},
  };
}

}  // namespace ingot::reference
