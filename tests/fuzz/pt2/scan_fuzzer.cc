#include <cstddef>
#include <cstdint>

#include "tests/fuzz/pt2/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ingot::pt2::FuzzScan({reinterpret_cast<const char*>(data), size});
  return 0;
}
