#include "backends/torchscript/lowering.h"

#include <torch/csrc/jit/ir/ir.h>

#include <string>

#include "absl/strings/str_replace.h"
#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::torchscript_backend {
namespace {

using testing::HasSubstr;

ir::Graph Parse(const std::string& nodes) {
  absl::StatusOr<ir::Graph> graph =
      ir::ParseGraph("graph \"g\" {\n  %0 : f32[2,3] = argument 0\n  %1 : f32[2,3] = argument 1\n" +
                     nodes + "}\n");
  EXPECT_THAT(graph, IsOk());
  return graph.ok() ? *std::move(graph) : ir::Graph();
}

TEST(CheckNodeTest, ClaimsWhateverLibTorchHas) {
  const char* claimed[] = {
      "%2 : f32[2,3] = aten::sub.Tensor(%0, %1, 1)",
      "%2 : f32[2,3] = aten::add.Scalar(%0, true, 1)",  // a bool is a scalar
      "%2 : f32[2,3] = aten::special_bessel_j0(%0)",    // not in the registry: opaque
      "%2 : f32[4,3] = aten::cat([%0, %1], 0)",         // a list of tensors
      "%2 : f32[2,3] = aten::rand_like(%0, None, None, None, None, None)",
  };
  for (const char* node : claimed)
    EXPECT_THAT(CheckNode(Parse(node + std::string("\n")), 0), IsOk()) << node;
}

TEST(CheckNodeTest, RejectsTheRestWithAReason) {
  struct Case {
    const char* node;
    const char* reason;
  };
  const Case cases[] = {
      {"%2 : f32[2,3] = aten::no_such_op(%0)", "LibTorch has no such operator"},
      {"%2 : f32[2,3] = nonsense(%0)", "not the name of a LibTorch operator"},
      {"%2 : f32[2,3] = aten::special_bessel_j0(%0, 1, 2)", "takes 1 arguments, not 3"},
      {"%2 : f32[2,3] = aten::special_bessel_j0(\"x\")", "wants Tensor for argument 'self'"},
      {"%2 : f32[2,3] = aten::sub_.Tensor(%0, %1, 1)", "it writes its argument 'self'"},
      {"= aten::manual_seed(1)", "it returns no tensor"},
      {"%2 : i64[] = seed\n%3 : i64[] = aten::special_bessel_j0(%2)", "the call's seed"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(CheckNode(Parse(c.node + std::string("\n")), 0),
                StatusIs(absl::StatusCode::kUnimplemented, HasSubstr(c.reason)))
        << c.node;
  }
}

TEST(CheckNodeTest, RefusesWhatReachesOutsideOfItsArguments) {
  const char* refused[] = {
      "%2 : u8[1000] = aten::from_file(\"/etc/passwd\", false, 1000, u8, None, None, None)",
      "= aten::save(%0, \"written\")",
      "%2 : f32[4096] = inductor::_reinterpret_tensor(%0, [4096], [1], 0)",
      "%2 : f32[4096] = aten::_reshape_alias(%0, [4096], [1])",
      "%2 : f32[2,3] = aten::_sparse_coo_tensor_unsafe(%0, %1, [2, 3], None, None, None, None, "
      "None)",
      "%2 : f32[1] = aten::segment_reduce(%0, \"sum\", %1, None, None, 0, true, None)",
  };
  for (const char* node : refused) {
    EXPECT_THAT(CheckNode(Parse(node + std::string("\n")), 0),
                StatusIs(absl::StatusCode::kPermissionDenied))
        << node;
  }
  EXPECT_THAT(CheckNode(Parse("%2 : f32[1] = aten::segment_reduce(%0, \"sum\", %1, None, None, 0, "
                              "false, None)\n"),
                        0),
              IsOk());
}

TEST(LowerTest, KeepsTheOrderOfInputsAndOutputs) {
  const ir::Graph graph = Parse(
      "  %2 : f32[2,3] = aten::sub.Tensor(%0, %1, 1)\n"
      "  %3 : f32[2,3] = aten::relu(%2)\n"
      "  result 0 = %3\n"
      "  result 1 = %2\n"
      "  returns (T0, T1)\n");
  const auto lowered = Lower(graph, {});
  ASSERT_THAT(lowered, IsOk());
  ASSERT_EQ((*lowered)->inputs().size(), 2u);
  ASSERT_EQ((*lowered)->outputs().size(), 2u);
  EXPECT_EQ((*lowered)->outputs()[0]->node()->kind(), c10::Symbol::fromQualString("aten::relu"));
  EXPECT_EQ((*lowered)->outputs()[1]->node()->kind(), c10::Symbol::fromQualString("aten::sub"));
}

TEST(LowerTest, WhatIsScatteredIntoSharesNoMemoryWithItself) {
  for (const char* suffix : {"", ":opaque"}) {
    absl::StatusOr<ir::Graph> graph = ir::ParseGraph(absl::StrReplaceAll(R"(graph "windows" {
  %0 : f32[3] = argument 0
  %1 : f32[2] = argument 1
  %2 : f32[2,2] = aten::unfold(%0, 0, 2, 1)
  %3 : f32[2,2] = aten::select_scatterSUFFIX(%2, %1, 0, 0)
  result 0 = %3
  returns T0
})",
                                                                         {{"SUFFIX", suffix}}));
    ASSERT_THAT(graph, IsOk());
    const auto lowered = Lower(*graph, {});
    ASSERT_THAT(lowered, IsOk());
    EXPECT_THAT((*lowered)->toString(), HasSubstr("aten::contiguous")) << suffix;
  }
}

TEST(LowerTest, ConvolutionsGetTheNamesThatLibTorchsPassesLookFor) {
  absl::StatusOr<ir::Graph> graph = ir::ParseGraph(R"(graph "conv" {
  %0 : f32[1,2,5,5] = argument 0
  %1 : f32[4,2,3,3] = argument 1
  %2 : f32[1,4,3,3] = aten::convolution(%0, %1, None, [1, 1], [0, 0], [1, 1], false, [0, 0], 1)
  %3 : f32[1,2,5,5] = aten::convolution(%2, %1, None, [1, 1], [0, 0], [1, 1], true, [0, 0], 1)
  result 0 = %3
  returns T0
})");
  ASSERT_THAT(graph, IsOk());
  const auto lowered = Lower(*graph, {});
  ASSERT_THAT(lowered, IsOk());
  const std::string text = (*lowered)->toString();
  EXPECT_THAT(text, HasSubstr("aten::conv2d"));
  EXPECT_THAT(text, HasSubstr("aten::convolution"));  // the transposed one
}

}  // namespace
}  // namespace ingot::torchscript_backend
