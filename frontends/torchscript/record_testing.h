// What tests of recordings have in common. Test-only.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_RECORD_TESTING_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_RECORD_TESTING_H_

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/recording_verifier.h"
#include "core/ir/text.h"
#include "frontends/torchscript/record.h"
#include "frontends/torchscript/replay_testing.h"

namespace ingot::torchscript {

inline std::vector<c10::IValue> ToIValues(const std::vector<at::Tensor>& tensors) {
  return std::vector<c10::IValue>(tensors.begin(), tensors.end());
}

// 1, 2, 3, … as float32.
inline at::Tensor Count(at::IntArrayRef sizes) {
  int64_t elements = 1;
  for (int64_t size : sizes) elements *= size;
  return at::arange(1, elements + 1, at::kFloat).view(sizes);
}

// The recording holds together and does what eager does, on these arguments and on others.
inline void ExpectFaithful(const ir::Recording& recording, const Callable& eager,
                           const std::vector<at::Tensor>& args) {
  EXPECT_THAT(ir::VerifyRecording(recording), IsOk()) << ir::PrintGraph(recording.graph);
  std::vector<at::Tensor> inputs = args;
  for (int round = 0; round < 3; ++round) {
    const absl::StatusOr<Outcome> replayed = Replay(recording, inputs);
    ASSERT_THAT(replayed, IsOk()) << ir::PrintGraph(recording.graph);
    EXPECT_EQ(Difference(*replayed, RunEager(eager, inputs)), "")
        << "round " << round << "\n"
        << ir::PrintGraph(recording.graph);
    for (at::Tensor& input : inputs) input = Shuffled(input);
  }
}

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_RECORD_TESTING_H_
