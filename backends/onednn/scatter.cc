// scatter, index_put, index_add and their kin: `self` with places that data names overwritten or
// combined with.
#include "backends/onednn/kernels/scatter.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/dims.h"
#include "backends/onednn/indices.h"
#include "backends/onednn/kernels/walk.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/number.h"
#include "backends/onednn/pointwise.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

using kernels::ScatterOp;

// The loops walk over dimensions of these sizes.
absl::Status CheckWalk(const ir::Dims& dims) {
  if (kernels::FitsWalk(dims)) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("a scatter over more than ", kernels::kMaxWalkDims,
                                               " dimensions of sizes other than 1"));
}

ir::Dims AtLeast1d(const ir::Dims& dims) { return dims.empty() ? ir::Dims{1} : dims; }

// Where the result starts as a copy of self: nothing to do if it took over self's memory.
void StartFrom(const void* self, void* out, int64_t bytes) {
  if (self != out) std::memcpy(out, self, bytes);
}

// Adds the step `fn`, whose operands are self, out and `others`; out takes over self's memory where
// that dies.
absl::Status AddUpdate(Lowering& lowering, absl::string_view implementation, const Tensor& self,
                       const Tensor& out, const std::vector<Tensor>& others, StepFn fn) {
  std::vector<Operand> operands = {Read(self), Write(out)};
  for (const Tensor& other : others) operands.push_back(Read(other));
  return lowering.AddInPlaceKernel(implementation, std::move(operands), 0, 1, std::move(fn));
}

// --- scatter ---

absl::Status CheckOp(ScatterOp op, ir::DType dtype) {
  if (op == ScatterOp::kReplace || !ir::IsComplex(dtype)) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("no accumulation into ", ir::DTypeName(dtype)));
}

template <ScatterOp kOp>
absl::Status SupportsScatter(const ir::Graph&, const ops::OpView& view) {
  const ir::TensorType& self = view.TensorType("self");
  INGOT_RETURN_IF_ERROR(CheckIndexType(view.TensorType("index")));
  INGOT_RETURN_IF_ERROR(CheckWalk(view.TensorType("index").dims));
  INGOT_RETURN_IF_ERROR(CheckOp(kOp, self.dtype));
  if (view.def().schema.Find("value") >= 0 && !BytesOf(view.Raw("value"), self.dtype)) {
    return absl::UnimplementedError(
        absl::StrCat("scattering this value into ", ir::DTypeName(self.dtype)));
  }
  return absl::OkStatus();
}

template <ScatterOp kOp>
absl::Status LowerScatter(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(const Tensor index, lowering.Dense(view.Value("index")));
  if (index.NumElements() == 0) {
    lowering.Set(view.node().outputs[0], self);
    return absl::OkStatus();
  }
  const ir::Dims self_dims = AtLeast1d(self.dims), dims = AtLeast1d(index.dims);
  const ir::Dims out_strides = ir::ContiguousStrides(self_dims);
  const int along = static_cast<int>(Wrap(view.Int("dim"), static_cast<int64_t>(self_dims.size())));
  std::vector<Tensor> others = {index};
  NumberBytes value{};
  ir::Dims src_strides(dims.size(), 0);
  const bool number = view.def().schema.Find("value") >= 0;
  if (number) {
    value = *BytesOf(view.Raw("value"), self.dtype);
  } else {
    INGOT_ASSIGN_OR_RETURN(Tensor src, lowering.Dense(view.Value("src")));
    src_strides = ir::ContiguousStrides(AtLeast1d(src.dims));
    others.push_back(std::move(src));
  }
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  const int64_t bytes = out.NumBytes();
  return AddUpdate(lowering, "ingot:scatter", self, out, others, [=](const StepArgs& args) {
    StartFrom(args.At(0), args.At(1), bytes);
    kernels::ScatterArgs call;
    call.op = kOp;
    call.dtype = out.dtype;
    call.dims = dims;
    call.src_strides = src_strides;
    call.out_strides = out_strides;
    call.along = along;
    call.size = self_dims[along];
    call.index = IndicesOf(index, args.At<void>(2));
    call.src = number ? value.data() : args.At<void>(3);
    call.out = args.At<void>(1);
    return kernels::Scatter(call);
  });
}

