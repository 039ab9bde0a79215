// The frontend as a host sees it: opened at run time, through its one export.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/base/status_matchers.h"
#include "core/ir/recording_verifier.h"
#include "core/plugin/abi/ingot_frontend.h"
#include "core/plugin/abi_util.h"
#include "core/plugin/shared_object.h"
#include "core/plugin/tensor.h"

namespace ingot::torchscript {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kLibrary[] = "frontends/torchscript/libingot_frontend_torchscript.so";

ingot_frontend_query_fn Query() {
  static const auto object = plugin::SharedObject::Open(kLibrary);
  EXPECT_THAT(object, IsOk());
  return object->Function<ingot_frontend_query_fn>(INGOT_FRONTEND_QUERY_SYMBOL).value();
}

const ingot_frontend_api& Api() {
  static const ingot_frontend_api* api = Query()(INGOT_FRONTEND_ABI_VERSION, nullptr);
  return *api;
}

// A 2x3 float32 argument.
struct Argument {
  std::vector<float> data;
  std::vector<int64_t> sizes = {2, 3};
  std::vector<int64_t> strides = {3, 1};

  ingot_tensor view() {
    return plugin::MakeTensor(data.data(), ir::DType::kFloat32, sizes, strides);
  }
};

absl::StatusOr<std::shared_ptr<ingot_module>> Open(const std::string& path) {
  plugin::ErrorText error;
  ingot_module* module = nullptr;
  const absl::Status status =
      error.ToStatus(Api().open_file(path.c_str(), &module, error.buffer()), "open");
  if (!status.ok()) return status;
  return std::shared_ptr<ingot_module>(module, Api().close);
}

TEST(LibraryTest, RefusesAHostOfAnotherVersion) {
  plugin::ErrorText error;
  EXPECT_EQ(Query()(INGOT_FRONTEND_ABI_VERSION + 1, error.buffer()), nullptr);
  EXPECT_THAT(error.text(), HasSubstr("of one build"));
}

TEST(LibraryTest, NamesItsLibrary) {
  EXPECT_THAT(Api().library_version, StartsWith("LibTorch 2.13"));
}

TEST(LibraryTest, RecordsIntoAHeaderAndConstants) {
  const auto module = Open("tools/models/lazy/inplace_update.pt");
  ASSERT_THAT(module, IsOk());
  Argument a{{1, 2, 3, 4, 5, 6}}, b{{6, 5, 4, 3, 2, 1}};
  const ingot_tensor args[] = {a.view(), b.view()};
  plugin::ErrorText error;
  ingot_recording* recording = nullptr;
  ASSERT_THAT(
      error.ToStatus(Api().record(module->get(), args, 2, &recording, error.buffer()), "record"),
      IsOk());
  EXPECT_EQ(a.data, std::vector<float>({1, 2, 3, 4, 5, 6}));
  const ingot_bytes header = Api().recording_header(recording);
  std::vector<artifact::WeightBytes> weights;
  for (size_t i = 0; i < Api().recording_constant_count(recording); ++i) {
    const ingot_constant constant = Api().recording_constant(recording, i);
    weights.push_back({constant.data, constant.size, nullptr});
  }
  const auto parsed =
      artifact::ParseHeader({static_cast<const char*>(header.data), header.size}, weights);
  ASSERT_THAT(parsed, IsOk());
  EXPECT_THAT(ir::VerifyRecording(parsed->recording), IsOk());
  EXPECT_EQ(parsed->recording.graph.nodes().size(), 3u);
  Api().release_recording(recording);
}

class OracleTest : public testing::TestWithParam<int32_t> {};

TEST_P(OracleTest, RunsTheModelOnClones) {
  const auto module = Open("tools/models/lazy/inplace_update.pt");
  ASSERT_THAT(module, IsOk());
  plugin::ErrorText error;
  ingot_oracle* oracle = nullptr;
  ASSERT_THAT(
      error.ToStatus(Api().create_oracle(module->get(), GetParam(), &oracle, error.buffer()),
                     "oracle"),
      IsOk());
  Argument a{{1, 2, 3, 4, 5, 6}}, b{{6, 5, 4, 3, 2, 1}};
  const ingot_tensor args[] = {a.view(), b.view()};
  for (int run = 0; run < 3; ++run) {
    ingot_results* results = nullptr;
    ASSERT_THAT(
        error.ToStatus(Api().run_oracle(oracle, args, 2, -1, &results, error.buffer()), "run"),
        IsOk());
    ASSERT_EQ(Api().result_count(results), 4u);
    const ingot_tensor after = Api().result(results, 2);
    const bool is_double = GetParam() == INGOT_ORACLE_EAGER_FLOAT64;
    EXPECT_EQ(plugin::TensorDType(after), is_double ? ir::DType::kFloat64 : ir::DType::kFloat32);
    const double first =
        is_double ? plugin::TensorData<double>(after)[0] : plugin::TensorData<float>(after)[0];
    EXPECT_EQ(first, -5.0);
    Api().release_results(results);
  }
  EXPECT_EQ(a.data[0], 1.0f);
  Api().destroy_oracle(oracle);
}

INSTANTIATE_TEST_SUITE_P(Modes, OracleTest,
                         testing::Values(INGOT_ORACLE_EAGER, INGOT_ORACLE_EAGER_FLOAT64,
                                         INGOT_ORACLE_FROZEN));

TEST(LibraryTest, TheSeedDecidesWhatAnOracleDraws) {
  const auto module = Open("tools/models/lazy/eager_tensor.pt");
  ASSERT_THAT(module, IsOk());
  plugin::ErrorText error;
  ingot_oracle* oracle = nullptr;
  ASSERT_EQ(Api().create_oracle(module->get(), INGOT_ORACLE_EAGER, &oracle, error.buffer()),
            INGOT_OK);
  Argument a{{0, 0, 0, 0, 0, 0}};
  const ingot_tensor arg = a.view();
  std::vector<float> draws;
  for (int64_t seed : {7, 8, 7}) {
    ingot_results* results = nullptr;
    ASSERT_EQ(Api().run_oracle(oracle, &arg, 1, seed, &results, error.buffer()), INGOT_OK);
    draws.push_back(plugin::TensorData<float>(Api().result(results, 0))[0]);
    Api().release_results(results);
  }
  EXPECT_EQ(draws[0], draws[2]);
  EXPECT_NE(draws[0], draws[1]);
  Api().destroy_oracle(oracle);
}

TEST(LibraryTest, ErrorsAreOneLine) {
  EXPECT_THAT(Open("nowhere.pt"), StatusIs(absl::StatusCode::kNotFound));
  plugin::ErrorText error;
  ingot_module* module = nullptr;
  EXPECT_EQ(Api().open_memory({"junk", 4}, "junk", &module, error.buffer()), INGOT_DATA_LOSS);
  EXPECT_THAT(error.text(), HasSubstr("junk"));
  const auto sub = Open("tools/models/lazy/sub.pt");
  ASSERT_THAT(sub, IsOk());
  ingot_recording* recording = nullptr;
  Argument a{{1, 2, 3, 4, 5, 6}};
  ingot_tensor bad[] = {a.view(), a.view()};
  bad[1].dtype_bits = 12;
  EXPECT_EQ(Api().record(sub->get(), bad, 2, &recording, error.buffer()), INGOT_INVALID_ARGUMENT);
  EXPECT_THAT(error.text(), HasSubstr("argument 1"));
  EXPECT_EQ(Api().record(sub->get(), bad, 1, &recording, error.buffer()),
            INGOT_FAILED_PRECONDITION);
}

}  // namespace
}  // namespace ingot::torchscript
