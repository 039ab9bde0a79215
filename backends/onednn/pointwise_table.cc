#include "backends/onednn/pointwise_table.h"

#include <cmath>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace ingot::onednn {
namespace {

using ir::DType;
using kernels::PwOp;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

template <PwOp kOp>
int Unary(Emitter& e) {
  return e.Op(kOp, {e.Arg(0, e.out())});
}

template <PwOp kOp>
int Binary(Emitter& e) {
  return e.Op(kOp, {e.Arg(0, e.out()), e.Arg(1, e.out())});
}

// Arithmetic that on bools is logic.
template <PwOp kOp, PwOp kBoolOp>
int BinaryOrLogic(Emitter& e) {
  return e.Op(e.out() == DType::kBool ? kBoolOp : kOp, {e.Arg(0, e.out()), e.Arg(1, e.out())});
}

template <PwOp kOp>
int Compare(Emitter& e) {
  const DType common = e.CommonType(0, 1);
  return e.Op(kOp, {e.Arg(0, common), e.Arg(1, common)});
}

template <PwOp kOp>
int Logical(Emitter& e) {
  return e.Op(kOp, {e.Arg(0, DType::kBool), e.Arg(1, DType::kBool)});
}

template <PwOp kOp>
int Predicate(Emitter& e) {
  return e.Op(kOp, {e.Arg(0, e.view().TensorType("self").dtype)});
}

// left + alpha * right, alpha being argument 2; kSign -1 subtracts, kSwap exchanges the operands.
template <int kSign, bool kSwap>
int Add(Emitter& e) {
  const DType type = e.out();
  const int left = e.Arg(kSwap ? 1 : 0, type);
  const int right = e.Arg(kSwap ? 0 : 1, type);
  if (e.IsLiteral(2, 1)) {
    if (type == DType::kBool) return e.Op(PwOp::kOr, {left, right});
    return e.Op(kSign > 0 ? PwOp::kAdd : PwOp::kSub, {left, right});
  }
  int alpha = e.Arg(2, type);
  if (kSign < 0) alpha = e.Op(PwOp::kNeg, {alpha});
  if (type == DType::kFloat32 || type == DType::kFloat64) {
    return e.Op(PwOp::kFma, {right, alpha, left});
  }
  return e.Op(PwOp::kAdd, {left, e.Op(PwOp::kMul, {alpha, right})});
}

int Addcmul(Emitter& e) {
  const DType type = e.out();
  int product = e.Arg(1, type);
  if (!e.IsLiteral(3, 1)) product = e.Op(PwOp::kMul, {e.Arg(3, type), product});
  return e.Op(PwOp::kAdd, {e.Arg(0, type), e.Op(PwOp::kMul, {product, e.Arg(2, type)})});
}

int Addcdiv(Emitter& e) {
  const DType type = e.out();
  int numerator = e.Arg(1, type);
  if (!e.IsLiteral(3, 1)) numerator = e.Op(PwOp::kMul, {e.Arg(3, type), numerator});
  return e.Op(PwOp::kAdd, {e.Arg(0, type), e.Op(PwOp::kDiv, {numerator, e.Arg(2, type)})});
}

int Pow(Emitter& e) {
  const DType type = e.out();
  if (const std::optional<double> exponent = e.Literal(1);
      exponent && (type == DType::kFloat32 || type == DType::kFloat64)) {
    return e.Op(PwOp::kPowScalar, {e.Arg(0, type)}, {*exponent, 0, 1});
  }
  return e.Op(PwOp::kPow, {e.Arg(0, type), e.Arg(1, type)});
}

template <int kLow, int kHigh>
int ClampBetween(Emitter& e) {
  const DType type = e.out();
  const auto has = [&](int i) {
    return i > 0 && !std::holds_alternative<ir::None>(e.view().node().args[i]);
  };
  if (!ir::IsFloating(type)) {
    // Integers beyond 2^53 would not survive as immediates.
    int value = e.Arg(0, type);
    if (has(kLow)) value = e.Op(PwOp::kMaximum, {value, e.Arg(kLow, type)});
    if (has(kHigh)) value = e.Op(PwOp::kMinimum, {value, e.Arg(kHigh, type)});
    return value;
  }
  kernels::PwImmediates bounds{-kInfinity, kInfinity, 1};
  if (has(kLow)) bounds.p = e.Literal(kLow).value_or(-kInfinity);
  if (has(kHigh)) bounds.q = e.Literal(kHigh).value_or(kInfinity);
  // ATen's clamps then give NaN everywhere. For the instruction such a bound is none.
  if (std::isnan(bounds.p) || std::isnan(bounds.q)) return e.Constant(kNan, type);
  return e.Op(PwOp::kClamp, {e.Arg(0, type)}, bounds);
}

int ClampTensor(Emitter& e) {
  int value = e.Arg(0, e.out());
  if (e.view().Has("min")) value = e.Op(PwOp::kMaximum, {value, e.Arg(1, e.out())});
  if (e.view().Has("max")) value = e.Op(PwOp::kMinimum, {value, e.Arg(2, e.out())});
  return value;
}

int Where(Emitter& e) {
  return e.Op(PwOp::kWhere, {e.Arg(0, DType::kBool), e.Arg(1, e.out()), e.Arg(2, e.out())});
}

int MaskedFill(Emitter& e) {
  return e.Op(PwOp::kWhere, {e.Arg(1, DType::kBool), e.Arg(2, e.out()), e.Arg(0, e.out())});
}

int Gelu(Emitter& e) {
  const bool tanh = e.view().String("approximate") == "tanh";
  return e.Op(tanh ? PwOp::kGeluTanh : PwOp::kGeluErf, {e.Arg(0, e.out())});
}

int LeakyRelu(Emitter& e) {
  return e.Op(PwOp::kLeakyRelu, {e.Arg(0, e.out())}, {e.view().Float("negative_slope"), 0, 1});
}

// x > 0 ? scale * x : factor * (exp(input_scale * x) - 1)
int ExponentialUnit(Emitter& e, double factor, double scale, double input_scale) {
  const DType type = e.out();
  const int x = e.Arg(0, type);
  if (input_scale >= 0) return e.Op(PwOp::kElu, {x}, {factor, scale, input_scale});
  // The instruction's exponents are none above 0, so that its loop need not know of overflow.
  const int power = e.Op(PwOp::kExpm1, {e.Op(PwOp::kMul, {x, e.Constant(input_scale, type)})});
  const int below = e.Op(PwOp::kMul, {power, e.Constant(factor, type)});
  const int above = e.Op(PwOp::kMul, {x, e.Constant(scale, type)});
  return e.Op(PwOp::kWhere, {e.Op(PwOp::kGt, {x, e.Constant(0, type)}), above, below});
}

int Elu(Emitter& e) {
  const double alpha = e.view().Float("alpha"), scale = e.view().Float("scale");
  return ExponentialUnit(e, alpha * scale, scale, e.view().Float("input_scale"));
}

int Celu(Emitter& e) {
  const double alpha = e.view().Float("alpha");
  return ExponentialUnit(e, alpha, 1, 1 / alpha);
}

// Klambauer et al. 2017, as in ATen's native/Activation.cpp.
int Selu(Emitter& e) {
  constexpr double kAlpha = 1.6732632423543772848170429916717;
  constexpr double kScale = 1.0507009873554804934193349852946;
  return ExponentialUnit(e, kAlpha * kScale, kScale, 1);
}

int Softplus(Emitter& e) {
  return e.Op(PwOp::kSoftplus, {e.Arg(0, e.out())},
              {e.view().Float("beta"), e.view().Float("threshold"), 1});
}

// log(sigmoid(x)) = -softplus(-x)
int LogSigmoid(Emitter& e) {
  const int negated = e.Op(PwOp::kNeg, {e.Arg(0, e.out())});
  return e.Op(PwOp::kNeg, {e.Op(PwOp::kSoftplus, {negated}, {1, 20, 1})});
}

int Threshold(Emitter& e) {
  const int x = e.Arg(0, e.out());
  const int above = e.Op(PwOp::kGt, {x, e.Arg(1, e.out())});
  // NaN is kept: it is not <= threshold.
  const int nan = e.Op(PwOp::kNe, {x, x});
  return e.Op(PwOp::kWhere, {e.Op(PwOp::kOr, {above, nan}), x, e.Arg(2, e.out())});
}

int Hardshrink(Emitter& e) {
  const int x = e.Arg(0, e.out());
  const int inside =
      e.Op(PwOp::kLe, {e.Op(PwOp::kAbs, {x}), e.Constant(e.view().Float("lambd"), e.out())});
  return e.Op(PwOp::kWhere, {inside, e.Constant(0, e.out()), x});
}

// x - clamp(x, -lambda, lambda)
int Softshrink(Emitter& e) {
  const int x = e.Arg(0, e.out());
  const double lambda = e.view().Float("lambd");
  return e.Op(PwOp::kSub, {x, e.Op(PwOp::kClamp, {x}, {-lambda, lambda, 1})});
}

int Frac(Emitter& e) {
  const int x = e.Arg(0, e.out());
  return e.Op(PwOp::kSub, {x, e.Op(PwOp::kTrunc, {x})});
}

// --- Compositions; NaN fails comparisons and so takes their second branch ---

int Select(Emitter& e, int condition, int yes, int no) {
  return e.Op(PwOp::kWhere, {condition, yes, no});
}
int IsNan(Emitter& e, int x) { return e.Op(PwOp::kNe, {x, x}); }
int Zero(Emitter& e) { return e.Constant(0, e.out()); }

int Entr(Emitter& e) {
  const int x = e.Arg(0, e.out());
  const int inside = e.Op(PwOp::kNeg, {e.Op(PwOp::kMul, {x, e.Op(PwOp::kLog, {x})})});
  const int at_most =
      Select(e, e.Op(PwOp::kEq, {x, Zero(e)}), Zero(e), e.Constant(-kInfinity, e.out()));
  const int keeps = e.Op(PwOp::kOr, {e.Op(PwOp::kGt, {x, Zero(e)}), IsNan(e, x)});
  return Select(e, keeps, inside, at_most);
}

int Sinc(Emitter& e) {
  const int x = e.Arg(0, e.out());
  const int angle = e.Op(PwOp::kMul, {x, e.Constant(3.14159265358979323846, e.out())});
  const int ratio = e.Op(PwOp::kDiv, {e.Op(PwOp::kSin, {angle}), angle});
  return Select(e, e.Op(PwOp::kEq, {x, Zero(e)}), e.Constant(1, e.out()), ratio);
}

int Logit(Emitter& e) {
  int x = e.Arg(0, e.out());
  if (e.view().Has("eps")) {
    const double eps = e.view().Float("eps");
    x = e.Op(PwOp::kClamp, {x}, {eps, 1 - eps, 1});
  }
  const int rest = e.Op(PwOp::kSub, {e.Constant(1, e.out()), x});
  return e.Op(PwOp::kLog, {e.Op(PwOp::kDiv, {x, rest})});
}

int NanToNum(Emitter& e) {
  const DType type = e.out();
  const int x = e.Arg(0, type);
  if (!ir::IsFloating(type)) return x;
  const double most = type == DType::kFloat64 ? std::numeric_limits<double>::max()
                                              : std::numeric_limits<float>::max();
  const int high = e.Constant(e.view().FloatOr("posinf", most), type);
  const int low = e.Constant(e.view().FloatOr("neginf", -most), type);
  const int nan = e.Constant(e.view().FloatOr("nan", 0), type);
  const int is_high = e.Op(PwOp::kEq, {x, e.Constant(kInfinity, type)});
  const int is_low = e.Op(PwOp::kEq, {x, e.Constant(-kInfinity, type)});
  return Select(e, is_high, high, Select(e, is_low, low, Select(e, IsNan(e, x), nan, x)));
}

// x == +-inf; never for integers.
template <int kSign>
int IsSignedInfinity(Emitter& e) {
  const DType type = e.view().TensorType("self").dtype;
  const int x = e.Arg(0, type);
  if (!ir::IsFloating(type)) return IsNan(e, x);
  return e.Op(PwOp::kEq, {x, e.Constant(kSign * kInfinity, type)});
}

int Signbit(Emitter& e) {
  const DType type = e.view().TensorType("self").dtype;
  int x = e.Arg(0, type);
  if (type == DType::kBool) return IsNan(e, x);
  if (ir::IsFloating(type)) x = e.Op(PwOp::kCopysign, {e.Constant(1, type), x});
  return e.Op(PwOp::kLt, {x, e.Constant(0, type)});
}

// log(b^x + b^y) = m + log_b(1 + b^-|x - y|), m the greater; equal infinities are their own result.
template <PwOp kPower>
int LogAddExp(Emitter& e) {
  const DType type = e.out();
  const int x = e.Arg(0, type), y = e.Arg(1, type);
  const int distance = e.Op(PwOp::kAbs, {e.Op(PwOp::kSub, {x, y})});
  int rest = e.Op(PwOp::kLog1p, {e.Op(kPower, {e.Op(PwOp::kNeg, {distance})})});
  constexpr double kInverseLog2 = 1.4426950408889634074;
  if (kPower == PwOp::kExp2) {
    rest = e.Op(PwOp::kMul, {rest, e.Constant(kInverseLog2, type)});
  }
  const int sum = e.Op(PwOp::kAdd, {e.Op(PwOp::kMaximum, {x, y}), rest});
  const int same = e.Op(PwOp::kAnd, {e.Op(PwOp::kEq, {x, y}), e.Op(PwOp::kIsInf, {x})});
  return Select(e, same, x, sum);
}

int Heaviside(Emitter& e) {
  const DType type = e.out();
  const int x = e.Arg(0, type);
  const int step = e.Cast(e.Op(PwOp::kGt, {x, e.Constant(0, type)}), type);
  return Select(e, e.Op(PwOp::kEq, {x, e.Constant(0, type)}), e.Arg(1, type), step);
}

// x * log(y), or log1p; 0 where x is 0 unless y is NaN.
template <PwOp kLog>
int XLogY(Emitter& e) {
  const DType type = e.out();
  const int x = e.Arg(0, type), y = e.Arg(1, type);
  const int product = e.Op(PwOp::kMul, {x, e.Op(kLog, {y})});
  const int otherwise = Select(e, e.Op(PwOp::kEq, {x, Zero(e)}), Zero(e), product);
  return Select(e, IsNan(e, y), y, otherwise);
}

// A NaN gives way.
template <PwOp kOp, PwOp kBoolOp>
int Yielding(Emitter& e) {
  const DType type = e.out();
  const int x = e.Arg(0, type), y = e.Arg(1, type);
  if (type == DType::kBool) return e.Op(kBoolOp, {x, y});
  const int extreme = e.Op(kOp, {x, y});
  if (!ir::IsFloating(type)) return extreme;
  return Select(e, IsNan(e, x), y, Select(e, IsNan(e, y), x, extreme));
}

int LogicalNot(Emitter& e) { return e.Op(PwOp::kNot, {e.Arg(0, DType::kBool)}); }
int CastSelf(Emitter& e) { return e.Arg(0, e.out()); }
int CastSecond(Emitter& e) { return e.Arg(1, e.out()); }

int Lerp(Emitter& e) {
  const DType type = e.out();
  const int self = e.Arg(0, type), end = e.Arg(1, type), weight = e.Arg(2, type);
  const int difference = e.Op(PwOp::kSub, {end, self});
  // ATen keeps both ends exact: from the end's side for weights of a half and more.
  const int low = e.Op(PwOp::kAdd, {self, e.Op(PwOp::kMul, {weight, difference})});
  const int rest = e.Op(PwOp::kSub, {e.Constant(1, type), weight});
  const int high = e.Op(PwOp::kSub, {end, e.Op(PwOp::kMul, {difference, rest})});
  const int near = e.Op(PwOp::kLt, {e.Op(PwOp::kAbs, {weight}), e.Constant(0.5, type)});
  return e.Op(PwOp::kWhere, {near, low, high});
}

int DivMode(Emitter& e) {
  if (!e.view().Has("rounding_mode")) return Binary<PwOp::kDiv>(e);
  return e.view().String("rounding_mode") == "floor" ? Binary<PwOp::kDivFloor>(e)
                                                     : Binary<PwOp::kDivTrunc>(e);
}

// Rounding to a number of decimals is another op: round.decimals.
template <PwOp kOp>
int Rounding(Emitter& e) {
  const DType type = e.out();
  const int x = e.Arg(0, type);
  return ir::IsFloating(type) ? e.Op(kOp, {x}) : x;
}

// Integer division raises in eager on a zero; only a divisor known not to be zero is taken.
absl::Status CheckIntegerDivisor(const ops::OpView& view) {
  if (!ir::IsIntegralOrBool(view.OutputType().dtype)) return absl::OkStatus();
  const auto* divisor = std::get_if<int64_t>(&view.node().args[1]);
  if (divisor != nullptr && *divisor != 0) return absl::OkStatus();
  return absl::UnimplementedError("integer division by a number that may be zero");
}

absl::Status CheckIntegerPower(const ops::OpView& view) {
  if (!ir::IsIntegralOrBool(view.OutputType().dtype)) return absl::OkStatus();
  const auto* exponent = std::get_if<int64_t>(&view.node().args[1]);
  if (exponent != nullptr && *exponent >= 0) return absl::OkStatus();
  return absl::UnimplementedError("integer power by an exponent that may be negative");
}

constexpr PointwiseOp kOps[] = {
    {"aten::add.Tensor", &Add<1, false>, nullptr},
    {"aten::add.Scalar", &Add<1, false>, nullptr},
    {"aten::sub.Tensor", &Add<-1, false>, nullptr},
    {"aten::sub.Scalar", &Add<-1, false>, nullptr},
    {"aten::rsub.Tensor", &Add<-1, true>, nullptr},
    {"aten::rsub.Scalar", &Add<-1, true>, nullptr},
    {"aten::mul.Tensor", &BinaryOrLogic<PwOp::kMul, PwOp::kAnd>, nullptr},
    {"aten::mul.Scalar", &BinaryOrLogic<PwOp::kMul, PwOp::kAnd>, nullptr},
    {"aten::div.Tensor", &Binary<PwOp::kDiv>, nullptr},
    {"aten::div.Scalar", &Binary<PwOp::kDiv>, nullptr},
    {"aten::div.Tensor_mode", &DivMode, &CheckIntegerDivisor},
    {"aten::div.Scalar_mode", &DivMode, &CheckIntegerDivisor},
    {"aten::floor_divide", &Binary<PwOp::kDivFloor>, &CheckIntegerDivisor},
    {"aten::floor_divide.Scalar", &Binary<PwOp::kDivFloor>, &CheckIntegerDivisor},
    {"aten::remainder.Tensor", &Binary<PwOp::kRemainder>, &CheckIntegerDivisor},
    {"aten::remainder.Scalar", &Binary<PwOp::kRemainder>, &CheckIntegerDivisor},
    {"aten::remainder.Scalar_Tensor", &Binary<PwOp::kRemainder>, &CheckIntegerDivisor},
    {"aten::fmod.Tensor", &Binary<PwOp::kFmod>, &CheckIntegerDivisor},
    {"aten::fmod.Scalar", &Binary<PwOp::kFmod>, &CheckIntegerDivisor},
    {"aten::pow.Tensor_Scalar", &Pow, &CheckIntegerPower},
    {"aten::pow.Tensor_Tensor", &Pow, &CheckIntegerPower},
    {"aten::pow.Scalar", &Pow, &CheckIntegerPower},
    {"aten::atan2", &Binary<PwOp::kAtan2>, nullptr},
    {"aten::maximum", &BinaryOrLogic<PwOp::kMaximum, PwOp::kOr>, nullptr},
    {"aten::minimum", &BinaryOrLogic<PwOp::kMinimum, PwOp::kAnd>, nullptr},
    {"aten::clamp", &ClampBetween<1, 2>, nullptr},
    {"aten::clamp.Tensor", &ClampTensor, nullptr},
    {"aten::clamp_min", &ClampBetween<1, -1>, nullptr},
    {"aten::clamp_max", &ClampBetween<-1, 1>, nullptr},
    {"aten::addcmul", &Addcmul, nullptr},
    {"aten::addcdiv", &Addcdiv, nullptr},
    {"aten::lerp.Scalar", &Lerp, nullptr},
    {"aten::lerp.Tensor", &Lerp, nullptr},
    {"aten::eq.Tensor", &Compare<PwOp::kEq>, nullptr},
    {"aten::eq.Scalar", &Compare<PwOp::kEq>, nullptr},
    {"aten::ne.Tensor", &Compare<PwOp::kNe>, nullptr},
    {"aten::ne.Scalar", &Compare<PwOp::kNe>, nullptr},
    {"aten::lt.Tensor", &Compare<PwOp::kLt>, nullptr},
    {"aten::lt.Scalar", &Compare<PwOp::kLt>, nullptr},
    {"aten::le.Tensor", &Compare<PwOp::kLe>, nullptr},
    {"aten::le.Scalar", &Compare<PwOp::kLe>, nullptr},
    {"aten::gt.Tensor", &Compare<PwOp::kGt>, nullptr},
    {"aten::gt.Scalar", &Compare<PwOp::kGt>, nullptr},
    {"aten::ge.Tensor", &Compare<PwOp::kGe>, nullptr},
    {"aten::ge.Scalar", &Compare<PwOp::kGe>, nullptr},
    {"aten::logical_and", &Logical<PwOp::kAnd>, nullptr},
    {"aten::logical_or", &Logical<PwOp::kOr>, nullptr},
    {"aten::logical_xor", &Logical<PwOp::kXor>, nullptr},
    {"aten::logical_not", &LogicalNot, nullptr},
    {"aten::bitwise_and.Tensor", &Binary<PwOp::kAnd>, nullptr},
    {"aten::bitwise_and.Scalar", &Binary<PwOp::kAnd>, nullptr},
    {"aten::bitwise_or.Tensor", &Binary<PwOp::kOr>, nullptr},
    {"aten::bitwise_or.Scalar", &Binary<PwOp::kOr>, nullptr},
    {"aten::bitwise_xor.Tensor", &Binary<PwOp::kXor>, nullptr},
    {"aten::bitwise_xor.Scalar", &Binary<PwOp::kXor>, nullptr},
    {"aten::bitwise_not", &Unary<PwOp::kNot>, nullptr},
    {"aten::where.self", &Where, nullptr},
    {"aten::where.ScalarSelf", &Where, nullptr},
    {"aten::where.ScalarOther", &Where, nullptr},
    {"aten::masked_fill.Scalar", &MaskedFill, nullptr},
    {"aten::masked_fill.Tensor", &MaskedFill, nullptr},
    {"aten::_to_copy", &CastSelf, nullptr},
    {"aten::copy", &CastSecond, nullptr},
    {"aten::fill.Scalar", &CastSecond, nullptr},
    {"aten::fill.Tensor", &CastSecond, nullptr},
    {"aten::neg", &Unary<PwOp::kNeg>, nullptr},
    {"aten::abs", &Unary<PwOp::kAbs>, nullptr},
    {"aten::sign", &Unary<PwOp::kSign>, nullptr},
    {"aten::sgn", &Unary<PwOp::kSign>, nullptr},
    {"aten::square", &Unary<PwOp::kSquare>, nullptr},
    {"aten::exp", &Unary<PwOp::kExp>, nullptr},
    {"aten::exp2", &Unary<PwOp::kExp2>, nullptr},
    {"aten::expm1", &Unary<PwOp::kExpm1>, nullptr},
    {"aten::log", &Unary<PwOp::kLog>, nullptr},
    {"aten::log2", &Unary<PwOp::kLog2>, nullptr},
    {"aten::log10", &Unary<PwOp::kLog10>, nullptr},
    {"aten::log1p", &Unary<PwOp::kLog1p>, nullptr},
    {"aten::sqrt", &Unary<PwOp::kSqrt>, nullptr},
    {"aten::rsqrt", &Unary<PwOp::kRsqrt>, nullptr},
    {"aten::reciprocal", &Unary<PwOp::kReciprocal>, nullptr},
    {"aten::sin", &Unary<PwOp::kSin>, nullptr},
    {"aten::cos", &Unary<PwOp::kCos>, nullptr},
    {"aten::tan", &Unary<PwOp::kTan>, nullptr},
    {"aten::asin", &Unary<PwOp::kAsin>, nullptr},
    {"aten::acos", &Unary<PwOp::kAcos>, nullptr},
    {"aten::atan", &Unary<PwOp::kAtan>, nullptr},
    {"aten::sinh", &Unary<PwOp::kSinh>, nullptr},
    {"aten::cosh", &Unary<PwOp::kCosh>, nullptr},
    {"aten::asinh", &Unary<PwOp::kAsinh>, nullptr},
    {"aten::acosh", &Unary<PwOp::kAcosh>, nullptr},
    {"aten::atanh", &Unary<PwOp::kAtanh>, nullptr},
    {"aten::tanh", &Unary<PwOp::kTanh>, nullptr},
    {"aten::erf", &Unary<PwOp::kErf>, nullptr},
    {"aten::erfc", &Unary<PwOp::kErfc>, nullptr},
    {"aten::sigmoid", &Unary<PwOp::kSigmoid>, nullptr},
    {"aten::relu", &Unary<PwOp::kRelu>, nullptr},
    {"aten::relu6", &Unary<PwOp::kRelu6>, nullptr},
    {"aten::silu", &Unary<PwOp::kSilu>, nullptr},
    {"aten::mish", &Unary<PwOp::kMish>, nullptr},
    {"aten::hardswish", &Unary<PwOp::kHardswish>, nullptr},
    {"aten::hardsigmoid", &Unary<PwOp::kHardsigmoid>, nullptr},
    {"aten::hardtanh", &ClampBetween<1, 2>, nullptr},
    {"aten::gelu", &Gelu, nullptr},
    {"aten::leaky_relu", &LeakyRelu, nullptr},
    {"aten::elu", &Elu, nullptr},
    {"aten::celu", &Celu, nullptr},
    {"aten::selu", &Selu, nullptr},
    {"aten::softplus", &Softplus, nullptr},
    {"aten::log_sigmoid", &LogSigmoid, nullptr},
    {"aten::threshold", &Threshold, nullptr},
    {"aten::hardshrink", &Hardshrink, nullptr},
    {"aten::softshrink", &Softshrink, nullptr},
    {"aten::floor", &Rounding<PwOp::kFloor>, nullptr},
    {"aten::ceil", &Rounding<PwOp::kCeil>, nullptr},
    {"aten::round", &Rounding<PwOp::kRound>, nullptr},
    {"aten::trunc", &Rounding<PwOp::kTrunc>, nullptr},
    {"aten::frac", &Frac, nullptr},
    {"aten::lgamma", &Unary<PwOp::kLgamma>, nullptr},
    {"aten::digamma", &Unary<PwOp::kDigamma>, nullptr},
    {"aten::erfinv", &Unary<PwOp::kErfinv>, nullptr},
    {"aten::i0", &Unary<PwOp::kI0>, nullptr},
    {"aten::special_i1", &Unary<PwOp::kI1>, nullptr},
    {"aten::special_entr", &Entr, nullptr},
    {"aten::sinc", &Sinc, nullptr},
    {"aten::logit", &Logit, nullptr},
    {"aten::nan_to_num", &NanToNum, nullptr},
    {"aten::isneginf", &IsSignedInfinity<-1>, nullptr},
    {"aten::isposinf", &IsSignedInfinity<1>, nullptr},
    {"aten::signbit", &Signbit, nullptr},
    {"aten::logaddexp", &LogAddExp<PwOp::kExp>, nullptr},
    {"aten::logaddexp2", &LogAddExp<PwOp::kExp2>, nullptr},
    {"aten::copysign.Tensor", &Binary<PwOp::kCopysign>, nullptr},
    {"aten::heaviside", &Heaviside, nullptr},
    {"aten::hypot", &Binary<PwOp::kHypot>, nullptr},
    {"aten::nextafter", &Binary<PwOp::kNextafter>, nullptr},
    {"aten::xlogy.Tensor", &XLogY<PwOp::kLog>, nullptr},
    {"aten::special_xlog1py", &XLogY<PwOp::kLog1p>, nullptr},
    {"aten::fmax", &Yielding<PwOp::kMaximum, PwOp::kOr>, nullptr},
    {"aten::fmin", &Yielding<PwOp::kMinimum, PwOp::kAnd>, nullptr},
    {"aten::clamp_min.Tensor", &BinaryOrLogic<PwOp::kMaximum, PwOp::kOr>, nullptr},
    {"aten::clamp_max.Tensor", &BinaryOrLogic<PwOp::kMinimum, PwOp::kAnd>, nullptr},
    {"aten::gcd", &Binary<PwOp::kGcd>, nullptr},
    {"aten::lcm", &Binary<PwOp::kLcm>, nullptr},
    {"aten::bitwise_left_shift.Tensor", &Binary<PwOp::kShiftLeft>, nullptr},
    {"aten::bitwise_right_shift.Tensor", &Binary<PwOp::kShiftRight>, nullptr},
    {"aten::isnan", &Predicate<PwOp::kIsNan>, nullptr},
    {"aten::isinf", &Predicate<PwOp::kIsInf>, nullptr},
    {"aten::isfinite", &Predicate<PwOp::kIsFinite>, nullptr},
};

}  // namespace

