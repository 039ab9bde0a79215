#include "frontends/archive/zip_view.h"

#include <string>

#include "core/base/status_matchers.h"
#include "frontends/archive/zip_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::archive {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

TEST(ZipViewTest, RecordsAreSeenInPlace) {
  const std::string zip = MakeZip({{"m/a", "first"}, {"m/b/c", ""}, {"m/d", "third"}});
  const auto view = ZipView::Parse(zip);
  ASSERT_THAT(view, IsOk());
  ASSERT_EQ(view->records().size(), 3u);
  const ZipView::Record* const third = view->Find("m/d");
  ASSERT_NE(third, nullptr);
  EXPECT_EQ(third->bytes, "third");
  EXPECT_GE(third->bytes.data(), zip.data());
  EXPECT_LT(third->bytes.data(), zip.data() + zip.size());
  EXPECT_THAT(CheckCrc(*third), IsOk());
  EXPECT_EQ(view->Find("m/e"), nullptr);
}

TEST(ZipViewTest, AChangedByteIsSeenByTheChecksum) {
  std::string zip = MakeZip({{"m/a", "first"}});
  zip[zip.find("first")] = 'F';
  const auto view = ZipView::Parse(zip);
  ASSERT_THAT(view, IsOk());
  EXPECT_THAT(CheckCrc(view->records()[0]), StatusIs(Code::kDataLoss, HasSubstr("m/a")));
}

TEST(ZipViewTest, TruncatedAnywhereIsAnError) {
  const std::string zip = MakeZip({{"m/a", "first"}, {"m/b", "second"}});
  for (size_t size = 0; size < zip.size(); ++size) {
    EXPECT_FALSE(ZipView::Parse(zip.substr(0, size)).ok()) << size;
  }
}

TEST(ZipViewTest, NamesThatClimbOrRepeatAreRefused) {
  for (const char* name : {"/etc/passwd", "../a", "m/../a", "m/./a", "m\\a", "C:a", "", "m/\x01"}) {
    EXPECT_THAT(ZipView::Parse(MakeZip({{name, "x"}})),
                StatusIs(Code::kDataLoss, HasSubstr("name")))
        << name;
  }
  EXPECT_THAT(ZipView::Parse(MakeZip({{"a", "x"}, {"a", "y"}})),
              StatusIs(Code::kDataLoss, HasSubstr("two records are called a")));
}

std::string WithField(size_t field, char value) {
  std::string zip = MakeZip({{"a", "0123456789"}, {"b", std::string(200, 'x')}});
  zip[EntryAt(zip, 0) + field] = value;
  return zip;
}

TEST(ZipViewTest, CompressedAndEncryptedRecordsAreRefused) {
  EXPECT_THAT(ZipView::Parse(WithField(kEntryMethod, 8)),
              StatusIs(Code::kUnimplemented, HasSubstr("record a is compressed (method 8)")));
  EXPECT_THAT(ZipView::Parse(WithField(kEntryFlags, 1)),
              StatusIs(Code::kUnimplemented, HasSubstr("encrypted")));
}

TEST(ZipViewTest, DeflatedRecordsAreReadWhereAccepted) {
  const std::string text(1000, 'x');
  const std::string zip = MakeZip({{"m/a", text}, {"m/b", "stored"}}, {"m/a"});
  const auto view = ZipView::Parse(zip, ZipView::Deflated::kAccept);
  ASSERT_THAT(view, IsOk());
  std::string buffer;
  EXPECT_THAT(Contents(view->records()[0], 1000, buffer), IsOkAndHolds(text));
  EXPECT_THAT(Contents(view->records()[1], 1000, buffer), IsOkAndHolds("stored"));
  EXPECT_THAT(Contents(view->records()[0], 999, buffer),
              StatusIs(Code::kResourceExhausted, HasSubstr("m/a")));
}

TEST(ZipViewTest, NothingMayFollowTheDirectory) {
  const std::string zip = MakeZip({{"m/a", "first"}});
  EXPECT_THAT(ZipView::Parse(zip + "x"), StatusIs(Code::kDataLoss, HasSubstr("does not end")));
  EXPECT_THAT(ZipView::Parse(zip + zip.substr(zip.size() - 22)), StatusIs(Code::kDataLoss));
}

TEST(ZipViewTest, RecordsThatOverlapOrLieOutsideAreRefused) {
  EXPECT_THAT(ZipView::Parse(WithField(kEntrySize, 11)),
              StatusIs(Code::kDataLoss, HasSubstr("two sizes")));
  std::string longer = WithField(kEntrySize, 60);
  longer[EntryAt(longer, 0) + kEntryPacked] = 60;
  EXPECT_THAT(ZipView::Parse(longer), StatusIs(Code::kDataLoss, HasSubstr("overlap")));
  std::string far = WithField(kEntrySize + 1, 127);
  far[EntryAt(far, 0) + kEntryPacked + 1] = 127;
  EXPECT_THAT(ZipView::Parse(far), StatusIs(Code::kDataLoss, HasSubstr("outside")));
  EXPECT_THAT(ZipView::Parse(WithField(kEntryLocal, 100)), StatusIs(Code::kDataLoss));
}

}  // namespace
}  // namespace ingot::archive
