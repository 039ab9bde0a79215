#include "tools/ingot/step_profile.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "tools/ingot/plan.h"
#include "tools/ingot/statistics.h"

namespace ingot::tools {
namespace {

bool IsLoss(absl::string_view implementation) {
  return absl::StartsWith(implementation, "ref") || absl::StartsWith(implementation, "gemm") ||
         absl::StrContains(implementation, ":ref");
}

double PerNanosecond(double amount, double microseconds) {
  return microseconds > 0 ? amount / (microseconds * 1000) : 0;
}

// Of a node's steps the last computes it, and those before bring operands into place; unless others
// take much longer: layers of a recurrent node, say, whose last step puts results together. Then
// all long ones share the work by their times.
void ShareOut(const Work& work, absl::Span<StepRow> steps) {
  constexpr double kShort = 0.25;  // of the longest
  double longest = 0, sum = 0;
  for (const StepRow& step : steps) longest = std::max(longest, step.median);
  if (steps.back().median >= kShort * longest) {
    steps.back().work = work;
    return;
  }
  const auto computes = [&](const StepRow& step) { return step.median >= kShort * longest; };
  for (const StepRow& step : steps) sum += computes(step) ? step.median : 0;
  for (StepRow& step : steps) {
    if (!computes(step)) continue;
    step.work.flops = work.flops * step.median / sum;
    step.work.bytes = work.bytes * step.median / sum;
  }
}

}  // namespace

StepProfile::StepProfile(const runtime::CompiledGraph& graph) : graph_(graph) {
  bool complete = true;  // else nobody knows which of the events are whose
  for (const runtime::GroupReport& group : graph.groups()) {
    const std::vector<PlannedStep> steps = ReadPlan(group);
    complete = complete && !steps.empty();
    for (int64_t run = 0; !steps.empty() && run < steps[0].times; ++run) {
      for (size_t i = 0; i < steps.size(); ++i) row_of_.push_back(plan_.size() + i);
    }
    plan_.insert(plan_.end(), steps.begin(), steps.end());
  }
  if (!complete) row_of_.clear();
  planned_rows_ = complete ? plan_.size() : 0;
}

void StepProfile::Add(const runtime::TraceEvent& event) {
  const size_t position = position_++;
  const size_t place =
      position < row_of_.size() ? row_of_[position] : position - row_of_.size() + planned_rows_;
  if (place == rows_.size()) {
    StepRow row;
    row.node = event.node;
    row.implementation = std::string(event.name);
    rows_.push_back(std::move(row));
  }
  StepRow& row = rows_[place];
  row.begin_ns = event.begin_ns;
  row.last = static_cast<double>(event.end_ns - event.begin_ns) / 1000;
  if (row.times.size() < calls_) row.times.push_back(0);
  row.times.back() += row.last;
}

std::vector<StepRow> StepProfile::Steps() const {
  const ir::Graph& graph = graph_.graph();
  std::vector<StepRow> rows = rows_;
  size_t first = 0;  // of the node's steps
  for (size_t i = 0; i < rows.size(); ++i) {
    StepRow& row = rows[i];
    const ir::Node& node = graph.node(row.node);
    row.op = node.op;
    row.source = node.source;
    row.median = Percentile(row.times, 50);
    row.loss = IsLoss(row.implementation);
    for (const ir::ValueId value : node.outputs) {
      if (value != ir::kNoValue && row.output.empty()) row.output = ir::ToString(graph.type(value));
    }
    std::vector<ir::NodeId> nodes = {row.node};
    if (i < plan_.size() && plan_[i].nodes[0] == row.node) {
      row.layout_in = plan_[i].layout_in;
      row.layout = plan_[i].layout;
      nodes = plan_[i].nodes;
    }
    if (i + 1 < rows.size() && rows[i + 1].node == row.node) continue;
    ShareOut(WorkOf(graph, nodes), absl::MakeSpan(rows).subspan(first, i + 1 - first));
    first = i + 1;
  }
  return rows;
}

Json StepProfile::ToJson() const {
  const std::vector<StepRow> steps = Steps();
  double total = 0;
  for (const StepRow& row : steps) total += row.median;
  Json rows = Json::array();
  for (const StepRow& row : steps) {
    rows.push_back({{"node", row.node},
                    {"op", row.op},
                    {"impl", row.implementation},
                    {"layout_in", row.layout_in},
                    {"layout", row.layout},
                    {"output", row.output},
                    {"us", Rounded(row.median)},
                    {"share", Rounded(total > 0 ? row.median / total : 0, 4)},
                    {"gflops", Rounded(PerNanosecond(row.work.flops, row.median), 1)},
                    {"gbs", Rounded(PerNanosecond(row.work.bytes, row.median), 1)},
                    {"source", row.source},
                    {"loss", row.loss}});
  }
  return {{"steps", rows}, {"total_us", Rounded(total)}};
}

Json StepProfile::ToTrace() const {
  Json events = Json::array();
  const std::vector<StepRow> steps = Steps();
  for (const StepRow& row : steps) {
    events.push_back({{"name", row.op},
                      {"cat", row.implementation},
                      {"ph", "X"},
                      {"ts", Rounded(static_cast<double>(row.begin_ns - steps[0].begin_ns) / 1000)},
                      {"dur", Rounded(row.last)},
                      {"pid", 0},
                      {"tid", 0},
                      {"args",
                       {{"node", row.node},
                        {"output", row.output},
                        {"layout_in", row.layout_in},
                        {"layout", row.layout},
                        {"source", row.source}}}});
  }
  return {{"displayTimeUnit", "ns"}, {"traceEvents", events}};
}

std::string StepProfile::ToText(size_t top) const {
  std::vector<StepRow> steps = Steps();
  struct Sum {
    double microseconds = 0, flops = 0, bytes = 0;
    int steps = 0;
  };
  std::map<std::string, Sum> by_implementation;
  double total = 0;
  size_t losses = 0;
  for (const StepRow& row : steps) {
    total += row.median;
    losses += row.loss;
    Sum& sum = by_implementation[absl::StrCat(row.op, ", ", row.implementation)];
    sum.microseconds += row.median;
    sum.flops += row.work.flops;
    sum.bytes += row.work.bytes;
    ++sum.steps;
  }
  const double whole = std::max(total, 1e-9);
  const size_t count = top == 0 ? steps.size() : std::min(top, steps.size());
  std::stable_sort(steps.begin(), steps.end(),
                   [](const StepRow& a, const StepRow& b) { return a.median > b.median; });
  std::string text =
      absl::StrFormat("%d steps, %.1f us; the slowest %d:\n", steps.size(), total, count);
  absl::StrAppendFormat(&text, "%10s %6s %8s %7s  %-5s %s\n", "us", "share", "GFLOP/s", "GB/s",
                        "node", "op, implementation, output, layout in -> out, source");
  for (size_t i = 0; i < count; ++i) {
    const StepRow& row = steps[i];
    std::vector<std::string> words = {row.op, row.implementation, row.output};
    for (std::string word : {DescribeLayouts(row.layout_in, row.layout), row.source}) {
      if (!word.empty()) words.push_back(std::move(word));
    }
    absl::StrAppendFormat(&text, "%10.1f %5.1f%% %8.1f %7.1f  %-5d %s%s\n", row.median,
                          100 * row.median / whole, PerNanosecond(row.work.flops, row.median),
                          PerNanosecond(row.work.bytes, row.median), row.node,
                          absl::StrJoin(words, ", "), row.loss ? "  (loss)" : "");
  }
  std::vector<std::pair<std::string, Sum>> sums(by_implementation.begin(), by_implementation.end());
  std::stable_sort(sums.begin(), sums.end(), [](const auto& a, const auto& b) {
    return a.second.microseconds > b.second.microseconds;
  });
  absl::StrAppendFormat(&text, "\nby implementation:\n%10s %6s %8s %7s  %-5s %s\n", "us", "share",
                        "GFLOP/s", "GB/s", "steps", "op, implementation");
  for (const auto& [name, sum] : sums) {
    absl::StrAppendFormat(&text, "%10.1f %5.1f%% %8.1f %7.1f  %-5d %s\n", sum.microseconds,
                          100 * sum.microseconds / whole,
                          PerNanosecond(sum.flops, sum.microseconds),
                          PerNanosecond(sum.bytes, sum.microseconds), sum.steps, name);
  }
  absl::StrAppendFormat(&text, "\nlosses (ref and gemm implementations): %d\n", losses);
  return text;
}

}  // namespace ingot::tools
