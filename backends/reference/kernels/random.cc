// Draws. Element i of a node's result comes from counter (i, node) under the seed as key: fresh for
// every seed, different for every node, the same in any order.
#include <numbers>

#include "absl/strings/str_cat.h"
#include "backends/reference/kernels/families.h"
#include "backends/reference/kernels/philox.h"

namespace ingot::reference {
namespace {

class Draws {
 public:
  explicit Draws(const KernelContext& context)
      : key_{static_cast<uint32_t>(context.Seed()), static_cast<uint32_t>(context.Seed() >> 32)},
        stream_(context.Stream()) {}

  // 64 random bits for element i; `part`: 0 or 1.
  uint64_t Bits(int64_t i, int part = 0) const {
    const auto words =
        Philox4x32({static_cast<uint32_t>(i), static_cast<uint32_t>(i >> 32), stream_, 0}, key_);
    return uint64_t{words[2 * part]} << 32 | words[2 * part + 1];
  }

  // Uniform in [0, 1) with `bits` random bits.
  double Uniform(int64_t i, int bits = 53) const {
    return std::ldexp(static_cast<double>(Bits(i) >> (64 - bits)), -bits);
  }

  // Box and Muller: two uniform draws, the first in (0, 1], make a normal one.
  double Normal(int64_t i) const {
    const double u = std::ldexp(static_cast<double>((Bits(i, 0) >> 11) + 1), -53);
    const double v = std::ldexp(static_cast<double>(Bits(i, 1) >> 11), -53);
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }

 private:
  const std::array<uint32_t, 2> key_;
  const uint32_t stream_;
};

// The digits of a dtype's mantissa: with more, rounding could reach 1.
int MantissaBits(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::kFloat64:
      return 53;
    case ir::DType::kFloat16:
      return 11;
    case ir::DType::kBFloat16:
      return 8;
    default:
      return 24;
  }
}

// out[i] = fn(draws, i).
template <typename Fn>
absl::Status Fill(const KernelContext& context, Fn&& fn) {
  const Draws draws(context);
  const Tensor out = context.Out();
  const int64_t total = out.NumElements();
  for (int64_t i = 0; i < total; ++i) Store<double>(fn(draws, i), out, i);
  return absl::OkStatus();
}

absl::Status RunRand(const KernelContext& context) {
  const int bits = MantissaBits(context.Out().dtype);
  return Fill(context, [&](const Draws& draws, int64_t i) { return draws.Uniform(i, bits); });
}

absl::Status RunRandn(const KernelContext& context) {
  return Fill(context, [](const Draws& draws, int64_t i) { return draws.Normal(i); });
}

absl::Status RunNormal(const KernelContext& context) {
  const double mean = context.op().Float("mean"), deviation = context.op().Float("std");
  return Fill(context,
              [&](const Draws& draws, int64_t i) { return mean + deviation * draws.Normal(i); });
}

absl::Status RunBernoulliP(const KernelContext& context) {
  const double p = context.op().Float("p");
  return Fill(context, [&](const Draws& draws, int64_t i) { return draws.Uniform(i) < p; });
}

absl::Status RunBernoulli(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const int64_t total = self.NumElements();
  for (int64_t i = 0; i < total; ++i) {
    const double p = Load<double>(self, i);
    if (!(p >= 0 && p <= 1)) {
      return context.Error(absl::StrCat("probability ", p, " is not between 0 and 1"));
    }
  }
  return Fill(context, [&](const Draws& draws, int64_t i) {
    return draws.Uniform(i) < Load<double>(self, i);
  });
}

absl::Status RunDropout(const KernelContext& context) {
  const ConstTensor input = context.In("input");
  const double p = context.op().Float("p");
  if (!context.op().Bool("train") || p == 0) {
    CopyDense(input, context.Out());
    return absl::OkStatus();
  }
  return Fill(context, [&](const Draws& draws, int64_t i) {
    return draws.Uniform(i) < p ? 0.0 : Load<double>(input, i) / (1 - p);
  });
}

}  // namespace

std::vector<Kernel> RandomKernels() {
  return {
      {"aten::rand", RunRand},
      {"aten::rand_like", RunRand},
      {"aten::randn", RunRandn},
      {"aten::randn_like", RunRandn},
      {"aten::normal_functional", RunNormal},
      {"aten::bernoulli", RunBernoulli},
      {"aten::bernoulli.p", RunBernoulliP},
      {"aten::dropout", RunDropout},
  };
}

}  // namespace ingot::reference
