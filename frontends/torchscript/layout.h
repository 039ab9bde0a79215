// LibTorch's tensors and element types in ingot's terms. Thread-safe (no state).
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_LAYOUT_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_LAYOUT_H_

#include <ATen/core/Tensor.h>

#include <optional>

#include "core/ir/dtype.h"
#include "frontends/functional/layout.h"

namespace ingot::torchscript {

using functional::Layout;
using functional::TypeOf;

std::optional<ir::DType> ToDType(at::ScalarType type);
at::ScalarType ToScalarType(ir::DType dtype);

// A dense or strided CPU tensor with a storage.
bool HasLayout(const at::Tensor& tensor);
// REQUIRES: HasLayout(tensor).
Layout LayoutOf(const at::Tensor& tensor);
// What stands for the layout of a tensor that has none: no graph has such a type.
Layout NoLayout();

at::ScalarType ScalarTypeOf(const Layout& layout);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_LAYOUT_H_
