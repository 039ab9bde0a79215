#include "tests/conformance/compare.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace ingot::conformance {
namespace {

struct Tolerance {
  double rtol = 0, atol = 0;
};

// https://pytorch.org/docs/stable/testing.html#torch.testing.assert_close
Tolerance ToleranceFor(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::kFloat16:
      return {1e-3, 1e-5};
    case ir::DType::kBFloat16:
      return {1.6e-2, 1e-5};
    case ir::DType::kFloat32:
    case ir::DType::kComplex64:
      return {1.3e-6, 1e-5};
    case ir::DType::kFloat64:
    case ir::DType::kComplex128:
      return {1e-7, 1e-7};
    default:
      return {};
  }
}

bool Close(double actual, double expected, const Tolerance& tolerance) {
  if (std::isnan(actual) || std::isnan(expected)) return std::isnan(actual) == std::isnan(expected);
  if (std::isinf(actual) || std::isinf(expected)) return actual == expected;
  return std::abs(actual - expected) <= tolerance.atol + tolerance.rtol * std::abs(expected);
}

}  // namespace

std::string Difference(const HostTensor& actual, const HostTensor& expected, const Slack& slack) {
  if (actual.type() != expected.type()) {
    return absl::StrCat("type ", ir::ToString(actual.type()), ", expected ",
                        ir::ToString(expected.type()));
  }
  Tolerance tolerance = ToleranceFor(expected.type().dtype);
  tolerance.rtol *= slack.factor;
  tolerance.atol *= slack.factor;
  if (expected.type().dtype == ir::DType::kFloat16) tolerance.atol += slack.half_ulps * 0x1p-10;
  if (expected.type().dtype == ir::DType::kBFloat16) tolerance.atol += slack.half_ulps * 0x1p-7;
  const bool integral = ir::IsIntegralOrBool(expected.type().dtype);
  const int64_t n = expected.NumComponents();
  int64_t wrong = 0;
  std::string first;
  for (int64_t i = 0; i < n; ++i) {
    if (integral ? actual.Int(i) == expected.Int(i)
                 : Close(actual.Double(i), expected.Double(i), tolerance)) {
      continue;
    }
    if (wrong++ == 0) {
      first =
          absl::StrCat("element ", i, " is ", actual.Double(i), ", expected ", expected.Double(i));
    }
  }
  if (wrong == 0) return "";
  return absl::StrCat(first, "; ", wrong, " of ", n, " elements differ");
}

}  // namespace ingot::conformance
