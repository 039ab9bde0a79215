#include "frontends/torchscript/tape.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <optional>

#include "absl/strings/str_cat.h"
#include "frontends/torchscript/fingerprint.h"
#include "frontends/torchscript/guard.h"
#include "frontends/torchscript/source_position.h"

namespace ingot::torchscript {
namespace {

thread_local Tape* current_tape = nullptr;

std::shared_ptr<char> CopyOf(StorageId storage) {
  const size_t size = storage->nbytes();
  char* copy = static_cast<char*>(std::aligned_alloc(64, (size + 63) / 64 * 64 + 64));
  if (copy == nullptr) throw std::bad_alloc();
  if (size > 0) std::memcpy(copy, storage->data(), size);
  return {copy, &std::free};
}

// Copies of lists, so that a later append doesn't change the record. Scalars, strings and tensors
// are values.
c10::IValue CopyOfLists(const c10::IValue& value) {
  return value.isList() ? c10::IValue(value.toList().copy()) : value;
}

void AppendTensors(const Tape& tape, const c10::IValue& value, std::vector<TensorSnapshot>& out) {
  if (value.isTensor()) {
    out.push_back(tape.Snapshot(value.toTensor()));
  } else if (value.isTensorList() || (value.isList() && !value.isIntList() &&
                                      !value.isDoubleList() && !value.isBoolList())) {
    for (const c10::IValue& element : value.toListRef()) {
      // An absent element of a Tensor?[] keeps its place.
      if (element.isNone()) {
        out.emplace_back();
      } else {
        AppendTensors(tape, element, out);
      }
    }
  }
}

template <typename Function>
void ForEachTensor(const std::vector<Operand>& operands, Function function) {
  for (const Operand& operand : operands) {
    for (const TensorSnapshot& tensor : operand.tensors) {
      if (tensor.storage != nullptr) function(tensor);
    }
  }
}

std::vector<c10::IValue> Values(const std::vector<Operand>& operands) {
  std::vector<c10::IValue> values;
  values.reserve(operands.size());
  for (const Operand& operand : operands) values.push_back(operand.value);
  return values;
}

size_t BytesOf(const TensorSnapshot& tensor) {
  return static_cast<size_t>(tensor.layout.Extent().second - tensor.layout.offset) *
         tensor.tensor.element_size();
}

bool HasTensors(const std::vector<Operand>& operands) {
  return std::any_of(operands.begin(), operands.end(),
                     [](const Operand& o) { return !o.tensors.empty(); });
}

}  // namespace

bool HasNested(const std::vector<Operand>& operands) {
  return std::any_of(operands.begin(), operands.end(), [](const Operand& o) {
    return std::any_of(o.tensors.begin(), o.tensors.end(),
                       [](const TensorSnapshot& t) { return t.is_nested(); });
  });
}

struct Tape::Frame {
  Call call;
  bool whole = false;
  bool proved_by_bytes =
      false;  // this call or one around it isn't composite: fingerprints are needed
  std::vector<Call> children;  // kept calls below, spliced
  // Storages that kept calls below made or wrote, with fingerprints if `proved_by_bytes`.
  absl::flat_hash_map<StorageId, uint64_t> produced;
  bool reads_unknown = false;  // a kept call below read memory that nobody is known to have written
  // … or memory fresh from the allocator, so somebody wrote it past the dispatcher.
  bool reads_uninitialised = false;
  bool reads_number = false;   // a kept call below reads a number that depends on the inputs
  bool is_unwritable = false;  // a kept call below writes and has no form that doesn't
};

struct Tape::Context : at::ObserverContext {
  std::unique_ptr<Frame> frame;
};

Tape::Scope::Scope(Tape& tape) {
  current_tape = &tape;
  handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&Tape::Start, &Tape::End)
                                           .needsInputs(true)
                                           .needsOutputs(true)
                                           .scopes({at::RecordScope::FUNCTION}));
}

Tape::Scope::~Scope() {
  at::removeCallback(handle_);
  current_tape = nullptr;
}

// RecordFunction logs and drops what its callbacks throw, so nothing may leave them.
std::unique_ptr<at::ObserverContext> Tape::Start(const at::RecordFunction& function) {
  Tape* tape = current_tape;
  if (tape == nullptr || tape->inside_whole_ || !tape->status_.ok()) return nullptr;
  auto context = std::make_unique<Context>();
  const absl::Status status = Guard("recording", [&] {
    context->frame = tape->OpenFrame(function);
    return absl::OkStatus();
  });
  if (!status.ok()) tape->status_ = status;
  if (context->frame == nullptr) return nullptr;
  tape->frames_.push_back(context->frame.get());
  tape->inside_whole_ = context->frame->whole;
  return context;
}

