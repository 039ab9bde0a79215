#include "core/runtime/state.h"

#include <cstring>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::runtime {

std::shared_ptr<const StateLayout> MakeStateLayout(const ir::Graph& graph,
                                                   std::vector<ir::Constant> initial,
                                                   Program program) {
  auto layout = std::make_shared<StateLayout>();
  layout->names.resize(initial.size());
  absl::flat_hash_set<std::string> taken;
  std::vector<uint32_t> nameless;
  for (const ir::InputSpec& input : graph.inputs()) {
    if (input.role != ir::InputRole::kState) continue;
    if (input.name.empty() || !taken.insert(input.name).second) {
      nameless.push_back(input.index);
    } else {
      layout->names[input.index] = input.name;
    }
  }
  // After those that have names, which other graphs of the program know them by.
  for (const uint32_t index : nameless) {
    std::string& name = layout->names[index];
    name = absl::StrCat("state.", index);
    while (!taken.insert(name).second) name += "'";
  }
  layout->initial = std::move(initial);
  layout->program = program != nullptr ? std::move(program) : std::make_shared<const char>();
  return layout;
}

State::State(std::shared_ptr<const StateLayout> layout) : program_(layout->program) {
  absl::MutexLock lock(&mutex_);
  Bind(layout).IgnoreError();  // can't fail: there are no other buffers yet
}

State::Slot* State::Find(absl::string_view name) {
  for (Slot& slot : slots_) {
    if (slot.name == name) return &slot;
  }
  return nullptr;
}

absl::Status State::Bind(const std::shared_ptr<const StateLayout>& layout) {
  std::vector<char*> buffers;
  for (size_t i = 0; i < layout->names.size(); ++i) {
    const ir::Constant& initial = layout->initial[i];
    Slot* slot = Find(layout->names[i]);
    if (slot == nullptr) {
      slots_.push_back(
          {layout->names[i], initial, AlignedBuffer(static_cast<size_t>(initial.type.NumBytes()))});
      slot = &slots_.back();
      std::memcpy(slot->memory.data(), initial.data, slot->memory.size());
    } else if (slot->initial.type != initial.type) {
      return absl::FailedPreconditionError(
          absl::StrCat("the state \"", slot->name, "\" is ", ir::ToString(slot->initial.type),
                       " in earlier calls and ", ir::ToString(initial.type),
                       " in this one: use a new state for calls of this signature"));
    }
    buffers.push_back(slot->memory.bytes());
  }
  bound_ = layout;
  buffers_ = std::move(buffers);
  return absl::OkStatus();
}

void State::Reset() {
  absl::MutexLock lock(&mutex_);
  for (Slot& slot : slots_) std::memcpy(slot.memory.data(), slot.initial.data, slot.memory.size());
}

std::vector<State::Buffer> State::Export() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Buffer> buffers;
  for (const Slot& slot : slots_) {
    buffers.push_back(
        {slot.name, slot.initial.type, std::string(slot.memory.bytes(), slot.memory.size())});
  }
  return buffers;
}

absl::Status State::Import(absl::Span<const Buffer> buffers) {
  absl::MutexLock lock(&mutex_);
  for (const Buffer& buffer : buffers) {
    const Slot* slot = Find(buffer.name);
    if (slot == nullptr) {
      return absl::NotFoundError(
          absl::StrCat("the program has no state \"", buffer.name, "\" to import"));
    }
    if (slot->initial.type != buffer.type || slot->memory.size() != buffer.bytes.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the state \"", buffer.name, "\" is ", ir::ToString(slot->initial.type),
                       ", not ", ir::ToString(buffer.type), " of ", buffer.bytes.size(), " bytes"));
    }
  }
  for (const Buffer& buffer : buffers)
    std::memcpy(Find(buffer.name)->memory.data(), buffer.bytes.data(), buffer.bytes.size());
  return absl::OkStatus();
}

absl::Status State::Use(const std::shared_ptr<const StateLayout>& layout,
                        absl::FunctionRef<absl::Status(absl::Span<char* const>)> fn) {
  if (layout->program != program_) {
    return absl::InvalidArgumentError(
        "the call's state was made by another program: make one with NewState of this graph");
  }
  absl::MutexLock lock(&mutex_);
  if (bound_ != layout) INGOT_RETURN_IF_ERROR(Bind(layout));
  return fn(buffers_);
}

}  // namespace ingot::runtime
