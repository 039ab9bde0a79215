// Lookups, scatters, sorting. Indices come from data: each is checked before use.
#include <numeric>

#include "absl/strings/str_cat.h"
#include "backends/reference/kernels/families.h"
#include "core/base/status_macros.h"

namespace ingot::reference {
namespace {

absl::Status OutOfRange(const KernelContext& context, int64_t index, int64_t size) {
  return context.Error(absl::StrCat("index ", index, " is out of range for size ", size));
}

void CopyRun(const ConstTensor& in, int64_t from, const Tensor& out, int64_t to, int64_t n) {
  CopyElements(in, {{1}, from}, out, {{1}, to}, {n});
}

absl::Status RunEmbedding(const KernelContext& context) {
  const ConstTensor weight = context.In("weight"), indices = context.In("indices");
  const int64_t rows = weight.dims[0], width = weight.dims[1];
  const int64_t count = indices.NumElements();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = Load<int64_t>(indices, i);
    if (row < 0 || row >= rows) return OutOfRange(context, row, rows);
    CopyRun(weight, row * width, context.Out(), i * width, width);
  }
  return absl::OkStatus();
}

absl::Status RunIndexSelect(const KernelContext& context) {
  const ConstTensor self = context.In("self"), index = context.In("index");
  const Axis axis = AxisOf(self.dims, context.op().Int("dim"));
  const int64_t count = index.NumElements();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = Load<int64_t>(index, i);
    if (at < 0 || at >= axis.size) return OutOfRange(context, at, axis.size);
    for (int64_t o = 0; o < axis.outer; ++o) {
      CopyRun(self, (o * axis.size + at) * axis.inner, context.Out(), (o * count + i) * axis.inner,
              axis.inner);
    }
  }
  return absl::OkStatus();
}

// Calls fn(index element, offset of the named element, offset of the same place in `beside`) for
// each element of `index`: both have its rank and are at least as large, the first except along
// dim.
template <typename Fn>
absl::Status ForEachNamed(const KernelContext& context, const ConstTensor& index,
                          absl::Span<const int64_t> named, absl::Span<const int64_t> beside,
                          Fn&& fn) {
  const int64_t count = index.NumElements();
  if (count == 0) return absl::OkStatus();  // then ranks may differ
  const int rank = std::max(index.rank(), 1);
  const int64_t dim = context.op().Int("dim");
  const int along = static_cast<int>(dim < 0 ? dim + rank : dim);
  const int64_t one[] = {1};
  const auto at_least_1d = [&](absl::Span<const int64_t> dims) {
    return dims.empty() ? absl::MakeConstSpan(one) : dims;
  };
  const absl::Span<const int64_t> sizes = at_least_1d(index.dims);
  const int64_t limit = at_least_1d(named)[along];
  const ir::Dims named_strides = ir::ContiguousStrides(at_least_1d(named));
  const ir::Dims beside_strides = ir::ContiguousStrides(at_least_1d(beside));
  const ir::Dims strides = ir::ContiguousStrides(sizes);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = Load<int64_t>(index, i);
    if (at < 0 || at >= limit) return OutOfRange(context, at, limit);
    int64_t rest = i, named_at = 0, beside_at = 0;
    for (int d = 0; d < rank; ++d) {
      const int64_t place = rest / strides[d];
      rest %= strides[d];
      named_at += (d == along ? at : place) * named_strides[d];
      beside_at += place * beside_strides[d];
    }
    fn(i, named_at, beside_at);
  }
  return absl::OkStatus();
}

absl::Status RunGather(const KernelContext& context) {
  const ConstTensor self = context.In("self"), index = context.In("index");
  return ForEachNamed(context, index, self.dims, index.dims, [&](int64_t i, int64_t from, int64_t) {
    CopyRun(self, from, context.Out(), i, 1);
  });
}

