// Matrix products: row by row, each element accumulated in double (integers: int64_t) and rounded
// once.
#include "backends/reference/kernels/families.h"

namespace ingot::reference {
namespace {

// A matrix inside a tensor.
struct Matrix {
  ConstTensor tensor;
  int64_t offset = 0;
  int64_t row_stride = 0, column_stride = 1;
};

// sum_k a[i,k] * b[k,j] for all j, into `sums`. `row`: k elements of scratch.
template <typename A>
void ProductRow(const Matrix& a, const Matrix& b, int64_t i, int64_t n, int64_t k, A* row,
                A* sums) {
  LoadRun(a.tensor, a.offset + i * a.row_stride, a.column_stride, k, row);
  std::fill_n(sums, n, A(0));
  if (b.row_stride == 1) {  // columns lie in one piece: one dot product each
    for (int64_t j = 0; j < n; ++j) {
      const A* x = row;
      ForEachRun<A>(b.tensor, b.offset + j * b.column_stride, 1, k, [&](const A* y, int64_t count) {
        for (int64_t kk = 0; kk < count; ++kk) sums[j] = Plus(sums[j], Times(x[kk], y[kk]));
        x += count;
      });
    }
    return;
  }
  for (int64_t kk = 0; kk < k; ++kk) {
    A* sum = sums;
    const A factor = row[kk];
    ForEachRun<A>(b.tensor, b.offset + kk * b.row_stride, b.column_stride, n,
                  [&](const A* y, int64_t count) {
                    for (int64_t j = 0; j < count; ++j) sum[j] = Plus(sum[j], Times(factor, y[j]));
                    sum += count;
                  });
  }
}

// beta * added + alpha * product. `added` is broadcast to the result; none if beta is 0 or data is
// null.
struct Epilogue {
  ConstTensor added;
  Number alpha{ir::DType::kInt64, 1, 0}, beta{ir::DType::kInt64, 1, 0};
};

template <typename A>
void Finish(const Epilogue& epilogue, const Tensor& out, int64_t offset, int64_t n, A* sums) {
  const A alpha = epilogue.alpha.As<A>(), beta = epilogue.beta.As<A>();
  for (int64_t j = 0; j < n; ++j) sums[j] = Times(alpha, sums[j]);
  if (epilogue.added.data != nullptr && beta != 0) {
    const Layout layout = BroadcastLayout(epilogue.added.dims, out.dims);
    const ir::Dims strides = ir::ContiguousStrides(out.dims);
    for (int64_t j = 0; j < n; ++j) {
      int64_t at = 0, rest = offset + j;
      for (size_t d = 0; d < strides.size(); ++d) {
        at += rest / strides[d] * layout.strides[d];
        rest %= strides[d];
      }
      sums[j] = Plus(sums[j], Times(beta, Load<A>(epilogue.added, at)));
    }
  }
  StoreRun(sums, n, out, offset, 1);
}

// out[offset…] = a (m by k) @ b (k by n), row-major.
void Multiply(const KernelContext& context, const Matrix& a, const Matrix& b, int64_t m, int64_t n,
              int64_t k, const Epilogue& epilogue, int64_t offset) {
  VisitAccumulator(a.tensor.dtype, [&](auto tag) {
    using A = decltype(tag);
    A* row = context.Scratch<A>();
    A* sums = row + k;
    for (int64_t i = 0; i < m; ++i) {
      ProductRow(a, b, i, n, k, row, sums);
      Finish(epilogue, context.Out(), offset + i * n, n, sums);
    }
  });
}

// An operand of matmul: the last two dimensions, vectors completed to matrices.
struct Stack {
  Stack(const ConstTensor& tensor, bool left) : tensor(tensor) {
    const int rank = tensor.rank();
    if (rank == 1) {
      rows = left ? 1 : tensor.dims[0];
      columns = left ? tensor.dims[0] : 1;
    } else {
      rows = tensor.dims[rank - 2];
      columns = tensor.dims[rank - 1];
      batch = tensor.dims.first(rank - 2);
    }
  }
  Matrix At(int64_t offset) const { return {tensor, offset, columns, 1}; }

