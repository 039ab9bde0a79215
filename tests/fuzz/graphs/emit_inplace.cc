// In-place ops of programs: on inputs, results and views of either.
#include <algorithm>
#include <cmath>
#include <string>

#include "tests/fuzz/graphs/gen.h"

namespace ingot::fuzz {
namespace {

using ir::Argument;
using ir::ValueId;
using ir::ValueRef;

// Something that may be written. Expanded views are among them: eager refuses those, and the case
// is run without the step then.
std::optional<ValueId> Target(Gen& gen, bool floating) {
  return gen.Find([&](ValueId v) {
    return gen.IsWritable(v) && (!floating || gen.IsFloat(v)) && gen.type(v).NumElements() > 0;
  });
}

// What can be written into `self` without losing more than rounding.
ValueId Source(Gen& gen, ValueId self) {
  return gen.Partner(self, false, [&](ValueId v) { return !gen.info(v).special; });
}

bool EmitArithmetic(Gen& gen) {
  const std::optional<ValueId> self = Target(gen, false);
  if (!self || gen.type(*self).dtype == ir::DType::kBool) return false;
  const char* ops[] = {"aten::add_.Tensor", "aten::sub_.Tensor", "aten::mul_.Tensor"};
  const size_t which = static_cast<size_t>(gen.rng().Int(0, 2));
  const ValueId other = Source(gen, *self);
  if (gen.type(other).dtype != gen.type(*self).dtype || gen.info(other).special) return false;
  if (which == 2 && gen.info(*self).special && !gen.IsExact(other)) return false;
  const double a = gen.Magnitude(*self), b = gen.Magnitude(other);
  const double bound = which == 2 ? a * b : a + b;
  std::vector<Argument> args = {ValueRef{*self}, ValueRef{other}};
  if (which != 2) args.push_back(int64_t{1});
  return gen.EmitInPlace(ops[which], std::move(args),
                         Gen::Rounded(-bound, bound, gen.info(*self).special));
}

bool EmitWithNumber(Gen& gen) {
  const std::optional<ValueId> self = Target(gen, true);
  if (!self) return false;
  const double number = static_cast<double>(gen.rng().Int(-8, 8)) / 4;
  const double a = gen.Magnitude(*self);
  if (gen.rng().OneIn(2)) {
    const double bound = a * std::abs(number);
    return gen.EmitInPlace("aten::mul_.Scalar", {ValueRef{*self}, number},
                           Gen::Rounded(-bound, bound, gen.info(*self).special));
  }
  const double bound = a + std::abs(number);
  return gen.EmitInPlace("aten::add_.Scalar", {ValueRef{*self}, number, int64_t{1}},
                         Gen::Rounded(-bound, bound, gen.info(*self).special));
}

bool EmitFunction(Gen& gen) {
  const std::optional<ValueId> self = Target(gen, true);
  if (!self) return false;
  const char* exact[] = {"aten::relu_", "aten::neg_", "aten::abs_"};
  const char* rounding[] = {"aten::tanh_", "aten::sigmoid_", "aten::silu_", "aten::atan_"};
  const double bound = gen.Magnitude(*self) + 1;
  if (gen.rng().OneIn(2)) {
    Effect effect = Gen::Rounded(-bound, bound, gen.info(*self).special);
    effect.exact = true;
    effect.grid = gen.info(*self).grid;
    return gen.EmitInPlace(gen.rng().Pick(exact), {ValueRef{*self}}, effect);
  }
  return gen.EmitInPlace(gen.rng().Pick(rounding), {ValueRef{*self}},
                         Gen::Rounded(-bound, bound, gen.info(*self).special));
}

bool EmitFill(Gen& gen) {
  const std::optional<ValueId> self = Target(gen, false);
  if (!self) return false;
  const Effect effect = {.low = 0, .high = 1, .grid = 0, .exact = true};
  switch (gen.rng().Int(0, 3)) {
    case 0:
      return gen.EmitInPlace("aten::zero_", {ValueRef{*self}}, effect);
    case 1:
      return gen.EmitInPlace("aten::fill_.Scalar", {ValueRef{*self}, int64_t{1}}, effect);
    case 2: {
      const ValueId mask = gen.Fresh({ir::DType::kBool, gen.type(*self).dims});
      return gen.EmitInPlace("aten::masked_fill_.Scalar",
                             {ValueRef{*self}, ValueRef{mask}, int64_t{1}}, effect);
    }
    default: {
      const int64_t dim = gen.RandomDim(gen.rank(*self));
      if (gen.rank(*self) == 0) return false;
      const int64_t size = gen.type(*self).dims[dim < 0 ? dim + gen.rank(*self) : dim];
      const ValueId index = gen.FreshIndex({gen.rng().Int(1, 2)}, size);
      return gen.EmitInPlace("aten::index_fill_.int_Scalar",
                             {ValueRef{*self}, dim, ValueRef{index}, int64_t{1}}, effect);
    }
  }
}

bool EmitCopy(Gen& gen) {
  const std::optional<ValueId> self = Target(gen, false);
  if (!self) return false;
  const ValueId source = Source(gen, *self);
  const bool to_float = gen.IsFloat(*self), same = gen.type(source).dtype == gen.type(*self).dtype;
  if (!to_float && !same) return false;
  Effect effect = gen.Moved(source);
  effect.distinct = effect.raw = false;
  return gen.EmitInPlace("aten::copy_", {ValueRef{*self}, ValueRef{source}, false}, effect);
}

bool EmitFused(Gen& gen) {
  const std::optional<ValueId> self = Target(gen, true);
  if (!self || gen.info(*self).special) return false;
  const ValueId a = Source(gen, *self), b = Source(gen, *self);
  if (gen.type(a).dtype != gen.type(*self).dtype || gen.type(b).dtype != gen.type(*self).dtype ||
      gen.info(a).special || gen.info(b).special) {
    return false;
  }
  const double bound = gen.Magnitude(*self) + 2 * gen.Magnitude(a) * gen.Magnitude(b);
  return gen.EmitInPlace("aten::addcmul_", {ValueRef{*self}, ValueRef{a}, ValueRef{b}, 1.5},
                         Gen::Rounded(-bound, bound));
}

bool EmitScatter(Gen& gen) {
  const std::optional<ValueId> self = Target(gen, true);
  if (!self || gen.rank(*self) == 0 || gen.rank(*self) > 3) return false;
  const int64_t dim = gen.rng().Int(0, gen.rank(*self) - 1);
  ir::Dims dims = gen.type(*self).dims;
  dims[dim] = 1;
  const ValueId index = gen.FreshIndex(dims, gen.type(*self).dims[dim]);
  const ValueId src = gen.Fresh({gen.type(*self).dtype, dims});
  if (gen.info(src).special) return false;
  const double bound = gen.Magnitude(*self) + gen.Magnitude(src);
  const char* ops[] = {"aten::scatter_add_", "aten::scatter_.src"};
  return gen.EmitInPlace(gen.rng().Pick(ops),
                         {ValueRef{*self}, dim, ValueRef{index}, ValueRef{src}},
                         Gen::Rounded(-bound, bound, gen.info(*self).special));
}

}  // namespace

std::vector<Emitter> InPlaceEmitters() {
  return {{"in-place arithmetic", 8, EmitArithmetic},
          {"in-place with number", 5, EmitWithNumber},
          {"in-place function", 4, EmitFunction},
          {"in-place fill", 4, EmitFill},
          {"in-place copy", 6, EmitCopy},
          {"in-place fused", 2, EmitFused},
          {"in-place scatter", 2, EmitScatter}};
}

}  // namespace ingot::fuzz
