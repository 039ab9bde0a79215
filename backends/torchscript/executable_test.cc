#include "backends/torchscript/executable.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "core/plugin/tensor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::torchscript_backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A row-major tensor over `data`.
struct Operand {
  ir::Dims dims;
  ir::Dims strides = ir::ContiguousStrides(dims);
  ingot_tensor View(void* data, ir::DType dtype) const {
    return plugin::MakeTensor(data, dtype, dims, strides);
  }
};

absl::StatusOr<std::unique_ptr<sdk::Executable>> Compile(const char* text) {
  absl::StatusOr<ir::Graph> graph = ir::ParseGraph(text);
  if (!graph.ok()) return graph.status();
  return MakeExecutable(*graph, {}, /*threads=*/1);
}

constexpr char kScaled[] = R"(graph "scaled" {
  %0 : f32[2] = argument 0
  %1 : f64[] = scalar 0
  %2 : f32[2] = aten::mul.Scalar(%0, %1)
  result 0 = %2
  returns T0
})";

constexpr char kNoise[] = R"(graph "noise" {
  %0 : i64[] = seed
  %1 : f32[4] = aten::randn([4], f32, None, None, None, %0)
  result 0 = %1
  returns T0
})";

TEST(TorchScriptExecutableTest, ReadsNumbersAnewOnEachCall) {
  const auto executable = Compile(kScaled);
  ASSERT_THAT(executable, IsOk());
  const Operand vector{{2}}, number{{}};
  std::vector<float> in = {1, 2}, out(2);
  const ingot_run_context context{};
  for (double factor : {3.0, 5.0}) {
    const ingot_tensor inputs[] = {vector.View(in.data(), ir::DType::kFloat32),
                                   number.View(&factor, ir::DType::kFloat64)};
    const ingot_tensor outputs[] = {vector.View(out.data(), ir::DType::kFloat32)};
    ASSERT_THAT((*executable)->Execute(sdk::RunContext(context), inputs, outputs, nullptr), IsOk());
    EXPECT_THAT(out, ElementsAre(factor, 2 * factor));
  }
}

TEST(TorchScriptExecutableTest, DrawsWhatEagerDrawsAndPutsTheGeneratorBack) {
  const auto executable = Compile(kNoise);
  ASSERT_THAT(executable, IsOk());
  const Operand vector{{4}}, number{{}};
  std::vector<float> out(4);
  int64_t seed = 11;
  const ingot_run_context context{};
  const ingot_tensor inputs[] = {number.View(&seed, ir::DType::kInt64)};
  const ingot_tensor outputs[] = {vector.View(out.data(), ir::DType::kFloat32)};

  at::manual_seed(99);
  const at::Tensor undisturbed = at::randn({3});
  at::manual_seed(99);
  ASSERT_THAT((*executable)->Execute(sdk::RunContext(context), inputs, outputs, nullptr), IsOk());
  EXPECT_TRUE(at::equal(at::randn({3}), undisturbed));

  at::manual_seed(11);
  const at::Tensor eager = at::randn({4});
  EXPECT_THAT(out, testing::ElementsAreArray(eager.data_ptr<float>(), 4));
}

// LibTorch wants the generator's lock held by whoever reads or seeds it. The op takes the seed but
// draws nothing, so nobody else would wait for the lock.
TEST(TorchScriptExecutableTest, TheGeneratorIsTouchedUnderItsLockOnly) {
  const auto executable = Compile(R"(graph "quiet" {
  %0 : f32[2] = argument 0
  %1 : i64[] = seed
  %2 : f32[2] = aten::special_bessel_j0(%0, %1)
  result 0 = %2
  returns T0
})");
  ASSERT_THAT(executable, IsOk());
  const Operand vector{{2}}, number{{}};
  std::vector<float> in = {0, 0}, out(2);
  int64_t seed = 11;
  const auto run = [&] {
    const ingot_run_context context{};
    const ingot_tensor inputs[] = {vector.View(in.data(), ir::DType::kFloat32),
                                   number.View(&seed, ir::DType::kInt64)};
    const ingot_tensor outputs[] = {vector.View(out.data(), ir::DType::kFloat32)};
    return (*executable)->Execute(sdk::RunContext(context), inputs, outputs, nullptr);
  };
  ASSERT_THAT(run(), IsOk());
  std::atomic<bool> is_done = false;
  std::thread runner;
  {
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    const std::lock_guard<std::mutex> access(generator.mutex());
    runner = std::thread([&] {
      EXPECT_THAT(run(), IsOk());
      is_done = true;
    });
    // Time enough for a run that doesn't wait.
    for (int i = 0; i < 100'000 && !is_done; ++i) std::this_thread::yield();
    EXPECT_FALSE(is_done);
  }
  runner.join();
}

