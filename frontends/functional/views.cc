#include "frontends/functional/views.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>

namespace ingot::functional {
namespace {

using ir::Dims;
using Args = std::vector<ir::Argument>;
using Ints = std::vector<int64_t>;
using Types = std::vector<ir::TensorType>;
using Views = std::vector<View>;

int64_t Wrap(int64_t dim, size_t rank) { return dim < 0 ? dim + static_cast<int64_t>(rank) : dim; }
size_t DimArg(const Args& args, size_t i, size_t rank) {
  return static_cast<size_t>(Wrap(std::get<int64_t>(args[i]), rank));
}

// The strides that show the same elements with other sizes; nullopt if none do. The rule of
// torch.Tensor.view: each new dimension lies in one chunk of old ones that are contiguous among
// themselves.
std::optional<Dims> StridesOfView(const Layout& base, const Dims& sizes) {
  const Dims& old_sizes = base.type.dims;
  const int64_t count = base.type.NumElements();
  if (count == 0) return ir::ContiguousStrides(sizes);
  Dims strides(sizes.size(), 1);
  int64_t at = static_cast<int64_t>(sizes.size()) - 1;
  int64_t chunk_stride = old_sizes.empty() ? 1 : base.strides.back();
  int64_t old_chunk = 1, new_chunk = 1;
  for (int64_t d = static_cast<int64_t>(old_sizes.size()) - 1; d >= 0; --d) {
    old_chunk *= old_sizes[d];
    const bool ends =
        d == 0 || (old_sizes[d - 1] != 1 && base.strides[d - 1] != old_chunk * chunk_stride);
    if (!ends) continue;
    while (at >= 0 && (new_chunk < old_chunk || sizes[at] == 1)) {
      strides[at] = new_chunk * chunk_stride;
      new_chunk *= sizes[at--];
    }
    if (new_chunk != old_chunk) return std::nullopt;
    if (d > 0) {
      chunk_stride = base.strides[d - 1];
      old_chunk = new_chunk = 1;
    }
  }
  // What is left are sizes of 1, of a base without dimensions.
  return at < 0 || old_sizes.empty() ? std::optional<Dims>(strides) : std::nullopt;
}

std::optional<Views> ReshapeView(const std::string& op, const Args& args, const Layout& base,
                                 const Types& types) {
  const std::optional<Dims> strides = StridesOfView(base, types[0].dims);
  if (!strides) return std::nullopt;
  return Views{{Layout{types[0], *strides, base.offset}, {op, args}}};
}

std::optional<Views> Permuted(const std::string& op, const Args& args, const Layout& base,
                              const Types& types, const std::vector<size_t>& order) {
  Layout layout{types[0], {}, base.offset};
  for (const size_t d : order) layout.strides.push_back(base.strides[d]);
  return Views{{std::move(layout), {op, args}}};
}

std::vector<size_t> Ascending(size_t rank) {
  std::vector<size_t> order(rank);
  std::iota(order.begin(), order.end(), size_t{0});
  return order;
}

std::optional<Views> Transpose(const std::string& op, const Args& args, const Layout& base,
                               const Types& types) {
  const size_t rank = base.type.dims.size();
  std::vector<size_t> order = Ascending(rank);
  if (rank > 0) std::swap(order[DimArg(args, 1, rank)], order[DimArg(args, 2, rank)]);
  return Permuted(op, args, base, types, order);
}

std::optional<Views> MatrixTranspose(const std::string& op, const Args& args, const Layout& base,
                                     const Types& types) {
  std::vector<size_t> order = Ascending(base.type.dims.size());
  std::reverse(order.begin(), order.end());
  return Permuted(op, args, base, types, order);
}

std::optional<Views> Permute(const std::string& op, const Args& args, const Layout& base,
                             const Types& types) {
  std::vector<size_t> order;
  for (const int64_t d : std::get<Ints>(args[1])) {
    order.push_back(static_cast<size_t>(Wrap(d, base.type.dims.size())));
  }
  return Permuted(op, args, base, types, order);
}

Ints IntsOf(const ir::Argument& arg) {
  if (const auto* one = std::get_if<int64_t>(&arg)) return {*one};
  return std::get<Ints>(arg);
}

std::optional<Views> Movedim(const std::string&, const Args& args, const Layout& base,
                             const Types& types) {
  const size_t rank = base.type.dims.size();
  const Ints source = IntsOf(args[1]), destination = IntsOf(args[2]);
  std::vector<size_t> order(rank, rank);
  std::vector<bool> moved(rank, false);
  for (size_t i = 0; i < source.size(); ++i) {
    const auto from = static_cast<size_t>(Wrap(source[i], rank));
    order[static_cast<size_t>(Wrap(destination[i], rank))] = from;
    moved[from] = true;
  }
  size_t next = 0;
  for (size_t& place : order) {
    if (place < rank) continue;
    while (moved[next]) ++next;
    place = next++;
  }
  Ints dims(order.begin(), order.end());
  return Permuted("aten::permute", {ir::None{}, std::move(dims)}, base, types, order);
}

std::optional<Views> Expand(const std::string& op, const Args& args, const Layout& base,
                            const Types& types) {
  Layout layout{types[0], Dims(types[0].dims.size(), 0), base.offset};
  const size_t added = layout.strides.size() - base.strides.size();
  for (size_t d = 0; d < base.strides.size(); ++d) {
    const bool stretched = base.type.dims[d] != types[0].dims[added + d];
    layout.strides[added + d] = stretched ? 0 : base.strides[d];
  }
  return Views{{std::move(layout), {op, args}}};
}

int64_t Clamp(int64_t index, int64_t size) {
  if (index < 0) index += size;
  return std::clamp<int64_t>(index, 0, size);
}

std::optional<Views> Slice(const std::string& op, const Args& args, const Layout& base,
                           const Types& types) {
  const size_t dim = DimArg(args, 1, base.type.dims.size());
  const auto* start = std::get_if<int64_t>(&args[2]);
  Layout layout{types[0], base.strides, base.offset};
  if (start != nullptr) layout.offset += Clamp(*start, base.type.dims[dim]) * base.strides[dim];
  layout.strides[dim] *= std::get<int64_t>(args[4]);
  return Views{{std::move(layout), {op, args}}};
}

View Part(size_t dim, int64_t begin, const Layout& base, const ir::TensorType& type) {
  const int64_t end = begin + type.dims[dim];
  return {Layout{type, base.strides, base.offset + begin * base.strides[dim]},
          {"aten::slice.Tensor", {ir::None{}, static_cast<int64_t>(dim), begin, end, int64_t{1}}}};
}

std::optional<Views> Narrow(const std::string&, const Args& args, const Layout& base,
                            const Types& types) {
  const size_t dim = DimArg(args, 1, base.type.dims.size());
  int64_t start = std::get<int64_t>(args[2]);
  if (start < 0) start += base.type.dims[dim];
  return Views{Part(dim, start, base, types[0])};
}

// Ops that cut along a dimension: split.Tensor, split_with_sizes and chunk have it as args[2].
std::optional<Views> Cut(const std::string&, const Args& args, const Layout& base,
                         const Types& types) {
  const size_t dim = DimArg(args, 2, base.type.dims.size());
  Views views;
  int64_t begin = 0;
  for (const ir::TensorType& type : types) {
    views.push_back(Part(dim, begin, base, type));
    begin += type.dims[dim];
  }
  return views;
}

View SelectOne(size_t dim, int64_t index, const Layout& base, const ir::TensorType& type) {
  Layout layout{type, base.strides, base.offset + index * base.strides[dim]};
  layout.strides.erase(layout.strides.begin() + static_cast<int64_t>(dim));
  return {std::move(layout), {"aten::select.int", {ir::None{}, static_cast<int64_t>(dim), index}}};
}

std::optional<Views> Select(const std::string&, const Args& args, const Layout& base,
                            const Types& types) {
  const size_t dim = DimArg(args, 1, base.type.dims.size());
  int64_t index = std::get<int64_t>(args[2]);
  if (index < 0) index += base.type.dims[dim];
  return Views{SelectOne(dim, index, base, types[0])};
}

std::optional<Views> Unbind(const std::string&, const Args& args, const Layout& base,
                            const Types& types) {
  const size_t dim = DimArg(args, 1, base.type.dims.size());
  Views views;
  for (size_t i = 0; i < types.size(); ++i) {
    views.push_back(SelectOne(dim, static_cast<int64_t>(i), base, types[i]));
  }
  return views;
}

std::optional<Views> Unfold(const std::string& op, const Args& args, const Layout& base,
                            const Types& types) {
  Layout layout{types[0], base.strides, base.offset};
  if (base.strides.empty()) {
    layout.strides = {1};
  } else {
    const size_t dim = DimArg(args, 1, base.type.dims.size());
    layout.strides.push_back(base.strides[dim]);
    layout.strides[dim] *= std::get<int64_t>(args[3]);
  }
  return Views{{std::move(layout), {op, args}}};
}

std::optional<Views> Diagonal(const std::string& op, const Args& args, const Layout& base,
                              const Types& types) {
  const size_t rank = base.type.dims.size();
  const int64_t offset = std::get<int64_t>(args[1]);
  const size_t a = DimArg(args, 2, rank), b = DimArg(args, 3, rank);
  Layout layout{types[0], {}, base.offset};
  for (size_t d = 0; d < rank; ++d) {
    if (d != a && d != b) layout.strides.push_back(base.strides[d]);
  }
  layout.strides.push_back(base.strides[a] + base.strides[b]);
  if (types[0].NumElements() > 0) {
    layout.offset += offset >= 0 ? offset * base.strides[b] : -offset * base.strides[a];
  }
  return Views{{std::move(layout), {op, args}}};
}

std::optional<Views> Same(const std::string& op, const Args& args, const Layout& base,
                          const Types&) {
  return Views{{base, {op, args}}};
}

struct ViewRow {
  const char* op;
  std::optional<Views> (*views)(const std::string&, const Args&, const Layout&, const Types&);
};
constexpr ViewRow kViews[] = {
    {"aten::view", ReshapeView},
    {"aten::reshape", ReshapeView},
    {"aten::flatten.using_ints", ReshapeView},
    {"aten::unsqueeze", ReshapeView},
    {"aten::squeeze", ReshapeView},
    {"aten::squeeze.dim", ReshapeView},
    {"aten::squeeze.dims", ReshapeView},
    {"aten::detach", Same},
    {"aten::alias", Same},
    {"aten::transpose.int", Transpose},
    {"aten::t", MatrixTranspose},
    {"aten::permute", Permute},
    {"aten::movedim.int", Movedim},
    {"aten::movedim.intlist", Movedim},
    {"aten::expand", Expand},
    {"aten::slice.Tensor", Slice},
    {"aten::narrow", Narrow},
    {"aten::select.int", Select},
    {"aten::unfold", Unfold},
    {"aten::diagonal", Diagonal},
    {"aten::split.Tensor", Cut},
    {"aten::split_with_sizes", Cut},
    {"aten::chunk", Cut},
    {"aten::unbind.int", Unbind},
};

}  // namespace

std::optional<Views> ViewsOf(const std::string& op, const Args& args, const Layout& base,
                             const Types& types) {
  for (const ViewRow& row : kViews) {
    if (op != row.op) continue;
    std::optional<Views> views = row.views(op, args, base, types);
    if (views) {
      for (View& view : *views) {
        view.step.args[0] = ir::None{};
        view.layout.conjugate = base.conjugate;
        view.layout.negative = base.negative;
        view.layout.foreign_dtype = base.foreign_dtype;
      }
    }
    return views;
  }
  return std::nullopt;
}

}  // namespace ingot::functional
