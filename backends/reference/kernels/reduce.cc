// Reductions and scans. Floats accumulate in double, integers in int64_t.
#include <limits>

#include "backends/reference/kernels/families.h"

namespace ingot::reference {
namespace {

// Which elements each result element is made of.
struct Reduction {
  ir::Dims kept_dims, reduced_dims;
  Layout kept, reduced;  // places of the first and of the further elements
  int64_t count = 1;     // elements a result

  // Calls fn(k, offset) for result element k, whose elements are ForEachElement's from `offset` on.
  template <typename Fn>
  void ForEachResult(Fn&& fn) const {
    int64_t k = 0;
    const Layout none = {ir::Dims(kept_dims.size(), 0), 0};
    ForEachPair(kept_dims, kept, none,
                [&](int64_t at, int64_t, int64_t n, int64_t stride, int64_t) {
                  for (int64_t i = 0; i < n; ++i) fn(k++, at + i * stride);
                });
  }

  // Calls fn(values, n) for all elements of one result, in row-major order.
  template <typename A, typename Fn>
  void ForEachElement(const ConstTensor& in, int64_t offset, Fn&& fn) const {
    const Layout none = {ir::Dims(reduced_dims.size(), 0), 0};
    const Layout from = {reduced.strides, offset};
    ForEachPair(reduced_dims, from, none,
                [&](int64_t at, int64_t, int64_t n, int64_t stride, int64_t) {
                  ForEachRun<A>(in, at, stride, n, fn);
                });
  }
};

// `dims` empty: all.
Reduction MakeReduction(absl::Span<const int64_t> sizes, absl::Span<const int64_t> dims) {
  Reduction r;
  const ir::Dims strides = ir::ContiguousStrides(sizes);
  const int64_t rank = static_cast<int64_t>(sizes.size());
  for (int64_t i = 0; i < rank; ++i) {
    bool reduce = dims.empty();
    for (int64_t dim : dims) reduce |= (dim < 0 ? dim + rank : dim) == i;
    (reduce ? r.reduced_dims : r.kept_dims).push_back(sizes[i]);
    (reduce ? r.reduced.strides : r.kept.strides).push_back(strides[i]);
  }
  r.count = Product(r.reduced_dims);
  return r;
}

Reduction ReadReduction(const KernelContext& context) {
  const auto& schema = context.op().def().schema;
  const int slot = schema.Find("dim");
  if (slot < 0 || !context.op().Has("dim")) return MakeReduction(context.In("self").dims, {});
  if (schema.args[slot].kind == ops::ArgKind::kInt) {
    return MakeReduction(context.In("self").dims, {context.op().Int("dim")});
  }
  return MakeReduction(context.In("self").dims, context.op().Ints("dim"));
}

// Eager casts the operand to `dtype` before it reduces; that shows where the dtype is narrower or a
// bool.
template <typename A>
A Cast(ir::DType dtype, A value) {
  A cast{};
  VisitElement(dtype, [&](auto tag) { cast = Convert<A>(Convert<decltype(tag)>(value)); });
  return cast;
}

// Reduces with Acc: Add(value) for each element, Result(count) at the end. A: the accumulator's
// type.
template <template <typename> typename Acc, typename A>
void Accumulate(const KernelContext& context, bool cast) {
  const Reduction r = ReadReduction(context);
  const ConstTensor in = context.In("self");
  const Tensor out = context.Out();
  cast = cast && in.dtype != out.dtype;
  r.ForEachResult([&](int64_t k, int64_t offset) {
    Acc<A> acc;
    r.ForEachElement<A>(in, offset, [&](const A* values, int64_t n) {
      for (int64_t i = 0; i < n; ++i) acc.Add(cast ? Cast(out.dtype, values[i]) : values[i]);
    });
    Store(acc.Result(r.count), out, k);
  });
}

template <typename A>
struct SumAcc {
  A total = 0;
  void Add(A value) { total = Plus(total, value); }
  A Result(int64_t) const { return total; }
};

template <typename A>
struct MeanAcc {
  A total = 0;
  void Add(A value) { total = Plus(total, value); }
  A Result(int64_t count) const { return total / static_cast<A>(count); }
};

template <typename A>
struct ProdAcc {
  A product = 1;
  void Add(A value) { product = Times(product, value); }
  A Result(int64_t) const { return product; }
};

template <typename A>
struct AnyAcc {
  bool any = false;
  void Add(A value) { any |= value != 0; }
  A Result(int64_t) const { return any; }
};

template <typename A>
struct AllAcc {
  bool all = true;
  void Add(A value) { all &= value != 0; }
  A Result(int64_t) const { return all; }
};

// Sums and the like compute in the dtype of their result.
template <template <typename> typename Acc>
absl::Status RunSumLike(const KernelContext& context) {
  const bool floats =
      ir::IsFloating(context.Out().dtype) || ir::IsFloating(context.In("self").dtype);
  if (floats) {
    Accumulate<Acc, double>(context, /*cast=*/true);
  } else {
    Accumulate<Acc, int64_t>(context, /*cast=*/true);
  }
  return absl::OkStatus();
}

absl::Status RunMean(const KernelContext& context) {
  Accumulate<MeanAcc, double>(context, /*cast=*/true);
  return absl::OkStatus();
}

template <template <typename> typename Acc>
absl::Status RunTruth(const KernelContext& context) {
  VisitAccumulator(context.In("self").dtype,
                   [&](auto tag) { Accumulate<Acc, decltype(tag)>(context, /*cast=*/false); });
  return absl::OkStatus();
}

// True if `value` takes the place of `best`: NaN beats all, and the first of equals stays.
template <bool kMax, typename A>
bool Beats(A value, A best) {
  if (IsNan(best)) return false;
  return IsNan(value) || (kMax ? value > best : value < best);
}

// Value and place (in row-major order of the reduced elements) of each extreme; either may go
// unused.
template <bool kMax>
absl::Status Extremes(const KernelContext& context, int value_output, int index_output) {
  const Reduction r = ReadReduction(context);
  const ConstTensor in = context.In("self");
  VisitAccumulator(in.dtype, [&](auto tag) {
    using A = decltype(tag);
    r.ForEachResult([&](int64_t k, int64_t offset) {
      A best{};
      int64_t best_at = 0, at = 0;
      r.ForEachElement<A>(in, offset, [&](const A* values, int64_t n) {
        for (int64_t i = 0; i < n; ++i, ++at) {
          if (at != 0 && !Beats<kMax>(values[i], best)) continue;
          best = values[i];
          best_at = at;
        }
      });
      if (value_output >= 0) Store(best, context.Out(value_output), k);
      if (index_output >= 0) Store(best_at, context.Out(index_output), k);
    });
  });
  return absl::OkStatus();
}

template <bool kMax>
absl::Status RunExtreme(const KernelContext& context) {
  return Extremes<kMax>(context, 0, -1);
}
template <bool kMax>
absl::Status RunExtremeWithIndex(const KernelContext& context) {
  return Extremes<kMax>(context, 0, 1);
}
template <bool kMax>
absl::Status RunArgExtreme(const KernelContext& context) {
  return Extremes<kMax>(context, -1, 0);
}

// Two passes: the mean, then the squared distances from it.
template <bool kRoot>
absl::Status RunVariance(const KernelContext& context) {
  const Reduction r = ReadReduction(context);
  const ConstTensor in = context.In("self");
  const double correction =
      context.op().Has("correction") ? context.Scalar("correction").As<double>() : 1.0;
  const double divisor = std::max(static_cast<double>(r.count) - correction, 0.0);
  r.ForEachResult([&](int64_t k, int64_t offset) {
    double sum = 0, squares = 0;
    r.ForEachElement<double>(in, offset, [&](const double* values, int64_t n) {
      for (int64_t i = 0; i < n; ++i) sum += values[i];
    });
    const double mean = sum / static_cast<double>(r.count);
    r.ForEachElement<double>(in, offset, [&](const double* values, int64_t n) {
      for (int64_t i = 0; i < n; ++i) squares += (values[i] - mean) * (values[i] - mean);
    });
    const double variance = squares / divisor;
    Store(kRoot ? std::sqrt(variance) : variance, context.Out(), k);
  });
  return absl::OkStatus();
}

// |x|^p, summed; infinite p: extremes.
class NormAcc {
 public:
  explicit NormAcc(double p) : p_(p) {
    if (std::isinf(p)) total_ = p > 0 ? 0 : std::numeric_limits<double>::infinity();
  }
  void Add(double value) {
    const double x = std::abs(value);
    if (std::isinf(p_)) {
      if (p_ > 0 ? Beats<true>(x, total_) : Beats<false>(x, total_)) total_ = x;
    } else if (p_ == 0) {
      total_ += x != 0;
    } else if (p_ == 2) {
      total_ += x * x;
    } else {
      total_ += std::pow(x, p_);
    }
  }
  double Result() const {
    if (std::isinf(p_) || p_ == 0) return total_;
    return p_ == 2 ? std::sqrt(total_) : std::pow(total_, 1 / p_);
  }

