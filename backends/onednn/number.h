// Literal numbers as elements of a tensor.
#ifndef INGOT_BACKENDS_ONEDNN_NUMBER_H_
#define INGOT_BACKENDS_ONEDNN_NUMBER_H_

#include <array>
#include <optional>

#include "core/ir/graph.h"
#include "core/ir/type.h"

namespace ingot::onednn {

// The bytes of a literal number as an element of `dtype`, converted as PyTorch does; nullopt if the
// number is held by a value, or not zero and complex.
using NumberBytes = std::array<char, 16>;
std::optional<NumberBytes> BytesOf(const ir::Argument& argument, ir::DType dtype);
NumberBytes BytesOf(double value, ir::DType dtype);

// As double; nullopt if it is none or held by a value.
std::optional<double> LiteralNumber(const ir::Argument& argument);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_NUMBER_H_
