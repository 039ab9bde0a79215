// Rewrites of numerical methods: integrals, gradients, quantiles, powers and norms of matrices.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/const_factories.h"
#include "frontends/pt2/constants.h"
#include "frontends/pt2/rewrites.h"
#include "frontends/pt2/steps.h"

namespace ingot::pt2 {
namespace {

using Result = absl::StatusOr<Tensors>;
using Ints = std::vector<int64_t>;

int64_t Wrap(int64_t dim, int64_t rank) { return dim < 0 ? dim + rank : dim; }
bool IsIn(int64_t dim, int64_t rank) { return dim >= 0 && dim < rank; }

bool IsComplexArg(const Emitter& emitter, const Operands& args) {
  return ir::IsComplex(emitter.type(TensorArg(args, 0)).dtype);
}

TensorId Slice(Steps& s, TensorId self, int64_t dim, int64_t begin, int64_t end) {
  return s("aten::slice.Tensor", {T(self), dim, begin, end, int64_t{1}});
}

// --- Integrals ---

// The sum of neighbours along `dim`, twice their mean.
TensorId Neighbours(Steps& s, TensorId self, int64_t dim, int64_t size) {
  return s("aten::add.Tensor",
           {T(Slice(s, self, dim, 0, size - 1)), T(Slice(s, self, dim, 1, size))});
}

// Distances between the places `x` along `dim` of what has `sizes`; kNoTensor if eager reads them
// in another way.
TensorId Distances(Steps& s, TensorId x, int64_t dim, const Ints& sizes) {
  Ints own = s.Sizes(x);
  const int64_t size = sizes[static_cast<size_t>(dim)];
  if (own.size() > sizes.size()) return kNoTensor;
  if (own.size() == 1) {
    if (own[0] != size) return kNoTensor;
    own.assign(sizes.size(), 1);
    own[static_cast<size_t>(dim)] = size;
  } else {
    own.insert(own.begin(), sizes.size() - own.size(), 1);
  }
  if (own[static_cast<size_t>(dim)] != size) return kNoTensor;
  const TensorId places = s("aten::reshape", {T(x), own});
  return s("aten::sub.Tensor",
           {T(Slice(s, places, dim, 1, size)), T(Slice(s, places, dim, 0, size - 1))});
}

// By the trapezoidal rule, with equal steps (.dx) or between places (.x).
template <bool kCumulative>
Result Trapezoid(Emitter& emitter, const OpSignature& op, Operands args) {
  const TensorId y = TensorArg(args, 0);
  const Ints sizes = SizesOf(emitter, y);
  const int64_t rank = std::ssize(sizes), dim = Wrap(std::get<int64_t>(args[2]), rank);
  if (!IsIn(dim, rank) || sizes[static_cast<size_t>(dim)] == 0 ||
      emitter.type(y).dtype == ir::DType::kBool)
    return emitter.ApplyAsIs(op, std::move(args));
  Steps s(emitter);
  TensorId areas = Neighbours(s, y, dim, sizes[static_cast<size_t>(dim)]);
  if (absl::EndsWith(op.schema.op, ".x")) {
    const TensorId distances = Distances(s, TensorArg(args, 1), dim, sizes);
    if (s.ok() && distances == kNoTensor) return emitter.ApplyAsIs(op, std::move(args));
    areas = s("aten::mul.Tensor", {T(distances), T(areas)});
  } else if (kCumulative) {
    areas = s("aten::mul.Scalar", {T(areas), args[1]});
  }
  const TensorId sum = kCumulative ? s("aten::cumsum", {T(areas), dim})
                                   : s("aten::sum.dim_IntList", {T(areas), Ints{dim}, false});
  const bool scales = !kCumulative && absl::EndsWith(op.schema.op, ".dx");
  const TensorId scaled = scales ? s("aten::mul.Scalar", {T(sum), args[1]}) : sum;
  return s.Results({s("aten::div.Scalar", {T(scaled), 2.0})});
}

// --- Gradients ---

// Differences along one dimension by a distance: one-sided at the ends, of the order there.
TensorId Gradient(Steps& s, TensorId self, int64_t dim, int64_t size, double distance,
                  int64_t order) {
  const auto line = [&](int64_t i) { return Slice(s, self, dim, i, i + 1); };
  const auto by_distance = [&](TensorId x) { return s("aten::div.Scalar", {T(x), distance}); };
  const auto first = [&](int64_t from, int64_t to) {
    return by_distance(s("aten::sub.Tensor", {T(line(to)), T(line(from))}));
  };
  // The parabola through three lines.
  const auto second = [&](const std::vector<std::pair<int64_t, double>>& terms) {
    TensorId sum = kNoTensor;
    for (const auto& [i, factor] : terms) {
      const TensorId term = s("aten::mul.Scalar", {T(line(i)), factor});
      sum = sum == kNoTensor ? term : s("aten::add.Tensor", {T(sum), T(term)});
    }
    return by_distance(sum);
  };
  const bool flat = order == 1;
  const TensorId head = flat ? first(0, 1) : second({{0, -1.5}, {1, 2.0}, {2, -0.5}});
  const TensorId tail = flat ? first(size - 2, size - 1)
                             : second({{size - 3, 0.5}, {size - 2, -2.0}, {size - 1, 1.5}});
  const TensorId inner =
      s("aten::div.Scalar",
        {T(by_distance(s("aten::sub.Tensor",
                         {T(Slice(s, self, dim, 2, size)), T(Slice(s, self, dim, 0, size - 2))}))),
         2.0});
  return s("aten::cat", {TensorListOperand{{head, inner, tail}}, dim});
}

// With distances that are numbers: one for all dimensions or one for each.
Result Gradients(Emitter& emitter, const OpSignature& op, Operands args) {
  const TensorId self = TensorArg(args, 0);
  const Ints sizes = SizesOf(emitter, self);
  const int64_t rank = std::ssize(sizes);
  const auto named = [&](const char* name) -> const Operand* {
    const int at = op.schema.Find(name);
    return at < 0 ? nullptr : &args[static_cast<size_t>(at)];
  };
  const int64_t order = std::get<int64_t>(*named("edge_order"));
  Ints dims;
  if (const auto* one = std::get_if<int64_t>(named("dim"))) dims = {*one};
  if (const auto* given = std::get_if<Ints>(named("dim"))) dims = *given;
  if (dims.empty()) {
    dims.resize(static_cast<size_t>(rank));
    std::iota(dims.begin(), dims.end(), 0);
  }
  const Operand* const spacing = named("spacing");
  std::vector<double> distances(dims.size(), 1.0);
  if (spacing != nullptr && IsRealNumber(*spacing)) {
    distances.assign(dims.size(), RealNumber(*spacing));
  } else if (spacing != nullptr) {
    if (const auto* reals = std::get_if<std::vector<double>>(spacing)) distances = *reals;
    if (const auto* whole = std::get_if<Ints>(spacing))
      distances.assign(whole->begin(), whole->end());
  }
  bool plain = distances.size() == dims.size() && order >= 1 && order <= 2 &&
               (ir::IsFloating(emitter.type(self).dtype));
  for (int64_t& dim : dims) {
    dim = Wrap(dim, rank);
    plain = plain && IsIn(dim, rank) && sizes[static_cast<size_t>(dim)] > order;
  }
  if (!plain) return emitter.ApplyAsIs(op, std::move(args));
  Steps s(emitter);
  Tensors results;
  for (size_t i = 0; i < dims.size(); ++i)
    results.push_back(
        Gradient(s, self, dims[i], sizes[static_cast<size_t>(dims[i])], distances[i], order));
  return s.Results(std::move(results));
}

// --- Quantiles ---

// Where the quantiles lie among `size` sorted elements of the last dimension: between positions. A
// line with a NaN has the last, which is NaN; nanquantile counts the others, at least one.
TensorId Ranks(Steps& s, TensorId sorted, TensorId q, bool skips_nan) {
  const int64_t last = s.Sizes(sorted).back() - 1;
  const TensorId is_nan = s("aten::isnan", {T(sorted)});
  if (skips_nan) {
    const TensorId count =
        s("aten::sum.dim_IntList", {T(s("aten::logical_not", {T(is_nan)})), Ints{-1}, true});
    const TensorId ranks =
        s("aten::mul.Tensor", {T(q), T(s("aten::sub.Scalar", {T(count), int64_t{1}}))});
    const TensorId negative = s("aten::lt.Scalar", {T(ranks), int64_t{0}});
    return s("aten::masked_fill.Scalar", {T(ranks), T(negative), int64_t{0}});
  }
  const TensorId any = s("aten::any.dim", {T(is_nan), int64_t{-1}, true});
  const Tensors both = s.All("aten::broadcast_tensors",
                             {TensorListOperand{{s("aten::mul.Scalar", {T(q), last}), any}}});
  if (!s.ok()) return kNoTensor;
  return s("aten::masked_fill.Scalar", {T(both[0]), T(both[1]), last});
}

// What lies at the ranks; between two elements as `mode` has it.
TensorId AtRanks(Steps& s, TensorId sorted, TensorId ranks, const std::string& mode) {
  const auto gathered = [&](TensorId at) {
    const TensorId whole = s("aten::_to_copy", {T(at), ir::DType::kInt64});
    return s("aten::gather", {T(sorted), int64_t{-1}, T(whole)});
  };
  if (mode == "lower") return gathered(s("aten::floor", {T(ranks)}));
  if (mode == "higher") return gathered(s("aten::ceil", {T(ranks)}));
  if (mode == "nearest") return gathered(s("aten::round", {T(ranks)}));
  const TensorId below = s("aten::floor", {T(ranks)});
  const TensorId low = gathered(below), high = gathered(s("aten::ceil", {T(ranks)}));
  if (mode == "midpoint") return s("aten::lerp.Scalar", {T(low), T(high), 0.5});
  return s("aten::lerp.Tensor", {T(low), T(high), T(s("aten::sub.Tensor", {T(ranks), T(below)}))});
}

// self, q, dim, keepdim, interpolation; q is a number or a tensor of up to one dimension.
Result Quantile(Emitter& emitter, const OpSignature& op, Operands args) {
  const ir::TensorType type = emitter.type(TensorArg(args, 0));
  const int64_t rank = type.rank();
  const bool all = IsNone(args, 2), keeps = std::get<bool>(args[3]);
  const int64_t dim = all ? 0 : Wrap(std::get<int64_t>(args[2]), std::max<int64_t>(rank, 1));
  if (type.NumElements() == 0 || (!all && !IsIn(dim, std::max<int64_t>(rank, 1))))
    return emitter.ApplyAsIs(op, std::move(args));
  Steps s(emitter);
  TensorId q;
  Ints sizes(type.dims.begin(), type.dims.end());
  if (const auto* number = std::get_if<double>(&args[1])) {
    INGOT_ASSIGN_OR_RETURN(HostConstant constant, Filled({type.dtype, {1}}, *number));
    q = emitter.Constant(std::move(constant));
  } else {
    q = s("aten::reshape", {args[1], Ints{-1}});
  }
  const bool many = std::holds_alternative<TensorOperand>(args[1]) &&
                    emitter.type(TensorArg(args, 1)).rank() == 1;
  TensorId lines;
  if (all || rank == 0) {
    lines = s("aten::reshape", {args[0], Ints{-1}});
    sizes = keeps ? Ints(sizes.size(), 1) : Ints();
  } else {
    lines = s("aten::movedim.int", {args[0], dim, int64_t{-1}});
    if (keeps) sizes[static_cast<size_t>(dim)] = 1;
    if (!keeps) sizes.erase(sizes.begin() + dim);
  }
  const Tensors sorted = s.All("aten::sort", {T(lines), int64_t{-1}, false});
  if (!s.ok()) return s.Results({});
  const TensorId ranks =
      Ranks(s, sorted[0], q, absl::StartsWith(op.schema.op, "aten::nanquantile"));
  TensorId values = AtRanks(s, sorted[0], ranks, std::get<std::string>(args[4]));
  if (many) {
    values = s("aten::movedim.int", {T(values), int64_t{-1}, int64_t{0}});
    sizes.insert(sizes.begin(), emitter.type(TensorArg(args, 1)).NumElements());
  }
  return s.Results({s("aten::reshape", {T(values), sizes})});
}

// --- Powers ---

// A row of powers for each element, from 0.
Result Vandermonde(Emitter& emitter, const OpSignature& op, Operands args) {
  TensorId x = TensorArg(args, 0);
  Ints sizes = SizesOf(emitter, x);
  if (sizes.empty()) {
    sizes.push_back(1);
    INGOT_ASSIGN_OR_RETURN(x, emitter.ApplyOne("aten::reshape", {T(x), sizes}));
  }
  const int64_t count =
      IsNone(args, 1) ? (sizes.empty() ? 0 : sizes.back()) : std::get<int64_t>(args[1]);
  if (count < 2 || emitter.type(x).dtype == ir::DType::kBool || IsComplexArg(emitter, args))
    return emitter.ApplyAsIs(op, std::move(args));
  sizes.push_back(count - 1);
  Steps s(emitter);
  const TensorId repeated =
      s("aten::expand", {T(s("aten::unsqueeze", {T(x), int64_t{-1}})), sizes});
  const TensorId powers = s("aten::cumprod", {T(repeated), int64_t{-1}});
  if (!s.ok()) return s.Results({});
  ir::TensorType first = emitter.type(powers);
  first.dims.back() = 1;
  INGOT_ASSIGN_OR_RETURN(HostConstant ones, Filled(first, int64_t{1}));
  const TensorId one = emitter.Constant(std::move(ones));
  return s.Results({s("aten::cat", {TensorListOperand{{one, powers}}, int64_t{-1}})});
}

// By squaring, in eager's order; the inverse stays as it is.
Result MatrixPower(Emitter& emitter, const OpSignature& op, Operands args) {
  const TensorId self = TensorArg(args, 0);
  int64_t power = std::get<int64_t>(args[1]);
  const Ints sizes = SizesOf(emitter, self);
  if (power < 0 || sizes.size() < 2) return emitter.ApplyAsIs(op, std::move(args));
  Steps s(emitter);
  if (power == 0) {
    INGOT_ASSIGN_OR_RETURN(const TensorId one,
                           DiagonalMask(emitter, sizes.back(), sizes.back(), 0));
    const TensorId typed = s("aten::_to_copy", {T(one), emitter.type(self).dtype});
    return s.Results({s("aten::clone", {T(s("aten::expand", {T(typed), sizes}))})});
  }
  if (power == 1) return s.Results({s("aten::clone", {T(self)})});
  const auto times = [&](TensorId a, TensorId b) { return s("aten::matmul", {T(a), T(b)}); };
  if (power == 3) return s.Results({times(times(self, self), self)});
  TensorId square = kNoTensor, product = kNoTensor;
  for (; power > 0 && s.ok(); power /= 2) {
    square = square == kNoTensor ? self : times(square, square);
    if (power % 2 == 1) product = product == kNoTensor ? square : times(product, square);
  }
  return s.Results({product});
}

// --- Norms ---

// self, ord, dim, keepdim, dtype; without singular values: ord 1, -1, infinite, "fro".
Result MatrixNorm(Emitter& emitter, const OpSignature& op, Operands args) {
  const int64_t rank = emitter.type(TensorArg(args, 0)).rank();
  Ints dims = IntsArg(args, 2);
  for (int64_t& dim : dims) dim = Wrap(dim, rank);
  if (IsComplexArg(emitter, args) || dims.size() != 2 || !IsIn(dims[0], rank) ||
      !IsIn(dims[1], rank) || dims[0] == dims[1])
    return emitter.ApplyAsIs(op, std::move(args));
  if (const auto* name = std::get_if<std::string>(&args[1])) {
    if (*name != "fro") return emitter.ApplyAsIs(op, std::move(args));
    return emitter.Apply("aten::linalg_vector_norm", {args[0], int64_t{2}, dims, args[3], args[4]});
  }
  const double order = IsRealNumber(args[1]) ? RealNumber(args[1]) : 0;
  const bool is_empty = emitter.type(TensorArg(args, 0)).NumElements() == 0;
  if ((!std::isinf(order) && std::abs(order) != 1) || is_empty)
    return emitter.ApplyAsIs(op, std::move(args));
  // Sums along the columns, or along the rows; of these the largest or the smallest.
  if (std::isinf(order)) std::swap(dims[0], dims[1]);
  const bool keeps = std::get<bool>(args[3]);
  Steps s(emitter);
  const TensorId sums =
      s("aten::linalg_vector_norm", {args[0], int64_t{1}, Ints{dims[0]}, args[3], args[4]});
  const int64_t left = !keeps && dims[1] > dims[0] ? dims[1] - 1 : dims[1];
  return s.Results({s(order > 0 ? "aten::amax" : "aten::amin", {T(sums), Ints{left}, keeps})});
}

// self, ord, dim, keepdim, dtype: of vectors or of matrices, by what is given.
Result Norm(Emitter& emitter, const OpSignature& op, Operands args) {
  const int64_t rank = emitter.type(TensorArg(args, 0)).rank();
  const bool all = IsNone(args, 2), has_order = !IsNone(args, 1);
  const bool named = std::holds_alternative<std::string>(args[1]);
  const int64_t dims = all ? rank : std::ssize(IntsArg(args, 2));
  if (has_order && (dims == 2 || named)) {
    if (dims != 2) return emitter.ApplyAsIs(op, std::move(args));
    if (all) args[2] = Ints{0, 1};
    return emitter.Apply(named ? "aten::linalg_matrix_norm.str_ord" : "aten::linalg_matrix_norm",
                         std::move(args));
  }
  if ((has_order && dims > 2) || IsComplexArg(emitter, args))
    return emitter.ApplyAsIs(op, std::move(args));
  if (!has_order) args[1] = int64_t{2};
  return emitter.Apply("aten::linalg_vector_norm", std::move(args));
}

Result VectorDot(Emitter& emitter, const OpSignature& op, Operands args) {
  if (IsComplexArg(emitter, args)) return emitter.ApplyAsIs(op, std::move(args));
  Steps s(emitter);
  const TensorId products = s("aten::mul.Tensor", {args[0], args[1]});
  return s.Results({s("aten::sum.dim_IntList", {T(products), IntsArg(args, 2), false})});
}

// Without tolerances the overloads mean the same, and TorchScript resolves such a call to the one
// of numbers (not so for linalg_matrix_rank).
Result WithNumberTolerances(Emitter& emitter, const OpSignature& op, Operands args) {
  if (!IsNone(args, 1) || !IsNone(args, 2)) return emitter.ApplyAsIs(op, std::move(args));
  return emitter.Apply(absl::StrReplaceAll(op.schema.op, {{"_tensor", "_float"}}), std::move(args));
}

constexpr RewriteRow kRows[] = {
    {"aten::trapezoid.dx", Trapezoid<false>, "slice.Tensor, add.Tensor, sum.dim_IntList"},
    {"aten::trapezoid.x", Trapezoid<false>, "slice.Tensor, mul.Tensor, sum.dim_IntList"},
    {"aten::trapz.dx", Trapezoid<false>, "slice.Tensor, add.Tensor, sum.dim_IntList"},
    {"aten::trapz.x", Trapezoid<false>, "slice.Tensor, mul.Tensor, sum.dim_IntList"},
    {"aten::cumulative_trapezoid.dx", Trapezoid<true>, "slice.Tensor, add.Tensor, cumsum"},
    {"aten::cumulative_trapezoid.x", Trapezoid<true>, "slice.Tensor, mul.Tensor, cumsum"},
    {"aten::gradient.scalarint", Gradients, "slice.Tensor, sub.Tensor, cat"},
    {"aten::gradient.array", Gradients, "slice.Tensor, sub.Tensor, cat"},
    {"aten::gradient.scalararray", Gradients, "slice.Tensor, sub.Tensor, cat"},
    {"aten::gradient.scalarrayint", Gradients, "slice.Tensor, sub.Tensor, cat"},
    {"aten::gradient.scalarrayarray", Gradients, "slice.Tensor, sub.Tensor, cat"},
    {"aten::quantile", Quantile, "sort, gather, lerp.Tensor"},
    {"aten::quantile.scalar", Quantile, "sort, gather, lerp.Tensor"},
    {"aten::nanquantile", Quantile, "sort, gather, lerp.Tensor"},
    {"aten::nanquantile.scalar", Quantile, "sort, gather, lerp.Tensor"},
    {"aten::linalg_vander", Vandermonde, "cumprod, cat"},
    {"aten::linalg_matrix_power", MatrixPower, "matmul"},
    {"aten::matrix_power", MatrixPower, "matmul"},
    {"aten::linalg_matrix_norm", MatrixNorm, "linalg_vector_norm, amax or amin"},
    {"aten::linalg_matrix_norm.str_ord", MatrixNorm, "linalg_vector_norm"},
    {"aten::linalg_pinv.atol_rtol_tensor", WithNumberTolerances, "linalg_pinv.atol_rtol_float"},
    {"aten::linalg_vecdot", VectorDot, "mul.Tensor, sum.dim_IntList"},
    {"aten::linalg_norm", Norm, "linalg_vector_norm or linalg_matrix_norm"},
    {"aten::linalg_norm.ord_str", Norm, "linalg_matrix_norm"},
};

}  // namespace

absl::Span<const RewriteRow> NumericRewrites() { return kRows; }

}  // namespace ingot::pt2
