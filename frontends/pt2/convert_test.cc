// Archives that torch.export wrote (tests/fuzz/pt2/corpus), converted. What the graphs compute is
// compared with LibTorch by tests/e2e/pt2_test.sh.
#include "frontends/pt2/convert.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "frontends/archive/zip_testing.h"
#include "frontends/pt2/samples.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::pt2 {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Code = absl::StatusCode;

std::string PathOf(const std::string& name) {
  return absl::StrCat("tests/fuzz/pt2/corpus/archive/", name, ".pt2");
}

std::shared_ptr<const Archive> OpenCorpus(const std::string& name) {
  auto archive = Archive::Open(PathOf(name));
  EXPECT_THAT(archive, IsOk());
  return archive.ok() ? *archive : nullptr;
}

absl::StatusOr<ir::Recording> ConvertSamples(const Archive& archive) {
  const auto samples = SampleArguments(archive);
  EXPECT_THAT(samples, IsOk());
  std::vector<ir::TensorType> types;
  for (const HostConstant& sample : *samples) types.push_back(sample.type);
  return Convert(archive, types);
}

size_t CountOutputs(const ir::Graph& graph, ir::OutputRole role) {
  return static_cast<size_t>(
      std::count_if(graph.outputs().begin(), graph.outputs().end(),
                    [role](const ir::OutputSpec& output) { return output.role == role; }));
}

std::vector<std::string> Ops(const ir::Graph& graph) {
  std::vector<std::string> ops;
  for (const ir::Node& node : graph.nodes()) ops.push_back(node.op);
  return ops;
}

TEST(ConvertTest, BuffersThatChangeAreState) {
  for (const char* name : {"buffers", "buffers_functional"}) {
    const auto archive = OpenCorpus(name);
    const auto recording = ConvertSamples(*archive);
    ASSERT_THAT(recording, IsOk()) << name;
    std::vector<std::string> states;
    for (const ir::InputSpec& input : recording->graph.inputs()) {
      if (input.role == ir::InputRole::kState) states.push_back(input.name);
    }
    EXPECT_THAT(states,
                ElementsAre("count", "bn.running_mean", "bn.running_var", "bn.num_batches_tracked"))
        << name;
    EXPECT_EQ(CountOutputs(recording->graph, ir::OutputRole::kStateUpdate), 4u) << name;
    EXPECT_EQ(CountOutputs(recording->graph, ir::OutputRole::kWriteBack), 1u) << name;
    EXPECT_EQ(ir::ToString(recording->signature.arguments_structure),
              R"((T0, T1, [T2, None, 7, "s", true, 2.5]))")
        << name;
    EXPECT_EQ(ir::ToString(recording->graph.result_structure()),
              R"({"a": T0, "n": None, "k": (3, T1, T2)})")
        << name;
  }
}

TEST(ConvertTest, AnArgumentThatIsReturnedIsAnAlias) {
  const auto recording = ConvertSamples(*OpenCorpus("views"));
  ASSERT_THAT(recording, IsOk());
  const auto outputs = recording->graph.outputs();
  EXPECT_EQ(outputs[0].role, ir::OutputRole::kAlias);
  EXPECT_TRUE(outputs[0].strides.empty());
  EXPECT_EQ(outputs[1].role, ir::OutputRole::kAlias);  // x[1:]
  EXPECT_EQ(outputs[1].strides, (ir::Dims{6, 1}));
  EXPECT_EQ(outputs[1].offset, 6);
  EXPECT_EQ(outputs[2].role, ir::OutputRole::kResult);
}

TEST(ConvertTest, WritesThroughViewsBecomeScatters) {
  const auto recording = ConvertSamples(*OpenCorpus("views"));
  ASSERT_THAT(recording, IsOk());
  const std::vector<std::string> ops = Ops(recording->graph);
  EXPECT_THAT(ops, testing::Contains("aten::slice_scatter"));
  EXPECT_THAT(ops, testing::Contains("aten::select_scatter"));
  for (const std::string& op : ops) EXPECT_THAT(op, Not(HasSubstr("_."))) << op;
}

TEST(ConvertTest, WeightsAreUsedInPlaceAndKeepTheFile) {
  std::shared_ptr<const Archive> archive = OpenCorpus("views");
  auto recording = ConvertSamples(*archive);
  ASSERT_THAT(recording, IsOk());
  const absl::string_view storage = archive->tensors().at("b").storage;
  bool in_place = false;
  for (const ir::Constant& constant : recording->constants) {
    const auto* data = static_cast<const char*>(constant.data);
    in_place |= data >= storage.data() && data < storage.data() + storage.size();
  }
  EXPECT_TRUE(in_place);
  archive.reset();
  for (const ir::Constant& constant : recording->constants) {
    const auto bytes = static_cast<size_t>(constant.type.NumBytes());
    EXPECT_EQ(ir::Sha256(constant.data, bytes), constant.digest);
  }
}

