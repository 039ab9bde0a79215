// Arguments of a call while a graph is being converted: like ir::Argument, but tensors are memory
// (memory.h), not values.
#ifndef INGOT_FRONTENDS_PT2_OPERAND_H_
#define INGOT_FRONTENDS_PT2_OPERAND_H_

#include <complex>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/ir/argument.h"
#include "core/ir/dtype.h"

namespace ingot::pt2 {

using TensorId = uint32_t;
inline constexpr TensorId kNoTensor = 0xffffffffu;

struct TensorOperand {
  TensorId id = kNoTensor;
  friend bool operator==(const TensorOperand&, const TensorOperand&) = default;
};
// An absent element is kNoTensor.
struct TensorListOperand {
  std::vector<TensorId> ids;
  friend bool operator==(const TensorListOperand&, const TensorListOperand&) = default;
};

using Operand = std::variant<ir::None, TensorOperand, TensorListOperand, bool, int64_t, double,
                             std::complex<double>, std::string, std::vector<int64_t>,
                             std::vector<double>, std::vector<bool>, ir::DType>;

inline bool IsNumber(const Operand& operand) {
  return std::holds_alternative<bool>(operand) || std::holds_alternative<int64_t>(operand) ||
         std::holds_alternative<double>(operand) ||
         std::holds_alternative<std::complex<double>>(operand);
}

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_OPERAND_H_
