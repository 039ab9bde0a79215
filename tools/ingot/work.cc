#include "tools/ingot/work.h"

#include <set>
#include <variant>

#include "core/ops/op_view.h"
#include "core/ops/registry.h"

namespace ingot::tools {
namespace {

double Elements(const ir::TensorType& type) { return static_cast<double>(type.NumElements()); }

// [.., m, k] times [.., k, n]: k multiplications and additions an element of the result.
// The left factor is the first operand, or the one after the addend.
double Product(const ir::Graph& graph, const ops::OpView& view) {
  const int left = view.def().schema.Find("beta") >= 0 ? 1 : 0;
  const ir::TensorType& a = graph.type(std::get<ir::ValueRef>(view.node().args[left]).id);
  return a.dims.empty() ? 0 : 2 * Elements(view.OutputType()) * static_cast<double>(a.dims.back());
}

// Each element of the result (of the input, if transposed) meets in/groups (out/groups) channels
// times the kernel.
double Convolution(const ir::Graph&, const ops::OpView& view) {
  const ir::TensorType& weight = view.TensorType("weight");
  double taps = 1;
  for (int i = 1; i < weight.rank(); ++i) taps *= static_cast<double>(weight.dims[i]);
  return 2 * taps *
         Elements(view.Bool("transposed") ? view.TensorType("input") : view.OutputType());
}

// q k^T and the product with v.
double Attention(const ir::Graph&, const ops::OpView& view) {
  const ir::TensorType& q = view.TensorType("query");
  const ir::TensorType& k = view.TensorType("key");
  if (q.rank() < 2 || k.rank() < 2 || q.dims.back() == 0) return 0;
  const double scores =
      Elements(q) / static_cast<double>(q.dims.back()) * static_cast<double>(k.dims[k.rank() - 2]);
  return 2 * scores * static_cast<double>(q.dims.back() + view.TensorType("value").dims.back());
}

// Each step multiplies every weight matrix once a batch item.
double Recurrent(const ir::Graph& graph, const ops::OpView& view) {
  const ir::TensorType& input = view.TensorType("input");
  if (input.rank() == 0 || input.dims.back() == 0) return 0;
  double weights = 0;
  for (const ir::ValueId value : view.Values("params")) {
    const ir::TensorType& type = graph.type(value);
    if (type.rank() == 2) weights += Elements(type);
  }
  return 2 * weights * Elements(input) / static_cast<double>(input.dims.back());
}

struct Entry {
  const char* op;
  double (*flops)(const ir::Graph&, const ops::OpView&);
};
constexpr Entry kEntries[] = {
    {"aten::linear", &Product},
    {"aten::matmul", &Product},
    {"aten::mm", &Product},
    {"aten::bmm", &Product},
    {"aten::addmm", &Product},
    {"aten::baddbmm", &Product},
    {"aten::convolution", &Convolution},
    {"aten::scaled_dot_product_attention", &Attention},
    {"aten::lstm.input", &Recurrent},
    {"aten::gru.input", &Recurrent},
};

double Flops(const ir::Graph& graph, const ir::Node& node) {
  for (const Entry& entry : kEntries) {
    if (node.op == entry.op && ops::FindOp(node.op) != nullptr) {
      return entry.flops(graph, ops::OpView(graph, node));
    }
  }
  return 0;
}

}  // namespace

Work WorkOf(const ir::Graph& graph, absl::Span<const ir::NodeId> nodes) {
  const std::set<ir::NodeId> inside(nodes.begin(), nodes.end());
  std::set<ir::ValueId> used_outside;
  for (const ir::OutputSpec& output : graph.outputs()) used_outside.insert(output.value);
  for (ir::NodeId id = 0; id < graph.nodes().size(); ++id) {
    if (inside.contains(id)) continue;
    ir::ForEachOperand(graph.node(id), [&](ir::ValueId value) { used_outside.insert(value); });
  }
  Work work;
  std::set<ir::ValueId> made, moved;
  for (const ir::NodeId id : inside) {
    const ir::Node& node = graph.node(id);
    work.flops += Flops(graph, node);
    ir::ForEachOperand(node, [&](ir::ValueId value) {
      if (!made.contains(value)) moved.insert(value);
    });
    for (const ir::ValueId value : node.outputs) {
      if (value == ir::kNoValue) continue;
      made.insert(value);
      if (used_outside.contains(value)) moved.insert(value);
    }
  }
  for (const ir::ValueId value : moved) {
    work.bytes += static_cast<double>(graph.type(value).NumBytes());
  }
  return work;
}

}  // namespace ingot::tools
