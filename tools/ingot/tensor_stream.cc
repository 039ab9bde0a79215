#include "tools/ingot/tensor_stream.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "core/base/status_macros.h"
#include "core/base/strided_copy.h"
#include "core/ir/dtype.h"

namespace ingot::tools {
namespace {

constexpr int64_t kMaxGaps = 64;

template <typename T>
void Put(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

absl::Status Malformed() { return absl::DataLossError("tensors from the child are malformed"); }

template <typename T>
absl::StatusOr<T> Take(absl::string_view& bytes) {
  if (bytes.size() < sizeof(T)) return Malformed();
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return value;
}

absl::StatusOr<runtime::HostTensor> TakeTensor(absl::string_view& bytes) {
  INGOT_ASSIGN_OR_RETURN(const int32_t dtype, Take<int32_t>(bytes));
  INGOT_ASSIGN_OR_RETURN(const int32_t rank, Take<int32_t>(bytes));
  if (dtype < 0 || dtype >= ir::kNumDTypes || rank < 0 || rank > ir::kMaxRank) return Malformed();
  ir::TensorType type;
  type.dtype = static_cast<ir::DType>(dtype);
  const auto element = static_cast<int64_t>(ir::ElementSize(type.dtype));
  int64_t left = static_cast<int64_t>(bytes.size()) / element;
  for (int32_t d = 0; d < rank; ++d) {
    INGOT_ASSIGN_OR_RETURN(const int64_t size, Take<int64_t>(bytes));
    if (size < 0 || size > left) return Malformed();
    if (size > 0) left /= size;
    type.dims.push_back(size);
  }
  ir::Dims strides;
  __int128 span = 1;
  for (int32_t d = 0; d < rank; ++d) {
    INGOT_ASSIGN_OR_RETURN(const int64_t stride, Take<int64_t>(bytes));
    span += static_cast<__int128>(type.dims[static_cast<size_t>(d)]) * stride;
    if (stride < 0 || span > std::numeric_limits<int64_t>::max()) return Malformed();
    strides.push_back(stride);
  }
  if (type.NumBytes() > static_cast<int64_t>(bytes.size())) return Malformed();
  // Gaps take memory too.
  if (span > (static_cast<__int128>(type.NumElements()) + 1) * kMaxGaps) return Malformed();
  INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor, runtime::HostTensor::Create(type, strides));
  if (type.NumElements() > 0) {
    StridedCopy(type.dims, static_cast<size_t>(element), bytes.data(),
                ir::ContiguousStrides(type.dims), tensor.data<char>(), strides);
  }
  bytes.remove_prefix(static_cast<size_t>(type.NumBytes()));
  return tensor;
}

}  // namespace

absl::StatusOr<std::string> WriteTensors(const Arguments& tensors) {
  std::string bytes;
  for (const runtime::HostTensor& tensor : tensors) {
    INGOT_ASSIGN_OR_RETURN(const runtime::HostTensor dense,
                           runtime::HostTensor::Copy(tensor.view()));
    const ir::TensorType& type = tensor.type();
    Put(bytes, static_cast<int32_t>(type.dtype));
    Put(bytes, static_cast<int32_t>(type.rank()));
    for (const int64_t size : type.dims) Put(bytes, size);
    for (const int64_t stride : tensor.strides()) Put(bytes, stride);
    bytes.append(dense.data<char>(), static_cast<size_t>(type.NumBytes()));
  }
  return bytes;
}

absl::StatusOr<Arguments> ReadTensors(absl::string_view bytes) {
  Arguments tensors;
  while (!bytes.empty()) {
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor, TakeTensor(bytes));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

absl::Status AppendList(const Arguments& tensors, std::string& lists) {
  INGOT_ASSIGN_OR_RETURN(const std::string bytes, WriteTensors(tensors));
  Put(lists, static_cast<int64_t>(bytes.size()));
  lists.append(bytes);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Arguments>> ReadLists(absl::string_view lists) {
  std::vector<Arguments> read;
  while (!lists.empty()) {
    INGOT_ASSIGN_OR_RETURN(const int64_t size, Take<int64_t>(lists));
    if (size < 0 || size > static_cast<int64_t>(lists.size())) return Malformed();
    INGOT_ASSIGN_OR_RETURN(read.emplace_back(),
                           ReadTensors(lists.substr(0, static_cast<size_t>(size))));
    lists.remove_prefix(static_cast<size_t>(size));
  }
  return read;
}

}  // namespace ingot::tools
