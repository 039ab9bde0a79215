#include "core/runtime/state.h"

#include <memory>
#include <string>
#include <vector>

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr ir::DType kF32 = ir::DType::kFloat32;

ir::Constant Contents(std::vector<float> values) {
  auto owner = std::make_shared<std::vector<float>>(std::move(values));
  const ir::TensorType type = {kF32, {static_cast<int64_t>(owner->size())}};
  return {ir::Sha256(owner->data(), owner->size() * sizeof(float)), type, owner->data(), owner};
}

struct Named {
  std::string name;
  std::vector<float> initial;
};

std::shared_ptr<const StateLayout> Layout(const std::vector<Named>& buffers,
                                          Program program = nullptr) {
  ir::Graph graph("g");
  std::vector<ir::Constant> initial;
  for (const Named& buffer : buffers) {
    initial.push_back(Contents(buffer.initial));
    ir::InputSpec input;
    input.role = ir::InputRole::kState;
    input.index = static_cast<uint32_t>(initial.size() - 1);
    input.name = buffer.name;
    graph.AddInput(input, initial.back().type);
  }
  return MakeStateLayout(graph, std::move(initial), std::move(program));
}

// Adds one to the first element of the layout's buffer `index`.
absl::Status Bump(State& state, const std::shared_ptr<const StateLayout>& layout, size_t index) {
  return state.Use(layout, [&](absl::Span<char* const> buffers) {
    ++*reinterpret_cast<float*>(buffers[index]);
    return absl::OkStatus();
  });
}

float First(const State::Buffer& buffer) {
  return *reinterpret_cast<const float*>(buffer.bytes.data());
}

TEST(StateTest, KeepsResetsExportsAndImports) {
  const auto layout = Layout({{"mean", {1, 2}}, {"count", {7}}});
  State state(layout);
  ASSERT_THAT(Bump(state, layout, 1), IsOk());
  std::vector<State::Buffer> exported = state.Export();
  ASSERT_EQ(exported.size(), 2u);
  EXPECT_EQ(exported[1].name, "count");
  EXPECT_EQ(First(exported[1]), 8);
  state.Reset();
  EXPECT_EQ(First(state.Export()[1]), 7);
  ASSERT_THAT(state.Import({exported[1]}), IsOk());
  EXPECT_EQ(First(state.Export()[1]), 8);
  EXPECT_EQ(First(state.Export()[0]), 1);
}

TEST(StateTest, ImportRefusesWhatDoesNotFitAndChangesNothing) {
  State state(Layout({{"mean", {1}}}));
  const State::Buffer good = {"mean", {kF32, {1}}, std::string(4, '\0')};
  State::Buffer unknown = good, longer = good;
  unknown.name = "variance";
  longer.bytes += "more";
  EXPECT_THAT(state.Import({good, unknown}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"variance\"")));
  EXPECT_THAT(state.Import({good, longer}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("8 bytes")));
  EXPECT_EQ(First(state.Export()[0]), 1);
}

TEST(StateTest, GraphsOfOneProgramShareBuffersByName) {
  const Program program = std::make_shared<int>(0);
  const auto small = Layout({{"count", {0}}}, program);
  const auto large = Layout({{"extra", {5}}, {"count", {0}}}, program);
  State state(small);
  ASSERT_THAT(Bump(state, small, 0), IsOk());
  ASSERT_THAT(Bump(state, large, 1), IsOk());
  ASSERT_THAT(Bump(state, large, 0), IsOk());
  ASSERT_THAT(Bump(state, small, 0), IsOk());
  const std::vector<State::Buffer> buffers = state.Export();
  ASSERT_EQ(buffers.size(), 2u);
  EXPECT_EQ(First(buffers[0]), 3);
  EXPECT_EQ(First(buffers[1]), 6);
}

TEST(StateTest, RefusesOtherProgramsAndOtherTypes) {
  const Program program = std::make_shared<int>(0);
  State state(Layout({{"h", {0}}}, program));
  EXPECT_THAT(Bump(state, Layout({{"h", {0}}}), 0),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("another program")));
  EXPECT_THAT(Bump(state, Layout({{"h", {0, 0}}}, program), 0),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("\"h\" is f32[1]")));
}

TEST(StateTest, NamesThatDoNotTellBuffersApartAreNumbered) {
  EXPECT_THAT(Layout({{"h", {0}}, {"", {0}}, {"h", {0}}})->names,
              ElementsAre("h", "state.1", "state.2"));
  EXPECT_THAT(Layout({{"", {0}}, {"", {0}}, {"state.1", {0}}, {"state.0", {0}}})->names,
              ElementsAre("state.0'", "state.1'", "state.1", "state.0"));
}

}  // namespace
}  // namespace ingot::runtime
