#include "frontends/torchscript/record.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_matchers.h"
#include "core/ir/recording_verifier.h"
#include "core/ir/text.h"
#include "frontends/torchscript/record_testing.h"
#include "frontends/torchscript/replay_testing.h"

namespace ingot::torchscript {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

torch::jit::Module Script(const std::string& body) {
  torch::jit::Module module("m");
  module.define(body);
  return module;
}

Callable Forward(const torch::jit::Module& module) {
  return [callee = module.deepcopy()](std::vector<c10::IValue> args) mutable {
    return callee.forward(std::move(args));
  };
}

struct ScriptCase {
  std::string name;
  std::string body;  // of `def forward(self, …)`
  std::vector<at::Tensor> args;
  std::vector<std::string> lines;   // that the graph's text has
  std::vector<std::string> absent;  // that it hasn't
};

class ScriptTest : public testing::TestWithParam<ScriptCase> {};

TEST_P(ScriptTest, IsRecordedFaithfully) {
  const ScriptCase& c = GetParam();
  const torch::jit::Module module = Script(c.body);
  std::vector<at::Tensor> before;
  for (const at::Tensor& arg : c.args) before.push_back(arg.clone());
  const absl::StatusOr<ir::Recording> recording = Record(module, ToIValues(c.args));
  ASSERT_THAT(recording, IsOk());
  for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(at::equal(c.args[i], before[i]));
  const std::string text = ir::PrintGraph(recording->graph);
  for (const std::string& line : c.lines) EXPECT_THAT(text, HasSubstr(line));
  for (const std::string& line : c.absent) EXPECT_THAT(text, Not(HasSubstr(line)));
  ExpectFaithful(*recording, Forward(module), c.args);
}

std::vector<ScriptCase> InPlaceCases() {
  const at::Tensor a = Count({2, 3});
  const at::Tensor b = Count({2, 3}) * 10;
  const at::Tensor row = Count({3}) * 100;
  return {
      {"InPlaceOnAnArgumentIsWrittenBack",
       "def forward(self, a, b):\n  a.sub_(b)\n  return b - 1, b + 1\n",
       {a, b},
       {"aten::sub.Tensor(%0, %1, 1)", "writeback 0 = %2", "result 0 = %3"},
       {"writeback 1"}},
      {"AnExpandedTensorMayBeFilled",
       "def forward(self, a, b):\n  c = a + 0\n  c[:, :1].expand(2, 4).zero_()\n  return c * b\n",
       {a, b},
       {"aten::fill.Scalar"}},
      {"AConstantThatDropoutPassesOnIsKeptBeforeItIsWritten",
       "def forward(self, a, b):\n  c = torch.ones([2, 3])\n  d = torch.dropout(c, 0.0, True)\n"
       "  e = a * d\n  c.copy_(b)\n  return e + d\n",
       {a, b}},
      {"ReadsAfterAWriteSeeIt",
       "def forward(self, a, b):\n  c = a * 2\n  a.add_(b)\n  return a * c\n",
       {a, b},
       {"aten::mul.Scalar(%0, 2)", "writeback 0"}},
      {"WriteThroughSelect",
       "def forward(self, a, b):\n  a[0] = b\n  return a + 1\n",
       {a, row},
       {"aten::select_scatter(%0, %1, 0, 0)", "writeback 0 = %2"}},
      {"WriteThroughSliceOfSlice",
       "def forward(self, a):\n  c = a * 1.0\n  c[1:][:, 1:].mul_(5)\n  return c\n",
       {a},
       {"aten::slice_scatter"},
       {"writeback", "index_select"}},
      {"StaleViewsAreReadAnew",
       "def forward(self, a):\n  c = a * 1.0\n  v = c.t()\n  w = c[1]\n  c.add_(1)\n  w.zero_()\n"
       "  return v * 2, w, c\n",
       {a},
       {"aten::select_scatter", "aten::fill.Scalar"}},
      {"WriteThroughTranspose",
       "def forward(self, a, b):\n  c = a + 0\n  c.transpose(0, 1).copy_(b.t())\n"
       "  c.permute(1, 0).add_(1)\n  return c\n",
       {a, b}},
      {"WriteThroughReshapes",
       "def forward(self, a, b):\n  c = a + 0\n  c.view(-1)[2:4] = 7.0\n"
       "  c.unsqueeze(1).squeeze(1).flatten().mul_(2)\n  return c\n",
       {a, b},
       {"aten::view"}},
      {"WriteThroughDiagonalGoesByPositions",
       "def forward(self, a):\n  c = a + 0\n  torch.diagonal(c).fill_(7.0)\n"
       "  return c\n",
       {a},
       {"aten::index_select"}},
      {"ViewsByStridesGoByPositions",
       "def forward(self, a):\n  c = a + 0\n  v = c.as_strided([2, 2], [3, 2], 0)\n"
       "  v.add_(1)\n  return c, v * 2\n",
       {a},
       {"aten::index_select"}},
      {"OverlappingWindowsTakeAScatterWhereTheyOverlap",
       "def forward(self, a, b):\n  return torch.select_scatter(a.unfold(0, 3, 1), b, 0, 1)\n",
       {Count({5}), row},
       {},
       {"aten::select_scatter"}},
      {"WritesThroughOneOfOverlappingWindowsReachTheOthers",
       "def forward(self, a):\n  c = a + 0\n  w = c.unfold(0, 3, 1)\n  w[1].mul_(5)\n"
       "  w[2, 0].zero_()\n  return w, c\n",
       {Count({6})}},
      {"PartsOfASplitAreSlices",
       "def forward(self, a):\n  x, y = a.split(2, 1)\n  p, q, r = a.unbind(1)\n"
       "  return x * 2, y * 3, p + q * r\n",
       {a},
       {"aten::slice.Tensor(%0, 1, 2, 3, 1)", "aten::select.int(%0, 1, 2)"}},
      {"WritesThroughAChunk",
       "def forward(self, a):\n  c = a + 0\n  x, y = c.chunk(2)\n  x.add_(y)\n  y.mul_(x)\n  "
       "return c\n",
       {Count({4, 3})},
       {"aten::slice_scatter"}},
      {"InPlaceKeepsTheDtype",
       "def forward(self, a, b):\n  a.copy_(b)\n  a.add_(1)\n  return a\n",
       {at::arange(6).view({2, 3}), b},
       {"aten::_to_copy(%1, i64", "writeback 0"}},
      {"CopyBroadcasts",
       "def forward(self, a, b):\n  a.copy_(b)\n  return a + 1\n",
       {a, row},
       {"aten::expand(%1, [2, 3], false)"}},
      {"OverwrittenConstantsKeepTheRest",
       "def forward(self, a):\n  out = torch.zeros(4, 3)\n  out[1:3] = a\n  out[0] = 9.0\n"
       "  return out\n",
       {a},
       {"aten::slice_scatter", "constant 0"}},
      {"InPlaceMetadata",
       "def forward(self, a):\n  c = a + 0\n  c.t_()\n  c.unsqueeze_(0)\n  return c * 2\n",
       {a},
       {"aten::t(", "aten::unsqueeze"}},
      {"MaskedWrites",
       "def forward(self, a, b):\n  c = a + 0\n  c[b > 20] = -1.0\n  c.masked_fill_(b < 20, 0.5)\n "
       " return c\n",
       {a, b}},
      {"LoopOfWrites",
       "def forward(self, a):\n  c = torch.zeros_like(a)\n  for i in range(a.size(0)):\n    c[i] = "
       "a[i] * i\n"
       "  return c\n",
       {Count({4, 3})}},
  };
}

std::vector<ScriptCase> StructureCases() {
  const at::Tensor a = Count({2, 3});
  const at::Tensor b = Count({2, 3}) * 10;
  return {
      {"SameTensorTwiceIsOneSlot",
       "def forward(self, a, b):\n  c = a + b\n  return a - b, c, a + 1, c\n",
       {a, b},
       {"returns (T0, T1, T2, T1)"}},
      {"ArgumentsReturnedAreAliases",
       "def forward(self, a, b):\n  return b, a.t(), a[1], a * 1\n",
       {a, b},
       {"alias 0 = %1 of argument 1\n", "of argument 0 strides [1, 3]",
        "of argument 0 strides [1] offset 3", "result 3"}},
      {"WrittenArgumentReturned",
       "def forward(self, a, b):\n  return a.add_(b)\n",
       {a, b},
       {"alias 0 = %2 of argument 0", "writeback 0 = %2"}},
      {"NestedResults",
       "def forward(self, a):\n  return {'x': a + 1, 'y': a * 2}, [a - 1, a - 2], (a.neg(), None, "
       "3, True)\n",
       {a},
       {R"(returns ({"x": T0, "y": T1}, [T2, T3], (T4, None, 3, true)))"}},
      {"StridesOfResults",
       "def forward(self, a):\n  return (a + 1).t(), a.exp()\n",
       {a},
       {"strides [1, 3]"}},
      {"StridedArguments",
       "def forward(self, a):\n  return a.view(-1) + 1, a * 2\n",
       {Count({6, 4}).slice(0, 0, 6, 1)}},
      {"ConstantsDependOnNoInput",
       "def forward(self, a):\n  m = torch.ones(3, 3).tril() * 2\n  n = torch.arange(a.size(1)) + "
       "1\n"
       "  k = int(n.sum().item())\n  return a @ m + n * k\n",
       {a},
       {"constant 0"},
       {"tril", "arange"}},
      {"NumbersStayNumbers",
       "def forward(self, a):\n  return 1 - a * 2 + torch.tensor(3), a / 4 > 0.5\n",
       {a},
       {"aten::mul.Scalar(%0, 2)", "aten::add.Scalar(%3, 3, 1)", "aten::gt.Scalar"},
       {"constant"}},
      {"ZeroDimensionalPromotionIsKept",
       "def forward(self, a):\n  return a * torch.tensor(2.5), a + torch.tensor(1)\n",
       {at::arange(6)},
       {"constant 0", "aten::add.Scalar"}},
      {"ShapesAreConstants",
       "def forward(self, a):\n  if a.size(0) == 2:\n    return a.reshape(a.size(1), -1)\n  return "
       "a\n",
       {a}},
      {"IdentitiesLeaveNoNode",
       "def forward(self, a):\n  return "
       "torch.dropout(a.contiguous().clone().to(6).detach(), 0.5, False) + 1\n",
       {a},
       {"aten::add.Scalar(%0, 1, 1)"},
       {"clone", "contiguous", "dropout", "detach"}},
      {"ConvolutionsAreOneOp",
       "def forward(self, a, w):\n  return torch.conv2d(a, w, None, [1, 1], [1, 1]), "
       "torch.conv1d(a[:, :, 0], w[:, :, 0])\n",
       {Count({1, 2, 4, 4}), Count({3, 2, 3, 3})},
       {"aten::convolution("},
       {"conv2d", "mkldnn"}},
      {"CompositesAreTheirParts",
       "def forward(self, a, b):\n  return torch.movedim(a, 0, 1) @ b, a.type_as(b), (a > 1) & (b "
       "> 20)\n",
       {a, b},
       {"aten::bitwise_and.Tensor"},
       {"__and__"}},
      {"UnknownOpsAreOpaque",
       "def forward(self, a, b):\n  return torch.cdist(a, b), torch.kron(a, b)\n",
       {a, b},
       {"aten::_cdist_forward("}},
      {"ConstantMasksPickFixedPositions",
       "def forward(self, a):\n  return a[torch.arange(2) > 0]\n",
       {a},
       {"aten::index.Tensor"}},
  };
}

std::string CaseName(const testing::TestParamInfo<ScriptCase>& info) { return info.param.name; }
// Kernels that read numbers or write memory past the dispatcher: only as one node are they right
// for other elements.
std::vector<ScriptCase> KernelCases() {
  const at::Tensor a = Count({6}) / 8, b = Count({6}) * 10;
  return {
      {"ASumThatTheKernelKeepsInARegister",
       "def forward(self, a, b):\n  return torch.dot(a, b)\n",
       {a, b},
       {"aten::dot(%0, %1)"}},
      {"BoundsThatTheKernelReads",
       "def forward(self, a):\n  return torch.histc(a, 4)\n",
       {a},
       {"aten::histc(%0"}},
      {"AResultThatTheKernelFillsByItself",
       "def forward(self, a, b):\n  return torch.huber_loss(a, b, 0)\n",
       {a, b},
       {"aten::huber_loss(%0, %1"},
       {"aten::empty"}},
      {"MemoryFilledPastTheDispatcher",
       "def forward(self, a):\n  return torch.mvlgamma(a + 2, 2)\n",
       {a},
       {"aten::mvlgamma(%"},
       {"aten::empty"}},
      {"NumbersThatBoundARangeOfFixedLength",
       "def forward(self, a):\n  return torch.quantile(a, torch.tensor([0.25, 0.5]))\n",
       {a},
       {"quantile"}},
      {"FreshMemoryIsNoOperand",
       "def forward(self, a):\n  return torch.zeros_like(a) + a\n",
       {a},
       {"aten::add"},
       {"aten::empty_like", "aten::zeros_like"}},
  };
}

INSTANTIATE_TEST_SUITE_P(Kernels, ScriptTest, testing::ValuesIn(KernelCases()), CaseName);

INSTANTIATE_TEST_SUITE_P(InPlace, ScriptTest, testing::ValuesIn(InPlaceCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(Structure, ScriptTest, testing::ValuesIn(StructureCases()), CaseName);

struct RefusedCase {
  std::string name;
  std::string body;
  absl::StatusCode code;
  std::string message;
};

class RefusalTest : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusalTest, SaysWhichOpAndWhy) {
  const RefusedCase& c = GetParam();
  EXPECT_THAT(Record(Script(c.body), {Count({2, 3})}), StatusIs(c.code, HasSubstr(c.message)));
}

INSTANTIATE_TEST_SUITE_P(
    Refusals, RefusalTest,
    testing::Values(
        RefusedCase{
            "Item", "def forward(self, a):\n  return a * a.sum().item()\n",
            absl::StatusCode::kFailedPrecondition,
            "data-dependent: aten::item reads a number out of a value computed from argument 0"},
        RefusedCase{"Branch",
                    "def forward(self, a):\n  if bool(a.sum() > 0):\n    return a\n  return -a\n",
                    absl::StatusCode::kFailedPrecondition, "data-dependent"},
        RefusedCase{"Nonzero", "def forward(self, a):\n  return torch.nonzero(a)\n",
                    absl::StatusCode::kFailedPrecondition,
                    "aten::nonzero sizes its result by a value computed from argument 0"},
        RefusedCase{"Mask", "def forward(self, a):\n  return a[a > 2]\n",
                    absl::StatusCode::kFailedPrecondition, "data-dependent: aten::index.Tensor"},
        RefusedCase{
            "Tolist",
            "def forward(self, a):\n  b: List[List[float]] = a.tolist()\n  return a * b[0][0]\n",
            absl::StatusCode::kUnimplemented, "prim::tolist"},
        RefusedCase{"Raise",
                    "def forward(self, a):\n  assert a.size(0) == 3, 'three rows'\n  return a\n",
                    absl::StatusCode::kFailedPrecondition, "three rows"},
        RefusedCase{"Shapes", "def forward(self, a):\n  return a @ a\n",
                    absl::StatusCode::kFailedPrecondition,
                    "mat1 and mat2 shapes cannot be multiplied"},
        RefusedCase{"OverlappingWrite",
                    "def forward(self, a):\n  b = a[0, 0].expand(4)\n"
                    "  return b.masked_fill_(torch.tensor([False, True, False, False]), 7)\n",
                    absl::StatusCode::kUnimplemented, "elements share memory"},
        RefusedCase{"OverlappingOperand",
                    "def forward(self, a):\n  a[:, 1:].copy_(a[:, :-1])\n  return a\n",
                    absl::StatusCode::kUnimplemented, "reads elements that it writes elsewhere"},
        RefusedCase{"Reshaped", "def forward(self, a):\n  return a.t_()\n",
                    absl::StatusCode::kUnimplemented, "shape or strides of argument 0"}),
    [](const testing::TestParamInfo<RefusedCase>& info) { return info.param.name; });

TEST(RecordTest, RefusesArgumentsThatNoGraphTakes) {
  const auto module = Script("def forward(self, a):\n  return a\n");
  EXPECT_THAT(Record(module, {Count({2}).to_sparse()}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("argument 0")));
}

TEST(RecordTest, RandomOpsTakeTheSeed) {
  const auto module = Script(
      "def forward(self, a):\n  b = torch.randn(2, 3)\n  c = torch.empty(2, 3).normal_(1.0, 2.0)\n"
      "  d = torch.empty(2, 3).uniform_(0.0, 1.0)\n  return a + b + c + d, torch.dropout(a, 0.5, "
      "True), torch.randperm(5)\n");
  const at::Tensor state = at::globalContext().defaultGenerator(at::kCPU).get_state();
  const absl::StatusOr<ir::Recording> recording = Record(module, {Count({2, 3})});
  EXPECT_TRUE(at::equal(state, at::globalContext().defaultGenerator(at::kCPU).get_state()));
  ASSERT_THAT(recording, IsOk());
  EXPECT_THAT(ir::VerifyRecording(*recording), IsOk());
  const std::string text = ir::PrintGraph(recording->graph);
  EXPECT_THAT(text, HasSubstr("aten::randn([2, 3], None, None, None, None, %1)"));
  EXPECT_THAT(text, HasSubstr("aten::normal_functional("));
  EXPECT_THAT(text, HasSubstr("aten::uniform("));
  EXPECT_THAT(text, HasSubstr("aten::dropout(%0, 0.5, true, %1)"));
  EXPECT_THAT(text, HasSubstr("aten::randperm(5, "));
  EXPECT_THAT(Replay(*recording, {Count({2, 3})}), IsOk());
}

TEST(RecordTest, WrittenBuffersAreStateAndKeepTheirValue) {
  torch::jit::Module module("m");
  module.register_buffer("count", at::zeros({2}));
  module.register_parameter("w", Count({2}), false);
  module.define(
      "def forward(self, a):\n  b = a * self.count\n  self.count.add_(1)\n  return b + self.w, "
      "self.count * 1.0\n");
  const at::Tensor a = Count({2});
  const absl::StatusOr<ir::Recording> recording = Record(module, {a});
  ASSERT_THAT(recording, IsOk());
  EXPECT_TRUE(at::equal(module.attr("count").toTensor(), at::zeros({2})));
  EXPECT_THAT(ir::VerifyRecording(*recording), IsOk());
  ASSERT_EQ(recording->initial_state.size(), 1u);
  EXPECT_THAT(ir::PrintGraph(recording->graph), HasSubstr("state 0 \"count\""));
  const Outcome first = Replay(*recording, {a}).value();
  const Outcome second = Replay(*recording, {a}, first.state).value();
  Callable eager = Forward(module);
  EXPECT_EQ(Difference(first, RunEager(eager, {a})), "");
  EXPECT_EQ(Difference(second, RunEager(eager, {a})), "");
}

TEST(RecordTest, ReplacedAttributesAreState) {
  torch::jit::Module module("m");
  module.register_attribute("h", c10::TensorType::get(), at::zeros({2}));
  module.define("def forward(self, a):\n  self.h = self.h * 0.5 + a\n  return self.h.exp()\n");
  const at::Tensor a = Count({2});
  const absl::StatusOr<ir::Recording> recording = Record(module, {a});
  ASSERT_THAT(recording, IsOk());
  EXPECT_TRUE(at::equal(module.attr("h").toTensor(), at::zeros({2})));
  const Outcome first = Replay(*recording, {a}).value();
  const Outcome second = Replay(*recording, {a}, first.state).value();
  Callable eager = Forward(module);
  EXPECT_EQ(Difference(first, RunEager(eager, {a})), "");
  EXPECT_EQ(Difference(second, RunEager(eager, {a})), "");
}

TEST(RecordTest, ChangedNumbersOfTheModuleAreRefusedAndUndone) {
  torch::jit::Module module("m");
  module.register_attribute("n", c10::IntType::get(), int64_t{4});
  module.define("def forward(self, a):\n  self.n += 1\n  return a * self.n\n");
  EXPECT_THAT(Record(module, {Count({2})}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("\"n\"")));
  EXPECT_EQ(module.attr("n").toInt(), 4);
}

TEST(RecordTest, BatchNormInTrainingUpdatesItsStatistics) {
  torch::jit::Module module("m");
  module.register_buffer("mean", at::zeros({2}));
  module.register_buffer("var", at::ones({2}));
  module.define(
      "def forward(self, a):\n  return torch.batch_norm(a, None, None, self.mean, self.var, True, "
      "0.1, 1e-5, True)\n");
  const at::Tensor a = Count({4, 2});
  const absl::StatusOr<ir::Recording> recording = Record(module, {a});
  ASSERT_THAT(recording, IsOk());
  EXPECT_TRUE(at::equal(module.attr("mean").toTensor(), at::zeros({2})));
  torch::jit::Module eager = module.deepcopy();
  const Outcome actual = Replay(*recording, {a}).value();
  const Outcome expected =
      RunEager([&](std::vector<c10::IValue> args) { return eager.forward(std::move(args)); }, {a});
  EXPECT_EQ(Difference(actual, expected), "");
  ASSERT_EQ(actual.state.size(), 2u);
  EXPECT_TRUE(at::allclose(actual.state[0], eager.attr("mean").toTensor()));
  EXPECT_TRUE(at::allclose(actual.state[1], eager.attr("var").toTensor()));
}

TEST(RecordTest, WeightsAreSharedAndSeenThroughViews) {
  torch::jit::Module module("m");
  const at::Tensor weight = at::rand({64, 32});
  module.register_parameter("w", weight, false);
  module.define(
      "def forward(self, a):\n  q, k = self.w.chunk(2)\n  return a @ self.w.t(), a @ q.t(), a @ "
      "k.t()\n");
  const std::vector<at::Tensor> args = {at::rand({3, 32})};
  const absl::StatusOr<ir::Recording> recording = Record(module, ToIValues(args));
  ASSERT_THAT(recording, IsOk());
  ASSERT_EQ(recording->constants.size(), 1u);
  EXPECT_EQ(recording->constants[0].data, weight.const_data_ptr());
  const std::string text = ir::PrintGraph(recording->graph);
  EXPECT_THAT(text, HasSubstr("aten::t(%1)"));
  EXPECT_THAT(text, HasSubstr("aten::slice.Tensor(%1, 0, 32, 64, 1)"));
  ExpectFaithful(*recording, Forward(module), args);
}

TEST(RecordTest, ConstantsKeepTheContentsOfTheirTime) {
  const auto module = Script(
      "def forward(self, a):\n  k = torch.ones(2)\n  b = a + k\n  k.mul_(5)\n  c = a + k\n  k[0] = "
      "9.0\n  return b, c, a * k\n");
  const std::vector<at::Tensor> args = {Count({2})};
  const absl::StatusOr<ir::Recording> recording = Record(module, ToIValues(args));
  ASSERT_THAT(recording, IsOk());
  EXPECT_EQ(recording->constants.size(), 3u);
  ExpectFaithful(*recording, Forward(module), args);
}

TEST(RecordTest, ArgumentsThatAreOneTensorStayOne) {
  const auto module = Script("def forward(self, a, b):\n  a.sub_(b * 2)\n  return a + b\n");
  const at::Tensor x = Count({2, 3});
  const absl::StatusOr<ir::Recording> recording = Record(module, {x, x});
  ASSERT_THAT(recording, IsOk());
  EXPECT_THAT(recording->signature.aliases, ElementsAre(ir::Alias{0, 0}, ir::Alias{0, 0}));
  const Outcome actual = Replay(*recording, {x, x}).value();
  EXPECT_EQ(Difference(actual, RunEager(Forward(module), {x, x})), "");
}

TEST(RecordTest, ArgumentsThatOverlapStayOverlapping) {
  const auto module =
      Script("def forward(self, a, b, c):\n  a[1].mul_(10)\n  c.add_(1)\n  return b * 2\n");
  const at::Tensor base = Count({4, 3});
  const std::vector<at::Tensor> args = {base.slice(0, 1, 3), base, Count({2})};
  const absl::StatusOr<ir::Recording> recording = Record(module, ToIValues(args));
  ASSERT_THAT(recording, IsOk());
  EXPECT_THAT(recording->signature.aliases,
              ElementsAre(ir::Alias{0, 0}, ir::Alias{0, -12}, ir::Alias{2, 0}));
  const Outcome actual = Replay(*recording, args).value();
  EXPECT_EQ(Difference(actual, RunEager(Forward(module), args)), "")
      << ir::PrintGraph(recording->graph);
}

TEST(RecordTest, ArgumentsOfWhichNoneHoldsTheOtherAreUpdatedTogether) {
  const auto module =
      Script("def forward(self, a, b):\n  a.mul_(10)\n  b.sub_(a[0] * 1)\n  return a + b\n");
  struct Case {
    const char* name;
    std::function<std::vector<at::Tensor>(const at::Tensor&)> views;
  };
  const Case cases[] = {
      {"shifted",
       [](const at::Tensor& x) {
         return std::vector{x.slice(0, 0, 3), x.slice(0, 1)};
       }},
      {"shifted back",
       [](const at::Tensor& x) {
         return std::vector{x.slice(0, 1), x.slice(0, 0, 3)};
       }},
      {"rows and columns",
       [](const at::Tensor& x) {
         return std::vector{x.slice(0, 0, 3).slice(1, 0, 2), x.slice(1, 1, 3).slice(0, 1, 4)};
       }},
      {"a view and its transposed neighbour",
       [](const at::Tensor& x) {
         return std::vector{x.slice(0, 0, 3), x.slice(0, 1).t()};
       }},
  };
  for (const Case& c : cases) {
    const std::vector<at::Tensor> args = c.views(Count({4, 3}));
    const absl::StatusOr<ir::Recording> recording = Record(module, ToIValues(args));
    ASSERT_THAT(recording, IsOk()) << c.name;
    const Outcome actual = Replay(*recording, args).value();
    EXPECT_EQ(Difference(actual, RunEager(Forward(module), args)), "")
        << c.name << "\n"
        << ir::PrintGraph(recording->graph);
  }
}

TEST(RecordTest, SignatureTellsStridesAndNumbers) {
  const auto module = Script("def forward(self, a, n: int, x: float):\n  return a * n + x\n");
  const absl::StatusOr<ir::Recording> recording =
      Record(module, {Count({2, 3}).t(), int64_t{3}, 0.5});
  ASSERT_THAT(recording, IsOk());
  EXPECT_EQ(ir::ToString(recording->signature.arguments_structure), "(T0, 3, 0.5)");
  EXPECT_THAT(recording->signature.arguments[0].strides, ElementsAre(1, 3));
  EXPECT_THAT(ir::VerifyRecording(*recording), IsOk());
}

TEST(RecordTest, ANanAttributeIsNoChange) {
  torch::jit::Module module("m");
  module.register_attribute("fill", c10::FloatType::get(),
                            std::numeric_limits<double>::quiet_NaN());
  module.register_attribute("fills", c10::ListType::ofFloats(),
                            c10::List<double>({std::numeric_limits<double>::quiet_NaN()}));
  module.define("def forward(self, x):\n    return x.masked_fill(x > 1, self.fill)\n");
  EXPECT_THAT(Record(module, ToIValues({Count({3})})), IsOk());
}

TEST(RecordTest, StateThatOtherCallsWriteIsStateWhereItIsRead) {
  torch::jit::Module module("m");
  module.register_buffer("used", at::ones({3}));
  module.register_buffer("unused", at::ones({3}));
  module.define("def forward(self, x):\n    return x + self.used\n");
  ProgramState known;
  known.names = {"used", "unused"};
  RecordOptions options;
  options.state = &known;
  const absl::StatusOr<ir::Recording> recording = Record(module, ToIValues({Count({3})}), options);
  ASSERT_THAT(recording, IsOk());
  EXPECT_THAT(ir::VerifyRecording(*recording), IsOk());
  ASSERT_EQ(recording->initial_state.size(), 1u);
  const Outcome outcome = Replay(*recording, {Count({3})}, {at::full({3}, 5.0f)}).value();
  EXPECT_TRUE(at::equal(outcome.results[0], Count({3}) + 5));
}

TEST(RecordTest, AModelsOwnErrorIsMarkedAsSuch) {
  torch::jit::Module module("m");
  module.define("def forward(self, x):\n    return x @ x\n");
  const absl::Status status = Record(module, ToIValues({Count({2, 3})})).status();
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(status.GetPayload(kModelFailed).has_value());
}

}  // namespace
}  // namespace ingot::torchscript
