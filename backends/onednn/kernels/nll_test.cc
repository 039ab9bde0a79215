#include "backends/onednn/kernels/nll.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;

TEST(NllTest, Reductions) {
  const float x[] = {-1, -2, -3, -4, -5, -6};  // [3, 2]
  const int64_t target[] = {1, 0, -100};
  const float weight[] = {0.5f, 2};
  float output[3], total = -1;
  NllArgs args;
  args.batch = 3;
  args.classes = 2;
  args.x = x;
  args.target = target;
  args.weight = weight;
  args.output = output;
  args.total_weight = &total;
  args.reduction = NllArgs::Reduction::kNone;
  ASSERT_TRUE(NegativeLogLikelihood(args).ok());
  EXPECT_THAT(output, ElementsAre(4, 1.5, 0));
  EXPECT_EQ(total, 0);
  args.reduction = NllArgs::Reduction::kSum;
  ASSERT_TRUE(NegativeLogLikelihood(args).ok());
  EXPECT_EQ(output[0], 5.5f);
  EXPECT_EQ(total, 2.5f);
  args.reduction = NllArgs::Reduction::kMean;
  ASSERT_TRUE(NegativeLogLikelihood(args).ok());
  EXPECT_FLOAT_EQ(output[0], 2.2f);
}

TEST(NllTest, AllIgnoredAndOutOfRange) {
  const float x[] = {-1, -2};
  int64_t target[] = {-100};
  float output[1];
  NllArgs args;
  args.classes = 2;
  args.x = x;
  args.target = target;
  args.output = output;
  ASSERT_TRUE(NegativeLogLikelihood(args).ok());
  EXPECT_TRUE(std::isnan(output[0]));
  target[0] = 2;
  EXPECT_EQ(NegativeLogLikelihood(args).code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace ingot::kernels
