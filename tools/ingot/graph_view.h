// A compiled graph as `ingot inspect` shows it: one row a node, with the backend and implementation
// that run it.
//
//   GraphView view = MakeGraphView(*graph);
//   PrintText(view.ToText());
#ifndef INGOT_TOOLS_INGOT_GRAPH_VIEW_H_
#define INGOT_TOOLS_INGOT_GRAPH_VIEW_H_

#include <string>
#include <vector>

#include "core/runtime/compiled_graph.h"
#include "tools/ingot/console.h"

namespace ingot::tools {

struct NodeRow {
  ir::NodeId node = 0;
  std::string op;
  std::vector<std::string> outputs;   // "%7: f32[2,3]"
  std::vector<std::string> operands;  // "%5"
  std::string backend;                // "" when none takes it
  int64_t group = -1;
  std::string implementation;     // the backend's word for it; "" when it says none
  std::string layout_in, layout;  // in which it reads and makes tensors; "": row-major, or unsaid
  int64_t fused_into = -1;        // node whose implementation computes this one too
  std::string reason;             // why the first backend did not take it
  std::string source;             // "file.py:12"
};

struct GraphView {
  std::string name, signature, results;
  std::vector<std::string> backends;  // by group: "onednn (oneDNN 3.2.0)"
  std::vector<NodeRow> nodes;
  std::string graph_text, graph_dot;

  std::string ToText() const;
  Json ToJson() const;
  // One self-contained page.
  std::string ToHtml() const;
};

GraphView MakeGraphView(const runtime::CompiledGraph& graph);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_GRAPH_VIEW_H_
