// ingot_tensor has the layout of DLPack's DLTensor, so that a host can pass one for the other.
//
// The structs below are DLPack's own (https://dmlc.github.io/dlpack/latest/c_api.html), written
// down again so that no header's include guard or version gets in the way.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "core/plugin/abi/ingot_backend.h"

namespace {

struct Device {
  int32_t device_type;  // DLDeviceType, an int32_t enumeration
  int32_t device_id;
};

struct DataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
};

struct Tensor {
  void* data;
  Device device;
  int32_t ndim;
  DataType dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};

#define INGOT_SAME_PLACE(field, place) \
  static_assert(offsetof(ingot_tensor, field) == offsetof(Tensor, place), #field)

static_assert(sizeof(ingot_tensor) == sizeof(Tensor));
static_assert(alignof(ingot_tensor) == alignof(Tensor));
INGOT_SAME_PLACE(data, data);
INGOT_SAME_PLACE(device_type, device.device_type);
INGOT_SAME_PLACE(device_id, device.device_id);
INGOT_SAME_PLACE(ndim, ndim);
INGOT_SAME_PLACE(dtype_code, dtype.code);
INGOT_SAME_PLACE(dtype_bits, dtype.bits);
INGOT_SAME_PLACE(dtype_lanes, dtype.lanes);
INGOT_SAME_PLACE(shape, shape);
INGOT_SAME_PLACE(strides, strides);
INGOT_SAME_PLACE(byte_offset, byte_offset);

TEST(DlpackLayoutTest, HoldsAtCompileTime) { SUCCEED(); }

}  // namespace
