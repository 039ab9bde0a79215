// Functions of several tensors or of tensors and numbers, element by element, with broadcasting and
// promotion.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "tests/fuzz/graphs/gen.h"

namespace ingot::fuzz {
namespace {

using ir::Argument;
using ir::DType;
using ir::ValueId;
using ir::ValueRef;

int GridOf(const Gen& gen, ValueId v) { return gen.IsFloat(v) ? gen.info(v).grid : 0; }
bool Always(ValueId) { return true; }

// The dtype that two operands give; a number of rank 0 counts less, which only makes this the wider
// of the two.
DType Wider(const Gen& gen, ValueId a, ValueId b) {
  return ir::PromoteTypes(gen.type(a).dtype, gen.type(b).dtype);
}

// A number that is whole or a multiple of 1/8.
ir::Scalar SmallNumber(Gen& gen, bool whole) {
  if (whole) return gen.rng().Int(-3, 4);
  return static_cast<double>(gen.rng().Int(-24, 24)) / 8;
}
double AsDouble(const ir::Scalar& number) {
  if (const int64_t* whole = std::get_if<int64_t>(&number)) return static_cast<double>(*whole);
  return std::get<double>(number);
}

bool EmitSum(Gen& gen) {
  const char* ops[] = {"aten::add.Tensor", "aten::sub.Tensor", "aten::rsub.Tensor"};
  const char* op = gen.rng().Pick(ops);
  const ValueId a = gen.Any();
  const ValueId b = gen.Partner(a, true, Always);
  const bool whole = !gen.IsFloat(a) || !gen.IsFloat(b);
  const ir::Scalar alpha = gen.rng().OneIn(2) ? ir::Scalar(int64_t{1}) : SmallNumber(gen, whole);
  const double bound =
      (gen.Magnitude(a) + gen.Magnitude(b)) * std::max(1.0, std::abs(AsDouble(alpha)));
  const int ga = GridOf(gen, a), gb = GridOf(gen, b);
  const int grid = ga < 0 || gb < 0 ? -1 : std::max(ga, gb) + 3;
  return Done(gen.Emit(op, {ValueRef{a}, ValueRef{b}, gen.Number(op, "alpha", alpha)},
                       Gen::OnGrid(Wider(gen, a, b), -bound, bound, grid,
                                   gen.info(a).special || gen.info(b).special)));
}

bool EmitSumWithNumber(Gen& gen) {
  const char* ops[] = {"aten::add.Scalar", "aten::sub.Scalar", "aten::rsub.Scalar",
                       "aten::mul.Scalar"};
  const char* op = gen.rng().Pick(ops);
  const ValueId a = gen.Any();
  const ir::Scalar number = SmallNumber(gen, !gen.IsFloat(a) && gen.rng().OneIn(2));
  const double n = std::abs(AsDouble(number));
  const double bound = std::max(gen.Magnitude(a) + n, gen.Magnitude(a) * n);
  const int grid = GridOf(gen, a) < 0 ? -1 : GridOf(gen, a) + 3;
  const DType dtype = gen.IsFloat(a) ? gen.type(a).dtype : DType::kFloat32;
  return Done(gen.Emit(op, {ValueRef{a}, gen.Number(op, "other", number)},
                       Gen::OnGrid(dtype, -bound, bound, grid, gen.info(a).special)));
}

// Infinities times what may be a rounded zero have no certain sign.
bool IsSafeProduct(const Gen& gen, ValueId a, ValueId b) {
  return (!gen.info(a).special || gen.IsExact(b)) && (!gen.info(b).special || gen.IsExact(a));
}

bool EmitProduct(Gen& gen) {
  const ValueId a = gen.Any();
  const ValueId b = gen.Partner(a, true, [&](ValueId v) { return IsSafeProduct(gen, a, v); });
  if (!IsSafeProduct(gen, a, b)) return false;
  const double bound = gen.Magnitude(a) * gen.Magnitude(b);
  const int ga = GridOf(gen, a), gb = GridOf(gen, b);
  return Done(gen.Emit("aten::mul.Tensor", {ValueRef{a}, ValueRef{b}},
                       Gen::OnGrid(Wider(gen, a, b), -bound, bound, ga < 0 || gb < 0 ? -1 : ga + gb,
                                   gen.info(a).special || gen.info(b).special)));
}

// A divisor away from 0.
ValueId Divisor(Gen& gen, ValueId a) {
  const ValueId b = gen.Partner(a, true, [&](ValueId v) { return !gen.info(v).special; });
  const bool is_float = gen.IsFloat(b);
  return gen.Clamped(b, is_float ? 0.5 : 1, is_float ? 8 : 5);
}

bool EmitQuotient(Gen& gen) {
  const ValueId a = gen.Any();
  // Zeros come from inputs, so that their signs are certain.
  const ValueId b = gen.rng().OneIn(6) ? gen.Fresh({gen.RandomFloatDType(), gen.type(a).dims},
                                                   {Domain::Kind::kGrid, -1, 1})
                                       : Divisor(gen, a);
  const bool by_zero = gen.info(b).low <= 0;
  if (by_zero && !(gen.IsExact(a) && gen.info(a).raw)) return false;
  if (gen.info(b).special) return false;
  const double bound = gen.Magnitude(a) * 8;
  return Done(gen.Emit("aten::div.Tensor", {ValueRef{a}, ValueRef{b}},
                       Gen::Rounded(-bound, bound, by_zero || gen.info(a).special)));
}

bool EmitQuotientByNumber(Gen& gen) {
  const ValueId a = gen.Any();
  const double numbers[] = {0.5, 2, 3, -4, 1.5, 7};
  const double bound = gen.Magnitude(a) * 2;
  return Done(
      gen.Emit("aten::div.Scalar",
               {ValueRef{a}, gen.Number("aten::div.Scalar", "other", gen.rng().Pick(numbers))},
               Gen::Rounded(-bound, bound, gen.info(a).special)));
}

// Whole quotients and remainders jump: exact operands.
bool EmitDivision(Gen& gen) {
  const ValueId a = gen.Exact();
  if (gen.info(a).special || gen.Magnitude(a) > 1e4) return false;
  const bool whole = !gen.IsFloat(a);
  const char* with_tensors[] = {"aten::floor_divide", "aten::remainder.Tensor", "aten::fmod.Tensor",
                                "aten::div.Tensor_mode"};
  const char* with_numbers[] = {"aten::floor_divide.Scalar", "aten::remainder.Scalar",
                                "aten::fmod.Scalar", "aten::div.Scalar_mode"};
  const size_t which = static_cast<size_t>(gen.rng().Int(0, 3));
  std::vector<Argument> args = {ValueRef{a}};
  const bool number = gen.rng().OneIn(2);
  const char* op = number ? with_numbers[which] : with_tensors[which];
  if (number) {
    const double numbers[] = {0.5, 0.75, 2, -1.5, 3};
    const ir::Scalar n = whole ? ir::Scalar(gen.rng().OneIn(2) ? int64_t{3} : int64_t{-2})
                               : ir::Scalar(gen.rng().Pick(numbers));
    args.push_back(gen.Number(op, "other", n));
  } else {
    args.push_back(ValueRef{gen.Fresh({gen.type(a).dtype, gen.type(a).dims},
                                      {Domain::Kind::kGrid, whole ? 1.0 : 0.5, 5})});
  }
  const char* modes[] = {"floor", "trunc"};
  if (which == 3) args.push_back(std::string(gen.rng().Pick(modes)));
  const bool quotient = which == 0 || which == 3;
  const double bound = quotient ? gen.Magnitude(a) * 2 + 1 : 5;
  Effect effect = Gen::Rounded(-bound, bound);
  if (quotient) effect = Gen::WholeNumbers(-bound, bound);
  effect.exact = true;  // up to one rounding, which must not be made up for by jumps
  return Done(gen.Emit(op, std::move(args), effect));
}

bool EmitPower(Gen& gen) {
  if (gen.rng().OneIn(3)) {
    const ValueId base = gen.Clamped(gen.Float(), 0.25, 2);
    const ValueId exponent = gen.Clamped(gen.Partner(base, true, Always), -2, 3);
    if (!IsSafeProduct(gen, base, exponent) || gen.info(base).special ||
        gen.info(exponent).special) {
      return false;
    }
    return Done(gen.Emit("aten::pow.Tensor_Tensor", {ValueRef{base}, ValueRef{exponent}},
                         Gen::Rounded(0, 17)));
  }
  if (gen.rng().OneIn(3)) {
    const ValueId exponent = gen.Clamped(gen.Any(), -2, 3);
    if (gen.info(exponent).special || !gen.IsFloat(exponent)) return false;
    return Done(gen.Emit("aten::pow.Scalar",
                         {gen.Number("aten::pow.Scalar", "self", 1.5), ValueRef{exponent}},
                         Gen::Rounded(0, 4)));
  }
  const double exponents[] = {2, 3, 0.5, -1, -0.5, 2.5, 1, 0, 4, -2};
  const double n = gen.rng().Pick(exponents);
  const ValueId base = gen.Clamped(gen.Float(), n == 2 || n == 3 ? -4 : 0.25, 4);
  if (gen.info(base).special) return false;
  const bool whole = n == std::floor(n) && gen.rng().OneIn(2);
  const ir::Scalar exponent = whole ? ir::Scalar(static_cast<int64_t>(n)) : ir::Scalar(n);
  return Done(
      gen.Emit("aten::pow.Tensor_Scalar",
               {ValueRef{base}, gen.Number("aten::pow.Tensor_Scalar", "exponent", exponent)},
               Gen::Rounded(-256, 256)));
}

bool EmitAtan2(Gen& gen) {
  const ValueId a = gen.Float();
  const ValueId b = gen.Clamped(gen.Partner(a, true, Always), 0.125, 1e5);  // away from the cut
  return Done(gen.Emit("aten::atan2", {ValueRef{a}, ValueRef{b}},
                       Gen::Rounded(-1.6, 1.6, gen.info(a).special || gen.info(b).special)));
}

Effect MovedExactly(const Gen& gen, std::vector<ValueId> from) {
  Effect effect = gen.Moved(from);
  effect.raw = effect.distinct = false;
  return effect;
}

bool EmitExtremum(Gen& gen) {
  const ValueId a = gen.Any();
  const ValueId b = gen.Partner(a, true, Always);
  const char* ops[] = {"aten::maximum", "aten::minimum"};
  if (gen.rng().OneIn(2)) {
    return Done(
        gen.Emit(gen.rng().Pick(ops), {ValueRef{a}, ValueRef{b}}, MovedExactly(gen, {a, b})));
  }
  const ValueId c = gen.Partner(a, false, Always);
  return Done(gen.Emit("aten::clamp.Tensor", {ValueRef{a}, ValueRef{b}, ValueRef{c}},
                       MovedExactly(gen, {a, b, c})));
}

bool EmitClamp(Gen& gen) {
  const ValueId a = gen.Any();
  const char* ops[] = {"aten::clamp", "aten::clamp_min", "aten::clamp_max"};
  const size_t which = static_cast<size_t>(gen.rng().Int(0, 2));
  const bool whole = !gen.IsFloat(a);
  const ir::Scalar low = whole ? ir::Scalar(int64_t{0}) : ir::Scalar(-1.5);
  const ir::Scalar high = whole ? ir::Scalar(int64_t{2}) : ir::Scalar(1.25);
  std::vector<Argument> args = {ValueRef{a}};
  if (which != 2) args.push_back(gen.Number(ops[which], "min", low));
  if (which != 1) args.push_back(gen.Number(ops[which], "max", high));
  Effect effect = MovedExactly(gen, {a});
  effect.low = std::min(effect.low, -1.5);
  effect.high = std::max(effect.high, 2.0);
  if (effect.grid >= 0) effect.grid = std::max(effect.grid, 3);
  return Done(gen.Emit(ops[which], std::move(args), effect));
}

bool EmitFused(Gen& gen) {
  const char* ops[] = {"aten::addcmul", "aten::addcdiv"};
  const size_t which = static_cast<size_t>(gen.rng().Int(0, 1));
  const auto plain = [&](ValueId v) { return !gen.info(v).special; };
  const ValueId a = gen.Float();
  const ValueId b = gen.Partner(a, false, plain);
  const ValueId c =
      which == 0 ? gen.Partner(a, false, plain) : gen.Clamped(gen.Partner(a, false, plain), 0.5, 8);
  if (!plain(b) || !plain(c)) return false;
  const double bound = gen.Magnitude(a) + 4 * gen.Magnitude(b) * std::max(2.0, gen.Magnitude(c));
  return Done(gen.Emit(ops[which],
                       {ValueRef{a}, ValueRef{b}, ValueRef{c},
                        gen.Number(ops[which], "value", SmallNumber(gen, gen.rng().OneIn(2)))},
                       Gen::Rounded(-bound, bound, gen.info(a).special)));
}

bool EmitLerp(Gen& gen) {
  const ValueId a = gen.Float();
  const ValueId b = gen.Partner(a, false, Always);
  if (gen.info(a).special || gen.info(b).special) return false;
  const double bound = 4 * std::max(gen.Magnitude(a), gen.Magnitude(b)) + 1;
  if (gen.rng().OneIn(2)) {
    return Done(
        gen.Emit("aten::lerp.Scalar",
                 {ValueRef{a}, ValueRef{b}, gen.Number("aten::lerp.Scalar", "weight", 0.375)},
                 Gen::Rounded(-bound, bound)));
  }
  const ValueId weight = gen.Fresh(gen.type(a), {Domain::Kind::kSmooth, 0, 1});
  return Done(gen.Emit("aten::lerp.Tensor", {ValueRef{a}, ValueRef{b}, ValueRef{weight}},
                       Gen::Rounded(-bound, bound)));
}

bool EmitComparison(Gen& gen) {
  const char* ops[] = {"aten::eq", "aten::ne", "aten::lt", "aten::le", "aten::gt", "aten::ge"};
  const std::string name = gen.rng().Pick(ops);
  const ValueId a = gen.Exact();
  if (gen.rng().OneIn(2)) {
    const std::string op = name + ".Scalar";
    const ir::Scalar number = SmallNumber(gen, !gen.IsFloat(a) && gen.rng().OneIn(2));
    return Done(
        gen.Emit(op, {ValueRef{a}, gen.Number(op, "other", number)}, Gen::WholeNumbers(0, 1)));
  }
  const ValueId b = gen.Partner(a, true, [&](ValueId v) { return gen.IsExact(v); });
  return Done(gen.Emit(name + ".Tensor", {ValueRef{a}, ValueRef{b}}, Gen::WholeNumbers(0, 1)));
}

bool EmitLogical(Gen& gen) {
  const char* ops[] = {"aten::logical_and", "aten::logical_or", "aten::logical_xor"};
  const ValueId a = gen.Exact();
  if (gen.rng().OneIn(4)) {
    return Done(gen.Emit("aten::logical_not", {ValueRef{a}}, Gen::WholeNumbers(0, 1)));
  }
  const ValueId b = gen.Partner(a, true, [&](ValueId v) { return gen.IsExact(v); });
  return Done(gen.Emit(gen.rng().Pick(ops), {ValueRef{a}, ValueRef{b}}, Gen::WholeNumbers(0, 1)));
}

bool EmitBitwise(Gen& gen) {
  const char* ops[] = {"aten::bitwise_and", "aten::bitwise_or", "aten::bitwise_xor"};
  const std::string name = gen.rng().Pick(ops);
  const std::optional<ValueId> found = gen.Find([&](ValueId v) { return !gen.IsFloat(v); });
  const ValueId a = found ? *found : gen.Integer();
  const Effect effect = Gen::WholeNumbers(-1e30, 1e30);
  if (gen.rng().OneIn(4)) return Done(gen.Emit("aten::bitwise_not", {ValueRef{a}}, effect));
  if (gen.rng().OneIn(3)) {
    const std::string op = name + ".Scalar";
    return Done(gen.Emit(op, {ValueRef{a}, gen.Number(op, "other", gen.rng().Int(-3, 9))}, effect));
  }
  const ValueId b = gen.Partner(a, true, [&](ValueId v) { return !gen.IsFloat(v); });
  return Done(gen.Emit(name + ".Tensor", {ValueRef{a}, ValueRef{b}}, effect));
}

ValueId Mask(Gen& gen, ValueId like) {
  const std::optional<ValueId> found = gen.Find([&](ValueId v) {
    ir::Dims dims;
    return gen.type(v).dtype == DType::kBool &&
           ir::BroadcastDims(gen.type(like).dims, gen.type(v).dims, &dims) &&
           dims == gen.type(like).dims;
  });
  return found ? *found : gen.Fresh({DType::kBool, gen.type(like).dims});
}

bool EmitSelection(Gen& gen) {
  const ValueId a = gen.Any();
  const ValueId mask = Mask(gen, a);
  const ir::Scalar number = SmallNumber(gen, !gen.IsFloat(a));
  Effect with_number = MovedExactly(gen, {a});
  with_number.low = std::min(with_number.low, -3.0);
  with_number.high = std::max(with_number.high, 4.0);
  if (with_number.grid >= 0) with_number.grid = std::max(with_number.grid, 3);
  switch (gen.rng().Int(0, 4)) {
    case 0: {
      const ValueId b = gen.Partner(a, true, Always);
      return Done(gen.Emit("aten::where.self", {ValueRef{mask}, ValueRef{a}, ValueRef{b}},
                           MovedExactly(gen, {a, b})));
    }
    case 1:
      return Done(gen.Emit(
          "aten::where.ScalarSelf",
          {ValueRef{mask}, gen.Number("aten::where.ScalarSelf", "self", number), ValueRef{a}},
          with_number));
    case 2:
      return Done(gen.Emit(
          "aten::where.ScalarOther",
          {ValueRef{mask}, ValueRef{a}, gen.Number("aten::where.ScalarOther", "other", number)},
          with_number));
    case 3:
      return Done(gen.Emit(
          "aten::masked_fill.Scalar",
          {ValueRef{a}, ValueRef{mask}, gen.Number("aten::masked_fill.Scalar", "value", number)},
          with_number));
    default: {
      const ValueId fill = gen.Fresh({gen.type(a).dtype, {}}, {Domain::Kind::kGrid, 0, 2});
      return Done(gen.Emit("aten::masked_fill.Tensor",
                           {ValueRef{a}, ValueRef{mask}, ValueRef{fill}},
                           MovedExactly(gen, {a, fill})));
    }
  }
}

bool EmitCast(Gen& gen) {
  const DType to = gen.RandomDType();
  const ValueId a = ir::IsFloating(to) ? gen.Any() : gen.Exact();
  // Floats beyond the range of an integer have no defined value there.
  const bool fits = to == DType::kBool || (!gen.info(a).special && gen.Magnitude(a) < 100 &&
                                           !(to == DType::kUInt8 && gen.info(a).low < 0));
  if (gen.IsFloat(a) && !ir::IsFloating(to) && !fits) return false;
  Effect effect = gen.Moved(a);
  effect.distinct = false;
  if (to == DType::kBool) effect.low = 0, effect.high = 1;
  if (!gen.IsFloat(a)) effect.grid = 0, effect.raw = false;
  // Narrowing rounds what lies on no grid, but the same everywhere.
  return Done(gen.Emit("aten::_to_copy", {ValueRef{a}, to}, effect));
}

bool EmitCopy(Gen& gen) {
  const ValueId a = gen.Any();
  const char* ops[] = {"aten::clone", "aten::contiguous", "aten::detach", "aten::alias"};
  const char* op = gen.rng().Pick(ops);
  if (gen.rng().OneIn(2)) return Done(gen.EmitView(op, {ValueRef{a}}, a));
  if (gen.rng().OneIn(2)) {
    const ValueId b = gen.Partner(a, false, Always);
    return Done(gen.Emit("aten::copy", {ValueRef{a}, ValueRef{b}}, MovedExactly(gen, {a, b})));
  }
  if (gen.rng().OneIn(2)) {
    const ValueId value = gen.Fresh({gen.type(a).dtype, {}}, {Domain::Kind::kGrid, 0, 2});
    return Done(
        gen.Emit("aten::fill.Tensor", {ValueRef{a}, ValueRef{value}}, MovedExactly(gen, {value})));
  }
  return Done(gen.Emit(
      "aten::fill.Scalar",
      {ValueRef{a}, gen.Number("aten::fill.Scalar", "value", SmallNumber(gen, !gen.IsFloat(a)))},
      {.low = -3, .high = 4, .grid = 3, .exact = true}));
}

// A number divided by a tensor.
bool EmitRemainderOfNumber(Gen& gen) {
  const ValueId b =
      gen.Fresh({gen.RandomFloatDType(), gen.RandomDims(0, 3)}, {Domain::Kind::kGrid, 0.5, 5});
  return Done(gen.Emit("aten::remainder.Scalar_Tensor",
                       {gen.Number("aten::remainder.Scalar_Tensor", "self", 3.5), ValueRef{b}},
                       Gen::Rounded(0, 5)));
}

}  // namespace

std::vector<Emitter> PointwiseEmitters() {
  return {{"sum", 6, EmitSum},
          {"sum with number", 4, EmitSumWithNumber},
          {"product", 5, EmitProduct},
          {"quotient", 2, EmitQuotient},
          {"quotient by number", 2, EmitQuotientByNumber},
          {"division", 3, EmitDivision},
          {"power", 3, EmitPower},
          {"atan2", 1, EmitAtan2},
          {"extremum", 3, EmitExtremum},
          {"clamp", 2, EmitClamp},
          {"fused", 2, EmitFused},
          {"lerp", 1, EmitLerp},
          {"comparison", 3, EmitComparison},
          {"logical", 2, EmitLogical},
          {"bitwise", 2, EmitBitwise},
          {"selection", 4, EmitSelection},
          {"cast", 3, EmitCast},
          {"copy", 3, EmitCopy},
          {"remainder of number", 1, EmitRemainderOfNumber}};
}

}  // namespace ingot::fuzz
