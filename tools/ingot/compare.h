// How far a tensor is from what it should be.
//
//   Comparison c = Compare(actual, expected, Tolerances{});
//   if (!c.ok) Report(c.message);
//
// The rule is torch.testing.assert_close's: an element matches if |actual - expected| <= atol +
// rtol * |expected|, or both are equal (infinities too). Without given tolerances, those of
// assert_close for the dtype count: f16 1e-3/1e-5, bf16 1.6e-2/1e-5, f32 and c64 1.3e-6/1e-5, f64
// and c128 1e-7/1e-7, integers and bool exact. Unlike assert_close's default, NaN matches NaN: a
// model that yields NaN in eager must yield it here. dtype and sizes must be equal.
#ifndef INGOT_TOOLS_INGOT_COMPARE_H_
#define INGOT_TOOLS_INGOT_COMPARE_H_

#include <optional>
#include <string>

#include "core/ir/dtype.h"
#include "core/plugin/abi/ingot_backend.h"

namespace ingot::tools {

struct Tolerances {
  std::optional<double> rtol, atol;  // unset: the dtype's own
  // A floating element may also be off by this part of the largest magnitude of its tensor.
  double of_largest = 0;
};

// What counts for `dtype`: both set.
Tolerances EffectiveTolerances(ir::DType dtype, const Tolerances& given);

struct Comparison {
  bool ok = true;
  double max_abs_err = 0;  // inf where a NaN or an infinity stands on one side only
  double max_rel_err = 0;  // |actual - expected| / |expected|, 0 where both are 0
  int64_t mismatches = 0;
  int64_t arbitrated = 0;  // elements that match the arbiter only
  std::string message;     // one line; empty when ok
};

// With an `arbiter`, of the same sizes and any dtype, a finite element that misses `expected` is
// right if it is within the same tolerances of the arbiter's, or at most 4 times as far from it as
// the furthest element of `expected` (or as one unit of machine precision at the largest magnitude,
// if that element is nearer) and within 16 such units: what rounding leaves where large
// intermediate values cancel.
Comparison Compare(const ingot_tensor& actual, const ingot_tensor& expected,
                   const Tolerances& tolerances, const ingot_tensor* arbiter = nullptr);

// The largest |actual - expected|, for tensors of equal sizes and any dtypes; inf where only one is
// NaN or infinite. nullopt: the sizes differ.
std::optional<double> MaxAbsError(const ingot_tensor& actual, const ingot_tensor& expected);

// The largest finite magnitude of an element; 0 for an empty tensor.
double MaxMagnitude(const ingot_tensor& tensor);

// Machine epsilon of a floating or complex dtype (of its parts).
double Epsilon(ir::DType dtype);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_COMPARE_H_
