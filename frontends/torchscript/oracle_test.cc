#include "frontends/torchscript/oracle.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/status_matchers.h"

namespace ingot::torchscript {
namespace {

torch::jit::Module Script(const char* body) {
  torch::jit::Module module("m");
  module.define(body);
  return module;
}

at::Tensor Only(absl::StatusOr<OracleResults> results) {
  EXPECT_THAT(results, IsOk());
  return results.ok() ? results->results[0] : at::Tensor();
}

TEST(OracleTest, EagerAnswersInTheModulesOwnTypes) {
  absl::StatusOr<Oracle> oracle =
      Oracle::Create(Script("def forward(self, x):\n  return x / 3\n"), OracleMode::kEager);
  ASSERT_THAT(oracle, IsOk());
  const at::Tensor x = at::arange(4, at::kFloat);
  EXPECT_TRUE(at::equal(Only(oracle->Run({x}, -1)), x / 3));
}

TEST(OracleTest, Float64WidensArgumentsLiteralsCastsAndPromotions) {
  absl::StatusOr<Oracle> oracle =
      Oracle::Create(Script("def forward(self, x, n):\n"
                            "  # 6: float32\n"
                            "  return x / 3 + n / 7 + n.to(6) / 11 + torch.tensor([0.1])\n"),
                     OracleMode::kFloat64);
  ASSERT_THAT(oracle, IsOk());
  const at::Tensor x = at::arange(4, at::kFloat), n = at::arange(4, at::kByte);
  const at::Tensor wide = n.to(at::kDouble);
  const at::Tensor result = Only(oracle->Run({x, n}, -1));
  ASSERT_EQ(result.scalar_type(), at::kDouble);
  EXPECT_TRUE(at::allclose(result, x.to(at::kDouble) / 3 + wide / 7 + wide / 11 + 0.1, 1e-15));
  // Only while it runs.
  EXPECT_EQ((n / 7).scalar_type(), at::kFloat);
}

TEST(OracleTest, StateAndSeedsAreItsOwn) {
  torch::jit::Module module = Script("def forward(self, x):\n  return torch.rand_like(x)\n");
  absl::StatusOr<Oracle> oracle = Oracle::Create(module, OracleMode::kEager);
  ASSERT_THAT(oracle, IsOk());
  const at::Tensor x = at::zeros({3});
  const at::Tensor first = Only(oracle->Run({x}, 7));
  EXPECT_TRUE(at::equal(Only(oracle->Run({x}, 7)), first));
  EXPECT_FALSE(at::equal(Only(oracle->Run({x}, 8)), first));
}

TEST(OracleTest, LibTorchsRefusalIsAStatus) {
  absl::StatusOr<Oracle> oracle =
      Oracle::Create(Script("def forward(self, x):\n  return x.view(7)\n"), OracleMode::kEager);
  ASSERT_THAT(oracle, IsOk());
  EXPECT_THAT(oracle->Run({at::zeros({3})}, -1),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       testing::HasSubstr("invalid for input of size 3")));
}

}  // namespace
}  // namespace ingot::torchscript
