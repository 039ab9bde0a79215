#include "frontends/torchscript/constant_pool.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/ir/constant_digests.h"
#include "frontends/torchscript/layout.h"

namespace ingot::torchscript {
namespace {

constexpr int64_t kSmallBytes = 4096;

}  // namespace

ir::Constant MakeConstant(const at::Tensor& tensor) {
  ir::Constant constant;
  constant.type = *TypeOf(LayoutOf(tensor));
  constant.data = tensor.const_data_ptr();
  // The memory, not the tensor, whose memory can be exchanged (`.data = …`).
  constant.owner = std::make_shared<c10::Storage>(tensor.storage());
  constant.is_live = true;
  return constant;
}

ir::ValueId ConstantPool::Add(const at::Tensor& tensor, std::string name) {
  ir::Constant constant = MakeConstant(tensor);
  const int64_t bytes = constant.type.NumBytes();
  std::string key;
  if (bytes <= kSmallBytes) {
    key = absl::StrCat(
        ir::ToString(constant.type), ":",
        absl::string_view(static_cast<const char*>(constant.data), static_cast<size_t>(bytes)));
    const auto same = small_.find(key);
    if (same != small_.end()) return same->second;
  }
  ir::InputSpec spec;
  spec.role = ir::InputRole::kConstant;
  spec.index = static_cast<uint32_t>(constants_.size());
  spec.name = std::move(name);
  const ir::ValueId value = graph_->AddInput(std::move(spec), constant.type);
  if (!key.empty()) small_.emplace(std::move(key), value);
  constants_.push_back(std::move(constant));
  return value;
}

std::vector<ir::Constant> ConstantPool::Finish() && {
  ir::ComputeDigests(absl::MakeSpan(constants_));
  for (ir::InputSpec& input : graph_->mutable_inputs()) {
    if (input.role == ir::InputRole::kConstant) input.digest = constants_[input.index].digest;
  }
  return std::move(constants_);
}

}  // namespace ingot::torchscript
