#include "tests/fuzz/graphs/case.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/ir/text.h"
#include "tests/fuzz/graphs/floats.h"
#include "tests/fuzz/graphs/rng.h"

namespace ingot::fuzz {
namespace {

using Kind = Domain::Kind;

constexpr std::pair<Kind, const char*> kKinds[] = {{Kind::kGrid, "grid"},
                                                   {Kind::kSmooth, "smooth"},
                                                   {Kind::kDistinct, "distinct"},
                                                   {Kind::kSpecial, "special"}};

std::string DomainText(const Domain& domain) {
  const auto entry = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const auto& e) { return e.first == domain.kind; });
  return absl::StrCat(entry->second, " ", domain.low, " ", domain.high);
}

std::string PlacementText(const Placement& placement) {
  std::string text;
  if (placement.view_of >= 0) {
    absl::StrAppend(&text, " of=", placement.view_of, " offset=", placement.offset);
  }
  if (!placement.strides.empty()) {
    absl::StrAppend(&text, " strides=", absl::StrJoin(placement.strides, ","));
  }
  return text;
}

std::string ScalarText(const ir::Scalar& scalar) {
  if (const bool* b = std::get_if<bool>(&scalar)) return *b ? "true" : "false";
  if (const int64_t* i = std::get_if<int64_t>(&scalar)) return absl::StrCat(*i);
  return absl::StrCat("float ", std::get<double>(scalar));
}

absl::Status Malformed(absl::string_view line) {
  return absl::InvalidArgumentError(absl::StrCat("no line of a case: #!", line));
}

absl::Status ParsePlacement(absl::Span<const std::string> words, Placement& placement) {
  for (const std::string& word : words) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
    const auto& [name, value] = parts;
    int64_t number = 0;
    if (name == "strides") {
      for (absl::string_view stride : absl::StrSplit(value, ',')) {
        if (!absl::SimpleAtoi(stride, &number)) return Malformed(word);
        placement.strides.push_back(number);
      }
    } else if (!absl::SimpleAtoi(value, &number)) {
      return Malformed(word);
    } else if (name == "of") {
      placement.view_of = static_cast<int>(number);
    } else if (name == "offset") {
      placement.offset = number;
    } else {
      return Malformed(word);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ir::Scalar> ParseScalar(const std::vector<std::string>& words) {
  double real = 0;
  int64_t integer = 0;
  if (words.size() == 4 && words[2] == "float" && absl::SimpleAtod(words[3], &real)) return real;
  if (words.size() == 3 && words[2] == "true") return true;
  if (words.size() == 3 && words[2] == "false") return false;
  if (words.size() == 3 && absl::SimpleAtoi(words[2], &integer)) return integer;
  return Malformed(absl::StrJoin(words, " "));
}

// Lines come in order of index, so each appends.
absl::Status ParseInput(const std::vector<std::string>& words, Case& c) {
  if (words.size() >= 3 && words[0] == "scalar") {
    INGOT_ASSIGN_OR_RETURN(ir::Scalar scalar, ParseScalar(words));
    c.scalars.push_back(scalar);
    return absl::OkStatus();
  }
  Domain domain;
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& entry) {
    return words.size() >= 5 && words[2] == entry.second;
  });
  if (kind == std::end(kKinds) || !absl::SimpleAtod(words[3], &domain.low) ||
      !absl::SimpleAtod(words[4], &domain.high)) {
    return Malformed(absl::StrJoin(words, " "));
  }
  domain.kind = kind->first;
  if (words[0] == "constant") {
    c.constants.push_back(domain);
  } else if (words[0] == "state") {
    c.states.push_back(domain);
  } else if (words[0] == "argument") {
    c.arguments.push_back(domain);
    return ParsePlacement(absl::MakeConstSpan(words).subspan(5), c.placements.emplace_back());
  } else {
    return Malformed(absl::StrJoin(words, " "));
  }
  return absl::OkStatus();
}

absl::Status ParseHeader(absl::string_view line, Case& c) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (words.size() == 1 && (words[0] == "program" || words[0] == "graph")) {
    c.is_program = words[0] == "program";
    return absl::OkStatus();
  }
  if (words.size() == 2 && words[0] == "seed" && absl::SimpleAtoi(words[1], &c.seed)) {
    return absl::OkStatus();
  }
  return ParseInput(words, c);
}

absl::Status CheckCount(const char* role, size_t lines, size_t inputs) {
  if (lines == inputs) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(lines, " lines for ", inputs, " inputs: ", role, "s"));
}

double GridValue(const Domain& domain, Rng& rng) {
  const int64_t low = static_cast<int64_t>(std::ceil(domain.low * 8));
  const int64_t high = static_cast<int64_t>(std::floor(domain.high * 8));
  return static_cast<double>(rng.Int(low, std::max(low, high))) / 8;
}

double FloatValue(const Domain& domain, Rng& rng) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const double specials[] = {std::nan(""), kInf, -kInf, 0.0, -0.0};
  if (domain.kind == Kind::kSpecial && rng.OneIn(3)) return rng.Pick(specials);
  if (domain.kind != Kind::kSmooth) return GridValue(domain, rng);
  return domain.low + (domain.high - domain.low) * rng.Unit();
}

void FillDistinct(const runtime::HostTensor& tensor, Rng& rng) {
  std::vector<int64_t> order(tensor.type().NumElements());
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[rng.Int(0, static_cast<int64_t>(i) - 1)]);
  }
  const bool is_float = ir::IsFloating(tensor.type().dtype);
  const int64_t middle =
      tensor.type().dtype == ir::DType::kUInt8 ? 0 : static_cast<int64_t>(order.size()) / 2;
  for (size_t i = 0; i < order.size(); ++i) {
    const int64_t value = order[i] - middle;
    if (is_float) {
      StoreFloat(tensor, i, static_cast<double>(value) / 8);
    } else {
      StoreInt(tensor, i, value);
    }
  }
}

