// Fused elementwise programs: a chain of pointwise ops as one pass over cache-sized tiles.
//
//   PointwiseBuilder b({128, 768});
//   int x = b.Input(DType::kFloat32, {768, 1});
//   int bias = b.Input(DType::kFloat32, {0, 1});            // broadcast over rows
//   int s = b.Scalar(DType::kFloat64, DType::kFloat32);     // 0-dim input, read on each call
//   b.Output(b.Op(PwOp::kGeluErf, {b.Op(PwOp::kMul, {b.Op(PwOp::kAdd, {x, bias}), s})}));
//   ASSIGN_OR_RETURN(Pointwise p, std::move(b).Build());
//   p.Run(inputs, outputs, threads);
//
// Shapes: every value has the iteration shape given to the builder (any rank, also 0; no dimension
// is negative, 0 is allowed). Inputs have a stride in elements for each of its dimensions, 0 for
// broadcast, negative allowed. Outputs are dense row-major in that shape, so a permuted but dense
// layout (NHWC) is handled by giving the builder the permuted shape and strides.
//
// Dtypes of values: kFloat32 (vectorised), kFloat64, kInt64, kInt32, kBool (plain loops; bool is
// one byte, 0 or 1). Ops take operands of one dtype (exceptions below) and never convert: use
// kCast.
//
// Aliasing: an output may be the very buffer of an input that is dense (strides equal the output's)
// and of the same element size. Any other overlap between an output and an input or output is
// undefined.
//
// Threads: Run is const and reentrant, allocates nothing, uses at most 64 KiB of stack a thread,
// and forks only when the estimated work is above kMinParallelNanoseconds.
//
// Accuracy of f32 ops against the exact result: arithmetic, comparisons, sqrt, rounding: correctly
// rounded; exp log tanh sigmoid erf sin cos rsqrt: <= 4 ulp (sin, cos: |x| <= 1e5, beyond that
// libm's); silu, gelu, elu, softplus, pow: <= 4 ulp of the result or 1e-7 * |x|, whichever is
// larger. NaN, infinities and signed zeros as in PyTorch: min/max/clamp/relu hand NaN on.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/ir/dtype.h"

namespace ingot::kernels {

using ir::DType;

// Dimensions that not all inputs walk as one with a neighbour; Build refuses more (Unimplemented).
inline constexpr int kMaxPointwiseDims = 12;

// Operand count and dtypes in the trailing comment; "num" is f32 f64 i64 i32, "fp" is f32 f64,
// "int" is i64 i32. Results have the operands' dtype unless said. `p`, `q` are the instruction's
// immediates.
enum class PwOp : uint8_t {
  // Two operands.
  kAdd,  // num
  kSub,
  kMul,
  kDiv,        // fp: true division
  kDivFloor,   // num: towards -inf; integer division by zero gives 0 (test for it before)
  kDivTrunc,   // num
  kRemainder,  // num: Python's %
  kFmod,       // num: C's
  kMinimum,    // num, NaN wins
  kMaximum,
  kPow,    // num; int: exact, negative exponents give 0 unless the base is 1 or -1
  kAtan2,  // fp
  kEq,     // num bool -> bool
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kAnd,  // bool, int: bitwise
  kOr,
  kXor,
  kCopysign,   // fp
  kHypot,      // fp
  kNextafter,  // fp
  kGcd,        // int, as the next three
  kLcm,
  kShiftLeft,   // 0 where the count is no bit position
  kShiftRight,  // the sign where the count is no bit position
  // One operand.
  kNeg,  // num
  kAbs,
  kSign,    // num; sign(NaN) = 0, as PyTorch
  kNot,     // bool: logical; int: bitwise
  kSquare,  // num
  kExp,     // fp from here on
  kExpm1,
  kExp2,
  kLog,
  kLog1p,
  kLog2,
  kLog10,
  kSqrt,
  kRsqrt,
  kReciprocal,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
  kTanh,
  kErf,
  kErfc,
  kSigmoid,
  kRelu,  // num
  kRelu6,
  kSilu,
  kGeluErf,
  kGeluTanh,
  kMish,
  kHardswish,
  kHardsigmoid,
  kFloor,
  kCeil,
  kRound,  // half to even
  kTrunc,
  kIsNan,  // fp -> bool
  kIsInf,
  kIsFinite,
  kLgamma,  // fp: special_functions.h, as those that follow
  kDigamma,
  kErfinv,
  kI0,
  kI1,
  // One operand, immediates.
  kLeakyRelu,  // p: negative slope
  // x > 0 ? q * x : p * (exp(r * x) - 1): p = alpha * scale, q = scale, r = input_scale >= 0
  kElu,
  kSoftplus,   // p: beta, q: threshold
  kClamp,      // num; p: low, q: high; absent bounds are -inf, +inf or NaN; NaN in x handed on
  kPowScalar,  // p: exponent; 2 3 0.5 -1 -0.5 0 1 exact forms, else libm's
  kCast,       // any -> any; float to int truncates, out of range and NaN give the least integer
  // Three operands.
  kWhere,  // bool, then two of any one dtype: cond ? a : b. masked_fill is where(mask, value, x)
  kFma,    // fp: a * b + c in one rounding for f32 with FMA hardware, two without
  kCount
};

absl::string_view PwOpName(PwOp op);
// Number of operands: 1, 2 or 3.
int PwOpArity(PwOp op);

// Immediates of an instruction; unused ones are ignored. Integer programs round p and q to int64.
struct PwImmediates {
  double p = 0;
  double q = 0;
  double r = 1;
};

namespace internal {
struct PointwiseProgram;
struct PointwisePlan;
}  // namespace internal

// An immutable, shareable program for one shape.
class Pointwise {
 public:
  Pointwise(Pointwise&&) noexcept;
  Pointwise& operator=(Pointwise&&) noexcept;
  ~Pointwise();