void AddElement(const ConstTensor& in, int64_t from, const Tensor& out, int64_t to) {
  VisitElement(out.dtype, [&](auto tag) {
    using C = Wide<decltype(tag)>;
    Store(Plus(Load<C>(out, to), Load<C>(in, from)), out, to);
  });
}

absl::Status RunScatter(const KernelContext& context) {
  const ConstTensor src = context.In("src");
  const Tensor out = context.Out();
  CopyDense(context.In("self"), out);
  return ForEachNamed(context, context.In("index"), out.dims, src.dims,
                      [&](int64_t, int64_t to, int64_t from) { CopyRun(src, from, out, to, 1); });
}

absl::Status RunScatterValue(const KernelContext& context) {
  const ConstTensor index = context.In("index");
  const Tensor out = context.Out();
  const Number value = context.Scalar("value");
  CopyDense(context.In("self"), out);
  return ForEachNamed(context, index, out.dims, index.dims, [&](int64_t, int64_t to, int64_t) {
    VisitElement(out.dtype, [&](auto tag) {
      using T = decltype(tag);
      static_cast<T*>(out.data)[to] = value.As<T>();
    });
  });
}

// Advanced indexing: where each element of self[indices] lies in self. The indices are broadcast
// together; their dimensions replace the indexed ones where these are adjacent, and go first
// otherwise.
class Indexing {
 public:
  static constexpr int kMaxIndices = 16;

  static absl::StatusOr<Indexing> Make(const KernelContext& context, const ConstTensor& self) {
    const absl::Span<const ir::ValueId> ids = context.op().Values("indices");
    Indexing r;
    const ir::Dims strides = ir::ContiguousStrides(self.dims);
    int first = -1, last = -1;
    for (int d = 0; d < self.rank(); ++d) {
      if (d >= static_cast<int>(ids.size()) || ids[d] == ir::kNoValue) {
        r.rest_dims_.push_back(self.dims[d]);
        r.rest_strides_.push_back(strides[d]);
        continue;
      }
      if (r.count_ == kMaxIndices) return context.Error("more than 16 indices");
      first = first < 0 ? d : first;
      last = d;
      r.tensors_[r.count_] = context.Value(ids[d]);
      r.sizes_[r.count_] = self.dims[d];
      r.strides_[r.count_] = strides[d];
      ir::Dims broadcast;
      ir::BroadcastDims(r.index_dims_, r.tensors_[r.count_].dims, &broadcast);
      r.index_dims_ = broadcast;
      ++r.count_;
    }
    // Dimensions of self before the indexed ones, if those are adjacent.
    r.before_ = last - first + 1 == r.count_ ? first : 0;
    for (int k = 0; k < r.count_; ++k) {
      r.layouts_[k] = BroadcastLayout(r.tensors_[k].dims, r.index_dims_);
    }
    return r;
  }

  // The sizes of self[indices].
  ir::Dims ResultDims() const {
    ir::Dims dims(rest_dims_.begin(), rest_dims_.begin() + before_);
    dims.insert(dims.end(), index_dims_.begin(), index_dims_.end());
    dims.insert(dims.end(), rest_dims_.begin() + before_, rest_dims_.end());
    return dims;
  }

  // Calls fn(place in the result, offset in self) for each element of the result, in row-major
  // order.
  template <typename Fn>
  absl::Status ForEach(const KernelContext& context, Fn&& fn) const {
    const absl::Span<const int64_t> rest = rest_dims_;
    const int64_t outer = Product(rest.first(before_)), inner = Product(rest.subspan(before_));
    const int64_t indexed = Product(index_dims_);
    for (int64_t o = 0; o < outer; ++o) {
      const int64_t outer_at = Offset(o, 0, before_);
      for (int64_t j = 0; j < indexed; ++j) {
        INGOT_ASSIGN_OR_RETURN(const int64_t at, Lookup(context, j));
        for (int64_t i = 0; i < inner; ++i) {
          fn((o * indexed + j) * inner + i,
             outer_at + at + Offset(i, before_, static_cast<int>(rest_dims_.size())));
        }
      }
    }
    return absl::OkStatus();
  }

