// f32 functions against libm's double ones over a stride through all bit patterns, and on special
// values.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "backends/onednn/kernels/pointwise.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Function {
  const char* name;
  PwOp op;
  double (*exact)(double);
  double max_ulp;
  double slack_per_x;  // absolute error allowed, times |x|
};

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double GeluErf(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }
double GeluTanh(double x) {
  const double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
  return x / (1 + std::exp(-2 * u));
}
double Softplus(double x) { return x > 20 ? x : std::log1p(std::exp(x)); }

const Function kFunctions[] = {
    {"exp", PwOp::kExp, [](double x) { return std::exp(x); }, 1.5, 0},
    {"log", PwOp::kLog, [](double x) { return std::log(x); }, 2, 0},
    {"tanh", PwOp::kTanh, [](double x) { return std::tanh(x); }, 3, 0},
    {"erf", PwOp::kErf, [](double x) { return std::erf(x); }, 3, 0},
    {"sigmoid", PwOp::kSigmoid, Sigmoid, 3, 0},
    {"sin", PwOp::kSin, [](double x) { return std::sin(x); }, 4, 0},
    {"cos", PwOp::kCos, [](double x) { return std::cos(x); }, 4, 0},
    {"sqrt", PwOp::kSqrt, [](double x) { return std::sqrt(x); }, 0.51, 0},
    {"rsqrt", PwOp::kRsqrt, [](double x) { return 1 / std::sqrt(x); }, 1.5, 0},
    {"reciprocal", PwOp::kReciprocal, [](double x) { return 1 / x; }, 0.51, 0},
    {"silu", PwOp::kSilu, [](double x) { return x * Sigmoid(x); }, 4, 1e-44},
    {"gelu_erf", PwOp::kGeluErf, GeluErf, 4, 1e-7},
    {"gelu_tanh", PwOp::kGeluTanh, GeluTanh, 4, 1e-7},
    {"softplus", PwOp::kSoftplus, Softplus, 4, 0},
    {"elu", PwOp::kElu, [](double x) { return x > 0 ? x : std::expm1(x); }, 4, 0},
    {"expm1", PwOp::kExpm1, [](double x) { return std::expm1(x); }, 2, 0},
};

// Distance in units of the last place of the f32 nearest to `exact`; denormals share the smallest
// normal's grid.
double UlpError(float value, double exact) {
  const float rounded = static_cast<float>(exact);
  if (std::isnan(exact)) return std::isnan(value) ? 0 : 1e9;
  if (std::isinf(rounded) || std::isinf(value)) return rounded == value ? 0 : 1e9;
  if (std::isnan(value)) return 1e9;
  int exponent;
  std::frexp(rounded, &exponent);
  const double ulp = std::ldexp(1.0, std::max(exponent, -125) - 24);
  return std::abs(value - exact) / ulp;
}

Pointwise UnaryProgram(PwOp op, int64_t n, const PwImmediates& immediates) {
  PointwiseBuilder builder({n});
  builder.Output(builder.Op(op, {builder.Input(DType::kFloat32, {1})}, immediates));
  return *std::move(builder).Build();
}

PwImmediates ImmediatesOf(PwOp op) {
  if (op == PwOp::kSoftplus) return {1, 20, 0};
  if (op == PwOp::kElu) return {1, 1, 1};
  return {};
}

class PointwiseAccuracyTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(PointwiseAccuracyTest);

TEST_P(PointwiseAccuracyTest, StaysWithinTheStatedUlpsOverAllBitPatterns) {
  // A prime: every exponent, sign and low-bit pattern turns up.
  constexpr uint32_t kStride = 4099;
  std::vector<float> x;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += kStride) {
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
  // Where models live: densely.
  for (double v = -30; v < 30; v += 1e-4) x.push_back(static_cast<float>(v));
  std::vector<float> y(x.size());
  for (const Function& function : kFunctions) {
    const Pointwise program =
        UnaryProgram(function.op, static_cast<int64_t>(x.size()), ImmediatesOf(function.op));
    const void* inputs[] = {x.data()};
    void* outputs[] = {y.data()};
    program.Run(inputs, outputs, 1);
    double worst = 0;
    float worst_x = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = function.exact(x[i]);
      if (std::abs(y[i] - exact) <= function.slack_per_x * std::abs(x[i])) continue;
      const double error = UlpError(y[i], exact);
      if (error > worst) {
        worst = error;
        worst_x = x[i];
      }
    }
    RecordProperty(function.name, std::to_string(worst));
    EXPECT_LE(worst, function.max_ulp) << function.name << "(" << worst_x << ")";
  }
}

