// Elements of tensors as numbers, whatever their dtype: for printing, parsing, comparing, scaling.
//
//   std::vector<double> values = ElementsAsDouble(tensor);    // row-major, any strides
//   StoreElement(tensor.view(), 3, 1.5);                      // element 3 of a row-major tensor
//
// float16 and bfloat16 convert by IEEE 754 round to nearest even. Thread-safe (no state).
#ifndef INGOT_TOOLS_INGOT_ELEMENTS_H_
#define INGOT_TOOLS_INGOT_ELEMENTS_H_

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "core/ir/type.h"
#include "core/plugin/abi/ingot_backend.h"

namespace ingot::tools {

float HalfToFloat(uint16_t bits);
uint16_t FloatToHalf(float value);
inline float BFloat16ToFloat(uint16_t bits) {
  const uint32_t wide = uint32_t{bits} << 16;
  float value;
  __builtin_memcpy(&value, &wide, sizeof(value));
  return value;
}
uint16_t FloatToBFloat16(float value);

// dtype and sizes. REQUIRES: the dtype is one of ir::DType.
ir::TensorType TypeOf(const ingot_tensor& tensor);

// The elements in row-major order. 64-bit integers beyond 2^53 lose digits as double and complex.
// REQUIRES: the dtype is one of ir::DType.
std::vector<double> ElementsAsDouble(const ingot_tensor& tensor);  // the real parts
std::vector<std::complex<double>> ElementsAsComplex(const ingot_tensor& tensor);
std::vector<int64_t> ElementsAsInt(const ingot_tensor& tensor);  // bool: 0 or 1

// Sets element `index` of a row-major tensor, converting to its dtype.
void StoreElement(const ingot_tensor& tensor, int64_t index, std::complex<double> value);
void StoreElement(const ingot_tensor& tensor, int64_t index, int64_t value);

// Bytes of the elements in row-major order.
std::string RowMajorBytes(const ingot_tensor& tensor);

// "[[1, 2], [3, 4.5]]"; more than `limit` elements: the first and last of each dimension. Floats
// print with six significant digits.
std::string ElementsText(const ingot_tensor& tensor, int64_t limit = 1000);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_ELEMENTS_H_
