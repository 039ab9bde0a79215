#include "core/ir/recording.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ingot::ir {

DType ScalarDType(const Scalar& scalar) {
  // By index of the variant's alternatives.
  constexpr DType kDTypes[] = {DType::kBool, DType::kInt64, DType::kFloat64, DType::kComplex128};
  static_assert(std::variant_size_v<Scalar> == std::size(kDTypes));
  return kDTypes[scalar.index()];
}

absl::string_view BytesOf(const Constant& constant) {
  return {static_cast<const char*>(constant.data), static_cast<size_t>(constant.type.NumBytes())};
}

void EvictPages(const Constant& constant) {
  if (constant.file != nullptr) constant.file->Evict(BytesOf(constant));
}

std::string ToString(const Signature& signature) {
  std::string text = "(";
  for (size_t i = 0; i < signature.arguments.size(); ++i) {
    if (i > 0) text += ", ";
    const ArgumentSpec& spec = signature.arguments[i];
    text += ToString(spec.type);
    if (!spec.strides.empty() && spec.strides != ContiguousStrides(spec.type.dims)) {
      absl::StrAppend(&text, " strides [", absl::StrJoin(spec.strides, ","), "]");
    }
    if (i < signature.aliases.size() && signature.aliases[i].argument != i) {
      absl::StrAppend(&text, " aliases ", signature.aliases[i].argument);
      if (signature.aliases[i].offset != 0)
        absl::StrAppend(&text, " at ", signature.aliases[i].offset, " bytes");
    }
  }
  return text + ")";
}

}  // namespace ingot::ir
