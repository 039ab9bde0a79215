#include "frontends/torchscript/tensor_bridge.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/plugin/tensor.h"
#include "frontends/torchscript/layout.h"

namespace ingot::torchscript {
namespace {

absl::StatusOr<at::Tensor> FromAbi(const ingot_tensor& tensor) {
  const std::optional<ir::DType> dtype = plugin::TensorDType(tensor);
  if (!dtype) return absl::InvalidArgumentError("has a dtype that ingot lacks");
  if (tensor.device_type != 1) return absl::InvalidArgumentError("is not on the CPU");
  const absl::Span<const int64_t> sizes = plugin::TensorDims(tensor);
  const absl::Span<const int64_t> strides = plugin::TensorStrides(tensor);
  const auto is_negative = [](int64_t n) { return n < 0; };
  if (std::any_of(sizes.begin(), sizes.end(), is_negative) ||
      std::any_of(strides.begin(), strides.end(), is_negative)) {
    return absl::InvalidArgumentError("has a negative size or stride");
  }
  return at::from_blob(plugin::TensorData(tensor), at::IntArrayRef(sizes.data(), sizes.size()),
                       at::IntArrayRef(strides.data(), strides.size()),
                       at::TensorOptions().dtype(ToScalarType(*dtype)));
}

}  // namespace

absl::StatusOr<std::vector<at::Tensor>> FromAbi(const ingot_tensor* tensors, size_t count) {
  std::vector<at::Tensor> result;
  for (size_t i = 0; i < count; ++i) {
    INGOT_ASSIGN_OR_RETURN(at::Tensor tensor, FromAbi(tensors[i]), absl::StrCat("argument ", i));
    result.push_back(std::move(tensor));
  }
  return result;
}

absl::StatusOr<ingot_tensor> ToAbi(const at::Tensor& tensor) {
  const std::optional<ir::DType> dtype =
      HasLayout(tensor) ? ToDType(tensor.scalar_type()) : std::optional<ir::DType>();
  if (!dtype || tensor.is_conj() || tensor.is_neg()) {
    return absl::UnimplementedError(
        absl::StrCat("a tensor of type ", tensor.toString(), " can't be handed over"));
  }
  const at::IntArrayRef sizes = tensor.sizes();
  const at::IntArrayRef strides = tensor.strides();
  return plugin::MakeTensor(const_cast<void*>(tensor.const_data_ptr()), *dtype,
                            {sizes.data(), sizes.size()}, {strides.data(), strides.size()});
}

}  // namespace ingot::torchscript
