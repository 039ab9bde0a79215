#include "core/artifact/artifact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/base/faulty_env.h"
#include "core/base/status_matchers.h"
#include "core/ir/builder.h"
#include "core/ir/serialize.h"
#include "core/ir/text.h"

namespace ingot::artifact {
namespace {

using ir::DType;
using ir::Recording;
using ir::TensorType;
using ir::ValueId;
using ir::ValueRef;
using ::testing::HasSubstr;

const TensorType kX = {DType::kFloat32, {2, 3}};

ir::Constant MakeConstant(TensorType type, float first) {
  auto data = std::make_shared<std::vector<float>>(type.NumElements());
  for (size_t i = 0; i < data->size(); ++i) (*data)[i] = first + static_cast<float>(i);
  ir::Constant constant;
  constant.type = std::move(type);
  constant.data = data->data();
  constant.digest = ir::Sha256(constant.data, constant.type.NumBytes());
  constant.owner = data;
  return constant;
}

// Two different weights, a third equal to the first, an empty one, a state equal to a weight,
// scalars of every kind, aliases and strides.
Recording MakeRecording() {
  Recording r;
  r.constants = {MakeConstant(kX, 1), MakeConstant({DType::kFloat32, {5}}, 2), MakeConstant(kX, 1),
                 MakeConstant({DType::kFloat32, {0, 3}}, 0)};
  r.initial_state = {MakeConstant(kX, 1), MakeConstant(kX, 7)};
  ir::GraphBuilder b("model");
  ValueId x = b.Argument(kX);
  const ValueId y = b.Argument(kX);
  const char* names[] = {"w0", "w1", "w2", "empty"};
  std::vector<ValueId> weights;
  for (size_t i = 0; i < r.constants.size(); ++i) {
    weights.push_back(b.Constant(r.constants[i].type, r.constants[i].digest, names[i]));
  }
  const ValueId state = b.State(kX);
  b.State(kX);
  for (DType dtype : {DType::kFloat64, DType::kInt64, DType::kBool, DType::kComplex128}) {
    b.Scalar(dtype);
  }
  x = b.Op("aten::add.Tensor", {ValueRef{x}, ValueRef{weights[0]}});
  b.graph().mutable_nodes().back().source = "model.py:7";
  x = b.Op("aten::mul.Tensor", {ValueRef{x}, ValueRef{weights[2]}});
  x = b.Op("aten::add.Tensor", {ValueRef{x}, ValueRef{state}});
  b.Opaque("mylib::use", {ir::ValueRefList{{weights[1], weights[3], y}}}, {});
  b.StateUpdate(0, x);
  b.Result(x);
  absl::StatusOr<ir::Graph> graph = std::move(b).Build();
  EXPECT_THAT(graph, IsOk());
  r.graph = *std::move(graph);
  r.scalars = {{false, 0, -0.0},
               {true, 0, int64_t{3}},
               {false, 0, true},
               {false, 0, std::complex<double>(1, -2)}};
  r.signature.arguments = {{kX, {}}, {kX, {1, 2}}};
  r.signature.aliases = {{0, 0}, {0, 4}};
  ir::Structure number;
  number.kind = ir::Structure::Kind::kInt;
  number.slot = 0;
  r.signature.arguments_structure =
      ir::Structure::Tuple({ir::Structure::Tensor(0), number, ir::Structure::Tensor(1)});
  return r;
}

std::string Bytes(const ir::Constant& c) {
  return std::string(static_cast<const char*>(c.data), c.type.NumBytes());
}

void ExpectSameConstants(const std::vector<ir::Constant>& a, const std::vector<ir::Constant>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].digest, b[i].digest) << i;
    EXPECT_EQ(a[i].type, b[i].type) << i;
    EXPECT_EQ(Bytes(a[i]), Bytes(b[i])) << i;
  }
}

