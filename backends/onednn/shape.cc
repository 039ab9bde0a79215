// Views and names: no step at all, only other tensors over the same memory.
#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/cast.h"
#include "backends/onednn/dims.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/pointwise.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

absl::Status SupportsAny(const ir::Graph&, const ops::OpView&) { return absl::OkStatus(); }

// A window of `tensor` along `dim`.
Tensor Narrow(Tensor tensor, int64_t dim, int64_t start, int64_t size, int64_t step = 1) {
  tensor.offset +=
      start * tensor.strides[dim] * static_cast<int64_t>(ir::ElementSize(tensor.dtype));
  tensor.dims[dim] = size;
  tensor.strides[dim] *= step;
  return tensor;
}

Tensor Pick(Tensor tensor, int64_t dim, int64_t index) {
  tensor = Narrow(std::move(tensor), dim, index, 1);
  tensor.dims.erase(tensor.dims.begin() + dim);
  tensor.strides.erase(tensor.strides.begin() + dim);
  return tensor;
}

Tensor Permute(const Tensor& tensor, absl::Span<const int64_t> order) {
  Tensor result = tensor;
  for (size_t i = 0; i < order.size(); ++i) {
    const int64_t from = Wrap(order[i], tensor.rank());
    result.dims[i] = tensor.dims[from];
    result.strides[i] = tensor.strides[from];
  }
  return result;
}

// --- One function an op: the view of `self`, which has strides ---

Tensor Transpose(const Tensor& self, const ops::OpView& view) {
  Tensor result = self;
  if (self.rank() == 0) return result;
  const int64_t a = Wrap(view.Int("dim0"), self.rank()), b = Wrap(view.Int("dim1"), self.rank());
  std::swap(result.dims[a], result.dims[b]);
  std::swap(result.strides[a], result.strides[b]);
  return result;
}

Tensor TransposeMatrix(const Tensor& self, const ops::OpView&) {
  Tensor result = self;
  std::reverse(result.dims.begin(), result.dims.end());
  std::reverse(result.strides.begin(), result.strides.end());
  return result;
}

Tensor PermuteDims(const Tensor& self, const ops::OpView& view) {
  return Permute(self, view.Ints("dims"));
}

Tensor MoveDims(const Tensor& self, const ops::OpView& view) {
  const auto list = [&](const char* name) {
    const auto* one = std::get_if<int64_t>(&view.Raw(name));
    return one != nullptr ? std::vector<int64_t>{*one}
                          : std::get<std::vector<int64_t>>(view.Raw(name));
  };
  const std::vector<int64_t> from = list("source"), to = list("destination");
  const int64_t rank = self.rank();
  if (rank == 0) return self;
  std::vector<int64_t> order(rank, -1), rest;
  for (size_t i = 0; i < from.size(); ++i) order[Wrap(to[i], rank)] = Wrap(from[i], rank);
  for (int64_t i = 0; i < rank; ++i) {
    if (std::find(order.begin(), order.end(), i) == order.end()) rest.push_back(i);
  }
  auto next = rest.begin();
  for (int64_t& dim : order) {
    if (dim < 0) dim = *next++;
  }
  return Permute(self, order);
}

Tensor Expand(const Tensor& self, const ops::OpView& view) {
  return BroadcastTo(self, view.OutputType().dims);
}

Tensor Slice(const Tensor& self, const ops::OpView& view) {
  const int64_t dim = Wrap(view.Int("dim"), self.rank());
  const int64_t size = self.dims[dim];
  const int64_t start = std::clamp<int64_t>(Wrap(view.IntOr("start", 0), size), 0, size);
  return Narrow(self, dim, start, view.OutputType().dims[dim], view.Int("step"));
}

Tensor NarrowDim(const Tensor& self, const ops::OpView& view) {
  const int64_t dim = Wrap(view.Int("dim"), self.rank());
  return Narrow(self, dim, Wrap(view.Int("start"), self.dims[dim]), view.Int("length"));
}

Tensor Select(const Tensor& self, const ops::OpView& view) {
  const int64_t dim = Wrap(view.Int("dim"), self.rank());
  return Pick(self, dim, Wrap(view.Int("index"), self.dims[dim]));
}

Tensor Diagonal(const Tensor& self, const ops::OpView& view) {
  const int64_t rank = self.rank();
  const int64_t a = Wrap(view.Int("dim1"), rank), b = Wrap(view.Int("dim2"), rank);
  const int64_t offset = view.Int("offset");
  const int64_t along = offset >= 0 ? offset * self.strides[b] : -offset * self.strides[a];
  Tensor result = self;
  result.offset += along * static_cast<int64_t>(ir::ElementSize(self.dtype));
  const int64_t stride = self.strides[a] + self.strides[b];
  for (int64_t dim : {std::max(a, b), std::min(a, b)}) {
    result.dims.erase(result.dims.begin() + dim);
    result.strides.erase(result.strides.begin() + dim);
  }
  result.dims.push_back(view.OutputType().dims.back());
  result.strides.push_back(stride);
  return result;
}

Tensor Unfold(const Tensor& self, const ops::OpView& view) {
  // A number is a row of one.
  if (self.rank() == 0) {
    Tensor row = self;
    row.dims = view.OutputType().dims;
    row.strides.assign(row.dims.size(), 1);
    return row;
  }
  const int64_t dim = Wrap(view.Int("dimension"), self.rank());
  Tensor result = self;
  result.dims[dim] = view.OutputType().dims[dim];
  result.strides[dim] *= view.Int("step");
  result.dims.push_back(view.Int("size"));
  result.strides.push_back(self.strides[dim]);
  return result;
}