 private:
  const double p_;
  double total_ = 0;
};

absl::Status RunNorm(const KernelContext& context) {
  const char* order = context.op().def().schema.Find("ord") >= 0 ? "ord" : "p";
  const double p = context.op().Has(order) ? context.Scalar(order).As<double>() : 2.0;
  const Reduction r = ReadReduction(context);
  const ConstTensor in = context.In("self");
  r.ForEachResult([&](int64_t k, int64_t offset) {
    NormAcc acc(p);
    r.ForEachElement<double>(in, offset, [&](const double* values, int64_t n) {
      for (int64_t i = 0; i < n; ++i) acc.Add(values[i]);
    });
    Store(acc.Result(), context.Out(), k);
  });
  return absl::OkStatus();
}

// log(sum(e^x)) = m + log(sum(e^(x - m))) with m the maximum, or 0 where that is infinite.
absl::Status RunLogsumexp(const KernelContext& context) {
  const Reduction r = ReadReduction(context);
  const ConstTensor in = context.In("self");
  r.ForEachResult([&](int64_t k, int64_t offset) {
    double greatest = -std::numeric_limits<double>::infinity(), sum = 0;
    r.ForEachElement<double>(in, offset, [&](const double* values, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        if (Beats<true>(values[i], greatest)) greatest = values[i];
      }
    });
    const double shift = std::isinf(greatest) ? 0.0 : greatest;
    r.ForEachElement<double>(in, offset, [&](const double* values, int64_t n) {
      for (int64_t i = 0; i < n; ++i) sum += std::exp(values[i] - shift);
    });
    Store(shift + std::log(sum), context.Out(), k);
  });
  return absl::OkStatus();
}

absl::Status RunCumsum(const KernelContext& context) {
  const ConstTensor in = context.In("self");
  const Tensor out = context.Out();
  const Axis axis = AxisOf(in.dims, context.op().Int("dim"));
  const bool floats = ir::IsFloating(out.dtype) || ir::IsFloating(in.dtype);
  VisitAccumulator(floats ? ir::DType::kFloat64 : ir::DType::kInt64, [&](auto tag) {
    using A = decltype(tag);
    for (int64_t row = 0; row < axis.outer * axis.inner; ++row) {
      const int64_t offset = row / axis.inner * axis.size * axis.inner + row % axis.inner;
      A total = 0;
      for (int64_t i = 0; i < axis.size; ++i) {
        const int64_t at = offset + i * axis.inner;
        total = Plus(total, Cast(out.dtype, Load<A>(in, at)));
        Store(total, out, at);
      }
    }
  });
  return absl::OkStatus();
}

}  // namespace

