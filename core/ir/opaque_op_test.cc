#include "core/ir/opaque_op.h"

#include "core/base/status_matchers.h"
#include "core/ops/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::ir {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

TEST(OpaqueOpTest, TheSuffixIsNotPartOfLibTorchsName) {
  EXPECT_EQ(BaseOp("aten::index_put:opaque"), "aten::index_put");
  EXPECT_EQ(BaseOp("aten::add.Tensor"), "aten::add.Tensor");
}

TEST(OpaqueOpTest, AGraphNamesNoOperatorThatReachesOutsideOfItsArguments) {
  struct Case {
    const char* op;
    const char* why;
  };
  const Case cases[] = {
      {"aten::from_file", "opens a file"},
      {"aten::from_file.out", "opens a file"},
      {"aten::from_file:opaque", "opens a file"},
      {"aten::save", "opens a file"},
      {"aten::_reshape_alias", "believes the sizes"},
      {"aten::_convert_indices_from_coo_to_csr", "believes the sizes"},
      {"aten::_sparse_coo_tensor_unsafe", "believes the sizes"},
      {"aten::_sparse_coo_tensor_with_dims_and_tensors", "not dense"},
      {"aten::_nested_view_from_buffer", "not dense"},
      {"aten::set.source_Tensor_storage_offset", "believes the sizes"},
      {"aten::resize_as", "believes the sizes"},
      {"aten::_resize_output", "believes the sizes"},
      {"aten::_copy_from_and_resize", "believes the sizes"},
      {"aten::fbgemm_linear_int8_weight", "packed object"},
      {"inductor::_reinterpret_tensor", "not an operator of ATen"},
      {"prim::Print", "not an operator of ATen"},
      {"quantized::linear", "not an operator of ATen"},
      {"nonsense", "not an operator of ATen"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(CheckOpaqueOp(c.op), StatusIs(Code::kPermissionDenied, HasSubstr(c.why))) << c.op;
  }
}

TEST(OpaqueOpTest, WhatIsUnsafeForGradientsOnlyPasses) {
  for (const char* op : {"aten::_unsafe_view", "aten::_unsafe_index.Tensor", "aten::unsafe_chunk",
                         "aten::special_bessel_j0", "aten::sqrt:opaque"}) {
    EXPECT_THAT(CheckOpaqueOp(op), IsOk()) << op;
  }
}

TEST(OpaqueOpTest, OperatorsOfLoadedLibrariesPass) {
  EXPECT_THAT(CheckOpaqueOp("torchvision::nms"), IsOk());
}

TEST(OpaqueOpTest, TheWholeVocabularyPasses) {
  for (const ops::OpDef* def : ops::AllOps()) {
    EXPECT_THAT(CheckOpaqueOp(def->schema.op), IsOk()) << def->schema.op;
  }
}

TEST(OpaqueOpTest, FileOperatorsAreKnownByTheirPlainName) {
  EXPECT_TRUE(OpensFile("from_file"));
  EXPECT_TRUE(OpensFile("save"));
  EXPECT_FALSE(OpensFile("add"));
  EXPECT_FALSE(OpensFile("resize"));
}

}  // namespace
}  // namespace ingot::ir
