#include "core/ops/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/status_matchers.h"
#include "core/ops/call_text.h"

namespace ingot::ops {
namespace {

using absl::StatusCode;
using absl::string_view;
using ir::DType;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> Lines(const std::string& file) {
  std::ifstream in("core/ops/testdata/" + file);
  EXPECT_TRUE(in.is_open()) << file;
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// One line of testdata/inference.txt; see record_inference.py.
struct Case {
  explicit Case(string_view line) {
    const std::vector<string_view> parts = absl::StrSplit(line, " | ");
    call = ParseCall(parts[0], parts[1]);
    expected = std::string(parts[2]);
  }

  absl::StatusOr<Call> call;
  std::string expected;
};

std::string Describe(const absl::StatusOr<std::vector<ir::TensorType>>& types) {
  if (!types.ok()) return "error";
  return absl::StrJoin(*types, " ", [](std::string* out, const ir::TensorType& type) {
    absl::StrAppend(out, ir::ToString(type));
  });
}

TEST(InferTypesTest, AgreesWithEagerOnEveryRecordedCase) {
  const std::vector<std::string> lines = Lines("inference.txt");
  EXPECT_GT(lines.size(), 5000u);
  int wrong = 0;
  for (const std::string& line : lines) {
    const Case c(line);
    ASSERT_THAT(c.call, IsOk()) << line;
    const auto types = c.call->Infer();
    if (!types.ok() && types.status().code() == StatusCode::kUnimplemented) continue;
    if (Describe(types) == c.expected) continue;
    ADD_FAILURE() << line << "\n  inferred: " << Describe(types) << " " << types.status();
    if (++wrong == 400) FAIL() << "and maybe more";
  }
}

TEST(InferTypesTest, LeavesToOpaqueOpsOnlyWhatIsListedHere) {
  std::set<std::string> unimplemented;
  for (const std::string& line : Lines("inference.txt")) {
    const Case c(line);
    ASSERT_THAT(c.call, IsOk()) << line;
    const auto types = c.call->Infer();
    if (types.ok() || types.status().code() != StatusCode::kUnimplemented) continue;
    if (c.expected == "error") continue;
    unimplemented.insert(std::string(types.status().message()));
  }
  EXPECT_THAT(unimplemented, ElementsAre());
}

TEST(RegistryTest, SchemasAreAtensOwn) {
  const std::vector<std::string> lines = Lines("schemas.txt");
  std::set<std::string> golden(lines.begin(), lines.end()), ours;
  for (const OpDef* def : AllOps()) ours.insert(def->schema_text);
  EXPECT_EQ(ours, golden);
}

TEST(RegistryTest, EveryRecordedSchemaParsesToItsOp) {
  for (const OpDef* def : AllOps()) {
    EXPECT_EQ(FindOp(def->schema.op), def);
    EXPECT_NE(std::string(def->doc), "") << def->schema.op;
    EXPECT_NE(def->infer, nullptr) << def->schema.op;
  }
  EXPECT_EQ(FindOp("aten::no_such_op"), nullptr);
  EXPECT_EQ(FindOp("aten::add"), nullptr);
}

TEST(RegistryTest, OpsAreSortedByName) {
  const auto ops = AllOps();
  EXPECT_TRUE(std::is_sorted(ops.begin(), ops.end(), [](const OpDef* a, const OpDef* b) {
    return a->schema.op < b->schema.op;
  }));
}

TEST(RegistryTest, DataScalarsAreScalarArguments) {
  for (const OpDef* def : AllOps()) {
    for (string_view name : absl::StrSplit(def->data_scalars, ',', absl::SkipEmpty())) {
      const int i = def->schema.Find(name);
      ASSERT_GE(i, 0) << def->schema.op << " " << name;
      EXPECT_EQ(def->schema.args[i].kind, ArgKind::kScalar) << def->schema.op << " " << name;
    }
  }
}

TEST(RegistryTest, EveryOpHasARecordedCase) {
  std::set<std::string> covered;
  for (const std::string& line : Lines("inference.txt")) {
    covered.insert(line.substr(0, line.find(" | ")));
  }
  for (const OpDef* def : AllOps()) EXPECT_EQ(covered.count(def->schema.op), 1u) << def->schema.op;
}

// Calls that no eager oracle covers.
class InferByHandTest : public testing::Test {
 protected:
  absl::StatusOr<std::vector<ir::TensorType>> Infer(string_view op,
                                                    const std::vector<ir::Argument>& args) {
    const OpDef* def = FindOp(op);
    if (def == nullptr) return absl::NotFoundError(op);
    return InferTypes(*def, args,
                      [&](ir::ValueId id) -> const ir::TensorType& { return types_[id]; });
  }

  const std::vector<ir::TensorType> types_ = {
      {DType::kFloat32, {2, 3}},      {DType::kFloat64, {}}, {DType::kInt64, {}},
      {DType::kInt32, {2}},           {DType::kFloat32, {}}, {DType::kBool, {2, 3}},
      {DType::kFloat16, {1, 2, 2, 2}}};
};

TEST_F(InferByHandTest, WhatEagerHasNoKernelForIsRefused) {
  const ir::ValueRef mask{5}, volume{6};
  const std::vector<int64_t> two = {2, 2, 2}, none, zero = {0, 0, 0};
  EXPECT_THAT(Infer("aten::abs", {mask}), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Infer("aten::clamp.Tensor", {mask, mask, mask}),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Infer("aten::clamp.Tensor", {mask, mask, ir::None()}), IsOk());
  EXPECT_THAT(Infer("aten::avg_pool3d", {volume, two, none, zero, false, true, ir::None()}),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(InferByHandTest, ANumberHeldByAValueCountsAsANumber) {
  // i32[2] with a tensor f64[] is f64, with a number f32.
  EXPECT_THAT(Infer("aten::mul.Tensor", {ir::ValueRef{3}, ir::ValueRef{1}}),
              IsOkAndHolds(ElementsAre(ir::TensorType{DType::kFloat64, {2}})));
  EXPECT_THAT(Infer("aten::mul.Scalar", {ir::ValueRef{3}, ir::ValueRef{1}}),
              IsOkAndHolds(ElementsAre(ir::TensorType{DType::kFloat32, {2}})));
}

TEST_F(InferByHandTest, OnlyDataScalarsMayBeHeldByValues) {
  EXPECT_THAT(Infer("aten::leaky_relu", {ir::ValueRef{0}, ir::ValueRef{1}}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("negative_slope")));
  EXPECT_THAT(Infer("aten::mul.Scalar", {ir::ValueRef{0}, ir::ValueRef{3}}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("other")));
}

TEST_F(InferByHandTest, RandomOpsNeedTheSeed) {
  const std::vector<ir::Argument> args = {ir::ValueRef{0}, 0.5, true};
  EXPECT_THAT(Infer("aten::dropout", args), StatusIs(StatusCode::kInvalidArgument));
  std::vector<ir::Argument> with_seed = args;
  with_seed.push_back(ir::ValueRef{2});
  EXPECT_THAT(Infer("aten::dropout", with_seed), IsOkAndHolds(ElementsAre(types_[0])));
  with_seed.back() = ir::ValueRef{1};
  EXPECT_THAT(Infer("aten::dropout", with_seed),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("seed")));
}

TEST_F(InferByHandTest, ResultsThatOverflowAreRefused) {
  const int64_t huge = int64_t{1} << 40;
  EXPECT_THAT(Infer("aten::expand", {ir::ValueRef{4}, std::vector<int64_t>{huge, huge}, false}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("too large")));
  EXPECT_THAT(Infer("aten::repeat", {ir::ValueRef{0}, std::vector<int64_t>{huge, huge}}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("too large")));
}

TEST_F(InferByHandTest, VariantsOutsideTheVocabularyAreUnimplemented) {
  std::vector<ir::Argument> batch_norm = {
      ir::ValueRef{0}, ir::None{}, ir::None{}, ir::None{}, ir::None{}, true, 0.1, 1e-5, false};
  EXPECT_THAT(Infer("aten::batch_norm", batch_norm),
              StatusIs(StatusCode::kUnimplemented, HasSubstr("training")));
  EXPECT_THAT(Infer("aten::scaled_dot_product_attention",
                    {ir::ValueRef{0}, ir::ValueRef{0}, ir::ValueRef{0}, ir::None{}, 0.1, false,
                     ir::None{}, false}),
              StatusIs(StatusCode::kUnimplemented, HasSubstr("dropout_p")));
  EXPECT_THAT(Infer("aten::index.Tensor", {ir::ValueRef{0}, ir::ValueRefList{{5}}}),
              StatusIs(StatusCode::kUnimplemented, HasSubstr("mask")));
}

TEST_F(InferByHandTest, ErrorsNameTheOp) {
  EXPECT_THAT(Infer("aten::mm", {ir::ValueRef{0}, ir::ValueRef{0}}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("aten::mm: ")));
}

}  // namespace
}  // namespace ingot::ops