// --- index_put ---

// self[indices]: its dimensions, and strides over them; see kernels::IndexPutArgs.
struct IndexedPart {
  ir::Dims common;  // of the indices
  ir::Dims dims, out_strides, index_strides;
  ir::Dims sizes, strides;   // of the indexed dimensions of self
  std::vector<int> indexed;  // which
};

absl::StatusOr<IndexedPart> FindIndexedPart(const ir::Graph& graph,
                                            absl::Span<const ir::ValueId> indices,
                                            const ir::Dims& self) {
  IndexedPart part;
  for (size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] == ir::kNoValue) continue;
    part.indexed.push_back(static_cast<int>(i));
    ir::Dims merged;
    if (!ir::BroadcastDims(part.common, graph.type(indices[i]).dims, &merged)) {
      return absl::InternalError("indices that do not broadcast");
    }
    part.common = merged;
  }
  const ir::Dims self_strides = ir::ContiguousStrides(self);
  const ir::Dims common_strides = ir::ContiguousStrides(part.common);
  const auto add_common = [&] {
    part.dims.insert(part.dims.end(), part.common.begin(), part.common.end());
    part.out_strides.insert(part.out_strides.end(), part.common.size(), 0);
    part.index_strides.insert(part.index_strides.end(), common_strides.begin(),
                              common_strides.end());
  };
  // Indices that are not neighbours put their dimensions first.
  const bool adjacent =
      part.indexed.back() - part.indexed.front() + 1 == static_cast<int>(part.indexed.size());
  if (!adjacent) add_common();
  for (int i = 0; i < static_cast<int>(self.size()); ++i) {
    if (adjacent && i == part.indexed.front()) add_common();
    if (std::find(part.indexed.begin(), part.indexed.end(), i) != part.indexed.end()) {
      part.sizes.push_back(self[i]);
      part.strides.push_back(self_strides[i]);
      continue;
    }
    part.dims.push_back(self[i]);
    part.out_strides.push_back(self_strides[i]);
    part.index_strides.push_back(0);
  }
  return part;
}

absl::Status SupportsIndexPut(const ir::Graph& graph, const ops::OpView& view) {
  INGOT_RETURN_IF_ERROR(CheckIndexTensors(graph, view));
  INGOT_ASSIGN_OR_RETURN(const IndexedPart part, FindIndexedPart(graph, view.Values("indices"),
                                                                 view.TensorType("self").dims));
  INGOT_RETURN_IF_ERROR(CheckWalk(part.dims));
  return CheckOp(view.Bool("accumulate") ? ScatterOp::kAdd : ScatterOp::kReplace,
                 view.TensorType("self").dtype);
}

