// Rarer ops of all families. Operands are inputs mostly, moderate and of their own; each row of a
// table is a call with its result's bound.
#include <algorithm>
#include <string>

#include "tests/fuzz/graphs/gen.h"

namespace ingot::fuzz {
namespace {

using ir::Argument;
using ir::None;
using ir::ValueId;
using ir::ValueRef;
using Ints = std::vector<int64_t>;
using Kind = Domain::Kind;

Argument Smooth(Gen& gen, ir::DType dtype, ir::Dims dims, double low = -2, double high = 2) {
  return ValueRef{gen.Fresh({dtype, std::move(dims)}, {Kind::kSmooth, low, high})};
}

// A value that is not special, clamped.
ValueId Moderate(Gen& gen, double low = -8, double high = 8) {
  const auto found = gen.Find([&](ValueId v) { return gen.IsFloat(v) && !gen.info(v).special; });
  return gen.Clamped(
      found ? *found
            : gen.Fresh({gen.RandomFloatDType(), gen.RandomDims(0, 3)}, {Kind::kSmooth, -2, 2}),
      low, high);
}
Argument Like(Gen& gen, ValueId v, double low, double high) {
  return Smooth(gen, gen.type(v).dtype, gen.type(v).dims, low, high);
}
bool Keep(Gen& gen) { return gen.rng().OneIn(2); }

bool EmitBinary(Gen& gen) {
  struct Row {
    const char* op;
    double low, high;  // of the second operand
    double bound;
  };
  const Row rows[] = {{"aten::hypot", -2, 2, 20},
                      {"aten::logaddexp", -2, 2, 20},
                      {"aten::logaddexp2", -2, 2, 20},
                      {"aten::xlogy.Tensor", 0.5, 3, 20},
                      {"aten::special_xlog1py", 0.5, 3, 20},
                      {"aten::copysign.Tensor", -2, 2, 10}};
  const Row& row = gen.rng().Pick(rows);
  const ValueId v = Moderate(gen);
  return Done(gen.Emit(row.op, {ValueRef{v}, Like(gen, v, row.low, row.high)},
                       Gen::Rounded(-row.bound, row.bound)));
}

bool EmitExactBinary(Gen& gen) {
  const char* ops[] = {
      "aten::fmax",      "aten::fmin",     "aten::clamp_max.Tensor", "aten::clamp_min.Tensor",
      "aten::heaviside", "aten::nextafter"};
  const char* op = gen.rng().Pick(ops);
  const ValueId v = gen.ExactFloat();
  if (gen.info(v).special) return false;
  // The next half is a step that only eager takes.
  if (op == ops[5] && ir::ElementSize(gen.type(v).dtype) == 2) return false;
  const ValueId w = gen.Fresh(gen.type(v), {Kind::kGrid, -2, 2});
  Effect effect = gen.Moved({v, w});
  effect.low -= 1;
  effect.high += 1;
  effect.distinct = false;
  // The next number lies on no grid.
  if (op == ops[5]) effect.grid = -1, effect.raw = true;
  return Done(gen.Emit(op, {ValueRef{v}, ValueRef{w}}, effect));
}

bool EmitWholeBinary(Gen& gen) {
  const char* ops[] = {"aten::gcd", "aten::lcm", "aten::bitwise_left_shift.Tensor",
                       "aten::bitwise_right_shift.Tensor"};
  const ir::DType dtypes[] = {ir::DType::kInt64, ir::DType::kInt32, ir::DType::kUInt8};
  const ir::TensorType type{gen.rng().Pick(dtypes), gen.RandomDims(0, 3)};
  const ValueId a = gen.Fresh(type, {Kind::kGrid, 0, 12}), b = gen.Fresh(type, {Kind::kGrid, 1, 3});
  return Done(gen.Emit(gen.rng().Pick(ops), {ValueRef{a}, ValueRef{b}}, Gen::WholeNumbers(0, 96)));
}

bool EmitLoss(Gen& gen) {
  const char* ops[] = {"aten::mse_loss", "aten::huber_loss", "aten::smooth_l1_loss",
                       "aten::soft_margin_loss"};
  const int64_t reduction = gen.rng().Int(0, 2);
  const ValueId v = Moderate(gen, -2, 2);
  if (gen.type(v).NumElements() == 0) return false;
  const double bound = 40.0 * static_cast<double>(gen.type(v).NumElements());
  if (gen.rng().OneIn(4)) {
    const ValueId p = gen.Clamped(v, 0.125, 0.875);
    return Done(gen.Emit("aten::binary_cross_entropy",
                         {ValueRef{p}, Like(gen, p, 0, 1), None{}, reduction},
                         Gen::Rounded(0, bound)));
  }
  return Done(gen.Emit(gen.rng().Pick(ops), {ValueRef{v}, Like(gen, v, -2, 2), reduction},
                       Gen::Rounded(0, bound)));
}

bool EmitClassLoss(Gen& gen) {
  const bool flat = gen.rng().OneIn(2);
  const ir::DType dtype = gen.rng().OneIn(4) ? ir::DType::kFloat64 : ir::DType::kFloat32;
  const ir::Dims dims = flat ? ir::Dims{4, 5} : ir::Dims{2, 5, 2, 3};
  const ir::Dims targets = flat ? ir::Dims{4} : ir::Dims{2, 2, 3};
  const ValueId target = gen.Fresh({ir::DType::kInt64, targets}, {Kind::kGrid, 0, 4});
  return Done(gen.Emit(
      flat ? "aten::nll_loss_forward" : "aten::nll_loss2d_forward",
      {Smooth(gen, dtype, dims), ValueRef{target}, None{}, gen.rng().Int(0, 2), int64_t{-100}},
      Gen::Rounded(-60, 60)));
}

// Sums of products.
bool EmitProduct(Gen& gen) {
  const ir::DType dtype = gen.RandomFloatDType();
  const Effect effect = Gen::Rounded(-60, 60);
  const auto input = [&](ir::Dims dims) { return Smooth(gen, dtype, std::move(dims), -1, 1); };
  switch (gen.rng().Int(0, 5)) {
    case 0:
      return Done(gen.Emit("aten::dot", {input({7}), input({7})}, effect));
    case 1:
      return Done(gen.Emit("aten::addmv", {input({3}), input({3, 5}), input({5})}, effect));
    case 2:
      return Done(gen.Emit("aten::addr", {input({3, 4}), input({3}), input({4})}, effect));
    case 3:
      return Done(
          gen.Emit("aten::addbmm", {input({3, 2}), input({2, 3, 4}), input({2, 4, 2})}, effect));
    case 4:
      return Done(
          gen.Emit("aten::linalg_cross", {input({2, 3}), input({2, 3}), int64_t{-1}}, effect));
    default:
      return Done(gen.Emit("aten::trace", {input({4, 3})}, effect));
  }
}

bool EmitReduction(Gen& gen) {
  const ValueId v = Moderate(gen, -2, 2);
  const int rank = gen.rank(v);
  const int64_t count = gen.type(v).NumElements();
  if (count == 0 || count > 64) return false;
  const char* ops[] = {"aten::std_mean.correction", "aten::var_mean.correction"};
  switch (gen.rng().Int(0, 4)) {
    case 0:
      return Done(gen.Emit("aten::logcumsumexp", {ValueRef{v}, gen.RandomDim(rank)},
                           Gen::Rounded(-10, 10)));
    case 1:
      return Done(gen.Emit(gen.rng().Pick(ops),
                           {ValueRef{v}, gen.RandomDimSet(rank, 1), int64_t{0}, Keep(gen)},
                           Gen::Rounded(-10, 10, true)));
    case 2: {
      const ValueId w = gen.Fresh({gen.RandomFloatDType(), {3, 5}}, {Kind::kSmooth, -1, 1});
      return Done(gen.Emit("aten::cumprod", {ValueRef{w}, gen.RandomDim(2)}, Gen::Rounded(-1, 1)));
    }
    case 3: {
      const ValueId w = gen.Fresh({gen.RandomFloatDType(), {3, 4}}, {Kind::kSmooth, -2, 2});
      return Done(gen.Emit("aten::glu", {ValueRef{w}, int64_t{-1}}, Gen::Rounded(-2, 2)));
    }
    default:
      return Done(gen.Emit("aten::nansum", {ValueRef{v}, gen.RandomDimSet(rank, 1), Keep(gen)},
                           Gen::Rounded(-130, 130)));
  }
}

bool EmitExactReduction(Gen& gen) {
  const ValueId v = gen.Exact();
  const int rank = gen.rank(v);
  if (gen.type(v).NumElements() == 0) return false;
  const Effect truth = Gen::WholeNumbers(0, 1), count = Gen::WholeNumbers(0, 3000);
  switch (gen.rng().Int(0, 4)) {
    case 0:
      return Done(
          gen.Emit("aten::any.dims", {ValueRef{v}, gen.RandomDimSet(rank, 1), Keep(gen)}, truth));
    case 1:
      return Done(
          gen.Emit("aten::all.dims", {ValueRef{v}, gen.RandomDimSet(rank, 1), Keep(gen)}, truth));
    case 2:
      return Done(gen.Emit("aten::count_nonzero", {ValueRef{v}, gen.RandomDim(rank)}, count));
    case 3:
      return Done(gen.Emit("aten::count_nonzero.dim_IntList",
                           {ValueRef{v}, gen.RandomDimSet(rank, 1)}, count));
    default: {
      Effect effect = gen.Moved(v);
      effect.distinct = false;
      return Done(gen.Emit("aten::aminmax", {ValueRef{v}, gen.RandomDim(rank), Keep(gen)}, effect));
    }
  }
}

// Places are certain where no two elements are alike.
bool EmitPlace(Gen& gen) {
  const ValueId v = gen.FreshDistinct({gen.rng().Int(1, 5), gen.rng().Int(1, 7)});
  Effect effect = gen.Moved(v);
  effect.low = std::min(effect.low, 0.0);
  effect.high = std::max(effect.high, 7.0);
  effect.distinct = false;
  const int64_t dim = gen.RandomDim(2);
  const char* scans[] = {"aten::cummax", "aten::cummin"};
  const char* medians[] = {"aten::median", "aten::nanmedian"};
  const std::string median = gen.rng().Pick(medians);
  switch (gen.rng().Int(0, 2)) {
    case 0:
      return Done(gen.Emit(gen.rng().Pick(scans), {ValueRef{v}, dim}, effect));
    case 1:
      return Done(gen.Emit(median, {ValueRef{v}}, effect));
    default:
      return Done(gen.Emit(median + ".dim", {ValueRef{v}, dim, Keep(gen)}, effect));
  }
}

bool EmitIndexed(Gen& gen) {
  const ir::DType dtype = gen.RandomFloatDType();
  const ValueId self = gen.Fresh({dtype, {4, 3}}, {Kind::kSmooth, -1, 1});
  const ValueId source = gen.Fresh({dtype, {2, 3}}, {Kind::kSmooth, -1, 1});
  const Effect effect = Gen::Rounded(-8, 8);
  const ValueRef any{gen.FreshIndex({2}, 4)};
  const char* means[] = {"amax", "amin", "mean", "prod"};
  const std::string reduce = gen.rng().Pick(means);
  switch (gen.rng().Int(0, 6)) {
    case 6:
      return Done(gen.Emit("aten::index_fill.int_Scalar",
                           {ValueRef{self}, int64_t{0}, ValueRef{gen.FreshIndex({2}, 4)}, 0.5},
                           gen.Moved(self)));
    case 0:
      return Done(
          gen.Emit("aten::index_add", {ValueRef{self}, int64_t{0}, any, ValueRef{source}}, effect));
    case 1: {
      const ValueId row = gen.Fresh({dtype, {1, 3}}, {Kind::kSmooth, -1, 1});
      return Done(
          gen.Emit("aten::index_copy",
                   {ValueRef{self}, int64_t{0}, ValueRef{gen.FreshIndex({1}, 4)}, ValueRef{row}},
                   gen.Moved({self, row})));
    }
    case 2:
      return Done(gen.Emit("aten::index_reduce",
                           {ValueRef{self}, int64_t{0}, any, ValueRef{source}, reduce, Keep(gen)},
                           effect));
    case 3:
      return Done(gen.Emit("aten::scatter_reduce.two",
                           {ValueRef{self}, int64_t{0}, ValueRef{gen.FreshIndex({2, 3}, 4)},
                            ValueRef{source}, gen.rng().OneIn(3) ? "sum" : reduce, Keep(gen)},
                           effect));
    case 4:
      return Done(gen.Emit("aten::take", {ValueRef{self}, ValueRef{gen.FreshIndex({2, 2}, 12)}},
                           gen.Moved(self)));
    default: {
      const ValueId mask = gen.Fresh({ir::DType::kBool, {4, 3}});
      const ValueId all = gen.Fresh({dtype, {12}}, {Kind::kSmooth, -1, 1});
      return Done(gen.Emit("aten::masked_scatter", {ValueRef{self}, ValueRef{mask}, ValueRef{all}},
                           gen.Moved({self, all})));
    }
  }
}

// Boundaries are sorted first.
bool EmitBuckets(Gen& gen) {
  const ir::DType dtype = gen.RandomFloatDType();
  const ValueId v = gen.Fresh({dtype, {6}}, {Kind::kGrid, -2, 2});
  Effect effect = gen.Moved(v);
  effect.high = std::max(effect.high, 6.0);
  const std::vector<ValueId> sorted = gen.Emit("aten::sort", {ValueRef{v}}, effect);
  if (sorted.empty()) return false;
  const ValueId values = gen.Fresh({dtype, {2, 3}}, {Kind::kGrid, -3, 3});
  const bool narrow = gen.rng().OneIn(3), right = gen.rng().OneIn(2);
  if (gen.rng().OneIn(2)) {
    return Done(gen.Emit("aten::bucketize.Tensor",
                         {ValueRef{values}, ValueRef{sorted[0]}, narrow, right},
                         Gen::WholeNumbers(0, 6)));
  }
  return Done(gen.Emit("aten::searchsorted.Tensor",
                       {ValueRef{sorted[0]}, ValueRef{values}, narrow, right},
                       Gen::WholeNumbers(0, 6)));
}

ir::Dims Image(int64_t spatial) {
  ir::Dims dims = {1, 2};
  for (int64_t i = 0; i < spatial; ++i) dims.push_back(3 + i);
  return dims;
}

bool EmitImage(Gen& gen) {
  const int64_t spatial = gen.rng().Int(1, 3);
  const std::string d = std::to_string(spatial) + "d";
  const ir::DType dtype = gen.rng().OneIn(4) ? ir::DType::kFloat64 : ir::DType::kFloat32;
  const ValueId x = gen.Fresh({dtype, Image(spatial)}, {Kind::kSmooth, -2, 2});
  Ints size(spatial), pad(2 * spatial);
  for (int64_t& s : size) s = gen.rng().Int(1, 6);
  for (int64_t& p : pad) p = gen.rng().Int(0, 2);
  const Effect moved = gen.Moved(x), rounded = Gen::Rounded(-6, 6);
  switch (gen.rng().Int(0, 5)) {
    case 0:
      return Done(gen.Emit("aten::reflection_pad" + d, {ValueRef{x}, pad}, moved));
    case 1:
      return Done(gen.Emit("aten::replication_pad" + d, {ValueRef{x}, pad}, moved));
    case 2:
      return Done(gen.Emit("aten::_upsample_nearest_exact" + d, {ValueRef{x}, size}, moved));
    case 3:
      return Done(gen.Emit("aten::upsample_nearest" + d, {ValueRef{x}, size}, moved));
    case 4: {
      const char* names[] = {"aten::upsample_linear1d", "aten::upsample_bicubic2d",
                             "aten::upsample_trilinear3d"};
      return Done(gen.Emit(names[spatial - 1], {ValueRef{x}, size, gen.rng().OneIn(2)}, rounded));
    }
    default: {
      if (spatial == 1) return false;
      ir::Dims where = {1};
      for (int64_t i = 0; i < spatial; ++i) where.push_back(2);
      where.push_back(spatial);
      return Done(gen.Emit("aten::grid_sampler_" + d,
                           {ValueRef{x}, Smooth(gen, dtype, where, -1, 1), int64_t{0},
                            gen.rng().Int(0, 1), gen.rng().OneIn(2)},
                           rounded));
    }
  }
}

bool EmitPoolWithPlaces(Gen& gen) {
  const int64_t spatial = gen.rng().Int(2, 3);
  const std::string d = std::to_string(spatial) + "d";
  const ValueId x = gen.Fresh({ir::DType::kFloat32, Image(spatial)}, {Kind::kDistinct, 0, 0});
  Effect effect = gen.Moved(x);
  effect.high = std::max(effect.high, 100.0);
  effect.distinct = false;
  const Ints two(spatial, 2);
  if (gen.rng().OneIn(3))
    return Done(gen.Emit("aten::adaptive_max_pool" + d, {ValueRef{x}, two}, effect));
  if (gen.rng().OneIn(3)) {
    return Done(gen.Emit("aten::_adaptive_avg_pool3d", {ValueRef{x}, Ints{2, 2, 2}},
                         Gen::Rounded(-20, 20)));
  }
  return Done(gen.Emit("aten::max_pool" + d + "_with_indices", {ValueRef{x}, two, Ints(spatial, 1)},
                       effect));
}

bool EmitNativeNorm(Gen& gen) {
  const ir::DType dtype = gen.rng().OneIn(4) ? ir::DType::kFloat64 : ir::DType::kFloat32;
  const Argument x = Smooth(gen, dtype, {2, 4, 3});
  const Effect effect = Gen::Rounded(-30, 30);
  if (gen.rng().OneIn(2)) {
    return Done(gen.Emit("aten::native_layer_norm",
                         {x, Ints{3}, Smooth(gen, dtype, {3}), Smooth(gen, dtype, {3}), 0.001},
                         effect));
  }
  return Done(gen.Emit("aten::native_group_norm",
                       {x, Smooth(gen, dtype, {4}), Smooth(gen, dtype, {4}), int64_t{2}, int64_t{4},
                        int64_t{3}, int64_t{2}, 0.001},
                       effect));
}

}  // namespace

std::vector<Emitter> MoreEmitters() {
  return {{"binary", 2, EmitBinary},
          {"exact binary", 2, EmitExactBinary},
          {"whole binary", 1, EmitWholeBinary},
          {"loss", 1, EmitLoss},
          {"class loss", 1, EmitClassLoss},
          {"small product", 1, EmitProduct},
          {"rare reduction", 2, EmitReduction},
          {"exact reduction", 2, EmitExactReduction},
          {"rare place", 1, EmitPlace},
          {"indexed", 2, EmitIndexed},
          {"buckets", 1, EmitBuckets},
          {"image", 2, EmitImage},
          {"pool with places", 1, EmitPoolWithPlaces},
          {"native norm", 1, EmitNativeNorm}};
}

}  // namespace ingot::fuzz
