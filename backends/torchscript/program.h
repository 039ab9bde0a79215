// A TorchScript graph without control flow as a list of bound calls.
//
// LibTorch's interpreter takes most of a microsecond to start, and as much as a small operator to
// step. Here each node's operator is found once, values live in numbered registers, and a call is:
// push the operands, call, pop the results. A value is let go after its last use. Where an operator
// has a kernel that writes into a given tensor, a result of the graph is computed right in the
// caller's memory.
//
//   Program program(*graph);
//   Program::Registers registers = program.NewRegisters();
//   registers[program.input(0)] = a;
//   registers[program.output(0).reg] = out;   // if program.output(0).in_place
//   program.Run(registers, stack);            // throws what operators throw
//
// Immutable once made; any number of Run() at a time, with registers of their own. After an
// exception the registers are worthless.
#ifndef INGOT_BACKENDS_TORCHSCRIPT_PROGRAM_H_
#define INGOT_BACKENDS_TORCHSCRIPT_PROGRAM_H_

#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace torch::jit {
struct Graph;
struct Node;
struct Value;
}  // namespace torch::jit

namespace ingot::torchscript_backend {

class Program {
 public:
  using Registers = std::vector<c10::IValue>;

  struct Output {
    uint32_t reg = 0;
    // The register must hold a tensor of the result's type before a run; it is written. Else the
    // register holds the result after the run.
    bool in_place = false;
  };

  // Throws c10::Error for a node that LibTorch has no operator for, or that has blocks.
  explicit Program(std::shared_ptr<torch::jit::Graph> graph);

  // Constants are in their places; all else is None.
  Registers NewRegisters() const { return initial_; }
  uint32_t input(size_t i) const { return inputs_[i]; }
  size_t num_inputs() const { return inputs_.size(); }
  const Output& output(size_t i) const { return outputs_[i]; }
  size_t num_outputs() const { return outputs_.size(); }
  size_t num_steps() const { return steps_.size(); }
  // What a step calls: a node of the graph.
  torch::jit::Node& step_node(size_t i) const { return *steps_[i].node; }
  // Of results that a run leaves in their registers.
  const std::vector<uint32_t>& computed_outputs() const { return computed_outputs_; }
  // Of inputs and of results computed in place: what the caller fills.
  const std::vector<uint32_t>& bound() const { return bound_; }

  // `stack` is scratch; empty before and after. `after_step`, if any, is told each step's number.
  using AfterStep = std::function<void(size_t)>;
  void Run(Registers& registers, torch::jit::Stack& stack,
           const AfterStep* after_step = nullptr) const;

 private:
  static constexpr uint32_t kDropped = UINT32_MAX;

  struct Operand {
    uint32_t reg = 0;
    bool last_use = false;
  };
  struct Step {
    torch::jit::Node* node = nullptr;
    mutable torch::jit::Operation call;  // its operator() is not const
    std::vector<Operand> operands;
    std::vector<uint32_t> results;    // kDropped: not used
    uint32_t destination = kDropped;  // of an in-place output: one more operand
  };

  uint32_t RegisterOf(const torch::jit::Value* value);
  void AddNode(torch::jit::Node* node);
  void FindLastUses();
  void ComputeInPlace(const torch::jit::Graph& graph);

  const std::shared_ptr<torch::jit::Graph> graph_;  // owns the operators' schemas and constants
  Registers initial_;
  std::vector<uint32_t> inputs_;
  std::vector<Output> outputs_;
  std::vector<uint32_t> computed_outputs_, bound_;
  std::vector<Step> steps_;
  std::unordered_map<const torch::jit::Value*, uint32_t> registers_;
  std::unordered_map<const torch::jit::Node*, size_t> step_of_;
};

}  // namespace ingot::torchscript_backend

#endif  // INGOT_BACKENDS_TORCHSCRIPT_PROGRAM_H_
