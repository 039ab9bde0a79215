// One argument of a node, in the position that the op's ATen schema gives it.
//
// A node always carries *all* arguments of its schema, defaults filled in, so that two nodes that
// mean the same have the same arguments. Tensors are references to values. A schema argument of
// kind `Scalar` is either a literal (bool, int64_t, double, complex) or a ValueRef to a value of
// role kScalar: then its number is data, and graphs that differ only in it are the same graph.
#ifndef INGOT_CORE_IR_ARGUMENT_H_
#define INGOT_CORE_IR_ARGUMENT_H_

#include <complex>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/ir/dtype.h"

namespace ingot::ir {

using ValueId = uint32_t;
inline constexpr ValueId kNoValue = 0xffffffffu;

// No value: an optional argument that is absent. Device, layout, generator and pin_memory arguments
// are always None: ingot graphs live on the CPU, dense, and take randomness from the seed input.
struct None {
  friend bool operator==(const None&, const None&) = default;
};

// A tensor operand (or a scalar operand held by a value).
struct ValueRef {
  ValueId id = kNoValue;
  friend bool operator==(const ValueRef&, const ValueRef&) = default;
};

// Tensor[] or Tensor?[]; an absent element is kNoValue.
struct ValueRefList {
  std::vector<ValueId> ids;
  friend bool operator==(const ValueRefList&, const ValueRefList&) = default;
};

using Argument = std::variant<None,          // absent
                              ValueRef,      // Tensor, Tensor?, or a Scalar held by a value
                              ValueRefList,  // Tensor[], Tensor?[]
                              bool,          // bool, or a literal bool Scalar
                              int64_t,  // int, SymInt, MemoryFormat code, or a literal int Scalar
                              double,   // float, or a literal float Scalar
                              std::complex<double>,  // a literal complex Scalar
                              std::string,           // str
                              std::vector<int64_t>,  // int[], SymInt[]
                              std::vector<double>,   // float[]
                              std::vector<bool>,     // bool[]
                              DType>;                // ScalarType

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_ARGUMENT_H_
