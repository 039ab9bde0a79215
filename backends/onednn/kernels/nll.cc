#include "backends/onednn/kernels/nll.h"

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/elements.h"

namespace ingot::kernels {
namespace {

template <class T>
absl::Status Run(const NllArgs& args) {
  using C = Compute<T>;
  using Reduction = NllArgs::Reduction;
  const T* const x = static_cast<const T*>(args.x);
  const T* const weight = static_cast<const T*>(args.weight);
  T* const output = static_cast<T*>(args.output);
  double sum = 0, total = 0;
  for (int64_t i = 0; i < args.batch * args.inner; ++i) {
    const int64_t target = args.target_is_u8 ? static_cast<const uint8_t*>(args.target)[i]
                                             : static_cast<const int64_t*>(args.target)[i];
    const bool ignored = target == args.ignore_index;
    if (!ignored && static_cast<uint64_t>(target) >= static_cast<uint64_t>(args.classes)) {
      return absl::OutOfRangeError(
          absl::StrCat("target ", target, " is none of ", args.classes, " classes"));
    }
    C loss = 0;
    if (!ignored) {
      const C w = weight == nullptr ? C{1} : static_cast<C>(weight[target]);
      const int64_t n = i / args.inner, at = i % args.inner;
      loss = -static_cast<C>(x[(n * args.classes + target) * args.inner + at]) * w;
      total += w;
    }
    if (args.reduction == Reduction::kNone) output[i] = static_cast<T>(loss);
    sum += loss;
  }
  if (args.reduction == Reduction::kNone) total = 0;
  if (args.reduction == Reduction::kMean) sum /= total;
  if (args.reduction != Reduction::kNone) *output = static_cast<T>(static_cast<C>(sum));
  if (args.total_weight != nullptr) {
    *static_cast<T*>(args.total_weight) = static_cast<T>(static_cast<C>(total));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status NegativeLogLikelihood(const NllArgs& args) {
  absl::Status status;
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    if constexpr (kIsFloating<T>) status = Run<T>(args);
  });
  return status;
}

}  // namespace ingot::kernels
