// Whole graphs against plain loops in double precision, fused and not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "absl/strings/match.h"
#include "backends/onednn/compile_testing.h"

namespace ingot::onednn {
namespace {

using ir::None;
using ir::ValueId;
using ir::ValueRef;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Ints = std::vector<int64_t>;

constexpr ir::DType kF32 = ir::DType::kFloat32;

double Gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

void Apply(std::vector<double>& values, double (*f)(double)) {
  for (double& v : values) v = f(v);
}

INSTANTIATE_TEST_SUITE_P(Fusion, CompileTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "On" : "Off"; });

TEST_P(CompileTest, SubtractsOnTheCallersMemory) {
  const auto a = Argument({2, 3}), b = Argument({2, 3});
  const auto out = Run(Op("aten::sub.Tensor", {ValueRef{a}, ValueRef{b}}),
                       {F32({2, 3}, {1, 2, 3, 4, 5, 6}), F32({2, 3}, {6, 5, 4, 3, 2, 1})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(-5, -3, -1, 1, 3, 5));
  EXPECT_THAT(plan_, HasSubstr("ingot:pointwise"));
}

TEST_P(CompileTest, LinearWithGeluAndResidual) {
  for (auto [m, k, n] : {std::tuple{8, 16, 16}, {130, 256, 256}}) {
    g_ = TestGraph();
    const Array w = RandomF32({n, k}, 1), b = RandomF32({n}, 2), in = RandomF32({m, k}, 3);
    const auto x = Argument({m, k});
    const auto wv = g_.Constant(w), bv = g_.Constant(b);
    const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{wv}, ValueRef{bv}});
    const auto z = Op("aten::gelu", {ValueRef{y}});
    const auto out = Run(Op("aten::add.Tensor", {ValueRef{x}, ValueRef{z}}), {in});
    std::vector<double> want = LinearOf(Doubles(in), w, b);
    Apply(want, Gelu);
    for (size_t i = 0; i < want.size(); ++i) want[i] += in.data<float>()[i];
    ExpectNear(out[0], want, 1e-4);
    EXPECT_THAT(plan_, Not(HasSubstr("ref")));
  }
}

TEST_P(CompileTest, BatchedMatmulOfTransposedViews) {
  const Array q = RandomF32({2, 5, 3, 8}, 1), k = RandomF32({2, 7, 3, 8}, 2);
  const auto qv = Argument({2, 5, 3, 8}), kv = Argument({2, 7, 3, 8});
  const auto qt = Op("aten::transpose.int", {ValueRef{qv}, int64_t{1}, int64_t{2}});
  const auto kt = Op("aten::permute", {ValueRef{kv}, Ints{0, 2, 3, 1}});
  const auto s = Op("aten::matmul", {ValueRef{qt}, ValueRef{kt}});
  const auto out = Run(Op("aten::mul.Scalar", {ValueRef{s}, 0.5}), {q, k});
  std::vector<double> want;
  for (int b = 0; b < 2; ++b) {
    for (int h = 0; h < 3; ++h) {
      for (int i = 0; i < 5; ++i) {
        for (int j = 0; j < 7; ++j) {
          double sum = 0;
          for (int d = 0; d < 8; ++d) {
            sum += double{q.data<float>()[((b * 5 + i) * 3 + h) * 8 + d]} *
                   k.data<float>()[((b * 7 + j) * 3 + h) * 8 + d];
          }
          want.push_back(sum * 0.5);
        }
      }
    }
  }
  ExpectNear(out[0], want);
}

TEST_P(CompileTest, AddmmWithFactors) {
  const Array c = RandomF32({4}, 1), a = RandomF32({6, 5}, 2), b = RandomF32({5, 4}, 3);
  const auto cv = g_.Constant(c), av = Argument({6, 5}), bv = g_.Constant(b);
  const auto out =
      Run(Op("aten::addmm", {ValueRef{cv}, ValueRef{av}, ValueRef{bv}, 0.5, 2.0}), {a});
  std::vector<double> want;
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 4; ++j) {
      double sum = 0;
      for (int l = 0; l < 5; ++l) {
        sum += double{a.data<float>()[i * 5 + l]} * b.data<float>()[l * 4 + j];
      }
      want.push_back(2 * sum + 0.5 * c.data<float>()[j]);
    }
  }
  ExpectNear(out[0], want);
}

