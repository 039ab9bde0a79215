#include "frontends/torchscript/source_position.h"

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ingot::torchscript {
namespace {

struct Position {
  std::string file;
  size_t line = 0;
};

Position Locate(const torch::jit::SourceRange& range) {
  const auto original = range.findSourceRangeThatGenerated();
  for (const torch::jit::SourceRange* candidate : {original ? &*original : nullptr, &range}) {
    if (candidate == nullptr) continue;
    const auto location = candidate->file_line_col();
    if (location && !std::get<0>(*location).empty())
      return {std::get<0>(*location), std::get<1>(*location)};
  }
  return {};
}

bool IsPyTorch(absl::string_view file) {
  return absl::StrContains(file, "/torch/nn/") || absl::StrContains(file, "/torch/functional.py") ||
         absl::StrContains(file, "/torch/_") || absl::StrContains(file, "__torch__/torch/nn/");
}

// Of the Python code that this thread runs, innermost first; empty in programs without Python.
// ingot's own files, which call the model and stand around its calls of LibTorch, don't count.
Position PythonPosition() {
  Position innermost;
  for (const torch::jit::StackEntry& entry : torch::jit::tracer::pythonCallstack()) {
    const Position position = Locate(entry.range);
    if (position.file.empty() || absl::StrContains(position.file, "/ingot/_")) continue;
    if (!IsPyTorch(position.file)) return position;
    if (innermost.file.empty()) innermost = position;
  }
  return innermost;
}

std::string ToText(const Position& position) {
  if (position.file.empty()) return "";
  return absl::StrCat(position.file.substr(position.file.rfind('/') + 1), ":", position.line);
}

}  // namespace

std::string SourcePosition(const torch::jit::SourceRange& range) { return ToText(Locate(range)); }

std::string CurrentSourcePosition() {
  const std::vector<torch::jit::StackEntry> stack = torch::jit::currentCallstack();
  Position innermost;
  for (auto entry = stack.rbegin(); entry != stack.rend(); ++entry) {
    const Position position = Locate(entry->range);
    if (position.file.empty()) continue;
    if (!IsPyTorch(position.file)) return ToText(position);
    if (innermost.file.empty()) innermost = position;
  }
  return ToText(innermost.file.empty() ? PythonPosition() : innermost);
}

}  // namespace ingot::torchscript
