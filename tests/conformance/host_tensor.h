// Tensors of the test's own: dense, row-major, 64-aligned, with guard bytes behind the last
// element.
//
// Elements are read and written as doubles or int64s; the half formats are decoded here,
// independently of any backend.
#ifndef INGOT_TESTS_CONFORMANCE_HOST_TENSOR_H_
#define INGOT_TESTS_CONFORMANCE_HOST_TENSOR_H_

#include <cstdint>
#include <memory>

#include "core/ir/type.h"

namespace ingot::conformance {

class HostTensor {
 public:
  // All bytes are `fill`.
  explicit HostTensor(ir::TensorType type, uint8_t fill = 0);

  const ir::TensorType& type() const { return type_; }
  const ir::Dims& strides() const { return strides_; }
  void* data() { return data_.get(); }
  const void* data() const { return data_.get(); }
  // Shares the bytes, for constants that must outlive the call.
  std::shared_ptr<const void> share() const { return data_; }

  // Elements, but two for each complex one.
  int64_t NumComponents() const {
    return type_.NumElements() * (ir::IsComplex(type_.dtype) ? 2 : 1);
  }
  // Component i in row-major order. Ints: integral and bool dtypes.
  double Double(int64_t i) const;
  int64_t Int(int64_t i) const;
  // Halves truncate: callers write values that they hold exactly, or don't care about the last
  // digit.
  void SetDouble(int64_t i, double value);
  void SetInt(int64_t i, int64_t value);

  // False once somebody wrote behind the last element.
  bool GuardIntact() const;
  // Bit for bit.
  bool SameBytes(const HostTensor& other) const;

 private:
  ir::TensorType type_;
  ir::Dims strides_;
  std::shared_ptr<void> data_;
};

}  // namespace ingot::conformance

#endif  // INGOT_TESTS_CONFORMANCE_HOST_TENSOR_H_
