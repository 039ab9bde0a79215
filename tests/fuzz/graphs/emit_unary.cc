// Functions of one tensor: a table of ops with the function, and the domain in which its results
// stay small and well conditioned.
#include <cmath>

#include "tests/fuzz/graphs/gen.h"

namespace ingot::fuzz {
namespace {

using ir::Argument;
using ir::ValueId;
using ir::ValueRef;

enum class Kind {
  kSmooth,   // rounds, continuous
  kPartial,  // as kSmooth, and NaN or infinite outside of the domain
  kStep,     // jumps; results are exact where operands are
  kExact,    // continuous and exact
};

struct Unary {
  const char* op;
  double (*f)(double);
  double low, high;
  Kind kind;
};

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double Softplus(double x) { return x > 20 ? x : std::log1p(std::exp(x)); }
double Relu(double x) { return std::max(x, 0.0); }
double Clamp(double x, double low, double high) { return std::min(std::max(x, low), high); }

constexpr double kWide = 1e5;

const Unary kUnary[] = {
    {"aten::neg", [](double x) { return -x; }, -kWide, kWide, Kind::kExact},
    {"aten::abs", [](double x) { return std::abs(x); }, -kWide, kWide, Kind::kExact},
    {"aten::relu", Relu, -kWide, kWide, Kind::kExact},
    {"aten::relu6", [](double x) { return Clamp(x, 0, 6); }, -kWide, kWide, Kind::kExact},
    {"aten::hardtanh", [](double x) { return Clamp(x, -1, 1); }, -kWide, kWide, Kind::kExact},
    {"aten::floor", [](double x) { return std::floor(x); }, -kWide, kWide, Kind::kStep},
    {"aten::ceil", [](double x) { return std::ceil(x); }, -kWide, kWide, Kind::kStep},
    {"aten::round", [](double x) { return std::round(x); }, -kWide, kWide, Kind::kStep},
    {"aten::trunc", [](double x) { return std::trunc(x); }, -kWide, kWide, Kind::kStep},
    {"aten::sign", [](double x) { return Clamp(x, -1, 1); }, -kWide, kWide, Kind::kStep},
    {"aten::sgn", [](double x) { return Clamp(x, -1, 1); }, -kWide, kWide, Kind::kStep},
    {"aten::exp", [](double x) { return std::exp(x); }, -20, 4, Kind::kSmooth},
    {"aten::exp2", [](double x) { return std::exp2(x); }, -20, 6, Kind::kSmooth},
    {"aten::expm1", [](double x) { return std::expm1(x); }, -20, 4, Kind::kSmooth},
    {"aten::log", [](double x) { return std::log(x); }, 0.125, kWide, Kind::kPartial},
    {"aten::log2", [](double x) { return std::log2(x); }, 0.125, kWide, Kind::kPartial},
    {"aten::log10", [](double x) { return std::log10(x); }, 0.125, kWide, Kind::kPartial},
    {"aten::log1p", [](double x) { return std::log1p(x); }, -0.75, kWide, Kind::kPartial},
    {"aten::sqrt", [](double x) { return std::sqrt(x); }, 0.125, kWide, Kind::kPartial},
    {"aten::rsqrt", [](double x) { return 1 / std::sqrt(x); }, 0.125, kWide, Kind::kPartial},
    {"aten::reciprocal", [](double x) { return 1 / x; }, 0.125, kWide, Kind::kPartial},
    {"aten::sin", [](double x) { return std::sin(x); }, -30, 30, Kind::kSmooth},
    {"aten::cos", [](double x) { return std::cos(x); }, -30, 30, Kind::kSmooth},
    {"aten::tan", [](double x) { return std::tan(x); }, -1.25, 1.25, Kind::kSmooth},
    {"aten::asin", [](double x) { return std::asin(x); }, -0.875, 0.875, Kind::kPartial},
    {"aten::acos", [](double x) { return std::acos(x); }, -0.875, 0.875, Kind::kPartial},
    {"aten::atan", [](double x) { return std::atan(x); }, -kWide, kWide, Kind::kSmooth},
    {"aten::sinh", [](double x) { return std::sinh(x); }, -4, 4, Kind::kSmooth},
    {"aten::cosh", [](double x) { return std::cosh(x); }, -4, 4, Kind::kSmooth},
    {"aten::tanh", [](double x) { return std::tanh(x); }, -kWide, kWide, Kind::kSmooth},
    {"aten::asinh", [](double x) { return std::asinh(x); }, -kWide, kWide, Kind::kSmooth},
    {"aten::acosh", [](double x) { return std::acosh(x); }, 1.125, kWide, Kind::kPartial},
    {"aten::atanh", [](double x) { return std::atanh(x); }, -0.875, 0.875, Kind::kPartial},
    {"aten::erf", [](double x) { return std::erf(x); }, -kWide, kWide, Kind::kSmooth},
    {"aten::erfc", [](double x) { return std::erfc(x); }, -kWide, 3, Kind::kSmooth},
    {"aten::sigmoid", Sigmoid, -kWide, kWide, Kind::kSmooth},
    {"aten::square", [](double x) { return x * x; }, -30, 30, Kind::kSmooth},
    {"aten::silu", [](double x) { return x * Sigmoid(x); }, -kWide, kWide, Kind::kSmooth},
    {"aten::selu", [](double x) { return Relu(1.1 * x) - 1.8; }, -kWide, 1e4, Kind::kSmooth},
    {"aten::hardswish", [](double x) { return x * Clamp(x / 6 + .5, 0, 1); }, -kWide, kWide,
     Kind::kSmooth},
    {"aten::hardsigmoid", [](double x) { return Clamp(x / 6 + .5, 0, 1); }, -kWide, kWide,
     Kind::kSmooth},
    {"aten::mish", [](double x) { return x * std::tanh(Softplus(x)); }, -kWide, kWide,
     Kind::kSmooth},
    {"aten::log_sigmoid", [](double x) { return -Softplus(-x); }, -kWide, kWide, Kind::kSmooth},
    {"aten::digamma", [](double x) { return std::log(x) - 0.7 / x; }, 0.5, 20, Kind::kSmooth},
    {"aten::lgamma", [](double x) { return std::lgamma(x); }, 0.5, 20, Kind::kSmooth},
    {"aten::erfinv", [](double x) { return 2 * x; }, -0.875, 0.875, Kind::kPartial},
    {"aten::i0", [](double x) { return std::cosh(x); }, -4, 4, Kind::kSmooth},
    {"aten::special_i1", [](double x) { return std::sinh(x); }, -4, 4, Kind::kSmooth},
    {"aten::logit", [](double x) { return std::log(x / (1 - x)); }, 0.125, 0.875, Kind::kSmooth},
    {"aten::sinc", [](double x) { return std::cos(x); }, -10, 10, Kind::kSmooth},
    {"aten::special_entr", [](double x) { return -x * std::log(x); }, 0.125, 16, Kind::kPartial},
    {"aten::frac", [](double x) { return Clamp(x, -1, 1); }, -kWide, kWide, Kind::kStep},
};

Effect EffectOf(const Unary& unary, Gen& gen, ValueId v) {
  const Info& info = gen.info(v);
  Effect effect =
      SampledEffect(unary.f, std::max(info.low, unary.low), std::min(info.high, unary.high));
  const double margin = (effect.high - effect.low) * 0.02;
  effect.low -= margin;
  effect.high += margin;
  effect.special = info.special;
  if (unary.kind == Kind::kStep) {
    effect = {.low = std::floor(effect.low) - 1, .high = std::ceil(effect.high) + 1, .grid = 0};
    effect.special = info.special;
    effect.exact = true;
    // What frac leaves lies on the operand's grid.
    if (unary.op == absl::string_view("aten::frac")) effect.grid = info.grid;
  } else if (unary.kind == Kind::kExact) {
    effect.exact = true;
    effect.raw = info.raw;
    effect.grid = info.grid;
  }
  return effect;
}

bool EmitUnary(Gen& gen) {
  const Unary& unary = gen.rng().Pick(kUnary);
  ValueId v = unary.kind == Kind::kStep ? gen.Exact()
              : gen.rng().OneIn(6)      ? gen.Any()
                                        : gen.Float();
  const bool leave_domain =
      unary.kind == Kind::kPartial && gen.info(v).raw && gen.info(v).grid >= 0;
  if (leave_domain && gen.rng().OneIn(3)) {
    Effect effect = Gen::Rounded(-100, 100, true);
    return Done(gen.Emit(unary.op, {ValueRef{v}}, effect));
  }
  v = gen.Clamped(v, unary.low, unary.high);
  return Done(gen.Emit(unary.op, {ValueRef{v}}, EffectOf(unary, gen, v)));
}

bool EmitTest(Gen& gen) {
  const char* ops[] = {"aten::isnan", "aten::isinf", "aten::isfinite", "aten::isposinf",
                       "aten::isneginf"};
  return Done(gen.Emit(gen.rng().Pick(ops), {ValueRef{gen.Any()}}, Gen::WholeNumbers(0, 1)));
}

// The sign of a zero is certain as long as it was only moved.
bool EmitSignOfZero(Gen& gen) {
  const ValueId v = gen.ExactFloat();
  if (!gen.info(v).raw) return false;
  return Done(gen.Emit("aten::signbit", {ValueRef{v}}, Gen::WholeNumbers(0, 1)));
}

// Infinities would become the largest numbers.
bool EmitNanToNum(Gen& gen) {
  const ValueId v = gen.Float();
  if (gen.info(v).special) return false;
  return Done(gen.Emit("aten::nan_to_num", {ValueRef{v}}, gen.Moved(v)));
}

// Bounds after a continuous function that grows at most by `scale` and leaves [-1.8, 0] for
// negatives.
Effect Activated(Gen& gen, ValueId v, double scale) {
  const double magnitude = gen.Magnitude(v) * scale + 2;
  return Gen::Rounded(-magnitude, magnitude, gen.info(v).special);
}

bool EmitGelu(Gen& gen) {
  const ValueId v = gen.Float();
  // Eager's vectorised gelu of infinity is NaN, that of a few elements is not.
  if (gen.info(v).special) return false;
  const bool tanh = gen.rng().OneIn(2);
  return Done(gen.Emit("aten::gelu", {ValueRef{v}, std::string(tanh ? "tanh" : "none")},
                       Activated(gen, v, 1)));
}

// Activations with numbers: op, names of the numbers, and their values.
bool EmitParametric(Gen& gen) {
  struct Row {
    const char* op;
    std::vector<const char*> names;
    std::vector<double> values;
    double scale;
  };
  const Row rows[] = {
      {"aten::leaky_relu", {"negative_slope"}, {0.125}, 1},
      {"aten::elu", {"alpha", "scale", "input_scale"}, {1.5, 1.25, 0.75}, 2},
      {"aten::celu", {"alpha"}, {0.75}, 1},
      {"aten::softplus", {"beta", "threshold"}, {2, 20}, 1},
      {"aten::softshrink", {"lambd"}, {0.5}, 1},
      {"aten::hardtanh", {"min_val", "max_val"}, {-0.75, 1.5}, 1},
  };
  const Row& row = gen.rng().Pick(rows);
  // softplus jumps by e^-20 where it turns linear.
  ValueId v = gen.Float();
  std::vector<Argument> args = {ValueRef{v}};
  for (size_t i = 0; i < row.names.size(); ++i) {
    args.push_back(gen.Number(row.op, row.names[i], row.values[i]));
  }
  return Done(gen.Emit(row.op, std::move(args), Activated(gen, v, row.scale)));
}

// Jumps at its threshold.
bool EmitThreshold(Gen& gen) {
  const ValueId v = gen.ExactFloat();
  Effect effect = gen.Moved(v);
  effect.distinct = effect.raw = false;
  effect.low = std::min(effect.low, -3.0);
  effect.high = std::max(effect.high, 3.0);
  if (effect.grid >= 0) effect.grid = std::max(effect.grid, 3);
  if (gen.rng().OneIn(2)) {
    return Done(gen.Emit("aten::hardshrink",
                         {ValueRef{v}, gen.Number("aten::hardshrink", "lambd", 0.5)}, effect));
  }
  return Done(gen.Emit("aten::threshold",
                       {ValueRef{v}, gen.Number("aten::threshold", "threshold", 0.25),
                        gen.Number("aten::threshold", "value", -2.5)},
                       effect));
}

}  // namespace

std::vector<Emitter> UnaryEmitters() {
  return {
      {"unary", 14, EmitUnary},        {"test", 1, EmitTest}, {"sign of zero", 1, EmitSignOfZero},
      {"nan_to_num", 1, EmitNanToNum}, {"gelu", 1, EmitGelu}, {"parametric", 3, EmitParametric},
      {"threshold", 1, EmitThreshold}};
}

}  // namespace ingot::fuzz
