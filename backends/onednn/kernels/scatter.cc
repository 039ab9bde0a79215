#include "backends/onednn/kernels/scatter.h"

#include <algorithm>
#include <limits>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/walk.h"

namespace ingot::kernels {
namespace {

int64_t IndexAt(const Indices& indices, int64_t i) {
  return indices.is_i64 ? static_cast<const int64_t*>(indices.data)[i]
                        : static_cast<const int32_t*>(indices.data)[i];
}

absl::Status OutOfRange(int64_t index, int64_t size) {
  return absl::OutOfRangeError(
      absl::StrCat("index ", index, " is out of range for a dimension of size ", size));
}

// Signed overflow wraps.
template <class T, class F>
T Wrapping(T a, T b, const F& f) {
  if constexpr (std::is_same_v<T, bool>) {
    return f(static_cast<int>(a), static_cast<int>(b)) != 0;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(f(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
  } else {
    return static_cast<T>(f(static_cast<Compute<T>>(a), static_cast<Compute<T>>(b)));
  }
}

template <ScatterOp kOp, class T>
T Combine(T old, T value) {
  if constexpr (kOp == ScatterOp::kAdd) {
    return Wrapping(old, value, [](auto a, auto b) { return a + b; });
  } else if constexpr (kOp == ScatterOp::kProd) {
    return Wrapping(old, value, [](auto a, auto b) { return a * b; });
  } else {
    if (IsNan(old)) return old;
    if (IsNan(value)) return value;
    const bool better = kOp == ScatterOp::kMax ? static_cast<Compute<T>>(value) > old
                                               : static_cast<Compute<T>>(value) < old;
    return better ? value : old;
  }
}

// Calls write(T* to, const T* from) for the element type and op.
template <class F>
bool WithWriter(ScatterOp op, ir::DType dtype, const F& f) {
  if (op == ScatterOp::kReplace) {
    VisitSize(ir::ElementSize(dtype), [&](auto element) {
      using T = decltype(element);
      f(element, [](T* to, const T* from) { *to = *from; });
    });
    return true;
  }
  return VisitElement(dtype, [&](auto element) {
    using T = decltype(element);
    switch (op) {
      case ScatterOp::kAdd:
        return f(element, [](T* to, const T* from) { *to = Combine<ScatterOp::kAdd>(*to, *from); });
      case ScatterOp::kProd:
        return f(element,
                 [](T* to, const T* from) { *to = Combine<ScatterOp::kProd>(*to, *from); });
      case ScatterOp::kMax:
        return f(element, [](T* to, const T* from) { *to = Combine<ScatterOp::kMax>(*to, *from); });
      default:
        return f(element, [](T* to, const T* from) { *to = Combine<ScatterOp::kMin>(*to, *from); });
    }
  });
}

absl::Status TooManyDims() {
  return absl::InvalidArgumentError(
      absl::StrCat("a scatter or gather over more than ", kMaxWalkDims, " dimensions"));
}

absl::Status UnknownType(ir::DType dtype) {
  return absl::InvalidArgumentError(
      absl::StrCat("no accumulation into ", ir::DTypeName(dtype), " elements"));
}

// Offsets of a walk over the index: of the place beside it along which nothing is named (the other
// side's strides without `along`), and of its own place.
template <class F>
absl::Status ForEachNamed(const ScatterArgs& args, absl::Span<const int64_t> named,
                          absl::Span<const int64_t> beside, const F& f) {
  if (!FitsWalk(args.dims)) return TooManyDims();
  const size_t rank = args.dims.size();
  absl::InlinedVector<int64_t, kMaxWalkDims> rest(named.begin(), named.end()), dense(rank);
  if (rank != 0) rest[args.along] = 0;
  int64_t stride = 1;
  for (size_t d = rank; d-- > 0;) {
    dense[d] = stride;
    stride *= args.dims[d];
  }
  const Walk<3> walk(args.dims,
                     {rest, beside, args.index_strides.empty() ? dense : args.index_strides});
  const int64_t step = args.dims.empty() ? 1 : named[args.along];
  int64_t i = 0, bad = -1;
  walk.ForEach([&](const auto& at) {
    int64_t index = IndexAt(args.index, at[2]);
    if (index < 0 && args.allow_negative) index += args.size;
    if (static_cast<uint64_t>(index) >= static_cast<uint64_t>(args.size)) {
      if (bad < 0) bad = at[2];
      return;
    }
    f(at[0] + index * step, at[1], i++);
  });
  return bad < 0 ? absl::OkStatus() : OutOfRange(IndexAt(args.index, bad), args.size);
}

// What leaves every other value as it is.
template <class T>
T IdentityOf(ScatterOp op) {
  if (op == ScatterOp::kAdd) return static_cast<T>(0);
  if (op == ScatterOp::kProd) return static_cast<T>(1);
  const bool least = op == ScatterOp::kMax;
  if constexpr (kIsFloating<T>) {
    const float infinity = std::numeric_limits<float>::infinity();
    return static_cast<T>(least ? -infinity : infinity);
  } else {
    return least ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
  }
}

template <class T>
T Divided(T sum, int64_t count) {
  if constexpr (kIsFloating<T>) {
    return static_cast<T>(static_cast<Compute<T>>(sum) / static_cast<Compute<T>>(count));
  } else if constexpr (std::is_same_v<T, bool>) {
    return sum;
  } else {
    const auto wide = static_cast<int64_t>(sum);
    const int64_t quotient = wide / count;
    return static_cast<T>(wide % count < 0 ? quotient - 1 : quotient);
  }
}

}  // namespace

absl::Status Scatter(const ScatterArgs& args) {
  absl::Status status;
  const bool known = WithWriter(args.op, args.dtype, [&](auto element, auto write) {
    using T = decltype(element);
    T* const out = static_cast<T*>(args.out);
    const T* const src = static_cast<const T*>(args.src);
    status = ForEachNamed(args, args.out_strides, args.src_strides,
                          [&](int64_t to, int64_t from, int64_t) { write(out + to, src + from); });
  });
  return known ? status : UnknownType(args.dtype);
}

absl::Status ScatterReduce(const ScatterReduceArgs& args) {
  const ScatterArgs& scatter = args.scatter;
  absl::Status status;
  const auto for_each = [&](const auto& f) {
    return ForEachNamed(scatter, scatter.out_strides, scatter.src_strides,
                        [&](int64_t to, int64_t, int64_t) { f(to); });
  };
  const bool known = VisitElement(scatter.dtype, [&](auto element) {
    using T = decltype(element);
    T* const out = static_cast<T*>(scatter.out);
    if (!args.include_self) {
      status.Update(for_each([&](int64_t to) { out[to] = IdentityOf<T>(scatter.op); }));
    }
    if (status.ok()) status = Scatter(scatter);
    if (!args.mean || !status.ok()) return;
    std::fill_n(args.counts, args.out_elements, args.include_self ? 1 : 0);
    status = for_each([&](int64_t to) { ++args.counts[to]; });
    for (int64_t i = 0; i < args.out_elements; ++i) {
      if (args.counts[i] > 1) out[i] = Divided(out[i], args.counts[i]);
    }
  });
  return known ? status : UnknownType(scatter.dtype);
}

absl::Status MaskedScatter(ir::DType dtype, const bool* mask, int64_t count, const void* src,
                           int64_t src_count, void* out) {
  int64_t next = 0;
  VisitSize(ir::ElementSize(dtype), [&](auto element) {
    using T = decltype(element);
    for (int64_t i = 0; i < count; ++i) {
      if (!mask[i]) continue;
      if (next < src_count) static_cast<T*>(out)[i] = static_cast<const T*>(src)[next];
      ++next;
    }
  });
  if (next <= src_count) return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrCat("masked_scatter: source has ", src_count, " elements for ", next, " places"));
}

absl::Status GatherStrided(const ScatterArgs& args) {
  absl::Status status;
  VisitSize(ir::ElementSize(args.dtype), [&](auto element) {
    using T = decltype(element);
    T* const out = static_cast<T*>(args.out);
    const T* const x = static_cast<const T*>(args.src);
    status = ForEachNamed(args, args.src_strides, args.src_strides,
                          [&](int64_t from, int64_t, int64_t i) { out[i] = x[from]; });
  });
  return status;
}

absl::Status IndexPut(const IndexPutArgs& args) {
  if (!FitsWalk(args.dims)) return TooManyDims();
  const ScatterOp op = args.accumulate ? ScatterOp::kAdd : ScatterOp::kReplace;
  const Walk<3> walk(args.dims, {args.out_strides, args.values_strides, args.index_strides});
  absl::Status status;
  const bool known = WithWriter(op, args.dtype, [&](auto element, auto write) {
    using T = decltype(element);
    T* const out = static_cast<T*>(args.out);
    const T* const values = static_cast<const T*>(args.values);
    walk.ForEach([&](const auto& at) {
      int64_t to = at[0];
      for (size_t k = 0; k < args.indices.size(); ++k) {
        const int64_t named = IndexAt(args.indices[k], at[2]);
        const int64_t index = named < 0 ? named + args.sizes[k] : named;
        if (static_cast<uint64_t>(index) >= static_cast<uint64_t>(args.sizes[k])) {
          if (status.ok()) status = OutOfRange(named, args.sizes[k]);
          return;
        }
        to += index * args.strides[k];
      }
      write(out + to, values + at[1]);
    });
  });
  return known ? status : UnknownType(args.dtype);
}

}  // namespace ingot::kernels
