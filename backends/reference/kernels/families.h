// The tables of kernels, one function a family of core/ops.
#ifndef INGOT_BACKENDS_REFERENCE_KERNELS_FAMILIES_H_
#define INGOT_BACKENDS_REFERENCE_KERNELS_FAMILIES_H_

#include <vector>

#include "backends/reference/kernel.h"

namespace ingot::reference {

std::vector<Kernel> PointwiseKernels();
std::vector<Kernel> ActivationKernels();
std::vector<Kernel> MatmulKernels();
std::vector<Kernel> ConvKernels();
std::vector<Kernel> PoolKernels();
std::vector<Kernel> NormKernels();
std::vector<Kernel> AttentionKernels();
std::vector<Kernel> IndexKernels();
std::vector<Kernel> ReduceKernels();
std::vector<Kernel> ViewKernels();
std::vector<Kernel> ShapeKernels();
std::vector<Kernel> RandomKernels();
std::vector<Kernel> RnnKernels();
std::vector<Kernel> SpecialKernels();
std::vector<Kernel> ResampleKernels();
std::vector<Kernel> ScanKernels();
std::vector<Kernel> ScatterKernels();

}  // namespace ingot::reference

#endif  // INGOT_BACKENDS_REFERENCE_KERNELS_FAMILIES_H_
