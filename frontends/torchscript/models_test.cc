// Whole models, exported by tools/models: loaded, recorded, and replayed on arguments of their
// kind.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/recording_verifier.h"
#include "core/ops/registry.h"
#include "frontends/torchscript/module.h"
#include "frontends/torchscript/record.h"
#include "frontends/torchscript/replay_testing.h"

namespace ingot::torchscript {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string PathOf(const std::string& name) { return "tools/models/" + name + ".pt"; }

struct ModelCase {
  std::string name;
  std::vector<std::vector<int64_t>> sizes;
  bool is_text = false;  // tokens below 50, then a mask of ones
};

class ModelTest : public testing::TestWithParam<ModelCase> {};

std::vector<at::Tensor> Arguments(const ModelCase& c) {
  std::vector<at::Tensor> args;
  for (const auto& sizes : c.sizes) {
    if (!c.is_text) {
      args.push_back(at::randn(sizes));
    } else {
      args.push_back(args.empty() ? at::randint(1, 50, sizes, at::kLong)
                                  : at::ones(sizes, at::kLong));
    }
  }
  return args;
}

TEST_P(ModelTest, IsRecordedFaithfullyInTheVocabulary) {
  const ModelCase& c = GetParam();
  absl::StatusOr<torch::jit::Module> module = LoadModule(PathOf(c.name));
  ASSERT_THAT(module, IsOk());
  std::vector<at::Tensor> args = Arguments(c);
  const absl::StatusOr<ir::Recording> recording =
      Record(*module, std::vector<c10::IValue>(args.begin(), args.end()));
  ASSERT_THAT(recording, IsOk());
  EXPECT_THAT(ir::VerifyRecording(*recording), IsOk());
  for (const ir::Node& node : recording->graph.nodes()) {
    EXPECT_NE(ops::FindOp(node.op), nullptr) << node.op << " at " << node.source;
    EXPECT_NE(node.source, "") << node.op;
  }
  const Callable eager = [&](std::vector<c10::IValue> values) {
    return module->forward(std::move(values));
  };
  for (int round = 0; round < 3; ++round) {
    const absl::StatusOr<Outcome> replayed = Replay(*recording, args);
    ASSERT_THAT(replayed, IsOk());
    EXPECT_EQ(Difference(*replayed, RunEager(eager, args)), "") << "round " << round;
    for (at::Tensor& arg : args) arg = Shuffled(arg);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, ModelTest,
    testing::Values(
        ModelCase{"small/bert_base", {{1, 16}, {1, 16}}, true},
        ModelCase{"small/gpt2", {{1, 16}}, true}, ModelCase{"small/lstm", {{1, 6, 16}}},
        ModelCase{"small/minilm", {{2, 16}, {2, 16}}, true}, ModelCase{"small/mlp", {{4, 16}}},
        ModelCase{"small/mobilenet_v2", {{1, 3, 64, 64}}},
        ModelCase{"small/resnet50", {{1, 3, 64, 64}}},
        ModelCase{"small/vit_base", {{1, 3, 32, 32}}},
        ModelCase{"lazy/addcmul", {{2, 3}, {2, 3}, {2, 3}}},
        ModelCase{"lazy/const_scale", {{2, 3}}}, ModelCase{"lazy/inplace_update", {{2, 3}, {2, 3}}},
        ModelCase{"lazy/return_dup_tensor", {{2, 3}, {2, 3}}},
        ModelCase{"lazy/return_eager_tensor_on_default_device", {}},
        ModelCase{"lazy/return_eager_tensor_scripted", {}},
        ModelCase{"lazy/return_multi", {{2, 3}, {2, 3}}}, ModelCase{"lazy/sub", {{2, 3}, {2, 3}}}),
    [](const testing::TestParamInfo<ModelCase>& info) {
      return info.param.name.substr(info.param.name.find('/') + 1);
    });

TEST(ModuleTest, GraphsThatDifferInANumberHaveTheSameForm) {
  std::vector<std::string> ops;
  for (const char* name : {"lazy/addcmul", "lazy/addcmul_value7"}) {
    const absl::StatusOr<torch::jit::Module> module = LoadModule(PathOf(name));
    ASSERT_THAT(module, IsOk());
    const at::Tensor x = at::rand({2, 3});
    const absl::StatusOr<ir::Recording> recording = Record(*module, {x, x.clone(), x.clone()});
    ASSERT_THAT(recording, IsOk());
    ASSERT_EQ(recording->graph.nodes().size(), 1u);
    ASSERT_TRUE(recording->constants.empty());
    ops.push_back(recording->graph.node(0).op);
  }
  EXPECT_EQ(ops[0], ops[1]);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

TEST(ModuleTest, LoadsFromMemory) {
  EXPECT_THAT(LoadModule(ReadFile(PathOf("small/mlp")), "mlp"), IsOk());
}

// What the scan refuses never reaches LibTorch; what it lets through LibTorch takes, or refuses.
TEST(ModuleTest, AFileCutOrChangedAtAnyByteIsAStatus) {
  const std::string whole = ReadFile(PathOf("lazy/return_multi"));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(LoadModule(whole.substr(0, size), "cut").ok()) << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
    const absl::Status status = LoadModule(changed, "changed").status();
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n"))) << at;
  }
}

TEST(ModuleTest, AnObjectOfAnotherKindIsRefusedBeforeLibTorchSeesIt) {
  EXPECT_THAT(
      LoadModule("\x80\x02N.", "weights.pt"),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("weights.pt: it is a pickle")));
}

TEST(ModuleTest, AMissingFileIsNotFound) {
  EXPECT_THAT(LoadModule("nowhere/model.pt"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nowhere/model.pt")));
}

TEST(ModuleTest, ADamagedFileIsDataLossInOneLine) {
  const std::string whole = ReadFile(PathOf("small/mlp"));
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/damaged.pt";
  for (const std::string& bytes :
       {whole.substr(0, whole.size() / 2), std::string("not a model"), std::string()}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    for (const absl::Status& status :
         {LoadModule(path).status(), LoadModule(bytes, "memory").status()}) {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, Not(HasSubstr("\n"))));
      EXPECT_THAT(std::string(status.message()), Not(HasSubstr("Exception raised from")));
    }
  }
}

}  // namespace
}  // namespace ingot::torchscript
