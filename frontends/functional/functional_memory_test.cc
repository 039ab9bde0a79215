#include "frontends/functional/functional_memory.h"

#include <string>
#include <utility>
#include <vector>

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::functional {
namespace {

using ir::ValueId;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr ir::DType kF32 = ir::DType::kFloat32;
constexpr StorageKey kX = 7;
const Layout kMatrix = Layout::RowMajor({kF32, {4, 6}});
const Layout kDiagonal{{kF32, {4}}, {7}, 0};

class FunctionalMemoryTest : public testing::Test {
 protected:
  ValueId NewValue(ir::TensorType type) {
    ir::InputSpec spec;
    spec.index = static_cast<uint32_t>(graph_.inputs().size());
    return graph_.AddInput(spec, std::move(type));
  }
  Layout View(const Layout& base, const std::string& op, std::vector<ir::Argument> args,
              ir::Dims sizes) {
    args.insert(args.begin(), ir::None{});
    auto views = ViewsOf(op, args, base, {{kF32, std::move(sizes)}});
    EXPECT_TRUE(views.has_value());
    memory_.DefineView(kX, base, (*views)[0].layout, (*views)[0].step);
    return (*views)[0].layout;
  }
  Layout Row(const Layout& base, int64_t index) {
    return View(base, "aten::select.int", {int64_t{0}, index}, {base.type.dims[1]});
  }
  absl::Status Write(const Layout& layout) {
    return memory_.Write(kX, layout, NewValue(layout.type));
  }
  std::vector<std::string> Ops() const {
    std::vector<std::string> ops;
    for (const ir::Node& node : graph_.nodes()) ops.push_back(node.op);
    return ops;
  }

  ir::Graph graph_;
  std::vector<int64_t> index_;    // the last one added
  std::vector<Layout> contents_;  // all that were asked for
  const ConstantSource constants_ = {
      [this](const std::vector<int64_t>& index) {
        index_ = index;
        return NewValue({ir::DType::kInt64, {static_cast<int64_t>(index.size())}});
      },
      [this](StorageKey, const Layout& layout) {
        contents_.push_back(layout);
        return NewValue(layout.type);
      }};
  FunctionalMemory memory_{&graph_, constants_, 1000};
};

TEST_F(FunctionalMemoryTest, AReadThroughAViewEmitsItOnce) {
  memory_.DefineValue(kX, kMatrix, NewValue(kMatrix.type));
  const Layout row = Row(kMatrix, 2);
  ASSERT_THAT(memory_.Read(kX, row), IsOk());
  ASSERT_THAT(memory_.Read(kX, row), IsOk());
  EXPECT_THAT(Ops(), ElementsAre("aten::select.int"));
}

TEST_F(FunctionalMemoryTest, AWriteThroughAChainOfViewsReachesTheRoot) {
  memory_.DefineValue(kX, kMatrix, NewValue(kMatrix.type));
  const Layout turned = View(kMatrix, "aten::transpose.int", {int64_t{0}, int64_t{1}}, {6, 4});
  const Layout row = Row(turned, 2);
  const ValueId before = *memory_.Read(kX, kMatrix);
  ASSERT_THAT(Write(row), IsOk());
  EXPECT_THAT(Ops(),
              ElementsAre("aten::transpose.int", "aten::select_scatter", "aten::transpose.int"));
  EXPECT_NE(*memory_.Read(kX, kMatrix), before);
  ASSERT_THAT(memory_.Read(kX, turned), IsOk());
  EXPECT_EQ(Ops().size(), 3u);  // known from the write
}

TEST_F(FunctionalMemoryTest, AWriteMakesOtherViewsStale) {
  memory_.DefineValue(kX, kMatrix, NewValue(kMatrix.type));
  const Layout first = Row(kMatrix, 0), second = Row(kMatrix, 1);
  const ValueId before = *memory_.Read(kX, second);
  ASSERT_THAT(Write(first), IsOk());
  EXPECT_NE(*memory_.Read(kX, second), before);
  EXPECT_THAT(Ops(), ElementsAre("aten::select.int", "aten::select_scatter", "aten::select.int"));
}

TEST_F(FunctionalMemoryTest, AViewWithoutAnInverseIsWrittenByPositions) {
  memory_.DefineValue(kX, kMatrix, NewValue(kMatrix.type));
  View(kMatrix, "aten::diagonal", {int64_t{0}, int64_t{0}, int64_t{1}}, {4});
  ASSERT_THAT(Write(kDiagonal), IsOk());
  EXPECT_THAT(Ops(), ElementsAre("aten::view", "aten::view", "aten::cat", "aten::index_select",
                                 "aten::view"));
  EXPECT_THAT(std::vector<int64_t>(index_.begin(), index_.begin() + 9),
              ElementsAre(24, 1, 2, 3, 4, 5, 6, 25, 8));
}

TEST_F(FunctionalMemoryTest, AViewThatNoOpMakesIsReadByPositions) {
  memory_.DefineValue(kX, kMatrix, NewValue(kMatrix.type));
  // Diagonals of neighbours, which overlap.
  const Layout windows{{kF32, {3, 5}}, {7, 1}, 1};
  ASSERT_THAT(memory_.Read(kX, windows), IsOk());
  EXPECT_THAT(Ops(), ElementsAre("aten::view", "aten::index_select", "aten::view"));
  ASSERT_THAT(memory_.Read(kX, Row(windows, 2)), IsOk());
  EXPECT_EQ(Ops().back(), "aten::select.int");
  const Layout beyond{{kF32, {4, 5}}, {7, 1}, 1};
  EXPECT_THAT(memory_.Read(kX, beyond), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST_F(FunctionalMemoryTest, AWriteIntoAPartOfOverlappingWindowsReachesTheirNeighbours) {
  memory_.DefineValue(kX, kMatrix, NewValue(kMatrix.type));
  const Layout windows{{kF32, {3, 4}}, {2, 1}, 0};
  memory_.DefineView(kX, kMatrix, windows, {});
  ASSERT_THAT(Write(Row(windows, 1)), IsOk());
  EXPECT_THAT(std::vector<int64_t>(index_.begin(), index_.begin() + 8),
              ElementsAre(0, 1, 24, 25, 26, 27, 6, 7));
  // The windows are read anew.
  const size_t nodes = Ops().size();
  ASSERT_THAT(memory_.Read(kX, windows), IsOk());
  EXPECT_GT(Ops().size(), nodes);
}

TEST_F(FunctionalMemoryTest, AllElementsOfAPlaceFollowAWrite) {
  const Layout rows{{kF32, {2, 3}}, {0, 1}, 0};
  memory_.DefineValue(kX, rows, NewValue(rows.type));
  ASSERT_THAT(Write({{kF32, {}}, {}, 1}), IsOk());
  EXPECT_THAT(index_, ElementsAre(0, 6, 2, 3, 6, 5));
}

TEST_F(FunctionalMemoryTest, PositionsOfLargeTensorsAreRefused) {
  const Layout large = Layout::RowMajor({kF32, {1001}});
  memory_.DefineValue(kX, large, NewValue(large.type));
  EXPECT_THAT(memory_.Read(kX, {{kF32, {3}}, {4}, 0}),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("large")));
  EXPECT_THAT(Write({{kF32, {3}}, {4}, 0}), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST_F(FunctionalMemoryTest, AConstantIsStoredAsItIsUsed) {
  memory_.DefineConstant(kX, kMatrix, /*is_weight=*/false);
  EXPECT_FALSE(memory_.DependsOnInput(kX));
  const Layout turned = View(kMatrix, "aten::t", {}, {6, 4});
  ASSERT_THAT(memory_.Read(kX, turned), IsOk());
  ASSERT_THAT(memory_.Read(kX, turned), IsOk());
  EXPECT_THAT(contents_, ElementsAre(turned));
  EXPECT_THAT(Ops(), IsEmpty());
}

TEST_F(FunctionalMemoryTest, AViewOfALargeWeightIsANodeOnIt) {
  const Layout weight = Layout::RowMajor({kF32, {20, 10}});
  memory_.DefineConstant(kX, weight, /*is_weight=*/true);
  ASSERT_THAT(memory_.Read(kX, View(weight, "aten::t", {}, {10, 20})), IsOk());
  EXPECT_THAT(Ops(), ElementsAre("aten::t"));
  const Layout row = Row(weight, 3);
  ASSERT_THAT(memory_.Read(kX, row), IsOk());
  EXPECT_THAT(contents_, ElementsAre(weight, row));  // a small part is stored
}

TEST_F(FunctionalMemoryTest, AnotherVersionOfAConstantIsReadAnew) {
  memory_.DefineConstant(kX, kMatrix, /*is_weight=*/false);
  const ValueId first = *memory_.Read(kX, kMatrix);
  memory_.SetConstantVersion(kX, 2);
  EXPECT_NE(*memory_.Read(kX, kMatrix), first);
}

TEST_F(FunctionalMemoryTest, AConstantThatIsWrittenBecomesAValue) {
  memory_.DefineConstant(kX, kMatrix, /*is_weight=*/false);
  memory_.SetConstantVersion(kX, 5);
  const Layout first = Row(kMatrix, 0), second = Row(kMatrix, 1);
  ASSERT_THAT(memory_.Read(kX, second), IsOk());
  ASSERT_THAT(Write(first), IsOk());
  EXPECT_TRUE(memory_.DependsOnInput(kX));
  EXPECT_THAT(contents_, ElementsAre(second, kMatrix));
  ASSERT_THAT(memory_.Read(kX, second), IsOk());
  EXPECT_THAT(Ops(), ElementsAre("aten::select_scatter", "aten::select.int"));
}

TEST_F(FunctionalMemoryTest, AWriteOfTheWholeLeavesNothingOfAConstant) {
  memory_.DefineConstant(kX, kMatrix, /*is_weight=*/false);
  const ValueId value = NewValue(kMatrix.type);
  ASSERT_THAT(memory_.Write(kX, kMatrix, value), IsOk());
  EXPECT_THAT(memory_.Read(kX, kMatrix), IsOkAndHolds(value));
  EXPECT_THAT(contents_, IsEmpty());
}

TEST_F(FunctionalMemoryTest, AnOverlapHasAValueOfItsOwnUntilTheMemoryIsWritten) {
  memory_.DefineValue(kX, kMatrix, NewValue(kMatrix.type));
  const ValueId value = NewValue(kDiagonal.type);
  memory_.DefineOverlap(kX, kDiagonal, value);
  EXPECT_THAT(memory_.Read(kX, kDiagonal), IsOkAndHolds(value));
  ASSERT_THAT(Write(kMatrix), IsOk());
  EXPECT_NE(*memory_.Read(kX, kDiagonal), value);
}

TEST_F(FunctionalMemoryTest, DTypesThatGraphsLackAreRefused) {
  memory_.DefineValue(kX, kMatrix, NewValue(kMatrix.type));
  Layout foreign = kMatrix;
  foreign.foreign_dtype = 1;
  memory_.DefineView(kX, kMatrix, foreign, {"aten::view.dtype", {ir::None{}}});
  EXPECT_THAT(memory_.Read(kX, foreign), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST_F(FunctionalMemoryTest, NodesNameTheirSource) {
  memory_.DefineValue(kX, kMatrix, NewValue(kMatrix.type));
  memory_.set_source("view.py:1");
  const Layout row = Row(kMatrix, 2);
  memory_.set_source("write.py:2");
  ASSERT_THAT(memory_.Read(kX, row), IsOk());
  ASSERT_THAT(Write(row), IsOk());
  EXPECT_EQ(graph_.nodes()[0].source, "view.py:1");
  EXPECT_EQ(graph_.nodes()[1].source, "write.py:2");
}

}  // namespace
}  // namespace ingot::functional
