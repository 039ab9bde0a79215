// linear, matmul, mm, bmm, addmm, baddbmm: one product with what follows it in one primitive.
//
// Products with constant right sides run in the product kernel, which packs them once; others in
// oneDNN's primitive.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/post_ops.h"
#include "backends/onednn/product.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

// f32 floating-point operations a nanosecond on one core, for deciding about threads.
constexpr double kFlopsPerNanosecond = 100;

// post(alpha * a b + beta * addend)
struct Product {
  Tensor a;                      // [..., m, k]
  Tensor b;                      // [..., k, n]
  std::optional<Tensor> addend;  // broadcast to the output
  double alpha = 1, beta = 1;
};

Tensor Transposed(Tensor tensor) {
  std::swap(tensor.dims[tensor.rank() - 1], tensor.dims[tensor.rank() - 2]);
  std::swap(tensor.strides[tensor.rank() - 1], tensor.strides[tensor.rank() - 2]);
  return tensor;
}

Tensor WithDim(Tensor tensor, int at, int64_t size, int64_t stride) {
  tensor.dims.insert(tensor.dims.begin() + at, size);
  tensor.strides.insert(tensor.strides.begin() + at, stride);
  return tensor;
}

// The same elements under other sizes; dense if need be.
absl::StatusOr<Tensor> Reshaped(Lowering& lowering, Tensor tensor, const ir::Dims& dims) {
  std::optional<ir::Dims> strides = ViewStrides(tensor.dims, tensor.strides, dims);
  if (!strides) {
    INGOT_ASSIGN_OR_RETURN(tensor, lowering.Dense(tensor));
    strides = ir::ContiguousStrides(dims);
  }
  tensor.dims = dims;
  tensor.strides = *strides;
  return tensor;
}

// --- Reading nodes ---

absl::StatusOr<Product> ReadProduct(Lowering& lowering, const ops::OpView& view) {
  const auto tensor = [&](const char* name) { return lowering.Strided(view.Value(name)); };
  const std::string& op = view.node().op;
  Product p;
  if (op == "aten::linear") {
    INGOT_ASSIGN_OR_RETURN(p.a, tensor("input"));
    INGOT_ASSIGN_OR_RETURN(p.b, tensor("weight"));
    if (p.b.rank() == 2) p.b = Transposed(p.b);
    if (view.Has("bias")) {
      INGOT_ASSIGN_OR_RETURN(p.addend, tensor("bias"));
    }
    return p;
  }
  const bool batched = op == "aten::baddbmm";
  if (batched || op == "aten::addmm") {
    INGOT_ASSIGN_OR_RETURN(p.addend, tensor("self"));
    INGOT_ASSIGN_OR_RETURN(p.a, tensor(batched ? "batch1" : "mat1"));
    INGOT_ASSIGN_OR_RETURN(p.b, tensor(batched ? "batch2" : "mat2"));
    p.alpha = view.Float("alpha");
    p.beta = view.Float("beta");
    // PyTorch ignores the addend then, even where it is NaN.
    if (p.beta == 0) p.addend.reset();
    return p;
  }
  if (op == "aten::addmv" || op == "aten::addbmm") {
    const bool vector = op == "aten::addmv";
    INGOT_ASSIGN_OR_RETURN(p.addend, tensor("self"));
    INGOT_ASSIGN_OR_RETURN(p.a, tensor(vector ? "mat" : "batch1"));
    INGOT_ASSIGN_OR_RETURN(p.b, tensor(vector ? "vec" : "batch2"));
    p.alpha = view.Float("alpha");
    p.beta = view.Float("beta");
    if (p.beta == 0) p.addend.reset();
    if (vector) return p;
    // The sum over the batch is one more part of the inner dimension: [m, b k] times [b k, n].
    const int64_t b = p.a.dims[0], m = p.a.dims[1], k = p.a.dims[2], n = p.b.dims[2];
    std::swap(p.a.dims[0], p.a.dims[1]);
    std::swap(p.a.strides[0], p.a.strides[1]);
    INGOT_ASSIGN_OR_RETURN(p.a, Reshaped(lowering, p.a, {m, b * k}));
    INGOT_ASSIGN_OR_RETURN(p.b, Reshaped(lowering, p.b, {b * k, n}));
    return p;
  }
  INGOT_ASSIGN_OR_RETURN(p.a, tensor("self"));
  INGOT_ASSIGN_OR_RETURN(p.b, tensor(op == "aten::matmul" ? "other"
                                     : op == "aten::dot"  ? "tensor"
                                     : op == "aten::mv"   ? "vec"
                                                          : "mat2"));
  return p;
}

