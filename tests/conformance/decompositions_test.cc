// Ops that core/passes/decompose.h takes apart, against LibTorch eager, on each backend that has no
// kernel of their own for them.
#include <torch/script.h>

#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_matchers.h"
#include "frontends/torch/ingot.h"
#include "gtest/gtest.h"

namespace ingot {
namespace {

using c10::IValue;

struct Layer {
  const char* name;
  const char* body;  // of forward(self, a, b, c, d)
  std::vector<torch::Tensor> (*arguments)();
};

void PrintTo(const Layer& layer, std::ostream* os) { *os << layer.name; }

torch::Tensor Mask(std::vector<int64_t> sizes) { return torch::rand(sizes) > 0.7; }

std::vector<torch::Tensor> AttentionArguments(torch::Tensor mask) {
  return {torch::randn({2, 5, 8}), torch::randn({24, 8}), torch::randn({8, 8}), std::move(mask)};
}

std::vector<torch::Tensor> Image() {
  return {torch::randn({2, 6, 7, 5}), torch::randn({6}), torch::randn({6}), torch::zeros({1})};
}

std::vector<torch::Tensor> Bags() {
  return {torch::randn({9, 4}), torch::randint(0, 9, {7}),
          torch::tensor({0, 2, 2, 5}, torch::kLong), torch::rand({7})};
}

// In float64: eager's loops for float32 refuse such offsets.
std::vector<torch::Tensor> UnorderedBags() {
  std::vector<torch::Tensor> args = Bags();
  args[0] = args[0].to(torch::kDouble);
  args[2] = torch::tensor({0, 5, 2, 3}, torch::kLong);
  return args;
}

constexpr char kBias[] = "    bias = torch.arange(24).to(a.dtype) / 24\n";

const Layer kLayers[] = {
    {"attention",
     "    return torch._native_multi_head_attention(a, a, a, 8, 2, b, bias, c, bias[:8], None, "
     "False, True, None)[0]\n",
     [] { return AttentionArguments(torch::zeros({1})); }},
    {"attention_weights",
     "    return torch._native_multi_head_attention(a, a, a, 8, 2, b, bias, c, bias[:8], d, "
     "True, True, 1)\n",
     [] {
       return AttentionArguments(Mask({2, 5}));
     }},
    {"attention_masked_rows",
     "    return torch._native_multi_head_attention(a, a, a, 8, 2, b, bias, c, bias[:8], d, "
     "True, False, 1)\n",
     [] {
       return AttentionArguments(torch::ones({2, 5}, torch::kBool));
     }},
    {"attention_float_mask",
     "    return torch._native_multi_head_attention(a, a, a, 8, 2, b, bias, c, bias[:8], d, "
     "True, False, 0)\n",
     [] {
       return AttentionArguments(torch::full({5, 5}, -INFINITY).triu(1));
     }},
    {"attention_full_mask",
     "    return torch._native_multi_head_attention(a, a, a, 8, 2, b, bias, c, bias[:8], d, "
     "False, False, 2)[0]\n",
     [] {
       return AttentionArguments(Mask({2, 2, 5, 5}));
     }},
    {"encoder_layer",
     "    w = bias[:8]\n"
     "    return torch._transformer_encoder_layer_fwd(a, 8, 2, b, bias, c, w, False, False, 1e-5, "
     "w, w, w, w, b, bias, b.t(), w, None, None)\n",
     [] { return AttentionArguments(torch::zeros({1})); }},
    {"encoder_layer_first",
     "    w = bias[:8]\n"
     "    return torch._transformer_encoder_layer_fwd(a, 8, 2, b, bias, c, w, True, True, 1e-5, "
     "w, w, w, w, b, bias, b.t(), w, d, 1)\n",
     [] {
       return AttentionArguments(Mask({2, 5}));
     }},
    {"instance_norm",
     "    return torch.instance_norm(a, b, c, None, None, True, 0.1, 1e-5, False)\n", &Image},
    {"batch_norm_of_the_batch",
     "    return torch.batch_norm(a, b, c, None, None, True, 0.1, 1e-5, False)\n", &Image},
    {"rrelu", "    return torch.rrelu(a, 0.1, 0.3, False)\n", &Image},
    {"prelu", "    return torch.prelu(a, b)\n", &Image},
    {"lstm_cell",
     "    s = a[:, 0]\n"
     "    w = torch.cat([b, b[:8]])\n"
     "    return torch.lstm_cell(s, [s * 2, s + 1], w, w * 0.5, None, None)\n",
     [] { return AttentionArguments(torch::zeros({1})); }},
    {"gru_cell",
     "    s = a[:, 0]\n"
     "    return torch.gru_cell(s, s * 2, b, b * 0.5, bias, bias + 1)\n",
     [] { return AttentionArguments(torch::zeros({1})); }},
    {"weight_norm", "    return torch._weight_norm(a, b[:2].reshape([2, 1, 1, 1]), 0)\n", &Image},
    {"channel_shuffle", "    return torch.channel_shuffle(a, 3)\n", &Image},
    {"unfold", "    return torch.im2col(a, [3, 2], [2, 1], [1, 2], [1, 2])\n", &Image},
    {"unfold_unbatched", "    return torch.im2col(a[0], [3, 2], [1, 1], [0, 0], [2, 2])\n", &Image},
    {"fold",
     "    x = torch.im2col(a, [3, 2], [2, 1], [1, 2], [1, 2])\n"
     "    return torch.col2im(x, [7, 5], [3, 2], [2, 1], [1, 2], [1, 2])\n",
     &Image},
    {"fold_tiles",
     "    x = a[:, :, :6, :4].reshape([2, 24, 6])\n"
     "    return torch.col2im(x, [6, 4], [2, 2], [1, 1], [0, 0], [2, 2])\n",
     &Image},
    {"bag_sum", "    return torch.embedding_bag(a, b, c, False, 0, False, d, False)[0]\n", &Bags},
    {"bag_mean", "    return torch.embedding_bag(a, b, c, False, 1, False, None, False)[0]\n",
     &Bags},
    {"bag_max", "    return torch.embedding_bag(a, b, c, False, 2, False, None, False)[0]\n",
     &Bags},
    {"bag_last_offset", "    return torch.embedding_bag(a, b, c, False, 0, False, None, True)[0]\n",
     [] {
       std::vector<torch::Tensor> args = Bags();
       args[2] = torch::tensor({0, 2, 2, 7}, torch::kLong);
       return args;
     }},
    {"bag_sum_unordered",
     "    return torch.embedding_bag(a, b, c, False, 0, False, None, False)[0]\n", &UnorderedBags},
    {"bag_mean_unordered",
     "    return torch.embedding_bag(a, b, c, False, 1, False, None, False)[0]\n", &UnorderedBags},
    {"bag_max_unordered",
     "    return torch.embedding_bag(a, b, c, False, 2, False, None, True)[0]\n", &UnorderedBags},
    {"attention_of_rank_five",
     "    x = a.reshape([2, 5, 1, 4, 2]).transpose(1, 3)\n"
     "    return torch.scaled_dot_product_attention(x, x, x)\n",
     [] { return AttentionArguments(torch::zeros({1})); }},
    {"whole_numbers_divided",
     "    n = b // 2 + torch.remainder(b, torch.tensor(4)) + torch.div(b, 3, "
     "rounding_mode='trunc')\n"
     "    return n + torch.fmod(b, 5)\n",
     &Bags},
};

class DecompositionTest : public testing::TestWithParam<std::tuple<Layer, const char*>> {};

TEST_P(DecompositionTest, IsAsEager) {
  const auto& [layer, backend] = GetParam();
  const at::NoGradGuard no_grad;
  torch::manual_seed(7);
  std::vector<IValue> arguments;
  for (torch::Tensor& tensor : layer.arguments()) arguments.emplace_back(std::move(tensor));
  torch::jit::Module module("m");
  module.define(absl::StrCat("def forward(self, a, b, c, d):\n", kBias, layer.body));
  module.eval();
  Options options;
  options.backend = backend;
  const absl::StatusOr<Session> session = Session::Create(options);
  ASSERT_THAT(session, IsOk());
  const absl::StatusOr<CompiledGraph> graph = session->Extract(module, arguments);
  ASSERT_THAT(graph, IsOk());
  const absl::StatusOr<IValue> actual = graph->Run(arguments);
  ASSERT_THAT(actual, IsOk());
  const IValue expected = module.forward(arguments);
  const auto leaves = [](const IValue& value) {
    std::vector<torch::Tensor> tensors;
    if (value.isTensor()) return std::vector<torch::Tensor>{value.toTensor()};
    for (const IValue& element : value.toTupleRef().elements())
      tensors.push_back(element.toTensor());
    return tensors;
  };
  const std::vector<torch::Tensor> got = leaves(*actual), wanted = leaves(expected);
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(torch::allclose(got[i], wanted[i], 1.3e-6, 1e-5, /*equal_nan=*/true))
        << i << "\n"
        << got[i] << "\n"
        << wanted[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, DecompositionTest,
                         testing::Combine(testing::ValuesIn(kLayers),
                                          testing::Values("onednn", "reference", "torchscript")),
                         [](const auto& info) {
                           return absl::StrCat(std::get<0>(info.param).name, "_",
                                               std::get<1>(info.param));
                         });

}  // namespace
}  // namespace ingot
