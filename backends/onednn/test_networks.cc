#include "backends/onednn/test_networks.h"

#include <cmath>
#include <utility>
#include <vector>

namespace ingot::onednn {
namespace {

using ir::None;
using ir::ValueId;
using ir::ValueRef;
using Ints = std::vector<int64_t>;

constexpr ir::DType kF32 = ir::DType::kFloat32;

ValueId Linear(TestGraph& g, ValueId x, int64_t in, int64_t out) {
  const auto seed = static_cast<uint32_t>(g.constants.size() + 1);
  Array weight = RandomF32({out, in}, seed);
  auto* w = reinterpret_cast<float*>(weight.bytes.data());
  for (int64_t i = 0; i < in * out; ++i) w[i] /= std::sqrt(static_cast<float>(in));
  const ValueId wv = g.Constant(std::move(weight));
  const ValueId bv = g.Constant(RandomF32({out}, seed + 1000));
  return g.builder.Op("aten::linear", {ValueRef{x}, ValueRef{wv}, ValueRef{bv}});
}

ValueId LayerNorm(TestGraph& g, ValueId x, int64_t width) {
  const ValueId w = g.Constant(RandomF32({width}, 5)), b = g.Constant(RandomF32({width}, 6));
  return g.builder.Op("aten::layer_norm",
                      {ValueRef{x}, Ints{width}, ValueRef{w}, ValueRef{b}, 1e-12, true});
}

ValueId Heads(TestGraph& g, ValueId x, const EncoderSize& s) {
  const ValueId view = g.builder.Op(
      "aten::view", {ValueRef{x}, Ints{s.batch, s.length, s.heads, s.width / s.heads}});
  return g.builder.Op("aten::transpose.int", {ValueRef{view}, int64_t{1}, int64_t{2}});
}

ValueId EncoderLayer(TestGraph& g, ValueId x, const EncoderSize& s) {
  const ValueId q = Heads(g, Linear(g, x, s.width, s.width), s);
  const ValueId k = Heads(g, Linear(g, x, s.width, s.width), s);
  const ValueId v = Heads(g, Linear(g, x, s.width, s.width), s);
  ValueId y =
      g.builder.Op("aten::scaled_dot_product_attention", {ValueRef{q}, ValueRef{k}, ValueRef{v}});
  y = g.builder.Op("aten::transpose.int", {ValueRef{y}, int64_t{1}, int64_t{2}});
  y = g.builder.Op("aten::reshape", {ValueRef{y}, Ints{s.batch, s.length, s.width}});
  y = Linear(g, y, s.width, s.width);
  y = LayerNorm(g, g.builder.Op("aten::add.Tensor", {ValueRef{y}, ValueRef{x}}), s.width);
  ValueId z = g.builder.Op("aten::gelu", {ValueRef{Linear(g, y, s.width, 4 * s.width)}});
  z = Linear(g, z, 4 * s.width, s.width);
  return LayerNorm(g, g.builder.Op("aten::add.Tensor", {ValueRef{z}, ValueRef{y}}), s.width);
}

// A square convolution that keeps the sides, and its batch norm.
ValueId Conv(TestGraph& g, ValueId x, int64_t in, int64_t out, int64_t kernel) {
  const auto seed = static_cast<uint32_t>(g.constants.size() + 1);
  const ValueId w = g.Constant(RandomF32({out, in, kernel, kernel}, seed));
  const int64_t pad = kernel / 2;
  x = g.builder.Op("aten::convolution",
                   {ValueRef{x}, ValueRef{w}, None{}, Ints{1, 1}, Ints{pad, pad}, Ints{1, 1}, false,
                    Ints{0, 0}, int64_t{1}});
  const ValueId mean = g.Constant(RandomF32({out}, seed + 1));
  Array variance = RandomF32({out}, seed + 2);
  auto* v = reinterpret_cast<float*>(variance.bytes.data());
  for (int64_t i = 0; i < out; ++i) v[i] = 1.5f + v[i];
  const ValueId var = g.Constant(std::move(variance));
  return g.builder.Op("aten::batch_norm", {ValueRef{x}, None{}, None{}, ValueRef{mean},
                                           ValueRef{var}, false, 0.1, 1e-5, true});
}

ValueId Relu(TestGraph& g, ValueId x) { return g.builder.Op("aten::relu", {ValueRef{x}}); }

ValueId TwoConvs(TestGraph& g, ValueId x, int64_t in, int64_t out) {
  x = Relu(g, Conv(g, x, in, out, 3));
  return Relu(g, Conv(g, x, out, out, 3));
}

}  // namespace

TestGraph Mlp() {
  TestGraph g;
  ValueId x = g.builder.Argument({kF32, {8, 64}});
  x = Linear(g, x, 64, 256);
  x = g.builder.Op("aten::gelu", {ValueRef{x}});
  x = LayerNorm(g, x, 256);
  x = Linear(g, x, 256, 64);
  g.builder.Result(g.builder.Op("aten::sigmoid", {ValueRef{x}}));
  return g;
}

TestGraph Encoder(const EncoderSize& size) {
  TestGraph g;
  ValueId x = g.builder.Argument({kF32, {size.batch, size.length, size.width}});
  for (int64_t i = 0; i < size.layers; ++i) x = EncoderLayer(g, x, size);
  g.builder.Result(x);
  return g;
}

TestGraph Bottlenecks(int64_t count) {
  TestGraph g;
  ValueId x = g.builder.Argument({kF32, {1, 256, 56, 56}});
  for (int64_t i = 0; i < count; ++i) {
    ValueId y = Relu(g, Conv(g, x, 256, 64, 1));
    y = Relu(g, Conv(g, y, 64, 64, 3));
    y = Conv(g, y, 64, 256, 1);
    x = Relu(g, g.builder.Op("aten::add.Tensor", {ValueRef{y}, ValueRef{x}}));
  }
  g.builder.Result(x);
  return g;
}

TestGraph Unet(int64_t levels, int64_t side) {
  TestGraph g;
  int64_t channels = 16;
  ValueId x = TwoConvs(g, g.builder.Argument({kF32, {1, 3, side, side}}), 3, channels);
  std::vector<ValueId> down;
  for (int64_t i = 0; i < levels; ++i, channels *= 2) {
    down.push_back(x);
    x = g.builder.Op("aten::max_pool2d",
                     {ValueRef{x}, Ints{2, 2}, Ints{2, 2}, Ints{0, 0}, Ints{1, 1}, false});
    x = TwoConvs(g, x, channels, 2 * channels);
  }
  for (; !down.empty(); down.pop_back(), channels /= 2) {
    const int64_t out = side >> (down.size() - 1);
    x = g.builder.Op("aten::upsample_nearest2d", {ValueRef{x}, Ints{out, out}, None{}, None{}});
    x = Conv(g, x, channels, channels / 2, 3);
    x = g.builder.Op("aten::cat", {ir::ValueRefList{{down.back(), x}}, int64_t{1}});
    x = TwoConvs(g, x, channels, channels / 2);
  }
  g.builder.Result(x);
  return g;
}

}  // namespace ingot::onednn