absl::Status LowerIndexPut(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const absl::Span<const ir::ValueId> values = view.Values("indices");
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(const Tensor source, lowering.Strided(view.Value("values")));
  INGOT_ASSIGN_OR_RETURN(const IndexedPart part,
                         FindIndexedPart(lowering.graph(), values, self.dims));
  std::vector<Tensor> others = {source};
  std::array<Tensor, kernels::kMaxIndexDims> indices;
  const int count = static_cast<int>(part.indexed.size());
  for (int i = 0; i < count; ++i) {
    INGOT_ASSIGN_OR_RETURN(const Tensor index, lowering.Strided(values[part.indexed[i]]));
    INGOT_ASSIGN_OR_RETURN(indices[i], lowering.Dense(BroadcastTo(index, part.common)));
    others.push_back(indices[i]);
  }
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  const int64_t bytes = out.NumBytes();
  const ir::Dims values_strides = BroadcastTo(source, part.dims).strides;
  const bool accumulate = view.Bool("accumulate");
  return AddUpdate(lowering, "ingot:index_put", self, out, others, [=](const StepArgs& args) {
    StartFrom(args.At(0), args.At(1), bytes);
    std::array<kernels::Indices, kernels::kMaxIndexDims> data;
    for (int i = 0; i < count; ++i) data[i] = IndicesOf(indices[i], args.At<void>(3 + i));
    kernels::IndexPutArgs call;
    call.accumulate = accumulate;
    call.dtype = out.dtype;
    call.dims = part.dims;
    call.out_strides = part.out_strides;
    call.values_strides = values_strides;
    call.index_strides = part.index_strides;
    call.sizes = part.sizes;
    call.strides = part.strides;
    call.indices = absl::MakeConstSpan(data).subspan(0, count);
    call.values = args.At<void>(2);
    call.out = args.At<void>(1);
    return kernels::IndexPut(call);
  });
}

// --- index_add, index_copy, index_fill, index_reduce, scatter_reduce ---

// How `reduce` combines, by PyTorch's names.
struct Reduction {
  ScatterOp op = ScatterOp::kAdd;
  bool mean = false;
};
Reduction ReductionOf(absl::string_view name) {
  if (name == "prod") return {ScatterOp::kProd, false};
  if (name == "amax" || name == "max") return {ScatterOp::kMax, false};
  if (name == "amin" || name == "min") return {ScatterOp::kMin, false};
  return {ScatterOp::kAdd, name == "mean"};
}

// One scatter along a dimension of self: of elements, or of whole slices by a one-dimensional
// index.
struct Along {
  ir::Dims dims, out_strides, src_strides, index_strides;
  int along = 0;
  int64_t size = 0;
};

Along ElementsAlong(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src) {
  Along a;
  const ir::Dims self_dims = AtLeast1d(self.dims);
  a.dims = AtLeast1d(index.dims);
  a.out_strides = ir::ContiguousStrides(self_dims);
  a.src_strides = ir::ContiguousStrides(AtLeast1d(src.dims));
  a.along = static_cast<int>(Wrap(dim, static_cast<int64_t>(self_dims.size())));
  a.size = self_dims[a.along];
  return a;
}

Along SlicesAlong(const Tensor& self, int64_t dim, const Tensor& index) {
  Along a;
  a.dims = AtLeast1d(self.dims);
  a.out_strides = ir::ContiguousStrides(a.dims);
  a.along = static_cast<int>(Wrap(dim, static_cast<int64_t>(a.dims.size())));
  a.size = a.dims[a.along];
  a.dims[a.along] = index.NumElements();
  a.src_strides = ir::ContiguousStrides(a.dims);
  a.index_strides.assign(a.dims.size(), 0);
  a.index_strides[a.along] = 1;
  return a;
}

kernels::ScatterArgs CallOf(const Along& a, const Tensor& index, const StepArgs& args) {
  kernels::ScatterArgs call;
  call.dims = a.dims;
  call.src_strides = a.src_strides;
  call.out_strides = a.out_strides;
  call.index_strides = a.index_strides;
  call.along = a.along;
  call.size = a.size;
  call.index = IndicesOf(index, args.At<void>(2));
  call.out = args.At<void>(1);
  return call;
}

// The sizes of the slices that a node names, together.
ir::Dims SlicesOf(const ops::OpView& view) {
  ir::Dims dims = AtLeast1d(view.TensorType("self").dims);
  dims[Wrap(view.Int("dim"), static_cast<int64_t>(dims.size()))] =
      view.TensorType("index").NumElements();
  return dims;
}

