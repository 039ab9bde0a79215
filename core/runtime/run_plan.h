// What a compiled graph does on a call: the plan, fixed at compile time, and the frames that calls
// run in.
//
// The plan is data. Steps execute groups in order; copies then move values to where the program's
// outputs belong. A frame is the memory of one call under way: an arena and the steps' tensors with
// everything bound but the caller's pointers, so that a call only patches those.
#ifndef INGOT_CORE_RUNTIME_RUN_PLAN_H_
#define INGOT_CORE_RUNTIME_RUN_PLAN_H_

#include <complex>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/aligned_buffer.h"
#include "core/base/object_pool.h"
#include "core/ir/recording.h"
#include "core/plugin/abi/ingot_backend.h"
#include "core/plugin/backend.h"

namespace ingot::runtime {

// Where a value is during a call.
enum class Place : uint8_t {
  kArena,     // index: byte offset
  kArgument,  // index: tensor slot
  kResult,    // index: result slot
  kConstant,  // index: constant
  kScalar,    // index: scalar input
  kSeed,      // index: number of the step that reads it
  kState,     // index: state
};
struct Location {
  Place place = Place::kArena;
  size_t index = 0;
};

// A tensor that a step reads or writes, row-major.
struct BoundTensor {
  Location location;
  ir::TensorType type;
  ir::Dims strides;
};

struct Step {
  std::shared_ptr<const plugin::Executable> executable;
  std::vector<ir::NodeId> nodes;  // of the whole graph, by node of the group
  uint32_t first_tensor = 0;      // in RunPlan::tensors; inputs, then outputs
  uint32_t num_inputs = 0;
  uint32_t num_outputs = 0;
  size_t workspace = 0;  // offset in the arena
};

struct Copy {
  ir::TensorType type;
  Location from, to;
  ir::Dims from_strides, to_strides;
};

struct RunPlan {
  std::vector<BoundTensor> tensors;
  std::vector<Step> steps;
  // Strided arguments made row-major, before the first step.
  std::vector<Copy> gathers;
  // After the last step, in this order: snapshots of inputs that are about to be overwritten,
  // results, states, written arguments. So nothing is read after it has been written.
  std::vector<Copy> copies;
  size_t arena_bytes = 0;

  // Tensors whose data pointer the caller provides: {index in tensors, slot}.
  std::vector<std::pair<uint32_t, uint32_t>> argument_patches, result_patches, state_patches;
};

// Storage for a scalar input's number: the first bytes hold a bool, int64, double or complex.
union ScalarStorage {
  bool b;
  int64_t i;
  double d;
  double z[2];
};
ScalarStorage StoreScalar(const ir::Scalar& scalar);

// Memory of one call under way.
struct Frame {
  AlignedBuffer arena;
  std::vector<ingot_tensor> tensors;  // parallel to RunPlan::tensors
  std::vector<ScalarStorage> scalars;
  std::vector<int64_t> seeds;  // by step
};

using FramePool = ObjectPool<Frame>;

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_RUN_PLAN_H_
