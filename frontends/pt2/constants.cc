#include "frontends/pt2/constants.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/aligned_buffer.h"

namespace ingot::pt2 {
namespace {

constexpr int64_t kSmallBytes = 4096;

}  // namespace

absl::StatusOr<HostConstant> NewConstant(const ir::TensorType& type, char** bytes) {
  const size_t size = static_cast<size_t>(type.NumBytes());
  const auto buffer = std::make_shared<AlignedBuffer>(size);
  *bytes = buffer->bytes();
  if (size > 0 && *bytes == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for a constant of ", size, " bytes"));
  }
  if (size > 0) std::memset(*bytes, 0, size);
  return HostConstant{type, *bytes, buffer};
}

ir::ValueId ConstantPool::Add(const HostConstant& constant, std::string name) {
  const int64_t bytes = constant.type.NumBytes();
  const std::string key =
      bytes <= kSmallBytes
          ? absl::StrCat(ir::ToString(constant.type), ":",
                         absl::string_view(constant.data, static_cast<size_t>(bytes)))
          : absl::StrCat(ir::ToString(constant.type), "@",
                         reinterpret_cast<uintptr_t>(constant.data));
  const auto same = small_.find(key);
  if (same != small_.end()) return same->second;
  ir::InputSpec spec;
  spec.role = ir::InputRole::kConstant;
  spec.index = static_cast<uint32_t>(constants_.size());
  spec.name = std::move(name);
  const ir::ValueId value = graph_->AddInput(std::move(spec), constant.type);
  small_.emplace(key, value);
  constants_.push_back({{}, constant.type, constant.data, constant.owner});
  return value;
}

std::vector<ir::Constant> ConstantPool::Finish(const ir::ConstantDone& done) && {
  ir::ComputeDigests(absl::MakeSpan(constants_), done);
  for (ir::InputSpec& input : graph_->mutable_inputs()) {
    if (input.role == ir::InputRole::kConstant) input.digest = constants_[input.index].digest;
  }
  return std::move(constants_);
}

}  // namespace ingot::pt2
