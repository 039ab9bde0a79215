#include "tools/ingot/npz.h"

#include <gtest/gtest.h>
#include <zip.h>

#include <cstring>
#include <filesystem>

#include "core/base/status_matchers.h"
#include "tools/ingot/elements.h"
#include "tools/ingot/files.h"
#include "tools/ingot/npy.h"

namespace ingot::tools {
namespace {

using absl::StatusCode;
using testing::AnyOf;
using testing::HasSubstr;

std::string TempPath(const std::string& name) { return testing::TempDir() + "/" + name; }

// What NumPy 1.26 writes for np.save of the array that the dictionary describes.
std::string Npy(const std::string& dict, const std::string& data, int major = 1) {
  std::string out("\x93NUMPY", 6);
  out += static_cast<char>(major);
  out += '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) {
    out += static_cast<char>((dict.size() >> (8 * i)) & 0xff);
  }
  return out + dict + data;
}

void WriteZip(const std::string& path, const std::string& entry, const std::string& content,
              int32_t method = ZIP_CM_STORE) {
  std::filesystem::remove(path);
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE, nullptr);
  ASSERT_NE(archive, nullptr);
  zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
  ASSERT_EQ(zip_file_add(archive, entry.c_str(), source, 0), 0);
  zip_set_file_compression(archive, 0, method, 0);
  ASSERT_EQ(zip_close(archive), 0);
}

std::string Bytes(std::initializer_list<float> values) {
  std::string out(values.size() * 4, '\0');
  std::memcpy(out.data(), values.begin(), out.size());
  return out;
}

constexpr char kDict[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n";

TEST(NpzTest, EveryDTypeRoundTrips) {
  for (int code = 0; code < ir::kNumDTypes; ++code) {
    const ir::DType dtype = static_cast<ir::DType>(code);
    auto tensor = runtime::HostTensor::Create({dtype, {2, 3}});
    ASSERT_THAT(tensor, IsOk());
    for (int64_t i = 0; i < 6; ++i) StoreElement(tensor->view(), i, i % 2);
    const std::string path = TempPath("dtype.npz");
    ASSERT_THAT(WriteNpz(path, {{"arg0", tensor->view()}}), IsOk());
    auto read = ReadArguments(path);
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ((*read)[0].type(), tensor->type());
    EXPECT_EQ(RowMajorBytes((*read)[0].view()), RowMajorBytes(tensor->view()));
  }
}

TEST(NpzTest, ReadsVersions1To3AndDeflate) {
  const std::string path = TempPath("versions.npz");
  for (const int major : {1, 2, 3}) {
    WriteZip(path, "arg0.npy", Npy(kDict, Bytes({1, 2, 3, 4}), major), ZIP_CM_DEFLATE);
    auto read = ReadArguments(path);
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(ElementsAsDouble((*read)[0].view()), (std::vector<double>{1, 2, 3, 4}));
  }
}

TEST(NpzTest, FortranOrderBecomesRowMajor) {
  const std::string path = TempPath("fortran.npz");
  WriteZip(
      path, "arg0.npy",
      Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }\n", Bytes({1, 2, 3, 4})));
  auto read = ReadArguments(path);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(ElementsAsDouble((*read)[0].view()), (std::vector<double>{1, 3, 2, 4}));
}

TEST(NpzTest, ScalarsAndEmptyArrays) {
  const std::string path = TempPath("scalar.npz");
  WriteZip(path, "arg0.npy",
           Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", Bytes({7})));
  auto read = ReadArguments(path);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ((*read)[0].type().rank(), 0);
  WriteZip(path, "arg0.npy",
           Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", ""));
  read = ReadArguments(path);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ((*read)[0].type().NumElements(), 0);
}

TEST(NpzTest, NoArrayAtAllRoundTrips) {
  const std::string path = TempPath("empty.npz");
  ASSERT_THAT(WriteNpz(path, {}), IsOk());
  const absl::StatusOr<std::vector<NamedTensor>> arrays = ReadNpz(path);
  ASSERT_THAT(arrays, IsOk());
  EXPECT_TRUE(arrays->empty());
}

TEST(NpzTest, ArgumentsAreOrderedByNumberAndComplete) {
  auto one = runtime::HostTensor::Create({ir::DType::kFloat32, {1}});
  auto two = runtime::HostTensor::Create({ir::DType::kFloat32, {2}});
  const std::string path = TempPath("order.npz");
  ASSERT_THAT(WriteNpz(path, {{"arg1", two->view()}, {"arg0", one->view()}}), IsOk());
  auto read = ReadArguments(path);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ((*read)[1].type().dims, (ir::Dims{2}));
  ASSERT_THAT(WriteNpz(path, {{"arg0", one->view()}, {"x", two->view()}}), IsOk());
  EXPECT_THAT(ReadArguments(path), StatusIs(StatusCode::kInvalidArgument, HasSubstr("no arg1")));
}

struct BadArray {
  std::string name, content, message;
};

TEST(NpzTest, RefusesMalformedArrays) {
  const std::string data = Bytes({1, 2, 3, 4});
  const BadArray cases[] = {
      {"not an array", "hello", "not a .npy array"},
      {"cut in the magic", std::string("\x93NUM", 4), "not a .npy array"},
      {"cut in the header", Npy(kDict, "").substr(0, 20), "cut off"},
      {"header longer than the file", std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12), "too long"},
      {"version 9", Npy(kDict, data, 9), "version 9"},
      {"too few elements", Npy(kDict, data.substr(4)), "holds 12 bytes of elements"},
      {"too many elements", Npy(kDict, data + "x"), "holds 17 bytes of elements"},
      {"huge",
       Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", data),
       "too large"},
      {"huge beside zero",
       Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4), }", ""),
       "too large"},
      {"more than 63 bits",
       Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", data),
       "63 bits"},
      {"negative", Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", data),
       "a size"},
      {"objects", Npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", data),
       "'|O' is not supported"},
      {"structured",
       Npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", data),
       "structured"},
      {"big-endian", Npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 2), }", data),
       ".astype('<f4')"},
      {"uint16", Npy("{'descr': '<u2', 'fortran_order': False, 'shape': (8,), }", data), ".bf16"},
      {"no shape", Npy("{'descr': '<f4', 'fortran_order': False, }", data), "lacks one of"},
      {"unclosed", Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2", data), "')'"},
      {"no dictionary", Npy("                 ", data), "'{'"},
      {"trailing text", Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), } x", data),
       "nothing more"},
  };
  const std::string path = TempPath("bad.npz");
  for (const BadArray& bad : cases) {
    SCOPED_TRACE(bad.name);
    WriteZip(path, "arg0.npy", bad.content);
    EXPECT_THAT(ReadNpz(path),
                StatusIs(AnyOf(StatusCode::kInvalidArgument, StatusCode::kDataLoss),
                         testing::AllOf(HasSubstr("array arg0"), HasSubstr(bad.message))));
  }
}

