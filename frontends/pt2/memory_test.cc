#include "frontends/pt2/memory.h"

#include <cstring>
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

constexpr ir::DType kF32 = ir::DType::kFloat32;
const ir::TensorType kMatrix{kF32, {4, 6}};

class MemoryTest : public testing::Test {
 protected:
  ValueId NewValue(ir::TensorType type) {
    ir::InputSpec spec;
    spec.index = static_cast<uint32_t>(graph_.inputs().size());
    return graph_.AddInput(spec, std::move(type));
  }
  TensorId AddInput() { return memory_.AddValue(Layout::RowMajor(kMatrix), NewValue(kMatrix)); }
  TensorId AddView(TensorId base, const std::string& op, std::vector<ir::Argument> args,
                   ir::TensorType type) {
    args.insert(args.begin(), ir::None{});
    auto views = functional::ViewsOf(op, args, memory_.layout(base), {type});
    EXPECT_TRUE(views.has_value());
    return memory_.AddView(base, std::move((*views)[0]));
  }
  TensorId AddRow(TensorId base, int64_t index) {
    return AddView(base, "aten::select.int", {int64_t{0}, index}, {kF32, {6}});
  }
  TensorId AddRepeatedRow(TensorId base) {
    const TensorId row = AddView(base, "aten::slice.Tensor",
                                 {int64_t{0}, int64_t{0}, int64_t{1}, int64_t{1}}, {kF32, {1, 6}});
    return AddView(row, "aten::expand", {std::vector<int64_t>{5, 6}, false}, {kF32, {5, 6}});
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

TEST_F(MemoryTest, AWriteThroughOneTensorIsSeenThroughAllOfItsMemory) {
  const TensorId x = AddInput(), other = AddInput();
  const TensorId row = AddRow(x, 2), alias = memory_.AddAlias(row);
  EXPECT_TRUE(memory_.SharesMemory(x, alias));
  EXPECT_FALSE(memory_.SharesMemory(x, other));
  EXPECT_EQ(memory_.MemoryElements(row), 24);
  const ValueId value = NewValue({kF32, {6}});
  ASSERT_THAT(memory_.Write(row, value), IsOk());
  EXPECT_TRUE(memory_.WasWritten(x));
  EXPECT_FALSE(memory_.WasWritten(other));
  EXPECT_THAT(memory_.Read(alias), IsOkAndHolds(value));
  EXPECT_THAT(Ops(), ElementsAre("aten::select_scatter"));
}

TEST_F(MemoryTest, ElementsThatShareAPlaceAreWrittenByFillsOnly) {
  const TensorId rows = AddRepeatedRow(AddInput());
  EXPECT_THAT(memory_.Write(rows, NewValue({kF32, {5, 6}})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("share places")));
  EXPECT_FALSE(memory_.WasWritten(rows));
  EXPECT_THAT(memory_.Write(rows, NewValue({kF32, {5, 6}}), /*fills=*/true), IsOk());
}

TEST_F(MemoryTest, APartOfElementsThatShareAPlaceIsWritten) {
  const TensorId x = AddInput();
  const TensorId row = AddRow(AddRepeatedRow(x), 3);
  ASSERT_THAT(memory_.Write(row, NewValue({kF32, {6}})), IsOk());
  EXPECT_THAT(memory_.Read(x), IsOk());
}

TEST_F(MemoryTest, FrozenMemoryIsNotWritten) {
  const TensorId x = AddInput();
  memory_.Freeze(x);
  EXPECT_THAT(memory_.Write(x, NewValue(kMatrix)), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST_F(MemoryTest, AConstantsViewsAreBytes) {
  char* bytes = nullptr;
  HostConstant constant = *NewConstant(kMatrix, &bytes);
  for (int i = 0; i < 24; ++i) reinterpret_cast<float*>(bytes)[i] = static_cast<float>(i);
  const TensorId x = memory_.AddConstant(std::move(constant));
  const TensorId row = AddRow(x, 1);
  const TensorId column = AddView(x, "aten::select.int", {int64_t{1}, int64_t{5}}, {kF32, {4}});
  EXPECT_EQ(memory_.Contents(row)->data, bytes + 6 * sizeof(float));  // in place
  float copy[4];
  std::memcpy(copy, memory_.Contents(column)->data, sizeof(copy));
  EXPECT_THAT(copy, ElementsAre(5, 11, 17, 23));
}

TEST_F(MemoryTest, AConstantThatIsWrittenBecomesAValue) {
  char* bytes = nullptr;
  const TensorId zeros = memory_.AddConstant(*NewConstant(kMatrix, &bytes));
  EXPECT_TRUE(memory_.IsConstant(zeros));
  ASSERT_THAT(memory_.Write(AddRow(zeros, 0), NewValue({kF32, {6}})), IsOk());
  EXPECT_FALSE(memory_.IsConstant(zeros));
  EXPECT_THAT(Ops(), ElementsAre("aten::select_scatter"));
}

}  // namespace
}  // namespace ingot::pt2
