// lstm.input, gru.input: a layer is the product of the whole sequence with the inputs' weights, one
// for each direction, then a loop over the steps (kernels/recurrent.h).
#include <algorithm>
#include <optional>
#include <vector>

#include "backends/onednn/kernels/recurrent.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/product.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

using kernels::Recurrent;
using kernels::RecurrentArgs;
using kernels::RecurrentCell;

// Elements between two rows of products. Usual sizes would put rows a multiple of 4 KB apart, where
// those of a tile or of a batch fall into the same few sets of the L1 cache.
constexpr int64_t kRowGap = 16;

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

// What the products of the inputs are offset by, [gates * hidden]: all biases but the GRU's for its
// last gate's product with the state, which the reset gate scales.
absl::StatusOr<std::optional<Tensor>> ProductBias(Lowering& lowering, const Rnn& r, int64_t first) {
  if (!r.biases) return std::nullopt;
  INGOT_ASSIGN_OR_RETURN(const Tensor input, lowering.Dense(r.params[first + 2]));
  INGOT_ASSIGN_OR_RETURN(const Tensor state, lowering.Dense(r.params[first + 3]));
  const Tensor out = lowering.NewTensor(ir::DType::kFloat32, {r.gates * r.hidden});
  const int64_t all = r.gates * r.hidden, both = r.lstm ? all : 2 * r.hidden;
  INGOT_RETURN_IF_ERROR(lowering.AddKernel(
      "ingot:gate_bias", {Read(input), Read(state), Write(out)}, [all, both](const StepArgs& args) {
        const float *x = args.At<float>(0), *h = args.At<float>(1);
        float* const y = args.At<float>(2);
        for (int64_t i = 0; i < all; ++i) y[i] = i < both ? x[i] + h[i] : x[i];
        return absl::OkStatus();
      }));
  return out;
}

// Products of all steps with the inputs' weights of one direction, as [steps, batch, gates *
// hidden] in either order. `x` is [steps, batch, columns], columns adjacent.
absl::StatusOr<Tensor> InputProducts(Lowering& lowering, const Rnn& r, const Tensor& x,
                                     int64_t first) {
  INGOT_ASSIGN_OR_RETURN(Tensor weights, lowering.Strided(r.params[first]));
  std::swap(weights.dims[0], weights.dims[1]);
  std::swap(weights.strides[0], weights.strides[1]);
  INGOT_ASSIGN_OR_RETURN(const std::optional<Tensor> bias, ProductBias(lowering, r, first));
  const int64_t row = r.gates * r.hidden + kRowGap;
  const Tensor out = lowering.NewTensor(ir::DType::kFloat32, {r.steps * r.batch * row});
  ProductRows rows;
  rows.x = x;
  ir::Dims strides;
  if (r.batch > 1 && x.strides[0] == r.batch * x.strides[1]) {
    rows.rows = r.steps * r.batch;
    rows.lda = x.strides[1];
    strides = {r.batch * row, row, 1};
  } else {
    const bool merged = r.batch == 1 || x.strides[1] == r.steps * x.strides[0];
    rows.rows = merged ? r.steps * r.batch : r.steps;
    rows.lda = x.strides[0];
    rows.groups = merged ? 1 : r.batch;
    rows.group_stride = x.strides[1];
    strides = {row, r.steps * row, 1};
  }
  const auto no_operand = [](const PostOp&) -> absl::StatusOr<Tensor> {
    return absl::InternalError("recurrent layers have no post-ops");
  };
  INGOT_RETURN_IF_ERROR(AddProduct(lowering, rows, weights, bias, {}, no_operand, out, row));
  return WithDims(out, {r.steps, r.batch, r.gates * r.hidden}, strides);
}

absl::StatusOr<Tensor> PackStateWeights(Lowering& lowering, const Rnn& r, const Recurrent& cell,
                                        int64_t first) {
  INGOT_ASSIGN_OR_RETURN(const Tensor weights, lowering.Strided(r.params[first + 1]));
  const Tensor packed =
      lowering.NewTensor(ir::DType::kFloat32, {static_cast<int64_t>(cell.PackedBytes() / 4)});
  const int64_t row_stride = weights.strides[0], column_stride = weights.strides[1];
  INGOT_RETURN_IF_ERROR(
      lowering.AddKernel("ingot:pack", {Read(weights), Write(packed)}, [=](const StepArgs& args) {
        cell.Pack(args.At<float>(0), row_stride, column_stride, args.At<float>(1));
        return absl::OkStatus();
      }));
  return packed;
}

struct LayerResult {
  Tensor sequence;      // [steps, batch, directions * hidden]
  Tensor hidden, cell;  // [directions, batch, hidden]
};

