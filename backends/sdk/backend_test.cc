#include "backends/sdk/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "core/base/status_matchers.h"
#include "core/ir/builder.h"
#include "core/ir/serialize.h"
#include "core/plugin/abi_util.h"

// Makes this test a plugin of itself: the tests below are its host and see what a host sees.
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::StrEq;

namespace ir = ingot::ir;
namespace sdk = ingot::sdk;
using ingot::IsOk;
using ingot::StatusIs;
using ingot::plugin::ErrorText;
using ingot::plugin::MakeTensor;
using ingot::plugin::TensorData;

// What to throw, and from where.
std::string g_throw_from;
void MaybeThrow(const char* where) {
  if (g_throw_from == where) throw std::runtime_error(std::string("boom in ") + where);
  if (g_throw_from == std::string(where) + " int") throw 42;
  if (g_throw_from == std::string(where) + " bad_alloc") throw std::bad_alloc();
}

int g_live_executables = 0;
bool g_drop_constant = false;

// Computes its one result as input + constant, elementwise.
class AddExecutable : public sdk::Executable {
 public:
  AddExecutable(const float* weight, int64_t count) : weight_(weight), count_(count) {
    ++g_live_executables;
  }
  ~AddExecutable() override { --g_live_executables; }

  size_t workspace_bytes() const override { return 128; }
  size_t retained_bytes() const override { return 64; }
  bool needs_constants() const override { return true; }
  std::string plan_json() const override { return R"([{"node":0}])"; }

  absl::Status Execute(const sdk::RunContext& context, absl::Span<const ingot_tensor> inputs,
                       absl::Span<const ingot_tensor> outputs, void*) const override {
    MaybeThrow("Execute");
    if (absl::Status status = context.cancel().Check(); !status.ok()) return status;
    for (int64_t i = 0; i < count_; ++i) {
      TensorData<float>(outputs[0])[i] = TensorData<float>(inputs[0])[i] + weight_[i];
    }
    if (context.tracing()) context.Trace(0, "add", 1, 2);
    return absl::OkStatus();
  }

 private:
  const float* weight_;
  int64_t count_;
};

class AddBackend : public sdk::Backend {
 public:
  explicit AddBackend(const sdk::Options& options) : fingerprint_(options.String("isa")) {}

  sdk::BackendInfo Info() const override {
    MaybeThrow("Info");
    return {"add", "0.1", "libadd 3", fingerprint_};
  }
  absl::Status Supports(const ir::Graph& graph, ir::NodeId node) const override {
    MaybeThrow("Supports");
    if (graph.node(node).op == "test::add") return absl::OkStatus();
    return absl::UnimplementedError("only test::add");
  }
  absl::StatusOr<std::unique_ptr<sdk::Executable>> Compile(
      const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants,
      const sdk::CompileContext& context) const override {
    MaybeThrow("Compile");
    if (context.cancel().Cancelled()) return context.cancel().Check();
    if (g_drop_constant) context.DropConstant(0);
    return std::make_unique<AddExecutable>(static_cast<const float*>(constants[0].data),
                                           graph.type(constants[0].value).NumElements());
  }

 private:
  std::string fingerprint_;
};

absl::StatusOr<std::unique_ptr<sdk::Backend>> Create(const sdk::Options& options) {
  MaybeThrow("Create");
  if (options.Int("threads") < 0) return absl::InvalidArgumentError("threads is negative");
  if (options.Bool("undeclared_use")) options.String("nonsense");
  return std::make_unique<AddBackend>(options);
}

}  // namespace

INGOT_DEFINE_BACKEND(sdk::Factory{{{"threads", int64_t{0}, "0: all"},
                                   {"scale", 1.0, "a number"},
                                   {"isa", std::string("avx2"), "instruction set"},
                                   {"undeclared_use", false, "makes the factory misbehave"},
                                   {"verbose", false, "logs", false}},
                                  &Create})