 private:
  // Offset of element `index` of the not indexed dimensions from `first` to before `last`.
  int64_t Offset(int64_t index, int first, int last) const {
    int64_t at = 0;
    for (int d = last - 1; d >= first; --d) {
      at += index % rest_dims_[d] * rest_strides_[d];
      index /= rest_dims_[d];
    }
    return at;
  }

  absl::StatusOr<int64_t> Lookup(const KernelContext& context, int64_t j) const {
    int64_t at = 0;
    for (int k = 0; k < count_; ++k) {
      int64_t rest = j, from = 0;
      for (int d = static_cast<int>(index_dims_.size()) - 1; d >= 0; --d) {
        from += rest % index_dims_[d] * layouts_[k].strides[d];
        rest /= index_dims_[d];
      }
      const int64_t index = Load<int64_t>(tensors_[k], from);
      if (index < -sizes_[k] || index >= sizes_[k]) return OutOfRange(context, index, sizes_[k]);
      at += (index < 0 ? index + sizes_[k] : index) * strides_[k];
    }
    return at;
  }

  int count_ = 0, before_ = 0;
  ConstTensor tensors_[kMaxIndices];
  Layout layouts_[kMaxIndices];
  int64_t sizes_[kMaxIndices] = {}, strides_[kMaxIndices] = {};
  ir::Dims index_dims_, rest_dims_, rest_strides_;
};

absl::Status RunIndex(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  INGOT_ASSIGN_OR_RETURN(const Indexing indexing, Indexing::Make(context, self));
  return indexing.ForEach(context,
                          [&](int64_t i, int64_t at) { CopyRun(self, at, context.Out(), i, 1); });
}

absl::Status RunIndexPut(const KernelContext& context) {
  const ConstTensor self = context.In("self"), values = context.In("values");
  const Tensor out = context.Out();
  const bool accumulate = context.op().Bool("accumulate");
  CopyDense(self, out);
  INGOT_ASSIGN_OR_RETURN(const Indexing indexing, Indexing::Make(context, self));
  const ir::Dims sizes = indexing.ResultDims();
  const Layout layout = BroadcastLayout(values.dims, sizes);
  return indexing.ForEach(context, [&](int64_t i, int64_t at) {
    int64_t from = 0;
    for (int d = static_cast<int>(sizes.size()) - 1; d >= 0; --d) {
      from += i % sizes[d] * layout.strides[d];
      i /= sizes[d];
    }
    if (accumulate) return AddElement(values, from, out, at);
    CopyRun(values, from, out, at, 1);
  });
}

// NaN is the greatest.
template <typename A>
struct Before {
  const A* keys;
  bool descending;
  bool operator()(int64_t a, int64_t b) const {
    const A x = keys[descending ? b : a], y = keys[descending ? a : b];
    return IsNan(y) ? !IsNan(x) : x < y;
  }
};

// Eager sorts long rows of integers by radix if they are all there is, and then keeps equal
// elements in order though nobody asked.
bool IsStable(const KernelContext& context, const ConstTensor& self, bool descending) {
  constexpr int64_t kLong = 32768;
  const bool asked = context.op().def().schema.Find("stable") >= 0 && context.op().Has("stable") &&
                     context.op().Bool("stable");
  if (asked) return true;
  return self.dims.size() == 1 && self.dims[0] >= kLong && !descending &&
         !ir::IsFloating(self.dtype) && self.dtype != ir::DType::kBool;
}

