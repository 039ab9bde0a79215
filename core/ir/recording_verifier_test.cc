#include "core/ir/recording_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/base/status_matchers.h"
#include "core/ir/builder.h"

namespace ingot::ir {
namespace {

using ::testing::HasSubstr;

const TensorType kType = {DType::kFloat32, {2, 3}};

Recording Good() {
  GraphBuilder b;
  const ValueId x = b.Argument(kType);
  const ValueId y = b.Argument(kType);
  const ValueId w = b.Constant(kType, Sha256("w"));
  const ValueId state = b.State(kType);
  const ValueId alpha = b.Scalar(DType::kFloat64);
  const ValueId other = b.Scalar(DType::kInt64);
  const ValueId sum = b.Op("aten::add.Tensor", {ValueRef{x}, ValueRef{w}, ValueRef{alpha}});
  b.StateUpdate(0, b.Op("aten::add.Tensor", {ValueRef{state}, ValueRef{y}, ValueRef{other}}));
  b.Result(sum);
  absl::StatusOr<Graph> graph = std::move(b).Build();
  EXPECT_THAT(graph, IsOk());
  Recording recording;
  recording.graph = *std::move(graph);
  recording.constants = {{Sha256("w"), kType, nullptr, nullptr}};
  recording.initial_state = {{Sha256("s"), kType, nullptr, nullptr}};
  recording.scalars = {{false, 0, 1.5}, {true, 0, int64_t{0}}};
  recording.signature.arguments = {{kType, {}}, {kType, {1, 2}}};
  recording.signature.aliases = {{0, 0}, {0, 4}};
  Structure number;
  number.kind = Structure::Kind::kInt;
  number.slot = 0;
  recording.signature.arguments_structure =
      Structure::Tuple({Structure::Tensor(0), number, Structure::Tensor(1)});
  return recording;
}

TEST(RecordingVerifierTest, AcceptsPartsThatFit) { EXPECT_THAT(VerifyRecording(Good()), IsOk()); }

struct Change {
  std::function<void(Recording&)> change;
  const char* message;
};

TEST(RecordingVerifierTest, NamesThePartThatDoesNotFit) {
  const Change cases[] = {
      {[](Recording& r) { r.graph.mutable_type(0).dims[0] = 5; }, "aten::add.Tensor"},
      {[](Recording& r) { r.constants.clear(); },
       "the graph has 1 constant inputs, the recording 0"},
      {[](Recording& r) { r.constants[0].type.dims[0] = 1; }, "constant 0: type f32[1,3]"},
      {[](Recording& r) { r.constants[0].digest = Sha256("v"); }, "constant 0: digest"},
      {[](Recording& r) { r.initial_state.push_back(r.initial_state[0]); }, "1 state inputs"},
      {[](Recording& r) { r.initial_state[0].type.dtype = DType::kFloat64; }, "state 0: type f64"},
      {[](Recording& r) { r.scalars.pop_back(); }, "2 scalar inputs"},
      {[](Recording& r) { r.scalars[0].literal = int64_t{1}; },
       "scalar 0 is bound to a number of type i64"},
      {[](Recording& r) { r.scalars[1].literal = 1.0; },
       "scalar 1 is bound to a number of type f64"},
      {[](Recording& r) { r.scalars[1].argument = 1; },
       "scalar 1 comes from number argument 1 of 1"},
      {[](Recording& r) { r.signature.arguments.pop_back(); }, "2 argument inputs"},
      {[](Recording& r) { r.signature.arguments[0].type.dims = {6}; }, "argument 0: type f32[6]"},
      {[](Recording& r) { r.signature.arguments[1].strides = {1}; }, "argument 1: 1 strides"},
      {[](Recording& r) {
         r.signature.arguments[1].strides = {1, -2};
       },
       "argument 1: stride -2 is negative"},
      {[](Recording& r) {
         r.signature.arguments[1].strides = {int64_t{1} << 62, int64_t{1} << 62};
       },
       "argument 1: strides that reach too far"},
      {[](Recording& r) {
         r.signature.aliases = {{0, 0}};
       },
       "1 aliases for 2"},
      {[](Recording& r) {
         r.signature.aliases = {{1, 0}, {1, 0}};
       },
       "argument 0: alias of 1"},
      {[](Recording& r) { r.signature.aliases[0].offset = 4; }, "argument 0: 4 bytes from itself"},
      {[](Recording& r) { r.signature.arguments_structure = Structure::Tensor(7); },
       "scalar 1 comes from"},
      {[](Recording& r) { r.signature.arguments_structure.children[0].slot = 7; },
       "names tensor slot 7 of 2"},
  };
  for (const Change& c : cases) {
    Recording recording = Good();
    c.change(recording);
    EXPECT_THAT(VerifyRecording(recording),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
}

// One result, a view of the argument f32[2,3] of these strides.
absl::Status VerifyView(Dims argument_strides, Dims dims, Dims strides, int64_t offset) {
  Recording recording;
  const ValueId x = recording.graph.AddInput({InputRole::kArgument, 0}, kType);
  std::vector<int64_t> sizes(dims.begin(), dims.end());
  const NodeId view = recording.graph.AddNode("mylib::view", {ValueRef{x}, std::move(sizes)},
                                              {{DType::kFloat32, std::move(dims)}});
  OutputSpec alias;
  alias.role = OutputRole::kAlias;
  alias.strides = std::move(strides);
  alias.offset = offset;
  recording.graph.AddOutput(alias, recording.graph.node(view).outputs[0]);
  recording.graph.set_result_structure(Structure::Tensor(0));
  recording.signature.arguments = {{kType, std::move(argument_strides)}};
  recording.signature.aliases = {{0, 0}};
  recording.signature.arguments_structure = Structure::Tuple({Structure::Tensor(0)});
  return VerifyRecording(recording);
}

TEST(RecordingVerifierTest, AViewOfAnArgumentStaysInsideOfIt) {
  EXPECT_THAT(VerifyView({}, {3, 2}, {1, 3}, 0), IsOk());
  EXPECT_THAT(VerifyView({}, {1 << 20}, {0}, 5), IsOk());
  EXPECT_THAT(VerifyView({}, {}, {}, 5), IsOk());
  EXPECT_THAT(VerifyView({}, {0, 4}, {1 << 20, 1}, 6), IsOk());
  EXPECT_THAT(VerifyView({8, 2}, {13}, {1}, 0), IsOk());  // the gaps are the argument's too
  const auto beyond =
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("reaches beyond the argument's"));
  EXPECT_THAT(VerifyView({}, {1 << 20}, {1}, 0), beyond);
  EXPECT_THAT(VerifyView({}, {3, 2}, {1, 3}, 1), beyond);
  EXPECT_THAT(VerifyView({}, {}, {}, 6), beyond);
  EXPECT_THAT(VerifyView({}, {0, 4}, {1, 1}, 7), beyond);
  EXPECT_THAT(VerifyView({8, 2}, {14}, {1}, 0), beyond);
  EXPECT_THAT(VerifyView({}, {4, 4}, {int64_t{1} << 62, int64_t{1} << 62}, 0), beyond);
}

}  // namespace
}  // namespace ingot::ir