TEST(TorchScriptExecutableTest, ThreadCountIsPutBack) {
  const auto executable = Compile(kScaled);
  ASSERT_THAT(executable, IsOk());
  at::set_num_threads(2);
  const Operand vector{{2}}, number{{}};
  std::vector<float> in = {1, 2}, out(2);
  double factor = 2;
  const ingot_run_context context{};
  const ingot_tensor inputs[] = {vector.View(in.data(), ir::DType::kFloat32),
                                 number.View(&factor, ir::DType::kFloat64)};
  const ingot_tensor outputs[] = {vector.View(out.data(), ir::DType::kFloat32)};
  ASSERT_THAT((*executable)->Execute(sdk::RunContext(context), inputs, outputs, nullptr), IsOk());
  EXPECT_EQ(at::get_num_threads(), 2);
}

TEST(TorchScriptExecutableTest, CallsOfManyThreadsKeepTheirMemoryApart) {
  const auto executable = Compile(kScaled);
  ASSERT_THAT(executable, IsOk());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int id = 0; id < 4; ++id) {
    threads.emplace_back([&, id] {
      const Operand vector{{2}}, number{{}};
      std::vector<float> in = {1.0f + id, 2.0f + id}, out(2);
      double factor = 3;
      const ingot_run_context context{};
      const ingot_tensor inputs[] = {vector.View(in.data(), ir::DType::kFloat32),
                                     number.View(&factor, ir::DType::kFloat64)};
      const ingot_tensor outputs[] = {vector.View(out.data(), ir::DType::kFloat32)};
      for (int run = 0; run < 500; ++run) {
        out = {0, 0};
        const bool ok =
            (*executable)->Execute(sdk::RunContext(context), inputs, outputs, nullptr).ok();
        wrong += !ok || out[0] != 3 * in[0] || out[1] != 3 * in[1];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(TorchScriptExecutableTest, ResultsThatAreArgumentsOrViewsAreCopied) {
  const auto executable = Compile(R"(graph "views" {
  %0 : f32[2,3] = argument 0
  %1 : f32[3,2] = aten::permute(%0, [1, 0])
  %2 : f32[2,3] = aten::neg(%0)
  result 0 = %0
  result 1 = %1
  result 2 = %2
  returns (T0, T1, T2)
})");
  ASSERT_THAT(executable, IsOk());
  const Operand matrix{{2, 3}}, transposed{{3, 2}};
  const ingot_run_context context{};
  for (float first : {1.0f, 10.0f}) {
    std::vector<float> in = {first, 2, 3, 4, 5, 6}, same(6), columns(6), negative(6);
    const ingot_tensor inputs[] = {matrix.View(in.data(), ir::DType::kFloat32)};
    const ingot_tensor outputs[] = {matrix.View(same.data(), ir::DType::kFloat32),
                                    transposed.View(columns.data(), ir::DType::kFloat32),
                                    matrix.View(negative.data(), ir::DType::kFloat32)};
    ASSERT_THAT((*executable)->Execute(sdk::RunContext(context), inputs, outputs, nullptr), IsOk());
    EXPECT_THAT(same, ElementsAre(first, 2, 3, 4, 5, 6));
    EXPECT_THAT(columns, ElementsAre(first, 4, 2, 5, 3, 6));
    EXPECT_THAT(negative, ElementsAre(-first, -2, -3, -4, -5, -6));
  }
}

struct Event {
  uint32_t node;
  std::string name;
  int64_t begin, end;
};

TEST(TorchScriptExecutableTest, TracesEachNodeAndSaysWhatRuns) {
  const auto executable = Compile(R"(graph "two" {
  %0 : f32[2] = argument 0
  %1 : f32[2] = aten::neg(%0)
  %2 : f32[2] = aten::exp(%1)
  result 0 = %2
  returns T0
})");
  ASSERT_THAT(executable, IsOk());
  EXPECT_THAT((*executable)->plan_json(),
              AllOf(HasSubstr(R"({"node":0,"op":"aten::neg","impl":"aten::neg"})"),
                    HasSubstr(R"({"node":1,"op":"aten::exp","impl":"aten::exp"})")));
  const Operand vector{{2}};
  std::vector<float> in = {1, 2}, out(2);
  const ingot_tensor inputs[] = {vector.View(in.data(), ir::DType::kFloat32)};
  const ingot_tensor outputs[] = {vector.View(out.data(), ir::DType::kFloat32)};
  std::vector<Event> events;
  ingot_run_context context{};
  context.trace_ctx = &events;
  context.trace = [](void* ctx, uint32_t node, const char* name, int64_t begin, int64_t end) {
    static_cast<std::vector<Event>*>(ctx)->push_back({node, name, begin, end});
  };
  ASSERT_THAT((*executable)->Execute(sdk::RunContext(context), inputs, outputs, nullptr), IsOk());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].name, "aten::neg");
  EXPECT_EQ(events[1].node, 1u);
  EXPECT_EQ(events[1].begin, events[0].end);
  EXPECT_LE(events[1].begin, events[1].end);
}

