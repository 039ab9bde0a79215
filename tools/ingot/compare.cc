#include "tools/ingot/compare.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tools/ingot/elements.h"

namespace ingot::tools {
namespace {

using Complex = std::complex<double>;

constexpr double kRoundingUnits = 16;  // of machine precision at the largest magnitude
constexpr double kErrorRatio = 4;      // as against float64 (check.h)

bool IsNan(const Complex& c) { return std::isnan(c.real()) || std::isnan(c.imag()); }

// |a - b|; 0 for equal infinities and for two NaNs, inf where only one is a NaN.
double Distance(const Complex& a, const Complex& b) {
  if (a == b || (IsNan(a) && IsNan(b))) return 0;
  const double distance = std::abs(a - b);
  return std::isnan(distance) ? std::numeric_limits<double>::infinity() : distance;
}

std::string Position(int64_t index, const ir::Dims& dims) {
  ir::Dims position(dims.size());
  for (size_t d = dims.size(); d-- > 0;) {
    position[d] = index % dims[d];
    index /= dims[d];
  }
  return absl::StrCat("[", absl::StrJoin(position, ","), "]");
}

std::string NumberText(ir::DType dtype, const Complex& c) {
  return ir::IsComplex(dtype) ? absl::StrFormat("%.9g%+.9gj", c.real(), c.imag())
                              : absl::StrFormat("%.9g", c.real());
}

// Sees one pair of elements after the other.
class Tally {
 public:
  Tally(ir::DType dtype, const ir::Dims& dims, const Tolerances& tolerances)
      : dtype_(dtype), dims_(dims), tolerances_(EffectiveTolerances(dtype, tolerances)) {}

  void Add(int64_t index, double distance, double magnitude, const Complex& actual,
           const Complex& expected, const Complex* arbiter = nullptr) {
    result_.max_abs_err = std::max(result_.max_abs_err, distance);
    // A NaN or infinite expectation has no relative error unless it is missed.
    const double relative = distance == 0              ? 0
                            : std::isfinite(magnitude) ? distance / magnitude
                                                       : std::numeric_limits<double>::infinity();
    result_.max_rel_err = std::max(result_.max_rel_err, relative);
    if (IsWithin(distance, magnitude)) return;
    if (arbiter != nullptr && std::isfinite(distance) &&
        (IsWithin(Distance(actual, *arbiter), std::abs(*arbiter)) ||
         Distance(actual, *arbiter) <= rounding_)) {
      ++result_.arbitrated;
      return;
    }
    if (result_.mismatches++ == 0 || distance > worst_) {
      worst_ = distance;
      worst_text_ = absl::StrCat(NumberText(dtype_, actual), " instead of ",
                                 NumberText(dtype_, expected), " at ", Position(index, dims_));
    }
  }

  // How far from the arbiter rounding may lead.
  void AllowRounding(const std::vector<Complex>& expected, const std::vector<Complex>& arbiter) {
    double error = 0, magnitude = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      const double distance = Distance(expected[i], arbiter[i]);
      if (std::isfinite(distance)) error = std::max(error, distance);
      if (std::isfinite(std::abs(arbiter[i])))
        magnitude = std::max(magnitude, std::abs(arbiter[i]));
    }
    // A run that happens to be exact does not demand exactness.
    const double unit = Epsilon(dtype_) * magnitude;
    rounding_ = std::min(kErrorRatio * std::max(error, unit), kRoundingUnits * unit);
  }

  // Elements may be off by this much, whatever their own magnitude.
  void AllowPart(double largest) { largest_ = largest; }

  bool IsWithin(double distance, double magnitude) const {
    const double allowed = *tolerances_.atol + *tolerances_.rtol * magnitude;
    return distance == 0 || (std::isfinite(distance) && distance <= std::max(allowed, largest_));
  }

  Comparison Finish(int64_t count) {
    result_.ok = result_.mismatches == 0;
    if (!result_.ok) {
      const std::string part =
          tolerances_.of_largest > 0
              ? absl::StrFormat(", or %g of the largest magnitude", tolerances_.of_largest)
              : "";
      result_.message =
          absl::StrFormat("%d of %d elements differ (rtol %g, atol %g%s), the worst by %.3g: %s",
                          result_.mismatches, count, *tolerances_.rtol, *tolerances_.atol, part,
                          worst_, worst_text_);
    }
    return result_;
  }

