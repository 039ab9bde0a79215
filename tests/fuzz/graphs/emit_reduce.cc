// Reductions and scans.
#include <algorithm>
#include <cmath>

#include "tests/fuzz/graphs/gen.h"

namespace ingot::fuzz {
namespace {

using ir::Argument;
using ir::None;
using ir::ValueId;
using ir::ValueRef;

// Dimensions as an argument: a list, or None for all.
Argument Dims(Gen& gen, ValueId v) {
  if (gen.rng().OneIn(6)) return None{};
  return gen.RandomDimSet(gen.rank(v), 1);
}
bool Keep(Gen& gen) { return gen.rng().OneIn(2); }
double Count(const Gen& gen, ValueId v) {
  return static_cast<double>(std::max<int64_t>(gen.type(v).NumElements(), 1));
}

bool EmitSum(Gen& gen) {
  const ValueId v = gen.Any();
  const double bound = Count(gen, v) * gen.Magnitude(v);
  const ir::DType dtype = gen.IsFloat(v) ? gen.type(v).dtype : ir::DType::kInt64;
  const Effect effect = Gen::OnGrid(dtype, -bound, bound, gen.info(v).grid, gen.info(v).special);
  if (gen.rng().OneIn(3)) return Done(gen.Emit("aten::sum", {ValueRef{v}}, effect));
  return Done(gen.Emit("aten::sum.dim_IntList", {ValueRef{v}, Dims(gen, v), Keep(gen)}, effect));
}

bool EmitMean(Gen& gen) {
  const ValueId v = gen.Float();
  const Effect effect = Gen::Rounded(gen.info(v).low, gen.info(v).high,
                                     gen.info(v).special || gen.type(v).NumElements() == 0);
  if (gen.rng().OneIn(3)) return Done(gen.Emit("aten::mean", {ValueRef{v}}, effect));
  return Done(gen.Emit("aten::mean.dim", {ValueRef{v}, Dims(gen, v), Keep(gen)}, effect));
}

bool EmitProduct(Gen& gen) {
  const auto found = gen.Find([&](ValueId v) {
    return !gen.info(v).special && gen.type(v).NumElements() <= 12 && gen.Magnitude(v) <= 2.5;
  });
  const ValueId v =
      found ? *found : gen.Fresh({gen.RandomDType(), {3, 4}}, {Domain::Kind::kSmooth, 0, 2});
  const double bound = std::pow(gen.Magnitude(v), Count(gen, v)) + 1;
  const Effect effect = Gen::Rounded(-bound, bound);
  if (gen.rng().OneIn(3)) return Done(gen.Emit("aten::prod", {ValueRef{v}}, effect));
  return Done(
      gen.Emit("aten::prod.dim_int", {ValueRef{v}, gen.RandomDim(gen.rank(v)), Keep(gen)}, effect));
}

// Of one element or less the result is NaN or infinite.
bool EmitSpread(Gen& gen) {
  const ValueId v = gen.Float();
  const char* ops[] = {"aten::var.correction", "aten::std.correction"};
  const char* op = gen.rng().Pick(ops);
  const double magnitude = gen.Magnitude(v);
  const double bound = op == ops[0] ? 4 * magnitude * magnitude * 2 : 4 * magnitude;
  std::vector<Argument> args = {ValueRef{v}, Dims(gen, v), None{}, Keep(gen)};
  if (gen.rng().OneIn(2)) args[2] = gen.rng().Int(0, 1);
  return Done(gen.Emit(op, std::move(args), Gen::Rounded(0, bound, true)));
}

bool EmitNorm(Gen& gen) {
  const ValueId v = gen.Float();
  if (gen.Magnitude(v) > 40) return false;
  const double orders[] = {2, 1, 3, INFINITY, -INFINITY, 2};
  const double order = gen.rng().Pick(orders);
  const double bound = Count(gen, v) * (gen.Magnitude(v) + 1);
  const Effect effect = Gen::Rounded(0, bound, gen.info(v).special);
  if (gen.rng().OneIn(2)) {
    return Done(gen.Emit("aten::linalg_vector_norm", {ValueRef{v}, order, Dims(gen, v), Keep(gen)},
                         effect));
  }
  return Done(gen.Emit("aten::norm.ScalarOpt_dim",
                       {ValueRef{v}, order, gen.RandomDimSet(gen.rank(v), 1), Keep(gen)}, effect));
}

bool EmitCumulate(Gen& gen) {
  const ValueId v = gen.Any();
  const double bound = Count(gen, v) * gen.Magnitude(v);
  const ir::DType dtype = gen.IsFloat(v) ? gen.type(v).dtype : ir::DType::kInt64;
  return Done(gen.Emit("aten::cumsum", {ValueRef{v}, gen.RandomDim(gen.rank(v))},
                       Gen::OnGrid(dtype, -bound, bound, gen.info(v).grid, gen.info(v).special)));
}

bool EmitLogSumExp(Gen& gen) {
  const ValueId v = gen.Float();
  const double bound = gen.Magnitude(v) + std::log(Count(gen, v)) + 1;
  return Done(
      gen.Emit("aten::logsumexp", {ValueRef{v}, gen.RandomDimSet(gen.rank(v), 1), Keep(gen)},
               Gen::Rounded(-bound, bound, gen.info(v).special || gen.type(v).NumElements() == 0)));
}

bool EmitExtremum(Gen& gen) {
  const ValueId v = gen.Any();
  if (gen.type(v).NumElements() == 0) return false;
  Effect effect = gen.Moved(v);
  effect.distinct = false;
  if (gen.rng().OneIn(3)) {
    const char* ops[] = {"aten::max", "aten::min"};
    return Done(gen.Emit(gen.rng().Pick(ops), {ValueRef{v}}, effect));
  }
  const char* ops[] = {"aten::amax", "aten::amin"};
  return Done(gen.Emit(gen.rng().Pick(ops),
                       {ValueRef{v}, gen.RandomDimSet(gen.rank(v), 0), Keep(gen)}, effect));
}

// Places are certain where no two elements are alike.
bool EmitPlace(Gen& gen) {
  const auto found = gen.Find([&](ValueId v) {
    return gen.IsExact(v) && gen.info(v).distinct && !gen.info(v).special &&
           gen.type(v).NumElements() > 0 && gen.type(v).dtype != ir::DType::kBool;
  });
  const ValueId v = found ? *found : gen.FreshDistinct({gen.rng().Int(1, 6), gen.rng().Int(1, 7)});
  Effect effect = gen.Moved(v);
  effect.low = std::min(effect.low, 0.0);
  effect.high = std::max(effect.high, Count(gen, v));
  effect.distinct = false;
  const int64_t dim = gen.RandomDim(gen.rank(v));
  if (gen.rng().OneIn(2)) {
    const char* ops[] = {"aten::max.dim", "aten::min.dim"};
    return Done(gen.Emit(gen.rng().Pick(ops), {ValueRef{v}, dim, Keep(gen)}, effect));
  }
  const char* ops[] = {"aten::argmax", "aten::argmin"};
  std::vector<Argument> args = {ValueRef{v}, dim, Keep(gen)};
  if (gen.rng().OneIn(3)) args[1] = None{};
  return Done(gen.Emit(gen.rng().Pick(ops), std::move(args), effect));
}

bool EmitQuantifier(Gen& gen) {
  const ValueId v = gen.Exact();
  const bool any = gen.rng().OneIn(2);
  if (gen.rng().OneIn(2)) {
    return Done(gen.Emit(any ? "aten::any" : "aten::all", {ValueRef{v}}, Gen::WholeNumbers(0, 1)));
  }
  return Done(gen.Emit(any ? "aten::any.dim" : "aten::all.dim",
                       {ValueRef{v}, gen.RandomDim(gen.rank(v)), Keep(gen)},
                       Gen::WholeNumbers(0, 1)));
}

}  // namespace

std::vector<Emitter> ReduceEmitters() {
  return {{"sum", 3, EmitSum},
          {"mean", 2, EmitMean},
          {"product", 1, EmitProduct},
          {"spread", 2, EmitSpread},
          {"norm", 2, EmitNorm},
          {"cumulate", 1, EmitCumulate},
          {"logsumexp", 1, EmitLogSumExp},
          {"extremum", 3, EmitExtremum},
          {"place", 2, EmitPlace},
          {"quantifier", 2, EmitQuantifier}};
}

}  // namespace ingot::fuzz