void Fill(const runtime::HostTensor& tensor, const Domain& domain, Rng& rng) {
  if (domain.kind == Kind::kDistinct) return FillDistinct(tensor, rng);
  const ir::DType dtype = tensor.type().dtype;
  const bool is_bool = dtype == ir::DType::kBool;
  const int64_t low = is_bool ? 0 : static_cast<int64_t>(std::ceil(domain.low));
  const int64_t high = is_bool ? 1 : static_cast<int64_t>(std::floor(domain.high));
  for (int64_t i = 0; i < tensor.type().NumElements(); ++i) {
    if (ir::IsFloating(dtype)) {
      StoreFloat(tensor, i, FloatValue(domain, rng));
    } else {
      StoreInt(tensor, i, rng.Int(low, std::max(low, high)));
    }
  }
}

absl::StatusOr<ir::Constant> ToConstant(const Case& c, ir::InputRole role, uint32_t index) {
  INGOT_ASSIGN_OR_RETURN(runtime::HostTensor contents, Contents(c, role, index, 0));
  auto owner = std::make_shared<runtime::HostTensor>(std::move(contents));
  ir::Constant constant;
  constant.type = owner->type();
  constant.data = owner->data<char>();
  constant.digest = ir::Sha256(constant.data, static_cast<size_t>(constant.type.NumBytes()));
  constant.owner = owner;
  return constant;
}

}  // namespace

std::vector<ir::ValueId> Inputs(const ir::Graph& graph, ir::InputRole role) {
  std::vector<ir::ValueId> values;
  for (const ir::InputSpec& input : graph.inputs()) {
    if (input.role != role) continue;
    values.resize(std::max<size_t>(values.size(), input.index + 1), ir::kNoValue);
    values[input.index] = input.value;
  }
  return values;
}

std::string Print(const Case& c) {
  std::string text =
      absl::StrCat(c.is_program ? "#! program\n" : "#! graph\n", "#! seed ", c.seed, "\n");
  for (size_t i = 0; i < c.arguments.size(); ++i) {
    absl::StrAppend(&text, "#! argument ", i, " ", DomainText(c.arguments[i]),
                    PlacementText(c.placements[i]), "\n");
  }
  for (size_t i = 0; i < c.constants.size(); ++i) {
    absl::StrAppend(&text, "#! constant ", i, " ", DomainText(c.constants[i]), "\n");
  }
  for (size_t i = 0; i < c.states.size(); ++i) {
    absl::StrAppend(&text, "#! state ", i, " ", DomainText(c.states[i]), "\n");
  }
  for (size_t i = 0; i < c.scalars.size(); ++i) {
    absl::StrAppend(&text, "#! scalar ", i, " ", ScalarText(c.scalars[i]), "\n");
  }
  return absl::StrCat(text, ir::PrintGraph(c.graph));
}

absl::StatusOr<Case> Parse(absl::string_view text) {
  Case c;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, "#!")) INGOT_RETURN_IF_ERROR(ParseHeader(line, c));
  }
  INGOT_ASSIGN_OR_RETURN(c.graph, ir::ParseGraph(text));
  using Role = ir::InputRole;
  const auto count = [&](Role role) { return Inputs(c.graph, role).size(); };
  INGOT_RETURN_IF_ERROR(CheckCount("argument", c.arguments.size(), count(Role::kArgument)));
  INGOT_RETURN_IF_ERROR(CheckCount("constant", c.constants.size(), count(Role::kConstant)));
  INGOT_RETURN_IF_ERROR(CheckCount("state", c.states.size(), count(Role::kState)));
  INGOT_RETURN_IF_ERROR(CheckCount("scalar", c.scalars.size(), count(Role::kScalar)));
  INGOT_RETURN_IF_ERROR(SetDigests(c));
  return c;
}

absl::StatusOr<runtime::HostTensor> Contents(const Case& c, ir::InputRole role, uint32_t index,
                                             int call) {
  const bool is_argument = role == ir::InputRole::kArgument;
  const std::vector<Domain>& domains = is_argument                        ? c.arguments
                                       : role == ir::InputRole::kConstant ? c.constants
                                                                          : c.states;
  INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor,
                         runtime::HostTensor::Create(c.graph.type(Inputs(c.graph, role)[index])));
  Rng rng(c.seed * 1000003 + static_cast<uint64_t>(role) * 7919 + index * 131 +
          static_cast<uint64_t>(is_argument ? call : 0) * 524287);
  Fill(tensor, domains[index], rng);
  return tensor;
}

absl::Status SetDigests(Case& c) {
  for (ir::InputSpec& input : c.graph.mutable_inputs()) {
    if (input.role != ir::InputRole::kConstant) continue;
    INGOT_ASSIGN_OR_RETURN(const ir::Constant constant, ToConstant(c, input.role, input.index));
    input.digest = constant.digest;
  }
  return absl::OkStatus();
}

absl::StatusOr<ir::Recording> ToRecording(const Case& c) {
  ir::Recording recording;
  recording.graph = c.graph;
  for (uint32_t i = 0; i < c.constants.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(recording.constants.emplace_back(),
                           ToConstant(c, ir::InputRole::kConstant, i));
  }
  for (uint32_t i = 0; i < c.states.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(recording.initial_state.emplace_back(),
                           ToConstant(c, ir::InputRole::kState, i));
  }
  for (const ir::Scalar& scalar : c.scalars) {
    recording.scalars.push_back({.is_argument = false, .argument = 0, .literal = scalar});
  }
  return recording;
}

}  // namespace ingot::fuzz
