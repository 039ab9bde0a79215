// Elements of a constant as numbers of one of two kinds: whole (bools too) or floating.
#ifndef INGOT_FRONTENDS_PT2_ELEMENTS_H_
#define INGOT_FRONTENDS_PT2_ELEMENTS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "frontends/pt2/constants.h"

namespace ingot::pt2 {

struct Elements {
  bool floating = false;
  std::vector<int64_t> ints;    // if not floating
  std::vector<double> doubles;  // if floating

  size_t size() const { return floating ? doubles.size() : ints.size(); }
};

// Whether elements of this dtype can be numbers here: all but half precision and complex.
bool IsPlain(ir::DType dtype);

// REQUIRES: IsPlain(dtype).
Elements Load(const HostConstant& constant);

// Cast as eager casts: to bool by != 0, to narrower integers by wrapping, to float32 by rounding.
// REQUIRES: IsPlain(type.dtype), as many elements as the type has.
absl::StatusOr<HostConstant> Store(const ir::TensorType& type, const Elements& elements);

// The elements of `elements`, of sizes `from`, broadcast to sizes `to`.
Elements Broadcast(const Elements& elements, const ir::Dims& from, const ir::Dims& to);

// Rounded to `dtype`: float32's values for float32.
double Round(double value, ir::DType dtype);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_ELEMENTS_H_
