// Recurrent layers against plain loops in double precision.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backends/onednn/compile_testing.h"

namespace ingot::onednn {
namespace {

using ir::ValueId;
using ir::ValueRef;

INSTANTIATE_TEST_SUITE_P(Fusion, CompileTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "On" : "Off"; });

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// One direction of one layer; x is [steps][batch * in].
std::vector<std::vector<double>> LstmOf(const std::vector<std::vector<double>>& x, int64_t batch,
                                        int64_t hidden, const std::vector<Array>& p, bool reverse,
                                        std::vector<double>& h, std::vector<double>& c) {
  std::vector<std::vector<double>> out(x.size());
  for (size_t t = 0; t < x.size(); ++t) {
    const size_t at = reverse ? x.size() - 1 - t : t;
    const std::vector<double> a = LinearOf(x[at], p[0], p[2]), b = LinearOf(h, p[1], p[3]);
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t i = 0; i < hidden; ++i) {
        const auto gate = [&](int64_t g) {
          const int64_t k = (n * 4 + g) * hidden + i;
          return a[k] + b[k];
        };
        double& cell = c[n * hidden + i];
        cell = Sigmoid(gate(1)) * cell + Sigmoid(gate(0)) * std::tanh(gate(2));
        h[n * hidden + i] = Sigmoid(gate(3)) * std::tanh(cell);
      }
    }
    out[at] = h;
  }
  return out;
}

TEST_P(CompileTest, BidirectionalLstmOfTwoLayersBatchFirst) {
  constexpr int64_t kBatch = 2, kSteps = 5, kIn = 6, kHidden = 8;
  const Array in = RandomF32({kBatch, kSteps, kIn}, 1);
  const Array h0 = RandomF32({4, kBatch, kHidden}, 2), c0 = RandomF32({4, kBatch, kHidden}, 3);
  const auto x = Argument(in.type.dims), h = Argument(h0.type.dims), c = Argument(c0.type.dims);
  std::vector<ValueId> params;
  std::vector<std::vector<Array>> arrays;
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t columns = i < 2 ? kIn : 2 * kHidden;
    const auto seed = static_cast<uint32_t>(10 * i + 10);
    arrays.push_back({RandomF32({4 * kHidden, columns}, seed),
                      RandomF32({4 * kHidden, kHidden}, seed + 1),
                      RandomF32({4 * kHidden}, seed + 2), RandomF32({4 * kHidden}, seed + 3)});
    for (const Array& a : arrays.back()) params.push_back(g_.Constant(a));
  }
  for (ValueId value : g_.builder.Ops(
           "aten::lstm.input", {ValueRef{x}, ir::ValueRefList{{h, c}}, ir::ValueRefList{params},
                                true, int64_t{2}, 0.0, false, true, true})) {
    g_.builder.Result(value);
  }
  const auto out = Run({in, h0, c0});
  std::vector<std::vector<double>> sequence(kSteps);
  for (int64_t t = 0; t < kSteps; ++t) {
    for (int64_t n = 0; n < kBatch; ++n) {
      for (int64_t i = 0; i < kIn; ++i) {
        sequence[t].push_back(in.data<float>()[(n * kSteps + t) * kIn + i]);
      }
    }
  }
  std::vector<double> hn, cn;
  for (int64_t layer = 0; layer < 2; ++layer) {
    std::vector<std::vector<double>> sides[2];
    for (int64_t d = 0; d < 2; ++d) {
      const int64_t index = 2 * layer + d, size = kBatch * kHidden;
      std::vector<double> hs(h0.data<float>() + index * size,
                             h0.data<float>() + (index + 1) * size);
      std::vector<double> cs(c0.data<float>() + index * size,
                             c0.data<float>() + (index + 1) * size);
      sides[d] = LstmOf(sequence, kBatch, kHidden, arrays[index], d == 1, hs, cs);
      hn.insert(hn.end(), hs.begin(), hs.end());
      cn.insert(cn.end(), cs.begin(), cs.end());
    }
    for (int64_t t = 0; t < kSteps; ++t) {
      sequence[t].clear();
      for (int64_t n = 0; n < kBatch; ++n) {
        for (const auto& side : sides) {
          sequence[t].insert(sequence[t].end(), side[t].begin() + n * kHidden,
                             side[t].begin() + (n + 1) * kHidden);
        }
      }
    }
  }
  std::vector<double> want;
  for (int64_t n = 0; n < kBatch; ++n) {
    for (int64_t t = 0; t < kSteps; ++t) {
      want.insert(want.end(), sequence[t].begin() + n * 2 * kHidden,
                  sequence[t].begin() + (n + 1) * 2 * kHidden);
    }
  }
  ExpectNear(out[0], want, 5e-5);
  ExpectNear(out[1], hn, 5e-5);
  ExpectNear(out[2], cn, 5e-5);
}

TEST_P(CompileTest, Gru) {
  constexpr int64_t kBatch = 2, kSteps = 4, kIn = 3, kHidden = 8;
  const Array in = RandomF32({kSteps, kBatch, kIn}, 1), h0 = RandomF32({1, kBatch, kHidden}, 2);
  const std::vector<Array> p = {RandomF32({3 * kHidden, kIn}, 3),
                                RandomF32({3 * kHidden, kHidden}, 4), RandomF32({3 * kHidden}, 5),
                                RandomF32({3 * kHidden}, 6)};
  const auto x = Argument(in.type.dims), h = Argument(h0.type.dims);
  std::vector<ValueId> params;
  for (const Array& a : p) params.push_back(g_.Constant(a));
  for (ValueId value :
       g_.builder.Ops("aten::gru.input", {ValueRef{x}, ValueRef{h}, ir::ValueRefList{params}, true,
                                          int64_t{1}, 0.0, false, false, false})) {
    g_.builder.Result(value);
  }
  const auto out = Run({in, h0});
  std::vector<double> state = Doubles(h0), want;
  const std::vector<double> all = Doubles(in);
  for (int64_t t = 0; t < kSteps; ++t) {
    const std::vector<double> xt(all.begin() + t * kBatch * kIn,
                                 all.begin() + (t + 1) * kBatch * kIn);
    const std::vector<double> a = LinearOf(xt, p[0], p[2]), b = LinearOf(state, p[1], p[3]);
    for (int64_t n = 0; n < kBatch; ++n) {
      for (int64_t i = 0; i < kHidden; ++i) {
        const int64_t k = n * 3 * kHidden + i;
        const double r = Sigmoid(a[k] + b[k]), z = Sigmoid(a[k + kHidden] + b[k + kHidden]);
        const double m = std::tanh(a[k + 2 * kHidden] + r * b[k + 2 * kHidden]);
        double& s = state[n * kHidden + i];
        s = (1 - z) * m + z * s;
      }
    }
    want.insert(want.end(), state.begin(), state.end());
  }
  ExpectNear(out[0], want, 5e-5);
  ExpectNear(out[1], state, 5e-5);
}

}  // namespace
}  // namespace ingot::onednn
