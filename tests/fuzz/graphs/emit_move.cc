// Views, and ops that move elements about: nothing is computed.
#include <algorithm>
#include <numeric>

#include "tests/fuzz/graphs/gen.h"

namespace ingot::fuzz {
namespace {

using ir::Argument;
using ir::None;
using ir::ValueId;
using ir::ValueRef;
using ir::ValueRefList;
using Ints = std::vector<int64_t>;

// Other sizes of as many elements.
Ints OtherSizes(Gen& gen, ValueId v) {
  int64_t left = gen.type(v).NumElements();
  if (left == 0) return {0, 3};
  Ints sizes;
  const int64_t factors[] = {2, 3, 4, 5, 7, 1};
  while (left > 1 && sizes.size() < 3) {
    const int64_t factor = gen.rng().Pick(factors);
    if (left % factor != 0) {
      if (gen.rng().OneIn(4)) break;
      continue;
    }
    sizes.push_back(factor);
    left /= factor;
  }
  if (left > 1 || sizes.empty()) sizes.push_back(left);
  if (gen.rng().OneIn(3)) sizes[gen.rng().Int(0, sizes.size() - 1)] = -1;
  return sizes;
}

bool EmitReshape(Gen& gen) {
  const ValueId v = gen.Any();
  const char* ops[] = {"aten::view", "aten::reshape"};
  return Done(gen.EmitView(gen.rng().Pick(ops), {ValueRef{v}, OtherSizes(gen, v)}, v));
}

bool EmitRankChange(Gen& gen) {
  const ValueId v = gen.Any();
  const int rank = gen.rank(v);
  switch (gen.rng().Int(0, 4)) {
    case 0: {
      const int64_t from = gen.rng().Int(0, std::max(rank - 1, 0));
      const int64_t to = gen.rng().Int(from, std::max(rank - 1, 0));
      return Done(gen.EmitView("aten::flatten.using_ints", {ValueRef{v}, from, to}, v));
    }
    case 1:
      return Done(gen.EmitView("aten::unsqueeze", {ValueRef{v}, gen.RandomDim(rank + 1)}, v));
    case 2:
      return Done(gen.EmitView("aten::squeeze", {ValueRef{v}}, v));
    case 3:
      return Done(gen.EmitView("aten::squeeze.dim", {ValueRef{v}, gen.RandomDim(rank)}, v));
    default:
      return Done(gen.EmitView("aten::squeeze.dims", {ValueRef{v}, gen.RandomDimSet(rank, 0)}, v));
  }
}

bool EmitPermutation(Gen& gen) {
  const ValueId v = gen.Any();
  const int rank = gen.rank(v);
  switch (gen.rng().Int(0, 4)) {
    case 0:
      return Done(gen.EmitView("aten::t", {ValueRef{v}}, v));
    case 1:
      return Done(gen.EmitView("aten::permute", {ValueRef{v}, gen.RandomDimSet(rank, rank)}, v));
    case 2:
      return Done(gen.EmitView("aten::movedim.int",
                               {ValueRef{v}, gen.RandomDim(rank), gen.RandomDim(rank)}, v));
    case 3: {
      Ints from = gen.RandomDimSet(rank, 1), to = gen.RandomDimSet(rank, 1);
      const size_t count = std::min(from.size(), to.size());
      from.resize(count);
      to.resize(count);
      return Done(gen.EmitView("aten::movedim.intlist", {ValueRef{v}, from, to}, v));
    }
    default:
      return Done(gen.EmitView("aten::transpose.int",
                               {ValueRef{v}, gen.RandomDim(rank), gen.RandomDim(rank)}, v));
  }
}

bool EmitExpand(Gen& gen) {
  const ValueId v = gen.Any();
  Ints sizes;
  if (gen.rng().OneIn(3)) sizes.push_back(gen.rng().Int(1, 3));
  for (int64_t size : gen.type(v).dims) {
    sizes.push_back(size == 1 ? gen.rng().Int(1, 4) : gen.rng().OneIn(3) ? -1 : size);
  }
  // A new leading dimension of size 1 and -1 don't go together in front only.
  return Done(gen.EmitView("aten::expand", {ValueRef{v}, sizes}, v));
}

bool EmitSlice(Gen& gen) {
  const ValueId v = gen.Any();
  const int rank = gen.rank(v);
  if (rank == 0) return false;
  const int64_t dim = gen.RandomDim(rank);
  const int64_t size = gen.type(v).dims[dim < 0 ? dim + rank : dim];
  switch (gen.rng().Int(0, 2)) {
    case 0: {
      std::vector<Argument> args = {ValueRef{v}, dim, None{}, None{}, gen.rng().Int(1, 3)};
      if (!gen.rng().OneIn(3)) args[2] = gen.rng().Int(-size - 1, size);
      if (!gen.rng().OneIn(3))
        args[3] = gen.rng().OneIn(4) ? INT64_MAX : gen.rng().Int(-size, size + 2);
      return Done(gen.EmitView("aten::slice.Tensor", std::move(args), v));
    }
    case 1: {
      const int64_t start = gen.rng().Int(0, size);
      return Done(gen.EmitView("aten::narrow",
                               {ValueRef{v}, dim, start, gen.rng().Int(0, size - start)}, v));
    }
    default:
      if (size == 0) return false;
      return Done(
          gen.EmitView("aten::select.int", {ValueRef{v}, dim, gen.rng().Int(-size, size - 1)}, v));
  }
}

bool EmitWindows(Gen& gen) {
  const ValueId v = gen.Any();
  const int rank = gen.rank(v);
  if (rank == 0) return false;
  if (gen.rng().OneIn(2)) {
    const int64_t dim = gen.RandomDim(rank);
    const int64_t size = gen.type(v).dims[dim < 0 ? dim + rank : dim];
    return Done(gen.EmitView("aten::unfold",
                             {ValueRef{v}, dim, gen.rng().Int(0, size), gen.rng().Int(1, 3)}, v));
  }
  return Done(gen.EmitView(
      "aten::diagonal",
      {ValueRef{v}, gen.rng().Int(-2, 2), gen.RandomDim(rank), gen.RandomDim(rank)}, v));
}

bool EmitPieces(Gen& gen) {
  const ValueId v = gen.Any();
  const int rank = gen.rank(v);
  if (rank == 0) return false;
  const int64_t dim = gen.RandomDim(rank);
  const int64_t size = gen.type(v).dims[dim < 0 ? dim + rank : dim];
  if (size == 0 || size > 8) return false;
  switch (gen.rng().Int(0, 3)) {
    case 0:
      return Done(
          gen.EmitView("aten::split.Tensor", {ValueRef{v}, gen.rng().Int(1, size), dim}, v));
    case 1: {
      const int64_t first = gen.rng().Int(0, size);
      return Done(
          gen.EmitView("aten::split_with_sizes", {ValueRef{v}, Ints{first, size - first}, dim}, v));
    }
    case 2:
      return Done(gen.EmitView("aten::chunk", {ValueRef{v}, gen.rng().Int(1, 4), dim}, v));
    default:
      return Done(gen.EmitView("aten::unbind.int", {ValueRef{v}, dim}, v));
  }
}

Effect MovedApart(const Gen& gen, const std::vector<ValueId>& from) {
  Effect effect = gen.Moved(from);
  effect.distinct = false;
  return effect;
}

bool EmitJoin(Gen& gen) {
  const ValueId v = gen.Any();
  std::vector<ValueId> parts = {v};
  const int64_t count = gen.rng().Int(0, 2);
  for (int64_t i = 0; i < count; ++i) {
    const auto same = gen.Find([&](ValueId w) {
      return gen.type(w).dims == gen.type(v).dims &&
             (gen.type(w).dtype == gen.type(v).dtype || gen.rng().OneIn(3));
    });
    parts.push_back(same ? *same : gen.Fresh(gen.type(v)));
  }
  if (gen.rng().OneIn(2)) {
    return Done(gen.Emit("aten::stack", {ValueRefList{parts}, gen.RandomDim(gen.rank(v) + 1)},
                         MovedApart(gen, parts)));
  }
  return Done(gen.Emit("aten::cat", {ValueRefList{parts}, gen.RandomDim(gen.rank(v))},
                       MovedApart(gen, parts)));
}

bool EmitRepeat(Gen& gen) {
  const ValueId v = gen.Any();
  Ints repeats(gen.rank(v) + gen.rng().Int(0, 1));
  for (int64_t& repeat : repeats) repeat = gen.rng().Int(1, 2);
  return Done(gen.Emit("aten::repeat", {ValueRef{v}, repeats}, MovedApart(gen, {v})));
}

bool EmitPad(Gen& gen) {
  const ValueId v = gen.Any();
  const int rank = gen.rank(v);
  if (rank == 0) return false;
  Ints pad(2 * gen.rng().Int(1, std::min(rank, 3)));
  for (int64_t& p : pad) p = gen.rng().Int(-1, 2);
  const bool whole = !gen.IsFloat(v);
  const ir::Scalar value = whole ? ir::Scalar(int64_t{1}) : ir::Scalar(-0.5);
  Effect effect = MovedApart(gen, {v});
  effect.low = std::min(effect.low, -0.5);
  effect.high = std::max(effect.high, 1.0);
  if (effect.grid >= 0) effect.grid = std::max(effect.grid, 1);
  return Done(gen.Emit("aten::constant_pad_nd",
                       {ValueRef{v}, pad, gen.Number("aten::constant_pad_nd", "value", value)},
                       effect));
}

bool EmitReorder(Gen& gen) {
  const ValueId v = gen.Any();
  const int rank = gen.rank(v);
  if (gen.rng().OneIn(2)) {
    return Done(gen.Emit("aten::flip", {ValueRef{v}, gen.RandomDimSet(rank, 0)}, gen.Moved(v)));
  }
  Ints dims = gen.RandomDimSet(rank, 1);
  Ints shifts(std::max<size_t>(dims.size(), 1));
  for (int64_t& shift : shifts) shift = gen.rng().Int(-5, 5);
  return Done(gen.Emit("aten::roll", {ValueRef{v}, shifts, dims}, gen.Moved(v)));
}

bool EmitTriangle(Gen& gen) {
  const ValueId v = gen.Any();
  if (gen.rank(v) < 2) return false;
  const char* ops[] = {"aten::tril", "aten::triu"};
  Effect effect = MovedApart(gen, {v});
  effect.low = std::min(effect.low, 0.0);
  effect.high = std::max(effect.high, 0.0);
  return Done(gen.Emit(gen.rng().Pick(ops), {ValueRef{v}, gen.rng().Int(-2, 2)}, effect));
}

bool EmitScatterView(Gen& gen) {
  const ValueId v = gen.Any();
  const int rank = gen.rank(v);
  if (rank == 0) return false;
  const int64_t dim = gen.rng().Int(0, rank - 1);
  ir::TensorType piece = gen.type(v);
  const int64_t size = piece.dims[dim];
  if (size == 0) return false;
  const bool select = gen.rng().OneIn(2);
  const int64_t start = gen.rng().Int(0, size - 1);
  const int64_t end = gen.rng().Int(start, size);
  const int64_t step = gen.rng().Int(1, 2);
  if (select) {
    piece.dims.erase(piece.dims.begin() + dim);
  } else {
    piece.dims[dim] = (end - start + step - 1) / step;
  }
  const auto found = gen.Find([&](ValueId w) { return gen.type(w) == piece; });
  const ValueId src = found ? *found : gen.Fresh(piece);
  if (select) {
    return Done(gen.Emit("aten::select_scatter", {ValueRef{v}, ValueRef{src}, dim, start},
                         MovedApart(gen, {v, src})));
  }
  return Done(gen.Emit("aten::slice_scatter", {ValueRef{v}, ValueRef{src}, dim, start, end, step},
                       MovedApart(gen, {v, src})));
}

bool EmitPixelShuffle(Gen& gen) {
  const ValueId v =
      gen.Fresh({gen.RandomFloatDType(), {gen.rng().Int(1, 2), 4 * gen.rng().Int(1, 2), 3, 2}});
  return Done(gen.Emit("aten::pixel_shuffle", {ValueRef{v}, int64_t{2}}, gen.Moved(v)));
}

}  // namespace

std::vector<Emitter> MoveEmitters() {
  return {{"reshape", 3, EmitReshape},
          {"rank change", 3, EmitRankChange},
          {"permutation", 4, EmitPermutation},
          {"expand", 2, EmitExpand},
          {"slice", 4, EmitSlice},
          {"windows", 2, EmitWindows},
          {"pieces", 2, EmitPieces},
          {"join", 3, EmitJoin},
          {"repeat", 1, EmitRepeat},
          {"pad", 2, EmitPad},
          {"reorder", 2, EmitReorder},
          {"triangle", 2, EmitTriangle},
          {"scatter view", 2, EmitScatterView},
          {"pixel shuffle", 1, EmitPixelShuffle}};
}

}  // namespace ingot::fuzz
