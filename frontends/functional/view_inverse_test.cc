#include "frontends/functional/view_inverse.h"

#include "gtest/gtest.h"

namespace ingot::functional {
namespace {

using Args = std::vector<ir::Argument>;
using Ints = std::vector<int64_t>;

const ir::TensorType kCube{ir::DType::kFloat32, {2, 3, 4}};

void ExpectInverse(const ViewStep& step, const std::string& op, const Args& args,
                   bool keeps_rest = false) {
  const std::optional<InverseStep> inverse = Inverse(step, kCube);
  ASSERT_TRUE(inverse.has_value()) << step.op;
  EXPECT_EQ(inverse->op, op);
  EXPECT_EQ(inverse->args, args);
  EXPECT_EQ(inverse->keeps_rest, keeps_rest);
}

TEST(ViewInverseTest, OtherSizesComeBackByTheOperandsSizes) {
  ExpectInverse({"aten::view", {ir::None{}, Ints{6, 4}}}, "aten::view",
                {ir::None{}, Ints{2, 3, 4}});
  ExpectInverse({"aten::unsqueeze", {ir::None{}, int64_t{0}}}, "aten::view",
                {ir::None{}, Ints{2, 3, 4}});
}

TEST(ViewInverseTest, PermutationsAreTurnedBack) {
  const Args transpose = {ir::None{}, int64_t{0}, int64_t{2}};
  ExpectInverse({"aten::transpose.int", transpose}, "aten::transpose.int", transpose);
  ExpectInverse({"aten::permute", {ir::None{}, Ints{-1, 0, 1}}}, "aten::permute",
                {ir::None{}, Ints{1, 2, 0}});
}

TEST(ViewInverseTest, PartsAreScatteredIntoTheRest) {
  ExpectInverse({"aten::select.int", {ir::None{}, int64_t{1}, int64_t{2}}}, "aten::select_scatter",
                {ir::None{}, ir::None{}, int64_t{1}, int64_t{2}}, true);
  ExpectInverse(
      {"aten::slice.Tensor", {ir::None{}, int64_t{1}, int64_t{0}, int64_t{3}, int64_t{2}}},
      "aten::slice_scatter",
      {ir::None{}, ir::None{}, int64_t{1}, int64_t{0}, int64_t{3}, int64_t{2}}, true);
}

TEST(ViewInverseTest, OthersHaveNone) {
  EXPECT_FALSE(Inverse({"aten::diagonal", {ir::None{}}}, kCube).has_value());
  EXPECT_FALSE(Inverse(ViewStep(), kCube).has_value());
}

}  // namespace
}  // namespace ingot::functional
