// lstm.input, gru.input: one oneDNN primitive a layer and direction.
//
// PyTorch stacks gates as rows: i, f, g, o for LSTM, which is oneDNN's order too; r, z, n for GRU,
// where oneDNN wants z, r, n. PyTorch's GRU applies the reset gate after the matrix product, which
// is oneDNN's linear-before-reset form with a bias of its own for that product.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/copy.h"
#include "backends/onednn/lowering.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

constexpr double kFlopsPerNanosecond = 50;  // f32, one core: matrix times few vectors

struct Rnn {
  bool lstm = true;
  int64_t gates = 4;
  int64_t layers = 1, directions = 1;
  int64_t steps = 0, batch = 0, hidden = 0;
  bool biases = false, batch_first = false;
  absl::Span<const ir::ValueId> params;
};

Rnn ReadRnn(const ops::OpView& view) {
  Rnn r;
  r.lstm = view.node().op == "aten::lstm.input";
  r.gates = r.lstm ? 4 : 3;
  r.layers = view.Int("num_layers");
  r.directions = view.Bool("bidirectional") ? 2 : 1;
  r.biases = view.Bool("has_biases");
  r.batch_first = view.Bool("batch_first");
  const ir::Dims& in = view.TensorType("input").dims;
  r.steps = in[r.batch_first ? 1 : 0];
  r.batch = in[r.batch_first ? 0 : 1];
  r.params = view.Values("params");
  return r;
}

absl::Status Supports(const ir::Graph& graph, const ops::OpView& view) {
  const Rnn r = ReadRnn(view);
  if (view.TensorType("input").dtype != ir::DType::kFloat32) {
    return absl::UnimplementedError("recurrent layers are done in f32");
  }
  if (static_cast<int64_t>(r.params.size()) != r.layers * r.directions * (r.biases ? 4 : 2)) {
    return absl::UnimplementedError("recurrent layers with projections");
  }
  for (ir::ValueId value : view.node().outputs) {
    if (value != ir::kNoValue && graph.type(value).NumElements() == 0) {
      return absl::UnimplementedError("recurrent layers over nothing");
    }
  }
  return absl::OkStatus();
}

Tensor WithDims(Tensor tensor, ir::Dims dims, ir::Dims strides) {
  tensor.dims = std::move(dims);
  tensor.strides = std::move(strides);
  return tensor;
}

// oneDNN's gate k is PyTorch's kGruGates[k].
constexpr std::array<int64_t, 3> kGruGates = {1, 0, 2};

// [gates * hidden, columns] as oneDNN's [layer, direction, columns, gates, hidden].
absl::StatusOr<Tensor> GateWeights(Lowering& lowering, const Rnn& r, Tensor weights) {
  INGOT_ASSIGN_OR_RETURN(weights, lowering.Dense(weights));
  const int64_t columns = weights.dims[1], hidden = r.hidden;
  if (!r.lstm) {
    const Tensor sorted = lowering.NewTensor(weights.dtype, weights.dims);
    const int64_t block = hidden * columns;
    INGOT_RETURN_IF_ERROR(lowering.AddKernel(
        "ingot:gate_order", {Read(weights), Write(sorted)}, [block](const StepArgs& args) {
          for (size_t g = 0; g < kGruGates.size(); ++g) {
            std::copy_n(args.At<float>(0) + kGruGates[g] * block, block,
                        args.At<float>(1) + static_cast<int64_t>(g) * block);
          }
          return absl::OkStatus();
        }));
    weights = sorted;
  }
  return WithDims(
      weights, {1, 1, columns, r.gates, hidden},
      {r.gates * hidden * columns, r.gates * hidden * columns, 1, hidden * columns, columns});
}

// The biases of one layer and direction as oneDNN's [1, 1, gates (GRU: 4), hidden].
absl::StatusOr<Tensor> GateBias(Lowering& lowering, const Rnn& r, int64_t first) {
  const Tensor out = lowering.NewTensor(ir::DType::kFloat32, {1, 1, 4, r.hidden});
  std::vector<Operand> operands = {Write(out)};
  if (r.biases) {
    for (int i : {2, 3}) {
      INGOT_ASSIGN_OR_RETURN(const Tensor b, lowering.Dense(r.params[first + i]));
      operands.push_back(Read(b));
    }
  }
  const int64_t hidden = r.hidden;
  const bool biases = r.biases, lstm = r.lstm;
  INGOT_RETURN_IF_ERROR(
      lowering.AddKernel("ingot:gate_bias", std::move(operands), [=](const StepArgs& args) {
        float* y = args.At<float>(0);
        std::fill_n(y, 4 * hidden, 0.0f);
        if (!biases) return absl::OkStatus();
        const float *input = args.At<float>(1), *state = args.At<float>(2);
        for (int64_t g = 0; g < (lstm ? 4 : 2); ++g) {
          const int64_t from = (lstm ? g : kGruGates[g]) * hidden;
          for (int64_t i = 0; i < hidden; ++i)
            y[g * hidden + i] = input[from + i] + state[from + i];
        }
        if (!lstm) {
          std::copy_n(input + 2 * hidden, hidden, y + 2 * hidden);
          std::copy_n(state + 2 * hidden, hidden, y + 3 * hidden);
        }
        return absl::OkStatus();
      }));
  return out;
}

