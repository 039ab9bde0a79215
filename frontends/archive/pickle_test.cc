#include "frontends/archive/pickle.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::archive {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;
using Kind = PickleValue::Kind;

const PickleGlobal kGlobals[] = {
    {"t.build", GlobalUse::kFunction},
    {"t.Float", GlobalUse::kStorage, 4, ir::DType::kFloat32},
    {"t.tensor", GlobalUse::kRebuildTensor},
};

absl::StatusOr<Pickle> Read(const std::string& code,
                            PickleDialect dialect = PickleDialect::kTorchScript,
                            bool has_storages = true) {
  static const std::string& bytes = *new std::string(64, 'x');
  const auto storage = [](absl::string_view key) -> absl::StatusOr<absl::string_view> {
    if (key == "0") return absl::string_view(bytes);
    return absl::InvalidArgumentError("no record");
  };
  const auto is_class = [](absl::string_view name) { return name == "m.C"; };
  return ReadPickle(code, {.dialect = dialect,
                           .globals = kGlobals,
                           .storage = storage,
                           .is_class = is_class,
                           .max_storage_bytes = 128,
                           .has_storages = has_storages});
}

// Pieces of code.
const std::string& kBegin = *new std::string("\x80\x02");
std::string Text(const std::string& text) {
  std::string code = "X";
  for (int i = 0; i < 4; ++i) code.push_back(static_cast<char>(text.size() >> i * 8));
  return code + text;
}
std::string Number(uint32_t value) {
  std::string code = "J";
  for (int i = 0; i < 4; ++i) code.push_back(static_cast<char>(value >> i * 8));
  return code;
}
std::string Storage(uint32_t count, const std::string& key = "0") {
  return "(" + Text("storage") + "ct\nFloat\n" + Text(key) + Text("cpu") + Number(count) + "tQ";
}
std::string Tensor(const std::string& storage, uint32_t offset, const std::string& sizes,
                   const std::string& strides) {
  return "ct\ntensor\n(" + storage + Number(offset) + "(" + sizes + "t(" + strides + "ttR";
}
std::string Repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

TEST(PickleTest, BuildsObjectsTensorsAndContainers) {
  const auto pickle = Read(kBegin + "cm\nC\n)\x81}(" + Text("w") +
                           Tensor(Storage(16), 4, Number(3) + Number(2), Number(4) + Number(1)) +
                           Text("l") + "ct\nbuild\n(](K\x01K\x02\x65tRu" + "b.");
  ASSERT_THAT(pickle, IsOk());
  const PickleValue& root = pickle->values[pickle->root];
  ASSERT_EQ(root.kind, Kind::kObject);
  EXPECT_EQ(root.text, "m.C");
  const PickleValue& state = pickle->values[root.items[0]];
  ASSERT_EQ(state.kind, Kind::kDict);
  ASSERT_EQ(state.items.size(), 4u);
  const PickleTensor& tensor = pickle->tensor(pickle->values[state.items[1]]);
  EXPECT_EQ(tensor.dims, (ir::Dims{3, 2}));
  EXPECT_EQ(tensor.offset, 4);
  EXPECT_EQ(tensor.bytes.size(), 64u);
  EXPECT_EQ(pickle->values[state.items[3]].kind, Kind::kObject);
}

struct Case {
  const char* name;
  std::string code;
  const char* message;
};

