// Kernels: one function an op, found by the op's name.
//
// A kernel is plain C++ over dense row-major tensors. It may trust the graph (verified: kinds,
// sizes and dtypes are those that core/ops infers) but not the data: an index out of range is an
// error, not a crash. It allocates nothing; what it needs beside the stack it declares as scratch.
// Thread-safe: a kernel has no state.
#ifndef INGOT_BACKENDS_REFERENCE_KERNEL_H_
#define INGOT_BACKENDS_REFERENCE_KERNEL_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "backends/reference/tensor.h"
#include "core/ops/op_view.h"

namespace ingot::reference {

// A number argument: literal, or read from the value that holds it.
struct Number {
  ir::DType dtype = ir::DType::kInt64;  // kBool, kInt64 or kFloat64
  int64_t integer = 0;
  double real = 0;

  template <typename C>
  C As() const {
    return dtype == ir::DType::kFloat64 ? Convert<C>(real) : Convert<C>(integer);
  }
};

// One node at run time: its arguments by name, its operands' and results' data.
class KernelContext {
 public:
  // `buffers`: address of each value, by id. All must outlive the context.
  KernelContext(const ir::Graph& graph, const ops::OpView& op, ir::NodeId node,
                void* const* buffers, void* scratch)
      : graph_(graph), op_(op), node_(node), buffers_(buffers), scratch_(scratch) {}

  const ops::OpView& op() const { return op_; }

  ConstTensor In(absl::string_view name) const { return Value(op_.Value(name)); }
  ConstTensor Value(ir::ValueId id) const {
    return {graph_.type(id).dtype, graph_.type(id).dims, buffers_[id]};
  }
  Number Scalar(absl::string_view name) const { return ToNumber(op_.Raw(name)); }
  Number ToNumber(const ir::Argument& arg) const;
  Tensor Out(int i = 0) const;
  int num_outputs() const { return static_cast<int>(op_.node().outputs.size()); }

  // The seed of a random op, and what tells its draws from those of the graph's other nodes.
  uint64_t Seed() const;
  uint32_t Stream() const { return node_; }

  // As many bytes as the kernel's scratch function asked for, 64-aligned.
  template <typename T>
  T* Scratch() const {
    return static_cast<T*>(scratch_);
  }

  // InvalidArgument that starts with the op's name.
  absl::Status Error(absl::string_view message) const;

 private:
  const ir::Graph& graph_;
  const ops::OpView& op_;
  const ir::NodeId node_;
  void* const* buffers_;
  void* scratch_;
};

struct Kernel {
  const char* op;
  absl::Status (*run)(const KernelContext& context);
  int64_t (*scratch_bytes)(const ops::OpView& op) = nullptr;  // nullptr: none
};

// nullptr if there is none.
const Kernel* FindKernel(absl::string_view op);

}  // namespace ingot::reference

#endif  // INGOT_BACKENDS_REFERENCE_KERNEL_H_
