// Scans along a dimension, order statistics, and reductions with several or unusual results.
#include <limits>
#include <numeric>

#include "backends/reference/kernels/families.h"

namespace ingot::reference {
namespace {

// Calls fn(row, offset of its first element) for each row along the axis.
template <typename Fn>
void ForEachRow(const Axis& axis, Fn&& fn) {
  for (int64_t row = 0; row < axis.outer * axis.inner; ++row) {
    fn(row, row / axis.inner * axis.size * axis.inner + row % axis.inner);
  }
}

// The argument `dim`, or all elements as one row where the op has none or it is None.
Axis AxisOrAll(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const bool along = context.op().def().schema.Find("dim") >= 0 && context.op().Has("dim");
  if (along) return AxisOf(self.dims, context.op().Int("dim"));
  return {1, self.NumElements(), 1};
}

template <typename A>
A RoundedTo(ir::DType dtype, A value) {
  A rounded{};
  VisitElement(dtype, [&](auto tag) { rounded = Convert<A>(Convert<decltype(tag)>(value)); });
  return rounded;
}

absl::Status RunCumprod(const KernelContext& context) {
  const ConstTensor in = context.In("self");
  const Tensor out = context.Out();
  const Axis axis = AxisOf(in.dims, context.op().Int("dim"));
  const bool floats = ir::IsFloating(out.dtype) || ir::IsFloating(in.dtype);
  VisitAccumulator(floats ? ir::DType::kFloat64 : ir::DType::kInt64, [&](auto tag) {
    using A = decltype(tag);
    ForEachRow(axis, [&](int64_t, int64_t offset) {
      A product = 1;
      for (int64_t i = 0; i < axis.size; ++i) {
        const int64_t at = offset + i * axis.inner;
        product = Times(product, RoundedTo(out.dtype, Load<A>(in, at)));
        Store(product, out, at);
      }
    });
  });
  return absl::OkStatus();
}

// The last of equal extremes counts, and a NaN stays until the next one.
template <bool kMax>
absl::Status RunCumulativeExtreme(const KernelContext& context) {
  const ConstTensor in = context.In("self");
  const Axis axis = AxisOf(in.dims, context.op().Int("dim"));
  VisitAccumulator(in.dtype, [&](auto tag) {
    using A = decltype(tag);
    ForEachRow(axis, [&](int64_t, int64_t offset) {
      A best{};
      int64_t best_at = 0;
      for (int64_t i = 0; i < axis.size; ++i) {
        const A value = Load<A>(in, offset + i * axis.inner);
        const bool beats = kMax ? value >= best : value <= best;
        if (i == 0 || IsNan(value) || (!IsNan(best) && beats)) {
          best = value;
          best_at = i;
        }
        Store(best, context.Out(0), offset + i * axis.inner);
        Store(best_at, context.Out(1), offset + i * axis.inner);
      }
    });
  });
  return absl::OkStatus();
}

absl::Status RunLogcumsumexp(const KernelContext& context) {
  const ConstTensor in = context.In("self");
  const Axis axis = AxisOf(in.dims, context.op().Int("dim"));
  ForEachRow(axis, [&](int64_t, int64_t offset) {
    double sum = -std::numeric_limits<double>::infinity();
    for (int64_t i = 0; i < axis.size; ++i) {
      const double x = Load<double>(in, offset + i * axis.inner);
      const double high = std::max(sum, x), low = std::min(sum, x);
      if (std::isnan(sum) || std::isnan(x)) {
        sum = sum + x;
      } else if (!(std::isinf(high) && high == low)) {
        sum = high + std::log1p(std::exp(low - high));
      }
      Store(sum, context.Out(), offset + i * axis.inner);
    }
  });
  return absl::OkStatus();
}

// The place of the lower median among the row's keys; NaN first where it counts.
template <typename A>
int64_t MedianPlace(const A* keys, int64_t n, bool ignore_nan, int64_t* order) {
  int64_t nans = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (!IsNan(keys[i])) continue;
    if (!ignore_nan) return i;
    ++nans;
  }
  std::iota(order, order + n, int64_t{0});
  // Equal elements count in their order.
  int64_t* nth = order + std::max<int64_t>(n - nans - 1, 0) / 2;
  std::nth_element(order, nth, order + n, [&](int64_t a, int64_t b) {
    if (IsNan(keys[a]) != IsNan(keys[b])) return IsNan(keys[b]);
    if (keys[a] < keys[b] || keys[b] < keys[a]) return keys[a] < keys[b];
    return a < b;
  });
  return *nth;
}

template <bool kIgnoreNan>
absl::Status RunMedian(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const Axis axis = AxisOrAll(context);
  if (axis.size == 0) {  // of all elements, when there are none
    if (ir::IsFloating(self.dtype)) {
      Store(std::numeric_limits<double>::quiet_NaN(), context.Out(), 0);
    } else {
      Store(std::numeric_limits<int64_t>::min(), context.Out(), 0);
    }
    return absl::OkStatus();
  }
  VisitAccumulator(self.dtype, [&](auto tag) {
    using A = decltype(tag);
    A* keys = context.Scratch<A>();
    int64_t* order = reinterpret_cast<int64_t*>(keys + axis.size);
    ForEachRow(axis, [&](int64_t row, int64_t offset) {
      LoadRun(self, offset, axis.inner, axis.size, keys);
      const int64_t place = MedianPlace(keys, axis.size, kIgnoreNan, order);
      Store(keys[place], context.Out(0), row);
      if (context.num_outputs() > 1) Store(place, context.Out(1), row);
    });
  });
  return absl::OkStatus();
}

int64_t MedianScratch(const ops::OpView& op) {
  const ir::TensorType& self = op.TensorType("self");
  const bool along = op.def().schema.Find("dim") >= 0;
  return 16 * (along ? AxisOf(self.dims, op.Int("dim")).size : self.NumElements());
}

absl::Status RunAminmax(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const Axis axis = AxisOrAll(context);
  VisitAccumulator(self.dtype, [&](auto tag) {
    using A = decltype(tag);
    ForEachRow(axis, [&](int64_t row, int64_t offset) {
      A least = Load<A>(self, offset), greatest = least;
      for (int64_t i = 1; i < axis.size && !IsNan(least); ++i) {
        const A value = Load<A>(self, offset + i * axis.inner);
        if (IsNan(value)) least = greatest = value;
        if (value < least) least = value;
        if (value > greatest) greatest = value;
      }
      Store(least, context.Out(0), row);
      Store(greatest, context.Out(1), row);
    });
  });
  return absl::OkStatus();
}

// Where each element of a reduced tensor goes: strides of 0 along the reduced dimensions.
Layout ReducedLayout(absl::Span<const int64_t> dims, absl::Span<const int64_t> list, bool all) {
  Layout layout;
  layout.strides.assign(dims.size(), 0);
  const int64_t rank = static_cast<int64_t>(dims.size());
  int64_t stride = 1;
  for (int64_t d = rank - 1; d >= 0; --d) {
    bool reduced = all;
    for (int64_t dim : list) reduced |= (dim < 0 ? dim + rank : dim) == d;
    if (reduced) continue;
    layout.strides[d] = stride;
    stride *= dims[d];
  }
  return layout;
}

// `empty_is_all`: what an empty list names.
Layout ReadReducedLayout(const KernelContext& context, bool empty_is_all) {
  const auto& op = context.op();
  const absl::Span<const int64_t> dims = context.In("self").dims;
  if (!op.Has("dim")) return ReducedLayout(dims, {}, true);
  const int slot = op.def().schema.Find("dim");
  if (op.def().schema.args[slot].kind == ops::ArgKind::kInt) {
    const int64_t dim[] = {op.Int("dim")};
    return ReducedLayout(dims, dim, dims.empty());
  }
  return ReducedLayout(dims, op.Ints("dim"), empty_is_all && op.Ints("dim").empty());
}

// Calls fn(offset of an element, offset of its result) for all elements.
template <typename Fn>
void ForEachReduced(const KernelContext& context, const Layout& to, Fn&& fn) {
  const absl::Span<const int64_t> dims = context.In("self").dims;
  ForEachPair(dims, DenseLayout(dims), to,
              [&](int64_t a, int64_t b, int64_t n, int64_t step_a, int64_t step_b) {
                for (int64_t i = 0; i < n; ++i) fn(a + i * step_a, b + i * step_b);
              });
}

// Scratch: a double or int64_t for each result.
int64_t ResultScratch(const ops::OpView& op) { return 24 * op.OutputType().NumElements() + 24; }

absl::Status RunNansum(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const Tensor out = context.Out();
  const int64_t results = out.NumElements();
  const bool floats = ir::IsFloating(out.dtype) || ir::IsFloating(self.dtype);
  VisitAccumulator(floats ? ir::DType::kFloat64 : ir::DType::kInt64, [&](auto tag) {
    using A = decltype(tag);
    A* sums = context.Scratch<A>();
    std::fill_n(sums, results, A(0));
    ForEachReduced(context, ReadReducedLayout(context, true), [&](int64_t from, int64_t to) {
      const A value = RoundedTo(out.dtype, Load<A>(self, from));
      if (!IsNan(value)) sums[to] = Plus(sums[to], value);
    });
    StoreRun(sums, results, out, 0, 1);
  });
  return absl::OkStatus();
}

absl::Status RunCountNonzero(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const int64_t results = context.Out().NumElements();
  int64_t* counts = context.Scratch<int64_t>();
  std::fill_n(counts, results, int64_t{0});
  VisitAccumulator(self.dtype, [&](auto tag) {
    ForEachReduced(context, ReadReducedLayout(context, true), [&](int64_t from, int64_t to) {
      counts[to] += Load<decltype(tag)>(self, from) != 0;
    });
  });
  StoreRun(counts, results, context.Out(), 0, 1);
  return absl::OkStatus();
}

template <bool kAny>
absl::Status RunTruthDims(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const int64_t results = context.Out().NumElements();
  int64_t* truths = context.Scratch<int64_t>();
  std::fill_n(truths, results, int64_t{!kAny});
  VisitAccumulator(self.dtype, [&](auto tag) {
    ForEachReduced(context, ReadReducedLayout(context, false), [&](int64_t from, int64_t to) {
      const bool truth = Load<decltype(tag)>(self, from) != 0;
      if (truth == kAny) truths[to] = kAny;
    });
  });
  StoreRun(truths, results, context.Out(), 0, 1);
  return absl::OkStatus();
}

// Two passes: the means, then the squared distances from them.
template <bool kRoot>
absl::Status RunVarianceAndMean(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const Layout to = ReadReducedLayout(context, true);
  const int64_t results = context.Out().NumElements();
  const double correction =
      context.op().Has("correction") ? context.Scalar("correction").As<double>() : 1.0;
  double* means = context.Scratch<double>();
  double* squares = means + results;
  std::fill_n(means, 2 * results, 0.0);
  if (results == 0) return absl::OkStatus();
  const double count = static_cast<double>(self.NumElements() / results);
  ForEachReduced(context, to,
                 [&](int64_t from, int64_t k) { means[k] += Load<double>(self, from); });
  for (int64_t k = 0; k < results; ++k) means[k] /= count;
  ForEachReduced(context, to, [&](int64_t from, int64_t k) {
    const double distance = Load<double>(self, from) - means[k];
    squares[k] += distance * distance;
  });
  for (int64_t k = 0; k < results; ++k) {
    const double variance = squares[k] / std::max(count - correction, 0.0);
    Store(kRoot ? std::sqrt(variance) : variance, context.Out(0), k);
    Store(means[k], context.Out(1), k);
  }
  return absl::OkStatus();
}

absl::Status RunTrace(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const int64_t n = std::min(self.dims[0], self.dims[1]);
  VisitAccumulator(self.dtype, [&](auto tag) {
    using A = decltype(tag);
    A sum = 0;
    for (int64_t i = 0; i < n; ++i) sum = Plus(sum, Load<A>(self, i * (self.dims[1] + 1)));
    Store(sum, context.Out(), 0);
  });
  return absl::OkStatus();
}

}  // namespace

std::vector<Kernel> ScanKernels() {
  return {
      {"aten::cumprod", RunCumprod},
      {"aten::cummax", RunCumulativeExtreme<true>},
      {"aten::cummin", RunCumulativeExtreme<false>},
      {"aten::logcumsumexp", RunLogcumsumexp},
      {"aten::median", RunMedian<false>, MedianScratch},
      {"aten::nanmedian", RunMedian<true>, MedianScratch},
      {"aten::median.dim", RunMedian<false>, MedianScratch},
      {"aten::nanmedian.dim", RunMedian<true>, MedianScratch},
      {"aten::aminmax", RunAminmax},
      {"aten::nansum", RunNansum, ResultScratch},
      {"aten::count_nonzero", RunCountNonzero, ResultScratch},
      {"aten::count_nonzero.dim_IntList", RunCountNonzero, ResultScratch},
      {"aten::any.dims", RunTruthDims<true>, ResultScratch},
      {"aten::all.dims", RunTruthDims<false>, ResultScratch},
      {"aten::var_mean.correction", RunVarianceAndMean<false>, ResultScratch},
      {"aten::std_mean.correction", RunVarianceAndMean<true>, ResultScratch},
      {"aten::trace", RunTrace},
  };
}

}  // namespace ingot::reference
