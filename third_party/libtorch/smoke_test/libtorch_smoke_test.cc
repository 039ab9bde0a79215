#include <gtest/gtest.h>
#include <torch/script.h>
#include <torch/version.h>

namespace {

TEST(LibtorchSmokeTest, HeadersMatchThePinnedVersion) { EXPECT_STREQ(TORCH_VERSION, "2.13.0"); }

TEST(LibtorchSmokeTest, LinkedLibraryMultiplies) {
  const at::Tensor product = at::ones({2, 3}).matmul(at::full({3, 2}, 2.0));
  EXPECT_TRUE(at::equal(product, at::full({2, 2}, 6.0)));
}

}  // namespace
