#include "frontends/archive/torchscript_scan.h"

#include <random>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_matchers.h"
#include "frontends/archive/zip_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::archive {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Code = absl::StatusCode;

const std::string& kEmptyTuple = *new std::string("\x80\x02).");
// An object of class __torch__.m.C that holds a tensor of four floats.
std::string Data(const std::string& name = "C") {
  const std::string zero(1, '\0'), three(3, '\0');
  return "\x80\x02" + absl::StrCat("c__torch__.m\n", name) + "\n)\x81}(X\x01" + three +
         "wctorch._utils\n_rebuild_tensor_v2\n((X\x07" + three + "storagectorch\nFloatStorage\nX" +
         "\x01" + three + "0X\x03" + three + "cpuK\x04tQK" + zero + "K\x04\x85K\x01\x85\x89" +
         "ccollections\nOrderedDict\n)RtRub.";
}
constexpr char kCode[] = "class C(Module):\n  w : Tensor\n";

ZipRecords Records() {
  return {
      {"m/data/0", std::string(16, 'w')}, {"m/data.pkl", Data()}, {"m/code/__torch__/m.py", kCode},
      {"m/constants.pkl", kEmptyTuple},   {"m/version", "3\n"},   {"m/byteorder", "little"}};
}

// The records with one replaced, added, or, if `contents` is nullptr, left out.
std::string With(const std::string& name, const char* contents, size_t size) {
  ZipRecords records;
  bool found = false;
  for (auto& [known, bytes] : Records()) {
    if (known != name) {
      records.emplace_back(known, bytes);
    } else if (found = true; contents != nullptr) {
      records.emplace_back(name, std::string(contents, size));
    }
  }
  if (!found) records.emplace_back(name, std::string(contents, size));
  return MakeZip(records);
}
std::string With(const std::string& name, const std::string& contents) {
  return With(name, contents.data(), contents.size());
}
std::string Without(const std::string& name) { return With(name, nullptr, 0); }

std::string WithEntry(int index, size_t field, const std::string& bytes) {
  std::string zip = MakeZip(Records());
  return zip.replace(EntryAt(zip, index) + field, bytes.size(), bytes);
}

TEST(TorchScriptScanTest, TakesASoundArchive) {
  EXPECT_THAT(ScanTorchScript(MakeZip(Records())), IsOk());
  EXPECT_THAT(ScanTorchScript(MakeZip(Records(), {"m/code/__torch__/m.py"})), IsOk());
}

struct Case {
  const char* name;
  std::string bytes;
  Code code;
  const char* message;
};

