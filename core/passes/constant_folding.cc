#include "core/passes/constant_folding.h"

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/passes/rewriter.h"

namespace ingot::passes {
namespace {

using ir::DType;
using ir::kNoValue;
using ir::ValueId;
using Ints = std::vector<int64_t>;

// A view of a constant, in elements: sizes are those of the result.
struct View {
  ir::Dims strides;
  int64_t offset = 0;
};

// Copies the view's elements, in row-major order of `type`.
void CopyView(const ir::Constant& from, const View& view, const ir::TensorType& type, char* to) {
  const size_t element = ir::ElementSize(type.dtype);
  const char* const base = static_cast<const char*>(from.data);
  const int rank = type.rank();
  ir::Dims index(rank, 0);
  int64_t position = view.offset;
  for (int64_t n = type.NumElements(); n > 0; --n) {
    std::memcpy(to, base + position * static_cast<int64_t>(element), element);
    to += element;
    for (int d = rank - 1; d >= 0; --d) {
      position += view.strides[d];
      if (++index[d] < type.dims[d]) break;
      position -= view.strides[d] * type.dims[d];
      index[d] = 0;
    }
  }
}

// The view that a canonical node takes of its operand; nullopt for other nodes.
std::optional<View> ViewOf(const ir::Node& node, const ir::TensorType& from) {
  const ir::Dims strides = ir::ContiguousStrides(from.dims);
  if (node.op == "aten::permute") {
    View view;
    for (int64_t dim : std::get<Ints>(node.args[1])) {
      if (dim < 0) return std::nullopt;
      view.strides.push_back(strides[dim]);
    }
    return view;
  }
  if (node.op != "aten::slice.Tensor" && node.op != "aten::select.int") return std::nullopt;
  const int64_t dim = std::get<int64_t>(node.args[1]);
  const int64_t* start = std::get_if<int64_t>(&node.args[2]);
  if (dim < 0 || start == nullptr || *start < 0) return std::nullopt;
  View view{strides, *start * strides[dim]};
  if (node.op == "aten::select.int") {
    view.strides.erase(view.strides.begin() + dim);
  } else {
    view.strides[dim] *= std::get<int64_t>(node.args[4]);
  }
  return view;
}

std::string NameOf(const ir::Recording& recording, ValueId value) {
  for (const ir::InputSpec& input : recording.graph.inputs()) {
    if (input.value == value) return input.name;
  }
  return "";
}

template <typename T>
T Load(const ir::Constant& constant) {
  T value;
  std::memcpy(&value, constant.data, sizeof(T));
  return value;
}

// Integers wrap as eager's do: computed without a sign.
template <typename T>
std::optional<T> Compute(absl::string_view op, T a, T b) {
  if (op == "aten::add.Tensor") return static_cast<T>(a + b);
  if (op == "aten::sub.Tensor") return static_cast<T>(a - b);
  if (op == "aten::mul.Tensor") return static_cast<T>(a * b);
  if constexpr (std::is_floating_point_v<T>) {
    if (op == "aten::div.Tensor") return a / b;
  }
  return std::nullopt;
}

template <typename T>
std::optional<ir::Constant> FoldAs(const ir::Node& node, const ir::Constant& a,
                                   const ir::Constant& b) {
  const std::optional<T> result = Compute<T>(node.op, Load<T>(a), Load<T>(b));
  if (!result.has_value()) return std::nullopt;
  return MakeConstant(a.type, [&](char* to) { std::memcpy(to, &*result, sizeof(T)); });
}

std::optional<ir::Constant> FoldArithmetic(const ir::Node& node, const ir::Constant& a,
                                           const ir::Constant& b) {
  const bool has_alpha = node.op == "aten::add.Tensor" || node.op == "aten::sub.Tensor";
  if (has_alpha && node.args[2] != ir::Argument(int64_t{1})) return std::nullopt;
  if (a.type.rank() != 0 || a.type != b.type) return std::nullopt;
  if (a.type.dtype == DType::kFloat32) return FoldAs<float>(node, a, b);
  if (a.type.dtype == DType::kFloat64) return FoldAs<double>(node, a, b);
  if (a.type.dtype == DType::kInt64) return FoldAs<uint64_t>(node, a, b);
  return std::nullopt;
}

absl::StatusOr<ValueId> FoldView(GraphRewriter& r, const ir::Recording& recording,
                                 const ir::Node& node, const ir::Constant& from) {
  const ir::TensorType& type = r.type(node.outputs[0]);
  const std::string name = NameOf(recording, OperandOf(node, 0));
  if (node.op == "aten::reshape") {
    ir::Constant constant = from;
    constant.type = type;
    return r.AddConstant(std::move(constant), name);
  }
  const std::optional<View> view = ViewOf(node, from.type);
  if (!view.has_value()) return kNoValue;
  return r.AddConstant(MakeConstant(type, [&](char* to) { CopyView(from, *view, type, to); }),
                       name);
}

absl::StatusOr<ValueId> Fold(GraphRewriter& r, const ir::Recording& recording,
                             const ir::Node& node) {
  if (node.outputs.size() != 1 || node.outputs[0] == kNoValue) return kNoValue;
  if (ops::FindOp(node.op) == nullptr) return kNoValue;
  const ir::Constant* a = r.ConstantOf(OperandOf(node, 0));
  if (a == nullptr) return kNoValue;
  const ValueId second = OperandOf(node, 1);
  if (second == kNoValue) return FoldView(r, recording, node, *a);
  const ir::Constant* b = r.ConstantOf(second);
  if (b == nullptr) return kNoValue;
  std::optional<ir::Constant> folded = FoldArithmetic(node, *a, *b);
  return folded.has_value() ? r.AddConstant(*std::move(folded), "") : kNoValue;
}

}  // namespace

absl::StatusOr<bool> FoldConstants(ir::Recording& recording) {
  return GraphRewriter(recording).Run(
      [&](GraphRewriter& r, const ir::Node& node) { return Fold(r, recording, node); });
}

}  // namespace ingot::passes
