#include "frontends/torch/result_pool.h"

#include <ATen/ops/ones.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace ingot {
namespace {

std::vector<runtime::ResultSpec> Specs(ir::Dims dims, ir::Dims strides = {}) {
  runtime::ResultSpec spec;
  spec.type = {ir::DType::kFloat32, std::move(dims)};
  spec.strides = std::move(strides);
  return {spec};
}

TEST(ResultPoolTest, TensorsAreOfTheSlotsType) {
  std::vector<runtime::ResultSpec> specs = Specs({2, 3});
  specs.push_back({{ir::DType::kInt64, {}}, {}});
  ResultPool pool(specs);
  for (int i = 0; i < 3; ++i) {
    const at::Tensor matrix = pool.Take(0), number = pool.Take(1);
    EXPECT_EQ(matrix.scalar_type(), at::kFloat);
    EXPECT_EQ(matrix.sizes(), at::IntArrayRef({2, 3}));
    EXPECT_EQ(matrix.strides(), at::IntArrayRef({3, 1}));
    EXPECT_EQ(matrix.storage().nbytes(), 24u);
    EXPECT_EQ(number.scalar_type(), at::kLong);
    EXPECT_EQ(number.dim(), 0);
  }
}

TEST(ResultPoolTest, MemoryIsUsedAgainOnceItsTensorIsDropped) {
  const auto specs = Specs({2, 3});
  ResultPool pool(specs);
  at::Tensor first = pool.Take(0);
  const void* const memory = first.data_ptr();
  first.reset();
  EXPECT_EQ(pool.Take(0).data_ptr(), memory);
  EXPECT_EQ(pool.Take(0).data_ptr(), memory);
}

TEST(ResultPoolTest, MemoryThatSomebodyHoldsIsLeftAlone) {
  const auto specs = Specs({2, 3});
  ResultPool pool(specs);
  struct Holder {
    const char* name;
    std::function<void(const at::Tensor&, std::vector<at::Tensor>&, std::vector<c10::Storage>&)>
        hold;
  };
  const Holder holders[] = {
      {"the tensor", [](const at::Tensor& t, auto& tensors, auto&) { tensors.push_back(t); }},
      {"a view", [](const at::Tensor& t, auto& tensors, auto&) { tensors.push_back(t[1]); }},
      {"an alias",
       [](const at::Tensor& t, auto& tensors, auto&) { tensors.push_back(t.detach()); }},
      {"the storage", [](const at::Tensor& t, auto&, auto& s) { s.push_back(t.storage()); }},
  };
  for (const Holder& holder : holders) {
    SCOPED_TRACE(holder.name);
    std::vector<at::Tensor> tensors;
    std::vector<c10::Storage> storages;
    const void* memory = nullptr;
    {
      const at::Tensor result = pool.Take(0);
      memory = result.data_ptr();
      holder.hold(result, tensors, storages);
    }
    EXPECT_NE(pool.Take(0).data_ptr(), memory);
  }
}

TEST(ResultPoolTest, NothingIsLeftOfTheLastTensor) {
  const auto specs = Specs({2, 3});
  ResultPool pool(specs);
  {
    at::Tensor result = pool.Take(0);
    result.fill_(1);
    result.requires_grad_();
    result.mutable_grad() = at::ones({2, 3});
  }
  at::Tensor next = pool.Take(0);
  EXPECT_FALSE(next.requires_grad());
  EXPECT_FALSE(next.grad().defined());
  EXPECT_EQ(next._version(), 0);
  next.resize_({64, 64});  // the storage grew
  next.reset();
  EXPECT_EQ(pool.Take(0).storage().nbytes(), 24u);
}

TEST(ResultPoolTest, StorageWithMemoryOfAnotherOwnerIsNotUsedAgain) {
  const auto specs = Specs({2, 3});
  ResultPool pool(specs);
  float elsewhere[6] = {};
  {
    const at::Tensor result = pool.Take(0);
    result.storage().set_data_ptr(c10::DataPtr(
        elsewhere, elsewhere, [](void*) {}, c10::DeviceType::CPU));
  }
  EXPECT_NE(pool.Take(0).data_ptr(), elsewhere);
}

TEST(ResultPoolTest, InferenceModeIsThatOfTheCall) {
  const auto specs = Specs({2, 3});
  ResultPool pool(specs);
  {
    const c10::InferenceMode inference;
    EXPECT_TRUE(pool.Take(0).is_inference());
  }
  EXPECT_FALSE(pool.Take(0).is_inference());
}

TEST(ResultPoolTest, LargeStridedAndEmptyResultsAreNew) {
  const int64_t many = ResultPool::kMaxBytes / sizeof(float) + 1;
  for (const auto& specs : {Specs({many}), Specs({2, 3}, {1, 2}), Specs({0, 3})}) {
    ResultPool pool(specs);
    const at::Tensor result = pool.Take(0);
    EXPECT_EQ(result.storage().use_count(), 1);
    EXPECT_EQ(result.numel(), specs[0].type.NumElements());
  }
}

TEST(ResultPoolTest, ThreadsNeverShareMemory) {
  const auto specs = Specs({4});
  ResultPool pool(specs);
  std::atomic<int> faults = 0;
  std::vector<std::thread> threads;
  for (int id = 0; id < 8; ++id) {
    threads.emplace_back([&pool, &faults, id] {
      for (int i = 0; i < 2000; ++i) {
        const at::Tensor result = pool.Take(0);
        auto* const values = static_cast<float*>(result.data_ptr());
        const auto mark = static_cast<float>(id * 10000 + i);
        for (int k = 0; k < 4; ++k) values[k] = mark;
        if (i % 16 == 0) std::this_thread::yield();
        for (int k = 0; k < 4; ++k) faults += values[k] != mark;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(faults, 0);
}

}  // namespace
}  // namespace ingot
