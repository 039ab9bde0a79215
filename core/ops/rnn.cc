// Recurrent layers, all layers and directions of a module in one op.
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

// What lstm.input and gru.input share from argument 2 on: params, has_biases, num_layers, dropout,
// train, bidirectional, batch_first.
struct Rnn {
  int gates = 4;
  bool has_biases = false;
  int64_t layers = 1, directions = 1;
  int64_t steps = 0, batch = 0, input_size = 0;
  int64_t hidden = 0;  // of the cell
  int64_t output = 0;  // of a step: hidden, or the size that w_hr projects to
  bool batch_first = false;
};

absl::StatusOr<Rnn> ReadRnn(InferContext& ctx, int gates) {
  const ir::TensorType& input = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(RequireRank(ctx, "input", input, 3));
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, input.dtype));
  if (ctx.Float(5) != 0.0 && ctx.Bool(6)) return Unsupported(ctx, "dropout in training");
  Rnn rnn;
  rnn.gates = gates;
  rnn.has_biases = ctx.Bool(3);
  rnn.layers = ctx.Int(4);
  rnn.directions = ctx.Bool(7) ? 2 : 1;
  rnn.batch_first = ctx.Bool(8);
  rnn.steps = input.dims[rnn.batch_first ? 1 : 0];
  rnn.batch = input.dims[rnn.batch_first ? 0 : 1];
  rnn.input_size = input.dims[2];
  if (rnn.steps == 0) return ctx.Error("the sequence is empty");
  if (rnn.layers < 1 || rnn.layers > 4096) {
    return ctx.Error(absl::StrCat("num_layers ", rnn.layers, " is out of range"));
  }
  return rnn;
}

absl::Status CheckStateType(InferContext& ctx, const Rnn& rnn, const ir::TensorType& state) {
  INGOT_RETURN_IF_ERROR(RequireRank(ctx, "hx", state, 3));
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, ctx.Tensor(0), state));
  if (state.dims[0] == rnn.layers * rnn.directions && state.dims[1] == rnn.batch) {
    return absl::OkStatus();
  }
  return ctx.Error(absl::StrCat("hx ", ir::ToString(state), " must start with [",
                                rnn.layers * rnn.directions, ",", rnn.batch, "]"));
}

absl::Status CheckParams(InferContext& ctx, const Rnn& rnn) {
  const std::vector<ir::TensorType> params = ctx.Tensors(2);
  const bool projected = rnn.output != rnn.hidden;
  const size_t each = 2 + (rnn.has_biases ? 2 : 0) + (projected ? 1 : 0);
  if (params.size() != each * rnn.layers * rnn.directions) {
    return ctx.Error(absl::StrCat("expected ", each * rnn.layers * rnn.directions,
                                  " parameters, got ", params.size()));
  }
  for (size_t i = 0; i < params.size(); ++i) {
    const bool first_layer = i < each * rnn.directions;
    const int64_t rows = rnn.gates * rnn.hidden;
    std::vector<ir::Dims> expected = {
        {rows, first_layer ? rnn.input_size : rnn.output * rnn.directions}, {rows, rnn.output}};
    if (rnn.has_biases) expected.insert(expected.end(), 2, ir::Dims{rows});
    if (projected) expected.push_back({rnn.output, rnn.hidden});
    INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, ctx.Tensor(0), params[i]));
    if (params[i].dims != expected[i % each]) {
      return ctx.Error(absl::StrCat("parameter ", i, " must have sizes ",
                                    DimsText(expected[i % each]), ", not ",
                                    ir::ToString(params[i])));
    }
  }
  return absl::OkStatus();
}

void AddSequence(InferContext& ctx, const Rnn& rnn) {
  const int64_t width = rnn.output * rnn.directions;
  ir::Dims dims = {rnn.steps, rnn.batch, width};
  if (rnn.batch_first) dims = {rnn.batch, rnn.steps, width};
  ctx.AddOutput({ctx.Tensor(0).dtype, std::move(dims)});
}

absl::Status InferLstm(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(Rnn rnn, ReadRnn(ctx, 4));
  const std::vector<ir::TensorType> states = ctx.Tensors(1);
  if (states.size() != 2) return ctx.Error("hx must be two tensors: hidden and cell state");
  for (const ir::TensorType& state : states) {
    INGOT_RETURN_IF_ERROR(CheckStateType(ctx, rnn, state));
  }
  rnn.output = states[0].dims[2];
  rnn.hidden = states[1].dims[2];
  INGOT_RETURN_IF_ERROR(CheckParams(ctx, rnn));
  AddSequence(ctx, rnn);
  for (const ir::TensorType& state : states) ctx.AddOutput(state);
  return absl::OkStatus();
}

absl::Status InferGru(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(Rnn rnn, ReadRnn(ctx, 3));
  INGOT_RETURN_IF_ERROR(CheckStateType(ctx, rnn, ctx.Tensor(1)));
  rnn.output = rnn.hidden = ctx.Tensor(1).dims[2];
  INGOT_RETURN_IF_ERROR(CheckParams(ctx, rnn));
  AddSequence(ctx, rnn);
  ctx.AddOutput(ctx.Tensor(1));
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> RnnOps() {
  return {
      {"aten::lstm.input(Tensor input, Tensor[] hx, Tensor[] params, bool has_biases, int "
       "num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, "
       "Tensor, Tensor)",
       "", kNoTraits, InferLstm,
       "i,f,g,o = W_ih x + b_ih + W_hh h + b_hh; c = sig(f) c + sig(i) tanh(g); h = sig(o) "
       "tanh(c)"},
      {"aten::gru.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int "
       "num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, "
       "Tensor)",
       "", kNoTraits, InferGru,
       "r,z = sig(W x + b + W h + b); n = tanh(W x + b + r (W h + b)); h = (1 - z) n + z h"},
  };
}

}  // namespace ingot::ops
