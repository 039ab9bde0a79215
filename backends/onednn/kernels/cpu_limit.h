// How far up the CPU's instruction sets ingot's kernels may go.
//
// Users limit oneDNN's by its variable ONEDNN_MAX_CPU_ISA, to keep a fleet's results equal or off
// an instruction set that slows the CPU's clock; the other half of a plan follows.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_CPU_LIMIT_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_CPU_LIMIT_H_

namespace ingot::kernels {

enum class CpuLimit { kBaseline, kAvx2, kAvx512, kAvx512Bf16 };

// For the whole process and all of its users of Highway; what the CPU lacks stays unused anyway.
// Call it before a kernel is planned or run, while no other thread does either: what is planned
// keeps the instruction set that it was planned for.
void LimitCpu(CpuLimit limit);

// Whether AVX512-BF16 is within the limit; says nothing of the CPU. Thread-safe.
bool IsBf16WithinLimit();

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_CPU_LIMIT_H_