void ExpectSame(const Recording& a, const Recording& b) {
  EXPECT_EQ(ir::PrintGraph(a.graph), ir::PrintGraph(b.graph));
  EXPECT_EQ(ir::ToCanonicalBytes(a.graph), ir::ToCanonicalBytes(b.graph));
  ExpectSameConstants(a.constants, b.constants);
  ExpectSameConstants(a.initial_state, b.initial_state);
  EXPECT_TRUE(a.signature == b.signature);
  ASSERT_EQ(a.scalars.size(), b.scalars.size());
  for (size_t i = 0; i < a.scalars.size(); ++i) {
    EXPECT_EQ(a.scalars[i].is_argument, b.scalars[i].is_argument);
    EXPECT_EQ(a.scalars[i].argument, b.scalars[i].argument);
    EXPECT_EQ(a.scalars[i].literal, b.scalars[i].literal);
  }
}

// One read-only file in memory, aligned as a mapping is.
class MemoryEnv : public Env {
 public:
  explicit MemoryEnv(absl::string_view bytes) : bytes_(bytes) {}

  absl::StatusOr<std::shared_ptr<const ReadableMapping>> Map(const std::string&) override {
    return std::make_shared<Mapping>(bytes_);
  }
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string&) override {
    return absl::UnimplementedError("read-only");
  }
  absl::Status Rename(const std::string&, const std::string&) override {
    return absl::UnimplementedError("read-only");
  }
  absl::Status Remove(const std::string&) override { return absl::UnimplementedError("read-only"); }
  absl::Status FsyncDir(const std::string&) override {
    return absl::UnimplementedError("read-only");
  }

 private:
  class Mapping : public ReadableMapping {
   public:
    explicit Mapping(absl::string_view bytes)
        : blocks_(bytes.size() / sizeof(Block) + 1), size_(bytes.size()) {
      std::memcpy(blocks_.data(), bytes.data(), bytes.size());
    }
    absl::string_view bytes() const override {
      return absl::string_view(reinterpret_cast<const char*>(blocks_.data()), size_);
    }

   private:
    struct alignas(64) Block {
      char bytes[64];
    };
    std::vector<Block> blocks_;
    size_t size_;
  };

  const absl::string_view bytes_;
};

absl::StatusOr<Artifact> ReadBytes(absl::string_view bytes) {
  MemoryEnv env(bytes);
  return ReadArtifact("memory", {}, env);
}

class ArtifactTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    path_ = folder_ + "/m.ingot";
  }

  std::string ReadFile() const {
    std::ifstream in(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  void WriteFile(absl::string_view bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc).write(bytes.data(), bytes.size());
  }
  int CountFiles() const {
    int count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++count;
    return count;
  }

  std::string folder_;
  std::string path_;
};

TEST_F(ArtifactTest, RoundTrips) {
  const Recording recording = MakeRecording();
  ASSERT_THAT(WriteArtifact(path_, recording, {{"backend", "onednn"}, {"fallback", "warn"}}),
              IsOk());
  const absl::StatusOr<Artifact> artifact = ReadArtifact(path_);
  ASSERT_THAT(artifact, IsOk());
  ExpectSame(artifact->recording, recording);
  EXPECT_EQ(artifact->options, (Options{{"backend", "onednn"}, {"fallback", "warn"}}));
  EXPECT_THAT(artifact->producer, HasSubstr("ingot "));
  EXPECT_TRUE(std::signbit(std::get<double>(artifact->recording.scalars[0].literal)));
  EXPECT_EQ(CountFiles(), 1);
}

TEST_F(ArtifactTest, EqualRecordingsMakeEqualFiles) {
  ASSERT_THAT(WriteArtifact(path_, MakeRecording()), IsOk());
  const std::string first = ReadFile();
  ASSERT_THAT(WriteArtifact(path_, MakeRecording()), IsOk());
  EXPECT_EQ(ReadFile(), first);
}

TEST_F(ArtifactTest, WeightsAreStoredOnceAlignedAndNotCopied) {
  ASSERT_THAT(WriteArtifact(path_, MakeRecording()), IsOk());
  absl::StatusOr<Artifact> artifact = ReadArtifact(path_);
  ASSERT_THAT(artifact, IsOk());
  const Recording& r = artifact->recording;
  for (const auto* weights : {&r.constants, &r.initial_state}) {
    for (const ir::Constant& w : *weights) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(w.data) % 64, 0u);
      EXPECT_EQ(w.owner, r.constants[0].owner);
    }
  }
  EXPECT_EQ(r.constants[0].data, r.constants[2].data);
  EXPECT_EQ(r.constants[0].data, r.initial_state[0].data);
  EXPECT_NE(r.constants[0].data, r.constants[1].data);
}