absl::Status Supports(const ir::Graph& graph, const ops::OpView& view) {
  absl::Status status;
  ir::ForEachOperand(view.node(), [&](ir::ValueId value) {
    if (graph.type(value).dtype != ir::DType::kFloat32) {
      status.Update(absl::UnimplementedError(
          absl::StrCat("products are done in f32, not ", ir::DTypeName(graph.type(value).dtype))));
    }
  });
  INGOT_RETURN_IF_ERROR(status);
  // With an addend the factors come after it.
  const int last = view.def().schema.Find("alpha") >= 0 ? 1 : 0;
  const ir::TensorType& a = graph.type(std::get<ir::ValueRef>(view.node().args[last]).id);
  if (a.rank() == 0) return absl::UnimplementedError("a product with a number");
  // Products with a matrix are one of two dimensions, whatever the left factor has.
  const ir::TensorType& b = graph.type(std::get<ir::ValueRef>(view.node().args[last + 1]).id);
  if (std::max(a.rank(), b.rank()) > DNNL_MAX_NDIMS && b.rank() > 2) {
    return absl::UnimplementedError(
        absl::StrCat("products of more than ", DNNL_MAX_NDIMS, " dimensions"));
  }
  if (last == 1) {
    for (const char* name : {"alpha", "beta"}) {
      if (view.Value(name) != ir::kNoValue) {
        return absl::UnimplementedError(absl::StrCat(name, " given at run time"));
      }
    }
  }
  return absl::OkStatus();
}

bool IsRowVector(const Tensor& tensor, int64_t n) {
  return tensor.NumElements() == n && tensor.rank() >= 1 && tensor.dims.back() == n;
}

// --- oneDNN ---

// `tensor` with leading sizes of 1 up to `rank`, expanded dimensions (stride 0) back to size 1.
Tensor AsBatch(Tensor tensor, int rank) {
  while (tensor.rank() < rank) {
    tensor = WithDim(tensor, 0, 1, tensor.dims[0] * tensor.strides[0]);
  }
  for (int i = 0; i + 2 < rank; ++i) {
    if (tensor.strides[i] == 0) tensor.dims[i] = 1;
    // The stride of a size 1 is any; a plausible one lets oneDNN recognise plain layouts.
    if (tensor.dims[i] == 1) tensor.strides[i] = tensor.dims[i + 1] * tensor.strides[i + 1];
  }
  return tensor;
}

// The operand of a post-op, or an addend, with the output's sizes, or 1 where broadcast. One of
// full size keeps its strides, whatever they are.
absl::StatusOr<Tensor> Adapt(Lowering& lowering, const Tensor& given, const ir::Dims& value_dims,
                             const Tensor& out) {
  INGOT_ASSIGN_OR_RETURN(Tensor operand, lowering.Strided(given));
  if (operand.NumElements() == 1) {
    operand.dims.assign(out.rank(), 1);
    operand.strides.assign(out.rank(), 1);
    return operand;
  }
  if (operand.dims == value_dims || operand.NumElements() == out.NumElements()) {
    return Reshaped(lowering, operand, out.dims);
  }
  if (IsRowVector(operand, out.dims.back())) {
    INGOT_ASSIGN_OR_RETURN(operand, lowering.Dense(operand));
    operand.dims.assign(out.rank(), 1);
    operand.dims.back() = out.dims.back();
    operand.strides = ir::ContiguousStrides(operand.dims);
    return operand;
  }
  // A broadcast of another kind (to the value's own sizes, of which a product with a vector has one
  // less than its matrix): made dense.
  INGOT_ASSIGN_OR_RETURN(operand, lowering.Dense(BroadcastTo(operand, value_dims)));
  return Reshaped(lowering, operand, out.dims);
}

// Adapt for a primitive: oneDNN refuses strides by which elements may share a place, and has only
// reference code for those of full size that don't lie as the output does, row-major.
absl::StatusOr<Tensor> AdaptDense(Lowering& lowering, const Tensor& operand,
                                  const ir::Dims& value_dims, const Tensor& out) {
  INGOT_ASSIGN_OR_RETURN(const Tensor adapted, Adapt(lowering, operand, value_dims, out));
  return adapted.NumElements() == out.NumElements() ? lowering.Dense(adapted) : adapted;
}

absl::StatusOr<Tensor> Scaled(Lowering& lowering, const Tensor& tensor, double factor) {
  if (factor == 1) return tensor;
  INGOT_ASSIGN_OR_RETURN(const Tensor dense, lowering.Dense(tensor));
  const Tensor out = lowering.NewTensor(dense.dtype, dense.dims);
  const int64_t count = out.NumElements();
  const auto f = static_cast<float>(factor);
  INGOT_RETURN_IF_ERROR(
      lowering.AddKernel("ingot:scale", {Read(dense), Write(out)}, [=](const StepArgs& args) {
        const float* x = args.At<float>(0);
        float* y = args.At<float>(1);
        for (int64_t i = 0; i < count; ++i) y[i] = f * x[i];
        return absl::OkStatus();
      }));
  return out;
}