TEST_P(CompileTest, NumbersHeldByValuesAreReadOnEachCall) {
  const auto x = Argument({2, 2}), y = Argument({2, 2});
  const auto alpha = g_.builder.Scalar(ir::DType::kFloat64);
  g_.builder.Result(Op("aten::add.Tensor", {ValueRef{x}, ValueRef{y}, ValueRef{alpha}}));
  absl::StatusOr<Runner> runner = std::move(g_).Compile(Options());
  ASSERT_THAT(runner, IsOk());
  for (double factor : {3.0, -2.0}) {
    const auto out = runner->Run({F32({2, 2}, {1, 2, 3, 4}), F32({2, 2}, {1, 1, 2, 2}),
                                  MakeArray<double>(ir::DType::kFloat64, {}, {factor})});
    ASSERT_THAT(out, IsOk());
    EXPECT_EQ((*out)[0].data<float>()[3], 4 + 2 * factor);
  }
}

TEST_P(CompileTest, ChainsOfSeveralDtypes) {
  // (1 - mask) * -10000 as models write it, then added to scores.
  const auto mask = g_.builder.Argument({ir::DType::kInt64, {1, 3}});
  const auto scores = Argument({2, 3});
  const auto f = Op("aten::_to_copy", {ValueRef{mask}, kF32});
  const auto inverted = Op("aten::rsub.Scalar", {ValueRef{f}, 1.0});
  const auto big = Op("aten::mul.Scalar", {ValueRef{inverted}, -10000.0});
  const auto out = Run(Op("aten::add.Tensor", {ValueRef{scores}, ValueRef{big}}),
                       {I64({1, 3}, {1, 0, 1}), F32({2, 3}, {1, 2, 3, 4, 5, 6})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(1, -9998, 3, 4, -9995, 6));
}

TEST_P(CompileTest, RowsAreReducedInThePassThatMakesThem) {
  const int64_t rows = 30, columns = 320;
  const Array in = RandomF32({rows, columns}, 1), factors = RandomF32({columns}, 2);
  const auto x = Argument({rows, columns}), f = g_.Constant(factors);
  const auto y = Op("aten::exp", {ValueRef{Op("aten::mul.Tensor", {ValueRef{x}, ValueRef{f}})}});
  const auto mean = Op("aten::mean.dim", {ValueRef{y}, Ints{1}, true, None{}});
  const auto z = Op("aten::mul.Tensor", {ValueRef{x}, ValueRef{f}});
  const auto highest = Op("aten::argmax", {ValueRef{Op("aten::tanh", {ValueRef{z}})}, int64_t{1}});
  g_.builder.Result(mean);
  g_.builder.Result(highest);
  const auto out = Run({in});
  std::vector<double> want;
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    int64_t best = 0;
    std::vector<float> products(columns);
    for (int64_t c = 0; c < columns; ++c) {
      products[c] = in.data<float>()[r * columns + c] * factors.data<float>()[c];
      sum += std::exp(products[c]);
      if (products[c] > products[best]) best = c;
    }
    want.push_back(sum / columns);
    EXPECT_EQ(std::tanh(products[out[1].data<int64_t>()[r]]), std::tanh(products[best]));
  }
  ExpectNear(out[0], want);
  EXPECT_EQ(plan_.find("pointwise_reduce") != std::string::npos, GetParam());
}

