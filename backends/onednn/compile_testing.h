// What tests of whole graphs share: a graph that is built, compiled with and without fusion, and
// run.
#ifndef INGOT_BACKENDS_ONEDNN_COMPILE_TESTING_H_
#define INGOT_BACKENDS_ONEDNN_COMPILE_TESTING_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "backends/onednn/graph_runner.h"
#include "core/base/status_matchers.h"

namespace ingot::onednn {

// |got - want| within float rounding of sums of this size.
inline void ExpectNear(const Array& got, const std::vector<double>& want, double tolerance = 2e-5) {
  ASSERT_EQ(got.type.NumElements(), static_cast<int64_t>(want.size()));
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_NEAR(got.data<float>()[i], want[i], tolerance * (1 + std::abs(want[i]))) << "at " << i;
  }
}

inline std::vector<double> Doubles(const Array& array) {
  return std::vector<double>(array.data<float>(), array.data<float>() + array.type.NumElements());
}

// x [m, k] times w [n, k] transposed plus b.
inline std::vector<double> LinearOf(const std::vector<double>& x, const Array& w, const Array& b) {
  const int64_t n = w.type.dims[0], k = w.type.dims[1], m = static_cast<int64_t>(x.size()) / k;
  std::vector<double> y(m * n);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = b.data<float>()[j];
      for (int64_t l = 0; l < k; ++l) sum += x[i * k + l] * w.data<float>()[j * k + l];
      y[i * n + j] = sum;
    }
  }
  return y;
}

class CompileTest : public testing::TestWithParam<bool> {
 protected:
  CompileOptions Options() const { return {2, FusionOptions::All(GetParam())}; }
  ir::ValueId Argument(ir::Dims dims) {
    return g_.builder.Argument({ir::DType::kFloat32, std::move(dims)});
  }
  ir::ValueId Op(const char* op, std::vector<ir::Argument> args) {
    return g_.builder.Op(op, std::move(args));
  }
  std::vector<Array> Run(const std::vector<Array>& inputs) {
    absl::StatusOr<Runner> runner = std::move(g_).Compile(Options());
    EXPECT_THAT(runner, IsOk());
    if (!runner.ok()) return {};
    plan_ = runner->program().PlanJson();
    absl::StatusOr<std::vector<Array>> out = runner->Run(inputs);
    EXPECT_THAT(out, IsOk());
    return out.ok() ? *std::move(out) : std::vector<Array>{};
  }
  std::vector<Array> Run(ir::ValueId result, const std::vector<Array>& inputs) {
    g_.builder.Result(result);
    return Run(inputs);
  }

  TestGraph g_;
  std::string plan_;
};

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_COMPILE_TESTING_H_
