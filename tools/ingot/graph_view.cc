#include "tools/ingot/graph_view.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/ir/text.h"
#include "tools/ingot/plan.h"

namespace ingot::tools {
namespace {

void ApplyPlan(const runtime::GroupReport& group, std::vector<NodeRow>& rows) {
  for (const PlannedStep& step : ReadPlan(group)) {
    NodeRow& row = rows[step.nodes[0]];
    // Of several steps the first reads what the node does, and the last makes what it makes.
    if (row.implementation.empty()) row.layout_in = step.layout_in;
    row.layout = step.layout;
    if (!step.implementation.empty()) row.implementation = step.implementation;
    for (const ir::NodeId fused : step.nodes) {
      if (fused != row.node) rows[fused].fused_into = row.node;
    }
  }
}

std::string Where(const NodeRow& row) {
  if (row.backend.empty()) return "no backend";
  if (row.fused_into >= 0) return absl::StrCat(row.backend, ", part of node ", row.fused_into);
  if (row.implementation.empty()) return row.backend;
  const std::string layouts = DescribeLayouts(row.layout_in, row.layout);
  return absl::StrCat(row.backend, ", ", row.implementation, layouts.empty() ? "" : ", ", layouts);
}

std::string EscapeHtml(absl::string_view text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

constexpr absl::string_view kPageHead =
    "<meta charset=\"utf-8\"><style>body{font:14px sans-serif;margin:2em}"
    "table{border-collapse:collapse}td,th{padding:2px 10px;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #ddd}td{font-family:monospace}tr.fallback{background:#fdd}"
    "pre{background:#f6f6f6;padding:1em;overflow:auto}</style>";

}  // namespace

GraphView MakeGraphView(const runtime::CompiledGraph& graph) {
  const ir::Graph& g = graph.graph();
  GraphView view;
  view.name = g.name();
  view.signature = ir::ToString(graph.signature());
  view.results = ir::ToString(graph.result_structure());
  view.graph_text = ir::PrintGraph(g);
  view.graph_dot = ir::PrintDot(g);
  for (ir::NodeId n = 0; n < g.nodes().size(); ++n) {
    const ir::Node& node = g.node(n);
    NodeRow row;
    row.node = n;
    row.op = node.op;
    row.source = node.source;
    for (const ir::ValueId value : node.outputs) {
      if (value != ir::kNoValue) {
        row.outputs.push_back(absl::StrCat("%", value, ": ", ir::ToString(g.type(value))));
      }
    }
    ir::ForEachOperand(
        node, [&](ir::ValueId value) { row.operands.push_back(absl::StrCat("%", value)); });
    view.nodes.push_back(std::move(row));
  }
  for (size_t i = 0; i < graph.groups().size(); ++i) {
    const runtime::GroupReport& group = graph.groups()[i];
    view.backends.push_back(group.library_version.empty()
                                ? group.backend
                                : absl::StrCat(group.backend, " (", group.library_version, ")"));
    for (const ir::NodeId n : group.nodes) {
      view.nodes[n].backend = group.backend;
      view.nodes[n].group = static_cast<int64_t>(i);
    }
    ApplyPlan(group, view.nodes);
  }
  for (const plugin::Fallback& fallback : graph.fallbacks()) {
    view.nodes[fallback.node].reason = fallback.reason;
  }
  return view;
}

std::string GraphView::ToText() const {
  std::string text =
      absl::StrCat(graph_text, "\narguments ", signature, "\nresults ", results, "\n");
  for (size_t i = 0; i < backends.size(); ++i) {
    absl::StrAppend(&text, "group ", i, ": ", backends[i], "\n");
  }
  for (const NodeRow& row : nodes) {
    absl::StrAppendFormat(&text, "node %d: %s, group %d: %s", row.node, row.op, row.group,
                          Where(row));
    if (!row.reason.empty()) absl::StrAppend(&text, "; fallback: ", row.reason);
    text += '\n';
  }
  return text;
}

Json GraphView::ToJson() const {
  Json rows = Json::array();
  for (const NodeRow& row : nodes) {
    Json json = {{"node", row.node},
                 {"op", row.op},
                 {"outputs", row.outputs},
                 {"operands", row.operands},
                 {"backend", row.backend},
                 {"group", row.group},
                 {"implementation", row.implementation},
                 {"layout_in", row.layout_in},
                 {"layout", row.layout},
                 {"source", row.source}};
    if (row.fused_into >= 0) json["fused_into"] = row.fused_into;
    if (!row.reason.empty()) json["fallback_reason"] = row.reason;
    rows.push_back(std::move(json));
  }
  return {{"name", name},       {"arguments", signature}, {"results", results},
          {"groups", backends}, {"nodes", rows},          {"graph", graph_text}};
}

std::string GraphView::ToHtml() const {
  std::string page =
      absl::StrCat("<!doctype html>", kPageHead, "<title>", EscapeHtml(name), "</title><h1>",
                   EscapeHtml(name), "</h1><p>arguments <code>", EscapeHtml(signature),
                   "</code>, results <code>", EscapeHtml(results),
                   "</code></p><table><tr><th>node<th>op<th>operands<th>outputs<th>group"
                   "<th>runs as<th>fallback<th>source</tr>\n");
  for (const NodeRow& row : nodes) {
    absl::StrAppend(&page, row.reason.empty() ? "<tr>" : "<tr class=\"fallback\">");
    for (const std::string& cell :
         {absl::StrCat(row.node), row.op, absl::StrJoin(row.operands, " "),
          absl::StrJoin(row.outputs, " "), absl::StrCat(row.group), Where(row), row.reason,
          row.source}) {
      absl::StrAppend(&page, "<td>", EscapeHtml(cell));
    }
    page += "</tr>\n";
  }
  return absl::StrCat(page, "</table><h2>Graph</h2><pre>", EscapeHtml(graph_text), "</pre>\n");
}

}  // namespace ingot::tools
