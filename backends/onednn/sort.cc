// sort, topk.
#include "backends/onednn/kernels/sort.h"

#include <vector>

#include "absl/strings/str_cat.h"
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
  rows.n = self.rank() == 0 ? 1 : 0;
  if (dim < 0) dim += self.rank();
  for (int64_t i = 0; i < self.rank(); ++i) {
    if (i == dim) {
      rows.n = self.dims[i];
    } else {
      (i < dim ? rows.outer : rows.inner) *= self.dims[i];
    }
  }
  return rows;
}

template <bool kTopK>
absl::Status LowerSort(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  kernels::SortArgs rows = RowsOf(self, view.Int("dim"));
  rows.descending = view.Bool(kTopK ? "largest" : "descending");
  const int64_t scratch_bytes = kernels::SortScratchBytes(self.dtype, rows.n, lowering.threads());
  std::vector<Operand> operands = {Read(self), lowering.NewScratch(scratch_bytes)};
  int position[2] = {-1, -1};
  for (int i = 0; i < 2; ++i) {
    const ir::ValueId value = view.node().outputs[i];
    if (value == ir::kNoValue) continue;
    const Tensor out = lowering.NewTensor(lowering.graph().type(value));
    lowering.Set(value, out);
    position[i] = static_cast<int>(operands.size());
    operands.push_back(Write(out));
  }
  const int values = position[0], indices = position[1];
  const int64_t k = kTopK ? view.Int("k") : 0;
  const bool sorted = kTopK && view.Bool("sorted");
  return lowering.AddKernel(kTopK ? "ingot:topk" : "ingot:sort", std::move(operands),
                            [=](const StepArgs& args) {
                              kernels::SortArgs call = rows;
                              call.x = args.At<void>(0);
                              call.scratch = args.At<void>(1);
                              call.values = values < 0 ? nullptr : args.At<void>(values);
                              call.indices = indices < 0 ? nullptr : args.At<int64_t>(indices);
                              if (kTopK) {
                                kernels::TopK(call, k, sorted, args.threads());
                              } else {
                                kernels::Sort(call, args.threads());
                              }
                              return absl::OkStatus();
                            });
}

constexpr OpLowering kLowerings[] = {
    {"aten::sort", &SupportsSort, &LowerSort<false>},
    {"aten::sort.stable", &SupportsSort, &LowerSort<false>},
    {"aten::topk", &SupportsSort, &LowerSort<true>},
};

}  // namespace

absl::Span<const OpLowering> SortLowerings() { return kLowerings; }

}  // namespace ingot::onednn
