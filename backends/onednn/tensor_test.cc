#include "backends/onednn/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "backends/onednn/layout.h"

namespace ingot::onednn {
namespace {

using testing::ElementsAre;
using testing::Optional;

Tensor Dense(ir::Dims dims) {
  Tensor tensor;
  tensor.strides = ir::ContiguousStrides(dims);
  tensor.dims = std::move(dims);
  return tensor;
}

TEST(ViewStridesTest, SplitsAndMergesContiguousDimensions) {
  EXPECT_THAT(ViewStrides({2, 12}, {12, 1}, {2, 3, 4}), Optional(ElementsAre(12, 4, 1)));
  EXPECT_THAT(ViewStrides({2, 3, 4}, {12, 4, 1}, {6, 4}), Optional(ElementsAre(4, 1)));
  EXPECT_THAT(ViewStrides({2, 3, 4}, {12, 4, 1}, {24}), Optional(ElementsAre(1)));
}

TEST(ViewStridesTest, KeepsStridesOfSlices) {
  // Rows of a [4, 10] tensor cut to 6 columns.
  EXPECT_THAT(ViewStrides({4, 6}, {10, 1}, {4, 2, 3}), Optional(ElementsAre(10, 3, 1)));
  EXPECT_THAT(ViewStrides({4, 6}, {10, 1}, {2, 2, 6}), Optional(ElementsAre(20, 10, 1)));
}

TEST(ViewStridesTest, RefusesWhatNeedsACopy) {
  EXPECT_EQ(ViewStrides({4, 6}, {10, 1}, {24}), std::nullopt);
  EXPECT_EQ(ViewStrides({3, 2}, {1, 3}, {6}), std::nullopt);
}

TEST(ViewStridesTest, IgnoresTheStridesOfOnes) {
  EXPECT_THAT(ViewStrides({2, 1, 3}, {3, 77, 1}, {6}), Optional(ElementsAre(1)));
  EXPECT_THAT(ViewStrides({2, 8, 1, 1}, {8, 1, 8, 8}, {2, 8}), Optional(ElementsAre(8, 1)));
  EXPECT_TRUE(ViewStrides({1, 1}, {5, 5}, {}).has_value());
  EXPECT_TRUE(ViewStrides({}, {}, {1, 1}).has_value());
}

TEST(BroadcastToTest, RepeatsByStrideZero) {
  const Tensor wide = BroadcastTo(Dense({3, 1}), {2, 3, 4});
  EXPECT_THAT(wide.dims, ElementsAre(2, 3, 4));
  EXPECT_THAT(wide.strides, ElementsAre(0, 1, 0));
}

TEST(DenseOrderTest, FindsTheOrderOfADensePermutation) {
  Tensor nhwc = Dense({2, 3, 4, 5});
  nhwc.strides = {60, 1, 15, 3};
  EXPECT_THAT(DenseOrder(nhwc), Optional(ElementsAre(0, 2, 3, 1)));
  EXPECT_TRUE(IsChannelsLast(nhwc));
  EXPECT_FALSE(IsChannelsLast(Dense({2, 3, 4, 5})));
  nhwc.strides[0] = 61;
  EXPECT_EQ(DenseOrder(nhwc), std::nullopt);
}

TEST(HasLayoutTest, ComparesOnlyStridesThatMatter) {
  Tensor tensor = Dense({1, 3, 4, 5});
  tensor.strides[0] = 7;
  EXPECT_TRUE(HasLayout(tensor, MemoryDesc::RowMajor(tensor.dtype, tensor.dims)));
  EXPECT_FALSE(HasLayout(tensor, MemoryDesc::Tagged(tensor.dtype, tensor.dims, dnnl_nhwc)));
}

TEST(LayoutTextTest, NamesWhatIsNotRowMajor) {
  Tensor tensor = Dense({2, 3, 4, 5});
  EXPECT_EQ(LayoutText(tensor), "");
  tensor.strides = {60, 1, 15, 3};
  EXPECT_EQ(LayoutText(tensor), "channels_last");
  tensor.strides = {60, 20, 1, 4};
  EXPECT_EQ(LayoutText(tensor), "strides[60,20,1,4]");
  tensor.opaque = MemoryDesc::Tagged(tensor.dtype, {2, 16, 4, 5}, dnnl_nChw16c);
  EXPECT_EQ(LayoutText(tensor), "blocks[16@1]");
}

TEST(TensorTest, TellsWhetherElementsMayShareTheirPlace) {
  struct Case {
    ir::Dims dims, strides;
    bool may_overlap;
  };
  const Case cases[] = {
      {{2, 3}, {3, 1}, false},
      {{2, 3}, {1, 2}, false},
      {{2, 3}, {8, 2}, false},
      {{2, 3}, {0, 1}, true},  // expand
      {{1, 3}, {0, 1}, false},
      {{2, 4}, {1, 1}, true},  // unfold with step 1
      {{1, 4, 2, 4}, {20, 5, 1, 1}, true},
      {{1, 3, 2}, {18, 6, 4}, true},  // diagonal: 0 4 6 10 12 16
      {{}, {}, false},
  };
  for (const Case& c : cases) {
    Tensor tensor;
    tensor.dims = c.dims;
    tensor.strides = c.strides;
    EXPECT_EQ(tensor.MayOverlap(), c.may_overlap) << testing::PrintToString(c.strides);
  }
}

}  // namespace
}  // namespace ingot::onednn
