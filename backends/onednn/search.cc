// searchsorted, bucketize.
#include "backends/onednn/kernels/search.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/lowering.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

absl::Status Supports(const ir::Graph&, const ops::OpView& view) {
  const ir::DType dtype = view.TensorType("self").dtype;
  if (!ir::IsComplex(dtype)) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("no order of ", ir::DTypeName(dtype)));
}

template <bool kBuckets>
absl::Status Lower(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor values, lowering.Dense(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(const Tensor sorted,
                         lowering.Dense(view.Value(kBuckets ? "boundaries" : "sorted_sequence")));
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  kernels::SearchArgs search;
  search.dtype = values.dtype;
  search.right =
      view.Bool("right") || (!kBuckets && view.Has("side") && view.String("side") == "right");
  search.out_i32 = out.dtype == ir::DType::kInt32;
  search.length = sorted.dims.back();
  search.shared = sorted.rank() == 1;
  search.rows = search.shared || search.length == 0 ? 1 : sorted.NumElements() / search.length;
  search.count = values.NumElements() / search.rows;
  std::vector<Operand> operands = {Read(values), Read(sorted), Write(out)};
  const bool ordered = !kBuckets && view.Has("sorter");
  if (ordered) {
    INGOT_ASSIGN_OR_RETURN(const Tensor order, lowering.Dense(view.Value("sorter")));
    operands.push_back(Read(order));
  }
  return lowering.AddKernel("ingot:search", std::move(operands), [=](const StepArgs& args) {
    kernels::SearchArgs call = search;
    call.values = args.At<void>(0);
    call.sorted = args.At<void>(1);
    call.out = args.At<void>(2);
    call.order = ordered ? args.At<int64_t>(3) : nullptr;
    return kernels::SearchSorted(call, args.threads());
  });
}

constexpr OpLowering kLowerings[] = {
    {"aten::bucketize.Tensor", &Supports, &Lower<true>},
    {"aten::searchsorted.Tensor", &Supports, &Lower<false>},
};

}  // namespace

absl::Span<const OpLowering> SearchLowerings() { return kLowerings; }

}  // namespace ingot::onednn
