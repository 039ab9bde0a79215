// Ops that write, read or count the elements that an index names, and searches in sorted values.
// Indices come from data: each is checked before use.
#include <limits>

#include "absl/strings/str_cat.h"
#include "backends/reference/kernels/families.h"
#include "core/base/status_macros.h"

namespace ingot::reference {
namespace {

absl::Status OutOfRange(const KernelContext& context, int64_t index, int64_t size) {
  return context.Error(absl::StrCat("index ", index, " is out of range for size ", size));
}

void Copy(const ConstTensor& in, int64_t from, const Tensor& out, int64_t to, int64_t n) {
  CopyElements(in, {{1}, from}, out, {{1}, to}, {n});
}

// Calls fn(offset in self, offset in source) for each element of the slices that `index` names.
// Negative indices count from the end where `negative_too`.
template <typename Fn>
absl::Status ForEachInSlices(const KernelContext& context, bool negative_too, Fn&& fn) {
  const ConstTensor index = context.In("index");
  const Axis axis = AxisOf(context.Out().dims, context.op().Int("dim"));
  const int64_t count = index.NumElements();
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = Load<int64_t>(index, i);
    if (negative_too && at < 0) at += axis.size;
    if (at < 0 || at >= axis.size) return OutOfRange(context, at, axis.size);
    for (int64_t o = 0; o < axis.outer; ++o) {
      for (int64_t k = 0; k < axis.inner; ++k) {
        fn((o * axis.size + at) * axis.inner + k, (o * count + i) * axis.inner + k);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status RunIndexAdd(const KernelContext& context) {
  const ConstTensor source = context.In("source");
  const Tensor out = context.Out();
  CopyDense(context.In("self"), out);
  const Number alpha = context.Scalar("alpha");
  return ForEachInSlices(context, false, [&](int64_t to, int64_t from) {
    VisitElement(out.dtype, [&](auto tag) {
      using C = Wide<decltype(tag)>;
      Store(Plus(Load<C>(out, to), Times(alpha.As<C>(), Load<C>(source, from))), out, to);
    });
  });
}

absl::Status RunIndexCopy(const KernelContext& context) {
  const ConstTensor source = context.In("source");
  CopyDense(context.In("self"), context.Out());
  return ForEachInSlices(
      context, false, [&](int64_t to, int64_t from) { Copy(source, from, context.Out(), to, 1); });
}

absl::Status RunIndexFill(const KernelContext& context) {
  const Tensor out = context.Out();
  CopyDense(context.In("self"), out);
  const Number value = context.Scalar("value");
  return ForEachInSlices(context, true, [&](int64_t to, int64_t) {
    VisitElement(out.dtype, [&](auto tag) {
      using T = decltype(tag);
      static_cast<T*>(out.data)[to] = value.As<T>();
    });
  });
}

// The five ways in which several sources of one element become one.
enum class Reduce { kSum, kProd, kMean, kMax, kMin };

Reduce ReadReduce(const KernelContext& context) {
  const std::string& name = context.op().String("reduce");
  if (name == "sum") return Reduce::kSum;
  if (name == "prod") return Reduce::kProd;
  if (name == "mean") return Reduce::kMean;
  return name == "amax" || name == "max" ? Reduce::kMax : Reduce::kMin;
}

template <typename A>
A Combine(Reduce reduce, A a, A b) {
  switch (reduce) {
    case Reduce::kSum:
    case Reduce::kMean:
      return Plus(a, b);
    case Reduce::kProd:
      return Times(a, b);
    case Reduce::kMax:
      return IsNan(a) ? a : IsNan(b) || b > a ? b : a;
    case Reduce::kMin:
      return IsNan(a) ? a : IsNan(b) || b < a ? b : a;
  }
  return a;
}

// Scratch: an accumulator and a count for each result. `walk` calls its argument with (offset in
// self, offset in source) for each pair.
template <typename Walk>
absl::Status RunReduce(const KernelContext& context, const ConstTensor& source, Reduce reduce,
                       bool include_self, Walk&& walk) {
  const ConstTensor self = context.In("self");
  const Tensor out = context.Out();
  const int64_t total = out.NumElements();
  CopyDense(self, out);
  absl::Status status;
  VisitAccumulator(out.dtype, [&](auto tag) {
    using A = decltype(tag);
    A* values = context.Scratch<A>();
    int64_t* counts = reinterpret_cast<int64_t*>(values + total);
    std::fill_n(counts, total, int64_t{0});
    status = walk([&](int64_t to, int64_t from) {
      const A value = Load<A>(source, from);
      const bool first = counts[to]++ == 0;
      if (first && !include_self) {
        values[to] = value;
        return;
      }
      if (first) values[to] = Load<A>(self, to);
      values[to] = Combine(reduce, values[to], value);
    });
    for (int64_t i = 0; i < total && status.ok(); ++i) {
      if (counts[i] == 0) continue;
      A value = values[i];
      const int64_t count = counts[i] + include_self;
      if (reduce == Reduce::kMean) {
        if constexpr (std::is_integral_v<A>) {
          value = value / count - (value % count != 0 && value < 0);
        } else {
          value /= static_cast<A>(count);
        }
      }
      Store(value, out, i);
    }
  });
  return status;
}

absl::Status RunIndexReduce(const KernelContext& context) {
  return RunReduce(context, context.In("source"), ReadReduce(context),
                   context.op().Bool("include_self"),
                   [&](auto&& fn) { return ForEachInSlices(context, false, fn); });
}

absl::Status ScatterReduced(const KernelContext& context, Reduce reduce, bool include_self) {
  const ConstTensor index = context.In("index"), src = context.In("src");
  const Tensor out = context.Out();
  const int rank = std::max(index.rank(), 1);
  const int64_t one[] = {1};
  const auto at_least_1d = [&](absl::Span<const int64_t> dims) {
    return dims.empty() ? absl::MakeConstSpan(one) : dims;
  };
  const ir::Dims strides = ir::ContiguousStrides(at_least_1d(index.dims));
  const ir::Dims src_strides = ir::ContiguousStrides(at_least_1d(src.dims));
  const ir::Dims out_strides = ir::ContiguousStrides(at_least_1d(out.dims));
  const int64_t dim = context.op().Int("dim");
  const int along = static_cast<int>(dim < 0 ? dim + rank : dim);
  return RunReduce(context, src, reduce, include_self, [&](auto&& fn) -> absl::Status {
    const int64_t count = index.NumElements();
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at = Load<int64_t>(index, i), limit = at_least_1d(out.dims)[along];
      if (at < 0 || at >= limit) return OutOfRange(context, at, limit);
      int64_t rest = i, to = 0, from = 0;
      for (int d = 0; d < rank; ++d) {
        const int64_t place = rest / strides[d];
        rest %= strides[d];
        to += (d == along ? at : place) * out_strides[d];
        from += place * src_strides[d];
      }
      fn(to, from);
    }
    return absl::OkStatus();
  });
}

absl::Status RunScatterReduce(const KernelContext& context) {
  return ScatterReduced(context, ReadReduce(context), context.op().Bool("include_self"));
}

absl::Status RunScatterAdd(const KernelContext& context) {
  return ScatterReduced(context, Reduce::kSum, true);
}

int64_t ReduceScratch(const ops::OpView& op) { return 16 * op.OutputType().NumElements(); }

absl::Status RunMaskedScatter(const KernelContext& context) {
  const ConstTensor self = context.In("self"), mask = context.In("mask");
  const ConstTensor source = context.In("source");
  const Tensor out = context.Out();
  const int64_t available = source.NumElements();
  int64_t next = 0, at = 0;
  ForEachPair(out.dims, BroadcastLayout(self.dims, out.dims), BroadcastLayout(mask.dims, out.dims),
              [&](int64_t a, int64_t b, int64_t n, int64_t step_a, int64_t step_b) {
                for (int64_t i = 0; i < n; ++i, ++at) {
                  const bool taken = Load<int64_t>(mask, b + i * step_b) != 0;
                  if (taken && next < available) Copy(source, next, out, at, 1);
                  if (!taken) Copy(self, a + i * step_a, out, at, 1);
                  next += taken;
                }
              });
  if (next <= available) return absl::OkStatus();
  return context.Error(absl::StrCat("mask names ", next, " elements, source has ", available));
}

absl::Status RunTake(const KernelContext& context) {
  const ConstTensor self = context.In("self"), index = context.In("index");
  const int64_t size = self.NumElements(), count = index.NumElements();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = Load<int64_t>(index, i);
    if (at < -size || at >= size) return OutOfRange(context, at, size);
    Copy(self, at < 0 ? at + size : at, context.Out(), i, 1);
  }
  return absl::OkStatus();
}

// Place of `value` among the n elements of a row, read in the order of `sorter` if there is one.
template <typename A>
int64_t Search(const ConstTensor& row, int64_t offset, int64_t n, const ConstTensor* sorter,
               A value, bool right) {
  int64_t begin = 0, end = n;
  while (begin < end) {
    const int64_t middle = begin + (end - begin) / 2;
    const int64_t at = sorter == nullptr ? middle : Load<int64_t>(*sorter, offset + middle);
    const A element = Load<A>(row, offset + at);
    if (right ? !(element > value) : !(element >= value)) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

absl::Status RunBucketize(const KernelContext& context) {
  const ConstTensor self = context.In("self"), boundaries = context.In("boundaries");
  const int64_t total = self.NumElements();
  VisitAccumulator(self.dtype, [&](auto tag) {
    for (int64_t i = 0; i < total; ++i) {
      const int64_t place = Search(boundaries, 0, boundaries.dims[0], nullptr,
                                   Load<decltype(tag)>(self, i), context.op().Bool("right"));
      Store(place, context.Out(), i);
    }
  });
  return absl::OkStatus();
}

absl::Status RunSearchsorted(const KernelContext& context) {
  const ConstTensor self = context.In("self"), sorted = context.In("sorted_sequence");
  const bool right = context.op().Bool("right") ||
                     (context.op().Has("side") && context.op().String("side") == "right");
  const bool has_sorter = context.op().Has("sorter");
  const ConstTensor sorter = has_sorter ? context.In("sorter") : ConstTensor();
  const int64_t n = sorted.dims.back(), total = self.NumElements();
  const int64_t width = self.dims.empty() ? 1 : self.dims.back();
  if (has_sorter) {
    const int64_t count = sorter.NumElements();
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at = Load<int64_t>(sorter, i);
      if (at < 0 || at >= n) return OutOfRange(context, at, n);
    }
  }
  VisitAccumulator(self.dtype, [&](auto tag) {
    for (int64_t i = 0; i < total; ++i) {
      const int64_t offset = sorted.rank() == 1 ? 0 : i / width * n;
      Store(Search(sorted, offset, n, has_sorter ? &sorter : nullptr, Load<decltype(tag)>(self, i),
                   right),
            context.Out(), i);
    }
  });
  return absl::OkStatus();
}

// self is [batch, classes, pixels]: `batch` and `pixels` may be 1.
absl::Status RunNll(const KernelContext& context, int64_t batch, int64_t classes, int64_t pixels,
                    bool is_single = false) {
  const ConstTensor self = context.In("self"), target = context.In("target");
  const bool weighted = context.op().Has("weight");
  const ConstTensor weight = weighted ? context.In("weight") : ConstTensor();
  const int64_t reduction = context.op().Int("reduction");
  const int64_t ignored = context.op().Int("ignore_index");
  double sum = 0, total_weight = 0;
  for (int64_t i = 0; i < batch * pixels; ++i) {
    const int64_t c = Load<int64_t>(target, i);
    double loss = 0;
    if (c != ignored) {
      if (c < 0 || c >= classes) return OutOfRange(context, c, classes);
      const double w = weighted ? Load<double>(weight, c) : 1.0;
      loss = -w * Load<double>(self, (i / pixels * classes + c) * pixels + i % pixels);
      total_weight += w;
    }
    if (reduction == 0) Store(loss, context.Out(0), i);
    sum += loss;
  }
  if (reduction == 1) Store(sum / total_weight, context.Out(0), 0);
  if (reduction == 2) Store(sum, context.Out(0), 0);
  Store(reduction == 0 && !is_single ? 0.0 : total_weight, context.Out(1), 0);
  return absl::OkStatus();
}

absl::Status RunNllLoss(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const bool is_single = self.rank() == 1;
  return RunNll(context, is_single ? 1 : self.dims[0], self.dims.back(), 1, is_single);
}

absl::Status RunNllLoss2d(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  return RunNll(context, self.dims[0], self.dims[1], self.dims[2] * self.dims[3]);
}

}  // namespace

std::vector<Kernel> ScatterKernels() {
  return {
      {"aten::index_add", RunIndexAdd},
      {"aten::index_copy", RunIndexCopy},
      {"aten::index_fill.int_Scalar", RunIndexFill},
      {"aten::index_reduce", RunIndexReduce, ReduceScratch},
      {"aten::scatter_reduce.two", RunScatterReduce, ReduceScratch},
      {"aten::scatter_add", RunScatterAdd, ReduceScratch},
      {"aten::masked_scatter", RunMaskedScatter},
      {"aten::take", RunTake},
      {"aten::bucketize.Tensor", RunBucketize},
      {"aten::searchsorted.Tensor", RunSearchsorted},
      {"aten::nll_loss_forward", RunNllLoss},
      {"aten::nll_loss2d_forward", RunNllLoss2d},
  };
}

}  // namespace ingot::reference
