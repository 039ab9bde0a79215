#include "core/passes/decompose.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "core/passes/decompositions.h"

namespace ingot::passes {

using ir::kNoValue;
using ir::ValueId;

ValueId Steps::operator()(absl::string_view op, std::vector<ir::Argument> args) {
  if (!status_.ok()) return 0;
  absl::StatusOr<ValueId> value = rewriter_.Emit(op, std::move(args));
  status_ = value.status();
  return value.ok() ? *value : 0;
}

ValueId Steps::Reshape(ValueId value, std::vector<int64_t> sizes) {
  return (*this)("aten::reshape", {Ref(value), std::move(sizes)});
}

ValueId Steps::Permute(ValueId value, std::vector<int64_t> order) {
  return (*this)("aten::permute", {Ref(value), std::move(order)});
}

ValueId Steps::Int64s(const std::vector<int64_t>& values) {
  const ir::TensorType type{ir::DType::kInt64, {static_cast<int64_t>(values.size())}};
  return rewriter_.AddConstant(MakeConstant(type,
                                            [&](char* to) {
                                              if (values.empty()) return;
                                              std::memcpy(to, values.data(),
                                                          values.size() * sizeof(int64_t));
                                            }),
                               "");
}

ValueId Steps::Zeros(const ir::TensorType& type) {
  const auto clear = [&](char* to) { std::memset(to, 0, static_cast<size_t>(type.NumBytes())); };
  return rewriter_.AddConstant(MakeConstant(type, clear), "");
}

absl::StatusOr<Outputs> Steps::Finish(Outputs outputs) const {
  if (!status_.ok()) return status_;
  return outputs;
}

bool BoolAt(const ir::Node& node, size_t i) {
  const bool* value = i < node.args.size() ? std::get_if<bool>(&node.args[i]) : nullptr;
  return value != nullptr && *value;
}

int64_t IntAt(const ir::Node& node, size_t i, int64_t otherwise) {
  const int64_t* value = i < node.args.size() ? std::get_if<int64_t>(&node.args[i]) : nullptr;
  return value != nullptr ? *value : otherwise;
}

std::vector<int64_t> IntsAt(const ir::Node& node, size_t i) {
  using Ints = std::vector<int64_t>;
  const Ints* value = i < node.args.size() ? std::get_if<Ints>(&node.args[i]) : nullptr;
  return value != nullptr ? *value : Ints{};
}

bool IsWide(const ir::TensorType& type) {
  return type.dtype == ir::DType::kFloat32 || type.dtype == ir::DType::kFloat64;
}

bool UnusedFrom(const GraphRewriter& r, const ir::Node& node, size_t first) {
  if (node.outputs.empty() || node.outputs[0] == kNoValue) return false;
  return std::all_of(node.outputs.begin() + static_cast<ptrdiff_t>(first), node.outputs.end(),
                     [&](ValueId value) { return value == kNoValue || r.Uses(value) == 0; });
}

namespace {

using Table = absl::flat_hash_map<absl::string_view, decltype(Decomposition::run)>;

const Table& AllDecompositions() {
  static const auto* const all = [] {
    auto* table = new Table;
    for (const absl::Span<const Decomposition> family :
         {AttentionDecompositions(), BagDecompositions(), CellDecompositions(),
          LayerDecompositions(), WindowDecompositions()}) {
      for (const Decomposition& entry : family) table->emplace(entry.op, entry.run);
    }
    return table;
  }();
  return *all;
}

absl::StatusOr<Outputs> DecomposeOne(GraphRewriter& r, const ir::Node& node) {
  const auto found = AllDecompositions().find(node.op);
  return found == AllDecompositions().end() ? Outputs{} : found->second(r, node);
}

}  // namespace

absl::StatusOr<bool> Decompose(ir::Recording& recording) {
  return GraphRewriter(recording).RunWide(DecomposeOne);
}

}  // namespace ingot::passes
