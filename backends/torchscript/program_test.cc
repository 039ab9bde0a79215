#include "backends/torchscript/program.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/ir/irparser.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::torchscript_backend {
namespace {

std::shared_ptr<torch::jit::Graph> Parse(const std::string& text) {
  auto graph = std::make_shared<torch::jit::Graph>();
  torch::jit::parseIR(text, graph.get());
  return graph;
}

// The results of one run on `arguments`; those computed in place, in tensors of ones of the first
// argument's size.
std::vector<at::Tensor> Results(const Program& program, const std::vector<at::Tensor>& arguments) {
  Program::Registers registers = program.NewRegisters();
  for (size_t i = 0; i < arguments.size(); ++i) registers[program.input(i)] = arguments[i];
  for (size_t i = 0; i < program.num_outputs(); ++i) {
    if (program.output(i).in_place)
      registers[program.output(i).reg] = at::ones(arguments[0].sizes());
  }
  torch::jit::Stack stack;
  program.Run(registers, stack);
  EXPECT_TRUE(stack.empty());
  std::vector<at::Tensor> results;
  for (size_t i = 0; i < program.num_outputs(); ++i)
    results.push_back(registers[program.output(i).reg].toTensor());
  return results;
}

TEST(ProgramTest, ComputesResultsInPlaceWhereTheOperatorHasAKernelForIt) {
  const Program program(Parse(R"(
graph(%a : Tensor, %b : Tensor):
  %one : int = prim::Constant[value=1]()
  %difference : Tensor = aten::sub(%a, %b, %one)
  %positive : Tensor = aten::relu(%difference)
  return (%difference, %positive))"));
  EXPECT_TRUE(program.output(0).in_place);
  EXPECT_FALSE(program.output(1).in_place);  // relu.out is generated: it would copy
  const at::Tensor a = at::rand({2, 3}), b = at::rand({2, 3});
  Program::Registers registers = program.NewRegisters();
  const at::Tensor result = at::zeros({2, 3});
  registers[program.input(0)] = a;
  registers[program.input(1)] = b;
  registers[program.output(0).reg] = result;
  torch::jit::Stack stack;
  program.Run(registers, stack);
  EXPECT_TRUE(at::equal(result, a - b));
  EXPECT_TRUE(at::equal(registers[program.output(1).reg].toTensor(), (a - b).relu()));
}

TEST(ProgramTest, AResultThatIsWantedTwiceIsComputedOnce) {
  const Program program(Parse(R"(
graph(%a : Tensor):
  %one : int = prim::Constant[value=1]()
  %twice : Tensor = aten::add(%a, %a, %one)
  return (%twice, %twice, %a))"));
  EXPECT_EQ(program.num_steps(), 1u);
  EXPECT_FALSE(program.output(1).in_place);
  EXPECT_FALSE(program.output(2).in_place);
  const at::Tensor a = at::rand({2, 3});
  const std::vector<at::Tensor> results = Results(program, {a});
  EXPECT_TRUE(at::equal(results[0], a + a));
  EXPECT_TRUE(results[1].is_same(results[0]));
  EXPECT_TRUE(results[2].is_same(a));
}

TEST(ProgramTest, ValuesAreLetGoAfterTheirLastUse) {
  const Program program(Parse(R"(
graph(%a : Tensor):
  %one : int = prim::Constant[value=1]()
  %b : Tensor = aten::relu(%a)
  %c : Tensor = aten::add(%b, %b, %one)
  %d : Tensor = aten::neg(%c)
  return (%d))"));
  Program::Registers registers = program.NewRegisters();
  const at::Tensor a = at::rand({2, 3}), result = at::zeros({2, 3});
  registers[program.input(0)] = a;
  registers[program.output(0).reg] = result;
  torch::jit::Stack stack;
  program.Run(registers, stack);
  int tensors = 0;
  for (const c10::IValue& value : registers) tensors += value.isTensor();
  EXPECT_EQ(tensors, 2);  // the argument and the result
  EXPECT_TRUE(at::equal(result, -(a.relu() * 2)));
}

TEST(ProgramTest, ListsAreMadeAndTakenApart) {
  const Program program(Parse(R"(
graph(%a : Tensor, %b : Tensor):
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %list : Tensor[] = prim::ListConstruct(%a, %b)
  %both : Tensor = aten::cat(%list, %zero)
  %parts : Tensor[] = aten::split(%both, %one, %zero)
  %first : Tensor, %second : Tensor = prim::ListUnpack(%parts)
  %difference : Tensor = aten::sub(%second, %first, %one)
  return (%difference))"));
  const at::Tensor a = at::rand({1, 3}), b = at::rand({1, 3});
  EXPECT_TRUE(at::equal(Results(program, {a, b})[0], b - a));
  EXPECT_TRUE(at::equal(Results(program, {b, a})[0], a - b));
}

TEST(ProgramTest, ControlFlowIsRefused) {
  EXPECT_THROW(Program(Parse(R"(
graph(%a : Tensor, %yes : bool):
  %result : Tensor = prim::If(%yes)
    block0():
      -> (%a)
    block1():
      %b : Tensor = aten::neg(%a)
      -> (%b)
  return (%result))")),
               c10::Error);
}

}  // namespace
}  // namespace ingot::torchscript_backend
