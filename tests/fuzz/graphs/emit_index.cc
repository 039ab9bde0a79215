// Ops whose operands name elements. Indices are inputs that hold what is in range.
#include <algorithm>

#include "tests/fuzz/graphs/gen.h"

namespace ingot::fuzz {
namespace {

using ir::Argument;
using ir::ValueId;
using ir::ValueRef;
using ir::ValueRefList;

// A value of rank 1 to 4 without a dimension of size 0.
ValueId Indexed(Gen& gen) {
  const auto found = gen.Find([&](ValueId v) {
    return gen.rank(v) >= 1 && gen.rank(v) <= 4 && gen.type(v).NumElements() > 0;
  });
  return found ? *found : gen.Fresh({gen.RandomDType(), {gen.rng().Int(1, 5), 3}});
}

Effect MovedApart(const Gen& gen, const std::vector<ValueId>& from) {
  Effect effect = gen.Moved(from);
  effect.distinct = false;
  return effect;
}

bool EmitEmbedding(Gen& gen) {
  const auto table = gen.Find(
      [&](ValueId v) { return gen.IsFloat(v) && gen.rank(v) == 2 && gen.type(v).dims[0] > 0; });
  const ValueId weight =
      table ? *table : gen.Fresh({gen.RandomFloatDType(), {gen.rng().Int(1, 9), 4}});
  const ValueId index = gen.FreshIndex(gen.RandomDims(0, 2), gen.type(weight).dims[0]);
  return Done(
      gen.Emit("aten::embedding", {ValueRef{weight}, ValueRef{index}}, MovedApart(gen, {weight})));
}

bool EmitIndexSelect(Gen& gen) {
  const ValueId v = Indexed(gen);
  const int64_t dim = gen.rng().Int(0, gen.rank(v) - 1);
  const ValueId index = gen.FreshIndex({gen.rng().Int(0, 5)}, gen.type(v).dims[dim]);
  return Done(
      gen.Emit("aten::index_select", {ValueRef{v}, dim, ValueRef{index}}, MovedApart(gen, {v})));
}

bool EmitGather(Gen& gen) {
  const ValueId v = Indexed(gen);
  const int64_t dim = gen.rng().Int(0, gen.rank(v) - 1);
  ir::Dims dims = gen.type(v).dims;
  for (int64_t& size : dims) size = gen.rng().Int(1, size);
  dims[dim] = gen.rng().Int(1, 5);
  const ValueId index = gen.FreshIndex(dims, gen.type(v).dims[dim]);
  return Done(gen.Emit("aten::gather",
                       {ValueRef{v}, gen.rng().OneIn(3) ? dim - gen.rank(v) : dim, ValueRef{index}},
                       MovedApart(gen, {v})));
}

// Some dimensions indexed, the others left.
std::vector<ValueId> Indices(Gen& gen, ValueId v, bool distinct) {
  const ir::Dims dims = {gen.rng().Int(1, 3)};
  std::vector<ValueId> indices;
  const int64_t wanted = gen.rng().Int(0, gen.rank(v) - 1);
  for (int d = 0; d < gen.rank(v); ++d) {
    const int64_t size = gen.type(v).dims[d];
    if (d != wanted && (distinct || !gen.rng().OneIn(3))) {
      indices.push_back(ir::kNoValue);
    } else if (distinct) {
      indices.push_back(gen.FreshIndex({1}, size));
    } else {
      indices.push_back(gen.FreshIndex(gen.rng().OneIn(4) ? ir::Dims{2, 1} : dims, size, true));
    }
  }
  while (indices.back() == ir::kNoValue) indices.pop_back();
  return indices;
}

bool EmitIndex(Gen& gen) {
  const ValueId v = Indexed(gen);
  const std::vector<ValueId> indices = Indices(gen, v, false);
  return Done(
      gen.Emit("aten::index.Tensor", {ValueRef{v}, ValueRefList{indices}}, MovedApart(gen, {v})));
}

// Of two writes to one place either may win, so there is but one; sums take any.
bool EmitIndexPut(Gen& gen) {
  const ValueId v = Indexed(gen);
  const bool accumulate = gen.rng().OneIn(2) && gen.IsFloat(v);
  const std::vector<ValueId> indices = Indices(gen, v, !accumulate);
  const ValueId values = gen.Fresh({gen.type(v).dtype, {}});
  const double bound = gen.Magnitude(v) + 9 * gen.Magnitude(values);
  Effect effect = MovedApart(gen, {v, values});
  if (accumulate) effect = Gen::Rounded(-bound, bound, effect.special);
  return Done(gen.Emit("aten::index_put",
                       {ValueRef{v}, ValueRefList{indices}, ValueRef{values}, accumulate}, effect));
}

bool EmitScatter(Gen& gen) {
  const ValueId v = Indexed(gen);
  const int64_t dim = gen.rng().Int(0, gen.rank(v) - 1);
  const int64_t which = gen.rng().Int(0, 2);
  ir::Dims dims = gen.type(v).dims;
  for (int64_t& size : dims) size = gen.rng().Int(1, size);
  dims[dim] = which == 2 ? gen.rng().Int(1, 4) : 1;  // one write a place, unless they are summed
  const ValueId index = gen.FreshIndex(dims, gen.type(v).dims[dim]);
  if (which == 0) {
    const ir::Scalar number = gen.IsFloat(v) ? ir::Scalar(1.5) : ir::Scalar(int64_t{1});
    Effect effect = MovedApart(gen, {v});
    effect.low = std::min(effect.low, 0.0);
    effect.high = std::max(effect.high, 1.5);
    if (effect.grid >= 0) effect.grid = std::max(effect.grid, 1);
    return Done(gen.Emit(
        "aten::scatter.value",
        {ValueRef{v}, dim, ValueRef{index}, gen.Number("aten::scatter.value", "value", number)},
        effect));
  }
  const ValueId src = gen.Fresh({gen.type(v).dtype, dims});
  if (which == 1) {
    return Done(gen.Emit("aten::scatter.src", {ValueRef{v}, dim, ValueRef{index}, ValueRef{src}},
                         MovedApart(gen, {v, src})));
  }
  const double bound = gen.Magnitude(v) + 4 * gen.Magnitude(src);
  return Done(gen.Emit("aten::scatter_add", {ValueRef{v}, dim, ValueRef{index}, ValueRef{src}},
                       Gen::Rounded(-bound, bound, gen.info(v).special || gen.info(src).special)));
}

// Places of equal elements are the backend's choice: distinct ones, or a stable order.
bool EmitSort(Gen& gen) {
  const int64_t which = gen.rng().Int(0, 2);
  const auto found = gen.Find([&](ValueId v) {
    return gen.IsExact(v) && (gen.info(v).distinct || which == 1) && !gen.info(v).special &&
           gen.type(v).dtype != ir::DType::kBool;
  });
  const ValueId v = found ? *found : gen.FreshDistinct({gen.rng().Int(1, 7), gen.rng().Int(1, 9)});
  const int64_t dim = gen.RandomDim(gen.rank(v));
  const int64_t size = gen.rank(v) == 0 ? 1 : gen.type(v).dims[dim < 0 ? dim + gen.rank(v) : dim];
  // Values and places have one effect; places are small.
  Effect effect = gen.Moved(v);
  effect.low = std::min(effect.low, 0.0);
  effect.high = std::max(effect.high, static_cast<double>(size));
  effect.distinct = false;
  const bool descending = gen.rng().OneIn(2);
  if (which == 0) return Done(gen.Emit("aten::sort", {ValueRef{v}, dim, descending}, effect));
  if (which == 1) {
    return Done(gen.Emit("aten::sort.stable", {ValueRef{v}, true, dim, descending}, effect));
  }
  return Done(gen.Emit(
      "aten::topk",
      {ValueRef{v}, gen.rng().Int(gen.rank(v) == 0 ? 1 : 0, size), dim, descending, true}, effect));
}

}  // namespace

std::vector<Emitter> IndexEmitters() {
  return {{"embedding", 1, EmitEmbedding},
          {"index_select", 1, EmitIndexSelect},
          {"gather", 1, EmitGather},
          {"index", 2, EmitIndex},
          {"index_put", 1, EmitIndexPut},
          {"scatter", 2, EmitScatter},
          {"sort", 2, EmitSort}};
}

}  // namespace ingot::fuzz
