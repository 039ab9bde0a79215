#include "tests/exhaustive/calls.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/ops/registry.h"

namespace ingot::exhaustive {
namespace {

using ir::Argument;
using ir::DType;
using ir::None;

std::string TestName(absl::string_view op, absl::string_view suffix) {
  std::string name(op);
  if (!suffix.empty()) absl::StrAppend(&name, "_", suffix);
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name.substr(std::string("aten::").size());
}

// One tensor, and a default for everything else.
bool IsFunctionOfOneTensor(const ops::OpDef& def) {
  if (!def.Is(ops::kPointwise) || def.Is(ops::kRandom) || def.schema.args.empty()) return false;
  if (def.schema.args[0].kind != ops::ArgKind::kTensor) return false;
  return std::all_of(def.schema.args.begin() + 1, def.schema.args.end(),
                     [](const ops::SchemaArg& arg) { return arg.default_value.has_value(); });
}

struct Row {
  const char* op;
  const char* suffix;
  std::vector<Argument> rest;
};

std::vector<Row> CallsWithNumbers() {
  return {
      {"aten::gelu", "tanh", {std::string("tanh")}},
      {"aten::elu", "numbers", {1.5, 1.25, 0.75}},
      {"aten::leaky_relu", "negative", {-0.5}},
      {"aten::softplus", "numbers", {2.0, 10.0}},
      {"aten::threshold", "half", {0.5, -1.5}},
      {"aten::clamp", "both", {-1.5, 2.5}},
      {"aten::clamp_min", "zero", {0.0}},
      {"aten::clamp_max", "one", {1.0}},
      {"aten::pow.Tensor_Scalar", "square", {int64_t{2}}},
      {"aten::pow.Tensor_Scalar", "cube", {3.0}},
      {"aten::pow.Tensor_Scalar", "root", {0.5}},
      {"aten::pow.Tensor_Scalar", "inverse", {-1.0}},
      {"aten::pow.Tensor_Scalar", "inverse_root", {-0.5}},
      {"aten::add.Scalar", "number", {0.3, int64_t{1}}},
      {"aten::add.Scalar", "alpha", {0.3, 1.7}},
      {"aten::sub.Scalar", "number", {0.3, int64_t{1}}},
      {"aten::sub.Scalar", "alpha", {0.3, 1.7}},
      {"aten::rsub.Scalar", "number", {0.3, int64_t{1}}},
      {"aten::rsub.Scalar", "alpha", {0.3, 1.7}},
      {"aten::mul.Scalar", "number", {0.3}},
      {"aten::div.Scalar", "number", {3.0}},
      {"aten::fmod.Scalar", "number", {1.5}},
      {"aten::remainder.Scalar", "number", {1.5}},
      {"aten::floor_divide.Scalar", "number", {1.5}},
      {"aten::eq.Scalar", "zero", {int64_t{0}}},
      {"aten::ne.Scalar", "zero", {int64_t{0}}},
      {"aten::lt.Scalar", "number", {0.3}},
      {"aten::le.Scalar", "number", {0.3}},
      {"aten::gt.Scalar", "number", {0.3}},
      {"aten::ge.Scalar", "number", {0.3}},
      {"aten::_to_copy", "f32", {DType::kFloat32}},
      {"aten::_to_copy", "f64", {DType::kFloat64}},
      {"aten::_to_copy", "f16", {DType::kFloat16}},
      {"aten::_to_copy", "bf16", {DType::kBFloat16}},
      {"aten::_to_copy", "b8", {DType::kBool}},
  };
}

}  // namespace

std::vector<Call> AllCalls() {
  std::vector<Call> calls;
  for (const ops::OpDef* def : ops::AllOps()) {
    if (IsFunctionOfOneTensor(*def)) {
      calls.push_back({TestName(def->schema.op, ""), def->schema.op, {}});
    }
  }
  for (Row& row : CallsWithNumbers()) {
    calls.push_back({TestName(row.op, row.suffix), row.op, std::move(row.rest)});
  }
  std::sort(calls.begin(), calls.end(),
            [](const Call& a, const Call& b) { return a.name < b.name; });
  return calls;
}

}  // namespace ingot::exhaustive
