#include "frontends/pt2/unpickle.h"

#include <string>

#include "core/base/status_matchers.h"
#include "frontends/archive/zip_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::pt2 {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;
using archive::MakeZip;
using archive::PickleValue;
using Kind = PickleValue::Kind;

std::string Archive(const std::string& code, const std::string& storage = "") {
  return MakeZip({{"archive/data.pkl", code}, {"archive/data/0", storage}});
}

// A storage of `count` floats, on the stack: what torch.save writes.
constexpr char kStorage[] =
    "(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"
    "0X\x03\0\0\0cpuK\x04tQ";
std::string Storage() { return std::string(kStorage, sizeof(kStorage) - 1); }

TEST(UnpickleTest, BuildsTensorsInContainers) {
  const std::string code = std::string("\x80\x02") + "ctorch._utils\n_rebuild_tensor_v2\n(" +
                           Storage() +
                           "K\x01K\x03\x85K\x01\x85\x89"
                           "ccollections\nOrderedDict\n)RtR" +
                           "N\x86.";
  const std::string zip = Archive(code, std::string(16, 'x'));
  const auto pickle = ReadTorchPickle(zip);
  ASSERT_THAT(pickle, IsOk());
  const PickleValue& root = pickle->values[pickle->root];
  ASSERT_EQ(root.kind, Kind::kTuple);
  const PickleValue& tensor = pickle->values[root.items[0]];
  EXPECT_EQ(tensor.kind, Kind::kTensor);
  const archive::PickleTensor& stored = pickle->tensor(tensor);
  EXPECT_EQ(stored.dtype, ir::DType::kFloat32);
  EXPECT_EQ(stored.dims, (ir::Dims{3}));
  EXPECT_EQ(stored.offset, 1);
  EXPECT_EQ(pickle->values[root.items[1]].kind, Kind::kNone);
  // One element too few.
  const std::string cut = Archive(code, std::string(12, 'x'));
  EXPECT_THAT(ReadTorchPickle(cut), StatusIs(Code::kInvalidArgument, HasSubstr("12 bytes")));
}

TEST(UnpickleTest, RunsNothingThatIsNotOnTheList) {
  const auto read = [](const std::string& code) { return ReadTorchPickle(Archive(code)).status(); };
  EXPECT_THAT(read("\x80\x02"
                   "cposix\nsystem\n(X\x02\0\0\0lstR."),
              StatusIs(Code::kUnimplemented, HasSubstr("posix.system")));
  EXPECT_THAT(read("\x80\x02"
                   "cbuiltins\neval\n."),
              StatusIs(Code::kUnimplemented, HasSubstr("builtins.eval")));
  EXPECT_THAT(read("\x80\x02"
                   "ctorch\nFloatStorage\n)R."),
              StatusIs(Code::kUnimplemented));
  EXPECT_THAT(read("\x80\x02(i."), StatusIs(Code::kUnimplemented, HasSubstr("0x69")));
}

TEST(UnpickleTest, RefusesWhatMakesNoSense) {
  for (const std::string code :
       {"", "\x80", "\x80\x09.", "\x80\x02", "\x80\x02.", "\x80\x02t.", "\x80\x02h\x01.",
        "\x80\x02X\xff\xff\xff\xff.", "\x80\x02Na.", "\x80\x02NNR.", "\x80\x02(Nu."}) {
    EXPECT_FALSE(ReadTorchPickle(Archive(code)).ok()) << code;
  }
  EXPECT_FALSE(ReadTorchPickle("").ok());
  EXPECT_FALSE(ReadTorchPickle(MakeZip({{"a", ""}})).ok());
}

}  // namespace
}  // namespace ingot::pt2
