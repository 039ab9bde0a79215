// Vectorised f32 loops of pointwise programs, compiled once a CPU target.
#include <cstring>
#include <type_traits>

#include "backends/onednn/kernels/pointwise_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/pointwise_f32.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "backends/onednn/kernels/f32_math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

using D = F32Tag;
using V = F32;
using M = hn::Mask<D>;
using DBytes = hn::Rebind<uint8_t, D>;
using DInt = hn::RebindToSigned<D>;
using internal::PwKernel;
using internal::PwUniform;

// Sources and sinks of a vector at an element index; the partial forms touch only the first `count`
// elements.
struct FloatSource {
  const float* p;
  HWY_INLINE V Load(int64_t i) const { return hn::LoadU(D(), p + i); }
  HWY_INLINE V LoadPart(int64_t i, size_t count) const {
    return kernels::HWY_NAMESPACE::LoadPart(p + i, count);
  }
};

struct UniformSource {
  V v;
  explicit UniformSource(const void* p) : v(hn::Set(D(), *static_cast<const float*>(p))) {}
  HWY_INLINE V Load(int64_t) const { return v; }
  HWY_INLINE V LoadPart(int64_t, size_t) const { return v; }
};

struct BoolSource {
  const uint8_t* p;
  static HWY_INLINE M Widen(hn::Vec<DBytes> bytes) {
    return hn::MaskFromVec(hn::BitCast(
        D(), hn::VecFromMask(DInt(), hn::Ne(hn::PromoteTo(DInt(), bytes), hn::Zero(DInt())))));
  }
  HWY_INLINE M Load(int64_t i) const { return Widen(hn::LoadU(DBytes(), p + i)); }
  HWY_INLINE M LoadPart(int64_t i, size_t count) const {
    alignas(64) uint8_t buffer[64] = {};
    std::memcpy(buffer, p + i, count);
    return Widen(hn::Load(DBytes(), buffer));
  }
};

struct FloatSink {
  float* p;
  HWY_INLINE void Store(V v, int64_t i) const { hn::StoreU(v, D(), p + i); }
  HWY_INLINE void StorePart(V v, int64_t i, size_t count) const {
    kernels::HWY_NAMESPACE::StorePart(v, p + i, count);
  }
};

struct BoolSink {
  uint8_t* p;
  static HWY_INLINE hn::Vec<DBytes> Narrow(M m) {
    const auto ones =
        hn::BitCast(DInt(), hn::IfThenElseZero(m, hn::BitCast(D(), hn::Set(DInt(), 1))));
    return hn::DemoteTo(DBytes(), ones);
  }
  HWY_INLINE void Store(M m, int64_t i) const { hn::StoreU(Narrow(m), DBytes(), p + i); }
  HWY_INLINE void StorePart(M m, int64_t i, size_t count) const {
    alignas(64) uint8_t buffer[64];
    hn::Store(Narrow(m), DBytes(), buffer);
    std::memcpy(p + i, buffer, count);
  }
};

// Two vectors an iteration: enough to hide latencies behind each other without spilling.
template <class F, class Sink, class... Sources>
HWY_INLINE void Loop(const F& f, const Sink& sink, int64_t n, const Sources&... sources) {
  int64_t i = 0;
  for (; i + 2 * kN <= n; i += 2 * kN) {
    const auto first = f(sources.Load(i)...);
    const auto second = f(sources.Load(i + kN)...);
    sink.Store(first, i);
    sink.Store(second, i + kN);
  }
  if (i + kN <= n) {
    sink.Store(f(sources.Load(i)...), i);
    i += kN;
  }
  if (i < n) {
    const size_t rest = static_cast<size_t>(n - i);
    sink.StorePart(f(sources.LoadPart(i, rest)...), i, rest);
  }
}

struct Immediates {
  V p, q, r;
  explicit Immediates(const PwImmediates& im)
      : p(hn::Set(D(), static_cast<float>(im.p))),
        q(hn::Set(D(), static_cast<float>(im.q))),
        r(hn::Set(D(), static_cast<float>(im.r))) {}
};

HWY_INLINE V C(float value) { return hn::Set(D(), value); }

// One struct an op: `Make(immediates)` builds its constants, the call does one vector.
#define INGOT_UNARY(Name, expression)                            \
  struct Name {                                                  \
    explicit HWY_INLINE Name(const PwImmediates&) {}             \
    HWY_INLINE auto operator()(V x) const { return expression; } \
  };
#define INGOT_BINARY(Name, expression)                                \
  struct Name {                                                       \
    explicit HWY_INLINE Name(const PwImmediates&) {}                  \
    HWY_INLINE auto operator()(V a, V b) const { return expression; } \
  };

