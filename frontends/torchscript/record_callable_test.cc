// Recordings of C++ callables; record_test.cc has those of TorchScript modules.
#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/recording_verifier.h"
#include "core/ir/text.h"
#include "frontends/torchscript/record.h"
#include "frontends/torchscript/record_testing.h"
#include "frontends/torchscript/replay_testing.h"

namespace ingot::torchscript {
namespace {

using ::testing::HasSubstr;

struct CallableCase {
  std::string name;
  std::function<at::Tensor(std::vector<at::Tensor>)> body;
  std::vector<at::Tensor> args;
  std::string line;
};

class RecordCallablesTest : public testing::TestWithParam<CallableCase> {};

TEST_P(RecordCallablesTest, IsRecordedFaithfully) {
  const CallableCase& c = GetParam();
  const Callable callable = [&c](std::vector<c10::IValue> args) -> c10::IValue {
    std::vector<at::Tensor> tensors;
    for (const c10::IValue& arg : args) tensors.push_back(arg.toTensor());
    return c.body(tensors);
  };
  const absl::StatusOr<ir::Recording> recording = Record(callable, ToIValues(c.args));
  ASSERT_THAT(recording, IsOk());
  EXPECT_THAT(ir::PrintGraph(recording->graph), HasSubstr(c.line));
  ExpectFaithful(*recording, callable, c.args);
}

using Tensors = std::vector<at::Tensor>;
INSTANTIATE_TEST_SUITE_P(
    Callables, RecordCallablesTest,
    testing::Values(CallableCase{"Numbers",
                                 [](Tensors x) { return 2.5 * x[0] - 1; },
                                 {at::arange(6)},
                                 "aten::mul.Scalar(%0, 2.5)"},
                    CallableCase{"Remainder",
                                 [](Tensors x) { return at::remainder(x[0], 4); },
                                 {at::arange(6)},
                                 "aten::remainder"},
                    CallableCase{"OutVariant",
                                 [](Tensors x) {
                                   at::Tensor out = at::empty({0});
                                   at::add_out(out, x[0], x[1]);
                                   at::mul_out(out, out, x[1]);
                                   return out;
                                 },
                                 {Count({2, 3}), Count({2, 3})},
                                 "aten::add.Tensor(%0, %1, 1)"},
                    CallableCase{"TwoOuts",
                                 [](Tensors x) {
                                   at::Tensor values = at::empty({0}),
                                              indices = at::empty({0}, at::kLong);
                                   at::max_out(values, indices, x[0], 1);
                                   return values + indices;
                                 },
                                 {Count({2, 3})},
                                 "aten::max.dim(%0, 1, false)"},
                    CallableCase{"ChannelsLast",
                                 [](Tensors x) {
                                   return at::conv2d(
                                       x[0].contiguous(at::MemoryFormat::ChannelsLast), x[1]);
                                 },
                                 {Count({1, 2, 4, 4}), Count({3, 2, 3, 3})},
                                 "strides ["},
                    CallableCase{"NarrowAndFlip",
                                 [](Tensors x) { return x[0].narrow(1, 1, 2).flip({0}); },
                                 {Count({2, 3})},
                                 "aten::slice.Tensor(%0, 1, 1, 3, 1)"},
                    CallableCase{"CopyThatBroadcastsAndConverts",
                                 [](Tensors x) { return at::copy(x[0], x[1]) + 1; },
                                 {Count({2, 3}), at::arange(3)},
                                 "aten::expand"},
                    CallableCase{"ForeachInPlace",
                                 [](Tensors x) {
                                   Tensors y = {x[0] + 0, x[0] * 2};
                                   at::_foreach_add_(y, 1);
                                   return y[0] * y[1];
                                 },
                                 {Count({2, 3})},
                                 "aten::"},
                    CallableCase{"MultiHeadFastPath",
                                 [](Tensors x) {
                                   return std::get<0>(at::_native_multi_head_attention(
                                       x[0], x[0], x[0], 8, 2, x[1], x[2], x[3], x[4]));
                                 },
                                 {at::rand({2, 3, 8}), at::rand({24, 8}), at::rand({24}),
                                  at::rand({8, 8}), at::rand({8})},
                                 "aten::"},
                    CallableCase{"ComplexParts",
                                 [](Tensors x) {
                                   return at::real(at::fft_fft(x[0])) +
                                          at::imag(at::fft_fft(x[0]).conj());
                                 },
                                 {Count({8})},
                                 "aten::_fft"}),
    [](const testing::TestParamInfo<CallableCase>& info) { return info.param.name; });

TEST(RecordCallableTest, CapturedTensorsThatAreWrittenAreState) {
  const at::Tensor total = at::zeros({2});
  const Callable callable = [total](std::vector<c10::IValue> args) -> c10::IValue {
    return at::Tensor(total).add_(args[0].toTensor()) * 2;
  };
  const absl::StatusOr<ir::Recording> recording = Record(callable, {Count({2})});
  ASSERT_THAT(recording, IsOk());
  EXPECT_TRUE(at::equal(total, at::zeros({2})));
  EXPECT_THAT(ir::VerifyRecording(*recording), IsOk());
  const Outcome first = Replay(*recording, {Count({2})}).value();
  const Outcome second = Replay(*recording, {Count({2})}, first.state).value();
  EXPECT_TRUE(at::equal(second.results[0], Count({2}) * 4));
}

TEST(RecordCallableTest, CapturedStateHasOneNameInAllRecordings) {
  const at::Tensor a = at::zeros({2}), b = at::zeros({2});
  const Callable callable = [a, b](std::vector<c10::IValue> args) -> c10::IValue {
    const at::Tensor x = args[0].toTensor();
    return at::Tensor(x.size(0) == 1 ? a : b).add_(1) + x + (x.size(0) == 3 ? a : b);
  };
  ProgramState known;
  RecordOptions options;
  options.state = &known;
  const auto names = [&](int64_t batch) {
    const absl::StatusOr<ir::Recording> recording = Record(callable, {Count({batch, 2})}, options);
    EXPECT_THAT(recording, IsOk());
    std::vector<std::string> result;
    for (const ir::InputSpec& input : recording->graph.inputs())
      if (input.role == ir::InputRole::kState) result.push_back(input.name);
    return result;
  };
  EXPECT_THAT(names(1), testing::ElementsAre("captured.0"));
  EXPECT_THAT(names(2), testing::ElementsAre("captured.1"));
  EXPECT_THAT(names(3), testing::ElementsAre("captured.1", "captured.0"));
  EXPECT_THAT(names(1), testing::ElementsAre("captured.0", "captured.1"));
}

TEST(RecordCallableTest, ACallableThatThrowsLeavesCapturedTensorsAlone) {
  const at::Tensor total = at::zeros({2}), part = total.narrow(0, 0, 1);
  const Callable callable = [total, part](std::vector<c10::IValue> args) -> c10::IValue {
    at::Tensor(part).add_(1);
    at::Tensor(total).add_(args[0].toTensor());
    throw std::runtime_error("no luck");
  };
  EXPECT_FALSE(Record(callable, {Count({2})}).ok());
  EXPECT_TRUE(at::equal(total, at::zeros({2})));
}

TEST(RecordCallableTest, ExceptionsOfTheCallableBecomeOneLine) {
  const Callable callable = [](std::vector<c10::IValue>) -> c10::IValue {
    throw std::runtime_error("no\nluck");
  };
  EXPECT_THAT(Record(callable, {}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                             "the model fails on the example arguments: no"));
}

// A callable's own memory, written with what depends on an argument and gone when the call is over,
// looks like captured state whose contents nobody can see any more.
TEST(RecordCallableTest, MemoryThatIsGoneAfterTheCallNeedsNoRestoring) {
  const Callable callable = [](std::vector<c10::IValue> args) -> c10::IValue {
    at::Tensor own = at::detail::empty_cpu({64, 128}, at::kFloat);
    own.copy_(args[0].toTensor());
    const at::Tensor doubled = own * 2;
    own.reset();
    at::Tensor y = doubled + 1;
    for (int i = 0; i < 4; ++i) y = y.relu() + 1;
    return y;
  };
  EXPECT_THAT(Record(callable, ToIValues({at::rand({64, 128})})), IsOk());
}

}  // namespace
}  // namespace ingot::torchscript
