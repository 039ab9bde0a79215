#include "backends/onednn/kernels/pointwise_pairs.h"

#include <algorithm>
#include <utility>

namespace ingot::kernels::internal {
namespace {

using Value = PointwiseProgram::Value;

class Chooser {
 public:
  Chooser(const PointwiseProgram& program, const std::vector<bool>& live,
          const std::vector<bool>& uniform)
      : values_(program.values),
        live_(live),
        uniform_(uniform),
        uses_(values_.size(), 0),
        pairs_(values_.size()) {
    for (int output : program.outputs) ++uses_[output];
    for (size_t v = 0; v < values_.size(); ++v) {
      if (!live_[v]) continue;
      for (int operand : values_[v].operands) {
        if (operand >= 0) ++uses_[operand];
      }
    }
  }

  std::vector<PointwisePair> Choose() && {
    for (size_t v = 0; v < values_.size(); ++v) {
      if (!live_[v] || !IsOp(static_cast<int>(v))) continue;
      const int operands = std::min(PwOpArity(values_[v].op), 2);
      for (int i = 0; i < operands && pairs_[v].kernel == nullptr; ++i) {
        TryPair(static_cast<int>(v), i);
      }
    }
    return std::move(pairs_);
  }

 private:
  bool IsOp(int v) const {
    return values_[v].kind == PointwiseProgram::Kind::kOp && values_[v].dtype == DType::kFloat32 &&
           !uniform_[v];
  }

  // With the operand at that position as the inner op.
  void TryPair(int outer, int position) {
    const Value& op = values_[outer];
    const int v = op.operands[position];
    if (!IsOp(v) || uses_[v] != 1 || pairs_[v].kernel != nullptr) return;
    const Value& inner = values_[v];
    if (inner.op != PwOp::kAdd && inner.op != PwOp::kSub && inner.op != PwOp::kMul) return;
    PointwisePair pair;
    pair.a = inner.operands[0];
    pair.b = inner.operands[1];
    if (PwOpArity(op.op) == 2) pair.c = op.operands[1 - position];
    if (inner.op != PwOp::kSub && uniform_[pair.a]) std::swap(pair.a, pair.b);
    if (uniform_[pair.a]) return;
    PwPair which = {op.op, inner.op, position == 1};
    which.b_is_uniform = uniform_[pair.b];
    which.c_is_uniform = pair.c < 0 || uniform_[pair.c];
    pair.kernel = FindF32PairKernel(which);
    if (pair.kernel == nullptr) return;
    pairs_[outer] = pair;
    pairs_[v].is_inner = true;
  }

  const std::vector<Value>& values_;
  const std::vector<bool>&live_, &uniform_;
  std::vector<int> uses_;
  std::vector<PointwisePair> pairs_;
};

}  // namespace

std::vector<PointwisePair> ChoosePointwisePairs(const PointwiseProgram& program,
                                                const std::vector<bool>& live,
                                                const std::vector<bool>& uniform) {
  return Chooser(program, live, uniform).Choose();
}

}  // namespace ingot::kernels::internal
