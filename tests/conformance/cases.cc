#include "tests/conformance/cases.h"

#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"

namespace ingot::conformance {
namespace {

std::vector<std::string> DTypes(const std::string& list) {
  const std::map<std::string, std::string> kSets = {
      {"real", "b8,u8,i8,i16,i32,i64,f16,bf16,f32,f64"},
      {"number", "u8,i8,i16,i32,i64,f16,bf16,f32,f64"},
      {"int", "u8,i8,i16,i32,i64"},
      {"float", "f16,bf16,f32,f64"}};
  const auto set = kSets.find(list);
  return absl::StrSplit(set == kSets.end() ? list : set->second, ',');
}

// Calls fn(columns) for each line.
template <typename Fn>
absl::Status ForEachLine(const std::string& path, Fn&& fn) {
  std::ifstream in(path);
  if (!in.is_open()) return absl::NotFoundError(absl::StrCat(path, " cannot be read"));
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> columns = absl::StrSplit(line, " | ");
    if (columns.size() != 3) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": expected three columns: ", line));
    }
    fn(columns);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AddTable(const std::string& path, CasesByOp& cases) {
  return ForEachLine(path, [&](const std::vector<std::string>& columns) {
    for (const std::string& dtype : DTypes(columns[1])) {
      cases[columns[0]].push_back({absl::StrReplaceAll(columns[2], {{"$", dtype}}), false});
    }
  });
}

absl::Status AddRecorded(const std::string& path, CasesByOp& cases) {
  return ForEachLine(path, [&](const std::vector<std::string>& columns) {
    if (columns[2] != "error") cases[columns[0]].push_back({columns[1], true});
  });
}

}  // namespace ingot::conformance