  // inputs: in the order of the Input and Scalar calls; outputs: in the order of the Output calls.
  // Pointers need their element's alignment only.
  void Run(const void* const* inputs, void* const* outputs, int threads) const;

  // For what needs the results of a run of elements at once, such as a row's sum: computes
  // elements [i * range, (i + 1) * range) of the only output, f32, into memory that stays in L1,
  // and calls consume(i, values), for each i once, on any of the threads. REQUIRES:
  // CanRunRanges(range).
  using Consume = absl::FunctionRef<void(int64_t index, const float* values)>;
  void RunRanges(const void* const* inputs, int64_t range, int threads, Consume consume) const;
  bool CanRunRanges(int64_t range) const;
  static constexpr int64_t kMaxRange = 2048;

 private:
  friend class PointwiseBuilder;
  explicit Pointwise(std::unique_ptr<const internal::PointwisePlan> plan);
  std::unique_ptr<const internal::PointwisePlan> plan_;
};

// Values are numbered by the ints the methods return. Misuse is remembered and reported by Build.
class PointwiseBuilder {
 public:
  explicit PointwiseBuilder(absl::Span<const int64_t> shape);
  PointwiseBuilder(std::initializer_list<int64_t> shape);
  PointwiseBuilder(PointwiseBuilder&&) noexcept;
  ~PointwiseBuilder();

  // A tensor input. dtype may also be kUInt8 kInt8 kInt16 kFloat16 kBFloat16: such inputs are
  // widened on loading, integers to kInt32, floats to kFloat32.
  int Input(DType dtype, absl::Span<const int64_t> strides);
  int Input(DType dtype, std::initializer_list<int64_t> strides);
  // A 0-dim input stored as `stored` (any of the dtypes of values), read on each call and cast to
  // `as`.
  int Scalar(DType stored, DType as);
  int Constant(double value, DType dtype);
  int Constant(int64_t value, DType dtype);
  int Op(PwOp op, absl::Span<const int> operands, const PwImmediates& immediates = {});
  int Op(PwOp op, std::initializer_list<int> operands, const PwImmediates& immediates = {});
  int Cast(int value, DType to);
  // Output `value`; its dtype is the output's. Inputs and constants can be output too (a copy). The
  // second form narrows on storing, with round-to-nearest-even for kFloat16 and kBFloat16 and
  // wrap-around for integers.
  void Output(int value);
  void Output(int value, DType stored);

  DType dtype(int value) const;

  // InvalidArgument: naming the op and the operand at fault. Unimplemented: an op that lacks the
  // dtype. ResourceExhausted: the program needs more slots than plans have; split it.
  absl::StatusOr<Pointwise> Build() &&;

 private:
  void Fail(absl::string_view message);
  int AddConstant(uint64_t bytes, DType dtype);
  bool CheckOperands(PwOp op, absl::Span<const int> operands);
  int ShortPower(int base, double exponent);

  std::unique_ptr<internal::PointwiseProgram> program_;
};

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_H_
