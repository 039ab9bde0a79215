#include "backends/onednn/dims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ingot::onednn {
namespace {

using testing::ElementsAre;

TEST(DimsTest, NegativeDimensionsCountFromTheEnd) {
  EXPECT_EQ(Wrap(-1, 4), 3);
  EXPECT_EQ(Wrap(2, 4), 2);
}

TEST(DimsTest, AListOfOneIsForAllDimensions) {
  const int64_t one[] = {3}, two[] = {1, 2};
  EXPECT_THAT(Spread(one, 2), ElementsAre(3, 3));
  EXPECT_THAT(Spread(two, 2), ElementsAre(1, 2));
}

TEST(DimsTest, WhatLiesAroundADimension) {
  const int64_t dims[] = {2, 3, 5, 7};
  const Span3 middle = Around(dims, -2);
  EXPECT_EQ(middle.outer, 6);
  EXPECT_EQ(middle.n, 5);
  EXPECT_EQ(middle.inner, 7);
  const Span3 number = Around({}, 0);
  EXPECT_EQ(number.outer * number.n * number.inner, 1);
}

}  // namespace
}  // namespace ingot::onednn
