// sort, topk, medians, kthvalue.
#include "backends/onednn/kernels/sort.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/dims.h"
#include "backends/onednn/lowering.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

absl::Status SupportsSort(const ir::Graph&, const ops::OpView& view) {
  const ir::DType dtype = view.TensorType("self").dtype;
  if (!ir::IsComplex(dtype)) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("no order of ", ir::DTypeName(dtype)));
}

// `self` as [outer, n, inner] around argument `dim`.
kernels::SortArgs RowsOf(const Tensor& self, int64_t dim) {
  kernels::SortArgs rows;
  rows.dtype = self.dtype;
  const Span3 s = Around(self.dims, dim);
  rows.outer = s.outer;
  rows.n = s.n;
  rows.inner = s.inner;
  return rows;
}

enum class Order : uint8_t { kSort, kTopK, kMedian, kNanMedian, kKthValue };

// Runs `order` of one op; numbers are its arguments.
struct OrderCall {
  Order order = Order::kSort;
  kernels::SortArgs rows;
  int64_t k = 0;
  bool sorted = true;

  void Run(const kernels::SortArgs& args, int threads) const {
    switch (order) {
      case Order::kSort:
        return kernels::Sort(args, threads);
      case Order::kTopK:
        return kernels::TopK(args, k, sorted, threads);
      case Order::kKthValue:
        return kernels::KthValue(args, k, threads);
      default:
        return kernels::Median(args, order == Order::kNanMedian, threads);
    }
  }
};

// PyTorch sorts long rows of integers by radix if they are all there is, and then keeps equal
// elements in order though nobody asked.
bool IsStable(const ops::OpView& view, const Tensor& self) {
  constexpr int64_t kLong = 32768;
  if (view.def().schema.Find("stable") >= 0 && view.Has("stable") && view.Bool("stable"))
    return true;
  return self.rank() == 1 && self.dims[0] >= kLong && !view.Bool("descending") &&
         !ir::IsFloating(self.dtype) && self.dtype != ir::DType::kBool;
}

OrderCall ReadCall(const ops::OpView& view, Order order, const Tensor& self) {
  OrderCall call;
  call.order = order;
  // Without a dimension the order is of all elements.
  Tensor flat = self;
  flat.dims = {self.NumElements()};
  call.rows = view.def().schema.Find("dim") < 0 ? RowsOf(flat, 0) : RowsOf(self, view.Int("dim"));
  if (order == Order::kSort) {
    call.rows.descending = view.Bool("descending");
    call.rows.stable = IsStable(view, self);
  }
  if (order == Order::kTopK) {
    call.rows.descending = view.Bool("largest");
    // A number is its own order, whatever k is.
    call.k = self.rank() == 0 ? 1 : view.Int("k");
    call.sorted = view.Bool("sorted");
  }
  if (order == Order::kKthValue) call.k = view.Int("k") - 1;
  return call;
}

template <Order kOrder>
absl::Status LowerOrder(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  const OrderCall call = ReadCall(view, kOrder, self);
  const int64_t scratch_bytes =
      std::max<int64_t>(kernels::SortScratchBytes(self.dtype, call.rows.n, lowering.threads()), 1);
  std::vector<Operand> operands = {Read(self), lowering.NewScratch(scratch_bytes)};
  int position[2] = {-1, -1};
  for (size_t i = 0; i < view.node().outputs.size(); ++i) {
    const ir::ValueId value = view.node().outputs[i];
    if (value == ir::kNoValue) continue;
    const Tensor out = lowering.NewTensor(lowering.graph().type(value));
    lowering.Set(value, out);
    position[i] = static_cast<int>(operands.size());
    operands.push_back(Write(out));
  }
  const int values = position[0], indices = position[1];
  return lowering.AddKernel("ingot:sort", std::move(operands), [=](const StepArgs& args) {
    kernels::SortArgs rows = call.rows;
    rows.x = args.At<void>(0);
    rows.scratch = args.At<void>(1);
    rows.values = values < 0 ? nullptr : args.At<void>(values);
    rows.indices = indices < 0 ? nullptr : args.At<int64_t>(indices);
    call.Run(rows, args.threads());
    return absl::OkStatus();
  });
}

constexpr OpLowering kLowerings[] = {
    {"aten::sort", &SupportsSort, &LowerOrder<Order::kSort>},
    {"aten::sort.stable", &SupportsSort, &LowerOrder<Order::kSort>},
    {"aten::topk", &SupportsSort, &LowerOrder<Order::kTopK>},
    {"aten::median", &SupportsSort, &LowerOrder<Order::kMedian>},
    {"aten::median.dim", &SupportsSort, &LowerOrder<Order::kMedian>},
    {"aten::nanmedian", &SupportsSort, &LowerOrder<Order::kNanMedian>},
    {"aten::nanmedian.dim", &SupportsSort, &LowerOrder<Order::kNanMedian>},
    {"aten::kthvalue", &SupportsSort, &LowerOrder<Order::kKthValue>},
};

}  // namespace

absl::Span<const OpLowering> SortLowerings() { return kLowerings; }

}  // namespace ingot::onednn
