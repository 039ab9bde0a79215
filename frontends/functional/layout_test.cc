#include "frontends/functional/layout.h"

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::functional {
namespace {

using ::testing::ElementsAre;

Layout Of(ir::Dims sizes, ir::Dims strides, int64_t offset = 0) {
  return {{ir::DType::kFloat32, std::move(sizes)}, std::move(strides), offset};
}

const Layout kMatrix = Layout::RowMajor({ir::DType::kFloat32, {4, 6}});
const Layout kTurned = Of({6, 4}, {1, 6});
const Layout kColumn = Of({4}, {6}, 2);
const Layout kRepeated = Of({5, 6}, {0, 1});
const Layout kWindows = Of({4, 3}, {1, 1});
const Layout kEmpty = Of({3, 0}, {1, 1}, 7);
// Places 0 2 4 3 5 7: its strides don't nest, but no element meets another.
const Layout kInterleaved = Of({2, 3}, {3, 2});

TEST(LayoutTest, ExtentsReachFromFirstToLastElement) {
  EXPECT_EQ(kMatrix.Extent(), std::make_pair(int64_t{0}, int64_t{24}));
  EXPECT_EQ(kColumn.Extent(), std::make_pair(int64_t{2}, int64_t{21}));
  EXPECT_EQ(kRepeated.Extent(), std::make_pair(int64_t{0}, int64_t{6}));
  EXPECT_EQ(kEmpty.Extent(), std::make_pair(int64_t{7}, int64_t{7}));
}

TEST(LayoutTest, DenseIsAPermutationOfRowMajor) {
  EXPECT_TRUE(kMatrix.IsRowMajor());
  EXPECT_TRUE(kMatrix.IsDense());
  EXPECT_FALSE(kTurned.IsRowMajor());
  EXPECT_TRUE(kTurned.IsDense());
  EXPECT_FALSE(kColumn.IsDense());
  EXPECT_FALSE(kRepeated.IsDense());
  EXPECT_TRUE(kEmpty.IsDense());
  // Strides of sizes of 1 don't matter.
  EXPECT_TRUE(Of({2, 1, 3}, {3, 100, 1}).IsRowMajor());
}

TEST(LayoutTest, OverlapsItselfWhereElementsShareAPlace) {
  for (const Layout& layout : {kMatrix, kTurned, kColumn, kEmpty, kInterleaved})
    EXPECT_FALSE(layout.OverlapsItself());
  for (const Layout& layout : {kRepeated, kWindows, Of({3, 2}, {2, 4})})
    EXPECT_TRUE(layout.OverlapsItself());
  EXPECT_TRUE(kColumn.HasOwnPlaces());
  EXPECT_FALSE(kInterleaved.HasOwnPlaces());  // not surely
  EXPECT_FALSE(kWindows.HasOwnPlaces());
  // Found without looking at each element.
  EXPECT_TRUE(Of({int64_t{1} << 40}, {0}).OverlapsItself());
  EXPECT_TRUE(Of({1 << 20, 1 << 20}, {1, 1}).OverlapsItself());
}

TEST(LayoutTest, IntersectsWhereAnElementIsInBoth) {
  EXPECT_TRUE(kMatrix.Intersects(kColumn));
  EXPECT_FALSE(kColumn.Intersects(Of({4}, {6}, 3)));
  EXPECT_FALSE(kColumn.Intersects(Of({2}, {1}, 21)));
  Layout other = Of({4}, {6}, 3);
  other.type.dtype = ir::DType::kInt32;
  EXPECT_TRUE(kColumn.Intersects(other));  // for all that is known
}

TEST(LayoutTest, CoversWhatIsInsideOfADenseExtent) {
  EXPECT_TRUE(kMatrix.Covers(kColumn));
  EXPECT_TRUE(kTurned.Covers(kMatrix));
  EXPECT_FALSE(kColumn.Covers(Of({1}, {1}, 8)));  // not surely
  EXPECT_TRUE(kColumn.Covers(kColumn));
  EXPECT_FALSE(kMatrix.Covers(Of({2}, {20}, 5)));
  Layout conjugate = kColumn;
  conjugate.conjugate = true;
  EXPECT_FALSE(kMatrix.Covers(conjugate));
}

TEST(LayoutTest, PositionsAreInTheOrderOfElements) {
  EXPECT_THAT(kColumn.Positions(), ElementsAre(2, 8, 14, 20));
  EXPECT_THAT(Of({2, 3}, {1, 2}).Positions(), ElementsAre(0, 2, 4, 1, 3, 5));
  EXPECT_THAT(kEmpty.Positions(), ElementsAre());
  EXPECT_THAT(Of({}, {}, 3).Positions(), ElementsAre(3));
}

TEST(LayoutTest, NumbersCountTheRootsElements) {
  EXPECT_THAT(NumbersIn(kMatrix, kColumn), IsOkAndHolds(ElementsAre(2, 8, 14, 20)));
  EXPECT_THAT(NumbersIn(kTurned, Of({3}, {1}, 6)), IsOkAndHolds(ElementsAre(1, 5, 9)));
  EXPECT_THAT(NumbersIn(kColumn, Of({2}, {12}, 2)), IsOkAndHolds(ElementsAre(0, 2)));
  // Of elements that share a place the last one stands for all.
  EXPECT_THAT(NumbersIn(Of({2, 2}, {0, 1}), Of({2}, {1})), IsOkAndHolds(ElementsAre(2, 3)));
}

TEST(LayoutTest, NumbersOfWhatIsNoElementAreRefused) {
  EXPECT_THAT(NumbersIn(kColumn, Of({2}, {1}, 2)), StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(NumbersIn(kMatrix, Of({2}, {1}, 23)), StatusIs(absl::StatusCode::kUnimplemented));
  Layout other = kColumn;
  other.foreign_dtype = 1;
  EXPECT_THAT(NumbersIn(kMatrix, other), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(LayoutTest, ForeignDTypesHaveNoType) {
  EXPECT_EQ(TypeOf(kMatrix), kMatrix.type);
  Layout foreign = kMatrix;
  foreign.foreign_dtype = 1;
  EXPECT_EQ(TypeOf(foreign), std::nullopt);
  EXPECT_NE(foreign, kMatrix);
}

}  // namespace
}  // namespace ingot::functional
