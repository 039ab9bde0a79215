#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/recording_verifier.h"
#include "core/ir/text.h"
#include "frontends/torchscript/record.h"
#include "frontends/torchscript/replay_testing.h"

namespace ingot::torchscript {
namespace {

using ::testing::HasSubstr;
using Tensors = std::vector<at::Tensor>;

constexpr int64_t kBatch = 3, kRows = 5, kFeatures = 8, kInner = 16;

// One layer's weights, drawn once, and its call, as nn.TransformerEncoder's fast path makes it.
class Layer {
 public:
  at::Tensor operator()(const at::Tensor& x) const {
    return at::_transformer_encoder_layer_fwd(
        x, kFeatures, 2, qkv_weight_, qkv_bias_, out_weight_, out_bias_, /*use_gelu=*/false,
        /*norm_first=*/false, 1e-5, norm_weight_, norm_bias_, norm_weight_, norm_bias_, up_weight_,
        up_bias_, down_weight_, down_bias_);
  }

 private:
  static at::Tensor Draw(at::IntArrayRef sizes) { return at::randn(sizes) * 0.3; }

  at::Tensor qkv_weight_ = Draw({3 * kFeatures, kFeatures}), qkv_bias_ = Draw({3 * kFeatures}),
             out_weight_ = Draw({kFeatures, kFeatures}), out_bias_ = Draw({kFeatures}),
             norm_weight_ = Draw({kFeatures}), norm_bias_ = Draw({kFeatures}),
             up_weight_ = Draw({kInner, kFeatures}), up_bias_ = Draw({kInner}),
             down_weight_ = Draw({kFeatures, kInner}), down_bias_ = Draw({kFeatures});
};

// [batch, rows] with so many true elements first.
at::Tensor Mask(const std::vector<int64_t>& lengths) {
  return at::lt(at::arange(kRows), at::tensor(lengths, at::kLong).unsqueeze(1));
}

Callable Over(std::function<at::Tensor(const Tensors&)> body) {
  return [body = std::move(body)](std::vector<c10::IValue> args) -> c10::IValue {
    Tensors tensors;
    for (const c10::IValue& arg : args) tensors.push_back(arg.toTensor());
    return body(tensors);
  };
}

absl::StatusOr<ir::Recording> RecordOver(const Callable& callable, const Tensors& args) {
  return Record(callable, std::vector<c10::IValue>(args.begin(), args.end()));
}

TEST(PaddedFormsTest, LayersOnWhatAMaskKeepsEqualEagerForEveryMask) {
  const Layer first, second;
  const Callable callable = Over([&](const Tensors& x) {
    const at::Tensor nested = at::_nested_tensor_from_mask(x[0] * 2, x[1], /*mask_check=*/false);
    return second(first(nested)).to_padded_tensor(0.5, at::IntArrayRef({kBatch, 7, kFeatures})) + 1;
  });
  const at::Tensor input = at::rand({kBatch, kRows, kFeatures});
  const absl::StatusOr<ir::Recording> recording =
      RecordOver(callable, {input, Mask({2, kRows, 4})});
  ASSERT_THAT(recording, IsOk());
  EXPECT_THAT(ir::VerifyRecording(*recording), IsOk());
  Tensors masks = {Mask({2, kRows, 4}), Mask({1, 1, 1}), Mask({kRows, kRows, kRows}),
                   Mask({3, 1, 2}), Mask({0, kRows, 1})};
  // With gaps: LibTorch counts, and keeps that many from the front.
  masks.push_back(masks[0].flip({1}));
  for (const at::Tensor& mask : masks) {
    const Tensors args = {input * 0.7, mask};
    const absl::StatusOr<Outcome> replayed = Replay(*recording, args);
    ASSERT_THAT(replayed, IsOk()) << ir::PrintGraph(recording->graph);
    EXPECT_EQ(Difference(*replayed, RunEager(callable, args)), "") << mask;
  }
}

struct RefusedCase {
  std::string name;
  at::Tensor (*body)(const Tensors&);
  absl::StatusCode code;
  std::string message;
};

class RefusedTest : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedTest, ByOp) {
  EXPECT_THAT(RecordOver(Over(GetParam().body),
                         {at::rand({kBatch, kRows, kFeatures}), Mask({2, kRows, 4})}),
              StatusIs(GetParam().code, HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Nested, RefusedTest,
    testing::Values(
        RefusedCase{
            "CheckedMasks",
            [](const Tensors& x) {
              return at::_nested_tensor_from_mask(x[0], x[1]).to_padded_tensor(0.0, x[0].sizes());
            },
            absl::StatusCode::kFailedPrecondition, "mask_check"},
        RefusedCase{"SizeOfTheLongest",
                    [](const Tensors& x) {
                      return at::_nested_tensor_from_mask(x[0], x[1], false).to_padded_tensor(0.0);
                    },
                    absl::StatusCode::kFailedPrecondition, "pass output_size"},
        RefusedCase{"OtherOps",
                    [](const Tensors& x) {
                      return at::relu(at::_nested_tensor_from_mask(x[0], x[1], false))
                          .to_padded_tensor(0.0, x[0].sizes());
                    },
                    absl::StatusCode::kUnimplemented, "aten::relu"},
        RefusedCase{"OtherMakers",
                    [](const Tensors& x) {
                      return at::_nested_from_padded(x[0], at::full({kBatch, 2}, 2, at::kLong))
                          .to_padded_tensor(0.0, x[0].sizes());
                    },
                    absl::StatusCode::kUnimplemented, "nested"}),
    [](const testing::TestParamInfo<RefusedCase>& info) { return info.param.name; });

}  // namespace
}  // namespace ingot::torchscript
