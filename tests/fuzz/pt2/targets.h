// What the fuzzers run: readers of untrusted bytes, to the end. They only must not crash, hang or
// take unbounded memory; what they return is a status.
#ifndef INGOT_TESTS_FUZZ_PT2_TARGETS_H_
#define INGOT_TESTS_FUZZ_PT2_TARGETS_H_

#include "absl/strings/string_view.h"

namespace ingot::pt2 {

// A whole archive: opened, its sample arguments read, its program converted.
void FuzzArchive(absl::string_view bytes);

// The JSON of a program, in an archive of one weight "w" (f32, 4096 bytes): converted.
void FuzzProgram(absl::string_view json);

// The scan of TorchScript files: of an archive, or of a pickle (which begins with 0x80) or source
// in one.
void FuzzScan(absl::string_view bytes);

}  // namespace ingot::pt2

#endif  // INGOT_TESTS_FUZZ_PT2_TARGETS_H_
