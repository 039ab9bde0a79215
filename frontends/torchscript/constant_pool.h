// The constants of a recording: what it holds, each once, with digests.
//
//   ConstantPool pool(&graph);
//   ValueId w = pool.Add(weight, "fc1.weight");     // a constant input of the graph
//   std::vector<ir::Constant> constants = std::move(pool).Finish();
//
// Memory is shared with the tensors. Not thread-safe.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_CONSTANT_POOL_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_CONSTANT_POOL_H_

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/ir/recording.h"

namespace ingot::torchscript {

// `tensor` as a constant that keeps it alive, without digest. REQUIRES: row-major, of an ingot
// dtype.
ir::Constant MakeConstant(const at::Tensor& tensor);

class ConstantPool {
 public:
  explicit ConstantPool(ir::Graph* graph) : graph_(graph) {}

  // REQUIRES: row-major, of an ingot dtype. Small constants of equal bytes share one value.
  ir::ValueId Add(const at::Tensor& tensor, std::string name);

  // Sets the digests of the graph's constant inputs. The constants are in the order of their index.
  std::vector<ir::Constant> Finish() &&;

 private:
  ir::Graph* graph_;
  std::vector<ir::Constant> constants_;
  absl::flat_hash_map<std::string, ir::ValueId> small_;  // by type and bytes
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_CONSTANT_POOL_H_
