#include "core/runtime/host_tensor.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/strided_copy.h"
#include "core/plugin/tensor.h"

namespace ingot::runtime {
namespace {

// So that bytes, at up to 16 an element, fit an int64.
constexpr int64_t kMaxElements = std::numeric_limits<int64_t>::max() / 16;

absl::Status TooLarge(const ir::TensorType& type) {
  return absl::InvalidArgumentError(
      absl::StrCat("a tensor of type ", ir::ToString(type), " is too large"));
}

// Sizes whose product, zeros taken as ones as in strides, stays in range.
absl::Status CheckSizes(const ir::TensorType& type) {
  __int128 elements = 1;
  for (int64_t size : type.dims) {
    if (size < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("sizes of ", ir::ToString(type), " must not be negative"));
    }
    elements *= std::max<int64_t>(size, 1);
    if (elements > kMaxElements) return TooLarge(type);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HostTensor> HostTensor::Create(const ir::TensorType& type, ir::Dims strides) {
  if (!strides.empty() && strides.size() != type.dims.size()) {
    return absl::InvalidArgumentError(absl::StrCat("a tensor of type ", ir::ToString(type),
                                                   " needs ", type.dims.size(), " strides, not ",
                                                   strides.size()));
  }
  INGOT_RETURN_IF_ERROR(CheckSizes(type));
  if (strides.empty()) strides = ir::ContiguousStrides(type.dims);
  // Elements from the first to the last, gaps included.
  __int128 span = 1;
  bool empty = false;
  for (size_t i = 0; i < type.dims.size(); ++i) {
    if (strides[i] < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("strides of ", ir::ToString(type), " must not be negative"));
    }
    empty = empty || type.dims[i] == 0;
    span += static_cast<__int128>(type.dims[i] - 1) * strides[i];
    if (span > kMaxElements) return TooLarge(type);
  }
  HostTensor tensor;
  tensor.type_ = type;
  tensor.strides_ = std::move(strides);
  const size_t bytes = empty ? 0 : static_cast<size_t>(span) * ir::ElementSize(type.dtype);
  tensor.buffer_ = AlignedBuffer(bytes);
  if (bytes > 0 && tensor.buffer_.data() == nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat("no memory for a tensor of type ",
                                                     ir::ToString(type), " (", bytes, " bytes)"));
  }
  if (bytes > 0) std::memset(tensor.buffer_.data(), 0, bytes);
  return tensor;
}

absl::StatusOr<HostTensor> HostTensor::Copy(const ingot_tensor& tensor) {
  std::optional<ir::DType> dtype = plugin::TensorDType(tensor);
  if (!dtype) {
    return absl::InvalidArgumentError(absl::StrCat("no dtype for DLPack code ", tensor.dtype_code,
                                                   " with ", tensor.dtype_bits, " bits"));
  }
  const auto dims = plugin::TensorDims(tensor);
  INGOT_ASSIGN_OR_RETURN(HostTensor copy, Create({*dtype, ir::Dims(dims.begin(), dims.end())}));
  StridedCopy(dims, ir::ElementSize(*dtype), plugin::TensorData(tensor),
              plugin::TensorStrides(tensor), copy.buffer_.data(), copy.strides_);
  return copy;
}

ingot_tensor HostTensor::view() const {
  return plugin::MakeTensor(buffer_.data(), type_.dtype, type_.dims, strides_);
}

}  // namespace ingot::runtime
