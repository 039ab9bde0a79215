#include "backends/onednn/kernels/pointwise.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backends/onednn/kernels/pointwise_plan.h"

namespace ingot::kernels {
namespace {

using internal::PointwiseProgram;
using Kind = PointwiseProgram::Kind;

struct OpInfo {
  PwOp op;
  const char* name;
  int8_t arity;
  bool to_bool;  // the result is bool whatever the operands are
  float f32_ns;  // an element of a vectorised f32 loop in cache, AVX-512
};

// In the order of PwOp.
constexpr OpInfo kOps[] = {
    {PwOp::kAdd, "add", 2, false, 0.05f},
    {PwOp::kSub, "sub", 2, false, 0.05f},
    {PwOp::kMul, "mul", 2, false, 0.05f},
    {PwOp::kDiv, "div", 2, false, 0.1f},
    {PwOp::kDivFloor, "div_floor", 2, false, 5.0f},
    {PwOp::kDivTrunc, "div_trunc", 2, false, 2.0f},
    {PwOp::kRemainder, "remainder", 2, false, 5.0f},
    {PwOp::kFmod, "fmod", 2, false, 5.0f},
    {PwOp::kMinimum, "minimum", 2, false, 0.05f},
    {PwOp::kMaximum, "maximum", 2, false, 0.05f},
    {PwOp::kPow, "pow", 2, false, 15.0f},
    {PwOp::kAtan2, "atan2", 2, false, 15.0f},
    {PwOp::kEq, "eq", 2, true, 0.05f},
    {PwOp::kNe, "ne", 2, true, 0.05f},
    {PwOp::kLt, "lt", 2, true, 0.05f},
    {PwOp::kLe, "le", 2, true, 0.05f},
    {PwOp::kGt, "gt", 2, true, 0.05f},
    {PwOp::kGe, "ge", 2, true, 0.05f},
    {PwOp::kAnd, "and", 2, false, 0.05f},
    {PwOp::kOr, "or", 2, false, 0.05f},
    {PwOp::kXor, "xor", 2, false, 0.05f},
    {PwOp::kCopysign, "copysign", 2, false, 1.0f},
    {PwOp::kHypot, "hypot", 2, false, 5.0f},
    {PwOp::kNextafter, "nextafter", 2, false, 5.0f},
    {PwOp::kGcd, "gcd", 2, false, 20.0f},
    {PwOp::kLcm, "lcm", 2, false, 20.0f},
    {PwOp::kShiftLeft, "shift_left", 2, false, 1.0f},
    {PwOp::kShiftRight, "shift_right", 2, false, 1.0f},
    {PwOp::kNeg, "neg", 1, false, 0.04f},
    {PwOp::kAbs, "abs", 1, false, 0.04f},
    {PwOp::kSign, "sign", 1, false, 0.05f},
    {PwOp::kNot, "not", 1, false, 0.05f},
    {PwOp::kSquare, "square", 1, false, 0.04f},
    {PwOp::kExp, "exp", 1, false, 0.1f},
    {PwOp::kExpm1, "expm1", 1, false, 8.0f},
    {PwOp::kExp2, "exp2", 1, false, 5.0f},
    {PwOp::kLog, "log", 1, false, 0.2f},
    {PwOp::kLog1p, "log1p", 1, false, 8.0f},
    {PwOp::kLog2, "log2", 1, false, 5.0f},
    {PwOp::kLog10, "log10", 1, false, 8.0f},
    {PwOp::kSqrt, "sqrt", 1, false, 0.1f},
    {PwOp::kRsqrt, "rsqrt", 1, false, 0.2f},
    {PwOp::kReciprocal, "reciprocal", 1, false, 0.1f},
    {PwOp::kSin, "sin", 1, false, 0.3f},
    {PwOp::kCos, "cos", 1, false, 0.3f},
    {PwOp::kTan, "tan", 1, false, 10.0f},
    {PwOp::kAsin, "asin", 1, false, 10.0f},
    {PwOp::kAcos, "acos", 1, false, 10.0f},
    {PwOp::kAtan, "atan", 1, false, 10.0f},
    {PwOp::kSinh, "sinh", 1, false, 12.0f},
    {PwOp::kCosh, "cosh", 1, false, 12.0f},
    {PwOp::kAsinh, "asinh", 1, false, 15.0f},
    {PwOp::kAcosh, "acosh", 1, false, 15.0f},
    {PwOp::kAtanh, "atanh", 1, false, 15.0f},
    {PwOp::kTanh, "tanh", 1, false, 0.2f},
    {PwOp::kErf, "erf", 1, false, 0.25f},
    {PwOp::kErfc, "erfc", 1, false, 12.0f},
    {PwOp::kSigmoid, "sigmoid", 1, false, 0.2f},
    {PwOp::kRelu, "relu", 1, false, 0.04f},
    {PwOp::kRelu6, "relu6", 1, false, 0.04f},
    {PwOp::kSilu, "silu", 1, false, 0.2f},
    {PwOp::kGeluErf, "gelu_erf", 1, false, 0.2f},
    {PwOp::kGeluTanh, "gelu_tanh", 1, false, 0.2f},
    {PwOp::kMish, "mish", 1, false, 25.0f},
    {PwOp::kHardswish, "hardswish", 1, false, 0.1f},
    {PwOp::kHardsigmoid, "hardsigmoid", 1, false, 0.1f},
    {PwOp::kFloor, "floor", 1, false, 0.04f},
    {PwOp::kCeil, "ceil", 1, false, 0.04f},
    {PwOp::kRound, "round", 1, false, 0.04f},
    {PwOp::kTrunc, "trunc", 1, false, 0.04f},
    {PwOp::kIsNan, "isnan", 1, true, 0.05f},
    {PwOp::kIsInf, "isinf", 1, true, 0.05f},
    {PwOp::kIsFinite, "isfinite", 1, true, 0.05f},
    {PwOp::kLgamma, "lgamma", 1, false, 20.0f},
    {PwOp::kDigamma, "digamma", 1, false, 20.0f},
    {PwOp::kErfinv, "erfinv", 1, false, 60.0f},
    {PwOp::kI0, "i0", 1, false, 30.0f},
    {PwOp::kI1, "i1", 1, false, 30.0f},
    {PwOp::kLeakyRelu, "leaky_relu", 1, false, 0.05f},
    {PwOp::kElu, "elu", 1, false, 0.2f},
    {PwOp::kSoftplus, "softplus", 1, false, 0.5f},
    {PwOp::kClamp, "clamp", 1, false, 0.05f},
    {PwOp::kPowScalar, "pow_scalar", 1, false, 15.0f},
    {PwOp::kCast, "cast", 1, false, 0.3f},
    {PwOp::kWhere, "where", 3, false, 0.07f},
    {PwOp::kFma, "fma", 3, false, 0.06f},
};

constexpr bool StandInOrder() {
  for (size_t i = 0; i < std::size(kOps); ++i) {
    if (kOps[i].op != static_cast<PwOp>(i)) return false;
  }
  return std::size(kOps) == static_cast<size_t>(PwOp::kCount);
}
static_assert(StandInOrder());

const OpInfo& InfoOf(PwOp op) { return kOps[static_cast<size_t>(op)]; }

bool IsValueDType(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kInt64 ||
         dtype == DType::kInt32 || dtype == DType::kBool;
}

// The dtype arithmetic sees of a storage dtype; itself for dtypes of values.
DType Widened(DType stored) {
  if (IsValueDType(stored)) return stored;
  return ir::IsFloating(stored) ? DType::kFloat32 : DType::kInt32;
}

bool IsStorable(DType dtype) { return internal::FindCastKernel(dtype, dtype) != nullptr; }

template <class From>
uint64_t ConstantBytes(From value, DType dtype) {
  const DType from = std::is_integral_v<From> ? DType::kInt64 : DType::kFloat64;
  uint64_t bytes = 0;
  internal::FindCastKernel(from, dtype)(&value, nullptr, nullptr, &bytes, 1, {});
  return bytes;
}

int Append(PointwiseProgram& program, PointwiseProgram::Value value) {
  program.values.push_back(std::move(value));
  return static_cast<int>(program.values.size()) - 1;
}

}  // namespace

absl::string_view PwOpName(PwOp op) { return InfoOf(op).name; }
int PwOpArity(PwOp op) { return InfoOf(op).arity; }

namespace internal {

double CostOf(PwOp op, DType dtype) {
  constexpr double kPlainNanoseconds = 0.5;
  const double vectorised = InfoOf(op).f32_ns;
  if (dtype == DType::kFloat32) return vectorised;
  // Functions of f64 go to libm.
  if (dtype == DType::kFloat64 && vectorised > 0.1) return 12.0;
  return kPlainNanoseconds;
}

}  // namespace internal

Pointwise::Pointwise(std::unique_ptr<const internal::PointwisePlan> plan)
    : plan_(std::move(plan)) {}
Pointwise::Pointwise(Pointwise&&) noexcept = default;
Pointwise& Pointwise::operator=(Pointwise&&) noexcept = default;
Pointwise::~Pointwise() = default;

void Pointwise::Run(const void* const* inputs, void* const* outputs, int threads) const {
  plan_->Run(inputs, outputs, threads);
}
void Pointwise::RunRanges(const void* const* inputs, int64_t range, int threads,
                          Consume consume) const {
  plan_->RunRanges(inputs, range, threads, consume);
}
bool Pointwise::CanRunRanges(int64_t range) const { return plan_->CanRunRanges(range); }

PointwiseBuilder::PointwiseBuilder(absl::Span<const int64_t> shape)
    : program_(std::make_unique<PointwiseProgram>()) {
  program_->shape.assign(shape.begin(), shape.end());
}
PointwiseBuilder::PointwiseBuilder(std::initializer_list<int64_t> shape)
    : PointwiseBuilder(absl::MakeConstSpan(shape.begin(), shape.size())) {}
PointwiseBuilder::PointwiseBuilder(PointwiseBuilder&&) noexcept = default;
PointwiseBuilder::~PointwiseBuilder() = default;

void PointwiseBuilder::Fail(absl::string_view message) {
  if (program_->status.ok()) program_->status = absl::InvalidArgumentError(message);
}

int PointwiseBuilder::Input(DType dtype, absl::Span<const int64_t> strides) {
  if (!IsStorable(dtype)) {
    Fail(absl::StrCat("pointwise input ", program_->num_inputs, " is ", ir::DTypeName(dtype)));
    dtype = DType::kFloat32;
  }
  if (strides.size() != program_->shape.size()) {
    Fail(absl::StrCat("pointwise input ", program_->num_inputs, " has ", strides.size(),
                      " strides for the shape [", absl::StrJoin(program_->shape, ", "), "]"));
  }
  PointwiseProgram::Value value;
  value.kind = Kind::kInput;
  value.dtype = dtype;
  value.input = program_->num_inputs++;
  value.strides.assign(strides.begin(), strides.end());
  value.strides.resize(program_->shape.size());
  return Cast(Append(*program_, std::move(value)), Widened(dtype));
}

int PointwiseBuilder::Input(DType dtype, std::initializer_list<int64_t> strides) {
  return Input(dtype, absl::MakeConstSpan(strides.begin(), strides.size()));
}

int PointwiseBuilder::Scalar(DType stored, DType as) {
  const std::vector<int64_t> broadcast(program_->shape.size(), 0);
  return Cast(Input(stored, broadcast), as);
}

int PointwiseBuilder::Constant(double constant, DType dtype) {
  return AddConstant(IsStorable(dtype) ? ConstantBytes(constant, dtype) : 0, dtype);
}

int PointwiseBuilder::Constant(int64_t constant, DType dtype) {
  return AddConstant(IsStorable(dtype) ? ConstantBytes(constant, dtype) : 0, dtype);
}

int PointwiseBuilder::AddConstant(uint64_t bytes, DType dtype) {
  if (!IsValueDType(dtype)) Fail(absl::StrCat("pointwise constant of ", ir::DTypeName(dtype)));
  // Each takes a slot, and another where a loop wants a tile of it.
  for (size_t v = 0; v < program_->values.size(); ++v) {
    const PointwiseProgram::Value& known = program_->values[v];
    if (known.kind == Kind::kConstant && known.dtype == dtype && known.constant == bytes) {
      return static_cast<int>(v);
    }
  }
  PointwiseProgram::Value value;
  value.kind = Kind::kConstant;
  value.dtype = dtype;
  value.constant = bytes;
  return Append(*program_, std::move(value));
}

int PointwiseBuilder::Cast(int value, DType to) {
  if (value < 0 || value >= static_cast<int>(program_->values.size())) {
    Fail(absl::StrCat("pointwise cast of an unknown value ", value));
    return 0;
  }
  if (dtype(value) == to) return value;
  if (!IsStorable(to)) {
    Fail(absl::StrCat("pointwise cast to ", ir::DTypeName(to)));
    return value;
  }
  PointwiseProgram::Value cast;
  cast.op = PwOp::kCast;
  cast.dtype = to;
  cast.operands[0] = value;
  return Append(*program_, std::move(cast));
}

bool PointwiseBuilder::CheckOperands(PwOp op, absl::Span<const int> operands) {
  if (static_cast<int>(operands.size()) != PwOpArity(op)) {
    Fail(absl::StrCat("pointwise ", PwOpName(op), " takes ", PwOpArity(op), " operands, not ",
                      operands.size()));
    return false;
  }
  for (int operand : operands) {
    if (operand < 0 || operand >= static_cast<int>(program_->values.size())) {
      Fail(absl::StrCat("pointwise ", PwOpName(op), " of an unknown value ", operand));
      return false;
    }
  }
  const int first = op == PwOp::kWhere ? 1 : 0;
  for (size_t i = first; i < operands.size(); ++i) {
    if (dtype(operands[i]) != dtype(operands[first])) {
      Fail(absl::StrCat("pointwise ", PwOpName(op), " of ", ir::DTypeName(dtype(operands[first])),
                        " and ", ir::DTypeName(dtype(operands[i])), ": cast one of them"));
      return false;
    }
  }
  if (op == PwOp::kWhere && dtype(operands[0]) != DType::kBool) {
    Fail(absl::StrCat("pointwise where with a condition of ", ir::DTypeName(dtype(operands[0]))));
    return false;
  }
  return true;
}

// f32 powers with a faster exact form; -1 if there is none.
int PointwiseBuilder::ShortPower(int base, double exponent) {
  if (exponent == 2) return Op(PwOp::kSquare, {base});
  if (exponent == 3) return Op(PwOp::kMul, {Op(PwOp::kSquare, {base}), base});
  if (exponent == 0.5) return Op(PwOp::kSqrt, {base});
  if (exponent == -0.5) return Op(PwOp::kRsqrt, {base});
  if (exponent == -1) return Op(PwOp::kReciprocal, {base});
  if (exponent == 1) return base;
  return -1;
}

int PointwiseBuilder::Op(PwOp op, absl::Span<const int> operands, const PwImmediates& immediates) {
  if (op == PwOp::kCast || op >= PwOp::kCount) {
    Fail("pointwise casts are made with Cast");
    return 0;
  }
  if (!CheckOperands(op, operands)) {
    return program_->values.empty() ? AddConstant(0, DType::kFloat32) : 0;
  }
  const DType operand_dtype = dtype(operands[op == PwOp::kWhere ? 1 : 0]);
  if (op == PwOp::kPowScalar && operand_dtype == DType::kFloat32) {
    const int power = ShortPower(operands[0], immediates.p);
    if (power >= 0) return power;
  }
  PointwiseProgram::Value value;
  value.op = op;
  value.dtype = InfoOf(op).to_bool ? DType::kBool : operand_dtype;
  value.immediates = immediates;
  std::copy(operands.begin(), operands.end(), value.operands.begin());
  return Append(*program_, std::move(value));
}

int PointwiseBuilder::Op(PwOp op, std::initializer_list<int> operands,
                         const PwImmediates& immediates) {
  return Op(op, absl::MakeConstSpan(operands.begin(), operands.size()), immediates);
}

void PointwiseBuilder::Output(int value) {
  if (value < 0 || value >= static_cast<int>(program_->values.size())) {
    Fail(absl::StrCat("pointwise output of an unknown value ", value));
    return;
  }
  program_->outputs.push_back(value);
}

void PointwiseBuilder::Output(int value, DType stored) { Output(Cast(value, stored)); }

DType PointwiseBuilder::dtype(int value) const {
  if (value < 0 || value >= static_cast<int>(program_->values.size())) return DType::kFloat32;
  return program_->values[value].dtype;
}

absl::StatusOr<Pointwise> PointwiseBuilder::Build() && {
  for (int64_t dim : program_->shape) {
    if (dim < 0) {
      Fail(absl::StrCat("pointwise shape [", absl::StrJoin(program_->shape, ", "),
                        "] has a negative dimension"));
    }
  }
  if (program_->outputs.empty()) Fail("pointwise program without outputs");
  if (!program_->status.ok()) return program_->status;
  absl::StatusOr<std::unique_ptr<const internal::PointwisePlan>> plan =
      internal::CompilePointwise(*program_);
  if (!plan.ok()) return plan.status();
  return Pointwise(*std::move(plan));
}

}  // namespace ingot::kernels