template <ScatterOp kOp>
absl::Status SupportsSlices(const ir::Graph&, const ops::OpView& view) {
  const ir::DType dtype = view.TensorType("self").dtype;
  INGOT_RETURN_IF_ERROR(CheckIndexType(view.TensorType("index")));
  INGOT_RETURN_IF_ERROR(CheckWalk(SlicesOf(view)));
  if (view.def().schema.Find("value") >= 0 && !BytesOf(view.Raw("value"), dtype)) {
    return absl::UnimplementedError("index_fill with a number given at run time");
  }
  if (view.def().schema.Find("alpha") >= 0 && !LiteralNumber(view.Raw("alpha"))) {
    return absl::UnimplementedError("index_add with alpha given at run time");
  }
  return CheckOp(kOp, dtype);
}

// `source` times alpha.
absl::StatusOr<Tensor> SourceOf(Lowering& lowering, const ops::OpView& view) {
  INGOT_ASSIGN_OR_RETURN(const Tensor source, lowering.Dense(view.Value("source")));
  const double alpha =
      view.def().schema.Find("alpha") >= 0 ? LiteralNumber(view.Raw("alpha")).value_or(1) : 1;
  if (alpha == 1 || source.NumElements() == 0) return source;
  const Tensor scaled = lowering.NewTensor(source.dtype, source.dims);
  INGOT_RETURN_IF_ERROR(AddMap(lowering, "ingot:scale", {source}, scaled,
                               [&](kernels::PointwiseBuilder& b, absl::Span<const int> in) {
                                 const ir::DType dtype = b.dtype(in[0]);
                                 const int factor =
                                     ir::IsFloating(dtype)
                                         ? b.Constant(alpha, dtype)
                                         : b.Constant(static_cast<int64_t>(alpha), dtype);
                                 return b.Op(kernels::PwOp::kMul, {in[0], factor});
                               }));
  return scaled;
}

template <ScatterOp kOp>
absl::Status LowerSlices(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(const Tensor index, lowering.Dense(view.Value("index")));
  Along along = SlicesAlong(self, view.Int("dim"), index);
  std::vector<Tensor> others = {index};
  NumberBytes value{};
  const bool number = view.def().schema.Find("value") >= 0;
  if (number) {
    value = *BytesOf(view.Raw("value"), self.dtype);
    along.src_strides.assign(along.dims.size(), 0);
  } else {
    INGOT_ASSIGN_OR_RETURN(Tensor source, SourceOf(lowering, view));
    others.push_back(std::move(source));
  }
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  const int64_t bytes = out.NumBytes();
  return AddUpdate(lowering, "ingot:index_update", self, out, others, [=](const StepArgs& args) {
    StartFrom(args.At(0), args.At(1), bytes);
    kernels::ScatterArgs call = CallOf(along, index, args);
    call.op = kOp;
    call.dtype = out.dtype;
    call.src = number ? value.data() : args.At<void>(3);
    return kernels::Scatter(call);
  });
}

template <bool kSlices>
absl::Status SupportsReduce(const ir::Graph&, const ops::OpView& view) {
  INGOT_RETURN_IF_ERROR(CheckIndexType(view.TensorType("index")));
  INGOT_RETURN_IF_ERROR(CheckWalk(kSlices ? SlicesOf(view) : view.TensorType("index").dims));
  const ir::DType dtype = view.TensorType("self").dtype;
  // Eager rounds the sums in an order of its own.
  if ((dtype == ir::DType::kFloat16 || dtype == ir::DType::kBFloat16) &&
      ReductionOf(view.String("reduce")).mean) {
    return absl::UnimplementedError("means of scattered half-precision numbers");
  }
  return CheckOp(ScatterOp::kAdd, dtype);
}