TEST_P(CompileTest, RowsThatDontLieInOneRunAreReducedByThemselves) {
  const Array in = RandomF32({2, 300, 5}, 1);
  const auto x = Argument({2, 300, 5});
  const auto turned = Op("aten::transpose.int", {ValueRef{x}, int64_t{1}, int64_t{2}});
  const auto y = Op("aten::neg", {ValueRef{turned}});
  const auto out = Run(Op("aten::sum.dim_IntList", {ValueRef{y}, Ints{2}, false, None{}}), {in});
  std::vector<double> want;
  for (int64_t b = 0; b < 2; ++b) {
    for (int64_t c = 0; c < 5; ++c) {
      double sum = 0;
      for (int64_t r = 0; r < 300; ++r) sum -= in.data<float>()[(b * 300 + r) * 5 + c];
      want.push_back(sum);
    }
  }
  ExpectNear(out[0], want);
}

TEST_P(CompileTest, ClampTakesBoolAndWideIntegerBounds) {
  const auto x = g_.builder.Argument({ir::DType::kInt64, {2}});
  const int64_t wide = (int64_t{1} << 60) + 1;
  g_.builder.Result(Op("aten::clamp", {ValueRef{x}, true, None{}}));
  g_.builder.Result(Op("aten::clamp_max", {ValueRef{x}, wide}));
  const auto out = Run({I64({2}, {0, wide + 1})});
  EXPECT_THAT(out[0].Values<int64_t>(), ElementsAre(1, wide + 1));
  EXPECT_THAT(out[1].Values<int64_t>(), ElementsAre(0, wide));
}

