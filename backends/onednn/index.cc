// embedding, index_select, gather, index.Tensor.
#include "backends/onednn/kernels/index.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/dims.h"
#include "backends/onednn/indices.h"
#include "backends/onednn/kernels/scatter.h"
#include "backends/onednn/kernels/walk.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/product.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

int64_t Product(absl::Span<const int64_t> dims) {
  int64_t product = 1;
  for (int64_t d : dims) product *= d;
  return product;
}

// --- embedding, index_select: whole rows ---

absl::Status AddTake(Lowering& lowering, const Tensor& x, int64_t dim, const Tensor& index,
                     const Tensor& out) {
  kernels::TakeArgs take;
  const auto dims = absl::MakeConstSpan(x.dims);
  take.outer = Product(dims.subspan(0, dim));
  take.size = x.dims[dim];
  take.inner_bytes =
      Product(dims.subspan(dim + 1)) * static_cast<int64_t>(ir::ElementSize(x.dtype));
  return lowering.AddKernel("ingot:take", {Read(x), Read(index), Write(out)},
                            [=](const StepArgs& args) {
                              kernels::TakeArgs call = take;
                              call.x = args.At<void>(0);
                              call.indices = IndicesOf(index, args.At<void>(1));
                              call.out = args.At<void>(2);
                              return kernels::Take(call, args.threads());
                            });
}

absl::Status SupportsEmbedding(const ir::Graph&, const ops::OpView& view) {
  return CheckIndexType(view.TensorType("indices"));
}

absl::Status LowerEmbedding(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor weight, lowering.Dense(view.Value("weight")));
  INGOT_ASSIGN_OR_RETURN(const Tensor index, lowering.Dense(view.Value("indices")));
  if (IsReadByALinearOfOneRow(lowering, view.Value("weight"))) {
    INGOT_RETURN_IF_ERROR(lowering.WillStream(weight));
  }
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  return AddTake(lowering, weight, 0, index, out);
}

absl::Status SupportsIndexSelect(const ir::Graph&, const ops::OpView& view) {
  return CheckIndexType(view.TensorType("index"));
}

// A number counts as one element.
Tensor AtLeast1d(Tensor tensor) {
  if (tensor.rank() == 0) {
    tensor.dims = {1};
    tensor.strides = {1};
  }
  return tensor;
}