TEST(ConvertTest, SymbolsTakeTheArgumentsSizes) {
  const auto archive = OpenCorpus("symbolic");
  for (const int64_t batch : {3, 4, 64}) {
    const ir::TensorType type{ir::DType::kFloat32, {batch, 8}};
    const auto recording = Convert(*archive, {type, type});
    ASSERT_THAT(recording, IsOk());
    const ir::Graph& graph = recording->graph;
    EXPECT_EQ(graph.type(graph.outputs()[0].value).dims, (ir::Dims{batch - 1, 4}));
    EXPECT_EQ(ir::ToString(graph.result_structure()), absl::StrCat("(T0, T1, ", batch, ")"));
  }
}

TEST(ConvertTest, ArgumentsThatDoNotFitAreNamed) {
  const auto archive = OpenCorpus("symbolic");
  const auto f32 = [](ir::Dims dims) { return ir::TensorType{ir::DType::kFloat32, dims}; };
  EXPECT_THAT(Convert(*archive, {f32({2, 8}), f32({2, 8})}),
              StatusIs(Code::kInvalidArgument,
                       AllOf(HasSubstr("argument 0 (x), dimension 0"), HasSubstr("3 to 64"))));
  EXPECT_THAT(Convert(*archive, {f32({4, 8}), f32({5, 8})}),
              StatusIs(Code::kInvalidArgument, HasSubstr("argument 1 (y), dimension 0")));
  EXPECT_THAT(Convert(*archive, {f32({4, 7}), f32({4, 8})}),
              StatusIs(Code::kInvalidArgument, HasSubstr("dimension 1: the size is 7")));
  EXPECT_THAT(Convert(*archive, {f32({4, 8})}),
              StatusIs(Code::kInvalidArgument, HasSubstr("takes 2 tensors, not 1")));
  EXPECT_THAT(Convert(*archive, {{ir::DType::kInt64, {4, 8}}, f32({4, 8})}),
              StatusIs(Code::kInvalidArgument, HasSubstr("is i64; the program takes float32")));
}

TEST(ConvertTest, WhatNoGraphHoldsIsRefusedByName) {
  EXPECT_THAT(ConvertSamples(*OpenCorpus("cond")),
              StatusIs(Code::kUnimplemented, HasSubstr("torch.ops.higher_order.cond")));
  EXPECT_THAT(ConvertSamples(*OpenCorpus("item")),
              StatusIs(Code::kFailedPrecondition, HasSubstr("data-dependent: item")));
}

TEST(ConvertTest, LayersBecomeTheVocabularysOps) {
  for (const char* name : {"layers", "layers_functional"}) {
    const auto recording = ConvertSamples(*OpenCorpus(name));
    ASSERT_THAT(recording, IsOk()) << name;
    EXPECT_THAT(Ops(recording->graph), testing::Contains("aten::convolution")) << name;
    EXPECT_THAT(Ops(recording->graph), Not(testing::Contains("aten::arange"))) << name;
  }
}

TEST(ConvertTest, RandomOpsTakeTheSeed) {
  const auto recording = ConvertSamples(*OpenCorpus("random"));
  ASSERT_THAT(recording, IsOk());
  EXPECT_THAT(Ops(recording->graph), ElementsAre("aten::rand_like", "aten::dropout"));
  EXPECT_EQ(recording->graph.inputs().back().role, ir::InputRole::kSeed);
}

// --- Programs with one thing changed ---