void Tape::End(const at::RecordFunction& function, at::ObserverContext* observer) {
  Tape* tape = current_tape;
  if (tape == nullptr || observer == nullptr) return;
  Frame& frame = *static_cast<Context*>(observer)->frame;
  tape->frames_.pop_back();
  tape->inside_whole_ = false;
  if (!tape->status_.ok()) return;
  const absl::Status status = Guard("recording", [&] {
    tape->CloseFrame(frame, function);
    return absl::OkStatus();
  });
  if (!status.ok()) tape->status_ = status;
}

std::unique_ptr<Tape::Frame> Tape::OpenFrame(const at::RecordFunction& function) {
  const std::optional<c10::OperatorName> name = function.operator_name();
  const OpRule* rule = name ? rules_.Find(*name) : nullptr;
  if (rule == nullptr) return nullptr;
  auto frame = std::make_unique<Frame>();
  frame->call.rule = rule;
  // A boxed call shows the whole stack; its own arguments are on top.
  const c10::ArrayRef<c10::IValue> stack = function.inputs();
  const size_t count = rule->schema->arguments().size();
  if (stack.size() < count) {
    status_ = absl::InternalError(absl::StrCat(rule->name, ": LibTorch shows ", stack.size(),
                                               " of its ", count, " arguments"));
    return nullptr;
  }
  frame->call.inputs = Operands(stack.slice(stack.size() - count, count));
  frame->call.source = frames_.empty() ? CurrentSourcePosition() : frames_.back()->call.source;
  const std::vector<c10::IValue> args = Values(frame->call.inputs);
  // What takes no tensor is a constant or random, and yields no view; what yields no tensor has no
  // useful inside.
  frame->whole = rule->IsTakenWhole(args) || !rule->returns_tensors || rule->has_own_kernel ||
                 rule->shape_argument >= 0 || HasNested(frame->call.inputs) ||
                 (!HasTensors(frame->call.inputs) && !(rule->is_composite && rule->IsRandom(args)));
  frame->proved_by_bytes =
      !rule->is_composite || (!frames_.empty() && frames_.back()->proved_by_bytes);
  if (frames_.empty() || !frames_.back()->proved_by_bytes) {
    ForEachTensor(frame->call.inputs, [&](const TensorSnapshot& t) { seen_.insert(t.storage); });
  }
  PreserveWritten(frame->call);
  return frame;
}

void Tape::CloseFrame(Frame& frame, const at::RecordFunction& function) {
  const size_t count = frame.call.rule->schema->returns().size();
  const std::vector<c10::IValue>& stack = function.outputs();
  if (stack.size() < count) {
    // The op threw, after what its inner calls have done.
    Splice(frame);
    return;
  }
  frame.call.outputs =
      Operands(c10::ArrayRef<c10::IValue>(stack).slice(stack.size() - count, count));
  if (frame.whole || HasNested(frame.call.outputs) || !IsSumOfChildren(frame)) {
    KeepWhole(frame);
  } else {
    Splice(frame);
  }
}

std::vector<Operand> Tape::Operands(c10::ArrayRef<c10::IValue> values) const {
  std::vector<Operand> operands;
  operands.reserve(values.size());
  for (const c10::IValue& value : values) {
    Operand& operand = operands.emplace_back();
    operand.value = CopyOfLists(value);
    AppendTensors(*this, operand.value, operand.tensors);
  }
  return operands;
}

bool Tape::IsSumOfChildren(const Frame& frame) const {
  const Call& call = frame.call;
  if (frame.reads_uninitialised) return false;
  if (frame.is_unwritable && !call.rule->functional.empty()) return false;
  if (frame.reads_number && call.rule->MayReadNumbers(Values(call.inputs))) return false;
  absl::flat_hash_set<StorageId> operands;
  ForEachTensor(call.inputs, [&](const TensorSnapshot& t) { operands.insert(t.storage); });
  const auto is_made_below = [&](StorageId storage) {
    const auto produced = frame.produced.find(storage);
    return produced != frame.produced.end() &&
           (!frame.proved_by_bytes || produced->second == Fingerprint(storage));
  };
  // A result in an operand's memory must be that operand or a view that a call below made.
  absl::flat_hash_set<Layout> layouts;
  ForEachTensor(call.inputs, [&](const TensorSnapshot& t) { layouts.insert(t.layout); });
  for (const Call& child : frame.children) {
    ForEachTensor(child.outputs, [&](const TensorSnapshot& t) { layouts.insert(t.layout); });
  }
  bool all = true;
  ForEachTensor(call.outputs, [&](const TensorSnapshot& t) {
    if (t.layout.type.NumElements() == 0) return;
    all &= operands.contains(t.storage) ? layouts.contains(t.layout) : is_made_below(t.storage);
  });
  for (int position : call.rule->Written(Values(call.inputs))) {
    for (const TensorSnapshot& t : call.inputs[position].tensors) {
      all &= t.storage == nullptr || t.layout.type.NumElements() == 0 || is_made_below(t.storage);
    }
  }
  return all && !(frame.reads_unknown && frame.proved_by_bytes);
}