// State number `index` of [layers * directions, batch, hidden] as [1, 1, batch, hidden].
Tensor StateAt(const Tensor& states, int64_t index) {
  Tensor state = states;
  state.offset += index * states.strides[0] * static_cast<int64_t>(sizeof(float));
  return WithDims(state, {1, 1, states.dims[1], states.dims[2]},
                  {states.strides[0], states.strides[0], states.strides[1], states.strides[2]});
}

struct LayerResult {
  Tensor sequence;  // [steps, batch, hidden]
  Tensor hidden, cell;
};

// Runs one layer in one direction over `src`, dense [steps, batch, columns].
absl::StatusOr<LayerResult> AddLayer(Lowering& lowering, const Rnn& r, const Tensor& src,
                                     absl::Span<const Tensor> states, int64_t index) {
  const int64_t first = index * (r.biases ? 4 : 2);
  const auto dtype = ir::DType::kFloat32;
  INGOT_ASSIGN_OR_RETURN(Tensor w_input, lowering.Strided(r.params[first]));
  INGOT_ASSIGN_OR_RETURN(w_input, GateWeights(lowering, r, w_input));
  INGOT_ASSIGN_OR_RETURN(Tensor w_state, lowering.Strided(r.params[first + 1]));
  INGOT_ASSIGN_OR_RETURN(w_state, GateWeights(lowering, r, w_state));
  INGOT_ASSIGN_OR_RETURN(const Tensor bias, GateBias(lowering, r, first));

  LayerResult result;
  result.sequence = lowering.NewTensor(dtype, {r.steps, r.batch, r.hidden});
  result.hidden = lowering.NewTensor(dtype, {1, 1, r.batch, r.hidden});
  const Tensor h = StateAt(states[0], index);
  RnnOperands o;
  o.src_layer = src.Desc();
  o.src_iter = h.Desc();
  o.weights_layer = MemoryDesc::Any(dtype, w_input.dims);
  o.weights_iter = MemoryDesc::Any(dtype, w_state.dims);
  o.bias = bias.Desc();
  o.dst_layer = result.sequence.Desc();
  o.dst_iter = result.hidden.Desc();
  const double flops = 2.0 * static_cast<double>(w_input.NumElements() + w_state.NumElements()) *
                       static_cast<double>(r.steps * r.batch);
  lowering.UseThreadsFor(flops / kFlopsPerNanosecond);
  std::vector<CallArgument> arguments = {
      Reads(DNNL_ARG_SRC_LAYER, src),
      Reads(DNNL_ARG_SRC_ITER, h),
      Reads(DNNL_ARG_BIAS, bias),
      Writes(DNNL_ARG_DST_LAYER, result.sequence),
      Writes(DNNL_ARG_DST_ITER, result.hidden),
  };
  if (r.lstm) {
    const Tensor c = StateAt(states[1], index);
    result.cell = lowering.NewTensor(dtype, {1, 1, r.batch, r.hidden});
    o.src_iter_c = c.Desc();
    o.dst_iter_c = result.cell.Desc();
    arguments.push_back(Reads(DNNL_ARG_SRC_ITER_C, c));
    arguments.push_back(Writes(DNNL_ARG_DST_ITER_C, result.cell));
  }
  const bool reverse = index % r.directions == 1;
  INGOT_ASSIGN_OR_RETURN(const PrimitiveDesc desc, r.lstm ? LstmDesc(o, reverse, Attributes())
                                                          : GruDesc(o, reverse, Attributes()));
  const MemoryDesc layer_layout = desc.Query(dnnl_query_weights_md, 0);
  const MemoryDesc iter_layout = desc.Query(dnnl_query_weights_md, 1);
  INGOT_ASSIGN_OR_RETURN(const Tensor packed_input, lowering.InLayout(w_input, layer_layout));
  INGOT_ASSIGN_OR_RETURN(const Tensor packed_state, lowering.InLayout(w_state, iter_layout));
  arguments.push_back({DNNL_ARG_WEIGHTS_LAYER, Read(packed_input), layer_layout});
  arguments.push_back({DNNL_ARG_WEIGHTS_ITER, Read(packed_state), iter_layout});
  lowering.UseThreadsFor(flops / kFlopsPerNanosecond);
  INGOT_RETURN_IF_ERROR(lowering.AddCall(desc, std::move(arguments)));
  return result;
}

