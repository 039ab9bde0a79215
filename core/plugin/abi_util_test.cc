#include "core/plugin/abi_util.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/base/status_matchers.h"

namespace ingot::plugin {
namespace {

using ::testing::AllOf;
using ::testing::Eq;
using ::testing::HasSubstr;

constexpr size_t kOldInfoSize = offsetof(ingot_backend_info, library_version);

TEST(ReadStructTest, ZeroesWhatAnOlderWriterDoesNotKnow) {
  ingot_backend_info info{};
  info.struct_size = kOldInfoSize;
  info.name = "old";
  info.library_version = "garbage beyond the writer's struct";
  const ingot_backend_info read = ReadStruct(&info);
  EXPECT_STREQ(read.name, "old");
  EXPECT_EQ(read.library_version, nullptr);
  EXPECT_EQ(read.struct_size, kOldInfoSize);
}

TEST(ReadStructTest, TakesNoMoreThanItKnowsFromANewerWriter) {
  struct Newer {
    ingot_backend_info info;
    uint64_t added;
  } newer{};
  newer.info.struct_size = sizeof(newer);
  newer.info.sanitizer = 4;
  const ingot_backend_info read = ReadStruct(&newer.info);
  EXPECT_EQ(read.sanitizer, 4u);
  EXPECT_EQ(read.struct_size, sizeof(ingot_backend_info));
}

TEST(ReadStructTest, YieldsZeroesForNull) {
  EXPECT_EQ(ReadStruct<ingot_backend_info>(nullptr).struct_size, 0u);
}

TEST(WriteStructTest, WritesNoMoreThanTheCapacity) {
  ingot_backend_info out{};
  out.struct_size = kOldInfoSize;
  ingot_backend_info value{};
  value.name = "new";
  value.library_version = "not for an older reader";
  WriteStruct(value, &out);
  EXPECT_STREQ(out.name, "new");
  EXPECT_EQ(out.library_version, nullptr);
  EXPECT_EQ(out.struct_size, kOldInfoSize);
}

TEST(ReadElementTest, FollowsTheStride) {
  struct Wide {
    ingot_option option;
    uint64_t added;
  } wide[2] = {};
  wide[1].option.i = 7;
  EXPECT_EQ(ReadElement(&wide[0].option, 1, sizeof(Wide)).i, 7);
}

TEST(ReadElementTest, ZeroesBeyondANarrowStride) {
  const ingot_option options[2] = {{"a", 0, 0, "x", 1, 2.0}, {"b", 0, 0, "y", 3, 4.0}};
  const ingot_option read = ReadElement(options, 0, offsetof(ingot_option, i));
  EXPECT_STREQ(read.s, "x");
  EXPECT_EQ(read.i, 0);
}

TEST(StoreErrorTest, TruncatesAndTellsTheFullLength) {
  char text[4] = {'#', '#', '#', '#'};
  ingot_error_buf buffer{text, sizeof(text), 0};
  EXPECT_EQ(StoreError(&buffer, INGOT_NOT_FOUND, "long text"), INGOT_NOT_FOUND);
  EXPECT_STREQ(text, "lon");
  EXPECT_EQ(buffer.length, 9u);
}

TEST(StoreErrorTest, BearsBuffersWithoutRoom) {
  EXPECT_EQ(StoreError(nullptr, INGOT_INTERNAL, "x"), INGOT_INTERNAL);
  ingot_error_buf empty{nullptr, 0, 0};
  EXPECT_EQ(StoreError(&empty, absl::NotFoundError("x")), INGOT_NOT_FOUND);
  EXPECT_EQ(empty.length, 1u);
}

TEST(ErrorTextTest, CarriesCodeAndTextOver) {
  ErrorText error;
  StoreError(error.buffer(), INGOT_INVALID_ARGUMENT, "no such option");
  EXPECT_THAT(error.ToStatus(INGOT_INVALID_ARGUMENT, "backend x"),
              StatusIs(absl::StatusCode::kInvalidArgument, Eq("backend x: no such option")));
  EXPECT_THAT(error.ToStatus(INGOT_OK, "backend x"), IsOk());
}

TEST(ErrorTextTest, SurvivesATextWithoutNulAndAWrongLength) {
  ErrorText error;
  std::memset(error.buffer()->text, 'a', error.buffer()->capacity);
  error.buffer()->length = ~size_t{0};
  EXPECT_EQ(error.text(), std::string(error.buffer()->capacity, 'a'));
}

TEST(ErrorTextTest, SurvivesAClobberedDescriptor) {
  ErrorText error;
  *error.buffer() = {nullptr, ~size_t{0}, 5};
  EXPECT_THAT(error.ToStatus(INGOT_INTERNAL, "x"),
              StatusIs(absl::StatusCode::kInternal, Eq("x: no reason given")));
}

TEST(ErrorTextTest, PutsTheTextOnOneLine) {
  ErrorText error;
  StoreError(error.buffer(), INGOT_INTERNAL, "a\nb\tc\x7f");
  EXPECT_EQ(error.text(), "a b c ");
}

TEST(ErrorTextTest, TurnsUnknownCodesIntoInternal) {
  ErrorText error;
  for (const ingot_status code : {-1, 17, 1 << 30}) {
    EXPECT_THAT(error.ToStatus(code, "x"),
                StatusIs(absl::StatusCode::kInternal,
                         AllOf(HasSubstr("unknown status"), HasSubstr(std::to_string(code)))));
  }
}

}  // namespace
}  // namespace ingot::plugin
