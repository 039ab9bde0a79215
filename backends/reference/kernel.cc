#include "backends/reference/kernel.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "backends/reference/kernels/families.h"

namespace ingot::reference {

Number KernelContext::ToNumber(const ir::Argument& arg) const {
  if (const auto* truth = std::get_if<bool>(&arg)) return {ir::DType::kBool, *truth, 0};
  if (const auto* integer = std::get_if<int64_t>(&arg)) return {ir::DType::kInt64, *integer, 0};
  if (const auto* real = std::get_if<double>(&arg)) return {ir::DType::kFloat64, 0, *real};
  const ConstTensor value = Value(std::get<ir::ValueRef>(arg).id);
  if (value.dtype == ir::DType::kFloat64) return {value.dtype, 0, Load<double>(value, 0)};
  return {value.dtype, Load<int64_t>(value, 0), 0};
}

Tensor KernelContext::Out(int i) const {
  const ir::ValueId id = op_.node().outputs[i];
  return {graph_.type(id).dtype, graph_.type(id).dims, buffers_[id]};
}

uint64_t KernelContext::Seed() const {
  return static_cast<uint64_t>(
      Load<int64_t>(Value(std::get<ir::ValueRef>(op_.node().args.back()).id), 0));
}

absl::Status KernelContext::Error(absl::string_view message) const {
  return absl::InvalidArgumentError(absl::StrCat(op_.node().op, ": ", message));
}

const Kernel* FindKernel(absl::string_view op) {
  static const auto* const kernels = [] {
    using Family = std::vector<Kernel> (*)();
    constexpr Family kFamilies[] = {
        PointwiseKernels, ActivationKernels, MatmulKernels, ConvKernels,    PoolKernels,
        NormKernels,      AttentionKernels,  IndexKernels,  ReduceKernels,  ViewKernels,
        ShapeKernels,     RandomKernels,     RnnKernels,    SpecialKernels, ScanKernels,
        ResampleKernels,  ScatterKernels};
    auto* map = new absl::flat_hash_map<std::string, Kernel>();
    for (Family family : kFamilies) {
      for (const Kernel& kernel : family()) map->emplace(kernel.op, kernel);
    }
    return map;
  }();
  const auto it = kernels->find(op);
  return it == kernels->end() ? nullptr : &it->second;
}

}  // namespace ingot::reference