TEST_P(CompileTest, NumbersHaveNoDimensionToReverse) {
  const auto x = Argument({});
  const auto out = Run(Op("aten::flip", {ValueRef{x}, Ints{0}}), {F32({}, {5})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(5));
}

// --- Shapes, indices, outputs ---

TEST_P(CompileTest, ViewsCostNoStep) {
  const auto x = Argument({2, 6});
  const auto v = Op("aten::view", {ValueRef{x}, Ints{2, 3, 2}});
  const auto t = Op("aten::transpose.int", {ValueRef{v}, int64_t{1}, int64_t{2}});
  const auto s = Op("aten::select.int", {ValueRef{t}, int64_t{1}, int64_t{1}});
  const auto out =
      Run(Op("aten::neg", {ValueRef{s}}), {F32({2, 6}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(-1, -3, -5, -7, -9, -11));
  EXPECT_EQ(std::count(plan_.begin(), plan_.end(), '{'), 1) << plan_;
}

TEST_P(CompileTest, OutputsThatAreArgumentsConstantsOrTheSameValue) {
  const auto x = Argument({3});
  const auto c = g_.Constant(F32({2}, {7, 8}));
  const auto y = Op("aten::add.Scalar", {ValueRef{x}, 1.0});
  for (ValueId value : {y, x, c, y}) g_.builder.Result(value);
  const auto out = Run({F32({3}, {1, 2, 3})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(2, 3, 4));
  EXPECT_THAT(out[1].Values<float>(), ElementsAre(1, 2, 3));
  EXPECT_THAT(out[2].Values<float>(), ElementsAre(7, 8));
  EXPECT_THAT(out[3].Values<float>(), ElementsAre(2, 3, 4));
}

TEST_P(CompileTest, JoinsPadsRepeatsFlipsAndRolls) {
  const auto x = Argument({2, 2});
  const auto result = [&](ValueId v) { g_.builder.Result(v); };
  result(Op("aten::cat", {ir::ValueRefList{{x, x}}, int64_t{1}}));
  result(Op("aten::stack", {ir::ValueRefList{{x, x}}, int64_t{0}}));
  result(Op("aten::constant_pad_nd", {ValueRef{x}, Ints{1, 0, 0, -1}, 9.0}));
  result(Op("aten::repeat", {ValueRef{x}, Ints{2, 1, 2}}));
  result(Op("aten::flip", {ValueRef{x}, Ints{0, 1}}));
  result(Op("aten::roll", {ValueRef{x}, Ints{1}, Ints{1}}));
  result(Op("aten::tril", {ValueRef{x}}));
  result(Op("aten::triu", {ValueRef{x}, int64_t{1}}));
  const auto out = Run({F32({2, 2}, {1, 2, 3, 4})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(1, 2, 1, 2, 3, 4, 3, 4));
  EXPECT_THAT(out[1].Values<float>(), ElementsAre(1, 2, 3, 4, 1, 2, 3, 4));
  EXPECT_THAT(out[2].Values<float>(), ElementsAre(9, 1, 2));
  EXPECT_THAT(out[3].Values<float>(), ElementsAre(1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4));
  EXPECT_THAT(out[4].Values<float>(), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(out[5].Values<float>(), ElementsAre(2, 1, 4, 3));
  EXPECT_THAT(out[6].Values<float>(), ElementsAre(1, 0, 3, 4));
  EXPECT_THAT(out[7].Values<float>(), ElementsAre(0, 2, 0, 0));
}

TEST_P(CompileTest, WindowUpdatesLeaveTheirInputAlone) {
  const auto x = Argument({2, 3}), s = Argument({2, 1});
  const auto y = Op("aten::relu", {ValueRef{x}});
  const auto z = Op("aten::slice_scatter",
                    {ValueRef{y}, ValueRef{s}, int64_t{1}, int64_t{1}, int64_t{2}, int64_t{1}});
  g_.builder.Result(z);
  g_.builder.Result(Op("aten::add.Tensor", {ValueRef{y}, ValueRef{z}}));
  const auto out = Run({F32({2, 3}, {1, 2, 3, 4, 5, 6}), F32({2, 1}, {-1, -2})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(1, -1, 3, 4, -2, 6));
  EXPECT_THAT(out[1].Values<float>(), ElementsAre(2, 1, 6, 8, 3, 12));
}

TEST_P(CompileTest, ActivationsAfterProductsHandNanOn) {
  const auto x = Argument({1, 2});
  const auto w = g_.Constant(F32({2, 2}, {1, 0, 0, 1}));
  const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{w}, None{}});
  const std::vector<ir::Argument> bounds = {ValueRef{y}, 0.0, 6.0};
  for (const char* op : {"aten::relu", "aten::relu6", "aten::hardsigmoid", "aten::hardswish",
                         "aten::leaky_relu", "aten::silu", "aten::gelu", "aten::elu"}) {
    g_.builder.Result(Op(op, {ValueRef{y}}));
  }
  g_.builder.Result(Op("aten::hardtanh", bounds));
  g_.builder.Result(Op("aten::clamp", bounds));
  g_.builder.Result(Op("aten::maximum", {ValueRef{y}, ValueRef{x}}));
  const auto out = Run({F32({1, 2}, {std::nanf(""), 1})});
  for (size_t i = 0; i < out.size(); ++i) EXPECT_TRUE(std::isnan(out[i].Values<float>()[0])) << i;
}

TEST_P(CompileTest, EmbeddingRefusesAnIndexOutOfRange) {
  const auto i = g_.builder.Argument({ir::DType::kInt64, {2}});
  const auto w = g_.Constant(F32({3, 2}, {0, 1, 2, 3, 4, 5}));
  g_.builder.Result(Op("aten::embedding", {ValueRef{w}, ValueRef{i}}));
  absl::StatusOr<Runner> runner = std::move(g_).Compile(Options());
  ASSERT_THAT(runner, IsOk());
  const auto out = runner->Run({I64({2}, {2, 0})});
  ASSERT_THAT(out, IsOk());
  EXPECT_THAT((*out)[0].Values<float>(), ElementsAre(4, 5, 0, 1));
  EXPECT_THAT(runner->Run({I64({2}, {3, 0})}),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("aten::embedding")));
}

TEST_P(CompileTest, ATableThatIsReadByRowsIsNotPackedForOneRowsProduct) {
  const Array table = RandomF32({70, 24}, 1);
  for (const int64_t rows : {1, 2}) {
    g_ = TestGraph();
    const auto ids = g_.builder.Argument({ir::DType::kInt64, {rows}});
    const auto w = g_.Constant(table);
    const auto x = Op("aten::embedding", {ValueRef{w}, ValueRef{ids}});
    const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{w}, None{}});
    const auto out = Run(Op("aten::relu", {ValueRef{y}}), {I64({rows}, Ints(rows, 3))});
    EXPECT_EQ(absl::StrContains(plan_, "ingot:row_dots"), rows == 1) << plan_;
    std::vector<double> want;
    for (int64_t i = 0; i < rows * 70; ++i) {
      double sum = 0;
      for (int64_t l = 0; l < 24; ++l) {
        sum += double{table.data<float>()[3 * 24 + l]} * table.data<float>()[i % 70 * 24 + l];
      }
      want.push_back(std::max(sum, 0.0));
    }
    ExpectNear(out[0], want);
  }
}

TEST_P(CompileTest, EmptyTensorsPassThrough) {
  const auto x = Argument({0, 4});
  const auto w = g_.Constant(RandomF32({3, 4}, 1));
  const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{w}, None{}});
  const auto out = Run(Op("aten::relu", {ValueRef{y}}), {F32({0, 4}, {})});
  EXPECT_THAT(out[0].type.dims, ElementsAre(0, 3));
}