absl::Status LowerOneDnn(Lowering& lowering, Product p, const Unit& unit, const Tensor& out,
                         const ir::Dims& value_dims) {
  const int64_t n = out.dims.back();
  double flops = 2.0 * static_cast<double>(p.a.dims.back());
  for (int64_t d : out.dims) flops *= static_cast<double>(d);
  lowering.UseThreadsFor(flops / kFlopsPerNanosecond);

  Attributes attributes;
  std::vector<CallArgument> arguments;
  MemoryDesc bias;
  if (p.alpha != 1) {
    attributes.AppendEltwise(dnnl_eltwise_linear, static_cast<float>(p.alpha), 0);
  }
  if (p.addend) {
    INGOT_ASSIGN_OR_RETURN(Tensor addend, Scaled(lowering, *p.addend, p.beta));
    INGOT_ASSIGN_OR_RETURN(addend, AdaptDense(lowering, addend, value_dims, out));
    if (p.alpha == 1 && IsRowVector(addend, n)) {
      bias = addend.Desc();
      arguments.push_back(Reads(DNNL_ARG_BIAS, addend));
    } else {
      const int position = attributes.size();
      attributes.AppendBinary(dnnl_binary_add, addend.Desc());
      arguments.push_back(Reads(DNNL_ARG_ATTR_MULTIPLE_POST_OP(position) | DNNL_ARG_SRC_1, addend));
    }
  }
  INGOT_RETURN_IF_ERROR(AppendPostOps(
      unit.post_ops,
      [&](const PostOp& post_op) {
        return AdaptDense(lowering, lowering.Get(post_op.operand), value_dims, out);
      },
      attributes, arguments));

  const bool packs = lowering.IsConstant(p.b) && p.b.rank() == 2;
  const auto describe = [&] {
    return MatmulDesc(p.a.Desc(), packs ? MemoryDesc::Any(p.b.dtype, p.b.dims) : p.b.Desc(), bias,
                      out.Desc(), attributes);
  };
  absl::StatusOr<PrimitiveDesc> desc = describe();
  if (!desc.ok() || desc->IsReference()) {
    // Strides that the fast kernels don't take.
    INGOT_ASSIGN_OR_RETURN(p.a, lowering.Dense(p.a));
    if (!packs) {
      INGOT_ASSIGN_OR_RETURN(p.b, lowering.Dense(p.b));
    }
    desc = describe();
  }
  INGOT_RETURN_IF_ERROR(desc.status());
  INGOT_ASSIGN_OR_RETURN(const Tensor weights, lowering.InLayout(p.b, desc->weights()));
  arguments.push_back(Reads(DNNL_ARG_SRC, p.a));
  arguments.push_back({DNNL_ARG_WEIGHTS, Read(weights), desc->weights()});
  arguments.push_back(Writes(DNNL_ARG_DST, out));
  return lowering.AddCall(*desc, std::move(arguments));
}

// --- The product kernel ---

// p.a: [rows, k], p.b: [k, n], out: [rows, n].
absl::Status LowerPacked(Lowering& lowering, Product p, const Unit& unit, const Tensor& out,
                         const ir::Dims& value_dims) {
  const int64_t n = out.dims[1];
  const ir::DType factor = LeftFactorType(lowering, p.b, p.a.dims[1]);
  if (factor != p.a.dtype) {
    INGOT_ASSIGN_OR_RETURN(p.a,
                           lowering.InLayout(p.a, MemoryDesc::RowMajor(factor, p.a.dims), factor));
  } else if (p.a.strides[1] != 1 && p.a.dims[1] > 1) {
    INGOT_ASSIGN_OR_RETURN(p.a, lowering.Dense(p.a));
  }
  ProductRows rows;
  rows.x = p.a;
  rows.rows = p.a.dims[0];
  rows.lda = p.a.strides[0];
  // The addend and its factors as stages before the chain's own, unless it is a plain bias.
  std::vector<PostOp> stages;
  std::vector<Tensor> operands;
  std::optional<Tensor> bias;
  if (p.alpha != 1) {
    const auto alpha = static_cast<float>(p.alpha);
    INGOT_ASSIGN_OR_RETURN(const Tensor factor,
                           lowering.NewConstant(ir::DType::kFloat32, {1, 1}, &alpha));
    stages.push_back({unit.anchor, kernels::EpilogueOp::kMul});
    operands.push_back(factor);
  }
  if (p.addend) {
    INGOT_ASSIGN_OR_RETURN(const Tensor addend, Scaled(lowering, *p.addend, p.beta));
    if (p.alpha == 1 && IsRowVector(addend, n)) {
      INGOT_ASSIGN_OR_RETURN(bias, lowering.Dense(addend));
    } else {
      stages.push_back({unit.anchor, kernels::EpilogueOp::kAdd});
      operands.push_back(addend);
    }
  }
  const size_t own = stages.size();
  stages.insert(stages.end(), unit.post_ops.begin(), unit.post_ops.end());
  size_t next = 0;
  const auto adapt = [&](const PostOp& post_op) -> absl::StatusOr<Tensor> {
    const Tensor operand = next < own ? operands[next] : lowering.Get(post_op.operand);
    ++next;
    INGOT_ASSIGN_OR_RETURN(const Tensor adapted, Adapt(lowering, operand, value_dims, out));
    return adapted.strides[1] == 1 || adapted.dims[1] == 1 ? adapted : lowering.Dense(adapted);
  };
  return AddProduct(lowering, rows, p.b, bias, stages, adapt, out, n);
}

