// Today's plugin, made with today's SDK, in a host of version 1.0: this host knows the frozen
// header only.

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "core/ir/graph.h"
#include "core/ir/serialize.h"
#include "tests/abi/frozen/ingot_backend_v1_0.h"

namespace {

namespace ir = ingot::ir;

class V10HostTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path =
        std::string(std::getenv("TEST_SRCDIR")) + "/ingot/tests/abi/plugins/libingot_sample.so";
    void* object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(object, nullptr) << dlerror();
    const auto query =
        reinterpret_cast<ingot_backend_query_fn>(dlsym(object, INGOT_BACKEND_QUERY_SYMBOL));
    ASSERT_NE(query, nullptr);
    api_ = query(INGOT_BACKEND_ABI_MAJOR, &kHost, &error_);
    ASSERT_NE(api_, nullptr) << text_;
    ASSERT_GE(api_->struct_size, offsetof(ingot_backend_api, get_extension));
    const ingot_options options = {nullptr, 0, sizeof(ingot_option)};
    ASSERT_EQ(api_->create(&options, &backend_, &error_), INGOT_OK) << text_;
  }
  void TearDown() override {
    if (executable_ != nullptr) api_->destroy_executable(executable_);
    if (backend_ != nullptr) api_->destroy(backend_);
  }

  static constexpr ingot_host_api kHost = {sizeof(ingot_host_api), 1, 0, nullptr, nullptr};
  char text_[256] = "";
  ingot_error_buf error_ = {text_, sizeof(text_), 0};
  const ingot_backend_api* api_ = nullptr;
  ingot_backend* backend_ = nullptr;
  ingot_executable* executable_ = nullptr;
};

TEST_F(V10HostTest, CompilesAndRuns) {
  const ir::TensorType type = {ir::DType::kFloat32, {2}};
  ir::Graph graph;
  const ir::ValueId x = graph.AddInput(ir::InputSpec{}, type);
  graph.AddNode("aten::neg", {ir::ValueRef{x}}, {type});
  graph.AddOutput(ir::OutputSpec{}, graph.node(0).outputs[0]);
  graph.set_result_structure(ir::Structure::Tensor(0));
  const std::string bytes = ir::ToCanonicalBytes(graph);
  const ingot_graph view = {
      sizeof(ingot_graph), {bytes.data(), bytes.size()}, nullptr, 0, sizeof(ingot_constant)};

  size_t claimed = 0;
  const ingot_query_sink sink = {
      sizeof(ingot_query_sink), &claimed,
      [](void* ctx, const uint32_t*, size_t count) { *static_cast<size_t*>(ctx) += count; },
      [](void*, uint32_t, const char* reason) { FAIL() << reason; }};
  ASSERT_EQ(api_->query_graph(backend_, &view, &sink, &error_), INGOT_OK) << text_;
  EXPECT_EQ(claimed, 1u);

  ASSERT_EQ(api_->compile(backend_, &view, nullptr, &executable_, &error_), INGOT_OK) << text_;
  ingot_executable_info info{};
  info.struct_size = sizeof(info);
  ASSERT_EQ(api_->executable_info(executable_, &info, &error_), INGOT_OK) << text_;
  alignas(64) char workspace[64];
  ASSERT_LE(info.workspace_bytes, sizeof(workspace));

  float in[] = {1, -2};
  float out[] = {0, 0};
  const int64_t dims[] = {2};
  const int64_t strides[] = {1};
  const ingot_tensor input = {in, 1, 0, 1, 2, 32, 1, dims, strides, 0};
  const ingot_tensor output = {out, 1, 0, 1, 2, 32, 1, dims, strides, 0};
  const ingot_run_context context = {sizeof(ingot_run_context), nullptr, nullptr, nullptr};
  ASSERT_EQ(api_->execute(executable_, &context, &input, 1, &output, 1, workspace, &error_),
            INGOT_OK)
      << text_;
  EXPECT_EQ(out[0], -1);
  EXPECT_EQ(out[1], 2);
}

TEST_F(V10HostTest, AnInfoStructThatWasShorterStaysUntouchedBehindItsEnd) {
  ingot_backend_info info{};
  info.struct_size = offsetof(ingot_backend_info, fingerprint);
  ASSERT_EQ(api_->info(backend_, &info, &error_), INGOT_OK) << text_;
  EXPECT_STREQ(info.name, "sample");
  EXPECT_EQ(info.fingerprint.data, nullptr);
  EXPECT_EQ(info.irrelevant_options, nullptr);
}

}  // namespace
