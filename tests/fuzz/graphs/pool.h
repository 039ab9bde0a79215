// Runs work on many seeds in child processes, so that a crash or a hang is a result like any other.
//
//   Pool pool({.first = 0, .last = 1000, .jobs = 2});
//   pool.Run([] { auto checker = …; return [=](uint64_t seed) { return line; }; },
//            [](const Pool::Result& result) { … });
//
// Seeds are handed out in order, one at a time. The parent must not have started threads.
#ifndef INGOT_TESTS_FUZZ_GRAPHS_POOL_H_
#define INGOT_TESTS_FUZZ_GRAPHS_POOL_H_

#include <cstdint>
#include <functional>
#include <string>

namespace ingot::fuzz {

class Pool {
 public:
  struct Options {
    uint64_t first = 0, last = 0;  // `last` is left out
    int jobs = 1;
    int timeout_seconds = 60;  // of one seed
  };
  struct Result {
    uint64_t seed = 0;
    std::string line;   // what the work returned, cut to one line of 3,000 bytes
    std::string death;  // else: "killed by signal 11 (Segmentation fault)", "no end after 60 s"
    uint64_t next = 0;  // all seeds below are done
  };
  // One line a seed.
  using Work = std::function<std::string(uint64_t seed)>;

  explicit Pool(const Options& options) : options_(options) {}

  // `start` is called in each child. `on_result` in the parent, in the order in which results come.
  void Run(const std::function<Work()>& start, const std::function<void(const Result&)>& on_result);

 private:
  const Options options_;
};

// What `work` returns, computed in a child; false if the child died.
bool InChild(const std::function<std::string()>& work, int timeout_seconds, std::string& output);

}  // namespace ingot::fuzz

#endif  // INGOT_TESTS_FUZZ_GRAPHS_POOL_H_
