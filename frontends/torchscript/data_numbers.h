// Number arguments that are data: a module that multiplies by its argument `scale` is one graph for
// every scale.
//
//   const DataNumbers numbers = DataNumbers::Of(module);
//   numbers.Mark(signature.arguments_structure);       // these leaves are scalar slots
//   Record(module, args, {.numbers = &numbers});        // … and inputs of role scalar
//
// An argument is data if the program can't tell its value: each of its uses, and there are none
// inside of branches and loops, is an argument that the vocabulary takes as data (`data_scalars`
// of core/ops). Arithmetic on it, a size, a condition make it part of the signature, by value. To
// find the places in the graph, a recording runs with numbers of its own ("probes") in their stead,
// which occur nowhere else: the values that a module computes don't matter to its graph.
//
// Immutable, thread-safe.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_DATA_NUMBERS_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_DATA_NUMBERS_H_

#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "core/ir/recording.h"

namespace ingot::torchscript {

class DataNumbers {
 public:
  // No number is data.
  DataNumbers() = default;
  static DataNumbers Of(const torch::jit::Module& module);

  bool empty() const;

  // Gives the numbers among the arguments (a tuple) that are data scalar slots, and drops their
  // values.
  void Mark(ir::Structure& arguments) const;

  // `arguments` with probes in the place of those numbers.
  std::vector<c10::IValue> WithProbes(std::vector<c10::IValue> arguments) const;

  // Makes the probes in the graph scalar inputs, bound to the numbers of `arguments`.
  // FailedPrecondition if a probe isn't found as often as it is used, so that its value went
  // elsewhere: record without.
  absl::Status Bind(const std::vector<c10::IValue>& arguments, ir::Recording& recording) const;

 private:
  // By argument, self left out: how often it is used as data; nullopt: it is no such number.
  std::vector<std::optional<int>> uses_;
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_DATA_NUMBERS_H_