INGOT_BINARY(AddOp, hn::Add(a, b))
INGOT_BINARY(SubOp, hn::Sub(a, b))
INGOT_BINARY(MulOp, hn::Mul(a, b))
INGOT_BINARY(DivOp, hn::Div(a, b))
INGOT_BINARY(MinimumOp, MinNan(a, b))
INGOT_BINARY(MaximumOp, MaxNan(a, b))
INGOT_BINARY(EqOp, hn::Eq(a, b))
// Highway 1.0 compiles Ne to an ordered comparison, which NaN fails.
INGOT_BINARY(NeOp, hn::Not(hn::Eq(a, b)))
INGOT_BINARY(LtOp, hn::Lt(a, b))
INGOT_BINARY(LeOp, hn::Le(a, b))
INGOT_BINARY(GtOp, hn::Gt(a, b))
INGOT_BINARY(GeOp, hn::Ge(a, b))

INGOT_UNARY(NegOp, hn::Neg(x))
INGOT_UNARY(AbsOp, hn::Abs(x))
INGOT_UNARY(SignOp, hn::IfThenElseZero(hn::Gt(hn::Abs(x), hn::Zero(D())), hn::CopySign(C(1.0f), x)))
INGOT_UNARY(SquareOp, hn::Mul(x, x))
INGOT_UNARY(ExpOp, ExpF32(D(), x))
INGOT_UNARY(LogOp, LogF32(D(), x))
INGOT_UNARY(SqrtOp, hn::Sqrt(x))
INGOT_UNARY(RsqrtOp, hn::Div(C(1.0f), hn::Sqrt(x)))
INGOT_UNARY(ReciprocalOp, hn::Div(C(1.0f), x))
INGOT_UNARY(TanhOp, TanhF32(D(), x))
INGOT_UNARY(ErfOp, ErfF32(D(), x))
INGOT_UNARY(SigmoidOp, Sigmoid(D(), x))
INGOT_UNARY(ReluOp, AtLeast(x, hn::Zero(D())))
INGOT_UNARY(Relu6Op, AtMost(AtLeast(x, hn::Zero(D())), C(6.0f)))
INGOT_UNARY(SiluOp, Silu(D(), x))
INGOT_UNARY(GeluErfOp, GeluErf(D(), x))
INGOT_UNARY(GeluTanhOp, GeluTanh(D(), x))
INGOT_UNARY(HardswishOp,
            hn::Div(hn::Mul(x, AtMost(AtLeast(hn::Add(x, C(3.0f)), hn::Zero(D())), C(6.0f))),
                    C(6.0f)))
INGOT_UNARY(HardsigmoidOp,
            hn::Div(AtMost(AtLeast(hn::Add(x, C(3.0f)), hn::Zero(D())), C(6.0f)), C(6.0f)))
INGOT_UNARY(FloorOp, hn::Floor(x))
INGOT_UNARY(CeilOp, hn::Ceil(x))
// The scalar target's rounding loses the sign of zero.
INGOT_UNARY(RoundOp, hn::CopySign(hn::Round(x), x))
INGOT_UNARY(TruncOp, hn::Trunc(x))
INGOT_UNARY(IsNanOp, hn::IsNaN(x))
INGOT_UNARY(IsInfOp, hn::Eq(hn::Abs(x), hn::Inf(D())))
INGOT_UNARY(IsFiniteOp, hn::Lt(hn::Abs(x), hn::Inf(D())))
#undef INGOT_UNARY
#undef INGOT_BINARY

// Highway's reduction is good to 39000; a vector with anything larger takes libm's.
constexpr float kTrigonometricLimit = 39000.0f;

template <float (*kLibm)(float)>
HWY_NOINLINE V EachLane(V x) {
  alignas(64) float lanes[kF32Lanes];
  hn::Store(x, D(), lanes);
  for (float& lane : lanes) lane = kLibm(lane);
  return hn::Load(D(), lanes);
}

inline float LibmSin(float x) { return std::sin(x); }
inline float LibmCos(float x) { return std::cos(x); }

struct SinOp {
  explicit SinOp(const PwImmediates&) {}
  HWY_INLINE V operator()(V x) const {
    const M vectorised = hn::Le(hn::Abs(x), C(kTrigonometricLimit));
    if (HWY_UNLIKELY(!hn::AllTrue(D(), vectorised))) return EachLane<LibmSin>(x);
    // The reduction loses the sign of zero.
    return hn::IfThenElse(hn::Eq(x, hn::Zero(D())), x, hn::Sin(D(), x));
  }
};