TEST_F(ArtifactTest, ConstantsOutliveTheArtifactAndTheFile) {
  ASSERT_THAT(WriteArtifact(path_, MakeRecording()), IsOk());
  ir::Constant kept;
  {
    absl::StatusOr<Artifact> artifact = ReadArtifact(path_);
    ASSERT_THAT(artifact, IsOk());
    kept = artifact->recording.constants[1];
  }
  std::filesystem::remove(path_);
  EXPECT_EQ(Bytes(kept), Bytes(MakeRecording().constants[1]));
}

TEST_F(ArtifactTest, RoundTripsWithoutAnything) {
  ASSERT_THAT(WriteArtifact(path_, Recording()), IsOk());
  const absl::StatusOr<Artifact> artifact = ReadArtifact(path_);
  ASSERT_THAT(artifact, IsOk());
  ExpectSame(artifact->recording, Recording());
}

TEST_F(ArtifactTest, MissingFilesAreNotFound) {
  EXPECT_THAT(ReadArtifact(path_), StatusIs(absl::StatusCode::kNotFound, HasSubstr(path_)));
}

TEST_F(ArtifactTest, OtherFilesAreNamedAsSuch) {
  for (const char* text :
       {"", "PK\3\4", "not an ingot file, but a long text about something else"}) {
    WriteFile(text);
    EXPECT_THAT(ReadArtifact(path_),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not an .ingot file")));
  }
}

TEST_F(ArtifactTest, EveryTruncationIsDataLoss) {
  ASSERT_THAT(WriteArtifact(path_, MakeRecording()), IsOk());
  const std::string bytes = ReadFile();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(ReadBytes(absl::string_view(bytes).substr(0, size)),
                StatusIs(absl::StatusCode::kDataLoss))
        << size;
  }
  EXPECT_THAT(ReadBytes(bytes), IsOk());
  EXPECT_THAT(ReadBytes(bytes + "x"), StatusIs(absl::StatusCode::kDataLoss));
}

// The version field alone tells apart a newer file from a broken one: a flip there is a newer file.
TEST_F(ArtifactTest, EveryByteIsGuarded) {
  ASSERT_THAT(WriteArtifact(path_, MakeRecording()), IsOk());
  std::string bytes = ReadFile();
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char kept = bytes[i];
    bytes[i] ^= static_cast<char>(1 << (i % 8));
    const bool is_format = i >= 8 && i < 16;
    EXPECT_THAT(ReadBytes(bytes), StatusIs(is_format ? absl::StatusCode::kFailedPrecondition
                                                     : absl::StatusCode::kDataLoss))
        << i;
    bytes[i] = kept;
  }
}

TEST_F(ArtifactTest, ANewerVersionIsNamed) {
  ASSERT_THAT(WriteArtifact(path_, MakeRecording()), IsOk());
  std::string bytes = ReadFile();
  bytes[8] = 2;
  WriteFile(bytes);
  EXPECT_THAT(ReadArtifact(path_),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("it has format version 2; this build reads version 1")));
}

TEST_F(ArtifactTest, WeightsMayGoUnverified) {
  ASSERT_THAT(WriteArtifact(path_, MakeRecording()), IsOk());
  std::string bytes = ReadFile();
  bytes.back() ^= 1;
  WriteFile(bytes);
  EXPECT_THAT(ReadArtifact(path_),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("state 1: its bytes do not have its digest")));
  EXPECT_THAT(ReadArtifact(path_, {.verify_weights = false}), IsOk());
  bytes[200] ^= 1;
  WriteFile(bytes);
  EXPECT_THAT(ReadArtifact(path_, {.verify_weights = false}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("its header")));
}

