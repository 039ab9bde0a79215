#include "frontends/pt2/memory.h"

#include <string>
#include <vector>

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::pt2 {
namespace {

using ir::ValueId;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ir::TensorType kMatrix{ir::DType::kFloat32, {4, 6}};

class MemoryTest : public testing::Test {
 protected:
  TensorId AddInput() {
    ir::InputSpec spec;
    spec.index = static_cast<uint32_t>(graph_.inputs().size());
    const ValueId value = graph_.AddInput(spec, kMatrix);
    return memory_.AddValue(Layout::RowMajor(kMatrix), value);
  }
  TensorId AddView(TensorId base, const std::string& op, std::vector<ir::Argument> args,
                   ir::TensorType type) {
    args.insert(args.begin(), ir::None{});
    auto views = ViewsOf(op, args, memory_.layout(base), {type});
    EXPECT_TRUE(views.has_value());
    return memory_.AddView(base, std::move((*views)[0]));
  }
  ValueId NewValue(ir::TensorType type) {
    ir::InputSpec spec;
    spec.index = static_cast<uint32_t>(graph_.inputs().size());
    return graph_.AddInput(spec, std::move(type));
  }
  std::vector<std::string> Ops() const {
    std::vector<std::string> ops;
    for (const ir::Node& node : graph_.nodes()) ops.push_back(node.op);
    return ops;
  }

  ir::Graph graph_;
  ConstantPool constants_{&graph_};
  Memory memory_{&graph_, &constants_};
};

TEST_F(MemoryTest, AReadThroughAViewEmitsItOnce) {
  const TensorId x = AddInput();
  const TensorId row =
      AddView(x, "aten::select.int", {int64_t{0}, int64_t{2}}, {ir::DType::kFloat32, {6}});
  ASSERT_THAT(memory_.Read(row), IsOk());
  ASSERT_THAT(memory_.Read(row), IsOk());
  EXPECT_THAT(Ops(), ElementsAre("aten::select.int"));
}

TEST_F(MemoryTest, AWriteThroughAChainOfViewsReachesTheRoot) {
  const TensorId x = AddInput();
  const TensorId turned =
      AddView(x, "aten::transpose.int", {int64_t{0}, int64_t{1}}, {ir::DType::kFloat32, {6, 4}});
  const TensorId row =
      AddView(turned, "aten::select.int", {int64_t{0}, int64_t{2}}, {ir::DType::kFloat32, {4}});
  const ValueId before = *memory_.Read(x);
  ASSERT_THAT(memory_.Write(row, NewValue({ir::DType::kFloat32, {4}})), IsOk());
  EXPECT_TRUE(memory_.WasWritten(x));
  EXPECT_THAT(Ops(),
              ElementsAre("aten::transpose.int", "aten::select_scatter", "aten::transpose.int"));
  EXPECT_NE(*memory_.Read(x), before);
  // Another view is stale, and is read anew from the new root.
  const size_t nodes = graph_.nodes().size();
  ASSERT_THAT(memory_.Read(turned), IsOk());
  EXPECT_EQ(graph_.nodes().size(), nodes);  // known from the write
}

TEST_F(MemoryTest, AViewWithoutAnInverseIsWrittenByPositions) {
  const TensorId x = AddInput();
  const TensorId diagonal = AddView(x, "aten::diagonal", {int64_t{0}, int64_t{0}, int64_t{1}},
                                    {ir::DType::kFloat32, {4}});
  ASSERT_THAT(memory_.Write(diagonal, NewValue({ir::DType::kFloat32, {4}})), IsOk());
  EXPECT_THAT(Ops(), ElementsAre("aten::view", "aten::view", "aten::cat", "aten::index_select",
                                 "aten::view"));
}

TEST_F(MemoryTest, AViewThatNoOpMakesIsReadByPositions) {
  const TensorId x = AddInput();
  // Diagonals of neighbours, which overlap.
  const TensorId windows = memory_.AddView(x, {{{ir::DType::kFloat32, {3, 5}}, {7, 1}, 1}, {}});
  ASSERT_THAT(memory_.Read(windows), IsOk());
  EXPECT_THAT(Ops(), ElementsAre("aten::view", "aten::index_select", "aten::view"));
  const TensorId row =
      AddView(windows, "aten::select.int", {int64_t{0}, int64_t{2}}, {ir::DType::kFloat32, {5}});
  ASSERT_THAT(memory_.Read(row), IsOk());
  EXPECT_EQ(Ops().back(), "aten::select.int");
  const TensorId beyond = memory_.AddView(x, {{{ir::DType::kFloat32, {4, 5}}, {7, 1}, 1}, {}});
  EXPECT_THAT(memory_.Read(beyond), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(MemoryTest, ElementsThatShareAPlaceAreNotWritten) {
  const TensorId x = AddInput();
  const TensorId row =
      AddView(x, "aten::slice.Tensor", {int64_t{0}, int64_t{0}, int64_t{1}, int64_t{1}},
              {ir::DType::kFloat32, {1, 6}});
  const TensorId rows = AddView(row, "aten::expand", {std::vector<int64_t>{5, 6}, false},
                                {ir::DType::kFloat32, {5, 6}});
  EXPECT_THAT(memory_.Write(rows, NewValue({ir::DType::kFloat32, {5, 6}})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("share places")));
}

TEST_F(MemoryTest, FrozenMemoryIsNotWritten) {
  const TensorId x = AddInput();
  memory_.Freeze(x);
  EXPECT_THAT(memory_.Write(x, NewValue(kMatrix)), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST_F(MemoryTest, AConstantThatIsWrittenBecomesAValue) {
  char* bytes = nullptr;
  const TensorId zeros = memory_.AddConstant(*NewConstant(kMatrix, &bytes));
  EXPECT_TRUE(memory_.IsConstant(zeros));
  const TensorId row =
      AddView(zeros, "aten::select.int", {int64_t{0}, int64_t{0}}, {ir::DType::kFloat32, {6}});
  ASSERT_THAT(memory_.Write(row, NewValue({ir::DType::kFloat32, {6}})), IsOk());
  EXPECT_FALSE(memory_.IsConstant(zeros));
  EXPECT_THAT(Ops(), ElementsAre("aten::select_scatter"));
}

TEST(ViewsTest, ReshapesAreViewsWhereStridesAllowIt) {
  Layout turned = Layout::RowMajor({ir::DType::kFloat32, {6, 4}});
  turned.strides = {1, 6};
  const auto reshape = [&](const Layout& base, ir::Dims sizes) {
    const std::vector<int64_t> list(sizes.begin(), sizes.end());
    return ViewsOf("aten::reshape", {ir::None{}, list}, base, {{ir::DType::kFloat32, sizes}});
  };
  EXPECT_EQ((*reshape(Layout::RowMajor(kMatrix), {2, 12}))[0].layout.strides, (ir::Dims{12, 1}));
  EXPECT_EQ((*reshape(turned, {2, 3, 4}))[0].layout.strides, (ir::Dims{3, 1, 6}));
  EXPECT_EQ((*reshape(turned, {6, 1, 4}))[0].layout.strides[2], 6);
  EXPECT_FALSE(reshape(turned, {24}).has_value());
  EXPECT_TRUE(reshape(Layout::RowMajor({ir::DType::kFloat32, {}}), {1, 1}).has_value());
}

}  // namespace
}  // namespace ingot::pt2
