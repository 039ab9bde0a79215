// Ops applied one after the other, whose first error counts.
//
//   Steps s(emitter);
//   const TensorId distance = s("aten::abs", {T(s("aten::sub.Tensor", {args[0], args[1]}))});
//   return s.Results({distance});
//
// After an error nothing more is applied and every result is kNoTensor. Not thread-safe.
#ifndef INGOT_FRONTENDS_PT2_STEPS_H_
#define INGOT_FRONTENDS_PT2_STEPS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontends/pt2/emitter.h"

namespace ingot::pt2 {

class Steps {
 public:
  explicit Steps(Emitter& emitter) : emitter_(emitter) {}

  // The result of an op that has one.
  TensorId operator()(const std::string& op, Operands args) {
    const Tensors results = All(op, std::move(args));
    return results.empty() ? kNoTensor : results[0];
  }
  // All results; none after an error.
  Tensors All(const std::string& op, Operands args) {
    if (!status_.ok()) return {};
    absl::StatusOr<Tensors> results = emitter_.Apply(op, std::move(args));
    status_ = results.status();
    return results.ok() ? *std::move(results) : Tensors();
  }
  // REQUIRES: ok().
  std::vector<int64_t> Sizes(TensorId id) const {
    const ir::Dims& dims = emitter_.type(id).dims;
    return {dims.begin(), dims.end()};
  }

  bool ok() const { return status_.ok(); }
  absl::StatusOr<Tensors> Results(Tensors results) const {
    if (!status_.ok()) return status_;
    return results;
  }

 private:
  Emitter& emitter_;
  absl::Status status_;
};

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_STEPS_H_
