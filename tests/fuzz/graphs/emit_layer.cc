// Products, convolutions, pools, normalisations, attention and recurrent layers, of small sizes.
#include <algorithm>
#include <cmath>

#include "tests/fuzz/graphs/gen.h"

namespace ingot::fuzz {
namespace {

using ir::Argument;
using ir::None;
using ir::ValueId;
using ir::ValueRef;
using ir::ValueRefList;
using Ints = std::vector<int64_t>;

// Weights small enough that products of a few dozen stay small.
ValueId Weight(Gen& gen, ir::DType dtype, ir::Dims dims) {
  const Domain::Kind kind = gen.rng().OneIn(2) ? Domain::Kind::kGrid : Domain::Kind::kSmooth;
  return gen.Fresh({dtype, std::move(dims)}, {kind, -1, 1});
}

// A floating value of such a rank, moderate and without special values.
ValueId Moderate(Gen& gen, int min_rank, int max_rank) {
  const auto found = gen.Find([&](ValueId v) {
    return gen.IsFloat(v) && gen.rank(v) >= min_rank && gen.rank(v) <= max_rank &&
           !gen.info(v).special && gen.type(v).NumElements() > 0;
  });
  const ValueId v = found ? *found
                          : gen.Fresh({gen.RandomFloatDType(), gen.RandomDims(min_rank, max_rank)},
                                      {Domain::Kind::kSmooth, -2, 2});
  return gen.Clamped(v, -8, 8);
}

// Sum of `terms` products of a and b, plus c.
Effect ProductEffect(const Gen& gen, ValueId a, ValueId b, int64_t terms, double plus, bool grid) {
  const double bound = static_cast<double>(terms) * gen.Magnitude(a) * gen.Magnitude(b) + plus;
  const int ga = gen.info(a).grid, gb = gen.info(b).grid;
  return Gen::OnGrid(gen.type(a).dtype, -bound, bound, grid && ga >= 0 && gb >= 0 ? ga + gb : -1,
                     false);
}

bool EmitLinear(Gen& gen) {
  const ValueId x = Moderate(gen, 1, 4);
  const int64_t in = gen.type(x).dims.back(), out = gen.rng().Int(1, 8);
  const ValueId w = Weight(gen, gen.type(x).dtype, {out, in});
  std::vector<Argument> args = {ValueRef{x}, ValueRef{w}, None{}};
  if (gen.rng().OneIn(2)) args[2] = ValueRef{Weight(gen, gen.type(x).dtype, {out})};
  return Done(gen.Emit("aten::linear", std::move(args), ProductEffect(gen, x, w, in, 1, true)));
}

bool EmitMatmul(Gen& gen) {
  const ValueId a = Moderate(gen, 1, 4);
  const int64_t k = gen.type(a).dims.back();
  ir::Dims dims = {k, gen.rng().Int(1, 6)};
  if (gen.rng().OneIn(4)) dims.pop_back();
  if (dims.size() == 2 && gen.rank(a) > 2 && gen.rng().OneIn(2)) {
    dims.insert(dims.begin(), gen.rng().OneIn(2) ? 1 : gen.type(a).dims[gen.rank(a) - 3]);
  }
  const ValueId b = Weight(gen, gen.type(a).dtype, dims);
  const Effect effect = ProductEffect(gen, a, b, k, 0, true);
  if (gen.rank(a) == 2 && dims.size() == 2 && gen.rng().OneIn(2)) {
    return Done(gen.Emit("aten::mm", {ValueRef{a}, ValueRef{b}}, effect));
  }
  if (gen.rank(a) == 3 && dims.size() == 3 && dims[0] == gen.type(a).dims[0]) {
    return Done(gen.Emit("aten::bmm", {ValueRef{a}, ValueRef{b}}, effect));
  }
  return Done(gen.Emit("aten::matmul", {ValueRef{a}, ValueRef{b}}, effect));
}

bool EmitAddMatmul(Gen& gen) {
  const ValueId a = Moderate(gen, 2, 3);
  const bool batched = gen.rank(a) == 3;
  const ir::DType dtype = gen.type(a).dtype;
  const int64_t k = gen.type(a).dims.back(), n = gen.rng().Int(1, 5);
  const ValueId b =
      Weight(gen, dtype, batched ? ir::Dims{gen.type(a).dims[0], k, n} : ir::Dims{k, n});
  const ValueId c = Weight(gen, dtype, {n});
  const char* op = batched ? "aten::baddbmm" : "aten::addmm";
  std::vector<Argument> args = {ValueRef{c}, ValueRef{a}, ValueRef{b}};
  double scale = 1;
  if (gen.rng().OneIn(2)) {
    args.push_back(gen.Number(op, "beta", 0.5));
    args.push_back(gen.Number(op, "alpha", 2.0));
    scale = 2;
  }
  Effect effect = ProductEffect(gen, a, b, k, 1, false);
  effect.low *= scale;
  effect.high *= scale;
  return Done(gen.Emit(op, std::move(args), effect));
}

bool EmitConvolution(Gen& gen) {
  const int64_t spatial = gen.rng().OneIn(2) ? 2 : gen.rng().Int(1, 3);
  const int64_t choices[] = {1, 1, 1, 2, 4};
  int64_t groups = gen.rng().Pick(choices);
  const bool transposed = gen.rng().OneIn(4);
  ir::Dims dims = {gen.rng().Int(1, 2), groups * gen.rng().Int(1, 2)};
  Ints stride, padding, dilation, output_padding;
  ir::Dims kernel;
  int64_t terms = dims[1];
  for (int64_t i = 0; i < spatial; ++i) {
    dims.push_back(gen.rng().Int(3, spatial == 3 ? 4 : 7));
    kernel.push_back(gen.rng().Int(1, 3));
    stride.push_back(gen.rng().Int(1, 2));
    padding.push_back(gen.rng().Int(0, 1));
    dilation.push_back(gen.rng().OneIn(4) ? 2 : 1);
    output_padding.push_back(transposed && gen.rng().OneIn(3) ? stride.back() - 1 : 0);
    terms *= kernel.back();
  }
  const auto found = gen.Find([&](ValueId v) {
    return gen.IsFloat(v) && gen.rank(v) == spatial + 2 && gen.type(v).dims[1] % groups == 0 &&
           gen.type(v).NumElements() > 0 && !gen.info(v).special;
  });
  ValueId x =
      found ? *found : gen.Fresh({gen.RandomFloatDType(), dims}, {Domain::Kind::kSmooth, -2, 2});
  x = gen.Clamped(x, -8, 8);
  const int64_t in = gen.type(x).dims[1], out = groups * gen.rng().Int(1, 2);
  terms = terms / dims[1] * in;
  ir::Dims weight = transposed ? ir::Dims{in, out / groups} : ir::Dims{out, in / groups};
  weight.insert(weight.end(), kernel.begin(), kernel.end());
  const ValueId w = Weight(gen, gen.type(x).dtype, weight);
  std::vector<Argument> args = {ValueRef{x}, ValueRef{w}, None{},         stride, padding,
                                dilation,    transposed,  output_padding, groups};
  if (gen.rng().OneIn(2)) args[2] = ValueRef{Weight(gen, gen.type(x).dtype, {out})};
  return Done(
      gen.Emit("aten::convolution", std::move(args), ProductEffect(gen, x, w, terms, 1, false)));
}

bool EmitPool(Gen& gen) {
  const int64_t spatial = gen.rng().OneIn(2) ? 2 : gen.rng().Int(1, 3);
  const auto found = gen.Find([&](ValueId v) {
    return gen.IsFloat(v) && gen.rank(v) == spatial + 2 && gen.type(v).NumElements() > 0 &&
           !gen.info(v).special;
  });
  ir::Dims dims = {gen.rng().Int(1, 2), gen.rng().Int(1, 3)};
  for (int64_t i = 0; i < spatial; ++i) dims.push_back(gen.rng().Int(3, spatial == 3 ? 4 : 8));
  const ValueId x = found ? *found : gen.Fresh({gen.RandomFloatDType(), dims});
  if (gen.info(x).special) return false;
  Ints kernel, stride, padding;
  for (int64_t i = 0; i < spatial; ++i) {
    kernel.push_back(gen.rng().Int(1, 3));
    stride.push_back(gen.rng().Int(1, 3));
    padding.push_back(gen.rng().Int(0, kernel.back() / 2));
  }
  const bool ceil = gen.rng().OneIn(3);
  const std::string suffix = std::to_string(spatial) + "d";
  if (gen.rng().OneIn(2)) {
    Effect effect = gen.Moved(x);
    effect.distinct = false;
    const Ints dilation(spatial, gen.rng().OneIn(4) ? 2 : 1);
    return Done(gen.Emit("aten::max_pool" + suffix,
                         {ValueRef{x}, kernel, stride, padding, dilation, ceil}, effect));
  }
  const double bound = gen.Magnitude(x) * 30;
  std::vector<Argument> args = {ValueRef{x}, kernel, stride, padding, ceil, gen.rng().OneIn(2)};
  if (spatial > 1 && gen.rng().OneIn(4)) args.push_back(int64_t{3});
  return Done(gen.Emit("aten::avg_pool" + suffix, std::move(args), Gen::Rounded(-bound, bound)));
}

bool EmitResample(Gen& gen) {
  const bool flat = gen.rng().OneIn(3);
  const auto found = gen.Find([&](ValueId v) {
    return gen.IsFloat(v) && gen.rank(v) == (flat ? 3 : 4) && gen.type(v).NumElements() > 0 &&
           !gen.info(v).special;
  });
  const ir::Dims dims = flat ? ir::Dims{1, 2, 6} : ir::Dims{1, 2, 4, 5};
  const ValueId x = found ? *found : gen.Fresh({gen.RandomFloatDType(), dims});
  if (gen.info(x).special) return false;
  const double bound = gen.Magnitude(x) * 1.5;
  const Effect rounded = Gen::Rounded(-bound, bound);
  const Ints size = {gen.rng().Int(1, 6), gen.rng().Int(1, 6)};
  if (flat) {
    return Done(gen.Emit("aten::adaptive_avg_pool1d", {ValueRef{x}, Ints{size[0]}}, rounded));
  }
  switch (gen.rng().Int(0, 2)) {
    case 0:
      return Done(gen.Emit("aten::adaptive_avg_pool2d", {ValueRef{x}, size}, rounded));
    case 1: {
      Effect effect = gen.Moved(x);
      effect.distinct = false;
      return Done(gen.Emit("aten::upsample_nearest2d", {ValueRef{x}, size}, effect));
    }
    default:
      return Done(
          gen.Emit("aten::upsample_bilinear2d", {ValueRef{x}, size, gen.rng().OneIn(2)}, rounded));
  }
}

// A mean of squares well above the epsilon is up to the data: what is not, is ill conditioned, and
// the tolerance grows with it.
bool EmitNorm(Gen& gen) {
  const ValueId x = Moderate(gen, 2, 4);
  const ir::DType dtype = gen.type(x).dtype;
  const ir::Dims& dims = gen.type(x).dims;
  const double bound = 2 * std::sqrt(static_cast<double>(gen.type(x).NumElements())) + 2;
  const Effect effect = Gen::Rounded(-bound, bound);
  const int64_t which = gen.rng().Int(0, 3);
  const auto optional = [&](ir::Dims size) -> Argument {
    if (gen.rng().OneIn(3)) return None{};
    return ValueRef{Weight(gen, dtype, std::move(size))};
  };
  if (which <= 1) {
    const auto count = static_cast<size_t>(gen.rng().Int(1, 2));
    const ir::Dims shape(dims.end() - count, dims.end());
    const Ints normalized(shape.begin(), shape.end());
    if (which == 1) {
      std::vector<Argument> args = {ValueRef{x}, normalized, optional(shape), None{}};
      if (gen.rng().OneIn(2)) args[3] = 0.001;
      return Done(gen.Emit("aten::rms_norm", std::move(args), effect));
    }
    std::vector<Argument> args = {ValueRef{x}, normalized, optional(shape), None{}, 0.001};
    // A bias comes with a weight.
    if (!std::holds_alternative<None>(args[2])) args[3] = optional(shape);
    return Done(gen.Emit("aten::layer_norm", std::move(args), effect));
  }
  const int64_t channels = dims[1];
  if (which == 2) {
    const int64_t groups = channels % 2 == 0 && gen.rng().OneIn(2) ? 2 : 1;
    return Done(gen.Emit("aten::group_norm",
                         {ValueRef{x}, groups, optional({channels}), optional({channels}), 0.001},
                         effect));
  }
  const ValueId mean = gen.Fresh({dtype, {channels}}, {Domain::Kind::kSmooth, -1, 1});
  const ValueId var = gen.Fresh({dtype, {channels}}, {Domain::Kind::kSmooth, 0.5, 2});
  const double scaled = 2 * (gen.Magnitude(x) + 1) + 1;
  return Done(gen.Emit("aten::batch_norm",
                       {ValueRef{x}, optional({channels}), optional({channels}), ValueRef{mean},
                        ValueRef{var}, false, 0.1, 1e-5, true},
                       Gen::Rounded(-scaled, scaled)));
}

bool EmitSoftmax(Gen& gen) {
  const char* ops[] = {"aten::softmax.int", "aten::_softmax", "aten::log_softmax.int",
                       "aten::_log_softmax"};
  const size_t which = static_cast<size_t>(gen.rng().Int(0, 3));
  const ValueId x = gen.Clamped(gen.Float(), -50, 50);
  std::vector<Argument> args = {ValueRef{x}, gen.RandomDim(gen.rank(x))};
  if (which % 2 == 1) args.push_back(false);
  const double low = which < 2 ? 0 : -2 * gen.Magnitude(x) - 10;
  return Done(gen.Emit(ops[which], std::move(args), Gen::Rounded(low, 1, gen.info(x).special)));
}

bool EmitAttention(Gen& gen) {
  const ir::DType dtype = gen.RandomFloatDType();
  const int64_t heads = gen.rng().Int(1, 4), length = gen.rng().Int(1, 5),
                keys = gen.rng().OneIn(2) ? length : gen.rng().Int(1, 5), depth = 4;
  const bool grouped = heads % 2 == 0 && gen.rng().OneIn(3);
  const int64_t key_heads = grouped ? heads / 2 : heads;
  const auto found = gen.Find([&](ValueId v) {
    return gen.type(v) == ir::TensorType{dtype, {1, heads, length, depth}} &&
           gen.Magnitude(v) <= 8 && !gen.info(v).special;
  });
  const ValueId q = found ? *found : Weight(gen, dtype, {1, heads, length, depth});
  const ValueId k = Weight(gen, dtype, {1, key_heads, keys, depth});
  const ValueId v = Weight(gen, dtype, {1, key_heads, keys, depth});
  std::vector<Argument> args = {ValueRef{q}, ValueRef{k}, ValueRef{v}, None{},
                                0.0,         false,       None{},      grouped};
  switch (gen.rng().Int(0, 3)) {
    case 0:
      args[5] = true;
      break;
    case 1:
      args[3] = ValueRef{Weight(gen, dtype, {length, keys})};
      break;
    case 2:
      args[3] = ValueRef{gen.Fresh({ir::DType::kBool, {1, 1, length, keys}})};
      break;
    default:
      args[6] = 0.75;
  }
  // Rows that a mask hides are NaN or 0 by the version of eager, at certain places.
  return Done(
      gen.Emit("aten::scaled_dot_product_attention", std::move(args), Gen::Rounded(-1, 1, true)));
}

bool EmitRecurrent(Gen& gen) {
  const bool lstm = gen.rng().OneIn(2), two_ways = gen.rng().OneIn(3), biases = gen.rng().OneIn(2);
  const bool batch_first = gen.rng().OneIn(2);
  const ir::DType dtype = gen.rng().OneIn(4) ? ir::DType::kFloat64 : ir::DType::kFloat32;
  const int64_t directions = two_ways ? 2 : 1, gates = lstm ? 4 : 3, hidden = gen.rng().Int(1, 3),
                in = gen.rng().Int(1, 4), batch = gen.rng().Int(1, 2), time = gen.rng().Int(1, 3),
                layers = gen.rng().Int(1, 2);
  const ValueId x =
      gen.Fresh({dtype, batch_first ? ir::Dims{batch, time, in} : ir::Dims{time, batch, in}},
                {Domain::Kind::kSmooth, -2, 2});
  std::vector<ValueId> states, params;
  for (int i = 0; i < (lstm ? 2 : 1); ++i) {
    states.push_back(Weight(gen, dtype, {layers * directions, batch, hidden}));
  }
  for (int64_t layer = 0; layer < layers; ++layer) {
    const int64_t features = layer == 0 ? in : hidden * directions;
    for (int64_t direction = 0; direction < directions; ++direction) {
      params.push_back(Weight(gen, dtype, {gates * hidden, features}));
      params.push_back(Weight(gen, dtype, {gates * hidden, hidden}));
      for (int i = 0; i < (biases ? 2 : 0); ++i) {
        params.push_back(Weight(gen, dtype, {gates * hidden}));
      }
    }
  }
  Argument state = ValueRef{states[0]};
  if (lstm) state = ValueRefList{states};
  return Done(gen.Emit(
      lstm ? "aten::lstm.input" : "aten::gru.input",
      {ValueRef{x}, state, ValueRefList{params}, biases, layers, 0.0, false, two_ways, batch_first},
      Gen::Rounded(-4, 4)));
}

}  // namespace

std::vector<Emitter> LayerEmitters() {
  return {{"linear", 4, EmitLinear},
          {"matmul", 4, EmitMatmul},
          {"add matmul", 2, EmitAddMatmul},
          {"convolution", 3, EmitConvolution},
          {"pool", 3, EmitPool},
          {"resample", 2, EmitResample},
          {"norm", 4, EmitNorm},
          {"softmax", 3, EmitSoftmax},
          {"attention", 2, EmitAttention},
          {"recurrent", 1, EmitRecurrent}};
}

}  // namespace ingot::fuzz
