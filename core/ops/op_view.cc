#include "core/ops/op_view.h"

#include <cstdio>
#include <cstdlib>

namespace ingot::ops {

OpView::OpView(const ir::Graph& graph, const ir::Node& node)
    : graph_(graph), node_(node), def_(FindOp(node.op)) {
  if (def_ == nullptr) {
    std::fprintf(stderr, "OpView of the opaque op %s\n", node.op.c_str());
    std::abort();
  }
}

int OpView::Position(absl::string_view name) const {
  const int position = def_->schema.Find(name);
  if (position < 0) {
    std::fprintf(stderr, "%s has no argument \"%s\"\n", def_->schema.op.c_str(),
                 std::string(name).c_str());
    std::abort();
  }
  return position;
}

const ir::Argument& OpView::Raw(absl::string_view name) const { return node_.args[Position(name)]; }

bool OpView::Has(absl::string_view name) const {
  return !std::holds_alternative<ir::None>(Raw(name));
}

ir::ValueId OpView::Value(absl::string_view name) const {
  const auto* ref = std::get_if<ir::ValueRef>(&Raw(name));
  return ref == nullptr ? ir::kNoValue : ref->id;
}

const ir::TensorType& OpView::TensorType(absl::string_view name) const {
  return graph_.type(std::get<ir::ValueRef>(Raw(name)).id);
}

absl::Span<const ir::ValueId> OpView::Values(absl::string_view name) const {
  return std::get<ir::ValueRefList>(Raw(name)).ids;
}

int64_t OpView::Int(absl::string_view name) const { return std::get<int64_t>(Raw(name)); }

int64_t OpView::IntOr(absl::string_view name, int64_t fallback) const {
  return Has(name) ? Int(name) : fallback;
}

double OpView::Float(absl::string_view name) const {
  const ir::Argument& arg = Raw(name);
  if (const auto* integer = std::get_if<int64_t>(&arg)) return static_cast<double>(*integer);
  if (const auto* truth = std::get_if<bool>(&arg)) return *truth ? 1.0 : 0.0;
  return std::get<double>(arg);
}

double OpView::FloatOr(absl::string_view name, double fallback) const {
  return Has(name) ? Float(name) : fallback;
}

bool OpView::Bool(absl::string_view name) const { return std::get<bool>(Raw(name)); }

const std::string& OpView::String(absl::string_view name) const {
  return std::get<std::string>(Raw(name));
}

absl::Span<const int64_t> OpView::Ints(absl::string_view name) const {
  if (!Has(name)) return {};
  return std::get<std::vector<int64_t>>(Raw(name));
}

ir::DType OpView::DTypeOr(absl::string_view name, ir::DType fallback) const {
  return Has(name) ? std::get<ir::DType>(Raw(name)) : fallback;
}

const ir::TensorType& OpView::OutputType(int i) const { return graph_.type(node_.outputs[i]); }

}  // namespace ingot::ops
