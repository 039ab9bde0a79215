#include "tools/ingot/tensor_stream.h"

#include <utility>

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::tools {
namespace {

using Code = absl::StatusCode;

Arguments Samples() {
  Arguments tensors;
  auto dense = runtime::HostTensor::Create({ir::DType::kFloat32, {2, 3}});
  for (int i = 0; i < 6; ++i) dense->data<float>()[i] = static_cast<float>(i);
  tensors.push_back(*std::move(dense));
  auto transposed = runtime::HostTensor::Create({ir::DType::kInt64, {2, 2}}, {1, 2});
  for (int i = 0; i < 4; ++i) transposed->data<int64_t>()[i] = i;
  tensors.push_back(*std::move(transposed));
  tensors.push_back(*runtime::HostTensor::Create({ir::DType::kBool, {0, 5}}));
  tensors.push_back(*runtime::HostTensor::Create({ir::DType::kFloat64, {}}));
  return tensors;
}

TEST(TensorStreamTest, WhatIsWrittenIsRead) {
  const auto bytes = WriteTensors(Samples());
  ASSERT_THAT(bytes, IsOk());
  const auto read = ReadTensors(*bytes);
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), 4u);
  EXPECT_EQ((*read)[0].data<float>()[5], 5.0F);
  EXPECT_EQ((*read)[1].strides(), (ir::Dims{1, 2}));
  EXPECT_EQ((*read)[1].data<int64_t>()[1], 1);
  EXPECT_EQ((*read)[2].type(), (ir::TensorType{ir::DType::kBool, {0, 5}}));
  EXPECT_THAT(ReadTensors(""), IsOk());
}

TEST(TensorStreamTest, CutOrChangedAnywhereIsNoCrash) {
  const std::string bytes = *WriteTensors(Samples());
  for (size_t size = 1; size < bytes.size(); ++size) {
    ReadTensors(bytes.substr(0, size)).status().IgnoreError();
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string changed = bytes;
      changed[at] = value;
      ReadTensors(changed).status().IgnoreError();
    }
  }
  EXPECT_THAT(ReadTensors(bytes.substr(0, bytes.size() - 1)), StatusIs(Code::kDataLoss));
}

TEST(TensorStreamTest, ListsStayApart) {
  std::string lists;
  ASSERT_THAT(AppendList(Samples(), lists), IsOk());
  ASSERT_THAT(AppendList({}, lists), IsOk());
  ASSERT_THAT(AppendList(Samples(), lists), IsOk());
  const auto read = ReadLists(lists);
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), 3u);
  EXPECT_EQ((*read)[0].size(), 4u);
  EXPECT_EQ((*read)[1].size(), 0u);
  EXPECT_EQ((*read)[2][0].data<float>()[5], 5.0F);
  for (size_t size = 1; size < lists.size(); ++size) {
    ReadLists(lists.substr(0, size)).status().IgnoreError();
  }
  EXPECT_THAT(ReadLists(lists.substr(0, lists.size() - 1)), StatusIs(Code::kDataLoss));
}

}  // namespace
}  // namespace ingot::tools
