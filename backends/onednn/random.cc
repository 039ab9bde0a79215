// Draws: randn, rand, bernoulli, normal, dropout.
//
// Counter-based: number i of node n under seed s is a function of (s, n, i) alone, so results do
// not depend on threads, and the same seed gives the same draws. The generator is Philox4x32-10
// (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011); it is not LibTorch's
// stream.
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/cast.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/lowering.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

constexpr double kNanosecondsPerDraw = 10;

std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, uint64_t seed) {
  auto key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * counter[0], b = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key0, static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key1, static_cast<uint32_t>(a)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// Uniform on [0, 1) with the 24 bits that f32 holds.
float Uniform(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

struct Draw {
  uint64_t seed = 0;
  uint32_t stream = 0;
  // Two independent uniforms for element `i`.
  std::array<float, 2> operator()(int64_t i) const {
    const auto n = static_cast<uint64_t>(i);
    const auto bits =
        Philox({static_cast<uint32_t>(n), static_cast<uint32_t>(n >> 32), stream, 0}, seed);
    return {Uniform(bits[0]), Uniform(bits[1])};
  }
};

// Box and Muller 1958; 1 - u keeps the logarithm finite.
float Normal(const std::array<float, 2>& u) {
  return std::sqrt(-2.0f * std::log(1.0f - u[0])) *
         std::cos(2.0f * std::numbers::pi_v<float> * u[1]);
}

// One element from its draw and the element of `self` there (0 if the op has no input).
using ElementFn = float (*)(const std::array<float, 2>& u, float self, float p, float q);

float Randn(const std::array<float, 2>& u, float, float, float) { return Normal(u); }
float Rand(const std::array<float, 2>& u, float, float, float) { return u[0]; }
float Bernoulli(const std::array<float, 2>& u, float self, float, float) { return u[0] < self; }
float BernoulliP(const std::array<float, 2>& u, float, float p, float) { return u[0] < p; }
float Scaled(const std::array<float, 2>& u, float, float mean, float std) {
  return mean + std * Normal(u);
}
float Dropout(const std::array<float, 2>& u, float self, float p, float scale) {
  return u[0] < p ? 0.0f : self * scale;
}

struct Entry {
  const char* op;
  ElementFn element;
  const char* self;  // the tensor argument that elements are read from; nullptr: none
  const char* p;     // number arguments; nullptr: none
  const char* q;
};

constexpr Entry kEntries[] = {
    {"aten::randn", &Randn, nullptr, nullptr, nullptr},
    {"aten::rand", &Rand, nullptr, nullptr, nullptr},
    {"aten::randn_like", &Randn, nullptr, nullptr, nullptr},
    {"aten::rand_like", &Rand, nullptr, nullptr, nullptr},
    {"aten::bernoulli", &Bernoulli, "self", nullptr, nullptr},
    {"aten::bernoulli.p", &BernoulliP, nullptr, "p", nullptr},
    {"aten::normal_functional", &Scaled, nullptr, "mean", "std"},
    {"aten::dropout", &Dropout, "input", "p", nullptr},
};

bool IsIdentity(const ops::OpView& view) {
  return view.node().op == "aten::dropout" && (!view.Bool("train") || view.Float("p") == 0);
}

// Draws are made in f32. Halves would round some up to 1, and dropout hands elements on.
absl::Status Supports(const ir::Graph&, const ops::OpView& view) {
  const ir::DType dtype = view.OutputType().dtype;
  if (IsIdentity(view) || dtype == ir::DType::kFloat32) return absl::OkStatus();
  if (dtype == ir::DType::kFloat64 && view.node().op != "aten::dropout") return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("draws are f32 or f64, not ", ir::DTypeName(dtype)));
}

absl::Status Lower(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const ir::Node& node = view.node();
  if (IsIdentity(view)) {
    lowering.Set(node.outputs[0], lowering.Get(view.Value("input")));
    return absl::OkStatus();
  }
  const Entry* entry = kEntries;
  while (node.op != entry->op) ++entry;
  CastOutput result(lowering, node.outputs[0], ir::DType::kFloat32);
  const Tensor out = result.tensor();
  const ir::ValueId seed = std::get<ir::ValueRef>(node.args.back()).id;
  std::vector<Operand> operands = {Read(lowering.Get(seed)), Write(out)};
  const bool reads = entry->self != nullptr;
  if (reads) {
    INGOT_ASSIGN_OR_RETURN(Tensor self, lowering.Strided(view.Value(entry->self)));
    INGOT_ASSIGN_OR_RETURN(self, Cast(lowering, self, ir::DType::kFloat32));
    INGOT_ASSIGN_OR_RETURN(self, lowering.Dense(self));
    operands.push_back(Read(self));
  }
  const ElementFn element = entry->element;
  const auto p = static_cast<float>(entry->p == nullptr ? 0 : view.Float(entry->p));
  // Dropout of everything gives zeros, not 0 * inf.
  const float keep = p < 1 ? 1 / (1 - p) : 0;
  const auto q = entry->q == nullptr ? keep : static_cast<float>(view.Float(entry->q));
  const int64_t count = out.NumElements();
  const auto stream = static_cast<uint32_t>(unit.anchor);
  INGOT_RETURN_IF_ERROR(
      lowering.AddKernel("ingot:random", std::move(operands), [=](const StepArgs& args) {
        const Draw draw{static_cast<uint64_t>(*args.At<int64_t>(0)), stream};
        float* y = args.At<float>(1);
        const float* self = reads ? args.At<float>(2) : nullptr;
        kernels::ParallelFor(args.threads(), count, kernels::GrainFor(kNanosecondsPerDraw),
                             [&](int64_t begin, int64_t end, int) {
                               for (int64_t i = begin; i < end; ++i) {
                                 y[i] = element(draw(i), self == nullptr ? 0.0f : self[i], p, q);
                               }
                             });
        return absl::OkStatus();
      }));
  return result.Finish();
}

}  // namespace

absl::Span<const OpLowering> RandomLowerings() {
  static const auto* const table = [] {
    auto* entries = new std::vector<OpLowering>;
    for (const Entry& entry : kEntries) entries->push_back({entry.op, &Supports, &Lower});
    return entries;
  }();
  return *table;
}

}  // namespace ingot::onednn