std::string ProgramText(const std::string& name) {
  std::ifstream file(absl::StrCat("tests/fuzz/pt2/corpus/program/", name, ".json"));
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

absl::Status ConvertChanged(const std::string& name, const std::string& from,
                            const std::string& to) {
  std::string text = ProgramText(name);
  EXPECT_THAT(text, HasSubstr(from));
  text = absl::StrReplaceAll(text, {{from, to}});
  const auto zip = std::make_shared<std::string>(archive::MakeArchive(text, R"({"config": {}})"));
  auto archive = Archive::Parse(*zip, zip);
  if (!archive.ok()) return archive.status();
  return Convert(**archive, {{ir::DType::kFloat32, {3, 6}}}).status();
}

TEST(ConvertTest, ContradictionsAreFound) {
  EXPECT_THAT(ConvertChanged("random", "\"major\": 8", "\"major\": 8"), IsOk());
  EXPECT_THAT(ConvertChanged("random", "\"major\": 8", "\"major\": 9"),
              StatusIs(Code::kFailedPrecondition, HasSubstr("schema version is 9.")));
  EXPECT_THAT(ConvertChanged("random", "\"minor\": 20", "\"minor\": 99"), IsOk());
  EXPECT_THAT(ConvertChanged("random", "aten.rand_like.default", "aten.relu.default"),
              StatusIs(Code::kInvalidArgument, HasSubstr("no argument \"pin_memory\"")));
  EXPECT_THAT(ConvertChanged("random", "aten.rand_like.default", "mylib.rand_like.default"),
              StatusIs(Code::kUnimplemented, HasSubstr("mylib.rand_like")));
  EXPECT_THAT(ConvertChanged("random", "\"as_int\": 6", "\"as_int\": -6"), Not(IsOk()));
  EXPECT_THAT(ConvertChanged("random", "\"dtype\": 7", "\"dtype\": 29"), Not(IsOk()));
  EXPECT_THAT(ConvertChanged("random", "\"name\": \"x\"", "\"name\": \"rand_like\""), Not(IsOk()));
}

TEST(ConvertTest, AFileHasNoFilesOpened) {
  EXPECT_THAT(
      ConvertChanged("random",
                     R"(aten.rand_like.default", "inputs": [{"name": "self", )"
                     R"("arg": {"as_tensor": {"name": "x"}}, "kind": 1})",
                     R"(aten.from_file.default", "inputs": [{"name": "filename", )"
                     R"("arg": {"as_string": "/etc/passwd"}, "kind": 1}, )"
                     R"({"name": "size", "arg": {"as_int": 18}, "kind": 1})"),
      StatusIs(Code::kPermissionDenied, HasSubstr("aten::from_file: a graph may not name it")));
}

TEST(ArchiveTest, EveryTruncationIsRefused) {
  std::ifstream file(PathOf("item"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(Archive::Parse(absl::string_view(bytes).substr(0, size), nullptr).ok()) << size;
  }
}

TEST(ArchiveTest, ForeignArchivesAreNamed) {
  EXPECT_THAT(Archive::Open("no such file.pt2"), StatusIs(Code::kNotFound));
  const auto parse = [](const std::string& zip) { return Archive::Parse(zip, nullptr).status(); };
  EXPECT_THAT(parse(archive::MakeZip({{"m/data.pkl", ""}})),
              StatusIs(Code::kFailedPrecondition, HasSubstr("no torch.export archive")));
  EXPECT_THAT(parse(archive::MakeZip({{"m/archive_format", "pt2"}, {"m/archive_version", "1"}})),
              StatusIs(Code::kFailedPrecondition, HasSubstr("version is 1")));
  EXPECT_THAT(parse(archive::MakeZip({{"m/archive_format", "pt2"}, {"m/archive_version", "0"}})),
              StatusIs(Code::kFailedPrecondition, HasSubstr("AOTInductor")));
}

TEST(ArchiveTest, ATensorBeyondItsRecordIsDamage) {
  const std::string config =
      R"({"config": {"w": {"path_name": "weight_0", "is_param": true, "use_pickle": false,
      "tensor_meta": {"dtype": 7, "sizes": [{"as_int": 3}], "strides": [{"as_int": 1}],
      "storage_offset": {"as_int": 0}, "device": {"type": "cpu"}, "layout": 7}}}})";
  const auto parse = [&](const std::string& from, const std::string& to, size_t bytes) {
    return Archive::Parse(archive::MakeArchive(ProgramText("random"),
                                               absl::StrReplaceAll(config, {{from, to}}),
                                               {{"weight_0", std::string(bytes, '\0')}}),
                          nullptr)
        .status();
  };
  EXPECT_THAT(parse("3", "3", 12), IsOk());
  EXPECT_THAT(parse("3", "3", 11), StatusIs(Code::kDataLoss, HasSubstr("w: its elements reach")));
  EXPECT_THAT(parse("\"as_int\": 0", "\"as_int\": 1", 12), StatusIs(Code::kDataLoss));
  EXPECT_THAT(parse("\"as_int\": 3", "\"as_int\": 4611686018427387904", 12), Not(IsOk()));
  EXPECT_THAT(parse("\"as_int\": 3", "\"as_int\": -3", 12), Not(IsOk()));
}

}  // namespace
}  // namespace ingot::pt2