struct CosOp {
  explicit CosOp(const PwImmediates&) {}
  HWY_INLINE V operator()(V x) const {
    const M vectorised = hn::Le(hn::Abs(x), C(kTrigonometricLimit));
    if (HWY_UNLIKELY(!hn::AllTrue(D(), vectorised))) return EachLane<LibmCos>(x);
    return hn::Cos(D(), x);
  }
};

struct LeakyReluOp : Immediates {
  using Immediates::Immediates;
  HWY_INLINE V operator()(V x) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(D())), x, hn::Mul(x, p));
  }
};

struct EluOp : Immediates {
  using Immediates::Immediates;
  HWY_INLINE V operator()(V x) const {
    Whole<D, V> n;
    const V z = AtMost(AtLeast(hn::Mul(x, r), C(-104.0f)), hn::Zero(D()));
    const V f = ReduceByLn2(D(), z, n);
    const V scale = ScaleByPow2(D(), C(1.0f), n);
    const V expm1 = hn::MulAdd(Expm1Reduced(D(), f), scale, hn::Sub(scale, C(1.0f)));
    return hn::IfThenElse(hn::Gt(x, hn::Zero(D())), hn::Mul(x, q), hn::Mul(p, expm1));
  }
};

struct SoftplusOp : Immediates {
  using Immediates::Immediates;
  HWY_INLINE V operator()(V x) const {
    const V z = hn::Mul(x, p);
    // log1p(e^z) = max(z, 0) + log1p(e^-|z|); log1p by the correction of rounding 1 + e.
    const V e = ExpF32(D(), hn::Neg(hn::Abs(z)));
    const V u = hn::Add(C(1.0f), e);
    const V lost = hn::Sub(e, hn::Sub(u, C(1.0f)));
    const V log1p = hn::Add(LogF32(D(), u), hn::Div(lost, u));
    const V y = hn::Div(hn::Add(AtLeast(z, hn::Zero(D())), log1p), p);
    return hn::IfThenElse(hn::Gt(z, q), x, y);
  }
};

struct ClampOp : Immediates {
  using Immediates::Immediates;
  HWY_INLINE V operator()(V x) const { return AtMost(AtLeast(x, p), q); }
};

struct WhereOp {
  explicit WhereOp(const PwImmediates&) {}
  HWY_INLINE V operator()(M condition, V a, V b) const { return hn::IfThenElse(condition, a, b); }
};

struct FmaOp {
  explicit FmaOp(const PwImmediates&) {}
  HWY_INLINE V operator()(V a, V b, V c) const { return hn::MulAdd(a, b, c); }
};

template <class Op, class Sink>
void Unary(const void* a, const void*, const void*, void* out, int64_t n, const PwImmediates& im) {
  using Element = std::remove_pointer_t<decltype(Sink::p)>;
  Loop(Op(im), Sink{static_cast<Element*>(out)}, n, FloatSource{static_cast<const float*>(a)});
}

template <class Op, class Sink, PwUniform kUniform>
void Binary(const void* a, const void* b, const void*, void* out, int64_t n,
            const PwImmediates& im) {
  using Element = std::remove_pointer_t<decltype(Sink::p)>;
  const Sink sink{static_cast<Element*>(out)};
  const FloatSource fa{static_cast<const float*>(a)}, fb{static_cast<const float*>(b)};
  if constexpr (kUniform == PwUniform::kNone) Loop(Op(im), sink, n, fa, fb);
  if constexpr (kUniform == PwUniform::kFirst) Loop(Op(im), sink, n, UniformSource(a), fb);
  if constexpr (kUniform == PwUniform::kSecond) Loop(Op(im), sink, n, fa, UniformSource(b));
}

template <class Op>
void Ternary(const void* a, const void* b, const void* c, void* out, int64_t n,
             const PwImmediates& im) {
  Loop(Op(im), FloatSink{static_cast<float*>(out)}, n, FloatSource{static_cast<const float*>(a)},
       FloatSource{static_cast<const float*>(b)}, FloatSource{static_cast<const float*>(c)});
}

// kFirst and kSecond name the branches: the condition is always a tensor.
template <PwUniform kUniform>
void Where(const void* a, const void* b, const void* c, void* out, int64_t n,
           const PwImmediates& im) {
  const WhereOp op(im);
  const FloatSink sink{static_cast<float*>(out)};
  const BoolSource condition{static_cast<const uint8_t*>(a)};
  const FloatSource fb{static_cast<const float*>(b)}, fc{static_cast<const float*>(c)};
  if constexpr (kUniform == PwUniform::kNone) Loop(op, sink, n, condition, fb, fc);
  if constexpr (kUniform == PwUniform::kFirst) Loop(op, sink, n, condition, UniformSource(b), fc);
  if constexpr (kUniform == PwUniform::kSecond) Loop(op, sink, n, condition, fb, UniformSource(c));
}

