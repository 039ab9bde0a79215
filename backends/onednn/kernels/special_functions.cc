#include "backends/onednn/kernels/special_functions.h"

#include <math.h>  // lgamma_r

#include <cmath>
#include <limits>

namespace ingot::kernels {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Sums a series whose next term is the last times ratio(k), until terms don't count any more.
template <class Ratio>
double SumSeries(double first, const Ratio& ratio) {
  constexpr int kMostTerms = 500;
  double sum = first, term = first;
  for (int k = 1; k < kMostTerms; ++k) {
    const double next = term * ratio(k);
    // An asymptotic series ends where its terms grow.
    if (std::abs(next) < std::abs(sum) * 1e-17 || std::abs(next) > std::abs(term) * 1e3) break;
    term = next;
    sum += term;
  }
  return sum;
}

// I_order(x), x >= 0 (Abramowitz and Stegun 9.6.10, 9.7.1).
double BesselI(int order, double x) {
  constexpr double kLarge = 40;
  if (x < kLarge) {
    const double quarter = x * x / 4;
    return SumSeries(order == 0 ? 1 : x / 2,
                     [&](int k) { return quarter / (static_cast<double>(k) * (k + order)); });
  }
  const double mu = 4.0 * order * order;
  const double series = SumSeries(1, [&](int k) {
    const double odd = 2 * k - 1;
    return -(mu - odd * odd) / (8 * x * k);
  });
  // In two factors, for the exponential overflows before the result does.
  const double half = std::exp(x / 2);
  return half / std::sqrt(2 * kPi * x) * series * half;
}

}  // namespace

double LogGamma(double x) {
  int sign;
  return ::lgamma_r(x, &sign);
}

// Abramowitz and Stegun 6.3.5, 6.3.7, 6.3.18.
double Digamma(double x) {
  if (x == 0) return std::copysign(kInfinity, -x);
  if (x < 0) {
    const double fraction = x - std::trunc(x);
    if (fraction == 0) return kNan;
    return Digamma(1 - x) - kPi / std::tan(kPi * fraction);
  }
  if (std::isinf(x)) return x;
  double result = 0;
  for (; x < 12; x += 1) result -= 1 / x;
  const double y = 1 / (x * x);
  // B_2k / (2k)
  constexpr double kTerms[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                               1.0 / 132, -691.0 / 32760, 1.0 / 12};
  double power = y, tail = 0;
  for (const double term : kTerms) {
    tail += term * power;
    power *= y;
  }
  return result + std::log(x) - 0.5 / x - tail;
}

double ErfInverse(double y) {
  const double magnitude = std::abs(y);
  if (!(magnitude <= 1)) return kNan;
  if (magnitude == 1) return std::copysign(kInfinity, y);
  if (y == 0) return y;
  // Winitzki's approximation, then Halley's steps on erfc, which keeps its digits near 1.
  constexpr double kA = 0.147;
  const double rest = 1 - magnitude;
  const double log = std::log(rest * (1 + magnitude));
  const double b = 2 / (kPi * kA) + log / 2;
  double x = std::sqrt(std::sqrt(b * b - log / kA) - b);
  for (int i = 0; i < 4; ++i) {
    const double slope = 2 / std::sqrt(kPi) * std::exp(-x * x);
    const double error = magnitude < 0.5 ? std::erf(x) - magnitude : rest - std::erfc(x);
    const double step = error / slope;
    x -= step / (1 + x * step);
  }
  return std::copysign(x, y);
}

// PyTorch has NaN at the infinities, where its formula is infinity by infinity.
double BesselI0(double x) { return std::isfinite(x) ? BesselI(0, std::abs(x)) : kNan; }

double BesselI1(double x) {
  if (!std::isfinite(x)) return kNan;
  return std::copysign(BesselI(1, std::abs(x)), x);
}

}  // namespace ingot::kernels
