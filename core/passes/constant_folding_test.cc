#include "core/passes/constant_folding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "core/passes/testing.h"

namespace ingot::passes {
namespace {

using ::testing::ElementsAre;

template <typename T>
std::vector<T> Values(const ir::Constant& c) {
  const T* data = static_cast<const T*>(c.data);
  return std::vector<T>(data, data + c.type.NumElements());
}

// The constant that `node` over the constant %0 folds into; its data is null if it does not.
ir::Constant FoldView(const char* out, const char* node) {
  ir::Recording r =
      MakeRecording(absl::StrCat("%0 : f32[2,3] = constant 0 \"w\" sha256:$0 %1 : ", out, " = ",
                                 node, " result 0 = %1 returns T0"),
                    {Floats({2, 3}, {1, 2, 3, 4, 5, 6})});
  if (!Change(FoldConstants, r)) return {};
  EXPECT_EQ(Nodes(r), "");
  EXPECT_EQ(r.graph.inputs().back().name, "w");
  EXPECT_EQ(r.constants.back().digest,
            ir::Sha256(r.constants.back().data, r.constants.back().type.NumBytes()));
  return r.constants.back();
}

TEST(ConstantFoldingTest, FoldsViews) {
  EXPECT_THAT(Values<float>(FoldView("f32[6]", "aten::reshape(%0, [6])")),
              ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(Values<float>(FoldView("f32[3,2]", "aten::permute(%0, [1, 0])")),
              ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(Values<float>(FoldView("f32[2,2]", "aten::slice.Tensor(%0, 1, 0, 3, 2)")),
              ElementsAre(1, 3, 4, 6));
  EXPECT_THAT(Values<float>(FoldView("f32[2]", "aten::select.int(%0, 1, 1)")), ElementsAre(2, 5));
  EXPECT_THAT(Values<float>(FoldView("f32[0,3]", "aten::slice.Tensor(%0, 0, 1, 1, 1)")),
              ElementsAre());
}

TEST(ConstantFoldingTest, LeavesOthersAlone) {
  EXPECT_EQ(FoldView("f32[2,3]", "aten::relu(%0)").data, nullptr);
  EXPECT_EQ(FoldView("f32[4,2,3]", "aten::expand(%0, [4, 2, 3], false)").data, nullptr);
  EXPECT_EQ(FoldView("f64[2,3]", "aten::_to_copy(%0, f64, None, None, None, false, None)").data,
            nullptr);
  EXPECT_EQ(FoldView("f32[6]", "my::reshape(%0, [6])").data, nullptr);
}

ir::Constant FoldNumbers(ir::Constant a, ir::Constant b, absl::string_view node) {
  const std::string type = ir::ToString(a.type);
  ir::Recording r = MakeRecording(
      absl::StrCat("%0 : ", type, " = constant 0 sha256:$0 %1 : ", ir::ToString(b.type),
                   " = constant 1 sha256:$1 %2 : ", type, " = ", node, " result 0 = %2 returns T0"),
      {a, b});
  return Change(FoldConstants, r) ? r.constants.back() : ir::Constant();
}

TEST(ConstantFoldingTest, ComputesOnNumbers) {
  EXPECT_THAT(
      Values<float>(FoldNumbers(Floats({}, {0.1f}), Floats({}, {3}), "aten::mul.Tensor(%0, %1)")),
      ElementsAre(0.1f * 3.0f));
  EXPECT_THAT(
      Values<double>(FoldNumbers(Doubles({}, {1}), Doubles({}, {3}), "aten::div.Tensor(%0, %1)")),
      ElementsAre(1.0 / 3.0));
  EXPECT_THAT(Values<int64_t>(
                  FoldNumbers(Int64s({}, {2}), Int64s({}, {-5}), "aten::sub.Tensor(%0, %1, 1)")),
              ElementsAre(7));
  EXPECT_THAT(Values<int64_t>(FoldNumbers(Int64s({}, {std::numeric_limits<int64_t>::max()}),
                                          Int64s({}, {1}), "aten::add.Tensor(%0, %1, 1)")),
              ElementsAre(std::numeric_limits<int64_t>::min()));
}

TEST(ConstantFoldingTest, LeavesOtherArithmeticAlone) {
  EXPECT_EQ(FoldNumbers(Floats({}, {1}), Floats({}, {3}), "aten::add.Tensor(%0, %1, 2)").data,
            nullptr);
  EXPECT_EQ(FoldNumbers(Doubles({}, {1}), Floats({}, {3}), "aten::add.Tensor(%0, %1, 1)").data,
            nullptr);
  EXPECT_EQ(FoldNumbers(Floats({1}, {1}), Floats({1}, {3}), "aten::add.Tensor(%0, %1, 1)").data,
            nullptr);
  EXPECT_EQ(FoldNumbers(Floats({}, {1}), Floats({}, {3}), "aten::maximum(%0, %1)").data, nullptr);
}

TEST(ConstantFoldingTest, LeavesArgumentsAlone) {
  ir::Recording r = MakeRecording(
      "%0 : f32[2,3] = argument 0 %1 : f32[6] = aten::reshape(%0, [6]) result 0 = %1 returns T0");
  EXPECT_FALSE(Change(FoldConstants, r));
}

}  // namespace
}  // namespace ingot::passes
