// The exported models on onednn and torchscript, with random ops forced away from onednn.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/runtime/session.h"
#include "frontends/torch/ingot.h"
#include "tests/fuzz/graphs/rng.h"
#include "tests/partition/report.h"

namespace ingot::partition {
namespace {

struct Model {
  const char* name;
  std::vector<std::vector<int64_t>> sizes;
  bool is_text = false;  // tokens below 50, then a mask of ones
};

class ModelsTest : public testing::TestWithParam<Model> {};

std::vector<c10::IValue> Arguments(const Model& model) {
  std::vector<c10::IValue> args;
  for (const auto& sizes : model.sizes) {
    if (!model.is_text) {
      args.push_back(at::randn(sizes));
    } else {
      args.push_back(args.empty() ? at::randint(1, 50, sizes, at::kLong)
                                  : at::ones(sizes, at::kLong));
    }
  }
  return args;
}

std::vector<at::Tensor> Tensors(const c10::IValue& value) {
  std::vector<at::Tensor> tensors;
  if (value.isTensor()) tensors.push_back(value.toTensor());
  if (value.isTuple()) {
    for (const c10::IValue& element : value.toTupleRef().elements()) {
      for (const at::Tensor& tensor : Tensors(element)) tensors.push_back(tensor);
    }
  }
  return tensors;
}

TEST_P(ModelsTest, ForcedFallbacksAreConvexReportedAndEqualToEager) {
  at::manual_seed(1);
  const Model& model = GetParam();
  const absl::StatusOr<torch::jit::Module> module =
      LoadModule(std::string("tools/models/small/") + model.name + ".pt");
  ASSERT_THAT(module, IsOk());
  Options options;
  options.backend = "onednn,torchscript";
  options.fallback = FallbackPolicy::kAllow;
  options.threads = 1;
  const absl::StatusOr<Session> session = Session::Create(options);
  ASSERT_THAT(session, IsOk());
  const std::vector<c10::IValue> args = Arguments(model);
  const c10::IValue expected = [&] {
    const at::NoGradGuard no_grad;
    torch::jit::Module copy = *module;
    return copy.forward(args);
  }();
  absl::StatusOr<CompiledGraph> graph = session->Extract(*module, args);
  ASSERT_THAT(graph, IsOk());
  // What onednn leaves of itself; passes give the same graph each time.
  std::set<ir::NodeId> left;
  for (const auto& fallback : graph->runtime().fallbacks()) left.insert(fallback.node);
  std::set<std::string> ops;
  for (const ir::Node& node : graph->runtime().graph().nodes()) ops.insert(node.op);
  fuzz::Rng rng(7);
  for (int round = 0; round < 3; ++round) {
    std::set<std::string> forced;
    for (const std::string& op : ops) {
      if (rng.OneIn(3)) forced.insert(op);
    }
    session->runtime().set_force_fallback({forced.begin(), forced.end()});
    graph = session->Extract(*module, args);
    ASSERT_THAT(graph, IsOk());
    const auto is_fallback = [&](ir::NodeId node) {
      return left.count(node) > 0 || forced.count(graph->runtime().graph().node(node).op) > 0;
    };
    EXPECT_EQ(CheckReport(graph->runtime(), "onednn", is_fallback), "");
    const absl::StatusOr<c10::IValue> actual = graph->Run(args);
    ASSERT_THAT(actual, IsOk());
    const std::vector<at::Tensor> a = Tensors(*actual), e = Tensors(expected);
    ASSERT_EQ(a.size(), e.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE(at::allclose(a[i], e[i], 1e-4, 1e-5)) << "round " << round << " result " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Small, ModelsTest,
                         testing::Values(Model{"bert_base", {{1, 16}, {1, 16}}, true},
                                         Model{"gpt2", {{1, 16}}, true},
                                         Model{"lstm", {{1, 6, 16}}}, Model{"mlp", {{4, 16}}},
                                         Model{"mobilenet_v2", {{1, 3, 64, 64}}},
                                         Model{"vit_base", {{1, 3, 32, 32}}}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ingot::partition
