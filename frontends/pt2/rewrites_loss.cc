// Rewrites of losses.
#include <functional>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "frontends/pt2/rewrites.h"
#include "frontends/pt2/steps.h"

namespace ingot::pt2 {
namespace {

using Result = absl::StatusOr<Tensors>;
using Ints = std::vector<int64_t>;

TensorId Reduced(Steps& s, TensorId loss, const Operand& reduction) {
  switch (std::get<int64_t>(reduction)) {
    case 0:
      return loss;
    case 1:
      return s("aten::mean", {T(loss)});
    default:
      return s("aten::sum", {T(loss)});
  }
}

Result L1Loss(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  const TensorId distance = s("aten::abs", {T(s("aten::sub.Tensor", {args[0], args[1]}))});
  return s.Results({Reduced(s, distance, args[2])});
}

// Classes along dimension 1, or 0 without a batch: [C], [N,C] and [N,C,H,W]; others as the last.
Result NllLoss(Emitter& emitter, const OpSignature&, Operands args) {
  const Ints sizes = SizesOf(emitter, TensorArg(args, 0));
  if (sizes.size() <= 2 || sizes.size() == 4) {
    return Only(
        emitter.Apply(sizes.size() <= 2 ? "aten::nll_loss_forward" : "aten::nll_loss2d_forward",
                      std::move(args)),
        0);
  }
  const Ints own = SizesOf(emitter, TensorArg(args, 1));
  const int64_t places =
      std::accumulate(sizes.begin() + 2, sizes.end(), int64_t{1}, std::multiplies<>());
  Steps s(emitter);
  args[0] = T(s("aten::reshape", {args[0], Ints{sizes[0], sizes[1], 1, places}}));
  args[1] = T(s("aten::reshape", {args[1], Ints{sizes[0], 1, places}}));
  const bool each = std::get<int64_t>(args[3]) == 0;
  const Tensors loss = s.All("aten::nll_loss2d_forward", std::move(args));
  if (!s.ok()) return s.Results({});
  return s.Results({each ? s("aten::view", {T(loss[0]), own}) : loss[0]});
}

// `weight` along the classes of a tensor of `rank` dimensions.
TensorId AlongClasses(Steps& s, const Operand& weight, size_t rank) {
  Ints sizes(rank, 1);
  sizes[rank == 1 ? 0 : 1] = -1;
  return s("aten::view", {weight, sizes});
}

// - sum of target * log-probability, over the classes; `smoothing` moves as much of the target to
// all classes alike.
Result OfProbabilities(Emitter& emitter, const Operands& args, TensorId logs, int64_t dim,
                       double smoothing) {
  Steps s(emitter);
  const Ints sizes = s.Sizes(logs);
  const auto classes = static_cast<double>(sizes[static_cast<size_t>(dim)]);
  TensorId target = TensorArg(args, 1);
  if (smoothing > 0) {
    target = s("aten::mul.Scalar", {T(target), 1 - smoothing});
    target = s("aten::add.Scalar", {T(target), smoothing / classes});
  }
  TensorId product = s("aten::mul.Tensor", {T(logs), T(target)});
  if (!IsNone(args, 2))
    product = s("aten::mul.Tensor", {T(product), T(AlongClasses(s, args[2], sizes.size()))});
  const int64_t reduction = std::get<int64_t>(args[3]);
  if (reduction == 0)
    return s.Results({s("aten::neg", {T(s("aten::sum.dim_IntList", {T(product), Ints{dim}}))})});
  const TensorId sum = s("aten::neg", {T(s("aten::sum", {T(product)}))});
  if (reduction != 1) return s.Results({sum});
  const auto elements = static_cast<double>(emitter.type(logs).NumElements());
  return s.Results({s("aten::div.Scalar", {T(sum), elements / classes})});
}

// The loss of all classes alike, where the target is not to be ignored.
Result Smooth(Emitter& emitter, const Operands& args, TensorId logs, int64_t dim) {
  Steps s(emitter);
  TensorId weighted = logs;
  if (!IsNone(args, 2)) {
    weighted = s("aten::mul.Tensor", {T(logs), T(AlongClasses(s, args[2], s.Sizes(logs).size()))});
  }
  const TensorId ignored = s("aten::eq.Scalar", {args[1], args[4]});
  TensorId loss = s("aten::neg", {T(s("aten::sum.dim_IntList", {T(weighted), Ints{dim}}))});
  loss = s("aten::masked_fill.Scalar", {T(loss), T(ignored), 0.0});
  const int64_t reduction = std::get<int64_t>(args[3]);
  if (reduction == 0) return s.Results({loss});
  const TensorId sum = s("aten::sum", {T(loss)});
  if (reduction != 1) return s.Results({sum});
  const TensorId counted = s("aten::logical_not", {T(ignored)});
  if (IsNone(args, 2))
    return s.Results({s("aten::div.Tensor", {T(sum), T(s("aten::sum", {T(counted)}))})});
  const TensorId classes = s("aten::masked_fill.Scalar", {args[1], T(ignored), int64_t{0}});
  const TensorId flat = s("aten::reshape", {T(classes), Ints{-1}});
  TensorId weights = s("aten::index_select", {args[2], int64_t{0}, T(flat)});
  weights = s("aten::mul.Tensor", {T(weights), T(s("aten::reshape", {T(counted), Ints{-1}}))});
  return s.Results({s("aten::div.Tensor", {T(sum), T(s("aten::sum", {T(weights)}))})});
}

// Of class numbers or of their probabilities.
Result CrossEntropy(Emitter& emitter, const OpSignature&, Operands args) {
  const ir::TensorType& input = emitter.type(TensorArg(args, 0));
  const int64_t dim = input.rank() == 1 ? 0 : 1;
  const auto classes = static_cast<double>(input.dims.empty() ? 1 : input.dims[dim]);
  const double smoothing = std::get<double>(args[5]);
  const bool of_probabilities = input.dims == emitter.type(TensorArg(args, 1)).dims;
  Steps s(emitter);
  const TensorId logs = s("aten::log_softmax.int", {args[0], dim});
  if (!s.ok()) return s.Results({});
  if (of_probabilities) return OfProbabilities(emitter, args, logs, dim, smoothing);
  const TensorId loss = s("aten::nll_loss_nd", {T(logs), args[1], args[2], args[3], args[4]});
  if (smoothing == 0 || !s.ok()) return s.Results({loss});
  INGOT_ASSIGN_OR_RETURN(const Tensors smooth, Smooth(emitter, args, logs, dim));
  const TensorId own = s("aten::mul.Scalar", {T(loss), 1 - smoothing});
  const TensorId all = s("aten::mul.Scalar", {T(smooth[0]), smoothing / classes});
  return s.Results({s("aten::add.Tensor", {T(own), T(all)})});
}

// 1 - cos where the target is 1, max(0, cos - margin) where it is -1.
Result CosineEmbedding(Emitter& emitter, const OpSignature&, Operands args) {
  const int64_t dim = emitter.type(TensorArg(args, 2)).rank();
  Steps s(emitter);
  const auto dot = [&](size_t a, size_t b) {
    return s("aten::sum.dim_IntList", {T(s("aten::mul.Tensor", {args[a], args[b]})), Ints{dim}});
  };
  const auto square = [&](size_t i) { return s("aten::add.Scalar", {T(dot(i, i)), 1e-12}); };
  const TensorId lengths =
      s("aten::sqrt", {T(s("aten::mul.Tensor", {T(square(0)), T(square(1))}))});
  const TensorId cosine = s("aten::div.Tensor", {T(dot(0, 1)), T(lengths)});
  const TensorId near = s("aten::rsub.Scalar", {T(cosine), int64_t{1}});
  const TensorId far =
      s("aten::clamp_min", {T(s("aten::sub.Scalar", {T(cosine), args[3]})), int64_t{0}});
  const auto where = [&](int64_t target, TensorId loss) {
    return s("aten::where.ScalarOther",
             {T(s("aten::eq.Scalar", {args[2], target})), T(loss), int64_t{0}});
  };
  const TensorId loss = s("aten::add.Tensor", {T(where(1, near)), T(where(-1, far))});
  return s.Results({Reduced(s, loss, args[4])});
}

// target (log(target) - x); log_target: exp(target) (target - x).
Result KlDivergence(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  TensorId loss;
  if (std::get<bool>(args[3])) {
    loss = s("aten::mul.Tensor",
             {T(s("aten::exp", {args[1]})), T(s("aten::sub.Tensor", {args[1], args[0]}))});
  } else {
    loss = s("aten::sub.Tensor", {T(s("aten::xlogy.Tensor", {args[1], args[1]})),
                                  T(s("aten::mul.Tensor", {args[1], args[0]}))});
  }
  return s.Results({Reduced(s, loss, args[2])});
}

// (1 - t) x - ((p - 1) t + 1) log(sigmoid(x)), times the weight.
Result CrossEntropyWithLogits(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  TensorId log_sigmoid = s("aten::log_sigmoid", {args[0]});
  if (!IsNone(args, 3)) {
    const TensorId more = s("aten::sub.Scalar", {args[3], int64_t{1}});
    const TensorId factor =
        s("aten::add.Scalar", {T(s("aten::mul.Tensor", {T(more), args[1]})), int64_t{1}});
    log_sigmoid = s("aten::mul.Tensor", {T(log_sigmoid), T(factor)});
  }
  const TensorId rest = s("aten::rsub.Scalar", {args[1], int64_t{1}});
  TensorId loss =
      s("aten::sub.Tensor", {T(s("aten::mul.Tensor", {T(rest), args[0]})), T(log_sigmoid)});
  if (!IsNone(args, 2)) loss = s("aten::mul.Tensor", {T(loss), args[2]});
  return s.Results({Reduced(s, loss, args[4])});
}

// max(0, -t (x1 - x2) + margin).
Result MarginRanking(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  const TensorId difference = s("aten::sub.Tensor", {args[0], args[1]});
  const TensorId product = s("aten::mul.Tensor", {T(s("aten::neg", {args[2]})), T(difference)});
  const TensorId loss =
      s("aten::clamp_min", {T(s("aten::add.Scalar", {T(product), args[3]})), int64_t{0}});
  return s.Results({Reduced(s, loss, args[4])});
}

// x where t is 1, max(0, margin - x) where it is -1; sums of both, as eager has it.
Result HingeEmbedding(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  const TensorId margin =
      s("aten::clamp_min", {T(s("aten::rsub.Scalar", {args[0], args[2]})), int64_t{0}});
  const TensorId far = s("aten::where.ScalarSelf",
                         {T(s("aten::eq.Scalar", {args[1], int64_t{1}})), int64_t{0}, T(margin)});
  const TensorId near = s("aten::where.ScalarSelf",
                          {T(s("aten::eq.Scalar", {args[1], int64_t{-1}})), int64_t{0}, args[0]});
  return s.Results({Reduced(s, s("aten::add.Tensor", {T(far), T(near)}), args[3])});
}

// Stirling's approximation of log(t!), where t > 1.
TensorId LogFactorial(Steps& s, const Operand& target) {
  const TensorId log = s("aten::log", {target});
  const TensorId product = s("aten::mul.Tensor", {target, T(log)});
  const TensorId angle = s("aten::mul.Scalar", {target, 2 * std::numbers::pi});
  const TensorId half = s("aten::mul.Scalar", {T(s("aten::log", {T(angle)})), 0.5});
  const TensorId sum =
      s("aten::add.Tensor", {T(s("aten::sub.Tensor", {T(product), target})), T(half)});
  const TensorId small = s("aten::le.Scalar", {target, int64_t{1}});
  return s("aten::masked_fill.Scalar", {T(sum), T(small), int64_t{0}});
}

// exp(x) - t x, or x - t log(x + eps); with log(t!) if it is to be full.
Result PoissonNll(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  TensorId loss;
  if (std::get<bool>(args[2])) {
    loss = s("aten::sub.Tensor",
             {T(s("aten::exp", {args[0]})), T(s("aten::mul.Tensor", {args[1], args[0]}))});
  } else {
    const TensorId log = s("aten::log", {T(s("aten::add.Scalar", {args[0], args[4]}))});
    loss = s("aten::sub.Tensor", {args[0], T(s("aten::mul.Tensor", {args[1], T(log)}))});
  }
  if (std::get<bool>(args[3])) loss = s("aten::add.Tensor", {T(loss), T(LogFactorial(s, args[1]))});
  return s.Results({Reduced(s, loss, args[5])});
}

// max(0, margin + d(anchor, positive) - d(anchor, negative)).
Result TripletMargin(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  const auto distance = [&](size_t a, size_t b) {
    return s("aten::pairwise_distance", {args[a], args[b], args[4], args[5], false});
  };
  const TensorId near = distance(0, 1);
  TensorId far = distance(0, 2);
  if (std::get<bool>(args[6])) far = s("aten::minimum", {T(far), T(distance(1, 2))});
  const TensorId sum =
      s("aten::sub.Tensor", {T(s("aten::add.Scalar", {T(near), args[3]})), T(far)});
  return s.Results({Reduced(s, s("aten::clamp_min", {T(sum), int64_t{0}}), args[7])});
}

constexpr RewriteRow kRows[] = {
    {"aten::l1_loss", L1Loss, "sub.Tensor, abs, mean or sum"},
    {"aten::nll_loss_nd", NllLoss, "nll_loss_forward or nll_loss2d_forward"},
    {"aten::cross_entropy_loss", CrossEntropy, "log_softmax.int, nll_loss_forward"},
    {"aten::cosine_embedding_loss", CosineEmbedding, "mul.Tensor, sum.dim_IntList, clamp_min"},
    {"aten::poisson_nll_loss", PoissonNll, "exp or log, mul.Tensor"},
    {"aten::kl_div", KlDivergence, "xlogy.Tensor, mul.Tensor"},
    {"aten::binary_cross_entropy_with_logits", CrossEntropyWithLogits, "log_sigmoid"},
    {"aten::margin_ranking_loss", MarginRanking, "clamp_min"},
    {"aten::hinge_embedding_loss", HingeEmbedding, "clamp_min, where.ScalarSelf"},
    {"aten::triplet_margin_loss", TripletMargin, "pairwise_distance, clamp_min"},
};

}  // namespace

absl::Span<const RewriteRow> LossRewrites() { return kRows; }

}  // namespace ingot::pt2