TEST(TorchScriptExecutableTest, RunsAfterAFailedRun) {
  const auto executable = Compile(R"(graph "solve" {
  %0 : f32[2,2] = argument 0
  %1 : f32[2,2] = aten::linalg_inv(%0)
  result 0 = %1
  returns T0
})");
  ASSERT_THAT(executable, IsOk());
  const Operand matrix{{2, 2}};
  const ingot_run_context context{};
  std::vector<float> singular(4, 0), regular = {2, 0, 0, 4}, out(4);
  const ingot_tensor outputs[] = {matrix.View(out.data(), ir::DType::kFloat32)};
  const ingot_tensor bad[] = {matrix.View(singular.data(), ir::DType::kFloat32)};
  const ingot_tensor good[] = {matrix.View(regular.data(), ir::DType::kFloat32)};
  EXPECT_THAT((*executable)->Execute(sdk::RunContext(context), bad, outputs, nullptr),
              StatusIs(absl::StatusCode::kInternal));
  ASSERT_THAT((*executable)->Execute(sdk::RunContext(context), good, outputs, nullptr), IsOk());
  EXPECT_THAT(out, ElementsAre(0.5, 0, 0, 0.25));
}

TEST(TorchScriptExecutableTest, LibTorchsErrorsAreStatuses) {
  // Opaque, so that nothing has checked the sizes: the matrix is not square.
  const auto executable = Compile(R"(graph "inverse" {
  %0 : f32[2,3] = argument 0
  %1 : f32[2,3] = aten::linalg_inv(%0)
  result 0 = %1
  returns T0
})");
  ASSERT_THAT(executable, IsOk());
  const Operand matrix{{2, 3}};
  std::vector<float> in(6), out(6);
  const ingot_run_context context{};
  const ingot_tensor inputs[] = {matrix.View(in.data(), ir::DType::kFloat32)};
  const ingot_tensor outputs[] = {matrix.View(out.data(), ir::DType::kFloat32)};
  const absl::Status status =
      (*executable)->Execute(sdk::RunContext(context), inputs, outputs, nullptr);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("linalg.inv")));
  EXPECT_EQ(status.message().find('\n'), absl::string_view::npos);
}

}  // namespace
}  // namespace ingot::torchscript_backend
