#include "frontends/functional/views.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::functional {
namespace {

using Args = std::vector<ir::Argument>;
using Ints = std::vector<int64_t>;

constexpr ir::DType kF32 = ir::DType::kFloat32;
const Layout kMatrix = Layout::RowMajor({kF32, {4, 6}});

std::vector<View> Views(const std::string& op, Args args, const Layout& base,
                        const std::vector<ir::Dims>& sizes) {
  args.insert(args.begin(), ir::None{});
  std::vector<ir::TensorType> types;
  for (const ir::Dims& dims : sizes) types.push_back({base.type.dtype, dims});
  std::optional<std::vector<View>> views = ViewsOf(op, args, base, types);
  return views ? *std::move(views) : std::vector<View>();
}

void ExpectView(const View& view, const Layout& layout, const std::string& op, const Args& args) {
  EXPECT_EQ(view.layout, layout);
  EXPECT_EQ(view.step.op, op);
  Args rest(view.step.args.begin() + 1, view.step.args.end());
  EXPECT_EQ(rest, args);
}

TEST(ViewsTest, ReshapesAreViewsWhereStridesAllowIt) {
  const Layout turned = {{kF32, {6, 4}}, {1, 6}, 0};
  const auto reshape = [&](const Layout& base, ir::Dims sizes) {
    return Views("aten::reshape", {Ints(sizes.begin(), sizes.end())}, base, {sizes});
  };
  EXPECT_EQ(reshape(kMatrix, {2, 12})[0].layout.strides, (ir::Dims{12, 1}));
  EXPECT_EQ(reshape(turned, {2, 3, 4})[0].layout.strides, (ir::Dims{3, 1, 6}));
  EXPECT_EQ(reshape(turned, {6, 1, 4})[0].layout.strides[2], 6);
  EXPECT_TRUE(reshape(turned, {24}).empty());
  EXPECT_FALSE(reshape(Layout::RowMajor({kF32, {}}), {1, 1}).empty());
}

TEST(ViewsTest, SlicesAndSelectionsMoveTheOffset) {
  const Args slice = {int64_t{1}, int64_t{-5}, int64_t{5}, int64_t{2}};
  ExpectView(Views("aten::slice.Tensor", slice, kMatrix, {{4, 2}})[0], {{kF32, {4, 2}}, {6, 2}, 1},
             "aten::slice.Tensor", slice);
  ExpectView(Views("aten::select.int", {int64_t{-1}, int64_t{-2}}, kMatrix, {{4}})[0],
             {{kF32, {4}}, {6}, 4}, "aten::select.int", {int64_t{1}, int64_t{4}});
}

TEST(ViewsTest, PartsAreSlicesAndSelections) {
  const std::vector<View> parts =
      Views("aten::split.Tensor", {int64_t{4}, int64_t{-1}}, kMatrix, {{4, 4}, {4, 2}});
  ASSERT_EQ(parts.size(), 2u);
  ExpectView(parts[1], {{kF32, {4, 2}}, {6, 1}, 4}, "aten::slice.Tensor",
             {int64_t{1}, int64_t{4}, int64_t{6}, int64_t{1}});
  ExpectView(Views("aten::narrow", {int64_t{0}, int64_t{-3}, int64_t{2}}, kMatrix, {{2, 6}})[0],
             {{kF32, {2, 6}}, {6, 1}, 6}, "aten::slice.Tensor",
             {int64_t{0}, int64_t{1}, int64_t{3}, int64_t{1}});
  const std::vector<View> rows =
      Views("aten::unbind.int", {int64_t{0}}, kMatrix, {{6}, {6}, {6}, {6}});
  ExpectView(rows[3], {{kF32, {6}}, {1}, 18}, "aten::select.int", {int64_t{0}, int64_t{3}});
}

TEST(ViewsTest, PermutationsReorderStrides) {
  const Layout turned = {{kF32, {6, 4}}, {1, 6}, 0};
  EXPECT_EQ(Views("aten::t", {}, kMatrix, {{6, 4}})[0].layout, turned);
  EXPECT_EQ(Views("aten::transpose.int", {int64_t{0}, int64_t{-1}}, kMatrix, {{6, 4}})[0].layout,
            turned);
  ExpectView(Views("aten::movedim.int", {int64_t{0}, int64_t{-1}}, kMatrix, {{6, 4}})[0], turned,
             "aten::permute", {Ints{1, 0}});
}

TEST(ViewsTest, ExpansionsWindowsAndDiagonalsHaveStridesOfTheirOwn) {
  const Layout row = {{kF32, {1, 6}}, {6, 1}, 6};
  EXPECT_EQ(Views("aten::expand", {Ints{3, 5, 6}, false}, row, {{3, 5, 6}})[0].layout.strides,
            (ir::Dims{0, 0, 1}));
  EXPECT_EQ(
      Views("aten::unfold", {int64_t{1}, int64_t{3}, int64_t{2}}, kMatrix, {{4, 2, 3}})[0].layout,
      (Layout{{kF32, {4, 2, 3}}, {6, 2, 1}, 0}));
  EXPECT_EQ(Views("aten::diagonal", {int64_t{1}, int64_t{0}, int64_t{1}}, kMatrix, {{4}})[0].layout,
            (Layout{{kF32, {4}}, {7}, 1}));
}

TEST(ViewsTest, ElementsStayWhatTheyAre) {
  Layout conjugate = Layout::RowMajor({ir::DType::kComplex64, {4, 6}});
  conjugate.conjugate = true;
  EXPECT_TRUE(Views("aten::t", {}, conjugate, {{6, 4}})[0].layout.conjugate);
}

TEST(ViewsTest, OtherOpsTakeNoViews) {
  EXPECT_TRUE(Views("aten::relu", {}, kMatrix, {{4, 6}}).empty());
}

}  // namespace
}  // namespace ingot::functional