struct Row {
  PwKernel kernels[3] = {nullptr, nullptr, nullptr};  // by PwUniform
};

struct Table {
  Row rows[static_cast<int>(PwOp::kCount)];

  Row& operator[](PwOp op) { return rows[static_cast<int>(op)]; }
  template <class Op, class Sink = FloatSink>
  void Add1(PwOp op) {
    (*this)[op].kernels[0] = Unary<Op, Sink>;
  }
  template <class Op, class Sink = FloatSink>
  void Add2(PwOp op) {
    (*this)[op] = {{Binary<Op, Sink, PwUniform::kNone>, Binary<Op, Sink, PwUniform::kFirst>,
                    Binary<Op, Sink, PwUniform::kSecond>}};
  }
  template <class Op>
  void Add3(PwOp op) {
    (*this)[op].kernels[0] = Ternary<Op>;
  }

  Table() {
    Add2<AddOp>(PwOp::kAdd);
    Add2<SubOp>(PwOp::kSub);
    Add2<MulOp>(PwOp::kMul);
    Add2<DivOp>(PwOp::kDiv);
    Add2<MinimumOp>(PwOp::kMinimum);
    Add2<MaximumOp>(PwOp::kMaximum);
    Add2<EqOp, BoolSink>(PwOp::kEq);
    Add2<NeOp, BoolSink>(PwOp::kNe);
    Add2<LtOp, BoolSink>(PwOp::kLt);
    Add2<LeOp, BoolSink>(PwOp::kLe);
    Add2<GtOp, BoolSink>(PwOp::kGt);
    Add2<GeOp, BoolSink>(PwOp::kGe);
    Add1<NegOp>(PwOp::kNeg);
    Add1<AbsOp>(PwOp::kAbs);
    Add1<SignOp>(PwOp::kSign);
    Add1<SquareOp>(PwOp::kSquare);
    Add1<ExpOp>(PwOp::kExp);
    Add1<LogOp>(PwOp::kLog);
    Add1<SqrtOp>(PwOp::kSqrt);
    Add1<RsqrtOp>(PwOp::kRsqrt);
    Add1<ReciprocalOp>(PwOp::kReciprocal);
    Add1<SinOp>(PwOp::kSin);
    Add1<CosOp>(PwOp::kCos);
    Add1<TanhOp>(PwOp::kTanh);
    Add1<ErfOp>(PwOp::kErf);
    Add1<SigmoidOp>(PwOp::kSigmoid);
    Add1<ReluOp>(PwOp::kRelu);
    Add1<Relu6Op>(PwOp::kRelu6);
    Add1<SiluOp>(PwOp::kSilu);
    Add1<GeluErfOp>(PwOp::kGeluErf);
    Add1<GeluTanhOp>(PwOp::kGeluTanh);
    Add1<HardswishOp>(PwOp::kHardswish);
    Add1<HardsigmoidOp>(PwOp::kHardsigmoid);
    Add1<FloorOp>(PwOp::kFloor);
    Add1<CeilOp>(PwOp::kCeil);
    Add1<RoundOp>(PwOp::kRound);
    Add1<TruncOp>(PwOp::kTrunc);
    Add1<IsNanOp, BoolSink>(PwOp::kIsNan);
    Add1<IsInfOp, BoolSink>(PwOp::kIsInf);
    Add1<IsFiniteOp, BoolSink>(PwOp::kIsFinite);
    Add1<LeakyReluOp>(PwOp::kLeakyRelu);
    Add1<EluOp>(PwOp::kElu);
    Add1<SoftplusOp>(PwOp::kSoftplus);
    Add1<ClampOp>(PwOp::kClamp);
    (*this)[PwOp::kWhere] = {
        {Where<PwUniform::kNone>, Where<PwUniform::kFirst>, Where<PwUniform::kSecond>}};
    Add3<FmaOp>(PwOp::kFma);
  }
};

template <class Outer, class Inner>
struct UnaryOfBinary {
  explicit UnaryOfBinary(const PwImmediates& im) : outer(im), inner(im) {}
  HWY_INLINE V operator()(V a, V b, V) const { return outer(inner(a, b)); }
  Outer outer;
  Inner inner;
};

