// Constants of a recording under construction.
//
//   ConstantPool pool(&graph);
//   ValueId w = pool.Add(weight, "fc1.weight");     // a constant input of the graph
//   std::vector<ir::Constant> constants = std::move(pool).Finish();
//
// Not thread-safe.
#ifndef INGOT_FRONTENDS_PT2_CONSTANTS_H_
#define INGOT_FRONTENDS_PT2_CONSTANTS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/ir/constant_digests.h"
#include "core/ir/recording.h"

namespace ingot::pt2 {

// Row-major bytes that `owner` keeps alive, aligned to the element.
struct HostConstant {
  ir::TensorType type;
  const char* data = nullptr;
  std::shared_ptr<const void> owner;
};

// New, zero-filled memory for `type`; `bytes` is where to write. ResourceExhausted if there is
// none. REQUIRES: sizes are not negative and their product does not overflow.
absl::StatusOr<HostConstant> NewConstant(const ir::TensorType& type, char** bytes);

class ConstantPool {
 public:
  explicit ConstantPool(ir::Graph* graph) : graph_(graph) {}

  // Small constants of equal bytes share one value, and so do equal places in memory.
  ir::ValueId Add(const HostConstant& constant, std::string name);

  // Sets the digests of the graph's constant inputs. The constants are in the order of their index.
  // `done`: see ir::ComputeDigests.
  std::vector<ir::Constant> Finish(const ir::ConstantDone& done = nullptr) &&;

 private:
  ir::Graph* graph_;
  std::vector<ir::Constant> constants_;
  absl::flat_hash_map<std::string, ir::ValueId> small_;  // by type and bytes
};

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_CONSTANTS_H_
