#include "frontends/torchscript/data_numbers.h"

#include <ATen/ops/ones.h>
#include <torch/script.h>

#include <string>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/recording_verifier.h"
#include "core/ir/text.h"
#include "core/passes/pipeline.h"
#include "frontends/torchscript/record.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::torchscript {
namespace {

using c10::IValue;
using testing::HasSubstr;

torch::jit::Module Define(const std::string& source) {
  torch::jit::Module module("m");
  module.register_parameter("weight", at::ones({2}), false);
  module.define(source);
  module.eval();
  return module;
}

TEST(DataNumbersTest, TellsDataFromStructure) {
  struct Case {
    const char* source;
    bool is_data;
  };
  const Case cases[] = {
      {"def forward(self, x, s: float):\n    return x * s\n", true},
      {"def forward(self, x, s: float):\n    x.add_(s)\n    return torch.addcmul(x, x, x, "
       "value=s)\n",
       true},
      {"def forward(self, x, s: int):\n    return x + s\n", true},
      {"def forward(self, x, s: float):\n    return x\n", true},
      {"def forward(self, x, s: float):\n    return x * (s + 1.0)\n", false},
      {"def forward(self, x, s: int):\n    return x.sum(s)\n", false},
      {"def forward(self, x, s: float):\n    return x * s if s > 0.0 else x\n", false},
      {"def forward(self, x, s: float):\n    return torch.full([2], s) + x\n", false},
      {"def forward(self, x, s: float):\n    for i in range(3):\n        x = x * s\n    return x\n",
       false},
      {"def forward(self, x, s: bool):\n    return x * s\n", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(!DataNumbers::Of(Define(c.source)).empty(), c.is_data) << c.source;
  }
}

TEST(DataNumbersTest, MarkedSignaturesDoNotKnowTheValue) {
  const DataNumbers numbers = DataNumbers::Of(
      Define("def forward(self, x, n: int, s: float):\n    return x.narrow(0, 0, n) * s\n"));
  ir::Structure two, three;
  for (ir::Structure* arguments : {&two, &three}) {
    ir::Structure n, s;
    n.kind = ir::Structure::Kind::kInt;
    n.number = int64_t{1};
    s.kind = ir::Structure::Kind::kFloat;
    s.number = arguments == &two ? 2.0 : 3.0;
    *arguments = ir::Structure::Tuple({ir::Structure::Tensor(0), n, s});
    numbers.Mark(*arguments);
  }
  EXPECT_EQ(two, three);
  EXPECT_EQ(ir::ToString(two), "(T0, 1, float S0)");
}

TEST(DataNumbersTest, ARecordingBindsThemAsScalars) {
  const torch::jit::Module module =
      Define("def forward(self, x, s: float, n: int):\n    return (x * s).add(x, alpha=n) - s\n");
  const DataNumbers numbers = DataNumbers::Of(module);
  RecordOptions options;
  options.numbers = &numbers;
  const absl::StatusOr<ir::Recording> recording = Record(module, {at::ones({2}), 2.5, 3}, options);
  ASSERT_THAT(recording, IsOk());
  ASSERT_EQ(recording->scalars.size(), 2u);
  EXPECT_TRUE(recording->scalars[0].is_argument);
  EXPECT_EQ(recording->scalars[0].literal, ir::Scalar(2.5));
  EXPECT_EQ(recording->scalars[1].argument, 1u);
  EXPECT_EQ(recording->scalars[1].literal, ir::Scalar(int64_t{3}));
  EXPECT_THAT(ir::VerifyRecording(*recording), IsOk());
  ir::Recording after = *recording;
  EXPECT_THAT(passes::RunStandardPasses(after), IsOk()) << ir::PrintGraph(recording->graph);
}

TEST(DataNumbersTest, ANumberThatEndsInAConstantIsRefused) {
  const torch::jit::Module module =
      Define("def forward(self, x, s: float):\n    return x + self.weight * s\n");
  const DataNumbers numbers = DataNumbers::Of(module);
  RecordOptions options;
  options.numbers = &numbers;
  EXPECT_THAT(Record(module, {at::ones({2}), 2.5}, options),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("number argument 1")));
  EXPECT_THAT(Record(module, {at::ones({2}), 2.5}), IsOk());
}

}  // namespace
}  // namespace ingot::torchscript