template <class Outer, class Inner, bool kInnerIsSecond>
struct BinaryOfBinary {
  explicit BinaryOfBinary(const PwImmediates& im) : outer(im), inner(im) {}
  HWY_INLINE V operator()(V a, V b, V c) const {
    return kInnerIsSecond ? outer(c, inner(a, b)) : outer(inner(a, b), c);
  }
  Outer outer;
  Inner inner;
};

template <class Op, bool kUniformB, bool kUniformC>
void Pair(const void* a, const void* b, const void* c, void* out, int64_t n,
          const PwImmediates& im) {
  using B = std::conditional_t<kUniformB, UniformSource, FloatSource>;
  using SourceC = std::conditional_t<kUniformC, UniformSource, FloatSource>;
  Loop(Op(im), FloatSink{static_cast<float*>(out)}, n, FloatSource{static_cast<const float*>(a)},
       B{static_cast<const float*>(b)}, SourceC{static_cast<const float*>(c)});
}

// By uniform b, then uniform c.
struct PairRow {
  PwKernel kernels[2][2] = {};
};

// By outer op, side of the inner op, inner op: kAdd, kSub, kMul.
struct PairTable {
  PairRow rows[static_cast<int>(PwOp::kCount)][2][3];

  template <class Op>
  static constexpr PairRow kRow = {{{Pair<Op, false, false>, Pair<Op, false, true>},
                                    {Pair<Op, true, false>, Pair<Op, true, true>}}};

  template <class Outer>
  void AddUnary(PwOp op) {
    // c is absent: a uniform that is never used.
    rows[static_cast<int>(op)][0][0] = Absent<UnaryOfBinary<Outer, AddOp>>();
    rows[static_cast<int>(op)][0][1] = Absent<UnaryOfBinary<Outer, SubOp>>();
    rows[static_cast<int>(op)][0][2] = Absent<UnaryOfBinary<Outer, MulOp>>();
  }
  template <class Op>
  static PairRow Absent() {
    return {{{nullptr, Pair<Op, false, true>}, {nullptr, Pair<Op, true, true>}}};
  }
  template <class Outer, bool kInnerIsSecond>
  void AddBinary(PwOp op) {
    PairRow* const row = rows[static_cast<int>(op)][kInnerIsSecond];
    row[0] = kRow<BinaryOfBinary<Outer, AddOp, kInnerIsSecond>>;
    row[1] = kRow<BinaryOfBinary<Outer, SubOp, kInnerIsSecond>>;
    row[2] = kRow<BinaryOfBinary<Outer, MulOp, kInnerIsSecond>>;
  }

  PairTable() {
    AddBinary<AddOp, false>(PwOp::kAdd);
    AddBinary<AddOp, true>(PwOp::kAdd);
    AddBinary<SubOp, false>(PwOp::kSub);
    AddBinary<SubOp, true>(PwOp::kSub);
    AddBinary<MulOp, false>(PwOp::kMul);
    AddBinary<MulOp, true>(PwOp::kMul);
    AddUnary<ExpOp>(PwOp::kExp);
    AddUnary<TanhOp>(PwOp::kTanh);
    AddUnary<SigmoidOp>(PwOp::kSigmoid);
    AddUnary<SiluOp>(PwOp::kSilu);
    AddUnary<GeluErfOp>(PwOp::kGeluErf);
    AddUnary<ReluOp>(PwOp::kRelu);
  }
};

}  // namespace

PwKernel FindF32Pair(const internal::PwPair& pair) {
  static const PairTable* const table = new PairTable();
  const int inner = pair.inner == PwOp::kAdd   ? 0
                    : pair.inner == PwOp::kSub ? 1
                    : pair.inner == PwOp::kMul ? 2
                                               : -1;
  if (inner < 0) return nullptr;
  return table->rows[static_cast<int>(pair.outer)][pair.inner_is_second][inner]
      .kernels[pair.b_is_uniform][pair.c_is_uniform];
}

PwKernel FindF32(PwOp op, PwUniform uniform) {
  static const Table* const table = new Table();
  return table->rows[static_cast<int>(op)].kernels[static_cast<int>(uniform)];
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
HWY_EXPORT(FindF32);
HWY_EXPORT(FindF32Pair);

namespace internal {

PwKernel FindF32Kernel(PwOp op, PwUniform uniform) {
  return HWY_DYNAMIC_DISPATCH(FindF32)(op, uniform);
}

PwKernel FindF32PairKernel(const PwPair& pair) { return HWY_DYNAMIC_DISPATCH(FindF32Pair)(pair); }

}  // namespace internal
}  // namespace ingot::kernels
#endif  // HWY_ONCE
