#include "backends/onednn/strips.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::onednn {
namespace {

// A window of lines: each is the sum of the lines under it times its weight, which stands for a
// convolution. Lines are `width` floats.
struct Window {
  int64_t extent, stride, padding;
};

int64_t OutLines(const Window& w, int64_t in_lines) {
  return (in_lines + 2 * w.padding - w.extent) / w.stride + 1;
}

void Apply(const Window& w, int64_t width, int64_t in_lines, const LineStep::Call& call) {
  for (int64_t line = call.begin; line < call.end; ++line) {
    for (int64_t i = 0; i < width; ++i) {
      float sum = 1;
      for (int64_t tap = 0; tap < w.extent; ++tap) {
        const int64_t from = line * w.stride - w.padding + tap;
        if (from < 0 || from >= in_lines) continue;
        ASSERT_GE(from, call.in_begin);
        ASSERT_LT(from, call.in_end);
        sum += static_cast<float>(tap + 1) * call.x[(from - call.in_begin) * width + i];
      }
      call.y[(line - call.begin) * width + i] = sum;
    }
  }
}

LineStep Step(const Window& w, int64_t images, int64_t width, int64_t in_lines) {
  LineStep step;
  step.images = images;
  step.in_lines = in_lines;
  step.out_lines = OutLines(w, in_lines);
  step.extent = w.extent;
  step.stride = w.stride;
  step.padding = w.padding;
  step.in_line_bytes = step.out_line_bytes = static_cast<size_t>(width) * sizeof(float);
  step.in = 0;
  step.out = 1;
  step.run = [=](const StepArgs&, const LineStep::Call& call) { Apply(w, width, in_lines, call); };
  return step;
}

std::vector<float> StepByStep(const std::vector<LineStep>& steps, std::vector<float> x,
                              int64_t width) {
  for (const LineStep& step : steps) {
    std::vector<float> y(step.images * step.out_lines * width);
    for (int64_t image = 0; image < step.images; ++image) {
      LineStep::Call call;
      call.image = image;
      call.end = step.out_lines;
      call.x = x.data() + image * step.in_lines * width;
      call.in_end = step.in_lines;
      call.y = y.data() + image * step.out_lines * width;
      step.run(StepArgs(nullptr, nullptr, 1), call);
    }
    x = std::move(y);
  }
  return x;
}

TEST(LinesForTest, StayInsideOfTheImage) {
  const LineStep step = Step({3, 2, 1}, 1, 4, 9);  // 5 lines
  EXPECT_EQ(LinesFor(step, {0, 1}), (LineRange{0, 2}));
  EXPECT_EQ(LinesFor(step, {1, 3}), (LineRange{1, 6}));
  EXPECT_EQ(LinesFor(step, {4, 5}), (LineRange{7, 9}));
}

struct ChainCase {
  std::vector<Window> windows;
  int64_t images, lines;
};

class StripChainTest : public testing::TestWithParam<ChainCase> {};

TEST_P(StripChainTest, MakesWhatTheStepsMake) {
  constexpr int64_t kWidth = 16;
  const ChainCase& c = GetParam();
  std::vector<LineStep> steps;
  std::vector<StripChain::Link> links;
  int64_t lines = c.lines;
  for (const Window& window : c.windows) {
    steps.push_back(Step(window, c.images, kWidth, lines));
    links.push_back({steps.back(), static_cast<int>(2 * links.size())});
    lines = steps.back().out_lines;
  }
  std::vector<float> x(c.images * c.lines * kWidth);
  std::iota(x.begin(), x.end(), -7.0f);
  const std::vector<float> expected = StepByStep(steps, x, kWidth);
  for (const int64_t budget : {0, 512, 2000, 1 << 20}) {
    for (const int threads : {1, 2, 3}) {
      const StripChain chain(links, budget);
      EXPECT_TRUE(chain.height() == 1 || chain.scratch_bytes() <= static_cast<size_t>(budget));
      std::vector<char> scratch(chain.scratch_bytes() * threads);
      std::vector<float> y(expected.size());
      char* const bases[] = {reinterpret_cast<char*>(x.data()), scratch.data(),
                             reinterpret_cast<char*>(y.data())};
      std::vector<Ref> refs(2 * links.size(), Ref{1, 0});
      refs.front() = {0, 0};
      refs.back() = {2, 0};
      refs.push_back({1, 0});
      chain.Run(StepArgs(bases, refs.data(), threads), static_cast<int>(2 * links.size()));
      EXPECT_EQ(y, expected) << "budget " << budget << ", " << threads << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Chains, StripChainTest,
    testing::Values(ChainCase{{{1, 1, 0}, {3, 1, 1}, {1, 1, 0}}, 1, 11},
                    ChainCase{{{1, 1, 0}, {3, 2, 1}, {1, 1, 0}}, 2, 12},
                    ChainCase{{{3, 2, 0}, {3, 1, 1}}, 1, 23},
                    ChainCase{{{5, 1, 2}, {5, 1, 2}, {7, 1, 3}}, 1, 9},
                    ChainCase{{{1, 1, 0}, {1, 2, 0}, {3, 1, 1}, {1, 1, 0}}, 3, 8},
                    // Strides that leave lines out, borders wider than the window's reach.
                    ChainCase{{{1, 1, 0}, {1, 3, 0}}, 1, 10},
                    ChainCase{{{1, 1, 0}, {2, 2, 3}, {1, 1, 2}}, 1, 5}));

}  // namespace
}  // namespace ingot::onednn