  ConstTensor tensor;
  int64_t rows, columns;
  absl::Span<const int64_t> batch;
};

absl::Status MultiplyStacks(const KernelContext& context, const char* left, const char* right,
                            const Epilogue& epilogue) {
  const Stack a(context.In(left), true), b(context.In(right), false);
  ir::Dims batch;
  ir::BroadcastDims(a.batch, b.batch, &batch);
  Layout at_a = BroadcastLayout(a.batch, batch), at_b = BroadcastLayout(b.batch, batch);
  for (int64_t& stride : at_a.strides) stride *= a.rows * a.columns;
  for (int64_t& stride : at_b.strides) stride *= b.rows * b.columns;
  int64_t offset = 0;
  ForEachPair(batch, at_a, at_b,
              [&](int64_t from_a, int64_t from_b, int64_t n, int64_t step_a, int64_t step_b) {
                for (int64_t i = 0; i < n; ++i) {
                  Multiply(context, a.At(from_a + i * step_a), b.At(from_b + i * step_b), a.rows,
                           b.columns, a.columns, epilogue, offset);
                  offset += a.rows * b.columns;
                }
              });
  return absl::OkStatus();
}

absl::Status RunMatmul(const KernelContext& context) {
  return MultiplyStacks(context, "self", "other", {});
}

absl::Status RunMm(const KernelContext& context) {
  return MultiplyStacks(context, "self", "mat2", {});
}

Epilogue ReadEpilogue(const KernelContext& context) {
  return {context.In("self"), context.Scalar("alpha"), context.Scalar("beta")};
}

absl::Status RunAddmm(const KernelContext& context) {
  return MultiplyStacks(context, "mat1", "mat2", ReadEpilogue(context));
}

absl::Status RunBaddbmm(const KernelContext& context) {
  return MultiplyStacks(context, "batch1", "batch2", ReadEpilogue(context));
}

absl::Status RunAddmv(const KernelContext& context) {
  return MultiplyStacks(context, "mat", "vec", ReadEpilogue(context));
}

absl::Status RunDot(const KernelContext& context) {
  return MultiplyStacks(context, "self", "tensor", {});
}

absl::Status RunAddr(const KernelContext& context) {
  const ConstTensor rows = context.In("vec1"), columns = context.In("vec2");
  const Tensor out = context.Out();
  const Epilogue epilogue = ReadEpilogue(context);
  VisitAccumulator(out.dtype, [&](auto tag) {
    using A = decltype(tag);
    for (int64_t i = 0; i < rows.dims[0]; ++i) {
      for (int64_t j = 0; j < columns.dims[0]; ++j) {
        A product = Times(Load<A>(rows, i), Load<A>(columns, j));
        Finish(epilogue, out, i * columns.dims[0] + j, 1, &product);
      }
    }
  });
  return absl::OkStatus();
}

// Scratch: a row of the left operand, one of a product, and their sum.
absl::Status RunAddbmm(const KernelContext& context) {
  const Stack a(context.In("batch1"), true), b(context.In("batch2"), false);
  const Epilogue epilogue = ReadEpilogue(context);
  VisitAccumulator(context.Out().dtype, [&](auto tag) {
    using A = decltype(tag);
    A* row = context.Scratch<A>();
    A* products = row + a.columns;
    A* sums = products + b.columns;
    for (int64_t i = 0; i < a.rows; ++i) {
      std::fill_n(sums, b.columns, A(0));
      for (int64_t batch = 0; batch < a.batch[0]; ++batch) {
        ProductRow(a.At(batch * a.rows * a.columns), b.At(batch * b.rows * b.columns), i, b.columns,
                   a.columns, row, products);
        for (int64_t j = 0; j < b.columns; ++j) sums[j] = Plus(sums[j], products[j]);
      }
      Finish(epilogue, context.Out(), i * b.columns, b.columns, sums);
    }
  });
  return absl::OkStatus();
}

absl::Status RunCross(const KernelContext& context) {
  const Tensor out = context.Out();
  const Axis axis = AxisOf(out.dims, context.op().Int("dim"));
  const ir::Dims strides = ir::ContiguousStrides(out.dims);
  const ConstTensor operands[] = {context.In("self"), context.In("other")};
  const Layout layouts[] = {BroadcastLayout(operands[0].dims, out.dims),
                            BroadcastLayout(operands[1].dims, out.dims)};
  const auto element = [&](int k, int64_t at) {
    int64_t from = 0;
    for (size_t d = 0; d < strides.size(); ++d) {
      from += at / strides[d] * layouts[k].strides[d];
      at %= strides[d];
    }
    return from;
  };
  VisitElement(out.dtype, [&](auto tag) {
    using C = Wide<decltype(tag)>;
    for (int64_t row = 0; row < axis.outer * axis.inner; ++row) {
      const int64_t at = row / axis.inner * 3 * axis.inner + row % axis.inner;
      for (int64_t k = 0; k < 3; ++k) {
        const int64_t next = at + (k + 1) % 3 * axis.inner, last = at + (k + 2) % 3 * axis.inner;
        const C left =
            Times(Load<C>(operands[0], element(0, next)), Load<C>(operands[1], element(1, last)));
        const C right =
            Times(Load<C>(operands[0], element(0, last)), Load<C>(operands[1], element(1, next)));
        Store(Minus(left, right), out, at + k * axis.inner);
      }
    }
  });
  return absl::OkStatus();
}

absl::Status RunLinear(const KernelContext& context) {
  const ConstTensor input = context.In("input"), weight = context.In("weight");
  const int64_t k = input.dims.back();
  const int64_t n = weight.rank() == 1 ? 1 : weight.dims[0];
  const int64_t m = Product(input.dims.first(input.rank() - 1));
  Epilogue epilogue;
  if (context.op().Has("bias")) epilogue.added = context.In("bias");
  Multiply(context, {input, 0, k, 1}, {weight, 0, 1, k}, m, n, k, epilogue, 0);
  return absl::OkStatus();
}

// One row of the left operand and one of the result.
int64_t RowScratch(const ops::OpView& op) {
  const bool linear = op.def().schema.Find("weight") >= 0;
  const char* left = linear                                ? "input"
                     : op.def().schema.Find("mat1") >= 0   ? "mat1"
                     : op.def().schema.Find("batch1") >= 0 ? "batch1"
                     : op.def().schema.Find("mat") >= 0    ? "mat"
                                                           : "self";
  const ir::Dims& dims = op.OutputType().dims;
  return 8 *
         (op.TensorType(left).dims.back() + (dims.empty() ? 1 : std::max<int64_t>(dims.back(), 1)));
}

int64_t AddbmmScratch(const ops::OpView& op) {
  return RowScratch(op) + 8 * std::max<int64_t>(op.OutputType().dims.back(), 1);
}

}  // namespace

std::vector<Kernel> MatmulKernels() {
  return {
      {"aten::linear", RunLinear, RowScratch}, {"aten::matmul", RunMatmul, RowScratch},
      {"aten::mm", RunMm, RowScratch},         {"aten::bmm", RunMm, RowScratch},
      {"aten::addmm", RunAddmm, RowScratch},   {"aten::baddbmm", RunBaddbmm, RowScratch},
      {"aten::addmv", RunAddmv, RowScratch},   {"aten::addbmm", RunAddbmm, AddbmmScratch},
      {"aten::dot", RunDot, RowScratch},       {"aten::addr", RunAddr},
      {"aten::linalg_cross", RunCross},
  };
}

}  // namespace ingot::reference
