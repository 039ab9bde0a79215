#include "core/base/object_pool.h"

#include <atomic>
#include <thread>

#include "gtest/gtest.h"

namespace ingot {
namespace {

TEST(ObjectPoolTest, HasNothingAtFirst) {
  ObjectPool<int> pool;
  EXPECT_EQ(pool.Acquire(), nullptr);
}

TEST(ObjectPoolTest, GivesBackEachObjectOnce) {
  ObjectPool<int> pool;
  pool.Release(std::make_unique<int>(1));
  pool.Release(std::make_unique<int>(2));
  pool.Release(std::make_unique<int>(3));
  int sum = 0;
  for (int i = 0; i < 3; ++i) sum += *pool.Acquire();
  EXPECT_EQ(sum, 6);
  EXPECT_EQ(pool.Acquire(), nullptr);
}

TEST(ObjectPoolTest, OneCallerKeepsItsObject) {
  ObjectPool<int> pool;
  pool.Release(std::make_unique<int>(1));
  pool.Release(std::make_unique<int>(2));
  std::unique_ptr<int> object = pool.Acquire();
  const int* const own = object.get();
  for (int i = 0; i < 3; ++i) {
    pool.Release(std::move(object));
    object = pool.Acquire();
    EXPECT_EQ(object.get(), own);
  }
}

TEST(ObjectPoolTest, NoTwoThreadsHoldOneObject) {
  struct Object {
    std::atomic<int> users{0};
  };
  ObjectPool<Object> pool;
  std::atomic<int> made{0}, clashes{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        std::unique_ptr<Object> object = pool.Acquire();
        if (object == nullptr) {
          object = std::make_unique<Object>();
          ++made;
        }
        if (object->users.fetch_add(1) != 0) ++clashes;
        object->users.fetch_sub(1);
        pool.Release(std::move(object));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(clashes, 0);
  EXPECT_LE(made, 4);
}

}  // namespace
}  // namespace ingot