absl::Status LowerIndexSelect(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(Tensor self, lowering.Dense(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(const Tensor index, lowering.Dense(view.Value("index")));
  self = AtLeast1d(self);
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  return AddTake(lowering, self, Wrap(view.Int("dim"), self.rank()), index, out);
}

// --- gather ---

absl::Status SupportsGather(const ir::Graph&, const ops::OpView& view) {
  const ir::TensorType& index = view.TensorType("index");
  if (!kernels::FitsWalk(index.dims)) {
    return absl::UnimplementedError(absl::StrCat("a gather over more than ", kernels::kMaxWalkDims,
                                                 " dimensions of sizes other than 1"));
  }
  return CheckIndexType(index);
}

// Whether the dimensions before and after `dim` collapse into one each, of which index may use a
// part: it is smaller in none but the outermost of them.
bool Collapses(const ir::Dims& self, const ir::Dims& index, int64_t dim) {
  for (size_t i = 0; i < self.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    if (at != dim && at != 0 && at != dim + 1 && self[i] != index[i]) return false;
  }
  return true;
}

absl::Status LowerStridedGather(Lowering& lowering, const Tensor& self, int64_t dim,
                                const Tensor& index, const Tensor& out) {
  return lowering.AddKernel("ingot:gather", {Read(self), Read(index), Write(out)},
                            [=](const StepArgs& args) {
                              kernels::ScatterArgs call;
                              call.dtype = self.dtype;
                              call.dims = index.dims;
                              call.src_strides = self.strides;
                              call.along = static_cast<int>(dim);
                              call.size = self.dims[dim];
                              call.index = IndicesOf(index, args.At<void>(1));
                              call.src = args.At<void>(0);
                              call.out = args.At<void>(2);
                              return kernels::GatherStrided(call);
                            });
}

absl::Status LowerGather(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(Tensor self, lowering.Dense(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(Tensor index, lowering.Dense(view.Value("index")));
  self = AtLeast1d(self);
  index = AtLeast1d(index);
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  const int64_t dim = Wrap(view.Int("dim"), self.rank());
  if (ir::ElementSize(self.dtype) > 8 || !Collapses(self.dims, index.dims, dim)) {
    return LowerStridedGather(lowering, self, dim, index, out);
  }
  kernels::GatherArgs gather;
  gather.size = self.dims[dim];
  gather.x_inner = Product(absl::MakeConstSpan(self.dims).subspan(dim + 1));
  gather.element_size = static_cast<int>(ir::ElementSize(self.dtype));
  gather.outer = Product(absl::MakeConstSpan(index.dims).subspan(0, dim));
  gather.n = index.dims[dim];
  gather.inner = Product(absl::MakeConstSpan(index.dims).subspan(dim + 1));
  return lowering.AddKernel("ingot:gather", {Read(self), Read(index), Write(out)},
                            [=](const StepArgs& args) {
                              kernels::GatherArgs call = gather;
                              call.x = args.At<void>(0);
                              call.index = IndicesOf(index, args.At<void>(1));
                              call.out = args.At<void>(2);
                              return kernels::Gather(call, args.threads());
                            });
}

// --- take: by places in the flattened tensor ---

absl::Status LowerTake(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(const Tensor index, lowering.Dense(view.Value("index")));
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  kernels::TakeArgs take;
  take.size = self.NumElements();
  take.inner_bytes = static_cast<int64_t>(ir::ElementSize(self.dtype));
  take.allow_negative = true;
  return lowering.AddKernel("ingot:take", {Read(self), Read(index), Write(out)},
                            [=](const StepArgs& args) {
                              kernels::TakeArgs call = take;
                              call.x = args.At<void>(0);
                              call.indices = IndicesOf(index, args.At<void>(1));
                              call.out = args.At<void>(2);
                              return kernels::Take(call, args.threads());
                            });
}

// --- index.Tensor ---

absl::Status SupportsIndex(const ir::Graph& graph, const ops::OpView& view) {
  return CheckIndexTensors(graph, view);
}

absl::Status LowerIndex(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const ir::Graph& graph = lowering.graph();
  INGOT_ASSIGN_OR_RETURN(Tensor self, lowering.Strided(view.Value("self")));
  const absl::Span<const ir::ValueId> values = view.Values("indices");
  std::vector<int> indexed;
  ir::Dims common;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == ir::kNoValue) continue;
    indexed.push_back(static_cast<int>(i));
    ir::Dims merged;
    if (!ir::BroadcastDims(common, graph.type(values[i]).dims, &merged)) {
      return absl::InternalError("indices that do not broadcast");
    }
    common = merged;
  }
  // Indices that are not neighbours put their dimension first, and so does the kernel.
  const bool adjacent = indexed.back() - indexed.front() + 1 == static_cast<int>(indexed.size());
  if (!adjacent) {
    Tensor moved = self;
    std::vector<int> order = indexed;
    for (int i = 0; i < self.rank(); ++i) {
      if (std::find(indexed.begin(), indexed.end(), i) == indexed.end()) order.push_back(i);
    }
    for (size_t i = 0; i < order.size(); ++i) {
      moved.dims[i] = self.dims[order[i]];
      moved.strides[i] = self.strides[order[i]];
    }
    self = moved;
  }
  INGOT_ASSIGN_OR_RETURN(self, lowering.Dense(self));
  const int first = adjacent ? indexed.front() : 0;
  const int count = static_cast<int>(indexed.size());
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  std::vector<Operand> operands = {Read(self), Write(out)};
  std::array<Tensor, kernels::kMaxIndexDims> indices;
  for (int i = 0; i < count; ++i) {
    INGOT_ASSIGN_OR_RETURN(const Tensor index, lowering.Strided(values[indexed[i]]));
    INGOT_ASSIGN_OR_RETURN(indices[i], lowering.Dense(BroadcastTo(index, common)));
    operands.push_back(Read(indices[i]));
  }
  const auto dims = absl::MakeConstSpan(self.dims);
  const int64_t outer = Product(dims.subspan(0, first));
  const ir::Dims sizes(dims.begin() + first, dims.begin() + first + count);
  const int64_t inner_bytes =
      Product(dims.subspan(first + count)) * static_cast<int64_t>(ir::ElementSize(self.dtype));
  return lowering.AddKernel("ingot:index", std::move(operands), [=](const StepArgs& args) {
    std::array<kernels::Indices, kernels::kMaxIndexDims> data;
    for (int i = 0; i < count; ++i) data[i] = IndicesOf(indices[i], args.At<void>(2 + i));
    kernels::MultiIndexArgs call;
    call.x = args.At<void>(0);
    call.outer = outer;
    call.sizes = sizes;
    call.inner_bytes = inner_bytes;
    call.indices = absl::MakeConstSpan(data).subspan(0, count);
    call.out = args.At<void>(1);
    return kernels::MultiIndex(call, args.threads());
  });
}

constexpr OpLowering kLowerings[] = {
    {"aten::embedding", &SupportsEmbedding, &LowerEmbedding},
    {"aten::index_select", &SupportsIndexSelect, &LowerIndexSelect},
    {"aten::gather", &SupportsGather, &LowerGather},
    {"aten::take", &SupportsIndexSelect, &LowerTake},
    {"aten::index.Tensor", &SupportsIndex, &LowerIndex},
};

}  // namespace

absl::Span<const OpLowering> IndexLowerings() { return kLowerings; }

}  // namespace ingot::onednn