int Emitter::Constant(double value, ir::DType dtype) {
  if (ir::IsIntegralOrBool(dtype)) return builder_.Constant(static_cast<int64_t>(value), dtype);
  return builder_.Constant(value, dtype);
}

int Emitter::Cast(int value, ir::DType dtype) {
  return builder_.dtype(value) == dtype ? value : builder_.Cast(value, dtype);
}

int Emitter::Arg(int i, ir::DType dtype) {
  const ir::Argument& argument = view_.node().args[i];
  if (const auto* ref = std::get_if<ir::ValueRef>(&argument)) return Cast(value_(ref->id), dtype);
  if (const auto* b = std::get_if<bool>(&argument)) return Constant(*b ? 1 : 0, dtype);
  if (const auto* n = std::get_if<int64_t>(&argument)) {
    if (ir::IsIntegralOrBool(dtype)) {
      return builder_.Constant(dtype == ir::DType::kBool ? int64_t{*n != 0} : *n, dtype);
    }
    return builder_.Constant(static_cast<double>(*n), dtype);
  }
  if (const auto* d = std::get_if<double>(&argument)) {
    return Constant(dtype == ir::DType::kBool ? (*d != 0 ? 1.0 : 0.0) : *d, dtype);
  }
  return -1;  // the builder reports it
}