 private:
  ir::DType dtype_;
  ir::Dims dims_;
  Tolerances tolerances_;
  Comparison result_;
  double worst_ = 0, rounding_ = 0, largest_ = 0;
  std::string worst_text_;
};

}  // namespace

Tolerances EffectiveTolerances(ir::DType dtype, const Tolerances& given) {
  double rtol = 0, atol = 0;
  switch (dtype) {
    case ir::DType::kFloat16:
      rtol = 1e-3, atol = 1e-5;
      break;
    case ir::DType::kBFloat16:
      rtol = 1.6e-2, atol = 1e-5;
      break;
    case ir::DType::kFloat32:
    case ir::DType::kComplex64:
      rtol = 1.3e-6, atol = 1e-5;
      break;
    case ir::DType::kFloat64:
    case ir::DType::kComplex128:
      rtol = 1e-7, atol = 1e-7;
      break;
    default:
      return {0.0, 0.0};  // integers are exact, whatever was given
  }
  return {given.rtol.value_or(rtol), given.atol.value_or(atol), given.of_largest};
}

Comparison Compare(const ingot_tensor& actual, const ingot_tensor& expected,
                   const Tolerances& tolerances, const ingot_tensor* arbiter) {
  const ir::TensorType type = TypeOf(expected);
  if (TypeOf(actual) != type) {
    Comparison result;
    result.ok = false;
    result.max_abs_err = result.max_rel_err = std::numeric_limits<double>::infinity();
    result.message =
        absl::StrCat("is ", ir::ToString(TypeOf(actual)), ", must be ", ir::ToString(type));
    return result;
  }
  Tally tally(type.dtype, type.dims, tolerances);
  const int64_t count = type.NumElements();
  if (ir::IsIntegralOrBool(type.dtype)) {
    const std::vector<int64_t> a = ElementsAsInt(actual), e = ElementsAsInt(expected);
    for (int64_t i = 0; i < count; ++i) {
      // Wide enough for any difference of two int64.
      const double distance =
          std::abs(static_cast<double>(static_cast<__int128>(a[i]) - static_cast<__int128>(e[i])));
      tally.Add(i, distance, std::abs(static_cast<double>(e[i])), static_cast<double>(a[i]),
                static_cast<double>(e[i]));
    }
  } else {
    const std::vector<Complex> a = ElementsAsComplex(actual), e = ElementsAsComplex(expected);
    if (tolerances.of_largest > 0) tally.AllowPart(tolerances.of_largest * MaxMagnitude(expected));
    std::vector<Complex> exact;
    if (arbiter != nullptr && TypeOf(*arbiter).dims == type.dims) {
      exact = ElementsAsComplex(*arbiter);
      tally.AllowRounding(e, exact);
    }
    for (int64_t i = 0; i < count; ++i) {
      tally.Add(i, Distance(a[i], e[i]), std::abs(e[i]), a[i], e[i],
                exact.empty() ? nullptr : &exact[i]);
    }
  }
  return tally.Finish(count);
}

std::optional<double> MaxAbsError(const ingot_tensor& actual, const ingot_tensor& expected) {
  if (TypeOf(actual).dims != TypeOf(expected).dims) return std::nullopt;
  const std::vector<Complex> a = ElementsAsComplex(actual), e = ElementsAsComplex(expected);
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, Distance(a[i], e[i]));
  return worst;
}

double MaxMagnitude(const ingot_tensor& tensor) {
  double largest = 0;
  for (const Complex& c : ElementsAsComplex(tensor)) {
    if (std::isfinite(std::abs(c))) largest = std::max(largest, std::abs(c));
  }
  return largest;
}

double Epsilon(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::kFloat16:
      return 0x1p-10;
    case ir::DType::kBFloat16:
      return 0x1p-7;
    case ir::DType::kFloat32:
    case ir::DType::kComplex64:
      return 0x1p-23;
    case ir::DType::kFloat64:
    case ir::DType::kComplex128:
      return 0x1p-52;
    default:
      return 0;
  }
}

}  // namespace ingot::tools
