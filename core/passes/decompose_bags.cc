// _embedding_bag: rows of a table, summed, averaged or maximised over bags.
#include <cstring>
#include <utility>

#include "core/passes/decompositions.h"

namespace ingot::passes {
namespace {

using ir::DType;
using ir::kNoValue;
using ir::ValueId;
using Ints = std::vector<int64_t>;

enum Mode : int64_t { kSum = 0, kMean = 1, kMax = 2 };

struct Bags {
  ValueId weight, indices, offsets, scales;  // scales: kNoValue for none
  int64_t mode, count;
};

// The size of the bags if offsets are constant and all bags are as large; else 0.
int64_t UniformSize(const GraphRewriter& r, const Bags& bags) {
  const ir::Constant* offsets = r.ConstantOf(bags.offsets);
  const int64_t total = r.type(bags.indices).NumElements();
  if (offsets == nullptr || bags.count == 0 || total % bags.count != 0) return 0;
  const int64_t size = total / bags.count;
  for (int64_t i = 0; i < offsets->type.NumElements(); ++i) {
    int64_t offset;
    std::memcpy(&offset, static_cast<const char*>(offsets->data) + i * sizeof(offset),
                sizeof(offset));
    if (offset != i * size) return 0;
  }
  return size;
}

ValueId UniformBags(Steps& step, const Bags& bags, int64_t size) {
  ValueId rows = step("aten::embedding",
                      {Ref(bags.weight), Ref(step.Reshape(bags.indices, {bags.count, size})),
                       int64_t{-1}, false, false});
  if (bags.scales != kNoValue) {
    rows = step("aten::mul.Tensor",
                {Ref(rows), Ref(step.Reshape(bags.scales, {bags.count, size, 1}))});
  }
  switch (bags.mode) {
    case kSum:
      return step("aten::sum.dim_IntList", {Ref(rows), Ints{1}, false, ir::None{}});
    case kMean:
      return step("aten::mean.dim", {Ref(rows), Ints{1}, false, ir::None{}});
    default:
      return step("aten::amax", {Ref(rows), Ints{1}, false});
  }
}

// The first `count` offsets; a last one that only ends the last bag is ignored, as by eager.
ValueId Starts(Steps& step, const Bags& bags) {
  return step("aten::slice.Tensor",
              {Ref(bags.offsets), int64_t{0}, int64_t{0}, bags.count, int64_t{1}});
}

// What a mean divides by, as eager has it: distances of offsets, at least 1. [count, 1]
ValueId Divisors(Steps& step, const Bags& bags, ValueId starts, DType dtype) {
  const ValueId total = step.Int64s({step.type(bags.indices).NumElements()});
  const ValueId later =
      step("aten::slice.Tensor", {Ref(starts), int64_t{0}, int64_t{1}, bags.count, int64_t{1}});
  const ValueId ends = step("aten::cat", {ir::ValueRefList{{later, total}}, int64_t{0}});
  const ValueId sizes = step("aten::sub.Tensor", {Ref(ends), Ref(starts), int64_t{1}});
  const ValueId least = step("aten::clamp_min", {Ref(sizes), int64_t{1}});
  return step.Reshape(step("aten::_to_copy", {Ref(least), dtype, ir::None{}, ir::None{}, ir::None{},
                                              false, ir::None{}}),
                      {bags.count, 1});
}

// Any offsets, known on the call only.
ValueId RaggedBags(Steps& step, const Bags& bags) {
  const ir::TensorType weight = step.type(bags.weight);
  const int64_t total = step.type(bags.indices).NumElements();
  const ValueId starts = Starts(step, bags);
  // A place's bag is the number of offsets up to it, in whatever order they come, less 1.
  const ValueId begun = step(
      "aten::index_add", {Ref(step.Zeros({DType::kInt64, {total + 1}})), int64_t{0}, Ref(starts),
                          Ref(step.Int64s(Ints(static_cast<size_t>(bags.count), 1))), int64_t{1}});
  const ValueId up_to = step("aten::cumsum", {Ref(begun), int64_t{0}, ir::None{}});
  const ValueId after =
      step("aten::slice.Tensor", {Ref(up_to), int64_t{0}, int64_t{0}, total, int64_t{1}});
  const ValueId bag = step("aten::sub.Scalar", {Ref(after), int64_t{1}, int64_t{1}});
  ValueId rows =
      step("aten::embedding", {Ref(bags.weight), Ref(bags.indices), int64_t{-1}, false, false});
  if (bags.scales != kNoValue) {
    rows = step("aten::mul.Tensor", {Ref(rows), Ref(step.Reshape(bags.scales, {total, 1}))});
  }
  const ValueId zeros = step.Zeros({weight.dtype, {bags.count, weight.dims[1]}});
  if (bags.mode == kMax) {
    return step("aten::index_reduce", {Ref(zeros), int64_t{0}, Ref(bag), Ref(rows), "amax", false});
  }
  const ValueId sum =
      step("aten::index_add", {Ref(zeros), int64_t{0}, Ref(bag), Ref(rows), int64_t{1}});
  if (bags.mode == kSum) return sum;
  return step("aten::div.Tensor", {Ref(sum), Ref(Divisors(step, bags, starts, weight.dtype))});
}

// Whether a row of the table counts as absent, or the node is none of these ops.
bool HasPadding(const ir::Node& node) {
  if (node.op == "aten::embedding_bag") return node.args.size() != 8;
  if (node.args.size() != 9) return true;
  // Negative is none for the kernels, and counts from the end for the op that calls them.
  if (node.op == "aten::embedding_bag.padding_idx") {
    return !std::holds_alternative<ir::None>(node.args[8]);
  }
  return IntAt(node, 8, 0) >= 0;
}

// Arguments: weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights,
// include_last_offset, padding_idx (which plain embedding_bag has not).
absl::StatusOr<Outputs> EmbeddingBag(GraphRewriter& r, const ir::Node& node) {
  if (!UnusedFrom(r, node, 1) || HasPadding(node)) return Outputs{};
  Bags bags{OperandOf(node, 0), OperandOf(node, 1), OperandOf(node, 2),
            OperandOf(node, 6), IntAt(node, 4, -1), 0};
  for (ValueId value : {bags.weight, bags.indices, bags.offsets}) {
    if (value == kNoValue) return Outputs{};
  }
  const ir::TensorType& weight = r.type(bags.weight);
  if (!IsWide(weight) || weight.rank() != 2 || bags.mode < kSum || bags.mode > kMax) {
    return Outputs{};
  }
  for (ValueId value : {bags.indices, bags.offsets}) {
    if (r.type(value).dtype != DType::kInt64 || r.type(value).rank() != 1) return Outputs{};
  }
  bags.count = r.type(bags.offsets).dims[0] - (BoolAt(node, 7) ? 1 : 0);
  if (bags.count == 0 || r.type(node.outputs[0]).dims != ir::Dims{bags.count, weight.dims[1]}) {
    return Outputs{};
  }
  Steps step(r);
  const int64_t size = UniformSize(r, bags);
  Outputs outputs(node.outputs.size(), kNoValue);
  outputs[0] = size > 0 ? UniformBags(step, bags, size) : RaggedBags(step, bags);
  return step.Finish(std::move(outputs));
}

constexpr Decomposition kBags[] = {
    {"aten::embedding_bag", EmbeddingBag},
    {"aten::embedding_bag.padding_idx", EmbeddingBag},
    {"aten::_embedding_bag", EmbeddingBag},
    {"aten::_embedding_bag_forward_only", EmbeddingBag},
};

}  // namespace

absl::Span<const Decomposition> BagDecompositions() { return kBags; }

}  // namespace ingot::passes
