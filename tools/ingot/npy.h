// NumPy's .npy format (versions 1.0 and 2.0), as bytes in memory.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
//   INGOT_ASSIGN_OR_RETURN(NpyHeader header, ParseNpyHeader(bytes));
//
// dtypes: b1 u1 i1 i2 i4 i8 f2 f4 f8 c8 c16, little-endian. Fortran order is understood. NumPy has
// no bfloat16: see npz.h for how it travels. Input is untrusted: nothing is allocated by what a
// header claims.
#ifndef INGOT_TOOLS_INGOT_NPY_H_
#define INGOT_TOOLS_INGOT_NPY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/type.h"

namespace ingot::tools {

struct NpyHeader {
  ir::TensorType type;
  bool is_uint16 = false;  // '<u2', which ingot has no dtype for; `type` says bf16
  bool fortran_order = false;
  size_t data_offset = 0;  // where the elements begin
};

// Reads the header at the beginning of `bytes`, which need not hold the elements. A header has at
// most kMaxNpyHeader bytes. InvalidArgument says what is wrong; DataLoss: the header is cut off.
inline constexpr size_t kMaxNpyHeader = 64 << 10;
absl::StatusOr<NpyHeader> ParseNpyHeader(absl::string_view bytes);

// A version 1.0 header for row-major elements of `type` (bf16: as '<u2'), padded to 64 bytes.
std::string NpyHeaderBytes(const ir::TensorType& type);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_NPY_H_
