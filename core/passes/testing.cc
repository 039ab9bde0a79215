#include "core/passes/testing.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "core/ir/verifier.h"

namespace ingot::passes {
namespace {

template <typename T>
ir::Constant MakeConstant(ir::DType dtype, ir::Dims dims, std::initializer_list<T> values) {
  auto data = std::make_shared<std::vector<T>>(values);
  ir::Constant constant;
  constant.type = {dtype, std::move(dims)};
  EXPECT_EQ(constant.type.NumElements(), static_cast<int64_t>(values.size()));
  constant.data = data->data();
  constant.digest = ir::Sha256(constant.data, data->size() * sizeof(T));
  constant.owner = std::move(data);
  return constant;
}

ir::Scalar NumberOfType(ir::DType dtype, int64_t number) {
  if (dtype == ir::DType::kBool) return number != 0;
  if (dtype == ir::DType::kInt64) return number;
  return static_cast<double>(number);
}

// Constants and scalars are as many as the inputs, in their order, and of their types.
void CheckInStep(const ir::Recording& recording) {
  size_t constants = 0;
  size_t scalars = 0;
  for (const ir::InputSpec& input : recording.graph.inputs()) {
    const ir::TensorType& type = recording.graph.type(input.value);
    if (input.role == ir::InputRole::kConstant) {
      ++constants;
      ASSERT_LT(input.index, recording.constants.size());
      EXPECT_EQ(recording.constants[input.index].digest, input.digest);
      EXPECT_EQ(recording.constants[input.index].type, type);
    } else if (input.role == ir::InputRole::kScalar) {
      ++scalars;
      ASSERT_LT(input.index, recording.scalars.size());
      EXPECT_EQ(ir::ScalarDType(recording.scalars[input.index].literal), type.dtype);
    }
  }
  EXPECT_EQ(constants, recording.constants.size());
  EXPECT_EQ(scalars, recording.scalars.size());
}

}  // namespace

ir::Constant Floats(ir::Dims dims, std::initializer_list<float> values) {
  return MakeConstant(ir::DType::kFloat32, std::move(dims), values);
}
ir::Constant Doubles(ir::Dims dims, std::initializer_list<double> values) {
  return MakeConstant(ir::DType::kFloat64, std::move(dims), values);
}
ir::Constant Int64s(ir::Dims dims, std::initializer_list<int64_t> values) {
  return MakeConstant(ir::DType::kInt64, std::move(dims), values);
}

ir::Recording MakeRecording(absl::string_view body, std::vector<ir::Constant> constants) {
  std::string text = absl::StrCat("graph \"test\" {\n", body, "\n}\n");
  for (size_t i = 0; i < constants.size(); ++i) {
    absl::StrReplaceAll({{absl::StrCat("$", i), constants[i].digest.ToHex()}}, &text);
  }
  absl::StatusOr<ir::Graph> graph = ir::ParseGraph(text);
  EXPECT_THAT(graph, IsOk()) << text;
  ir::Recording recording;
  if (!graph.ok()) return recording;
  EXPECT_THAT(ir::Verify(*graph), IsOk()) << text;
  recording.graph = *std::move(graph);
  recording.constants = std::move(constants);
  for (const ir::InputSpec& input : recording.graph.inputs()) {
    if (input.role != ir::InputRole::kScalar) continue;
    ir::ScalarBinding binding;
    binding.literal = NumberOfType(recording.graph.type(input.value).dtype,
                                   static_cast<int64_t>(recording.scalars.size()));
    recording.scalars.push_back(binding);
  }
  CheckInStep(recording);
  return recording;
}

bool Change(absl::StatusOr<bool> (*pass)(ir::Recording&), ir::Recording& recording) {
  const absl::StatusOr<bool> changed = pass(recording);
  EXPECT_THAT(changed, IsOk());
  EXPECT_THAT(ir::Verify(recording.graph), IsOk()) << ir::PrintGraph(recording.graph);
  CheckInStep(recording);
  ir::Renumber(recording.graph);
  return changed.ok() && *changed;
}

std::string Nodes(const ir::Recording& recording) {
  std::string out;
  const std::string text = ir::PrintGraph(recording.graph);
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripPrefix(line, "  ");
    // A node has an op and arguments.
    const size_t equals = line.find("= ");
    if (equals == absl::string_view::npos || line.find('(') == absl::string_view::npos) continue;
    if (line.substr(equals).find("::") == absl::string_view::npos) continue;
    const size_t colon = line.find(" :");
    const absl::string_view names = colon < equals ? line.substr(0, colon + 1) : "";
    absl::StrAppend(&out, names, line.substr(equals), "\n");
  }
  return out;
}

}  // namespace ingot::passes