struct Special {
  PwOp op;
  float x;
  float y;
};

TEST_P(PointwiseAccuracyTest, SpecialValuesAreThoseOfPyTorch) {
  const Special cases[] = {
      {PwOp::kExp, -kInf, 0},
      {PwOp::kExp, kInf, kInf},
      {PwOp::kExp, 89, kInf},
      {PwOp::kLog, 0, -kInf},
      {PwOp::kLog, -1, kNaN},
      {PwOp::kLog, kInf, kInf},
      {PwOp::kTanh, kInf, 1},
      {PwOp::kTanh, -kInf, -1},
      {PwOp::kErf, -kInf, -1},
      {PwOp::kSigmoid, -kInf, 0},
      {PwOp::kSigmoid, kInf, 1},
      {PwOp::kSin, kInf, kNaN},
      {PwOp::kRelu, -kInf, 0},
      {PwOp::kRelu6, kInf, 6},
      {PwOp::kSilu, -kInf, kNaN},
      {PwOp::kGeluErf, -kInf, kNaN},
      {PwOp::kGeluErf, kInf, kInf},
      {PwOp::kGeluTanh, kInf, kInf},
      {PwOp::kGeluErf, -100, -0.0f},
      {PwOp::kGeluTanh, -100, -0.0f},
      {PwOp::kRound, 2.5f, 2},
      {PwOp::kRound, -0.5f, -0.0f},
      {PwOp::kRound, 1e10f, 1e10f},
      {PwOp::kFloor, -1e10f, -1e10f},
      {PwOp::kSign, -3, -1},
      {PwOp::kSign, kNaN, 0},
      {PwOp::kSqrt, -1, kNaN},
      {PwOp::kRsqrt, 0, kInf},
      {PwOp::kReciprocal, -0.0f, -kInf},
      {PwOp::kHardswish, -3, -0.0f},
      {PwOp::kTanh, -0.0f, -0.0f},
      {PwOp::kErf, -0.0f, -0.0f},
      {PwOp::kSin, -0.0f, -0.0f},
      {PwOp::kElu, -kInf, -1},
      {PwOp::kSoftplus, -kInf, 0},
      {PwOp::kSoftplus, kInf, kInf},
  };
  for (const Special& special : cases) {
    float y = 42;
    const void* inputs[] = {&special.x};
    void* outputs[] = {&y};
    UnaryProgram(special.op, 1, ImmediatesOf(special.op)).Run(inputs, outputs, 1);
    if (std::isnan(special.y)) {
      EXPECT_TRUE(std::isnan(y)) << PwOpName(special.op) << "(" << special.x << ") = " << y;
    } else {
      EXPECT_EQ(y, special.y) << PwOpName(special.op) << "(" << special.x << ")";
      EXPECT_EQ(std::signbit(y), std::signbit(special.y))
          << PwOpName(special.op) << "(" << special.x << ")";
    }
  }
}

TEST_P(PointwiseAccuracyTest, NanIsHandedOn) {
  for (PwOp op :
       {PwOp::kExp,   PwOp::kLog,   PwOp::kTanh,      PwOp::kErf,         PwOp::kSigmoid,
        PwOp::kRelu,  PwOp::kRelu6, PwOp::kSilu,      PwOp::kGeluErf,     PwOp::kGeluTanh,
        PwOp::kSin,   PwOp::kCos,   PwOp::kElu,       PwOp::kSoftplus,    PwOp::kHardswish,
        PwOp::kRound, PwOp::kFloor, PwOp::kLeakyRelu, PwOp::kHardsigmoid, PwOp::kAbs,
        PwOp::kClamp}) {
    const std::vector<float> x(19, kNaN);
    std::vector<float> y(19);
    const void* inputs[] = {x.data()};
    void* outputs[] = {y.data()};
    UnaryProgram(op, 19, {1, 2, 1}).Run(inputs, outputs, 1);
    for (float value : y) EXPECT_TRUE(std::isnan(value)) << PwOpName(op);
  }
}

}  // namespace
}  // namespace ingot::kernels