TEST(TorchScriptScanTest, RefusesMaliceInOneLine) {
  const std::string zeros(3, '\0');
  ZipRecords twice = Records();
  twice.emplace_back("m/data.pkl", kEmptyTuple);
  ZipRecords bomb = Records();
  bomb.emplace_back("m/code/__torch__/b.py", std::string(kMaxUnpackedBytes + 1, ' '));
  std::string wrong_size = MakeZip(Records(), {"m/code/__torch__/m.py"});
  ++wrong_size[EntryAt(wrong_size, 2) + kEntrySize];
  std::string comment = MakeZip(Records());
  comment[comment.size() - 2] = 1;
  const Case cases[] = {
      {"empty", "", Code::kDataLoss, "zip"},
      {"text", "hello, I am no archive at all, but longer", Code::kDataLoss, "zip"},
      {"torch.save of old", "\x80\x02N.", Code::kFailedPrecondition, "torch.save"},
      {"comment", comment + "x", Code::kDataLoss, "does not end with a directory"},
      {"two of a name", MakeZip(twice), Code::kDataLoss, "two records are called m/data.pkl"},
      {"climbing name", With("m/../../etc/passwd", "x"), Code::kDataLoss, "climbs"},
      {"absolute name", With("/etc/passwd", "x"), Code::kDataLoss, "relative"},
      {"several folders", With("n/x", "x"), Code::kDataLoss, "several folders"},
      {"no folder", MakeZip({{"x", "x"}}), Code::kDataLoss, "no folder"},
      {"no records", MakeZip({}), Code::kDataLoss, "no records"},
      {"overlap", WithEntry(1, kEntryLocal, std::string(4, '\0')), Code::kDataLoss, "header"},
      {"outside", WithEntry(1, kEntryLocal, "\xff\xff\xff\x7f"), Code::kDataLoss, "outside"},
      {"two sizes", WithEntry(0, kEntrySize, "\x99"), Code::kDataLoss, "two sizes"},
      {"encrypted", WithEntry(1, kEntryFlags, "\x01"), Code::kUnimplemented, "encrypted"},
      {"unknown compression", WithEntry(1, kEntryMethod, "\x0c"), Code::kUnimplemented,
       "method 12"},
      {"zip bomb", MakeZip(bomb, {"m/code/__torch__/b.py"}), Code::kResourceExhausted, "256 MiB"},
      {"grows beyond its size", wrong_size, Code::kDataLoss, "decompress"},
      {"checksum", WithEntry(1, kEntryCrc, "\x01\x02"), Code::kDataLoss, "m/data.pkl is damaged"},
      {"no data", Without("m/data.pkl"), Code::kDataLoss, "no data.pkl"},
      {"no constants", Without("m/constants.pkl"), Code::kDataLoss, "no constants.pkl"},
      {"no version", Without("m/version"), Code::kDataLoss, "version"},
      {"strange version", With("m/version", "one"), Code::kFailedPrecondition, "m/version"},
      {"long version", With("m/version", std::string(1000, '1')), Code::kResourceExhausted,
       "m/version"},
      {"big-endian", With("m/byteorder", "big"), Code::kFailedPrecondition, "m/byteorder"},
      {"of before 1.2", With("m/model.json", "{}"), Code::kFailedPrecondition, "1.2"},
      {"torch.export", MakeZip({{"m/archive_format", "pt2"}}), Code::kFailedPrecondition, ".pt2"},
      {"shell",
       With("m/data.pkl",
            "\x80\x02"
            "cos\nsystem\n(X\x02" +
                zeros + "lstR."),
       Code::kPermissionDenied, "record m/data.pkl: pickle: the global os.system"},
      {"shell in constants",
       With("m/constants.pkl",
            "\x80\x02"
            "cos\nsystem\n."),
       Code::kPermissionDenied, "m/constants.pkl"},
      {"shell in an unused pickle",
       With("m/attributes.pkl",
            "\x80\x02"
            "cos\nsystem\n."),
       Code::kPermissionDenied, "m/attributes.pkl"},
      {"object in debug information",
       With("m/code/__torch__/m.py.debug_pkl",
            "\x80\x02"
            "c__torch__.m\nC\n."),
       Code::kPermissionDenied, "m/code/__torch__/m.py.debug_pkl"},
      {"class without source", Without("m/code/__torch__/m.py"), Code::kPermissionDenied,
       "__torch__.m.C"},
      {"class of another module",
       With("m/data.pkl",
            "\x80\x02"
            "c__main__\nC\n."),
       Code::kPermissionDenied, "__main__.C"},
      {"short storage", With("m/data/0", std::string(15, 'w')), Code::kDataLoss,
       "record m/data.pkl: pickle: the storage 0 of 4 elements has a record of 15 bytes"},
      {"no storage", Without("m/data/0"), Code::kDataLoss, "its storage 0 has no record"},
      {"compressed storage", MakeZip(Records(), {"m/data/0"}), Code::kDataLoss, "compressed"},
      {"unknown instruction", With("m/data.pkl", "\x80\x02\xff"), Code::kUnimplemented, "0xff"},
      {"nested source", With("m/code/__torch__/m.py", std::string(5000, '(')), Code::kDataLoss,
       "record m/code/__torch__/m.py: line 1: brackets"},
      {"nested type name",
       With("m/constants.pkl",
            "\x80\x02"
            "ctorch.jit._pickle\nrestore_type_tag\n(]X\xff\x01" +
                std::string(2, '\0') + std::string(0x1ff, '[') + "tR\x85."),
       Code::kDataLoss, "a type's name"},
      {"source that writes a file",
       With("m/code/__torch__/m.py", "def f(x):\n  torch.save(x, \"f\")\n"),
       Code::kPermissionDenied, "line 2: calls save"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(ScanTorchScript(c.bytes),
                StatusIs(c.code, AllOf(HasSubstr(c.message), Not(HasSubstr("\n")))))
        << c.name;
  }
}

TEST(TorchScriptScanTest, CutAnywhereIsAnError) {
  const std::string zip = MakeZip(Records(), {"m/code/__torch__/m.py"});
  for (size_t size = 0; size < zip.size(); ++size) {
    EXPECT_FALSE(ScanTorchScript(zip.substr(0, size)).ok()) << size;
  }
}

// Every bit of every byte: a status in one line or a success, and no success where a checksum
// covers what changed.
TEST(TorchScriptScanTest, FlippedBitsAreSeenOrHarmless) {
  const std::string zip = MakeZip(Records(), {"m/code/__torch__/m.py"});
  size_t accepted = 0;
  for (size_t at = 0; at < zip.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = zip;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      const absl::Status status = ScanTorchScript(flipped);
      EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
      accepted += status.ok() ? 1 : 0;
    }
  }
  // Weights, times, versions, attributes.
  EXPECT_LT(accepted, zip.size() * 8 / 3);
}

}  // namespace
}  // namespace ingot::archive
