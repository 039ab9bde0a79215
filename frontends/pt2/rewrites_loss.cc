// Rewrites of losses.
#include <string>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "frontends/pt2/rewrites.h"
#include "frontends/pt2/steps.h"

namespace ingot::pt2 {
namespace {

using Result = absl::StatusOr<Tensors>;

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

// Classes along dimension 1: [N,C] and [N,C,H,W]; the others stay as they are.
Result NllLoss(Emitter& emitter, const OpSignature& op, Operands args) {
  const int rank = emitter.type(TensorArg(args, 0)).rank();
  if (rank != 2 && rank != 4) return emitter.ApplyAsIs(op, std::move(args));
  return Only(emitter.Apply(rank == 2 ? "aten::nll_loss_forward" : "aten::nll_loss2d_forward",
                            std::move(args)),
              0);
}

// Of class numbers, without label smoothing.
Result CrossEntropy(Emitter& emitter, const OpSignature& op, Operands args) {
  const int rank = emitter.type(TensorArg(args, 0)).rank();
  const bool classes = emitter.type(TensorArg(args, 1)).dtype == ir::DType::kInt64;
  if (!classes || std::get<double>(args[5]) != 0 || (rank != 2 && rank != 4)) {
    return emitter.ApplyAsIs(op, std::move(args));
  }
  INGOT_ASSIGN_OR_RETURN(const TensorId logs,
                         emitter.ApplyOne("aten::log_softmax.int", {args[0], int64_t{1}}));
  return emitter.Apply("aten::nll_loss_nd", {T(logs), args[1], args[2], args[3], args[4]});
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

// exp(x) - t x, or x - t log(x + eps); without the approximation of log(t!).
Result PoissonNll(Emitter& emitter, const OpSignature& op, Operands args) {
  if (std::get<bool>(args[3])) return emitter.ApplyAsIs(op, std::move(args));
  Steps s(emitter);
  TensorId loss;
  if (std::get<bool>(args[2])) {
    loss = s("aten::sub.Tensor",
             {T(s("aten::exp", {args[0]})), T(s("aten::mul.Tensor", {args[1], args[0]}))});
  } else {
    const TensorId log = s("aten::log", {T(s("aten::add.Scalar", {args[0], args[4]}))});
    loss = s("aten::sub.Tensor", {args[0], T(s("aten::mul.Tensor", {args[1], T(log)}))});
  }
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