template <bool kSlices>
absl::Status LowerReduce(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(const Tensor index, lowering.Dense(view.Value("index")));
  INGOT_ASSIGN_OR_RETURN(const Tensor src, lowering.Dense(view.Value(kSlices ? "source" : "src")));
  if (index.NumElements() == 0) {
    lowering.Set(view.node().outputs[0], self);
    return absl::OkStatus();
  }
  const Along along = kSlices ? SlicesAlong(self, view.Int("dim"), index)
                              : ElementsAlong(self, view.Int("dim"), index, src);
  const Reduction reduction = ReductionOf(view.String("reduce"));
  const bool include_self = view.Bool("include_self");
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  const int64_t bytes = out.NumBytes(), elements = out.NumElements();
  const Operand counts = lowering.NewScratch(reduction.mean ? elements * 8 : 8);
  return lowering.AddKernel("ingot:scatter_reduce",
                            {Read(self), Write(out), Read(index), Read(src), counts},
                            [=](const StepArgs& args) {
                              StartFrom(args.At(0), args.At(1), bytes);
                              kernels::ScatterReduceArgs call;
                              call.scatter = CallOf(along, index, args);
                              call.scatter.op = reduction.op;
                              call.scatter.dtype = out.dtype;
                              call.scatter.src = args.At<void>(3);
                              call.include_self = include_self;
                              call.mean = reduction.mean;
                              call.out_elements = elements;
                              call.counts = args.At<int64_t>(4);
                              return kernels::ScatterReduce(call);
                            });
}

// --- masked_scatter ---

absl::Status SupportsAny(const ir::Graph&, const ops::OpView&) { return absl::OkStatus(); }

absl::Status LowerMaskedScatter(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const ir::Dims& dims = view.OutputType().dims;
  const auto broadcast = [&](const char* name) -> absl::StatusOr<Tensor> {
    INGOT_ASSIGN_OR_RETURN(const Tensor tensor, lowering.Strided(view.Value(name)));
    return lowering.Dense(BroadcastTo(tensor, dims));
  };
  INGOT_ASSIGN_OR_RETURN(const Tensor self, broadcast("self"));
  INGOT_ASSIGN_OR_RETURN(const Tensor mask, broadcast("mask"));
  INGOT_ASSIGN_OR_RETURN(const Tensor source, lowering.Dense(view.Value("source")));
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  const int64_t bytes = out.NumBytes();
  return AddUpdate(
      lowering, "ingot:masked_scatter", self, out, {mask, source}, [=](const StepArgs& args) {
        StartFrom(args.At(0), args.At(1), bytes);
        return kernels::MaskedScatter(out.dtype, args.At<bool>(2), out.NumElements(),
                                      args.At<void>(3), source.NumElements(), args.At<void>(1));
      });
}

constexpr OpLowering kLowerings[] = {
    {"aten::scatter.src", &SupportsScatter<ScatterOp::kReplace>,
     &LowerScatter<ScatterOp::kReplace>},
    {"aten::scatter.value", &SupportsScatter<ScatterOp::kReplace>,
     &LowerScatter<ScatterOp::kReplace>},
    {"aten::scatter_add", &SupportsScatter<ScatterOp::kAdd>, &LowerScatter<ScatterOp::kAdd>},
    {"aten::index_put", &SupportsIndexPut, &LowerIndexPut},
    {"aten::index_add", &SupportsSlices<ScatterOp::kAdd>, &LowerSlices<ScatterOp::kAdd>},
    {"aten::index_copy", &SupportsSlices<ScatterOp::kReplace>, &LowerSlices<ScatterOp::kReplace>},
    {"aten::index_fill.int_Scalar", &SupportsSlices<ScatterOp::kReplace>,
     &LowerSlices<ScatterOp::kReplace>},
    {"aten::index_reduce", &SupportsReduce<true>, &LowerReduce<true>},
    {"aten::scatter_reduce.two", &SupportsReduce<false>, &LowerReduce<false>},
    {"aten::masked_scatter", &SupportsAny, &LowerMaskedScatter},
};

}  // namespace

absl::Span<const OpLowering> ScatterLowerings() { return kLowerings; }

}  // namespace ingot::onednn
