#include "core/ops/promotion.h"

namespace ingot::ops {
namespace {

using ir::DType;
using ir::DTypeCategory;

std::optional<DType> Promote(std::optional<DType> a, std::optional<DType> b) {
  if (!a) return b;
  if (!b) return a;
  return ir::PromoteTypes(*a, *b);
}

// The complex dtype with the precision of a floating one. f16 has none in this IR: its sums would
// be c64.
DType ComplexFor(DType dtype) {
  return dtype == DType::kFloat64 ? DType::kComplex128 : DType::kComplex64;
}

// ATen's combine_categories: `lower` counts only if its category is higher than `higher`'s.
std::optional<DType> Combine(std::optional<DType> higher, std::optional<DType> lower) {
  if (!higher) return lower;
  if (!lower) return higher;
  if (ir::IsComplex(*higher)) return higher;
  if (ir::IsFloating(*higher)) return ir::IsComplex(*lower) ? ComplexFor(*higher) : *higher;
  if (*higher == DType::kBool || ir::Category(*lower) > DTypeCategory::kIntegral) {
    return ir::PromoteTypes(*higher, *lower);
  }
  return higher;
}

}  // namespace

void Promotion::AddTensor(const ir::TensorType& type) {
  std::optional<DType>& slot = type.rank() > 0 ? dimensioned_ : zero_dim_;
  slot = Promote(slot, type.dtype);
}

void Promotion::AddNumber(DType dtype) {
  if (ir::IsComplex(dtype)) dtype = DType::kComplex64;
  if (ir::IsFloating(dtype)) dtype = DType::kFloat32;
  number_ = Promote(number_, dtype);
}

DType Promotion::Result() const { return *Combine(dimensioned_, Combine(zero_dim_, number_)); }

}  // namespace ingot::ops
