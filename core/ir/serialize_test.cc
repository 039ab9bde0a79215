#include "core/ir/serialize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/base/status_matchers.h"
#include "core/ir/fbs_convert.h"
#include "core/ir/graph_generated.h"

namespace ingot::ir {
namespace {

using ::testing::HasSubstr;

Structure Nested() {
  Structure dict;
  dict.kind = Structure::Kind::kDict;
  dict.keys = {"loss", "n"};
  Structure number;
  number.kind = Structure::Kind::kFloat;
  number.number = -0.0;
  dict.children = {Structure::Tensor(1), number};
  return Structure::Tuple({Structure::Tensor(0), dict, Structure()});
}

// Every kind of input, argument and output.
Graph Everything() {
  const TensorType f32 = {DType::kFloat32, {2, 3}};
  Graph g;
  const ValueId a = g.AddInput({InputRole::kArgument, 0, {}, "", 0}, f32);
  const ValueId s = g.AddInput({InputRole::kScalar, 0, {}, "", 0}, {DType::kFloat64, {}});
  const ValueId state = g.AddInput({InputRole::kState, 0, {}, "", 0}, {DType::kInt64, {1}});
  const ValueId seed = g.AddInput({InputRole::kSeed, 0, {}, "", 0}, {DType::kInt64, {}});
  const ValueId w = g.AddInput({InputRole::kConstant, 0, Sha256("w"), "", 0}, f32);
  std::vector<Argument> args = {
      None{},
      ValueRef{a},
      ValueRefList{{w, kNoValue, s}},
      true,
      int64_t{-7},
      0.1,
      std::complex<double>(-0.0, 2),
      std::string("tan\0h", 5),
      std::vector<int64_t>{-1, 1},
      std::vector<double>{0.5, -0.0},
      std::vector<bool>{true, false},
      DType::kBFloat16,
      std::vector<int64_t>{},
      -0.0,
      std::numeric_limits<double>::infinity(),
  };
  NodeId n = g.AddNode("custom::everything", std::move(args), {f32, f32});
  const ValueId out = g.node(n).outputs[0];
  g.mutable_nodes()[n].outputs.push_back(kNoValue);
  n = g.AddNode("aten::foo", {ValueRef{out}, ValueRef{seed}, ValueRef{state}},
                {{DType::kInt64, {1}}});
  g.AddOutput({OutputRole::kResult, 0, {1, 2}, 0, 0, 0}, out);
  g.AddOutput({OutputRole::kWriteBack, 0, {}, 0, 0, 0}, out);
  g.AddOutput({OutputRole::kStateUpdate, 0, {}, 0, 0, 0}, g.node(n).outputs[0]);
  g.AddOutput({OutputRole::kAlias, 1, {3, 1}, 0, 2, 0}, out);
  g.set_result_structure(Nested());
  return g;
}

TEST(SerializeTest, RoundTripsEveryKind) {
  const Graph g = Everything();
  const absl::StatusOr<Graph> back = FromCanonicalBytes(ToCanonicalBytes(g));
  ASSERT_THAT(back, IsOk());
  EXPECT_TRUE(*back == g);
  EXPECT_EQ(ToCanonicalBytes(*back), ToCanonicalBytes(g));
}

TEST(SerializeTest, KeepsTheSignOfZero) {
  const absl::StatusOr<Graph> back = FromCanonicalBytes(ToCanonicalBytes(Everything()));
  ASSERT_THAT(back, IsOk());
  const std::vector<Argument>& args = back->node(0).args;
  EXPECT_TRUE(std::signbit(std::get<std::complex<double>>(args[6]).real()));
  EXPECT_TRUE(std::signbit(std::get<std::vector<double>>(args[9])[1]));
  EXPECT_TRUE(std::signbit(std::get<double>(args[13])));
  const Structure& number = back->result_structure().children[1].children[1];
  EXPECT_TRUE(std::signbit(std::get<double>(number.number)));
}

TEST(SerializeTest, EveryNaNIsTheSame) {
  const auto bytes_with = [](double value) {
    Graph g = Everything();
    g.mutable_nodes()[0].args[5] = value;
    g.mutable_nodes()[0].args[9] = std::vector<double>{value};
    return ToCanonicalBytes(g);
  };
  EXPECT_EQ(bytes_with(std::nan("1")), bytes_with(-std::nan("")));
  EXPECT_NE(bytes_with(std::nan("1")), bytes_with(0));
}

TEST(SerializeTest, BytesDoNotDependOnDebugFieldsOrNumbering) {
  const Graph g = Everything();
  Graph other = g;
  other.set_name("another name");
  other.mutable_inputs()[4].name = "weight";
  other.mutable_nodes()[0].source = "model.py:1";
  // Shifts the number of the last node's output.
  const ValueId moved = other.AddValue(other.type(other.node(1).outputs[0]));
  other.mutable_nodes()[1].outputs[0] = moved;
  other.mutable_outputs()[2].value = moved;
  EXPECT_EQ(ToCanonicalBytes(other), ToCanonicalBytes(g));
  EXPECT_EQ(GraphDigest(other), GraphDigest(g));
}

TEST(SerializeTest, BytesDependOnTheProgram) {
  const Graph g = Everything();
  const auto expect_differs = [&](const char* what, auto change) {
    Graph other = g;
    change(other);
    EXPECT_NE(GraphDigest(other), GraphDigest(g)) << what;
  };
  expect_differs("digest", [](Graph& o) { o.mutable_inputs()[4].digest = Sha256("v"); });
  expect_differs("type", [](Graph& o) { o.mutable_type(5).dims[0] = 4; });
  expect_differs("dtype", [](Graph& o) { o.mutable_type(1).dtype = DType::kInt64; });
  expect_differs("op", [](Graph& o) { o.mutable_nodes()[1].op = "aten::bar"; });
  expect_differs("int and float", [](Graph& o) { o.mutable_nodes()[0].args[4] = -7.0; });
  expect_differs("empty list kind",
                 [](Graph& o) { o.mutable_nodes()[0].args[12] = std::vector<double>{}; });
  expect_differs("sign of zero", [](Graph& o) { o.mutable_nodes()[0].args[13] = 0.0; });
  expect_differs("operand", [](Graph& o) { o.mutable_nodes()[0].args[1] = ValueRef{4}; });
  expect_differs("strides", [](Graph& o) { o.mutable_outputs()[0].strides = {}; });
  expect_differs("offset", [](Graph& o) { o.mutable_outputs()[3].offset = 0; });
  expect_differs("structure", [](Graph& o) { o.set_result_structure(Structure()); });
}

TEST(SerializeTest, ReadsUnalignedBytes) {
  const std::string bytes = ToCanonicalBytes(Everything());
  for (size_t shift = 0; shift < 8; ++shift) {
    const std::string shifted = std::string(shift, 'x') + bytes;
    const absl::StatusOr<Graph> back = FromCanonicalBytes(absl::string_view(shifted).substr(shift));
    ASSERT_THAT(back, IsOk());
    EXPECT_TRUE(*back == Everything());
  }
}

TEST(SerializeTest, EveryPrefixIsRefused) {
  const std::string bytes = ToCanonicalBytes(Everything());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(FromCanonicalBytes(absl::string_view(bytes).substr(0, size)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << size;
  }
}

// A flip may yield another well-formed graph; what it may not do is crash, or yield one that cannot
// be written and read again.
TEST(SerializeTest, EveryBitFlipYieldsAStatusOrAGraph) {
  std::string bytes = ToCanonicalBytes(Everything());
  int refused = 0;
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    bytes[i / 8] ^= static_cast<char>(1 << (i % 8));
    const absl::StatusOr<Graph> graph = FromCanonicalBytes(bytes);
    if (graph.ok()) {
      EXPECT_THAT(FromCanonicalBytes(ToCanonicalBytes(*graph)), IsOk()) << "bit " << i;
    } else {
      EXPECT_THAT(graph, StatusIs(absl::StatusCode::kInvalidArgument));
      ++refused;
    }
    bytes[i / 8] ^= static_cast<char>(1 << (i % 8));
  }
  EXPECT_GT(refused, 0);
}

struct BadGraph {
  const char* what;
  std::function<void(Graph&)> change;
  const char* message;
};

TEST(SerializeTest, RefusesWhatIsNotAGraph) {
  const BadGraph cases[] = {
      {"undefined operand", [](Graph& g) { g.mutable_nodes()[0].args[1] = ValueRef{7}; },
       "node 0: custom::everything: argument 1: uses %"},
      {"undefined list element",
       [](Graph& g) { g.mutable_nodes()[0].args[2] = ValueRefList{{99}}; }, "uses %"},
      {"undefined output", [](Graph& g) { g.mutable_outputs()[0].value = 1000; }, "output 0: uses"},
      {"no op", [](Graph& g) { g.mutable_nodes()[0].op = ""; }, "node 0: it has no op"},
      {"deep structure",
       [](Graph& g) {
         Structure s;
         for (int i = 0; i <= kMaxStructureDepth; ++i) s = Structure::Tuple({s});
         g.set_result_structure(s);
       },
       "nests deeper than 64"},
      {"rank", [](Graph& g) { g.mutable_type(0).dims = Dims(65, 1); }, "a rank of 65"},
      {"structure without its keys",
       [](Graph& g) {
         Structure s;
         s.kind = Structure::Kind::kDict;
         s.children = {Structure()};
         g.set_result_structure(s);
       },
       "unlike keys"},
  };
  for (const BadGraph& c : cases) {
    Graph g = Everything();
    c.change(g);
    EXPECT_THAT(FromCanonicalBytes(ToCanonicalBytes(g)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)))
        << c.what;
  }
}

TEST(SerializeTest, RefusesANewerVersionByName) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fbs::CreateGraph(builder, 2), fbs::GraphIdentifier());
  EXPECT_THAT(FromCanonicalBytes(absl::string_view(
                  reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize())),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("graph of version 2; this build reads version 1")));
}

// FlatBuffers may refer to one vector from many places: such a file is small and its graph huge.
TEST(SerializeTest, RefusesPartsThatOverlap) {
  flatbuffers::FlatBufferBuilder builder;
  const auto op = builder.CreateString("a::b");
  const auto list = builder.CreateVector(std::vector<int64_t>(1000, 1));
  std::vector<flatbuffers::Offset<fbs::Arg>> args;
  for (int i = 0; i < 1000; ++i) {
    args.push_back(fbs::CreateArg(builder, fbs::ArgKind::IntList, 0, 0, 0, 0, list));
  }
  const auto packed_args = builder.CreateVector(args);
  const auto nodes = builder.CreateVector(
      std::vector<flatbuffers::Offset<fbs::Node>>{fbs::CreateNode(builder, op, packed_args)});
  builder.Finish(fbs::CreateGraph(builder, 1, 0, 0, nodes), fbs::GraphIdentifier());
  EXPECT_THAT(FromCanonicalBytes(absl::string_view(
                  reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize())),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("overlap")));
}

}  // namespace
}  // namespace ingot::ir