namespace {

class SdkTest : public testing::Test {
 protected:
  void SetUp() override {
    ErrorText error;
    api_ = ingot_backend_query(INGOT_BACKEND_ABI_MAJOR, &kHost, error.buffer());
    ASSERT_NE(api_, nullptr) << error.text();
  }
  void TearDown() override {
    g_throw_from.clear();
    if (executable_ != nullptr) api_->destroy_executable(executable_);
    if (backend_ != nullptr) api_->destroy(backend_);
    EXPECT_EQ(g_live_executables, 0);
  }

  absl::Status CreateBackend(const std::vector<ingot_option>& options = {}) {
    const ingot_options view = {options.data(), options.size(), sizeof(ingot_option)};
    ErrorText error;
    return error.ToStatus(api_->create(&view, &backend_, error.buffer()), "create");
  }

  // %out = test::add(argument, constant), both f32[2].
  void MakeGraph(const char* op = "test::add") {
    const ir::TensorType type = {ir::DType::kFloat32, {2}};
    ir::GraphBuilder builder("test");
    const ir::ValueId x = builder.Argument(type);
    const ir::ValueId w = builder.Constant(type, ir::Sha256(weight_, sizeof(weight_)));
    builder.Result(builder.Opaque(op, {ir::ValueRef{x}, ir::ValueRef{w}}, {type})[0]);
    absl::StatusOr<ir::Graph> graph = std::move(builder).Build();
    ASSERT_THAT(graph, IsOk());
    bytes_ = ir::ToCanonicalBytes(*graph);
    const ir::Digest digest = ir::Sha256(weight_, sizeof(weight_));
    std::memcpy(constant_.digest, digest.bytes.data(), 32);
    constant_.data = weight_;
    constant_.size = sizeof(weight_);
    view_ = {sizeof(ingot_graph),
             {bytes_.data(), bytes_.size()},
             &constant_,
             1,
             sizeof(constant_),
             nullptr,
             nullptr};
  }

  absl::Status Compile(const ingot_cancel* cancel = nullptr) {
    ErrorText error;
    return error.ToStatus(api_->compile(backend_, &view_, cancel, &executable_, error.buffer()),
                          "compile");
  }

  absl::Status Execute(const ingot_run_context& context, size_t inputs = 1) {
    const int64_t dims[] = {2};
    const int64_t strides[] = {1};
    const ingot_tensor x = MakeTensor(x_, ir::DType::kFloat32, dims, strides);
    const ingot_tensor y = MakeTensor(y_, ir::DType::kFloat32, dims, strides);
    ErrorText error;
    return error.ToStatus(
        api_->execute(executable_, &context, &x, inputs, &y, 1, nullptr, error.buffer()),
        "execute");
  }