// [rows, width] parts side by side (columns) or below each other.
absl::StatusOr<Tensor> Join(Lowering& lowering, absl::Span<const Tensor> parts, int64_t rows,
                            int64_t width, bool side_by_side) {
  const auto count = static_cast<int64_t>(parts.size());
  if (count == 1) return parts[0];
  const Tensor out = lowering.NewTensor(ir::DType::kFloat32, {rows * count, width});
  std::vector<Operand> operands = {Write(out)};
  for (const Tensor& part : parts) operands.push_back(Read(part));
  const int64_t step = side_by_side ? width : rows * width;
  const int64_t out_row = side_by_side ? width * count : width;
  INGOT_ASSIGN_OR_RETURN(const kernels::StridedCopy copy,
                         kernels::StridedCopy::Make({rows, width}, {width, 1}, {out_row, 1}, 4));
  INGOT_RETURN_IF_ERROR(
      lowering.AddKernel("ingot:copy", std::move(operands), [=](const StepArgs& args) {
        for (int64_t i = 0; i < count; ++i) {
          copy.Run(args.At<float>(static_cast<int>(i) + 1), args.At<float>(0) + i * step,
                   args.threads());
        }
        return absl::OkStatus();
      }));
  return out;
}

absl::Status Lower(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  Rnn r = ReadRnn(view);
  std::vector<Tensor> states;
  if (r.lstm) {
    for (ir::ValueId value : view.Values("hx")) {
      INGOT_ASSIGN_OR_RETURN(Tensor state, lowering.Dense(value));
      states.push_back(std::move(state));
    }
  } else {
    INGOT_ASSIGN_OR_RETURN(Tensor state, lowering.Dense(view.Value("hx")));
    states.push_back(std::move(state));
  }
  r.hidden = states[0].dims[2];
  INGOT_ASSIGN_OR_RETURN(Tensor x, lowering.Strided(view.Value("input")));
  if (r.batch_first) {
    std::swap(x.dims[0], x.dims[1]);
    std::swap(x.strides[0], x.strides[1]);
  }
  std::vector<Tensor> hidden, cell;
  for (int64_t layer = 0; layer < r.layers; ++layer) {
    INGOT_ASSIGN_OR_RETURN(x, lowering.Dense(x));
    std::vector<Tensor> sequences;
    for (int64_t d = 0; d < r.directions; ++d) {
      INGOT_ASSIGN_OR_RETURN(LayerResult result,
                             AddLayer(lowering, r, x, states, layer * r.directions + d));
      sequences.push_back(result.sequence);
      hidden.push_back(result.hidden);
      cell.push_back(result.cell);
    }
    INGOT_ASSIGN_OR_RETURN(x, Join(lowering, sequences, r.steps * r.batch, r.hidden, true));
    const int64_t width = r.hidden * r.directions;
    x = WithDims(x, {r.steps, r.batch, width}, {r.batch * width, width, 1});
  }
  if (r.batch_first) {
    std::swap(x.dims[0], x.dims[1]);
    std::swap(x.strides[0], x.strides[1]);
  }
  const std::vector<ir::ValueId>& outputs = view.node().outputs;
  if (outputs[0] != ir::kNoValue) lowering.Set(outputs[0], x);
  for (size_t i = 1; i < outputs.size(); ++i) {
    if (outputs[i] == ir::kNoValue) continue;
    INGOT_ASSIGN_OR_RETURN(Tensor joined,
                           Join(lowering, i == 1 ? hidden : cell, r.batch, r.hidden, false));
    const ir::Dims& dims = lowering.graph().type(outputs[i]).dims;
    lowering.Set(outputs[i], WithDims(joined, dims, ir::ContiguousStrides(dims)));
  }
  return absl::OkStatus();
}

constexpr OpLowering kLowerings[] = {
    {"aten::lstm.input", &Supports, &Lower},
    {"aten::gru.input", &Supports, &Lower},
};

}  // namespace

absl::Span<const OpLowering> RnnLowerings() { return kLowerings; }

}  // namespace ingot::onednn