// Where equal elements go unless they keep their order follows from the algorithm: eager takes the
// standard library's, so that it can be met.
absl::Status RunSort(const KernelContext& context) {
  const bool descending = context.op().Bool("descending");
  const ConstTensor self = context.In("self");
  const Axis in = AxisOf(self.dims, context.op().Int("dim"));
  const bool stable = IsStable(context, self, descending);
  VisitAccumulator(self.dtype, [&](auto tag) {
    using A = decltype(tag);
    A* keys = context.Scratch<A>();
    int64_t* order = reinterpret_cast<int64_t*>(keys + in.size);
    for (int64_t row = 0; row < in.outer * in.inner; ++row) {
      const int64_t o = row / in.inner, i = row % in.inner;
      LoadRun(self, o * in.size * in.inner + i, in.inner, in.size, keys);
      std::iota(order, order + in.size, int64_t{0});
      const Before<A> before{keys, descending};
      if (stable) {
        std::stable_sort(order, order + in.size, before);
      } else {
        std::sort(order, order + in.size, before);
      }
      for (int64_t k = 0; k < in.size; ++k) {
        const int64_t to = (o * in.size + k) * in.inner + i;
        Store(keys[order[k]], context.Out(0), to);
        Store(order[k], context.Out(1), to);
      }
    }
  });
  return absl::OkStatus();
}

// Brings the places of the k first of n keys to the front. Which of equal keys these are, and in
// what order, follows from the algorithm: eager takes the standard library's, so that it can be
// met.
template <typename Before>
void SelectFirst(int64_t* order, int64_t n, int64_t k, bool sorted, Before before) {
  if (k * 64 <= n) {
    std::partial_sort(order, order + k, order + n, before);
    return;
  }
  std::nth_element(order, order + k - 1, order + n, before);
  if (sorted) std::sort(order, order + k - 1, before);
}

absl::Status RunTopk(const KernelContext& context) {
  const ConstTensor self = context.In("self");
  const Axis in = AxisOf(self.dims, context.op().Int("dim"));
  const Axis out = AxisOf(context.Out().dims, context.op().Int("dim"));
  const int64_t k = out.size;  // a number has one, whatever k says
  const bool sorted = context.op().Bool("sorted");
  if (k == 0) return absl::OkStatus();
  VisitAccumulator(self.dtype, [&](auto tag) {
    using A = decltype(tag);
    A* keys = context.Scratch<A>();
    int64_t* order = reinterpret_cast<int64_t*>(keys + in.size);
    for (int64_t row = 0; row < in.outer * in.inner; ++row) {
      const int64_t o = row / in.inner, i = row % in.inner;
      LoadRun(self, o * in.size * in.inner + i, in.inner, in.size, keys);
      std::iota(order, order + in.size, int64_t{0});
      if (context.op().Bool("largest")) {
        SelectFirst(order, in.size, k, sorted, [keys](int64_t a, int64_t b) {
          return (IsNan(keys[a]) && !IsNan(keys[b])) || keys[a] > keys[b];
        });
      } else {
        SelectFirst(order, in.size, k, sorted, [keys](int64_t a, int64_t b) {
          return (!IsNan(keys[a]) && IsNan(keys[b])) || keys[a] < keys[b];
        });
      }
      for (int64_t j = 0; j < k; ++j) {
        const int64_t to = (o * out.size + j) * out.inner + i;
        Store(keys[order[j]], context.Out(0), to);
        Store(order[j], context.Out(1), to);
      }
    }
  });
  return absl::OkStatus();
}

int64_t SortScratch(const ops::OpView& op) {
  return 16 * AxisOf(op.TensorType("self").dims, op.Int("dim")).size;
}

}  // namespace

std::vector<Kernel> IndexKernels() {
  return {
      {"aten::embedding", RunEmbedding},
      {"aten::index_select", RunIndexSelect},
      {"aten::gather", RunGather},
      {"aten::scatter.src", RunScatter},
      {"aten::scatter.value", RunScatterValue},
      {"aten::index.Tensor", RunIndex},
      {"aten::index_put", RunIndexPut},
      {"aten::sort", RunSort, SortScratch},
      {"aten::sort.stable", RunSort, SortScratch},
      {"aten::topk", RunTopk, SortScratch},
  };
}

}  // namespace ingot::reference