bool Tape::ReadsUninitialised(const Call& call) const {
  if (call.rule->is_uninitialised || !call.rule->returns_tensors) return false;
  const std::vector<int> written = call.rule->Written(Values(call.inputs));
  absl::flat_hash_set<StorageId> viewed;  // making a view reads no elements
  ForEachTensor(call.outputs, [&](const TensorSnapshot& t) { viewed.insert(t.storage); });
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    if (std::count(written.begin(), written.end(), static_cast<int>(i)) > 0) continue;
    for (const TensorSnapshot& t : call.inputs[i].tensors) {
      if (t.layout.type.NumElements() > 0 && uninitialised_.contains(t.storage) &&
          !viewed.contains(t.storage)) {
        return true;
      }
    }
  }
  return false;
}

// What a kept call tells of the kernel that made it.
void Tape::NoteReads(const Call& call, Frame& parent) const {
  const std::vector<int> written = call.rule->Written(Values(call.inputs));
  const bool writes = !written.empty();
  parent.reads_number |= !call.rule->returns_tensors && !writes &&
                         !call.rule->reads_metadata_only && DependsOnInput(call);
  parent.is_unwritable |= writes && call.rule->functional.empty();
}

void Tape::KeepWhole(Frame& frame) {
  Call& call = frame.call;
  const bool reads_uninitialised = ReadsUninitialised(call);
  NoteWrites(call);
  // The results' epochs come after the write.
  for (Operand& output : call.outputs) {
    for (TensorSnapshot& tensor : output.tensors) tensor = Snapshot(tensor.tensor);
  }
  Frame* parent = frames_.empty() ? nullptr : frames_.back();
  if (parent != nullptr) {
    NoteReads(call, *parent);
    parent->reads_uninitialised |= reads_uninitialised;
    ForEachTensor(call.inputs, [&](const TensorSnapshot& t) {
      // Numbers that LibTorch wraps into tensors have no other maker.
      const bool is_number = t.tensor.unsafeGetTensorImpl()->is_wrapped_number();
      parent->reads_unknown |= !seen_.contains(t.storage) && !is_number;
    });
    const auto note = [&](const TensorSnapshot& t) {
      if (uninitialised_.contains(t.storage)) return;
      parent->produced[t.storage] = parent->proved_by_bytes ? Fingerprint(t.storage) : 0;
    };
    if (!call.rule->is_uninitialised) {
      ForEachTensor(call.outputs, note);
      for (int position : call.rule->Written(Values(call.inputs))) {
        for (const TensorSnapshot& t : call.inputs[position].tensors) {
          if (t.storage != nullptr) note(t);
        }
      }
    }
  }
  ForEachTensor(call.inputs, [&](const TensorSnapshot& t) { seen_.insert(t.storage); });
  ForEachTensor(call.outputs, [&](const TensorSnapshot& t) { seen_.insert(t.storage); });
  if (parent != nullptr) {
    parent->children.push_back(std::move(call));
    return;
  }
  Keep(std::move(call));
  CollectDeadMemory();
}

// A call that is kept for good.
void Tape::Keep(Call call) {
  // The operand's value and the snapshot.
  const auto hold = [&](const TensorSnapshot& t) { dead_memory_.Hold(t.tensor, 2); };
  ForEachTensor(call.inputs, hold);
  ForEachTensor(call.outputs, hold);
  calls_.push_back(std::move(call));
}

// REQUIRES: no call is open, as fingerprints are taken of what open ones have made.
void Tape::CollectDeadMemory() {
  dead_memory_.Collect([&](StorageId storage) { return dependent_.contains(storage); });
}

void Tape::Splice(Frame& frame) {
  Frame* parent = frames_.empty() ? nullptr : frames_.back();
  if (parent == nullptr) {
    for (Call& child : frame.children) Keep(std::move(child));
    CollectDeadMemory();
    return;
  }
  for (Call& child : frame.children) parent->children.push_back(std::move(child));
  parent->reads_unknown |= frame.reads_unknown;
  parent->reads_number |= frame.reads_number;
  parent->is_unwritable |= frame.is_unwritable;
  for (const auto& [storage, fingerprint] : frame.produced) {
    parent->produced[storage] =
        parent->proved_by_bytes && !frame.proved_by_bytes ? Fingerprint(storage) : fingerprint;
  }
}

