// For tests and benchmarks: compiles a graph with this backend and runs it on plain arrays.
//
//   TestGraph g;
//   ir::ValueId x = g.builder.Argument({ir::DType::kFloat32, {8, 64}});
//   ir::ValueId w = g.Constant(RandomF32({64, 64}, 1));
//   g.builder.Result(g.builder.Op("aten::linear", {ir::ValueRef{x}, ir::ValueRef{w}}));
//   absl::StatusOr<std::vector<Array>> out = std::move(g).Run({RandomF32({8, 64}, 2)});
#ifndef INGOT_BACKENDS_ONEDNN_GRAPH_RUNNER_H_
#define INGOT_BACKENDS_ONEDNN_GRAPH_RUNNER_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "backends/onednn/program.h"
#include "backends/onednn/support.h"
#include "core/base/aligned_buffer.h"
#include "core/ir/builder.h"

namespace ingot::onednn {

// A dense row-major tensor.
struct Array {
  ir::TensorType type;
  std::vector<char> bytes;

  template <typename T>
  const T* data() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
  template <typename T>
  std::vector<T> Values() const {
    return std::vector<T>(data<T>(), data<T>() + type.NumElements());
  }
};

template <typename T>
Array MakeArray(ir::DType dtype, ir::Dims dims, const std::vector<T>& values) {
  Array array{{dtype, std::move(dims)}, std::vector<char>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}
inline Array F32(ir::Dims dims, const std::vector<float>& values) {
  return MakeArray(ir::DType::kFloat32, std::move(dims), values);
}
inline Array I64(ir::Dims dims, const std::vector<int64_t>& values) {
  return MakeArray(ir::DType::kInt64, std::move(dims), values);
}
// Uniform in [-1, 1), a function of `seed`.
Array RandomF32(ir::Dims dims, uint32_t seed);

// A compiled graph with memory to run it in.
class Runner {
 public:
  static absl::StatusOr<Runner> Create(const ir::Graph& graph, std::vector<Array> constants,
                                       const CompileOptions& options);
  // Inputs in the graph's order, without constants.
  absl::StatusOr<std::vector<Array>> Run(const std::vector<Array>& inputs) const;
  const Program& program() const { return *program_; }

  // For timing: arrays bound once, then executions that allocate nothing.
  void Bind(std::vector<Array> inputs);
  absl::Status Execute();
  absl::Status ExecuteWith(const ingot_run_context& context);

 private:
  std::vector<Array> constants_;  // the program reads large ones where they are
  std::unique_ptr<Program> program_;
  std::vector<ir::TensorType> output_types_;
  AlignedBuffer workspace_;
  std::vector<Array> inputs_, outputs_;
  std::vector<ir::Dims> strides_;
  std::vector<ingot_tensor> input_tensors_, output_tensors_;
};

struct TestGraph {
  ir::GraphBuilder builder;
  std::vector<Array> constants;

  ir::ValueId Constant(Array array);
  // InvalidArgument and so on from building; Unimplemented if a node is not supported.
  absl::StatusOr<Runner> Compile(const CompileOptions& options = {}) &&;
  absl::StatusOr<std::vector<Array>> Run(const std::vector<Array>& inputs,
                                         const CompileOptions& options = {}) &&;
};

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_GRAPH_RUNNER_H_
