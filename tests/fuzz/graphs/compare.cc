#include <ATen/ATen.h>

#include <cmath>
#include <cstring>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "tests/fuzz/graphs/eager.h"

namespace ingot::fuzz {
namespace {

// The defaults of torch.testing.assert_close.
struct Tolerance {
  double relative, absolute;
};
Tolerance ToleranceOf(at::ScalarType dtype) {
  switch (dtype) {
    case at::kHalf:
      return {1e-3, 1e-5};
    case at::kBFloat16:
      return {1.6e-2, 1e-5};
    case at::kFloat:
      return {1.3e-6, 1e-5};
    case at::kDouble:
      return {1e-7, 1e-7};
    default:
      return {0, 0};
  }
}

// Errors of a correct backend, in those that noise makes.
constexpr double kNoiseFactor = 8;
// A tolerance this many times the plain one is loose.
constexpr double kLoose = 1000;

bool IsSame(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

std::string ElementDifference(const at::Tensor& actual, const at::Tensor& expected,
                              const std::vector<at::Tensor>& noisy, bool narrow, int64_t& loose) {
  const auto doubles = [](const at::Tensor& t) { return t.to(at::kDouble).contiguous(); };
  const at::Tensor a = doubles(actual), e = doubles(expected);
  std::vector<at::Tensor> runs;
  for (const at::Tensor& run : noisy) runs.push_back(doubles(run));
  const Tolerance tolerance = ToleranceOf(
      narrow && expected.scalar_type() == at::kDouble ? at::kFloat : expected.scalar_type());
  for (int64_t i = 0; i < e.numel(); ++i) {
    const double x = a.data_ptr<double>()[i], y = e.data_ptr<double>()[i];
    double noise = 0;
    for (const at::Tensor& run : runs) {
      const double z = run.data_ptr<double>()[i];
      if (!IsSame(y, z)) noise = std::isfinite(y - z) ? std::max(noise, std::abs(y - z)) : INFINITY;
    }
    const double plain = tolerance.absolute + tolerance.relative * std::abs(y);
    if (kNoiseFactor * noise > kLoose * plain) ++loose;
    if (IsSame(x, y) || std::abs(x - y) <= plain + kNoiseFactor * noise || std::isinf(noise))
      continue;
    return absl::StrCat("element ", i, ": ", x, " instead of ", y, " (tolerance ",
                        plain + kNoiseFactor * noise, ")");
  }
  return "";
}

std::string TensorDifference(const at::Tensor& actual, const at::Tensor& expected,
                             const std::vector<at::Tensor>& noisy, bool narrow, int64_t& loose) {
  if (actual.scalar_type() != expected.scalar_type() || actual.sizes() != expected.sizes()) {
    std::ostringstream text;
    text << actual.toString() << actual.sizes() << " instead of " << expected.toString()
         << expected.sizes();
    return text.str();
  }
  return ElementDifference(actual, expected, noisy, narrow, loose);
}

using Member = std::vector<at::Tensor> Outcome::*;

std::string MemberDifference(const char* what, Member member, const Outcome& actual,
                             const Outcome& expected, const std::vector<Outcome>& noisy,
                             const std::vector<bool>& narrow, int64_t& loose) {
  const auto& a = actual.*member;
  const auto& e = expected.*member;
  if (a.size() != e.size()) return absl::StrCat(a.size(), " ", what, "s instead of ", e.size());
  for (size_t i = 0; i < a.size(); ++i) {
    std::vector<at::Tensor> runs;
    for (const Outcome& run : noisy) runs.push_back((run.*member)[i]);
    const std::string difference = TensorDifference(a[i], e[i], runs, narrow[i], loose);
    if (!difference.empty()) return absl::StrCat(what, " ", i, ": ", difference);
  }
  return "";
}

bool SameBits(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const at::Tensor x = a.contiguous(), y = b.contiguous();
  return x.numel() == 0 || std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

}  // namespace

std::string Difference(const Outcome& actual, const Outcome& expected,
                       const std::vector<Outcome>& noisy, const Narrow& narrow, int64_t& loose) {
  const std::string results =
      MemberDifference("result", &Outcome::results, actual, expected, noisy, narrow.results, loose);
  if (!results.empty()) return results;
  return MemberDifference("argument", &Outcome::arguments, actual, expected, noisy,
                          narrow.arguments, loose);
}

bool SameBits(const Outcome& a, const Outcome& b) {
  for (Member member : {&Outcome::results, &Outcome::arguments}) {
    if ((a.*member).size() != (b.*member).size()) return false;
    for (size_t i = 0; i < (a.*member).size(); ++i) {
      if (!SameBits((a.*member)[i], (b.*member)[i])) return false;
    }
  }
  return true;
}

}  // namespace ingot::fuzz
