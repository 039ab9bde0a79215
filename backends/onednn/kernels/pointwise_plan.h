// From a pointwise program to loops over tiles. Private to this folder.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_PLAN_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_PLAN_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/onednn/kernels/pointwise_kernels.h"

namespace ingot::kernels::internal {

// What the builder gathers: values in definition order, operands before users.
struct PointwiseProgram {
  enum class Kind : uint8_t { kInput, kConstant, kOp };
  struct Value {
    Kind kind = Kind::kOp;
    DType dtype = DType::kFloat32;
    PwOp op = PwOp::kCast;
    std::array<int, 3> operands = {-1, -1, -1};
    PwImmediates immediates;
    int input = -1;                // kInput: index among the caller's pointers
    std::vector<int64_t> strides;  // kInput
    uint64_t constant = 0;         // kConstant: its bytes
  };

  std::vector<int64_t> shape;
  std::vector<Value> values;
  std::vector<int> outputs;
  int num_inputs = 0;
  absl::Status status;  // the first misuse
};

inline constexpr int kMaxPointwiseSlots = 256;
// Of all registers of a plan: a thread has them on its stack.
inline constexpr int kRegisterFileBytes = 48 * 1024;

// A slot is one place operands live: its address changes from tile to tile only for memory.
using Slot = int16_t;

struct PointwisePlan {
  enum class Mode : uint8_t {
    kFlat,   // everything dense: tiles of the flattened range
    kRows,   // long inner dimension: tiles within a row, so that rows of strided inputs are read in
             // place
    kPacked  // short inner dimension: tiles of the flattened range, strided inputs gathered
  };
  struct Instruction {
    PwKernel kernel = nullptr;  // null: gather strided input `input` into `out`
    Slot a = 0, b = 0, c = 0, out = 0;
    int16_t input = -1;
    PwImmediates immediates;
  };
  // Slot bound to an input's or output's memory; advanced for each tile.
  struct Memory {
    Slot slot = 0;
    int16_t pointer = 0;   // index among the caller's inputs or outputs
    int16_t strided = -1;  // index into strided_inputs, or -1: dense
    int32_t element_size = 4;
  };
  struct Register {
    Slot slot = 0;
    int16_t index = 0;
  };
  // Filled once a thread with a uniform's value.
  struct Broadcast {
    PwKernel fill = nullptr;
    Slot from = 0;
    Slot to = 0;
  };
  struct StridedInput {
    int16_t pointer = 0;
    int32_t element_size = 4;
    std::array<int64_t, kMaxPointwiseDims> strides{};  // over `dims`, in elements
  };
  struct Uniform {
    Slot slot = 0;
    int16_t pointer = -1;  // an input read in place, or -1: place `storage`
    int16_t storage = -1;
    uint64_t constant = 0;
  };

  Mode mode = Mode::kFlat;
  int64_t elements = 0;
  int rank = 0;  // of the merged dimensions
  std::array<int64_t, kMaxPointwiseDims> dims{};
  int64_t inner = 1;  // last merged dimension
  int64_t tile = 0;   // elements
  int64_t tiles_per_row = 1;
  int64_t num_tiles = 0;
  int64_t grain = 1;
  int register_bytes = 0;  // of one
  int num_registers = 0;
  int num_slots = 0;
  int num_outputs = 0;
  int num_uniform_storage = 0;
  double nanoseconds = 0;

  std::vector<Uniform> uniforms;
  std::vector<Instruction> prologue;  // over one element: uniforms from uniforms
  std::vector<Broadcast> broadcasts;
  std::vector<Register> registers;
  std::vector<StridedInput> strided_inputs;
  std::vector<Memory> inputs;
  std::vector<Memory> outputs;
  std::vector<Instruction> body;

  // A program of one loop over dense memory: no slots at all.
  bool direct = false;
  std::array<int16_t, 3> direct_operands = {0, 0, 0};

  void Run(const void* const* in, void* const* out, int threads) const;
  // See Pointwise.
  bool CanRunRanges(int64_t range) const;
  void RunRanges(const void* const* in, int64_t range, int threads,
                 Pointwise::Consume consume) const;
};

absl::StatusOr<std::unique_ptr<const PointwisePlan>> CompilePointwise(
    const PointwiseProgram& program);

}  // namespace ingot::kernels::internal

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_PLAN_H_
