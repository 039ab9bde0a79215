#include "frontends/pt2/rewrites.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/const_eval.h"
#include "frontends/pt2/const_factories.h"

namespace ingot::pt2 {
namespace {

using Result = absl::StatusOr<Tensors>;
using Ints = std::vector<int64_t>;

// --- Other names ---

// Same arguments, another name.
struct Name {
  const char* from;
  const char* to;
};
constexpr Name kNames[] = {
    {"aten::__and__.Tensor", "aten::bitwise_and.Tensor"},
    {"aten::__and__.Scalar", "aten::bitwise_and.Scalar"},
    {"aten::__or__.Tensor", "aten::bitwise_or.Tensor"},
    {"aten::__or__.Scalar", "aten::bitwise_or.Scalar"},
    {"aten::__xor__.Tensor", "aten::bitwise_xor.Tensor"},
    {"aten::__xor__.Scalar", "aten::bitwise_xor.Scalar"},
    {"aten::_adaptive_avg_pool2d", "aten::adaptive_avg_pool2d"},
    {"aten::_unsafe_index.Tensor", "aten::index.Tensor"},
    {"aten::_unsafe_index_put", "aten::index_put"},
    {"aten::_unsafe_view", "aten::view"},
    {"aten::absolute", "aten::abs"},
    {"aten::adaptive_avg_pool3d", "aten::_adaptive_avg_pool3d"},
    {"aten::broadcast_to", "aten::expand"},
    {"aten::clip", "aten::clamp"},
    {"aten::clip.Tensor", "aten::clamp.Tensor"},
    {"aten::concat", "aten::cat"},
    {"aten::concatenate", "aten::cat"},
    {"aten::divide.Scalar", "aten::div.Scalar"},
    {"aten::divide.Tensor", "aten::div.Tensor"},
    {"aten::divide.Tensor_mode", "aten::div.Tensor_mode"},
    {"aten::greater.Scalar", "aten::gt.Scalar"},
    {"aten::greater.Tensor", "aten::gt.Tensor"},
    {"aten::greater_equal.Scalar", "aten::ge.Scalar"},
    {"aten::greater_equal.Tensor", "aten::ge.Tensor"},
    {"aten::less.Scalar", "aten::lt.Scalar"},
    {"aten::less.Tensor", "aten::lt.Tensor"},
    {"aten::less_equal.Scalar", "aten::le.Scalar"},
    {"aten::less_equal.Tensor", "aten::le.Tensor"},
    {"aten::max.other", "aten::maximum"},
    {"aten::min.other", "aten::minimum"},
    {"aten::moveaxis.int", "aten::movedim.int"},
    {"aten::moveaxis.intlist", "aten::movedim.intlist"},
    {"aten::mv", "aten::matmul"},
    {"aten::multiply.Scalar", "aten::mul.Scalar"},
    {"aten::multiply.Tensor", "aten::mul.Tensor"},
    {"aten::negative", "aten::neg"},
    {"aten::not_equal.Scalar", "aten::ne.Scalar"},
    {"aten::not_equal.Tensor", "aten::ne.Tensor"},
    {"aten::special_expit", "aten::sigmoid"},
    {"aten::split.sizes", "aten::split_with_sizes"},
    {"aten::subtract.Scalar", "aten::sub.Scalar"},
    {"aten::subtract.Tensor", "aten::sub.Tensor"},
    {"aten::swapaxes", "aten::transpose.int"},
    {"aten::swapdims", "aten::transpose.int"},
    {"aten::true_divide.Scalar", "aten::div.Scalar"},
    {"aten::true_divide.Tensor", "aten::div.Tensor"},
};

Result Renamed(Emitter& emitter, const OpSignature& op, Operands args) {
  for (const Name& name : kNames) {
    if (op.schema.op == name.from) return emitter.Apply(name.to, std::move(args));
  }
  return absl::InternalError(absl::StrCat(op.schema.op, " has no other name"));
}

// Copies of views: the views, in memory of their own.
Result CopiedView(Emitter& emitter, const OpSignature& op, Operands args) {
  std::string name = op.schema.op;
  name.erase(name.find("_copy"), 5);
  INGOT_ASSIGN_OR_RETURN(Tensors views, emitter.Apply(name, std::move(args)));
  for (TensorId& view : views) {
    INGOT_ASSIGN_OR_RETURN(view, emitter.ApplyOne("aten::clone", {T(view)}));
  }
  return views;
}

// --- Identities ---

// The same tensor object.
Result SameTensor(Emitter&, const OpSignature&, Operands args) {
  return Tensors{TensorArg(args, 0)};
}
Result FreshCopy(Emitter& emitter, const OpSignature&, Operands args) {
  return emitter.Apply("aten::clone", {args[0]});
}

Result Contiguous(Emitter& emitter, const OpSignature& op, Operands args) {
  const TensorId self = TensorArg(args, 0);
  const int64_t format = std::get<int64_t>(args[1]);
  if (format == 0 && emitter.memory().layout(self).IsRowMajor()) return Tensors{self};
  return FreshCopy(emitter, op, std::move(args));
}

// `to` and its kin: the same tensor if it has the dtype already.
Result Converted(Emitter& emitter, TensorId self, ir::DType dtype, bool copy) {
  if (copy && emitter.type(self).dtype == dtype) return emitter.Apply("aten::clone", {T(self)});
  INGOT_ASSIGN_OR_RETURN(const TensorId converted, InDtype(emitter, self, dtype));
  return Tensors{converted};
}

Result To(Emitter& emitter, const OpSignature& op, Operands args) {
  const TensorId self = TensorArg(args, 0);
  ir::DType dtype = emitter.type(self).dtype;
  const int at = op.schema.Find("dtype"), copy = op.schema.Find("copy");
  if (at >= 0) {
    if (const auto* wanted = std::get_if<ir::DType>(&args[static_cast<size_t>(at)]))
      dtype = *wanted;
  }
  return Converted(emitter, self, dtype, std::get<bool>(args[static_cast<size_t>(copy)]));
}

Result ToOther(Emitter& emitter, const OpSignature& op, Operands args) {
  const int copy = op.schema.Find("copy");
  return Converted(emitter, TensorArg(args, 0), emitter.type(TensorArg(args, 1)).dtype,
                   copy >= 0 && std::get<bool>(args[static_cast<size_t>(copy)]));
}

// --- Writes ---

Result CopyInto(Emitter& emitter, const OpSignature&, Operands args) {
  const TensorId self = TensorArg(args, 0);
  TensorId source = kNoTensor;
  if (IsNumber(args[1])) {
    INGOT_ASSIGN_OR_RETURN(HostConstant constant, Filled({emitter.type(self).dtype, {}}, args[1]));
    source = emitter.Constant(std::move(constant));
  } else {
    source = TensorArg(args, 1);
  }
  INGOT_RETURN_IF_ERROR(emitter.Overwrite(self, source));
  return Tensors{self};
}

Result FillZero(Emitter& emitter, const OpSignature&, Operands args) {
  INGOT_ASSIGN_OR_RETURN(const TensorId zero,
                         emitter.ApplyOne("aten::fill.Scalar", {args[0], int64_t{0}}));
  INGOT_RETURN_IF_ERROR(emitter.Overwrite(TensorArg(args, 0), zero, /*fills=*/true));
  return Tensors{TensorArg(args, 0)};
}

// Random in-place ops whose functional form has another name.
Result RandomInPlace(Emitter& emitter, const OpSignature& op, Operands args) {
  const char* const functional =
      op.schema.op == "aten::normal_" ? "aten::normal_functional" : "aten::bernoulli.p";
  const TensorId self = TensorArg(args, 0);
  INGOT_ASSIGN_OR_RETURN(const TensorId drawn, emitter.ApplyOne(functional, std::move(args)));
  INGOT_RETURN_IF_ERROR(emitter.Overwrite(self, drawn));
  return Tensors{self};
}

// --- Sizes from another tensor ---

Result ExpandAs(Emitter& emitter, const OpSignature&, Operands args) {
  return emitter.Apply("aten::expand", {args[0], SizesOf(emitter, TensorArg(args, 1))});
}
Result ViewAs(Emitter& emitter, const OpSignature&, Operands args) {
  return emitter.Apply("aten::view", {args[0], SizesOf(emitter, TensorArg(args, 1))});
}

int64_t WrapDim(int64_t dim, int rank) { return dim < 0 ? dim + std::max(rank, 1) : dim; }

Result Unflatten(Emitter& emitter, const OpSignature&, Operands args) {
  const TensorId self = TensorArg(args, 0);
  Ints sizes = SizesOf(emitter, self);
  const int64_t dim = WrapDim(std::get<int64_t>(args[1]), emitter.type(self).rank());
  if (dim < 0 || dim >= static_cast<int64_t>(sizes.size()))
    return absl::InvalidArgumentError("aten::unflatten: the dimension is out of range");
  Ints parts = IntsArg(args, 2);
  int64_t known = 1;
  for (const int64_t part : parts) known *= part < 0 ? 1 : std::max<int64_t>(part, 1);
  for (int64_t& part : parts) {
    if (part < 0) part = sizes[static_cast<size_t>(dim)] / known;
  }
  sizes.erase(sizes.begin() + dim);
  sizes.insert(sizes.begin() + dim, parts.begin(), parts.end());
  return emitter.Apply("aten::view", {args[0], std::move(sizes)});
}

// mT, T: the last two dimensions swapped, or all of them.
Result SwapLast(Emitter& emitter, const OpSignature&, Operands args) {
  return emitter.Apply("aten::transpose.int", {args[0], int64_t{-2}, int64_t{-1}});
}
// Complex ones are conjugated; what eager gives back is a view all the same, so neither side may be
// written any more.
Result Adjoint(Emitter& emitter, const OpSignature& op, Operands args) {
  const TensorId self = TensorArg(args, 0);
  INGOT_ASSIGN_OR_RETURN(const Tensors swapped, SwapLast(emitter, op, std::move(args)));
  if (!ir::IsComplex(emitter.type(self).dtype)) return swapped;
  INGOT_ASSIGN_OR_RETURN(const TensorId conjugate,
                         emitter.ApplyOne("aten::conj_physical", {TensorOperand{swapped[0]}}));
  emitter.memory().Freeze(self);
  emitter.memory().Freeze(conjugate);
  return Tensors{conjugate};
}
Result Reversed(Emitter& emitter, const OpSignature&, Operands args) {
  Ints dims;
  for (int64_t d = emitter.type(TensorArg(args, 0)).rank(); d-- > 0;) dims.push_back(d);
  return emitter.Apply("aten::permute", {args[0], std::move(dims)});
}

// diff: n times the difference of neighbours along dim, with what is put before and behind.
Result Diff(Emitter& emitter, const OpSignature&, Operands args) {
  TensorId self = TensorArg(args, 0);
  const int rank = emitter.type(self).rank();
  const int64_t dim = WrapDim(std::get<int64_t>(args[2]), rank);
  if (rank == 0 || dim < 0 || dim >= rank)
    return absl::InvalidArgumentError("aten::diff: the dimension is out of range");
  // Eager then looks at nothing else.
  if (std::get<int64_t>(args[1]) == 0) return emitter.Apply("aten::clone", {args[0]});
  TensorListOperand parts;
  if (!IsNone(args, 3)) parts.ids.push_back(TensorArg(args, 3));
  parts.ids.push_back(self);
  if (!IsNone(args, 4)) parts.ids.push_back(TensorArg(args, 4));
  if (parts.ids.size() > 1) {
    INGOT_ASSIGN_OR_RETURN(self, emitter.ApplyOne("aten::cat", {parts, dim}));
  }
  for (int64_t n = std::get<int64_t>(args[1]); n > 0; --n) {
    const int64_t size = emitter.type(self).dims[static_cast<size_t>(dim)];
    if (size == 0) break;
    INGOT_ASSIGN_OR_RETURN(
        const TensorId later,
        emitter.ApplyOne("aten::narrow", {TensorOperand{self}, dim, int64_t{1}, size - 1}));
    INGOT_ASSIGN_OR_RETURN(
        const TensorId earlier,
        emitter.ApplyOne("aten::narrow", {TensorOperand{self}, dim, int64_t{0}, size - 1}));
    const char* const op = emitter.type(self).dtype == ir::DType::kBool ? "aten::bitwise_xor.Tensor"
                                                                        : "aten::sub.Tensor";
    INGOT_ASSIGN_OR_RETURN(self,
                           emitter.ApplyOne(op, {TensorOperand{later}, TensorOperand{earlier}}));
  }
  return Tensors{self};
}

// var, var.dim, std, std.dim: with the flag `unbiased` in place of the correction.
Result Variance(Emitter& emitter, const OpSignature& op, Operands args) {
  const bool is_std = op.schema.op.starts_with("aten::std");
  const bool has_dim = op.schema.Find("dim") >= 0;
  const bool unbiased = std::get<bool>(args[has_dim ? 2 : 1]);
  const Operand dims = has_dim ? args[1] : Operand(ir::None{});
  const bool keepdim = has_dim && std::get<bool>(args[3]);
  return emitter.Apply(is_std ? "aten::std.correction" : "aten::var.correction",
                       {args[0], dims, int64_t{unbiased ? 1 : 0}, keepdim});
}

// --- Factories ---

// The result's type: sizes and dtype as the file says of this node.
absl::StatusOr<ir::TensorType> ExpectedType(const Emitter& emitter, const OpSignature& op) {
  if (emitter.expected().size() == 1 && emitter.expected()[0]) {
    const ir::TensorType& type = emitter.expected()[0]->type;
    if (type.NumElements() <= kMaxElements) return type;
    return absl::UnimplementedError(absl::StrCat(op.schema.op, " of ", type.NumElements(),
                                                 " elements: a constant of this size belongs "
                                                 "into the model's buffers"));
  }
  return absl::InternalError(absl::StrCat(op.schema.op, ": the result's type is not known"));
}

Result FillWith(Emitter& emitter, const OpSignature& op, const Operand& value) {
  INGOT_ASSIGN_OR_RETURN(const ir::TensorType type, ExpectedType(emitter, op));
  INGOT_ASSIGN_OR_RETURN(HostConstant constant, Filled(type, value));
  return Tensors{emitter.Constant(std::move(constant))};
}
Result Zeros(Emitter& emitter, const OpSignature& op, Operands) {
  return FillWith(emitter, op, int64_t{0});
}
Result Ones(Emitter& emitter, const OpSignature& op, Operands) {
  return FillWith(emitter, op, int64_t{1});
}
// full, full_like, new_full, scalar_tensor
Result Full(Emitter& emitter, const OpSignature& op, Operands args) {
  for (const char* name : {"fill_value", "s"}) {
    const int at = op.schema.Find(name);
    if (at >= 0) return FillWith(emitter, op, args[static_cast<size_t>(at)]);
  }
  return absl::InternalError(absl::StrCat(op.schema.op, " has no number to fill with"));
}
Result Arange(Emitter& emitter, const OpSignature& op, Operands args) {
  INGOT_ASSIGN_OR_RETURN(const ir::TensorType type, ExpectedType(emitter, op));
  const int start = op.schema.Find("start"), step = op.schema.Find("step");
  INGOT_ASSIGN_OR_RETURN(
      HostConstant constant,
      Counted(type, start >= 0 ? args[static_cast<size_t>(start)] : Operand(int64_t{0}),
              step >= 0 ? args[static_cast<size_t>(step)] : Operand(int64_t{1})));
  return Tensors{emitter.Constant(std::move(constant))};
}
Result Linspace(Emitter& emitter, const OpSignature& op, Operands args) {
  INGOT_ASSIGN_OR_RETURN(const ir::TensorType type, ExpectedType(emitter, op));
  // Eager rounds whole numbers by the width of its vectors.
  const bool is_exact = type.dtype == ir::DType::kFloat32 || type.dtype == ir::DType::kFloat64;
  if (!is_exact || type.rank() != 1 || !IsRealNumber(args[0]) || !IsRealNumber(args[1]))
    return emitter.ApplyAsIs(op, std::move(args));
  INGOT_ASSIGN_OR_RETURN(HostConstant constant,
                         Spaced(type, RealNumber(args[0]), RealNumber(args[1])));
  return Tensors{emitter.Constant(std::move(constant))};
}
Result Eye(Emitter& emitter, const OpSignature& op, Operands) {
  INGOT_ASSIGN_OR_RETURN(const ir::TensorType type, ExpectedType(emitter, op));
  if (type.rank() != 2) return absl::InvalidArgumentError("aten::eye makes matrices");
  INGOT_ASSIGN_OR_RETURN(const TensorId same, DiagonalMask(emitter, type.dims[0], type.dims[1], 0));
  return emitter.Apply("aten::_to_copy", {TensorOperand{same}, type.dtype});
}

// --- Numbers and classes ---

// Both numbers as constants of the result's dtype, which the file knows.
Result WhereNumbers(Emitter& emitter, const OpSignature& op, Operands args) {
  if (emitter.expected().size() != 1 || !emitter.expected()[0])
    return absl::InternalError(absl::StrCat(op.schema.op, ": the result's type is not known"));
  const ir::DType dtype = emitter.expected()[0]->type.dtype;
  for (const size_t i : {size_t{1}, size_t{2}}) {
    INGOT_ASSIGN_OR_RETURN(HostConstant number, Filled(ir::TensorType{dtype, {}}, args[i]));
    args[i] = TensorOperand{emitter.Constant(std::move(number))};
  }
  return emitter.Apply("aten::where.self", std::move(args));
}

// one_hot(x, n)[…, c] = (x[…] == c)
Result OneHot(Emitter& emitter, const OpSignature& op, Operands args) {
  const int64_t classes = std::get<int64_t>(args[1]);
  if (classes < 0 || classes > kMaxElements) return emitter.ApplyAsIs(op, std::move(args));
  INGOT_ASSIGN_OR_RETURN(const TensorId column,
                         emitter.ApplyOne("aten::unsqueeze", {args[0], int64_t{-1}}));
  INGOT_ASSIGN_OR_RETURN(HostConstant numbers,
                         Counted({ir::DType::kInt64, {classes}}, int64_t{0}, int64_t{1}));
  INGOT_ASSIGN_OR_RETURN(
      const TensorId same,
      emitter.ApplyOne("aten::eq.Tensor", {TensorOperand{column},
                                           TensorOperand{emitter.Constant(std::move(numbers))}}));
  return emitter.Apply("aten::_to_copy", {TensorOperand{same}, ir::DType::kInt64});
}

Result Tile(Emitter& emitter, const OpSignature&, Operands args) {
  Ints repeats = IntsArg(args, 1);
  const size_t rank = emitter.type(TensorArg(args, 0)).dims.size();
  if (repeats.size() < rank) repeats.insert(repeats.begin(), rank - repeats.size(), 1);
  return emitter.Apply("aten::repeat", {args[0], std::move(repeats)});
}

constexpr char kConstantDoc[] = "a constant";
constexpr RewriteRow kRows[] = {
    {"aten::T", Reversed, "permute"},
    {"aten::numpy_T", Reversed, "permute"},
    {"aten::mT", SwapLast, "transpose.int"},
    {"aten::mH", Adjoint, "transpose.int, conj_physical of complex tensors"},
    {"aten::adjoint", Adjoint, "transpose.int, conj_physical of complex tensors"},
    {"aten::matrix_H", Adjoint, "transpose.int, conj_physical of complex tensors"},
    {"aten::alias_copy", CopiedView, "clone"},
    {"aten::detach_copy", CopiedView, "clone"},
    {"aten::diagonal_copy", CopiedView, "clone of diagonal"},
    {"aten::expand_copy", CopiedView, "clone of expand"},
    {"aten::permute_copy", CopiedView, "clone of permute"},
    {"aten::select_copy.int", CopiedView, "clone of select.int"},
    {"aten::slice_copy.Tensor", CopiedView, "clone of slice.Tensor"},
    {"aten::split_with_sizes_copy", CopiedView, "clones of split_with_sizes"},
    {"aten::squeeze_copy", CopiedView, "clone of squeeze"},
    {"aten::squeeze_copy.dim", CopiedView, "clone of squeeze.dim"},
    {"aten::t_copy", CopiedView, "clone of t"},
    {"aten::transpose_copy.int", CopiedView, "clone of transpose.int"},
    {"aten::unbind_copy.int", CopiedView, "clones of unbind.int"},
    {"aten::unfold_copy", CopiedView, "clone of unfold"},
    {"aten::unsqueeze_copy", CopiedView, "clone of unsqueeze"},
    {"aten::view_copy", CopiedView, "clone of view"},
    {"aten::detach_", SameTensor, "its argument"},
    {"aten::positive", SameTensor, "its argument"},
    {"aten::lift", SameTensor, "its argument"},
    {"aten::lift_fresh", SameTensor, "its argument"},
    {"aten::resolve_conj", SameTensor, "its argument"},
    {"aten::resolve_neg", SameTensor, "its argument"},
    {"aten::lift_fresh_copy", FreshCopy, "clone"},
    {"aten::contiguous", Contiguous, "its argument, or clone"},
    {"aten::to.device", To, "its argument, or _to_copy"},
    {"aten::to.dtype", To, "its argument, or _to_copy"},
    {"aten::to.dtype_layout", To, "its argument, or _to_copy"},
    {"aten::to.other", ToOther, "its argument, or _to_copy"},
    {"aten::type_as", ToOther, "its argument, or _to_copy"},
    {"aten::copy_", CopyInto, "_to_copy, expand"},
    {"aten::zero_", FillZero, "fill.Scalar"},
    {"aten::normal_", RandomInPlace, "normal_functional"},
    {"aten::bernoulli_.float", RandomInPlace, "bernoulli.p"},
    {"aten::expand_as", ExpandAs, "expand"},
    {"aten::view_as", ViewAs, "view"},
    {"aten::reshape_as", ViewAs, "view"},
    {"aten::unflatten.int", Unflatten, "view"},
    {"aten::one_hot", OneHot, "unsqueeze, eq.Tensor"},
    {"aten::tile", Tile, "repeat"},
    {"aten::where.Scalar", WhereNumbers, "where.self"},
    {"aten::diff", Diff, "cat, slice.Tensor, sub.Tensor"},
    {"aten::std", Variance, "std.correction"},
    {"aten::std.dim", Variance, "std.correction"},
    {"aten::var", Variance, "var.correction"},
    {"aten::var.dim", Variance, "var.correction"},
    {"aten::empty.memory_format", Zeros, kConstantDoc},
    {"aten::empty_like", Zeros, kConstantDoc},
    {"aten::empty_permuted", Zeros, kConstantDoc},
    {"aten::empty_strided", Zeros, kConstantDoc},
    {"aten::new_empty", Zeros, kConstantDoc},
    {"aten::new_empty_strided", Zeros, kConstantDoc},
    {"aten::new_zeros", Zeros, kConstantDoc},
    {"aten::zeros", Zeros, kConstantDoc},
    {"aten::zeros_like", Zeros, kConstantDoc},
    {"aten::new_ones", Ones, kConstantDoc},
    {"aten::ones", Ones, kConstantDoc},
    {"aten::ones_like", Ones, kConstantDoc},
    {"aten::full", Full, kConstantDoc},
    {"aten::full_like", Full, kConstantDoc},
    {"aten::new_full", Full, kConstantDoc},
    {"aten::scalar_tensor", Full, kConstantDoc},
    {"aten::arange", Arange, kConstantDoc},
    {"aten::arange.start", Arange, kConstantDoc},
    {"aten::arange.start_step", Arange, kConstantDoc},
    {"aten::linspace", Linspace, "a constant, of float32 or float64"},
    {"aten::eye", Eye, kConstantDoc},
    {"aten::eye.m", Eye, kConstantDoc},
};

const std::vector<RewriteRow>& AllPlain() {
  static const auto* const rows = [] {
    auto* all = new std::vector<RewriteRow>();
    for (const RewriteRow& row : kRows) {
      all->push_back(row);
    }
    for (const Name& name : kNames) all->push_back({name.from, Renamed, name.to + 6});
    return all;
  }();
  return *rows;
}

}  // namespace

absl::Span<const RewriteRow> PlainRewrites() { return AllPlain(); }

std::vector<RewriteRow> AllRewrites() {
  std::vector<RewriteRow> all;
  for (const auto family : {PlainRewrites, NetworkRewrites, CompositeRewrites, ShapeRewrites,
                            AlgebraRewrites, LossRewrites, NumericRewrites, IndexRewrites}) {
    all.insert(all.end(), family().begin(), family().end());
  }
  return all;
}

Rewrite FindRewrite(const std::string& op) {
  static const auto* const table = [] {
    auto* map = new absl::flat_hash_map<std::string, Rewrite>();
    for (const RewriteRow& row : AllRewrites()) map->emplace(row.op, row.rewrite);
    return map;
  }();
  const auto found = table->find(op);
  return found == table->end() ? nullptr : found->second;
}

absl::StatusOr<TensorId> InDtype(Emitter& emitter, TensorId tensor, ir::DType dtype) {
  if (emitter.type(tensor).dtype == dtype) return tensor;
  return emitter.ApplyOne("aten::_to_copy", {T(tensor), dtype});
}

absl::StatusOr<TensorId> DiagonalMask(Emitter& emitter, int64_t rows, int64_t columns,
                                      int64_t offset) {
  INGOT_ASSIGN_OR_RETURN(HostConstant row,
                         Counted({ir::DType::kInt64, {rows, 1}}, offset, int64_t{1}));
  INGOT_ASSIGN_OR_RETURN(HostConstant column,
                         Counted({ir::DType::kInt64, {columns}}, int64_t{0}, int64_t{1}));
  return emitter.ApplyOne("aten::eq.Tensor", {T(emitter.Constant(std::move(column))),
                                              T(emitter.Constant(std::move(row)))});
}

absl::StatusOr<Tensors> Only(absl::StatusOr<Tensors> results, size_t index) {
  INGOT_RETURN_IF_ERROR(results.status());
  return Tensors{(*results)[index]};
}

TensorId TensorArg(const Operands& args, size_t i) { return std::get<TensorOperand>(args[i]).id; }

std::vector<int64_t> IntsArg(const Operands& args, size_t i) {
  if (const auto* one = std::get_if<int64_t>(&args[i])) return {*one};
  return std::get<Ints>(args[i]);
}

bool IsRealNumber(const Operand& number) {
  return std::holds_alternative<int64_t>(number) || std::holds_alternative<double>(number);
}
double RealNumber(const Operand& number) {
  const auto* const whole = std::get_if<int64_t>(&number);
  return whole != nullptr ? static_cast<double>(*whole) : std::get<double>(number);
}

bool IsNone(const Operands& args, size_t i) { return std::holds_alternative<ir::None>(args[i]); }

std::vector<int64_t> SizesOf(const Emitter& emitter, TensorId tensor) {
  const ir::Dims& dims = emitter.type(tensor).dims;
  return {dims.begin(), dims.end()};
}

}  // namespace ingot::pt2
