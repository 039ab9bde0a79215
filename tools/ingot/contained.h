// Numbered pieces of work in a child process, so that one that brings its process down costs only
// itself.
//
//   RunContained(cases.size(), [&](size_t i) { return Verify(cases[i]); },
//                [&](size_t i, const Contained& result) { … });
//
// One child does all the work in turn, and keeps what it has loaded; when it dies, the piece it was
// at is told so, and a new child goes on behind it. To be called before the process starts threads
// or loads what does not survive a fork (LibTorch, OpenMP). Not thread-safe.
#ifndef INGOT_TOOLS_INGOT_CONTAINED_H_
#define INGOT_TOOLS_INGOT_CONTAINED_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"

namespace ingot::tools {

struct Contained {
  std::string text;   // what the work returned
  std::string death;  // else how its process ended: "killed by signal 11 (Segmentation fault)"
};

// `work` runs in the child and must not write to stdout; `on_result` runs here, in order. Errors:
// no process or pipe to be had.
absl::Status RunContained(size_t count, const std::function<std::string(size_t)>& work,
                          const std::function<void(size_t, const Contained&)>& on_result);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_CONTAINED_H_