std::vector<Kernel> ReduceKernels() {
  return {
      {"aten::sum", RunSumLike<SumAcc>},
      {"aten::sum.dim_IntList", RunSumLike<SumAcc>},
      {"aten::prod", RunSumLike<ProdAcc>},
      {"aten::prod.dim_int", RunSumLike<ProdAcc>},
      {"aten::mean", RunMean},
      {"aten::mean.dim", RunMean},
      {"aten::any", RunTruth<AnyAcc>},
      {"aten::any.dim", RunTruth<AnyAcc>},
      {"aten::all", RunTruth<AllAcc>},
      {"aten::all.dim", RunTruth<AllAcc>},
      {"aten::amax", RunExtreme<true>},
      {"aten::amin", RunExtreme<false>},
      {"aten::max", RunExtreme<true>},
      {"aten::min", RunExtreme<false>},
      {"aten::max.dim", RunExtremeWithIndex<true>},
      {"aten::min.dim", RunExtremeWithIndex<false>},
      {"aten::argmax", RunArgExtreme<true>},
      {"aten::argmin", RunArgExtreme<false>},
      {"aten::var.correction", RunVariance<false>},
      {"aten::std.correction", RunVariance<true>},
      {"aten::linalg_vector_norm", RunNorm},
      {"aten::norm.ScalarOpt_dim", RunNorm},
      {"aten::logsumexp", RunLogsumexp},
      {"aten::cumsum", RunCumsum},
  };
}

}  // namespace ingot::reference