  static constexpr ingot_host_api kHost = {sizeof(ingot_host_api), 1, 0, nullptr, nullptr};
  const ingot_backend_api* api_ = nullptr;
  ingot_backend* backend_ = nullptr;
  ingot_executable* executable_ = nullptr;
  float weight_[2] = {10, 20};
  float x_[2] = {1, 2};
  float y_[2] = {0, 0};
  std::string bytes_;
  ingot_constant constant_{};
  ingot_graph view_{};
};

ingot_option TextOption(const char* name, const char* value) { return {name, 0, 0, value, 0, 0}; }
ingot_option IntOption(const char* name, int64_t value) { return {name, 1, 0, nullptr, value, 0}; }

TEST_F(SdkTest, RefusesAnotherMajor) {
  ErrorText error;
  EXPECT_EQ(ingot_backend_query(2, &kHost, error.buffer()), nullptr);
  EXPECT_THAT(error.text(), AllOf(HasSubstr("ABI major 1"), HasSubstr("host of 2")));
}

TEST_F(SdkTest, TellsAboutTheBackend) {
  ASSERT_THAT(CreateBackend({TextOption("isa", "avx512")}), IsOk());
  ingot_backend_info info{};
  info.struct_size = sizeof(info);
  ASSERT_EQ(api_->info(backend_, &info, nullptr), INGOT_OK);
  EXPECT_THAT(info.name, StrEq("add"));
  EXPECT_THAT(info.version, StrEq("0.1"));
  EXPECT_THAT(info.library_version, StrEq("libadd 3"));
  EXPECT_EQ(std::string(static_cast<const char*>(info.fingerprint.data), info.fingerprint.size),
            "avx512");
  EXPECT_THAT(info.irrelevant_options, StrEq("verbose"));
}

TEST_F(SdkTest, WritesNoMoreInfoThanAnOlderHostHasRoomFor) {
  ASSERT_THAT(CreateBackend(), IsOk());
  ingot_backend_info info{};
  info.struct_size = offsetof(ingot_backend_info, version);
  ASSERT_EQ(api_->info(backend_, &info, nullptr), INGOT_OK);
  EXPECT_THAT(info.name, StrEq("add"));
  EXPECT_EQ(info.version, nullptr);
}

struct BadOption {
  const char* name;
  ingot_option option;
  const char* message;
};

class SdkBadOptionTest : public SdkTest, public testing::WithParamInterface<BadOption> {};

TEST_P(SdkBadOptionTest, IsRefused) {
  EXPECT_THAT(CreateBackend({GetParam().option}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)));
  EXPECT_EQ(backend_, nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SdkBadOptionTest,
    testing::Values(BadOption{"Unknown", IntOption("thread", 1),
                              "unknown option \"thread\"; known options: isa, scale, threads"},
                    BadOption{"UnreadableText", TextOption("threads", "two"), "type integer"},
                    BadOption{"NumberForText", IntOption("isa", 2), "type string, not a integer"},
                    BadOption{"UnknownType", {"threads", 9, 0, nullptr, 0, 0}, "unknown type 9"},
                    BadOption{"NoName", {nullptr, 1, 0, nullptr, 0, 0}, "no name"},
                    BadOption{"RefusedByTheFactory", IntOption("threads", -1),
                              "threads is negative"}),
    [](const auto& info) { return info.param.name; });

TEST_F(SdkTest, ReadsOptionsOfOtherTypesWhereNothingIsLost) {
  EXPECT_THAT(CreateBackend({TextOption("threads", "4"), IntOption("scale", 2),
                             TextOption("verbose", "true")}),
              IsOk());
}

TEST_F(SdkTest, AnUndeclaredOptionInThePluginIsInternal) {
  EXPECT_THAT(CreateBackend({{"undeclared_use", 3, 0, nullptr, 1, 0}}),
              StatusIs(absl::StatusCode::kInternal));
}

TEST_F(SdkTest, AnswersForEachNodeOnce) {
  ASSERT_THAT(CreateBackend(), IsOk());
  struct Answers {
    std::vector<uint32_t> claimed;
    std::vector<std::string> rejected;
  } answers;
  const ingot_query_sink sink = {
      sizeof(ingot_query_sink), &answers,
      [](void* ctx, const uint32_t* nodes, size_t count) {
        static_cast<Answers*>(ctx)->claimed.assign(nodes, nodes + count);
      },
      [](void* ctx, uint32_t node, const char* reason) {
        static_cast<Answers*>(ctx)->rejected.push_back(std::to_string(node) + ": " + reason);
      }};
  MakeGraph();
  view_.constant_count = 0;
  ASSERT_EQ(api_->query_graph(backend_, &view_, &sink, nullptr), INGOT_OK);
  EXPECT_THAT(answers.claimed, ElementsAre(0));
  MakeGraph("test::sub");
  ASSERT_EQ(api_->query_graph(backend_, &view_, &sink, nullptr), INGOT_OK);
  EXPECT_THAT(answers.rejected, ElementsAre("0: only test::add"));
}

TEST_F(SdkTest, RefusesBytesThatAreNoGraph) {
  ASSERT_THAT(CreateBackend(), IsOk());
  MakeGraph();
  view_.graph.size /= 2;
  EXPECT_THAT(Compile(), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SdkTest, TellsTheHostWhichConstantsItDrops) {
  ASSERT_THAT(CreateBackend(), IsOk());
  MakeGraph();
  std::vector<uint32_t> dropped;
  view_.drop_constant = [](void* ctx, uint32_t index) {
    static_cast<std::vector<uint32_t>*>(ctx)->push_back(index);
  };
  view_.drop_ctx = &dropped;
  const absl::Cleanup reset = [] { g_drop_constant = false; };
  g_drop_constant = true;
  ASSERT_THAT(Compile(), IsOk());
  EXPECT_THAT(dropped, ElementsAre(0));
}

TEST_F(SdkTest, DropsNothingForAHostThatDoesNotListen) {
  ASSERT_THAT(CreateBackend(), IsOk());
  MakeGraph();
  view_.struct_size = offsetof(ingot_graph, drop_constant);
  const absl::Cleanup reset = [] { g_drop_constant = false; };
  g_drop_constant = true;
  EXPECT_THAT(Compile(), IsOk());
}

TEST_F(SdkTest, CompilesAndRuns) {
  ASSERT_THAT(CreateBackend(), IsOk());
  MakeGraph();
  ASSERT_THAT(Compile(), IsOk());
  ingot_executable_info info{};
  info.struct_size = sizeof(info);
  ASSERT_EQ(api_->executable_info(executable_, &info, nullptr), INGOT_OK);
  EXPECT_EQ(info.workspace_bytes, 128u);
  EXPECT_EQ(info.retained_bytes, 64u);
  EXPECT_EQ(info.needs_constants, 1u);
  EXPECT_EQ(std::string(static_cast<const char*>(info.plan_json.data), info.plan_json.size),
            R"([{"node":0}])");

  uint32_t traced = 9;
  ingot_run_context context{};
  context.struct_size = sizeof(context);
  context.trace = [](void* ctx, uint32_t node, const char*, int64_t, int64_t) {
    *static_cast<uint32_t*>(ctx) = node;
  };
  context.trace_ctx = &traced;
  ASSERT_THAT(Execute(context), IsOk());
  EXPECT_THAT(y_, ElementsAre(11, 22));
  EXPECT_EQ(traced, 0u);
}

TEST_F(SdkTest, RunsWithTheShorterContextOfAnOlderHost) {
  ASSERT_THAT(CreateBackend(), IsOk());
  MakeGraph();
  ASSERT_THAT(Compile(), IsOk());
  ingot_run_context context{};
  context.struct_size = offsetof(ingot_run_context, trace);
  context.trace = [](void*, uint32_t, const char*, int64_t, int64_t) { FAIL(); };
  EXPECT_THAT(Execute(context), IsOk());
}

TEST_F(SdkTest, RefusesAWrongNumberOfInputs) {
  ASSERT_THAT(CreateBackend(), IsOk());
  MakeGraph();
  ASSERT_THAT(Compile(), IsOk());
  EXPECT_THAT(Execute({sizeof(ingot_run_context), nullptr, nullptr, nullptr}, 0),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("0 inputs")));
}

TEST_F(SdkTest, ReportsCancellation) {
  const ingot_cancel cancelled = {[](void*) -> int32_t { return 1; }, nullptr};
  ASSERT_THAT(CreateBackend(), IsOk());
  MakeGraph();
  EXPECT_THAT(Compile(&cancelled), StatusIs(absl::StatusCode::kCancelled));
  ASSERT_THAT(Compile(), IsOk());
  EXPECT_THAT(Execute({sizeof(ingot_run_context), &cancelled, nullptr, nullptr}),
              StatusIs(absl::StatusCode::kCancelled));
}

struct BadConstant {
  const char* name;
  void (*spoil)(ingot_graph& graph, ingot_constant& constant);
  const char* message;
};

class SdkBadConstantTest : public SdkTest, public testing::WithParamInterface<BadConstant> {};

TEST_P(SdkBadConstantTest, IsRefused) {
  ASSERT_THAT(CreateBackend(), IsOk());
  MakeGraph();
  GetParam().spoil(view_, constant_);
  EXPECT_THAT(Compile(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SdkBadConstantTest,
    testing::Values(
        BadConstant{"Missing", [](auto& g, auto&) { g.constant_count = 0; }, "is missing"},
        BadConstant{"OfAnotherSize", [](auto&, auto& c) { c.size = 4; }, "has 4 bytes"},
        BadConstant{"WithoutData", [](auto&, auto& c) { c.data = nullptr; }, "has no data"},
        BadConstant{"OfAnotherDigest", [](auto&, auto& c) { c.digest[0] ^= 1; }, "digest"}),
    [](const auto& info) { return info.param.name; });

class SdkThrowTest : public SdkTest, public testing::WithParamInterface<const char*> {
 protected:
  // The status of the entry that calls `where`, after all before it went well.
  absl::Status Reach(const std::string& where) {
    MakeGraph();
    g_throw_from = GetParam();
    if (absl::Status status = CreateBackend(); !status.ok()) return status;
    if (where == "Supports") {
      const ingot_query_sink sink = {sizeof(ingot_query_sink), nullptr,
                                     [](void*, const uint32_t*, size_t) {},
                                     [](void*, uint32_t, const char*) {}};
      ErrorText error;
      return error.ToStatus(api_->query_graph(backend_, &view_, &sink, error.buffer()), "query");
    }
    if (absl::Status status = Compile(); !status.ok()) return status;
    return Execute({sizeof(ingot_run_context), nullptr, nullptr, nullptr});
  }
};

TEST_P(SdkThrowTest, IsAnErrorForTheHost) {
  const std::string what = GetParam();
  const std::string where = what.substr(0, what.find(' '));
  if (what == where) {
    EXPECT_THAT(Reach(where), StatusIs(absl::StatusCode::kInternal, HasSubstr("boom in " + where)));
  } else if (what == where + " int") {
    EXPECT_THAT(Reach(where), StatusIs(absl::StatusCode::kInternal, HasSubstr("not a std::")));
  } else {
    EXPECT_THAT(Reach(where),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("out of memory")));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, SdkThrowTest,
                         testing::Values("Create", "Info", "Supports", "Compile", "Execute",
                                         "Compile int", "Execute bad_alloc"));

TEST(OptionsTest, StartWithTheDefaults) {
  const sdk::Options options({{"a", int64_t{3}, ""}, {"b", std::string("x"), ""}});
  EXPECT_EQ(options.Int("a"), 3);
  EXPECT_EQ(options.String("b"), "x");
}

TEST(OptionsTest, ARefusedValueChangesNothing) {
  sdk::Options options({{"a", int64_t{3}, ""}});
  EXPECT_THAT(options.Set("a", 0.5), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(options.Int("a"), 3);
  EXPECT_THAT(options.Set("a", std::string("5")), IsOk());
  EXPECT_EQ(options.Int("a"), 5);
}

TEST(OptionsTest, WithoutAnyTheErrorSaysSo) {
  EXPECT_THAT(sdk::Options({}).Set("a", true),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       Eq("unknown option \"a\"; known options: none")));
}

TEST(LogTest, ReachesTheHost) {
  static std::string* logged = new std::string;
  static constexpr ingot_host_api kLoggingHost = {
      sizeof(ingot_host_api), 1, 0, nullptr,
      [](void*, int32_t severity, const char* text) { *logged = std::to_string(severity) + text; }};
  ASSERT_NE(ingot_backend_query(1, &kLoggingHost, nullptr), nullptr);
  sdk::Log(sdk::Severity::kWarning, "careful");
  EXPECT_EQ(*logged, "1careful");
}

}  // namespace