// Runs a layer, in all directions, over `x`, [steps, batch, columns]. states: h or h and c, dense.
absl::StatusOr<LayerResult> AddLayer(Lowering& lowering, const Rnn& r, const Tensor& x,
                                     absl::Span<const Tensor> states, int64_t layer) {
  const auto dtype = ir::DType::kFloat32;
  const Recurrent cell =
      Recurrent::Make(r.lstm ? RecurrentCell::kLstm : RecurrentCell::kGru, r.hidden);
  const int64_t width = r.directions * r.hidden;
  LayerResult result;
  Tensor y = lowering.NewTensor(dtype, {r.steps * r.batch * width});
  y = WithDims(
      y, {r.steps, r.batch, width},
      r.batch_first ? ir::Dims{width, r.steps * width, 1} : ir::Dims{r.batch * width, width, 1});
  result.sequence = y;
  result.hidden = lowering.NewTensor(dtype, {r.directions, r.batch, r.hidden});
  // The GRU's is never touched.
  result.cell = lowering.NewTensor(dtype, {r.lstm ? r.directions : 1, r.batch, r.hidden});
  std::vector<Operand> operands = {Write(y), Write(result.hidden), Write(result.cell),
                                   Read(states[0]), Read(states.back())};
  const int fixed = static_cast<int>(operands.size());
  RecurrentArgs call;
  for (int64_t d = 0; d < r.directions; ++d) {
    const int64_t first = (layer * r.directions + d) * (r.biases ? 4 : 2);
    INGOT_ASSIGN_OR_RETURN(const Tensor products, InputProducts(lowering, r, x, first));
    INGOT_ASSIGN_OR_RETURN(const Tensor packed, PackStateWeights(lowering, r, cell, first));
    operands.push_back(Read(products));
    operands.push_back(Read(packed));
    call.products_step = products.strides[0];
    call.products_row = products.strides[1];
    if (r.biases && !r.lstm) {
      INGOT_ASSIGN_OR_RETURN(const Tensor bias, lowering.Dense(r.params[first + 3]));
      operands.push_back(Read(bias));
    }
  }
  call.steps = r.steps;
  call.batch = r.batch;
  call.y_step = y.strides[0];
  call.y_row = y.strides[1];
  call.h0_row = call.c0_row = call.h_last_row = call.c_last_row = r.hidden;
  const int64_t hidden = r.hidden, directions = r.directions, state = r.batch * r.hidden;
  const bool lstm = r.lstm, has_bias = r.biases && !r.lstm;
  INGOT_RETURN_IF_ERROR(lowering.AddKernel(
      lstm ? "ingot:lstm" : "ingot:gru", std::move(operands), [=](const StepArgs& args) {
        for (int64_t d = 0; d < directions; ++d) {
          const int own = fixed + static_cast<int>(d) * (has_bias ? 3 : 2);
          const int64_t index = layer * directions + d;
          RecurrentArgs run = call;
          run.reverse = d == 1;
          run.products = args.At<float>(own);
          run.packed = args.At<float>(own + 1);
          if (has_bias) run.bias = args.At<float>(own + 2) + 2 * hidden;
          run.h0 = args.At<float>(3) + index * state;
          run.y = args.At<float>(0) + d * hidden;
          run.h_last = args.At<float>(1) + d * state;
          if (lstm) {
            run.c0 = args.At<float>(4) + index * state;
            run.c_last = args.At<float>(2) + d * state;
          }
          cell.Run(run, args.threads());
        }
        return absl::OkStatus();
      }));
  return result;
}

// [directions, batch, hidden] of all layers below each other.
absl::StatusOr<Tensor> Join(Lowering& lowering, absl::Span<const Tensor> parts) {
  const auto count = static_cast<int64_t>(parts.size());
  if (count == 1) return parts[0];
  const int64_t size = parts[0].NumElements();
  const Tensor out = lowering.NewTensor(ir::DType::kFloat32, {count * size});
  std::vector<Operand> operands = {Write(out)};
  for (const Tensor& part : parts) operands.push_back(Read(part));
  INGOT_RETURN_IF_ERROR(
      lowering.AddKernel("ingot:copy", std::move(operands), [=](const StepArgs& args) {
        for (int64_t i = 0; i < count; ++i) {
          std::copy_n(args.At<float>(static_cast<int>(i) + 1), size, args.At<float>(0) + i * size);
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
  if (x.strides[2] != 1 && x.dims[2] != 1) {
    INGOT_ASSIGN_OR_RETURN(x, lowering.Dense(x));
  }
  std::vector<Tensor> hidden, cell;
  for (int64_t layer = 0; layer < r.layers; ++layer) {
    INGOT_ASSIGN_OR_RETURN(LayerResult result, AddLayer(lowering, r, x, states, layer));
    x = result.sequence;
    hidden.push_back(result.hidden);
    cell.push_back(result.cell);
  }
  if (r.batch_first) {
    std::swap(x.dims[0], x.dims[1]);
    std::swap(x.strides[0], x.strides[1]);
  }
  const std::vector<ir::ValueId>& outputs = view.node().outputs;
  if (outputs[0] != ir::kNoValue) lowering.Set(outputs[0], x);
  for (size_t i = 1; i < outputs.size(); ++i) {
    if (outputs[i] == ir::kNoValue) continue;
    INGOT_ASSIGN_OR_RETURN(Tensor joined, Join(lowering, i == 1 ? hidden : cell));
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