std::optional<double> Emitter::Literal(int i) const {
  const ir::Argument& argument = view_.node().args[i];
  if (const auto* n = std::get_if<int64_t>(&argument)) return static_cast<double>(*n);
  if (const auto* d = std::get_if<double>(&argument)) return *d;
  if (const auto* b = std::get_if<bool>(&argument)) return *b ? 1.0 : 0.0;
  return std::nullopt;
}

// Priority: 2 a tensor with dimensions, 1 a tensor without, 0 a number.
ir::DType Emitter::ArgType(int i, int* priority) const {
  const ir::Argument& argument = view_.node().args[i];
  const bool number = view_.def().schema.args[i].kind == ops::ArgKind::kScalar;
  *priority = 0;
  if (std::holds_alternative<ir::ValueRef>(argument)) {
    const ir::TensorType& type = view_.TensorType(view_.def().schema.args[i].name);
    if (!number) *priority = type.rank() > 0 ? 2 : 1;
    return number && ir::IsFloating(type.dtype) ? DType::kFloat32 : type.dtype;
  }
  if (std::holds_alternative<bool>(argument)) return DType::kBool;
  return std::holds_alternative<int64_t>(argument) ? DType::kInt64 : DType::kFloat32;
}

ir::DType Emitter::CommonType(int i, int j) const {
  int priority_i = 0, priority_j = 0;
  const DType a = ArgType(i, &priority_i), b = ArgType(j, &priority_j);
  if (priority_i == priority_j) return ir::PromoteTypes(a, b);
  const DType high = priority_i > priority_j ? a : b, low = priority_i > priority_j ? b : a;
  // A lower priority matters only by its category.
  return ir::Category(low) > ir::Category(high) ? ir::PromoteTypes(high, low) : high;
}

const PointwiseOp* FindPointwise(absl::string_view op) {
  static const auto* const index = [] {
    auto* map = new absl::flat_hash_map<absl::string_view, const PointwiseOp*>;
    for (const PointwiseOp& entry : kOps) map->emplace(entry.op, &entry);
    return map;
  }();
  const auto it = index->find(op);
  return it == index->end() ? nullptr : it->second;
}

absl::Span<const PointwiseOp> AllPointwise() { return kOps; }

}  // namespace ingot::onednn