TEST(NpzTest, RefusesWhatIsNoArchive) {
  EXPECT_THAT(ReadNpz(TempPath("none.npz")),
              StatusIs(StatusCode::kNotFound, HasSubstr("none.npz")));
  EXPECT_THAT(ReadNpz(testing::TempDir()), StatusIs(StatusCode::kInvalidArgument));
  const std::string path = TempPath("text.npz");
  ASSERT_THAT(WriteFile(path, "no zip at all"), IsOk());
  EXPECT_THAT(ReadNpz(path), StatusIs(StatusCode::kInvalidArgument, HasSubstr("not a .npz")));
}

// Every truncation and every damaged byte is either refused or harmless; it never crashes or reads
// wrong elements.
TEST(NpzTest, DamagedArchivesNeverYieldWrongElements) {
  const std::string path = TempPath("whole.npz");
  const std::string data = Bytes({1, 2, 3, 4});
  WriteZip(path, "arg0.npy", Npy(kDict, data), ZIP_CM_DEFLATE);
  auto whole = ReadFile(path);
  ASSERT_THAT(whole, IsOk());
  const std::string damaged = TempPath("damaged.npz");
  const auto check = [&](const std::string& bytes) {
    ASSERT_THAT(WriteFile(damaged, bytes), IsOk());
    auto read = ReadNpz(damaged);
    if (read.ok() && !read->empty()) {
      EXPECT_EQ(RowMajorBytes((*read)[0].tensor.view()), data);
    }
  };
  for (size_t cut = 0; cut < whole->size(); cut += 7) check(whole->substr(0, cut));
  for (size_t at = 0; at < whole->size(); at += 3) {
    std::string bytes = *whole;
    bytes[at] = static_cast<char>(~bytes[at]);
    check(bytes);
  }
}

}  // namespace
}  // namespace ingot::tools
