// Rewrites of functions that only move elements: repeat, join, cut, turn, or set them on a
// diagonal.
#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/const_eval.h"
#include "frontends/pt2/rewrites.h"
#include "frontends/pt2/steps.h"

namespace ingot::pt2 {
namespace {

using Result = absl::StatusOr<Tensors>;
using Ints = std::vector<int64_t>;

int64_t Rank(const Emitter& emitter, TensorId id) { return emitter.type(id).rank(); }
int64_t Wrap(int64_t dim, int64_t rank) { return dim < 0 ? dim + rank : dim; }

// --- Grids and repetitions ---

// Tensor i lies along axis i of all; "xy" exchanges the first two axes.
Result Meshgrid(Emitter& emitter, const OpSignature&, Operands args) {
  const auto& tensors = std::get<TensorListOperand>(args[0]).ids;
  const bool xy = args.size() > 1 && std::get<std::string>(args[1]) == "xy" && tensors.size() > 1;
  Ints sizes;
  for (const TensorId id : tensors) sizes.push_back(emitter.type(id).NumElements());
  if (xy) std::swap(sizes[0], sizes[1]);
  Steps s(emitter);
  Tensors grids;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const size_t axis = xy && i < 2 ? 1 - i : i;
    Ints own(sizes.size(), 1);
    own[axis] = sizes[axis];
    grids.push_back(s("aten::expand", {T(s("aten::view", {T(tensors[i]), own})), sizes}));
  }
  return s.Results(std::move(grids));
}

Result CartesianProduct(Emitter& emitter, const OpSignature&, Operands args) {
  const auto& tensors = std::get<TensorListOperand>(args[0]);
  if (tensors.ids.size() == 1) return Tensors{tensors.ids[0]};
  Steps s(emitter);
  TensorListOperand columns;
  for (const TensorId grid : s.All("aten::meshgrid", {args[0]})) {
    columns.ids.push_back(s("aten::reshape", {T(grid), Ints{-1}}));
  }
  return s.Results({s("aten::stack", {columns, int64_t{1}})});
}

Result Kronecker(Emitter& emitter, const OpSignature&, Operands args) {
  Ints a = SizesOf(emitter, TensorArg(args, 0)), b = SizesOf(emitter, TensorArg(args, 1));
  const size_t rank = std::max(a.size(), b.size());
  a.insert(a.begin(), rank - a.size(), 1);
  b.insert(b.begin(), rank - b.size(), 1);
  Ints a_sizes, b_sizes, sizes;
  for (size_t d = 0; d < rank; ++d) {
    a_sizes.insert(a_sizes.end(), {a[d], 1});
    b_sizes.insert(b_sizes.end(), {1, b[d]});
    sizes.push_back(a[d] * b[d]);
  }
  Steps s(emitter);
  const TensorId product = s("aten::mul.Tensor", {T(s("aten::reshape", {args[0], a_sizes})),
                                                  T(s("aten::reshape", {args[1], b_sizes}))});
  return s.Results({s("aten::reshape", {T(product), sizes})});
}

Result RepeatInterleave(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  const int64_t repeats = std::get<int64_t>(args[1]);
  TensorId self = TensorArg(args, 0);
  int64_t dim = 0;
  if (IsNone(args, 2)) {
    self = s("aten::reshape", {T(self), Ints{-1}});
  } else {
    if (Rank(emitter, self) == 0) self = s("aten::reshape", {T(self), Ints{1}});
    dim = std::get<int64_t>(args[2]);
  }
  if (!s.ok()) return s.Results({});
  Ints sizes = s.Sizes(self);
  dim = Wrap(dim, static_cast<int64_t>(sizes.size()));
  if (dim < 0 || dim >= static_cast<int64_t>(sizes.size()) || repeats < 0)
    return absl::InvalidArgumentError("repeat_interleave: no such dimension or count");
  Ints repeated = sizes;
  repeated.insert(repeated.begin() + dim + 1, repeats);
  sizes[static_cast<size_t>(dim)] *= repeats;
  const TensorId lines = s("aten::expand", {T(s("aten::unsqueeze", {T(self), dim + 1})), repeated});
  return s.Results({s("aten::reshape", {T(s("aten::clone", {T(lines)})), sizes})});
}

// --- Any strides ---

// A view of the memory that `self` lies in, from its own begin unless an offset is given.
Result AsStrided(Emitter& emitter, const OpSignature& op, Operands args) {
  const TensorId self = TensorArg(args, 0);
  const Ints sizes = IntsArg(args, 1), strides = IntsArg(args, 2);
  Layout layout{
      {emitter.type(self).dtype, {sizes.begin(), sizes.end()}},
      {strides.begin(), strides.end()},
      IsNone(args, 3) ? emitter.memory().layout(self).offset : std::get<int64_t>(args[3])};
  const int64_t whole = emitter.memory().MemoryElements(self);
  bool fits = sizes.size() == strides.size() && layout.offset >= 0;
  int64_t count = 1;
  for (size_t d = 0; fits && d < sizes.size(); ++d) {
    fits = sizes[d] >= 0 && strides[d] >= 0 &&
           (sizes[d] == 0 || count <= kMaxElements / sizes[d]) &&
           (sizes[d] <= 1 || sizes[d] - 1 <= whole / std::max<int64_t>(strides[d], 1) ||
            strides[d] == 0);
    if (fits) count *= sizes[d];
  }
  if (!fits || layout.Extent().second > whole)
    return absl::InvalidArgumentError(
        absl::StrCat(op.schema.op, ": sizes and strides do not fit the tensor's memory"));
  return Tensors{emitter.memory().AddView(self, {std::move(layout), {}})};
}
Result AsStridedCopy(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  return s.Results({s("aten::clone", {T(s("aten::as_strided", std::move(args)))})});
}

// self, src, size, stride, storage_offset: of a copy that lies as `self` does.
Result AsStridedScatter(Emitter& emitter, const OpSignature& op, Operands args) {
  const Layout& layout = emitter.memory().layout(TensorArg(args, 0));
  if (!layout.IsRowMajor() || layout.offset != 0) return emitter.ApplyAsIs(op, std::move(args));
  Steps s(emitter);
  const TensorId copy = s("aten::clone", {args[0]});
  const TensorId target = s("aten::as_strided", {T(copy), args[2], args[3], args[4]});
  if (!s.ok()) return s.Results({});
  INGOT_RETURN_IF_ERROR(emitter.Overwrite(target, TensorArg(args, 1)));
  return Tensors{copy};
}

// --- Turns ---

Result Rot90(Emitter& emitter, const OpSignature&, Operands args) {
  const Ints dims = IntsArg(args, 2);
  if (dims.size() != 2) return absl::InvalidArgumentError("rot90: two dimensions are needed");
  const int64_t k = (std::get<int64_t>(args[1]) % 4 + 4) % 4;
  Steps s(emitter);
  if (k == 0) return s.Results({s("aten::clone", {args[0]})});
  if (k == 2) return s.Results({s("aten::flip", {args[0], dims})});
  const TensorId flipped = s("aten::flip", {args[0], Ints{dims[k == 1 ? 1 : 0]}});
  return s.Results({s("aten::transpose.int", {T(flipped), dims[0], dims[1]})});
}

// By half the size, rounded down; the inverse rounds up.
template <int64_t kRoundUp>
Result FftShift(Emitter& emitter, const OpSignature&, Operands args) {
  const Ints sizes = SizesOf(emitter, TensorArg(args, 0));
  Ints dims(sizes.size());
  std::iota(dims.begin(), dims.end(), 0);
  if (!IsNone(args, 1)) dims = IntsArg(args, 1);
  Ints shifts;
  for (int64_t& dim : dims) {
    dim = Wrap(dim, static_cast<int64_t>(sizes.size()));
    if (dim < 0 || dim >= static_cast<int64_t>(sizes.size()))
      return absl::InvalidArgumentError("fftshift: no such dimension");
    shifts.push_back((sizes[static_cast<size_t>(dim)] + kRoundUp) / 2);
  }
  if (dims.empty()) return emitter.Apply("aten::clone", {args[0]});
  return emitter.Apply("aten::roll", {args[0], shifts, dims});
}

// --- Cuts ---

// Of eager's views that it takes for none: copies.
Result UnsafeCut(Emitter& emitter, const OpSignature& op, Operands args) {
  std::string name = op.schema.op;
  name.erase(name.find("unsafe_"), 7);
  Steps s(emitter);
  Tensors parts = s.All(name, std::move(args));
  for (TensorId& part : parts) part = s("aten::clone", {T(part)});
  return s.Results(std::move(parts));
}

// hsplit, vsplit, dsplit: along kDim; hsplit of vectors along 0.
template <int64_t kDim>
Result SplitAlong(Emitter& emitter, const OpSignature& op, Operands args) {
  const Ints sizes = SizesOf(emitter, TensorArg(args, 0));
  const int64_t dim = kDim == 1 && sizes.size() == 1 ? 0 : kDim;
  if (dim >= static_cast<int64_t>(sizes.size()))
    return absl::InvalidArgumentError(absl::StrCat(op.schema.op, ": too few dimensions"));
  const auto* const sections = std::get_if<int64_t>(&args[1]);
  if (sections != nullptr && (*sections <= 0 || sizes[static_cast<size_t>(dim)] % *sections != 0))
    return absl::InvalidArgumentError(absl::StrCat(op.schema.op, ": parts of unequal size"));
  return emitter.Apply(
      sections != nullptr ? "aten::tensor_split.sections" : "aten::tensor_split.indices",
      {args[0], args[1], dim});
}

// Cut at positions, or into as many parts, the first of which are larger by 1.
Result TensorSplit(Emitter& emitter, const OpSignature& op, Operands args) {
  const Ints sizes = SizesOf(emitter, TensorArg(args, 0));
  const int64_t rank = std::ssize(sizes), dim = Wrap(std::get<int64_t>(args[2]), rank);
  if (dim < 0 || dim >= rank)
    return absl::InvalidArgumentError(absl::StrCat(op.schema.op, ": no such dimension"));
  const int64_t size = sizes[static_cast<size_t>(dim)];
  Ints ends;
  if (const auto* parts = std::get_if<int64_t>(&args[1]);
      parts != nullptr && op.schema.Find("sections") >= 0) {
    if (*parts <= 0 || *parts > kMaxElements)
      return absl::InvalidArgumentError(absl::StrCat(op.schema.op, ": no such number of parts"));
    int64_t end = 0;
    for (int64_t i = 0; i < *parts; ++i)
      ends.push_back(end += size / *parts + (i < size % *parts ? 1 : 0));
  } else {
    ends = IntsArg(args, 1);
    ends.push_back(size);
  }
  Steps s(emitter);
  Tensors parts;
  int64_t begin = 0;
  for (const int64_t end : ends) {
    parts.push_back(s("aten::slice.Tensor", {args[0], dim, begin, end, int64_t{1}}));
    begin = end;
  }
  return s.Results(std::move(parts));
}

// The sum over what `size` lacks or has as 1.
Result SumToSize(Emitter& emitter, const OpSignature&, Operands args) {
  const Ints from = SizesOf(emitter, TensorArg(args, 0)), to = IntsArg(args, 1);
  // Even of a number: whole ones become int64.
  if (to.empty()) return emitter.Apply("aten::sum", {args[0]});
  if (from == to) return Tensors{TensorArg(args, 0)};
  if (to.size() > from.size()) return absl::InvalidArgumentError("sum_to_size: sizes do not fit");
  const size_t more = from.size() - to.size();
  Ints dims;
  for (size_t d = 0; d < from.size(); ++d) {
    if (d < more || (to[d - more] == 1 && from[d] != 1)) dims.push_back(static_cast<int64_t>(d));
  }
  Steps s(emitter);
  const TensorId sum = s("aten::sum.dim_IntList", {args[0], dims, true});
  return s.Results({s("aten::view", {T(sum), to})});
}

// --- Diagonals ---

// Numbers and rows count as matrices; zeros beside each.
Result BlockDiagonal(Emitter& emitter, const OpSignature& op, Operands args) {
  Steps s(emitter);
  auto blocks = std::get<TensorListOperand>(args[0]);
  int64_t columns = 0;
  for (TensorId& block : blocks.ids) {
    Ints sizes = s.Sizes(block);
    if (sizes.size() > 2)
      return absl::InvalidArgumentError(absl::StrCat(op.schema.op, " takes matrices"));
    if (sizes.size() < 2) {
      sizes.insert(sizes.begin(), 2 - sizes.size(), 1);
      block = s("aten::reshape", {T(block), sizes});
    }
    columns += sizes[1];
  }
  int64_t before = 0;
  for (TensorId& block : blocks.ids) {
    if (!s.ok()) break;
    const int64_t own = s.Sizes(block)[1];
    block =
        s("aten::constant_pad_nd", {T(block), Ints{before, columns - own - before}, int64_t{0}});
    before += own;
  }
  return s.Results({s("aten::cat", {blocks, int64_t{0}})});
}

// Element i of the last dimension of `diagonal`, of size n, at column i + max(offset, 0) of lines
// of `columns`, which all rows of a matrix share.
TensorId AlongColumns(Steps& s, TensorId diagonal, int64_t n, int64_t columns, int64_t offset) {
  const int64_t before = std::max<int64_t>(offset, 0);
  const TensorId padded =
      s("aten::constant_pad_nd", {T(diagonal), Ints{before, columns - n - before}, int64_t{0}});
  return s("aten::unsqueeze", {T(padded), int64_t{-2}});
}

// The order of dimensions that brings the last two to dim1 and dim2; `inverse` the other way.
Ints MatrixOrder(int64_t rank, int64_t dim1, int64_t dim2, bool inverse) {
  Ints front;
  for (int64_t d = 0; d < rank; ++d) {
    if (d != dim1 && d != dim2) front.push_back(d);
  }
  front.insert(front.end(), {dim1, dim2});
  if (inverse) return front;
  Ints order(static_cast<size_t>(rank));
  for (int64_t d = 0; d < rank; ++d) order[static_cast<size_t>(front[static_cast<size_t>(d)])] = d;
  return order;
}

Result DiagEmbed(Emitter& emitter, const OpSignature& op, Operands args) {
  const Ints sizes = SizesOf(emitter, TensorArg(args, 0));
  const int64_t rank = static_cast<int64_t>(sizes.size()) + 1, offset = std::get<int64_t>(args[1]);
  const int64_t dim1 = Wrap(std::get<int64_t>(args[2]), rank);
  const int64_t dim2 = Wrap(std::get<int64_t>(args[3]), rank);
  if (sizes.empty() || dim1 == dim2 || std::min(dim1, dim2) < 0 || std::max(dim1, dim2) >= rank)
    return absl::InvalidArgumentError(absl::StrCat(op.schema.op, ": dimensions do not fit"));
  const int64_t n = sizes.back(), side = n + std::abs(offset);
  INGOT_ASSIGN_OR_RETURN(const TensorId mask, DiagonalMask(emitter, side, side, offset));
  Steps s(emitter);
  const TensorId lines = AlongColumns(s, TensorArg(args, 0), n, side, offset);
  const TensorId matrix = s("aten::where.ScalarOther", {T(mask), T(lines), false});
  return s.Results({s("aten::permute", {T(matrix), MatrixOrder(rank, dim1, dim2, false)})});
}

Result Diag(Emitter& emitter, const OpSignature&, Operands args) {
  if (Rank(emitter, TensorArg(args, 0)) == 1)
    return emitter.Apply("aten::diag_embed", {args[0], args[1]});
  Steps s(emitter);
  return s.Results({s("aten::clone", {T(s("aten::diagonal", {args[0], args[1]}))})});
}
Result DiagFlat(Emitter& emitter, const OpSignature&, Operands args) {
  Steps s(emitter);
  return s.Results({s("aten::diag_embed", {T(s("aten::reshape", {args[0], Ints{-1}})), args[1]})});
}

Result LinalgDiagonal(Emitter& emitter, const OpSignature&, Operands args) {
  return emitter.Apply("aten::diagonal", std::move(args));
}

Result DiagonalScatter(Emitter& emitter, const OpSignature& op, Operands args) {
  const TensorId self = TensorArg(args, 0), source = TensorArg(args, 1);
  const int64_t rank = Rank(emitter, self), offset = std::get<int64_t>(args[2]);
  const int64_t dim1 = Wrap(std::get<int64_t>(args[3]), rank);
  const int64_t dim2 = Wrap(std::get<int64_t>(args[4]), rank);
  if (dim1 == dim2 || std::min(dim1, dim2) < 0 || std::max(dim1, dim2) >= rank)
    return absl::InvalidArgumentError(absl::StrCat(op.schema.op, ": dimensions do not fit"));
  Steps s(emitter);
  const TensorId matrices = s("aten::permute", {T(self), MatrixOrder(rank, dim1, dim2, true)});
  const TensorId diagonal = s("aten::diagonal", {args[0], args[2], args[3], args[4]});
  if (!s.ok()) return s.Results({});
  const Ints sizes = s.Sizes(matrices);
  if (s.Sizes(diagonal) != s.Sizes(source))
    return absl::InvalidArgumentError(
        absl::StrCat(op.schema.op, ": the source's sizes do not fit"));
  const int64_t rows = sizes[sizes.size() - 2], columns = sizes.back();
  INGOT_ASSIGN_OR_RETURN(const TensorId mask, DiagonalMask(emitter, rows, columns, offset));
  const TensorId lines = AlongColumns(s, source, s.Sizes(source).back(), columns, offset);
  const TensorId result = s("aten::where.self", {T(mask), T(lines), T(matrices)});
  return s.Results({s("aten::permute", {T(result), MatrixOrder(rank, dim1, dim2, false)})});
}

constexpr RewriteRow kRows[] = {
    {"aten::meshgrid", Meshgrid, "view, expand"},
    {"aten::meshgrid.indexing", Meshgrid, "view, expand"},
    {"aten::cartesian_prod", CartesianProduct, "meshgrid, reshape, stack"},
    {"aten::kron", Kronecker, "reshape, mul.Tensor"},
    {"aten::repeat_interleave.self_int", RepeatInterleave, "expand, reshape"},
    {"aten::as_strided", AsStrided, "a view by positions: index_select"},
    {"aten::as_strided_copy", AsStridedCopy, "clone of as_strided"},
    {"aten::as_strided_scatter", AsStridedScatter, "clone, index_select"},
    {"aten::block_diag", BlockDiagonal, "constant_pad_nd, cat"},
    {"aten::rot90", Rot90, "flip, transpose.int"},
    {"aten::fft_fftshift", FftShift<0>, "roll"},
    {"aten::fft_ifftshift", FftShift<1>, "roll"},
    {"aten::unsafe_split.Tensor", UnsafeCut, "clones of split.Tensor"},
    {"aten::unsafe_chunk", UnsafeCut, "clones of chunk"},
    {"aten::hsplit.int", SplitAlong<1>, "tensor_split.sections"},
    {"aten::hsplit.array", SplitAlong<1>, "tensor_split.indices"},
    {"aten::vsplit.int", SplitAlong<0>, "tensor_split.sections"},
    {"aten::vsplit.array", SplitAlong<0>, "tensor_split.indices"},
    {"aten::dsplit.int", SplitAlong<2>, "tensor_split.sections"},
    {"aten::dsplit.array", SplitAlong<2>, "tensor_split.indices"},
    {"aten::tensor_split.sections", TensorSplit, "slice.Tensor"},
    {"aten::tensor_split.indices", TensorSplit, "slice.Tensor"},
    {"aten::sum_to_size", SumToSize, "sum, or sum.dim_IntList and view"},
    {"aten::diag_embed", DiagEmbed, "constant_pad_nd, where.ScalarOther"},
    {"aten::diag", Diag, "diag_embed, or clone of diagonal"},
    {"aten::diagflat", DiagFlat, "diag_embed"},
    {"aten::linalg_diagonal", LinalgDiagonal, "diagonal"},
    {"aten::diagonal_scatter", DiagonalScatter, "constant_pad_nd, where.self"},
};

}  // namespace

absl::Span<const RewriteRow> ShapeRewrites() { return kRows; }

}  // namespace ingot::pt2