TEST_P(CompileTest, DrawsFollowTheSeed) {
  const auto x = Argument({4});
  const auto r = Op("aten::randn_like", {ValueRef{x}});
  g_.builder.Result(Op("aten::add.Tensor", {ValueRef{x}, ValueRef{r}}));
  absl::StatusOr<Runner> runner = std::move(g_).Compile(Options());
  ASSERT_THAT(runner, IsOk());
  const auto draw = [&](int64_t seed) {
    return runner->Run({F32({4}, {0, 0, 0, 0}), I64({}, {seed})})->at(0).Values<float>();
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

// --- Execution ---

TEST_P(CompileTest, ConcurrentRunsAgreeBitwise) {
  const Array w = RandomF32({256, 256}, 1), b = RandomF32({256}, 2), in = RandomF32({64, 256}, 3);
  auto x = Argument({64, 256});
  const auto wv = g_.Constant(w), bv = g_.Constant(b);
  for (int i = 0; i < 4; ++i) {
    x = Op("aten::tanh", {ValueRef{Op("aten::linear", {ValueRef{x}, ValueRef{wv}, ValueRef{bv}})}});
  }
  g_.builder.Result(x);
  absl::StatusOr<Runner> runner = std::move(g_).Compile(Options());
  ASSERT_THAT(runner, IsOk());
  const auto want = runner->Run({in});
  ASSERT_THAT(want, IsOk());
  std::vector<std::thread> threads;
  std::vector<int> equal(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const auto got = runner->Run({in});
        equal[t] += got.ok() && (*got)[0].bytes == (*want)[0].bytes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(equal, ElementsAre(10, 10, 10, 10));
}

TEST_P(CompileTest, AttentionOfHeadsForAllBatches) {
  // A query of rank 3 beside keys of rank 4 is [heads, rows, columns], the same for each batch.
  const auto q = Argument({2, 3, 8}), k = Argument({4, 2, 6, 8}), v = Argument({4, 2, 6, 8});
  const auto attention = [&](ValueId query) {
    return Op("aten::scaled_dot_product_attention",
              {ValueRef{query}, ValueRef{k}, ValueRef{v}, None{}, 0.0, false, None{}, false});
  };
  const auto expanded = Op("aten::expand", {ValueRef{q}, Ints{4, 2, 3, 8}, false});
  const auto broadcast = attention(q), same = attention(expanded);
  g_.builder.Result(broadcast);
  g_.builder.Result(same);
  const std::vector<Array> out =
      Run({RandomF32({2, 3, 8}, 1), RandomF32({4, 2, 6, 8}, 2), RandomF32({4, 2, 6, 8}, 3)});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].Values<float>(), out[1].Values<float>());
}

TEST(SupportsTest, NamesWhatItLacks) {
  TestGraph g;
  const auto x = g.builder.Argument({ir::DType::kBFloat16, {2, 2}});
  g.builder.Result(g.builder.Op("aten::mm", {ValueRef{x}, ValueRef{x}}));
  EXPECT_THAT(std::move(g).Compile(),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("not bf16")));
}

}  // namespace
}  // namespace ingot::onednn