TEST(PickleTest, RefusesMalice) {
  const std::string one = Number(1);
  const Case cases[] = {
      {"empty", "", "does not begin"},
      {"another protocol", "\x80\x04N.", "does not begin"},
      {"no end", kBegin + "N", "ends before its end mark"},
      {"empty stack", kBegin + ".", "stack is empty"},
      {"left over", kBegin + "NN.", "left over"},
      {"below the mark", kBegin + "N(.", "stack is empty"},
      {"no mark", kBegin + "Nt.", "mark is missing"},
      {"cut text", kBegin + "X\xff\xff\xff\xff.", "cut short"},
      {"odd dictionary", kBegin + "}(Nu.", "key without a value"},
      {"filling a number", kBegin + one + "(Ne.", "no container"},
      {"unknown memory", kBegin + "h\x05.", "never kept"},
      {"memory table of 64 GiB", kBegin + "Nr\xff\xff\xff\xff.", "memory is misused"},
      {"call of a number", kBegin + one + ")R.", "calls no function"},
      {"object of a function", kBegin + "ct\nbuild\n)\x81}b.", "makes no object"},
      {"state of a number", kBegin + one + "}b.", "fills no object"},
      {"a list in itself", kBegin + "]q\x01(h\x01\x65.", "holds itself"},
      {"a dictionary in its value", kBegin + "}q\x01(" + one + "(h\x01tu.", "holds itself"},
      {"deep nesting", kBegin + Repeated("(", 10000) + Repeated("t", 10000) + ".", "nested"},
      {"a tuple as a key", kBegin + "}(N\x85Nu.", "container as a key"},
      {"storage without record", kBegin + Storage(4, "7") + ".", "no record"},
      {"storage longer than its record", kBegin + Storage(17) + ".", "17 elements"},
      {"storage of negative length", kBegin + Storage(0xffffffff) + ".", "malformed"},
      {"the same storage again and again",
       kBegin + "(" + Storage(16) + Storage(16) + Storage(16) + "t.", "again and again"},
      {"offset beyond the storage", kBegin + Tensor(Storage(16), 16, one, one) + ".", "beyond"},
      {"sizes beyond the storage", kBegin + Tensor(Storage(16), 0, Number(17), one) + ".",
       "beyond"},
      {"strides beyond the storage", kBegin + Tensor(Storage(16), 0, Number(2), Number(16)) + ".",
       "beyond"},
      {"negative size", kBegin + Tensor(Storage(16), 0, Number(0xffffffff), one) + ".",
       "malformed"},
      {"negative offset", kBegin + Tensor(Storage(16), 0xfffffff0, one, one) + ".", "malformed"},
      {"fewer strides than sizes", kBegin + Tensor(Storage(16), 0, one + one, one) + ".",
       "malformed"},
      {"absurd sizes",
       kBegin + Tensor(Storage(16), 0, Repeated(Number(0x7fffffff), 3), Repeated(one, 3)) + ".",
       "beyond any memory"},
      {"one element for 8 GiB", kBegin + Tensor(Storage(1), 0, Number(0x7fffffff), Number(0)) + ".",
       "without end"},
      {"tensor of a number", kBegin + Tensor(one, 0, one, one) + ".", "malformed"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(Read(c.code), StatusIs(Code::kInvalidArgument, HasSubstr(c.message))) << c.name;
  }
}

TEST(PickleTest, NamesGlobalsAndInstructionsThatAreNotOnTheList) {
  const Case cases[] = {
      {"shell", kBegin + "cposix\nsystem\n(" + Text("ls") + "tR.", "posix.system"},
      {"eval", kBegin + "cbuiltins\neval\n.", "builtins.eval"},
      {"call of a storage type", kBegin + "ct\nFloat\n)R.", "call of t.Float is not run"},
      {"unprintable", kBegin + "ca\x01\x62\n\x1b[2J\n.", "a?b.?[2J"},
      {"another class", kBegin + "cm\nD\n)\x81.", "m.D"},
      {"instance by name", kBegin + "(im\nC\n.", "0x69"},
      {"protocol 4", kBegin + "N\x94.", "0x94"},
      {"extension registry", kBegin + "\x82\x01.", "0x82"},
      {"bytes", kBegin + "C\x01x.", "0x43"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(Read(c.code), StatusIs(Code::kUnimplemented, HasSubstr(c.message))) << c.name;
  }
}

TEST(PickleTest, ObjectsAreTorchScriptsAndNewProtocolsPythons) {
  EXPECT_THAT(Read(kBegin + "cm\nC\n)\x81}b.", PickleDialect::kTorchSave),
              StatusIs(Code::kUnimplemented));
  EXPECT_THAT(Read("\x80\x04]\x94\x8c\x01xa.", PickleDialect::kTorchSave), IsOk());
}

TEST(PickleTest, TensorsWithoutStoragesHaveSizesOnly) {
  const std::string code = kBegin + Tensor(Storage(99, "7"), 0, Number(99), Number(1)) + ".";
  const auto pickle = Read(code, PickleDialect::kTorchScript, /*has_storages=*/false);
  ASSERT_THAT(pickle, IsOk());
  EXPECT_EQ(pickle->tensors.back().dims, (ir::Dims{99}));
}

TEST(PickleTest, CutAnywhereIsAnError) {
  const std::string code =
      kBegin + "cm\nC\n)\x81}(" + Text("w") + Tensor(Storage(16), 0, Number(16), Number(1)) + "ub.";
  ASSERT_THAT(Read(code), IsOk());
  for (size_t size = 0; size < code.size(); ++size) {
    EXPECT_FALSE(Read(code.substr(0, size)).ok()) << size;
  }
}

}  // namespace
}  // namespace ingot::archive
