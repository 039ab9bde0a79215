#include "tools/ingot/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/artifact/artifact.h"
#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/files.h"

namespace ingot::tools {
namespace {

using testing::HasSubstr;

std::string TempPath(const std::string& name) { return testing::TempDir() + "/" + name; }

TEST(OpenModelTest, AnArtifactComesWithSignatureAndOptions) {
  auto graph = ir::ParseGraph(
      "graph \"neg\" {\n%0 : f32[2] = argument 0\n%1 : f32[2] = aten::neg(%0)\nresult 0 = %1\n"
      "returns T0\n}");
  ASSERT_THAT(graph, IsOk());
  ir::Recording recording;
  recording.graph = *std::move(graph);
  recording.signature.arguments = {{{ir::DType::kFloat32, {2}}, {}}};
  recording.signature.aliases = {{0, 0}};
  recording.signature.arguments_structure = ir::Structure::Tuple({ir::Structure::Tensor(0)});
  const std::string path = TempPath("neg.ingot");
  ASSERT_THAT(artifact::WriteArtifact(path, recording, {{"backend", "reference"}}), IsOk());

  auto model = OpenModel(path, {});
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ((*model)->stored_options().at("backend"), "reference");
  ASSERT_NE((*model)->signature(), nullptr);
  auto arguments = DefaultArguments(**model, 0);
  ASSERT_THAT(arguments, IsOk());
  EXPECT_EQ((*arguments)[0].type().dims, (ir::Dims{2}));
  auto recorded = (*model)->Record(*arguments);
  ASSERT_THAT(recorded, IsOk());
  EXPECT_EQ(recorded->graph, recording.graph);
  EXPECT_EQ(ExitCodeOf((*model)->CreateOracle(OracleMode::kFloat64).status()),
            ExitCode::kUnsupported);
}

TEST(OpenModelTest, SaysWhyAFileIsNoModel) {
  ASSERT_THAT(WriteFile(TempPath("text.ingot"), "text"), IsOk());
  ASSERT_THAT(WriteFile(TempPath("archive.pt2"), "text"), IsOk());
  const std::pair<std::string, ExitCode> cases[] = {{TempPath("none.pt"), ExitCode::kRefused},
                                                    {TempPath("text.ingot"), ExitCode::kRefused},
                                                    {testing::TempDir(), ExitCode::kRefused},
                                                    {TempPath("archive.pt2"), ExitCode::kRefused}};
  for (const auto& [path, code] : cases) {
    auto model = OpenModel(path, {});
    ASSERT_FALSE(model.ok()) << path;
    EXPECT_EQ(ExitCodeOf(model.status()), code) << model.status();
    EXPECT_THAT(OneLine(model.status()), HasSubstr(path));
  }
}

}  // namespace
}  // namespace ingot::tools