TEST_F(ArtifactTest, AFailedWriteLeavesTheOldOrTheNewFile) {
  Recording recording = MakeRecording();
  FaultyEnv env(Env::Default());
  ASSERT_THAT(WriteArtifact(path_, recording, {}, env), IsOk());
  const int operations = env.operations();
  const std::string old_bytes = ReadFile();
  for (int i = 0; i < operations; ++i) {
    WriteFile(old_bytes);
    env.FailAt(i, FaultyEnv::Mode::kOnce);
    EXPECT_THAT(WriteArtifact(path_, recording, {{"new", "yes"}}, env),
                StatusIs(absl::StatusCode::kResourceExhausted));
    const absl::StatusOr<Artifact> artifact = ReadArtifact(path_);
    ASSERT_THAT(artifact, IsOk());
    EXPECT_EQ(artifact->options.size(), i + 1 == operations ? 1u : 0u) << i;
    EXPECT_EQ(CountFiles(), 1) << i;
  }
}

TEST_F(ArtifactTest, RefusesToWriteWhatItCouldNotRead) {
  Recording recording = MakeRecording();
  recording.constants.pop_back();
  EXPECT_THAT(WriteArtifact(path_, recording),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("constant inputs")));
  recording = MakeRecording();
  static_cast<float*>(const_cast<void*>(recording.constants[1].data))[0] = 99;
  EXPECT_THAT(WriteArtifact(path_, recording),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("has changed since")));
  EXPECT_EQ(CountFiles(), 0);
}

TEST_F(ArtifactTest, NamesAFolderThatIsMissing) {
  EXPECT_THAT(WriteArtifact(folder_ + "/no/m.ingot", Recording()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/m.ingot")));
}

std::vector<WeightBytes> Weights(const Recording& r) {
  std::vector<WeightBytes> weights;
  for (const auto* constants : {&r.constants, &r.initial_state}) {
    for (const ir::Constant& c : *constants) {
      weights.push_back({c.data, static_cast<uint64_t>(c.type.NumBytes()), c.owner});
    }
  }
  return weights;
}

TEST(HeaderTest, RoundTripsWithWeightsBesideIt) {
  const Recording recording = MakeRecording();
  const std::string header = SerializeHeader(recording, {{"a", "b"}});
  const absl::StatusOr<Artifact> artifact = ParseHeader(header, Weights(recording));
  ASSERT_THAT(artifact, IsOk());
  ExpectSame(artifact->recording, recording);
  EXPECT_EQ(artifact->recording.constants[1].data, recording.constants[1].data);
  EXPECT_EQ(artifact->options, (Options{{"a", "b"}}));
}

TEST(HeaderTest, RefusesOtherWeights) {
  const Recording recording = MakeRecording();
  const std::string header = SerializeHeader(recording);
  std::vector<WeightBytes> weights = Weights(recording);
  weights[1].size = 7;
  EXPECT_THAT(ParseHeader(header, weights),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("constant 1 \"w1\": it needs 20 bytes, 7 are given")));
  weights = Weights(recording);
  weights.pop_back();
  EXPECT_THAT(ParseHeader(header, weights),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("only 5 weights")));
  weights.resize(7);
  weights[5] = weights[4];
  EXPECT_THAT(ParseHeader(header, weights),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("describes 6 weights, 7")));
}

TEST(HeaderTest, SurvivesEveryPrefixAndBitFlip) {
  const Recording recording = MakeRecording();
  const std::vector<WeightBytes> weights = Weights(recording);
  std::string header = SerializeHeader(recording);
  for (size_t size = 0; size < header.size(); ++size) {
    EXPECT_THAT(ParseHeader(absl::string_view(header).substr(0, size), weights),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
  for (size_t i = 0; i < header.size() * 8; ++i) {
    header[i / 8] ^= static_cast<char>(1 << (i % 8));
    const absl::StatusOr<Artifact> artifact = ParseHeader(header, weights);
    if (!artifact.ok()) {
      EXPECT_THAT(artifact, StatusIs(absl::StatusCode::kInvalidArgument));
    }
    header[i / 8] ^= static_cast<char>(1 << (i % 8));
  }
}

}  // namespace
}  // namespace ingot::artifact
