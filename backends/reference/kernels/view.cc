// Views: each is a copy here, from the place in the operand that eager's view would name.
#include "backends/reference/kernels/families.h"
#include "core/base/status_macros.h"

namespace ingot::reference {
namespace {

// The operand with its dense layout, which the ops below change.
struct Source {
  explicit Source(const KernelContext& context)
      : tensor(context.In("self")), layout(DenseLayout(tensor.dims)) {}

  // Dimension `name` of the op, counted from the front. Rank 0 counts as 1.
  int Dim(const KernelContext& context, absl::string_view name) const {
    return Wrap(context.op().Int(name));
  }
  int Wrap(int64_t dim) const {
    return static_cast<int>(dim < 0 ? dim + std::max(tensor.rank(), 1) : dim);
  }

  ConstTensor tensor;
  Layout layout;
};

absl::Status Finish(const KernelContext& context, const Source& source, int output = 0) {
  const Tensor out = context.Out(output);
  CopyElements(source.tensor, source.layout, out, DenseLayout(out.dims), out.dims);
  return absl::OkStatus();
}

// Same elements in the same order.
absl::Status RunRename(const KernelContext& context) {
  CopyDense(context.In("self"), context.Out());
  return absl::OkStatus();
}

absl::Status RunTranspose(const KernelContext& context) {
  Source source(context);
  if (source.tensor.rank() > 0) {
    std::swap(source.layout.strides[source.Dim(context, "dim0")],
              source.layout.strides[source.Dim(context, "dim1")]);
  }
  return Finish(context, source);
}

absl::Status RunT(const KernelContext& context) {
  Source source(context);
  std::reverse(source.layout.strides.begin(), source.layout.strides.end());
  return Finish(context, source);
}

absl::Status RunPermute(const KernelContext& context) {
  Source source(context);
  ir::Dims strides;
  for (int64_t dim : context.op().Ints("dims")) {
    strides.push_back(source.layout.strides[source.Wrap(dim)]);
  }
  source.layout.strides = strides;
  return Finish(context, source);
}

absl::Status MoveDims(const KernelContext& context, absl::Span<const int64_t> from,
                      absl::Span<const int64_t> to) {
  Source source(context);
  const int rank = source.tensor.rank();
  if (rank == 0) return Finish(context, source);
  ir::Dims origin(rank, -1);  // dimension of self behind each of the result
  ir::Dims moved(rank, 0);
  for (size_t i = 0; i < from.size(); ++i) {
    origin[source.Wrap(to[i])] = source.Wrap(from[i]);
    moved[source.Wrap(from[i])] = 1;
  }
  int next = 0;
  ir::Dims strides(rank, 0);
  for (int i = 0; i < rank; ++i) {
    if (origin[i] < 0) {
      while (moved[next]) ++next;
      origin[i] = next++;
    }
    strides[i] = source.layout.strides[origin[i]];
  }
  source.layout.strides = strides;
  return Finish(context, source);
}

absl::Status RunMovedim(const KernelContext& context) {
  return MoveDims(context, {context.op().Int("source")}, {context.op().Int("destination")});
}

absl::Status RunMovedims(const KernelContext& context) {
  return MoveDims(context, context.op().Ints("source"), context.op().Ints("destination"));
}

absl::Status RunExpand(const KernelContext& context) {
  Source source(context);
  source.layout = BroadcastLayout(source.tensor.dims, context.Out().dims);
  return Finish(context, source);
}

absl::Status RunSlice(const KernelContext& context) {
  Source source(context);
  const int dim = source.Dim(context, "dim");
  const int64_t size = source.tensor.dims[dim];
  int64_t start = context.op().IntOr("start", 0);
  if (start < 0) start += size;
  source.layout.offset = std::clamp<int64_t>(start, 0, size) * source.layout.strides[dim];
  // The step may be too large to multiply with; then there is one element, which needs no stride.
  const int64_t step = std::min(context.op().Int("step"), size);
  source.layout.strides[dim] *= step;
  return Finish(context, source);
}

absl::Status RunNarrow(const KernelContext& context) {
  Source source(context);
  const int dim = source.Dim(context, "dim");
  int64_t start = context.op().Int("start");
  if (start < 0) start += source.tensor.dims[dim];
  source.layout.offset = start * source.layout.strides[dim];
  return Finish(context, source);
}

absl::Status RunSelect(const KernelContext& context) {
  Source source(context);
  const int dim = source.Dim(context, "dim");
  int64_t index = context.op().Int("index");
  if (index < 0) index += source.tensor.dims[dim];
  source.layout.offset = index * source.layout.strides[dim];
  source.layout.strides.erase(source.layout.strides.begin() + dim);
  return Finish(context, source);
}

absl::Status RunUnfold(const KernelContext& context) {
  Source source(context);
  ir::Dims& strides = source.layout.strides;
  if (strides.empty()) {
    strides.push_back(1);
  } else {
    const int dim = source.Dim(context, "dimension");
    strides.push_back(strides[dim]);
    strides[dim] *= std::min(context.op().Int("step"), source.tensor.dims[dim]);
  }
  return Finish(context, source);
}

absl::Status RunDiagonal(const KernelContext& context) {
  Source source(context);
  const int dim1 = source.Dim(context, "dim1"), dim2 = source.Dim(context, "dim2");
  const int64_t offset = context.op().Int("offset");
  ir::Dims strides;
  for (int i = 0; i < source.tensor.rank(); ++i) {
    if (i != dim1 && i != dim2) strides.push_back(source.layout.strides[i]);
  }
  strides.push_back(source.layout.strides[dim1] + source.layout.strides[dim2]);
  if (context.Out().NumElements() > 0) {
    source.layout.offset =
        offset >= 0 ? offset * source.layout.strides[dim2] : -offset * source.layout.strides[dim1];
  }
  source.layout.strides = strides;
  return Finish(context, source);
}

// split, chunk and split_with_sizes: the results' own sizes say where each part starts.
absl::Status RunSplit(const KernelContext& context) {
  Source source(context);
  const int dim = source.Dim(context, "dim");
  for (int i = 0; i < context.num_outputs(); ++i) {
    INGOT_RETURN_IF_ERROR(Finish(context, source, i));
    source.layout.offset += context.Out(i).dims[dim] * source.layout.strides[dim];
  }
  return absl::OkStatus();
}

absl::Status RunUnbind(const KernelContext& context) {
  Source source(context);
  const int dim = source.Dim(context, "dim");
  const int64_t stride = source.layout.strides[dim];
  source.layout.strides.erase(source.layout.strides.begin() + dim);
  for (int i = 0; i < context.num_outputs(); ++i) {
    INGOT_RETURN_IF_ERROR(Finish(context, source, i));
    source.layout.offset += stride;
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Kernel> ViewKernels() {
  return {
      {"aten::view", RunRename},
      {"aten::reshape", RunRename},
      {"aten::flatten.using_ints", RunRename},
      {"aten::unsqueeze", RunRename},
      {"aten::squeeze", RunRename},
      {"aten::squeeze.dim", RunRename},
      {"aten::squeeze.dims", RunRename},
      {"aten::transpose.int", RunTranspose},
      {"aten::t", RunT},
      {"aten::permute", RunPermute},
      {"aten::movedim.int", RunMovedim},
      {"aten::movedim.intlist", RunMovedims},
      {"aten::expand", RunExpand},
      {"aten::slice.Tensor", RunSlice},
      {"aten::narrow", RunNarrow},
      {"aten::select.int", RunSelect},
      {"aten::unfold", RunUnfold},
      {"aten::diagonal", RunDiagonal},
      {"aten::split.Tensor", RunSplit},
      {"aten::split_with_sizes", RunSplit},
      {"aten::chunk", RunSplit},
      {"aten::unbind.int", RunUnbind},
  };
}

}  // namespace ingot::reference