void Tape::PreserveWritten(const Call& call) {
  for (int position : call.rule->Written(Values(call.inputs))) {
    for (const TensorSnapshot& tensor : call.inputs[position].tensors) {
      if (tensor.storage == nullptr || dependent_.contains(tensor.storage)) continue;
      auto [copy, inserted] = preserved_.try_emplace({tensor.storage, tensor.epoch});
      if (inserted) copy->second = {CopyOf(tensor.storage), tensor.storage->nbytes()};
    }
  }
}

bool Tape::DependsOnInput(const Call& call) const {
  bool depends = call.rule->IsRandom(Values(call.inputs)) || HasNested(call.inputs);
  ForEachTensor(call.inputs,
                [&](const TensorSnapshot& t) { depends |= dependent_.contains(t.storage); });
  return depends;
}

void Tape::NoteWrites(const Call& call) {
  const bool depends = DependsOnInput(call);
  absl::flat_hash_set<StorageId> operands;
  ForEachTensor(call.inputs, [&](const TensorSnapshot& t) { operands.insert(t.storage); });
  const auto note = [&](const TensorSnapshot& tensor) {
    if (depends && !call.rule->is_uninitialised) dependent_.insert(tensor.storage);
    if (call.rule->is_uninitialised) {
      uninitialised_.insert(tensor.storage);
      // Whatever is read before it is written, every recording shall read the same.
      if (tensor.storage->nbytes() > 0)
        std::memset(tensor.tensor.mutable_data_ptr(), 0, BytesOf(tensor));
    } else if (!operands.contains(tensor.storage)) {
      uninitialised_.erase(tensor.storage);
    }
  };
  if (call.rule->returns_tensors) {
    ForEachTensor(call.outputs, [&](const TensorSnapshot& tensor) {
      // What is passed on or viewed (dropout of no elements) is no more random than it was.
      if (!operands.contains(tensor.storage)) note(tensor);
    });
  }
  for (int position : call.rule->Written(Values(call.inputs))) {
    for (const TensorSnapshot& tensor : call.inputs[position].tensors) {
      if (tensor.storage == nullptr) continue;
      ++epochs_[tensor.storage];
      uninitialised_.erase(tensor.storage);
      note(tensor);
    }
  }
}

void Tape::MarkInput(const at::Tensor& tensor) {
  const TensorSnapshot snapshot = Snapshot(tensor);
  if (snapshot.storage == nullptr) return;
  dependent_.insert(snapshot.storage);
  seen_.insert(snapshot.storage);
}

TensorSnapshot Tape::Snapshot(const at::Tensor& tensor) const {
  TensorSnapshot snapshot;
  snapshot.tensor = tensor;
  if (!HasLayout(tensor)) return snapshot;
  snapshot.storage = tensor.unsafeGetTensorImpl()->unsafe_storage().unsafeGetStorageImpl();
  const auto epoch = epochs_.find(snapshot.storage);
  if (epoch != epochs_.end()) snapshot.epoch = epoch->second;
  snapshot.layout = LayoutOf(tensor);
  return snapshot;
}

void Tape::Restore(StorageId storage) const {
  const auto copy = preserved_.find({storage, 0});
  if (copy == preserved_.end() || storage->data() == nullptr) return;
  const size_t size = std::min(copy->second.size, storage->nbytes());
  if (size == 0) return;
  std::memcpy(const_cast<c10::StorageImpl*>(storage)->mutable_data(), copy->second.bytes.get(),
              size);
}

at::Tensor Tape::Contents(const TensorSnapshot& snapshot) const {
  const Layout& layout = snapshot.layout;
  const auto epoch = epochs_.find(snapshot.storage);
  const bool is_current = epoch == epochs_.end() || epoch->second == snapshot.epoch;
  const auto copy = preserved_.find({snapshot.storage, snapshot.epoch});
  if (copy == preserved_.end() && !is_current) return {};
  char* base = copy != preserved_.end()
                   ? copy->second.bytes.get()
                   : static_cast<char*>(const_cast<void*>(snapshot.storage->data()));
  std::shared_ptr<char> keep = copy != preserved_.end() ? copy->second.bytes : nullptr;
  const at::Tensor owner = snapshot.tensor;
  const at::ScalarType dtype = ScalarTypeOf(layout);
  const ir::Dims& sizes = layout.type.dims;
  at::Tensor view = at::from_blob(
      base + layout.offset * static_cast<int64_t>(c10::elementSize(dtype)),
      at::IntArrayRef(sizes.data(), sizes.size()),
      at::IntArrayRef(layout.strides.data(), layout.strides.size()), [keep, owner](void*) {},
      at::TensorOptions().dtype(dtype));
  if (layout.conjugate) view = view.conj();
  if (layout.negative) view = view._neg_view();
  return view.resolve_conj().resolve_neg().contiguous();
}

}  // namespace ingot::torchscript
