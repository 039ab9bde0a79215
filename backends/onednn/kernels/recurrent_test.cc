#include "backends/onednn/kernels/recurrent.h"

#include <cmath>
#include <limits>
#include <vector>

#include "backends/onednn/kernels/test_random.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct Case {
  RecurrentCell cell = RecurrentCell::kLstm;
  int64_t steps = 1, batch = 1, hidden = 1;
  bool reverse = false, bias = true, batch_first = false;
};

// A layer's operands and results.
struct Layer {
  explicit Layer(const Case& c)
      : gates(c.cell == RecurrentCell::kLstm ? 4 : 3),
        products(Random(c.steps * c.batch * gates * c.hidden, 1)),
        weights(
            Random(gates * c.hidden * c.hidden, 2, {.deviation = 1 / std::sqrt(1.0f * c.hidden)})),
        bias(Random(c.hidden, 3)),
        h0(Random(c.batch * c.hidden, 4)),
        c0(Random(c.batch * c.hidden, 5)),
        y(c.steps * c.batch * c.hidden),
        h(c.batch * c.hidden),
        cells(c.batch * c.hidden) {}

  void Run(const Case& c, int threads) {
    const Recurrent recurrent = Recurrent::Make(c.cell, c.hidden);
    std::vector<float> room(recurrent.PackedBytes() / sizeof(float) + 16);
    float* packed = room.data();
    while (reinterpret_cast<uintptr_t>(packed) % 64 != 0) ++packed;
    recurrent.Pack(weights.data(), c.hidden, 1, packed);
    RecurrentArgs args;
    args.steps = c.steps;
    args.batch = c.batch;
    args.reverse = c.reverse;
    args.products = products.data();
    args.y = y.data();
    args.products_step = gates * (args.y_step = c.batch_first ? c.hidden : c.batch * c.hidden);
    args.products_row = gates * (args.y_row = c.batch_first ? c.steps * c.hidden : c.hidden);
    args.packed = packed;
    args.bias = c.bias && c.cell == RecurrentCell::kGru ? bias.data() : nullptr;
    args.h0 = h0.data();
    args.c0 = c0.data();
    args.h_last = h.data();
    args.c_last = cells.data();
    args.h0_row = args.c0_row = args.h_last_row = args.c_last_row = c.hidden;
    recurrent.Run(args, threads);
  }

  int64_t gates;
  std::vector<float> products, weights, bias, h0, c0, y, h, cells;
};

// PyTorch's equations in double precision.
void ExpectRight(const Case& c, const Layer& layer) {
  const int64_t hidden = c.hidden;
  std::vector<double> h(layer.h0.begin(), layer.h0.end()), cell(layer.c0.begin(), layer.c0.end());
  for (int64_t i = 0; i < c.steps; ++i) {
    const int64_t t = c.reverse ? c.steps - 1 - i : i;
    std::vector<double> next = h;
    for (int64_t b = 0; b < c.batch; ++b) {
      const int64_t at = c.batch_first ? b * c.steps + t : t * c.batch + b;
      for (int64_t u = 0; u < hidden; ++u) {
        double product[4] = {}, sum[4] = {};
        for (int64_t g = 0; g < layer.gates; ++g) {
          product[g] = layer.products[(at * layer.gates + g) * hidden + u];
          for (int64_t k = 0; k < hidden; ++k) {
            sum[g] += layer.weights[(g * hidden + u) * hidden + k] * h[b * hidden + k];
          }
        }
        double& state = next[b * hidden + u];
        if (c.cell == RecurrentCell::kLstm) {
          double& memory = cell[b * hidden + u];
          memory = Sigmoid(product[1] + sum[1]) * memory +
                   Sigmoid(product[0] + sum[0]) * std::tanh(product[2] + sum[2]);
          state = Sigmoid(product[3] + sum[3]) * std::tanh(memory);
        } else {
          const double reset = Sigmoid(product[0] + sum[0]), z = Sigmoid(product[1] + sum[1]);
          const double n =
              std::tanh(product[2] + reset * (sum[2] + (c.bias ? layer.bias[u] : 0.0f)));
          state = (1 - z) * n + z * h[b * hidden + u];
        }
        ASSERT_NEAR(layer.y[at * hidden + u], state, 1e-5) << "step " << t << " unit " << u;
      }
    }
    h = next;
  }
  for (size_t i = 0; i < h.size(); ++i) {
    EXPECT_NEAR(layer.h[i], h[i], 1e-5);
    if (c.cell == RecurrentCell::kLstm) {
      EXPECT_NEAR(layer.cells[i], cell[i], 2e-5);
    }
  }
}

class RecurrentTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(RecurrentTest);

TEST_P(RecurrentTest, AgreesWithTheEquations) {
  for (RecurrentCell cell : {RecurrentCell::kLstm, RecurrentCell::kGru}) {
    for (const Case& shape : std::vector<Case>{{.steps = 1, .batch = 1, .hidden = 1},
                                               {.steps = 5, .batch = 1, .hidden = 3},
                                               {.steps = 4, .batch = 2, .hidden = 16},
                                               {.steps = 3, .batch = 3, .hidden = 17},
                                               {.steps = 3, .batch = 5, .hidden = 40},
                                               {.steps = 2, .batch = 13, .hidden = 33},
                                               {.steps = 7, .batch = 1, .hidden = 200}}) {
      for (int variant = 0; variant < 8; ++variant) {
        Case c = shape;
        c.cell = cell;
        c.reverse = (variant & 1) != 0;
        c.bias = (variant & 2) != 0;
        c.batch_first = (variant & 4) != 0;
        SCOPED_TRACE(testing::Message() << (cell == RecurrentCell::kLstm ? "lstm " : "gru ")
                                        << c.batch << "x" << c.hidden << " variant " << variant);
        Layer layer(c);
        layer.Run(c, 1);
        ExpectRight(c, layer);
      }
    }
  }
}

// Wide enough that threads share a step.
TEST_P(RecurrentTest, ThreadsChangeNoBit) {
  for (RecurrentCell cell : {RecurrentCell::kLstm, RecurrentCell::kGru}) {
    const Case c = {.cell = cell, .steps = 60, .batch = 1, .hidden = 250};
    Layer one(c);
    one.Run(c, 1);
    for (int threads : {2, 3, 40}) {
      for (int run = 0; run < 5; ++run) {
        Layer shared(c);
        shared.Run(c, threads);
        ASSERT_EQ(shared.y, one.y) << threads << " threads";
        ASSERT_EQ(shared.h, one.h);
        if (cell == RecurrentCell::kLstm) {
          ASSERT_EQ(shared.cells, one.cells);
        }
      }
    }
  }
}

TEST_P(RecurrentTest, NanStaysInItsRow) {
  for (RecurrentCell cell : {RecurrentCell::kLstm, RecurrentCell::kGru}) {
    const Case c = {.cell = cell, .steps = 3, .batch = 2, .hidden = 20};
    Layer layer(c);
    layer.h0[5] = std::numeric_limits<float>::quiet_NaN();
    layer.Run(c, 1);
    for (int64_t i = 0; i < c.hidden; ++i) {
      EXPECT_TRUE(std::isnan(layer.h[i]));
      EXPECT_FALSE(std::isnan(layer.h[c.hidden + i]));
    }
  }
}

TEST_P(RecurrentTest, GatesSaturate) {
  const Case c = {.steps = 2, .batch = 1, .hidden = 4};
  Layer layer(c);
  const float inf = std::numeric_limits<float>::infinity();
  std::fill(layer.weights.begin(), layer.weights.end(), 0.0f);
  for (int64_t t = 0; t < c.steps; ++t) {
    for (int64_t i = 0; i < 4 * c.hidden; ++i) layer.products[t * 4 * c.hidden + i] = inf;
  }
  layer.Run(c, 1);
  for (int64_t u = 0; u < c.hidden; ++u) EXPECT_EQ(layer.cells[u], layer.c0[u] + 1 + 1);
}

}  // namespace
}  // namespace ingot::kernels
