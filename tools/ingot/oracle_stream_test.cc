#include "tools/ingot/oracle_stream.h"

#include <utility>

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/ingot/tensor_stream.h"

namespace ingot::tools {
namespace {

using Code = absl::StatusCode;

Arguments Floats(std::initializer_list<float> values) {
  Arguments list;
  for (const float value : values) {
    list.push_back(*runtime::HostTensor::Create({ir::DType::kFloat32, {1}}));
    *list.back().data<float>() = value;
  }
  return list;
}

TEST(OracleStreamTest, CallsComeInTheirOrder) {
  std::string calls;
  ASSERT_THAT(AppendCall(Floats({1, 2}), ~uint64_t{0}, calls), IsOk());
  ASSERT_THAT(AppendCall({}, 7, calls), IsOk());
  const auto read = ReadCalls(calls);
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].seed, ~uint64_t{0});
  EXPECT_EQ(*(*read)[0].arguments[1].data<float>(), 2.0F);
  EXPECT_EQ((*read)[1].seed, 7u);
  EXPECT_TRUE((*read)[1].arguments.empty());
}

TEST(OracleStreamTest, ResultsAndArgumentsStayApart) {
  Outcome outcome;
  outcome.results = Floats({3});
  outcome.arguments = Floats({4, 5});
  const auto bytes = WriteOutcome(outcome);
  ASSERT_THAT(bytes, IsOk());
  const auto read = ReadOutcome(*bytes);
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->results.size(), 1u);
  ASSERT_EQ(read->arguments.size(), 2u);
  EXPECT_EQ(*read->arguments[1].data<float>(), 5.0F);
}

TEST(OracleStreamTest, OtherListsAreRefused) {
  std::string one, three;
  ASSERT_THAT(AppendList(Floats({1}), one), IsOk());
  for (int i = 0; i < 3; ++i) ASSERT_THAT(AppendList(Floats({1}), three), IsOk());
  for (const std::string& lists : {std::string(), one, three}) {
    EXPECT_THAT(ReadOutcome(lists), StatusIs(Code::kDataLoss));
  }
  EXPECT_THAT(ReadCalls(one), StatusIs(Code::kDataLoss));
  // A seed that is none.
  EXPECT_THAT(ReadCalls(one + one), StatusIs(Code::kDataLoss));
}

}  // namespace
}  // namespace ingot::tools