// A product over no elements: beta * addend, or zeros.
absl::Status LowerEmpty(Lowering& lowering, const Product& p, ir::ValueId result) {
  const ir::TensorType& type = lowering.graph().type(result);
  if (p.addend) {
    INGOT_ASSIGN_OR_RETURN(const Tensor scaled, Scaled(lowering, *p.addend, p.beta));
    lowering.Set(result, BroadcastTo(scaled, type.dims));
    return absl::OkStatus();
  }
  const std::vector<float> zeros(type.NumElements(), 0.0f);
  INGOT_ASSIGN_OR_RETURN(const Tensor out,
                         lowering.NewConstant(type.dtype, type.dims, zeros.data()));
  lowering.Set(result, out);
  return absl::OkStatus();
}

absl::Status Lower(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(Product p, ReadProduct(lowering, view));
  if (p.a.dims.back() == 0) {
    return LowerEmpty(lowering, p, lowering.graph().node(unit.nodes.back()).outputs[0]);
  }
  const ir::ValueId result = lowering.graph().node(unit.nodes.back()).outputs[0];
  Tensor out = lowering.NewTensor(lowering.graph().type(result));
  lowering.Set(result, out);

  if (p.a.rank() == 1) p.a = WithDim(p.a, 0, 1, p.a.dims[0] * p.a.strides[0]);
  if (p.b.rank() == 1) p.b = WithDim(p.b, 1, 1, 1);
  const int64_t m = p.a.dims[p.a.rank() - 2], k = p.a.dims.back(), n = p.b.dims.back();
  const ir::Dims value_dims = out.dims;
  if (p.b.rank() == 2) {
    const int64_t rows = out.NumElements() / n;
    INGOT_ASSIGN_OR_RETURN(p.a, Reshaped(lowering, p.a, {rows, k}));
    out.dims = {rows, n};
    out.strides = {n, 1};
    if (unit.runs_as == RunsAs::kProduct || lowering.IsConstant(p.b)) {
      return LowerPacked(lowering, std::move(p), unit, out, value_dims);
    }
    return LowerOneDnn(lowering, std::move(p), unit, out, value_dims);
  }
  const int rank = std::max(p.a.rank(), p.b.rank());
  const auto batch_dims = [&] {
    ir::Dims dims;
    for (int i = 0; i + 2 < rank; ++i) dims.push_back(std::max(p.a.dims[i], p.b.dims[i]));
    dims.insert(dims.end(), {m, n});
    return dims;
  };
  const Tensor a = p.a;
  p.a = AsBatch(p.a, rank);
  p.b = AsBatch(p.b, rank);
  if (ir::TensorType{out.dtype, batch_dims()}.NumElements() != out.NumElements()) {
    // Both are expanded along one dimension, which oneDNN can't broadcast: one gets real copies.
    INGOT_ASSIGN_OR_RETURN(p.a, lowering.Dense(a));
    p.a = AsBatch(p.a, rank);
  }
  out.dims = batch_dims();
  out.strides = ir::ContiguousStrides(out.dims);
  return LowerOneDnn(lowering, std::move(p), unit, out, value_dims);
}

constexpr OpLowering kLowerings[] = {
    {"aten::linear", &Supports, &Lower}, {"aten::matmul", &Supports, &Lower},
    {"aten::mm", &Supports, &Lower},     {"aten::bmm", &Supports, &Lower},
    {"aten::addmm", &Supports, &Lower},  {"aten::baddbmm", &Supports, &Lower},
    {"aten::addmv", &Supports, &Lower},  {"aten::addbmm", &Supports, &Lower},
    {"aten::dot", &Supports, &Lower},    {"aten::mv", &Supports, &Lower},
};

}  // namespace

absl::Span<const OpLowering> MatmulLowerings() { return kLowerings; }

}  // namespace ingot::onednn