template <Tensor (*kView)(const Tensor&, const ops::OpView&)>
absl::Status LowerView(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Strided(view.Value("self")));
  lowering.Set(view.node().outputs[0], kView(self, view));
  return absl::OkStatus();
}

// view, reshape, flatten, squeeze, unsqueeze: new sizes for the same elements.
absl::Status LowerReshape(Lowering& lowering, const Unit& unit) {
  const ir::Node& node = lowering.graph().node(unit.anchor);
  const ir::ValueId self = std::get<ir::ValueRef>(node.args[0]).id;
  const ir::Dims& dims = lowering.graph().type(node.outputs[0]).dims;
  INGOT_ASSIGN_OR_RETURN(Tensor tensor, lowering.Strided(self));
  std::optional<ir::Dims> strides = ViewStrides(tensor.dims, tensor.strides, dims);
  if (!strides) {
    INGOT_ASSIGN_OR_RETURN(tensor, lowering.Dense(tensor));
    strides = ir::ContiguousStrides(dims);
  }
  tensor.dims = dims;
  tensor.strides = *strides;
  lowering.Set(node.outputs[0], std::move(tensor));
  return absl::OkStatus();
}

// The output is the first argument under another name.
absl::Status LowerName(Lowering& lowering, const Unit& unit) {
  const ir::Node& node = lowering.graph().node(unit.anchor);
  lowering.Set(node.outputs[0], lowering.Get(std::get<ir::ValueRef>(node.args[0]).id));
  return absl::OkStatus();
}

// A name, part of an elementwise program where that has the type, else a conversion of its own.
absl::Status LowerToCopy(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  if (view.TensorType("self") == view.OutputType()) return LowerName(lowering, unit);
  if (SupportsPointwise(lowering.graph(), view).ok()) return LowerPointwise(lowering, unit);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Strided(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(const Tensor out, Cast(lowering, self, view.OutputType().dtype));
  lowering.Set(view.node().outputs[0], out);
  return absl::OkStatus();
}

// split, split_with_sizes, chunk: neighbouring windows along `dim`.
absl::Status LowerSplit(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Strided(view.Value("self")));
  const int64_t dim = Wrap(view.Int("dim"), self.rank());
  int64_t start = 0;
  for (size_t i = 0; i < view.node().outputs.size(); ++i) {
    const ir::ValueId output = view.node().outputs[i];
    if (output == ir::kNoValue) {
      return absl::InternalError("a split that leaves out a part");
    }
    const int64_t size = lowering.graph().type(output).dims[dim];
    lowering.Set(output, Narrow(self, dim, start, size));
    start += size;
  }
  return absl::OkStatus();
}

absl::Status LowerUnbind(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Strided(view.Value("self")));
  const int64_t dim = Wrap(view.Int("dim"), self.rank());
  for (size_t i = 0; i < view.node().outputs.size(); ++i) {
    lowering.Set(view.node().outputs[i], Pick(self, dim, static_cast<int64_t>(i)));
  }
  return absl::OkStatus();
}

constexpr OpLowering kLowerings[] = {
    {"aten::view", &SupportsAny, &LowerReshape},
    {"aten::reshape", &SupportsAny, &LowerReshape},
    {"aten::flatten.using_ints", &SupportsAny, &LowerReshape},
    {"aten::squeeze", &SupportsAny, &LowerReshape},
    {"aten::squeeze.dim", &SupportsAny, &LowerReshape},
    {"aten::squeeze.dims", &SupportsAny, &LowerReshape},
    {"aten::unsqueeze", &SupportsAny, &LowerReshape},
    {"aten::transpose.int", &SupportsAny, &LowerView<&Transpose>},
    {"aten::t", &SupportsAny, &LowerView<&TransposeMatrix>},
    {"aten::permute", &SupportsAny, &LowerView<&PermuteDims>},
    {"aten::movedim.int", &SupportsAny, &LowerView<&MoveDims>},
    {"aten::movedim.intlist", &SupportsAny, &LowerView<&MoveDims>},
    {"aten::expand", &SupportsAny, &LowerView<&Expand>},
    {"aten::slice.Tensor", &SupportsAny, &LowerView<&Slice>},
    {"aten::narrow", &SupportsAny, &LowerView<&NarrowDim>},
    {"aten::select.int", &SupportsAny, &LowerView<&Select>},
    {"aten::diagonal", &SupportsAny, &LowerView<&Diagonal>},
    {"aten::unfold", &SupportsAny, &LowerView<&Unfold>},
    {"aten::split.Tensor", &SupportsAny, &LowerSplit},
    {"aten::split_with_sizes", &SupportsAny, &LowerSplit},
    {"aten::chunk", &SupportsAny, &LowerSplit},
    {"aten::unbind.int", &SupportsAny, &LowerUnbind},
    {"aten::clone", &SupportsAny, &LowerName},
    {"aten::contiguous", &SupportsAny, &LowerName},
    {"aten::detach", &SupportsAny, &LowerName},
    {"aten::alias", &SupportsAny, &LowerName},
    {"aten::_to_copy", &SupportsAny, &LowerToCopy},
};

}  // namespace

absl::Span<const OpLowering> ShapeLowerings() { return kLowerings; }

}  // namespace ingot::onednn
