// Rewrites of functions that ATen itself puts together from others: what graphs hold that were
// exported without decomposition.
#include <algorithm>
#include <numbers>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/const_factories.h"
#include "frontends/pt2/rewrites.h"
#include "frontends/pt2/steps.h"

namespace ingot::pt2 {
namespace {

using Result = absl::StatusOr<Tensors>;
using Ints = std::vector<int64_t>;

int Rank(const Emitter& emitter, TensorId id) { return emitter.type(id).rank(); }

// --- Shapes ---

Result Ravel(Emitter& emitter, const OpSignature&, Operands args) {
  return emitter.Apply("aten::reshape", {args[0], Ints{-1}});
}

template <int64_t kDim>
Result FlipAlong(Emitter& emitter, const OpSignature&, Operands args) {
  return emitter.Apply("aten::flip", {args[0], Ints{kDim}});
}

// At least `rank` dimensions: as eager adds them.
absl::StatusOr<TensorId> AtLeast(Emitter& emitter, TensorId id, int rank) {
  Ints sizes = SizesOf(emitter, id);
  if (static_cast<int>(sizes.size()) >= rank) return id;
  if (rank == 3 && sizes.size() == 2)
    return emitter.ApplyOne("aten::unsqueeze", {T(id), int64_t{2}});
  if (sizes.empty()) {
    sizes.assign(static_cast<size_t>(rank), 1);
  } else {
    sizes.insert(sizes.begin(), 1);
    sizes.resize(static_cast<size_t>(rank), 1);
  }
  return emitter.ApplyOne("aten::reshape", {T(id), sizes});
}
template <int kRank>
Result AtLeastOne(Emitter& emitter, const OpSignature&, Operands args) {
  INGOT_ASSIGN_OR_RETURN(const TensorId result, AtLeast(emitter, TensorArg(args, 0), kRank));
  return Tensors{result};
}
template <int kRank>
Result AtLeastAll(Emitter& emitter, const OpSignature&, Operands args) {
  Tensors results = std::get<TensorListOperand>(args[0]).ids;
  for (TensorId& id : results) {
    INGOT_ASSIGN_OR_RETURN(id, AtLeast(emitter, id, kRank));
  }
  return results;
}

// hstack, vstack, dstack: at least kRank dimensions, joined along kDim; hstack of vectors along 0.
template <int kRank, int64_t kDim>
Result Stacked(Emitter& emitter, const OpSignature&, Operands args) {
  auto tensors = std::get<TensorListOperand>(args[0]);
  if (tensors.ids.empty()) return absl::InvalidArgumentError("stacking needs a tensor");
  for (TensorId& id : tensors.ids) {
    INGOT_ASSIGN_OR_RETURN(id, AtLeast(emitter, id, kRank));
  }
  const bool vectors = kRank == 1 && Rank(emitter, tensors.ids[0]) == 1;
  return emitter.Apply("aten::cat", {tensors, vectors ? int64_t{0} : kDim});
}

Result ColumnStack(Emitter& emitter, const OpSignature&, Operands args) {
  auto tensors = std::get<TensorListOperand>(args[0]);
  for (TensorId& id : tensors.ids) {
    if (Rank(emitter, id) > 1) continue;
    const int64_t count = emitter.type(id).NumElements();
    INGOT_ASSIGN_OR_RETURN(id, emitter.ApplyOne("aten::reshape", {T(id), Ints{count, 1}}));
  }
  return emitter.Apply("aten::cat", {tensors, int64_t{1}});
}

Result BroadcastTensors(Emitter& emitter, const OpSignature& op, Operands args) {
  const auto& tensors = std::get<TensorListOperand>(args[0]).ids;
  ir::Dims dims;
  for (const TensorId id : tensors) {
    ir::Dims joined;
    if (!ir::BroadcastDims(dims, emitter.type(id).dims, &joined))
      return absl::InvalidArgumentError(absl::StrCat(op.schema.op, ": sizes do not broadcast"));
    dims = std::move(joined);
  }
  Tensors results;
  for (const TensorId id : tensors) {
    INGOT_ASSIGN_OR_RETURN(
        results.emplace_back(),
        emitter.ApplyOne("aten::expand", {T(id), Ints(dims.begin(), dims.end())}));
  }
  return results;
}

// --- Arithmetic ---

template <int kDegreesToRadians>
Result Angle(Emitter& emitter, const OpSignature&, Operands args) {
  constexpr double kFactor = kDegreesToRadians ? std::numbers::pi / 180 : 180 / std::numbers::pi;
  return emitter.Apply("aten::mul.Scalar", {args[0], kFactor});
}

Result Outer(Emitter& emitter, const OpSignature&, Operands args) {
  INGOT_ASSIGN_OR_RETURN(const TensorId column,
                         emitter.ApplyOne("aten::unsqueeze", {args[0], int64_t{1}}));
  return emitter.Apply("aten::mul.Tensor", {T(column), args[1]});
}

Result SameIfReal(Emitter& emitter, const OpSignature& op, Operands args) {
  if (ir::IsComplex(emitter.type(TensorArg(args, 0)).dtype))
    return emitter.ApplyAsIs(op, std::move(args));
  return Tensors{TensorArg(args, 0)};
}

Result IsReal(Emitter& emitter, const OpSignature& op, Operands args) {
  ir::TensorType type = emitter.type(TensorArg(args, 0));
  if (ir::IsComplex(type.dtype)) return emitter.ApplyAsIs(op, std::move(args));
  type.dtype = ir::DType::kBool;
  INGOT_ASSIGN_OR_RETURN(HostConstant yes, Filled(type, true));
  return Tensors{emitter.Constant(std::move(yes))};
}

// std_mean, var_mean and their .dim: with the flag `unbiased` in place of the correction.
Result SpreadAndMean(Emitter& emitter, const OpSignature& op, Operands args) {
  const bool has_dim = op.schema.Find("dim") >= 0;
  const bool unbiased = std::get<bool>(args[has_dim ? 2 : 1]);
  const bool keepdim = has_dim && std::get<bool>(args[3]);
  return emitter.Apply(
      op.schema.op.starts_with("aten::std") ? "aten::std_mean.correction"
                                            : "aten::var_mean.correction",
      {args[0], has_dim ? args[1] : Operand(ir::None{}), int64_t{unbiased ? 1 : 0}, keepdim});
}

// Of reals; eager conjugates `self`.
Result Vdot(Emitter& emitter, const OpSignature& op, Operands args) {
  if (ir::IsComplex(emitter.type(TensorArg(args, 0)).dtype))
    return emitter.ApplyAsIs(op, std::move(args));
  return emitter.Apply("aten::dot", std::move(args));
}

// Arguments: self, lower, upper, training, generator. Beside training the slope is no draw.
Result Rrelu(Emitter& emitter, const OpSignature& op, Operands args) {
  const auto* const training = std::get_if<bool>(&args[3]);
  if (training == nullptr || *training || !IsRealNumber(args[1]) || !IsRealNumber(args[2]))
    return emitter.ApplyAsIs(op, std::move(args));
  return emitter.Apply("aten::leaky_relu",
                       {args[0], (RealNumber(args[1]) + RealNumber(args[2])) / 2});
}

// --- Grids ---

// Constants [sizes…, coordinates and 1]: the last dimension's coordinate first, from -1 to 1 over
// the corners' centres, or, unless `align_corners`, over their outer edges.
absl::StatusOr<TensorId> BaseGrid(Emitter& emitter, Steps& s, ir::DType dtype, const Ints& sizes,
                                  bool align_corners) {
  Tensors coordinates;
  for (size_t d = sizes.size(); d-- > 0;) {
    const int64_t count = sizes[d];
    INGOT_ASSIGN_OR_RETURN(HostConstant spaced, count > 1 ? Spaced({dtype, {count}}, -1, 1)
                                                          : Filled({dtype, {count}}, int64_t{0}));
    TensorId line = emitter.Constant(std::move(spaced));
    if (!align_corners) {
      line = s("aten::div.Scalar", {T(s("aten::mul.Scalar", {T(line), count - 1})), count});
    }
    Ints shape(sizes.size(), 1);
    shape[d] = count;
    coordinates.push_back(s("aten::expand", {T(s("aten::reshape", {T(line), shape})), sizes}));
  }
  const ir::TensorType type{dtype, {sizes.begin(), sizes.end()}};
  INGOT_ASSIGN_OR_RETURN(HostConstant ones, Filled(type, int64_t{1}));
  coordinates.push_back(emitter.Constant(std::move(ones)));
  return s("aten::stack", {TensorListOperand{coordinates}, static_cast<int64_t>(sizes.size())});
}

// Arguments: theta [n, d, d + 1], size [n, c, …d], align_corners. Result [n, …d, d].
Result AffineGrid(Emitter& emitter, const OpSignature& op, Operands args) {
  const ir::TensorType& theta = emitter.type(TensorArg(args, 0));
  const Ints size = IntsArg(args, 1);
  const int64_t dims = std::ssize(size) - 2;
  const bool is_taken =
      (theta.dtype == ir::DType::kFloat32 || theta.dtype == ir::DType::kFloat64) &&
      (dims == 2 || dims == 3) && theta.dims == ir::Dims{size[0], dims, dims + 1} &&
      std::all_of(size.begin(), size.end(), [](int64_t s) { return s > 0; });
  if (!is_taken) return emitter.ApplyAsIs(op, std::move(args));
  const Ints places(size.begin() + 2, size.end());
  Steps s(emitter);
  INGOT_ASSIGN_OR_RETURN(const TensorId base,
                         BaseGrid(emitter, s, theta.dtype, places, std::get<bool>(args[2])));
  const TensorId rows = s("aten::reshape", {T(base), Ints{-1, dims + 1}});
  const TensorId turned = s("aten::transpose.int", {args[0], int64_t{1}, int64_t{2}});
  Ints result = {size[0]};
  result.insert(result.end(), places.begin(), places.end());
  result.push_back(dims);
  return s.Results(
      {s("aten::reshape", {T(s("aten::matmul", {T(rows), T(turned)})), std::move(result)})});
}

// --- Recurrent layers ---

// One direction of one layer over `input` [steps, batch, features], from `state` [batch, hidden]:
// h' = f(W x + b + U h + c). The last state is appended to `last`.
TensorId Recur(Steps& s, const char* activation, TensorId input, TensorId state,
               const TensorId* params, bool has_biases, bool backwards, Tensors& last) {
  const auto linear = [&](TensorId x, size_t i) {
    Operands args = {T(x), T(params[i])};
    if (has_biases) args.push_back(T(params[i + 2]));
    return s("aten::linear", std::move(args));
  };
  const TensorId projected = linear(input, 0);
  const int64_t steps = s.ok() ? s.Sizes(projected)[0] : 0;
  Tensors states(static_cast<size_t>(steps));
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t at = backwards ? steps - 1 - i : i;
    const TensorId x = s("aten::select.int", {T(projected), int64_t{0}, at});
    state = s(activation, {T(s("aten::add.Tensor", {T(x), T(linear(state, 1))}))});
    states[static_cast<size_t>(at)] = state;
  }
  last.push_back(state);
  return s("aten::stack", {TensorListOperand{states}, int64_t{0}});
}

// Arguments: input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first.
template <bool kRelu>
Result Rnn(Emitter& emitter, const OpSignature& op, Operands args) {
  const auto* const params = std::get_if<TensorListOperand>(&args[2]);
  const bool has_biases = std::get<bool>(args[3]), batch_first = std::get<bool>(args[8]);
  const int64_t layers = std::get<int64_t>(args[4]), ways = std::get<bool>(args[7]) ? 2 : 1;
  const int64_t per_way = has_biases ? 4 : 2;
  const bool drops = std::get<bool>(args[6]) && std::get<double>(args[5]) > 0 && layers > 1;
  const ir::TensorType& type = emitter.type(TensorArg(args, 0));
  if (drops || params == nullptr || type.rank() != 3 || type.NumElements() == 0 ||
      std::ssize(params->ids) != layers * ways * per_way) {
    return emitter.ApplyAsIs(op, std::move(args));
  }
  Steps s(emitter);
  const auto swap = [&](TensorId x) {
    return batch_first ? s("aten::transpose.int", {T(x), int64_t{0}, int64_t{1}}) : x;
  };
  TensorId x = swap(TensorArg(args, 0));
  Tensors last;
  for (int64_t layer = 0; layer < layers; ++layer) {
    Tensors both;
    for (int64_t way = 0; way < ways; ++way) {
      const int64_t k = layer * ways + way;
      const TensorId state = s("aten::select.int", {args[1], int64_t{0}, k});
      both.push_back(Recur(s, kRelu ? "aten::relu" : "aten::tanh", x, state,
                           params->ids.data() + k * per_way, has_biases, way == 1, last));
    }
    x = ways == 1 ? both[0] : s("aten::cat", {TensorListOperand{both}, int64_t{2}});
  }
  return s.Results({swap(x), s("aten::stack", {TensorListOperand{last}, int64_t{0}})});
}

// --- Order and places ---

Result Argsort(Emitter& emitter, const OpSignature& op, Operands args) {
  const bool stable = op.schema.op == "aten::argsort.stable";
  return Only(emitter.Apply(stable ? "aten::sort.stable" : "aten::sort", std::move(args)), 1);
}
Result Msort(Emitter& emitter, const OpSignature&, Operands args) {
  return Only(emitter.Apply("aten::sort", {args[0], int64_t{0}, false}), 0);
}

// gather, after both were broadcast in all dimensions but `dim`.
Result TakeAlongDim(Emitter& emitter, const OpSignature& op, Operands args) {
  TensorId self = TensorArg(args, 0), indices = TensorArg(args, 1);
  if (IsNone(args, 2)) {
    INGOT_ASSIGN_OR_RETURN(self, emitter.ApplyOne("aten::reshape", {T(self), Ints{-1}}));
    INGOT_ASSIGN_OR_RETURN(indices, emitter.ApplyOne("aten::reshape", {T(indices), Ints{-1}}));
    return emitter.Apply("aten::gather", {T(self), int64_t{0}, T(indices)});
  }
  Ints own = SizesOf(emitter, self), wanted = SizesOf(emitter, indices);
  int64_t dim = std::get<int64_t>(args[2]);
  if (dim < 0) dim += static_cast<int64_t>(own.size());
  if (own.size() != wanted.size() || dim < 0 || dim >= static_cast<int64_t>(own.size()))
    return absl::InvalidArgumentError(absl::StrCat(op.schema.op, ": dimensions do not fit"));
  for (size_t d = 0; d < own.size(); ++d) {
    if (static_cast<int64_t>(d) == dim) continue;
    const int64_t size = own[d] == 1 ? wanted[d] : own[d];
    own[d] = wanted[d] = size;
  }
  INGOT_ASSIGN_OR_RETURN(self, emitter.ApplyOne("aten::expand", {T(self), own}));
  INGOT_ASSIGN_OR_RETURN(indices, emitter.ApplyOne("aten::expand", {T(indices), wanted}));
  // Negative ones count from the end; eager takes any number around.
  if (const int64_t size = own[static_cast<size_t>(dim)]; size > 0) {
    INGOT_ASSIGN_OR_RETURN(indices, emitter.ApplyOne("aten::remainder.Scalar", {T(indices), size}));
  }
  return emitter.Apply("aten::gather", {T(self), dim, T(indices)});
}

Result GridSampler(Emitter& emitter, const OpSignature&, Operands args) {
  const bool is_volume = Rank(emitter, TensorArg(args, 0)) == 5;
  return emitter.Apply(is_volume ? "aten::grid_sampler_3d" : "aten::grid_sampler_2d",
                       std::move(args));
}

constexpr RewriteRow kRows[] = {
    {"aten::ravel", Ravel, "reshape"},
    {"aten::fliplr", FlipAlong<1>, "flip"},
    {"aten::flipud", FlipAlong<0>, "flip"},
    {"aten::atleast_1d", AtLeastOne<1>, "reshape"},
    {"aten::atleast_2d", AtLeastOne<2>, "reshape"},
    {"aten::atleast_3d", AtLeastOne<3>, "reshape, unsqueeze"},
    {"aten::atleast_1d.Sequence", AtLeastAll<1>, "reshape"},
    {"aten::atleast_2d.Sequence", AtLeastAll<2>, "reshape"},
    {"aten::atleast_3d.Sequence", AtLeastAll<3>, "reshape, unsqueeze"},
    {"aten::hstack", (Stacked<1, 1>), "cat"},
    {"aten::vstack", (Stacked<2, 0>), "cat"},
    {"aten::dstack", (Stacked<3, 2>), "cat"},
    {"aten::column_stack", ColumnStack, "reshape, cat"},
    {"aten::broadcast_tensors", BroadcastTensors, "expand"},
    {"aten::deg2rad", Angle<1>, "mul.Scalar"},
    {"aten::rad2deg", Angle<0>, "mul.Scalar"},
    {"aten::outer", Outer, "unsqueeze, mul.Tensor"},
    {"aten::ger", Outer, "unsqueeze, mul.Tensor"},
    {"aten::real", SameIfReal, "its argument, unless it is complex"},
    {"aten::conj_physical", SameIfReal, "its argument, unless it is complex"},
    {"aten::isreal", IsReal, "a constant, unless it is complex"},
    {"aten::vdot", Vdot, "dot, unless it is complex"},
    {"aten::rrelu", Rrelu, "leaky_relu, unless in training"},
    {"aten::affine_grid_generator", AffineGrid, "transpose.int, matmul, reshape"},
    {"aten::rnn_tanh.input", Rnn<false>,
     "linear, select.int, add.Tensor, tanh, stack, a step each"},
    {"aten::rnn_relu.input", Rnn<true>, "linear, select.int, add.Tensor, relu, stack, a step each"},
    {"aten::std_mean", SpreadAndMean, "std_mean.correction"},
    {"aten::std_mean.dim", SpreadAndMean, "std_mean.correction"},
    {"aten::var_mean", SpreadAndMean, "var_mean.correction"},
    {"aten::var_mean.dim", SpreadAndMean, "var_mean.correction"},
    {"aten::argsort", Argsort, "sort"},
    {"aten::argsort.stable", Argsort, "sort.stable"},
    {"aten::msort", Msort, "sort"},
    {"aten::take_along_dim", TakeAlongDim, "expand, remainder.Scalar, gather"},
    {"aten::grid_sampler", GridSampler, "grid_sampler_2d or grid_sampler_3d"},
};

}  // namespace

absl::Span<const RewriteRow> CompositeRewrites() { return kRows; }

}  // namespace ingot::pt2
