#include "backends/torchscript/packing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/torchscript/lowering.h"
#include "backends/torchscript/program.h"
#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::torchscript_backend {
namespace {

using testing::HasSubstr;
using testing::Not;

// A graph of the text form with its constants, lowered and packed.
struct Subject {
  std::vector<at::Tensor> constants;
  std::shared_ptr<torch::jit::Graph> graph;
  PackedWeights packed;

  Subject(const std::string& text, std::vector<at::Tensor> weights)
      : constants(std::move(weights)) {
    const absl::StatusOr<ir::Graph> parsed = ir::ParseGraph(text);
    EXPECT_THAT(parsed, IsOk());
    std::vector<sdk::ConstantView> views;
    for (const at::Tensor& constant : constants)
      views.push_back({.data = constant.const_data_ptr(), .size = constant.nbytes()});
    auto lowered = Lower(*parsed, views);
    EXPECT_THAT(lowered, IsOk());
    graph = *std::move(lowered);
    packed = PackWeights(*graph);
  }

  std::string text() const { return graph->toString(); }

  // `sizes` of the result: for an operator that writes it in place.
  at::Tensor Run(const at::Tensor& input, at::IntArrayRef sizes = {}) const {
    const Program program(graph);
    Program::Registers registers = program.NewRegisters();
    registers[program.input(0)] = input;
    const Program::Output& output = program.output(0);
    if (output.in_place) registers[output.reg] = at::zeros(sizes);
    torch::jit::Stack stack;
    program.Run(registers, stack);
    return registers[output.reg].toTensor();
  }
};

// `%1 : TYPE = constant 0 …`; digests only have to be well-formed and to differ.
std::string Constant(int value, const std::string& type, int index) {
  return absl::StrCat("  %", value, " : ", type, " = constant ", index,
                      " sha256:", std::string(63, '0'), index, "\n");
}

std::string Linear(const char* type, int rows, const char* weight_role = nullptr) {
  return absl::StrCat("graph \"g\" {\n  %0 : ", type, "[", rows, ",256] = argument 0\n",
                      weight_role != nullptr
                          ? absl::StrCat("  %1 : ", type, "[512,256] = ", weight_role, "\n")
                          : Constant(1, absl::StrCat(type, "[512,256]"), 0),
                      "  %2 : ", type, "[", rows, ",512] = aten::linear(%0, %1, None)\n",
                      "  result 0 = %2\n  returns T0\n}\n");
}

TEST(PackWeightsTest, LargeLinearIsPackedAndComputesTheSameEachTime) {
  const at::Tensor weight = at::randn({512, 256}), input = at::randn({64, 256});
  const Subject subject(Linear("f32", 64), {weight});
  EXPECT_EQ(subject.packed.nodes, 1);
  EXPECT_GE(subject.packed.bytes, weight.nbytes());
  EXPECT_THAT(subject.text(), HasSubstr("mkldnn::_linear_pointwise"));
  const at::Tensor first = subject.Run(input);
  EXPECT_TRUE(at::allclose(first, at::linear(input, weight), 1e-5, 1e-4));
  for (int run = 2; run <= 100; ++run) EXPECT_TRUE(at::equal(subject.Run(input), first)) << run;
}

TEST(PackWeightsTest, WhatDoesNotGainStaysAsItIs) {
  const at::Tensor weight = at::randn({512, 256});
  struct Case {
    const char* what;
    std::string text;
    std::vector<at::Tensor> weights;
  };
  const Case cases[] = {
      {"small", Linear("f32", 8), {weight}},
      {"double", Linear("f64", 64), {weight.to(at::kDouble)}},
      {"an argument", Linear("f32", 64, "argument 1"), {}},
  };
  for (const Case& c : cases) {
    const Subject subject(c.text, c.weights);
    EXPECT_EQ(subject.packed.nodes, 0) << c.what;
    EXPECT_THAT(subject.text(), HasSubstr("aten::linear")) << c.what;
  }
}

std::string Addmm(const char* bias_type, int beta) {
  return absl::StrCat("graph \"g\" {\n  %0 : f32[64,256] = argument 0\n", Constant(1, bias_type, 0),
                      Constant(2, "f32[256,512]", 1),
                      "  %3 : f32[64,512] = aten::addmm(%1, %0, %2, ", beta, ", 1)\n",
                      "  result 0 = %3\n  returns T0\n}\n");
}

TEST(PackWeightsTest, AddmmWithARowAsBiasIsALinear) {
  const at::Tensor row = at::randn({512}), weight = at::randn({256, 512}),
                   input = at::randn({64, 256});
  const Subject subject(Addmm("f32[512]", 1), {row, weight});
  EXPECT_EQ(subject.packed.nodes, 1);
  EXPECT_TRUE(at::allclose(subject.Run(input), at::addmm(row, input, weight), 1e-5, 1e-4));

  EXPECT_EQ(Subject(Addmm("f32[512]", 2), {row, weight}).packed.nodes, 0);
  EXPECT_EQ(Subject(Addmm("f32[64,512]", 1), {at::randn({64, 512}), weight}).packed.nodes, 0);
}

TEST(PackWeightsTest, AWeightThatTwoNodesShareIsPackedOnce) {
  const std::string text = absl::StrCat("graph \"g\" {\n  %0 : f32[64,512] = argument 0\n",
                                        Constant(1, "f32[512,512]", 0),
                                        "  %2 : f32[64,512] = aten::linear(%0, %1, None)\n"
                                        "  %3 : f32[64,512] = aten::linear(%2, %1, None)\n"
                                        "  result 0 = %3\n  returns T0\n}\n");
  const at::Tensor weight = at::randn({512, 512});
  const Subject subject(text, {weight});
  EXPECT_EQ(subject.packed.nodes, 2);
  EXPECT_LT(subject.packed.bytes, 2 * weight.nbytes());
}

// Two convolutions with relu between them and `tail`, which makes %6 of %5, at the end.
std::string Convolutions(const std::string& tail) {
  return absl::StrCat(
      "graph \"g\" {\n  %0 : f32[1,16,28,28] = argument 0\n", Constant(1, "f32[16,16,3,3]", 0),
      "  %2 : f32[1,16,28,28] = aten::convolution(%0, %1, None, [1, 1], [1, 1], [1, 1], false, "
      "[0, 0], 1)\n"
      "  %3 : f32[1,16,28,28] = aten::relu(%2)\n"
      "  %4 : f32[1,16,28,28] = aten::convolution(%3, %1, None, [1, 1], [1, 1], [1, 1], false, "
      "[0, 0], 1)\n"
      "  %5 : f32[1,16,28,28] = aten::add.Tensor(%4, %0, 1)\n",
      tail, "  result 0 = %6\n  returns T0\n}\n");
}

at::Tensor EagerConvolutions(const at::Tensor& input, const at::Tensor& weight) {
  const auto conv = [&weight](const at::Tensor& x) { return at::conv2d(x, weight, {}, 1, 1); };
  return conv(conv(input).relu()) + input;
}

TEST(PackWeightsTest, OperatorsThatMindStridesSeeRowMajorTensors) {
  const at::Tensor weight = at::randn({16, 16, 3, 3}), input = at::randn({1, 16, 28, 28});
  const at::Tensor expected = EagerConvolutions(input, weight);
  struct Case {
    const char* tail;
    at::Tensor expected;
  };
  const Case cases[] = {
      {"  %6 : f32[1,12544] = aten::view(%5, [1, 12544])\n", expected.view({1, 12544})},
      {"  %6 : f32[12544] = aten::as_strided(%5, [12544], [1], 0)\n", expected.view({12544})},
      {"  %6 : f32[2,16,28,28] = aten::cat([%5, %0], 0)\n", at::cat({expected, input}, 0)},
      {"  %6 : f32[2,1,16,28,28] = aten::stack([%5, %5], 0)\n", at::stack({expected, expected})},
      {"  %6 : f32[1,16,28,28] = aten::relu(%5)\n", expected.relu()},
  };
  for (const Case& c : cases) {
    const Subject subject(Convolutions(c.tail), {weight});
    EXPECT_EQ(subject.packed.nodes, 2);
    const at::Tensor first = subject.Run(input, c.expected.sizes());
    EXPECT_TRUE(at::allclose(first, c.expected, 1e-4, 1e-3)) << c.tail;
    EXPECT_TRUE(at::equal(subject.Run(input, c.expected.sizes()), first)) << c.tail;
  }
}

TEST(PackWeightsTest, TransposedConvolutionsTakeAndGiveChannelsLast) {
  const at::Tensor weight = at::randn({16, 16, 3, 3}) / 12, input = at::randn({1, 16, 28, 28});
  const Subject subject(
      Convolutions("  %7 : f32[1,16,30,30] = aten::convolution(%5, %1, None, [1, 1], [0, 0], "
                   "[1, 1], true, [0, 0], 1)\n"
                   "  %6 : f32[1,16,28,28] = aten::convolution(%7, %1, None, [1, 1], [0, 0], "
                   "[1, 1], false, [0, 0], 1)\n"),
      {weight});
  EXPECT_EQ(subject.packed.nodes, 3);
  const at::Tensor up = at::conv_transpose2d(EagerConvolutions(input, weight), weight);
  const at::Tensor expected = at::conv2d(up, weight);
  EXPECT_TRUE(at::allclose(subject.Run(input), expected, 1e-4, 1e-4));
  // Nothing makes its input row-major.
  EXPECT_THAT(subject.text(), Not(HasSubstr("int = prim::Constant[value=0]")));
}

TEST(PackWeightsTest, AGraphWhoseWeightsArePackedNeedsNothingOfTheHost) {
  const std::string text = absl::StrCat("graph \"g\" {\n  %0 : f32[64,256] = argument 0\n",
                                        Constant(1, "f32[512,256]", 0), Constant(2, "f32[512]", 1),
                                        "  %3 : f32[64,512] = aten::linear(%0, %1, %2)\n"
                                        "  result 0 = %3\n  returns T0\n}\n");
  const at::Tensor weight = at::randn({512, 256}), row = at::randn({512}),
                   input = at::randn({64, 256});
  const at::Tensor expected = at::linear(input, weight, row);
  Subject subject(text, {weight, row});
  const sdk::ConstantView views[] = {{.data = weight.const_data_ptr()},
                                     {.data = row.const_data_ptr()}};
  ASSERT_TRUE(DetachFromHost(*subject.graph, views, subject.packed));
  weight.fill_(NAN);
  row.fill_(NAN);
  EXPECT_TRUE(at::allclose(subject.Run(input), expected, 1e-5, 1e-4));
}

TEST(PackWeightsTest, AGraphWithLargePlainWeightsKeepsTheHosts) {
  const at::Tensor weight = at::randn({512, 256});
  Subject subject(Linear("f32", 8), {weight});
  const sdk::ConstantView views[] = {{.data = weight.const_data_ptr()}};
  EXPECT_FALSE(DetachFromHost(*subject.graph, views, subject.packed));
}

TEST(PackWeightsTest, NaNPassesPackedConvolutions) {
  const at::Tensor weight = at::randn({16, 16, 3, 3}), input = at::randn({1, 16, 28, 28});
  input[0][3][5][7] = NAN;
  const Subject subject(Convolutions("  %6 : f32[1,16,28,28] = aten::relu(%5)\n"), {weight});
  ASSERT_EQ(subject.packed.nodes, 2);
  EXPECT_TRUE(at::allclose(subject.Run(input), EagerConvolutions(input, weight).relu(), 1e-4, 1e-3,
                           /*equal_nan=*/true));
}

}  // namespace
}  // namespace ingot::torchscript_backend
