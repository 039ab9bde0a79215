#include "core/ir/recording.h"

#include <gtest/gtest.h>

namespace ingot::ir {
namespace {

TEST(RecordingTest, ScalarsHaveTheDTypesOfTheirAlternatives) {
  EXPECT_EQ(ScalarDType(true), DType::kBool);
  EXPECT_EQ(ScalarDType(int64_t{1}), DType::kInt64);
  EXPECT_EQ(ScalarDType(1.5), DType::kFloat64);
  EXPECT_EQ(ScalarDType(std::complex<double>(1, 2)), DType::kComplex128);
}

class CountingMapping : public ReadableMapping {
 public:
  absl::string_view bytes() const override { return ""; }
  void Evict(absl::string_view range) const override { evicted += range.size(); }
  mutable size_t evicted = 0;
};

TEST(RecordingTest, PagesOfAConstantInAFileAreEvicted) {
  const float data[6] = {1, 2, 3, 4, 5, 6};
  Constant constant;
  constant.type = {DType::kFloat32, {2, 3}};
  constant.data = data;
  EXPECT_EQ(BytesOf(constant).size(), sizeof(data));
  EvictPages(constant);  // lies in no file: nothing to do
  const CountingMapping file;
  constant.file = &file;
  EvictPages(constant);
  EXPECT_EQ(file.evicted, sizeof(data));
}

TEST(RecordingTest, SignaturePrintsWhatIsUnusual) {
  Signature signature;
  const TensorType type = {DType::kFloat32, {2, 3}};
  signature.arguments = {{type, {}}, {type, {3, 1}}, {type, {1, 2}}, {type, {}}};
  signature.aliases = {{0, 0}, {1, 0}, {2, 0}, {0, 8}};
  EXPECT_EQ(ToString(signature),
            "(f32[2,3], f32[2,3], f32[2,3] strides [1,2], f32[2,3] aliases 0 at 8 bytes)");
  EXPECT_EQ(ToString(Signature()), "()");
}

}  // namespace
}  // namespace ingot::ir
