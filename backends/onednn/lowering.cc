#include "backends/onednn/lowering.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/copy.h"
#include "backends/onednn/layout.h"
#include "backends/onednn/weight_bytes.h"
#include "core/base/aligned_buffer.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

// Work below this runs on one thread: a fork costs more than it saves (design, section 9).
constexpr double kMinParallelNanoseconds = 20000;
// Bytes a nanosecond that one core moves through its caches.
constexpr double kCopyBytesPerNanosecond = 10;

absl::Status NoMemory(size_t bytes, absl::string_view what) {
  return absl::ResourceExhaustedError(absl::StrCat("no memory for ", bytes, " bytes of ", what));
}

}  // namespace

Lowering::Lowering(const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants,
                   const sdk::CompileContext& context, Options options)
    : graph_(graph),
      context_(context),
      options_(options),
      saved_threads_(omp_get_max_threads()),
      tensors_(graph.num_values()),
      constant_pool_(static_cast<size_t>(WeightBytes(graph))),
      uses_left_(graph.num_values(), 0) {
  for (const ir::InputSpec& input : graph.inputs()) {
    const ir::TensorType& type = graph.type(input.value);
    const BufferId id = NewBuffer(type.NumBytes());
    Buffer& buffer = buffers_[id];
    written_[id] = true;
    if (input.role == ir::InputRole::kConstant) {
      buffer.kind = Buffer::Kind::kConstant;
      buffer.data = static_cast<const char*>(constants[input.index].data);
      buffer.host_constant = static_cast<int>(input.index);
    } else {
      buffer.kind = Buffer::Kind::kInput;
      buffer.index = static_cast<uint32_t>(num_inputs_++);
    }
    Tensor tensor;
    tensor.buffer = id;
    tensor.dtype = type.dtype;
    tensor.dims = type.dims;
    tensor.strides = ir::ContiguousStrides(type.dims);
    Set(input.value, std::move(tensor));
  }
  for (const ir::Node& node : graph.nodes()) {
    ir::ForEachOperand(node, [&](ir::ValueId value) { ++uses_left_[value]; });
  }
  for (const ir::OutputSpec& output : graph.outputs()) ++uses_left_[output.value];
}

Lowering::~Lowering() { omp_set_num_threads(saved_threads_); }

void Lowering::Set(ir::ValueId value, Tensor tensor) {
  values_of_[tensor.buffer].push_back(value);
  tensors_[value] = std::move(tensor);
}

BufferId Lowering::NewBuffer(size_t bytes) {
  buffers_.emplace_back().bytes = bytes;
  written_.push_back(bytes == 0);  // nothing is needed to define it
  values_of_.emplace_back();
  return static_cast<BufferId>(buffers_.size() - 1);
}

Tensor Lowering::NewTensor(ir::DType dtype, absl::Span<const int64_t> dims) {
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.dims.assign(dims.begin(), dims.end());
  tensor.strides = ir::ContiguousStrides(dims);
  tensor.buffer = NewBuffer(tensor.NumBytes());
  return tensor;
}

Tensor Lowering::NewTensor(ir::DType dtype, absl::Span<const int64_t> dims,
                           const MemoryDesc& desc) {
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.dims.assign(dims.begin(), dims.end());
  if (!desc.IsStrided(&tensor.strides)) tensor.opaque = desc;
  tensor.buffer = NewBuffer(desc.bytes());
  return tensor;
}

Operand Lowering::NewScratch(size_t bytes) {
  const BufferId id = NewBuffer(bytes);
  buffers_[id].scratch = true;
  return {id, 0, true};
}

absl::Status Lowering::Materialize(Buffer& buffer) {
  buffer.memory = constant_pool_.Allocate(buffer.bytes);
  if (buffer.bytes != 0 && buffer.memory.bytes() == nullptr) {
    return NoMemory(buffer.bytes, "packed constants");
  }
  buffer.kind = Buffer::Kind::kConstant;
  buffer.data = buffer.memory.bytes();
  return absl::OkStatus();
}

absl::Status Lowering::TakeFromHost(Buffer& buffer) {
  if (buffer.host_constant < 0) return absl::OkStatus();
  const char* const hosts = buffer.data;
  INGOT_RETURN_IF_ERROR(Materialize(buffer));
  if (buffer.bytes > 0) std::memcpy(buffer.memory.bytes(), hosts, buffer.bytes);
  context_.DropConstant(buffer.host_constant);
  buffer.host_constant = -1;
  return absl::OkStatus();
}

absl::Status Lowering::WillStream(const Tensor& constant) {
  return TakeFromHost(buffers_[constant.buffer]);
}

absl::StatusOr<Tensor> Lowering::NewConstant(ir::DType dtype, absl::Span<const int64_t> dims,
                                             const void* data) {
  Tensor tensor = NewTensor(dtype, dims);
  Buffer& buffer = buffers_[tensor.buffer];
  INGOT_RETURN_IF_ERROR(Materialize(buffer));
  std::memcpy(buffer.memory.bytes(), data, buffer.bytes);
  written_[tensor.buffer] = true;
  return tensor;
}

absl::StatusOr<Tensor> Lowering::Strided(const Tensor& tensor) {
  if (!tensor.is_opaque()) return tensor;
  // Blocks of channels come from convolutions and go to others: channels-last suits those, too.
  return InLayout(tensor, tensor.rank() < 3 ? MemoryDesc::RowMajor(tensor.dtype, tensor.dims)
                                            : ChannelsLast(tensor.dtype, tensor.dims));
}

absl::StatusOr<Tensor> Lowering::Dense(const Tensor& tensor) {
  if (tensor.is_opaque()) {
    return InLayout(tensor, MemoryDesc::RowMajor(tensor.dtype, tensor.dims));
  }
  if (tensor.IsRowMajor()) {
    Tensor dense = tensor;
    dense.strides = ir::ContiguousStrides(dense.dims);
    return dense;
  }
  const TensorKey key{tensor.buffer, tensor.offset, tensor.dims, tensor.strides};
  if (auto it = dense_.find(key); it != dense_.end()) return it->second;
  Tensor dense = NewTensor(tensor.dtype, tensor.dims);
  buffers_[dense.buffer].copy = true;
  INGOT_ASSIGN_OR_RETURN(kernels::StridedCopy copy,
                         kernels::StridedCopy::Make(tensor.dims, tensor.strides, dense.strides,
                                                    ir::ElementSize(tensor.dtype)));
  INGOT_RETURN_IF_ERROR(
      AddKernel("ingot:copy", {Read(tensor), Write(dense)}, [copy](const StepArgs& args) {
        copy.Run(args.At<void>(0), args.At<void>(1), args.threads());
        return absl::OkStatus();
      }));
  dense_.emplace(key, dense);
  return dense;
}

absl::StatusOr<Tensor> Lowering::InLayout(const Tensor& tensor, const MemoryDesc& desc,
                                          ir::DType dtype) {
  if (tensor.dtype == dtype && HasLayout(tensor, desc)) {
    Tensor same = tensor;
    if (!same.is_opaque()) desc.IsStrided(&same.strides);
    return same;
  }
  if (tensor.MayOverlap()) {
    INGOT_ASSIGN_OR_RETURN(const Tensor dense, Dense(tensor));
    return InLayout(dense, desc, dtype);
  }
  const MemoryDesc from = tensor.Desc();
  for (const Reordered& r : reordered_) {
    if (r.source == tensor.buffer && r.offset == tensor.offset && r.from == from && r.to == desc) {
      return r.result;
    }
  }
  // The caller is in the middle of making a call of its own, with its own number of threads.
  const int callers = call_threads_;
  UseThreadsFor(static_cast<double>(from.bytes() + desc.bytes()) / kCopyBytesPerNanosecond);
  INGOT_ASSIGN_OR_RETURN(PrimitiveDesc reorder, ReorderDesc(from, desc, Attributes()));
  Tensor result = NewTensor(dtype, tensor.dims, desc);
  buffers_[result.buffer].copy = true;
  INGOT_RETURN_IF_ERROR(
      AddCall(reorder, {Reads(DNNL_ARG_FROM, tensor), {DNNL_ARG_TO, Write(result), desc}}));
  SetThreads(callers);
  const bool only_rounds = tensor.dtype == ir::DType::kFloat32 && dtype == ir::DType::kBFloat16 &&
                           !tensor.is_opaque() && tensor.strides == result.strides &&
                           DenseOrder(tensor).has_value();
  if (only_rounds && !IsConstant(result)) steps_.back().rounded_elements = tensor.NumElements();
  reordered_.push_back({tensor.buffer, tensor.offset, from, desc, result});
  return result;
}

bool Lowering::DiesHere(const Tensor& tensor) const {
  const Buffer& buffer = buffers_[tensor.buffer];
  if (buffer.kind != Buffer::Kind::kWorkspace || buffer.copy || unit_ == nullptr) return false;
  for (ir::ValueId value : values_of_[tensor.buffer]) {
    int here = 0;
    for (ir::NodeId node : unit_->nodes) {
      ir::ForEachOperand(graph_.node(node), [&](ir::ValueId v) { here += v == value; });
    }
    if (uses_left_[value] != here) return false;
  }
  return true;
}

absl::Status Lowering::AddKernel(absl::string_view implementation, std::vector<Operand> operands,
                                 StepFn fn) {
  return AddKernel(implementation, std::move(operands), std::move(fn), KernelAbilities());
}

absl::Status Lowering::AddKernel(absl::string_view implementation, std::vector<Operand> operands,
                                 StepFn fn, KernelAbilities abilities) {
  DraftStep draft;
  draft.step.info.implementation = std::string(implementation);
  draft.step.threads = options_.threads;
  draft.step.run = std::move(fn);
  draft.operands = std::move(operands);
  draft.in_place_read = abilities.in_place_read;
  draft.in_place_write = abilities.in_place_write;
  if (abilities.lines.has_value()) {
    draft.lines = std::make_shared<const LineStep>(*std::move(abilities.lines));
  }
  if (abilities.rounding.has_value()) {
    draft.rounding = std::make_shared<const RoundingStep>(*std::move(abilities.rounding));
  }
  return AddStep(std::move(draft));
}

absl::Status Lowering::AddInPlaceKernel(absl::string_view implementation,
                                        std::vector<Operand> operands, int read, int write,
                                        StepFn fn) {
  KernelAbilities abilities;
  abilities.in_place_read = read;
  abilities.in_place_write = write;
  return AddKernel(implementation, std::move(operands), std::move(fn), std::move(abilities));
}

absl::Status Lowering::AddCall(const PrimitiveDesc& desc, std::vector<CallArgument> arguments) {
  auto call = std::make_shared<PrimitiveCall>();
  INGOT_ASSIGN_OR_RETURN(call->primitive, Primitive::Create(desc));
  DraftStep draft;
  draft.step.info.implementation = desc.implementation();
  draft.step.threads = call_threads_;
  if (desc.scratchpad_bytes() != 0) {
    arguments.push_back({DNNL_ARG_SCRATCHPAD, NewScratch(desc.scratchpad_bytes()),
                         desc.Query(dnnl_query_scratchpad_md)});
  }
  for (CallArgument& argument : arguments) {
    if (argument.argument == 0) {
      draft.operands.push_back(argument.operand);
      continue;
    }
    call->arguments.push_back(
        {argument.argument, std::move(argument.desc), static_cast<int>(draft.operands.size())});
    draft.operands.push_back(argument.operand);
    const MemoryDesc& layout = call->arguments.back().desc;
    if (layout.get() == nullptr) continue;
    if (argument.argument == DNNL_ARG_SRC) draft.step.info.layout_in = layout.ToString();
    if (argument.argument == DNNL_ARG_DST) draft.step.info.layout = layout.ToString();
  }
  draft.step.call = std::move(call);
  return AddStep(std::move(draft));
}

void Lowering::UseThreadsFor(double nanoseconds) {
  SetThreads(nanoseconds < kMinParallelNanoseconds ? 1 : options_.threads);
}

void Lowering::SetThreads(int threads) {
  call_threads_ = threads;
  omp_set_num_threads(threads);
}

absl::Status Lowering::AddStep(DraftStep draft) {
  StepInfo& info = draft.step.info;
  info.node = current_.node;
  info.op = current_.op;
  info.fused = current_.fused;
  bool constant = true;
  for (const Operand& operand : draft.operands) {
    const Buffer& buffer = buffers_[operand.buffer];
    const bool also_read =
        std::any_of(draft.operands.begin(), draft.operands.end(),
                    [&](const Operand& o) { return !o.write && o.buffer == operand.buffer; });
    if (operand.write ? (written_[operand.buffer] && !also_read) : !written_[operand.buffer]) {
      return absl::InternalError(absl::StrCat("node ", info.node, " (", info.op, "): step ",
                                              info.implementation,
                                              " breaks the single-writer rule"));
    }
    if (operand.write) {
      constant &= buffer.kind == Buffer::Kind::kWorkspace;
    } else {
      constant &= buffer.kind == Buffer::Kind::kConstant;
    }
  }
  for (const Operand& operand : draft.operands) {
    if (!operand.write) continue;
    if (written_[operand.buffer]) ForgetCopies(operand.buffer);
    written_[operand.buffer] = true;
  }
  if (constant) return RunNow(draft);
  for (const Operand& operand : draft.operands) buffers_[operand.buffer].in_program = true;
  steps_.push_back(std::move(draft));
  return absl::OkStatus();
}

std::vector<BufferId> Lowering::ForgetCopies(BufferId buffer) {
  std::vector<BufferId> copies;
  for (auto it = dense_.begin(); it != dense_.end();) {
    const auto entry = it++;
    if (entry->first.buffer != buffer) continue;
    copies.push_back(entry->second.buffer);
    dense_.erase(entry);
  }
  const auto is_copy = [&](const Reordered& r) {
    if (r.source == buffer) copies.push_back(r.result.buffer);
    return r.source == buffer;
  };
  reordered_.erase(std::remove_if(reordered_.begin(), reordered_.end(), is_copy), reordered_.end());
  return copies;
}

absl::Status Lowering::RunNow(DraftStep& draft) {
  std::vector<AlignedBuffer> scratch;
  std::vector<Ref> refs;
  for (const Operand& operand : draft.operands) {
    Buffer& buffer = buffers_[operand.buffer];
    const char* data = buffer.data;
    if (buffer.scratch) {
      // Gone when the step is done: the buffer stays one that nothing uses.
      data = scratch.emplace_back(buffer.bytes).bytes();
      if (buffer.bytes != 0 && data == nullptr) return NoMemory(buffer.bytes, "scratch");
    } else if (buffer.kind == Buffer::Kind::kWorkspace) {
      INGOT_RETURN_IF_ERROR(Materialize(buffer));
      data = buffer.data;
    }
    refs.push_back(
        {kAbsoluteBase, static_cast<int64_t>(reinterpret_cast<intptr_t>(data)) + operand.offset});
  }
  char* const bases[] = {nullptr};
  const StepArgs args(bases, refs.data(), draft.step.threads);
  return draft.step.call != nullptr ? RunOnce(*draft.step.call, args) : draft.step.run(args);
}

void Lowering::BeginUnit(const Unit& unit) {
  unit_ = &unit;
  unit_begin_ = static_cast<BufferId>(buffers_.size());
  unit_steps_ = steps_.size();
  current_ = StepInfo();
  current_.node = unit.anchor;
  current_.op = graph_.node(unit.anchor).op;
  for (ir::NodeId node : unit.nodes) {
    if (node != unit.anchor) current_.fused.push_back(node);
  }
}

void Lowering::NameLayouts() {
  for (size_t i = unit_steps_; i < steps_.size(); ++i) {
    const std::vector<Operand>& operands = steps_[i].operands;
    StepInfo& info = steps_[i].step.info;
    const auto touches = [&](const Tensor& tensor, bool write) {
      return std::any_of(operands.begin(), operands.end(), [&](const Operand& operand) {
        return operand.write == write && operand.buffer == tensor.buffer;
      });
    };
    bool named = false;
    for (ir::NodeId node : unit_->nodes) {
      ir::ForEachOperand(graph_.node(node), [&](ir::ValueId value) {
        const Tensor& tensor = tensors_[value];
        // Values inside of the unit have no tensor.
        if (named || tensor.dims != graph_.type(value).dims || IsConstant(tensor)) return;
        if (!touches(tensor, /*write=*/false)) return;
        info.layout_in = LayoutText(tensor);
        named = true;
      });
      for (ir::ValueId value : graph_.node(node).outputs) {
        if (value == ir::kNoValue || tensors_[value].dims != graph_.type(value).dims) continue;
        if (touches(tensors_[value], /*write=*/true)) info.layout = LayoutText(tensors_[value]);
      }
    }
  }
}

void Lowering::EndUnit() {
  NameLayouts();
  for (ir::NodeId node : unit_->nodes) {
    ir::ForEachOperand(graph_.node(node), [&](ir::ValueId value) { --uses_left_[value]; });
  }
  for (ir::NodeId node : unit_->nodes) {
    ir::ForEachOperand(graph_.node(node),
                       [&](ir::ValueId value) { DropConstant(tensors_[value].buffer); });
  }
  DropUnitsConstants();
  for (BufferId id = unit_begin_; id < buffers_.size(); ++id) {
    Buffer& buffer = buffers_[id];
    if (!buffer.in_program || buffer.memory.size() == 0) continue;
    constant_pool_.Settle(buffer.memory);
    buffer.data = buffer.memory.bytes();
  }
  unit_ = nullptr;
}

void Lowering::AbandonUnit() {
  DropUnitsConstants();
  unit_ = nullptr;
  gave_up_ = false;
}

void Lowering::DropUnitsConstants() {
  for (BufferId id = unit_begin_; id < buffers_.size(); ++id) {
    if (!buffers_[id].copy) DropConstant(id);  // a copy goes with what it was made of
  }
}

bool Lowering::MayBeAskedFor(BufferId buffer) const {
  return std::any_of(values_of_[buffer].begin(), values_of_[buffer].end(),
                     [&](ir::ValueId value) { return uses_left_[value] > 0; });
}

void Lowering::DropConstant(BufferId id) {
  Buffer& buffer = buffers_[id];
  if (buffer.kind != Buffer::Kind::kConstant || MayBeAskedFor(id)) return;
  for (BufferId copy : ForgetCopies(id)) DropConstant(copy);
  if (buffer.in_program) return;
  constant_pool_.Recycle(std::exchange(buffer.memory, ConstantMemory()));
  if (buffer.host_constant >= 0) context_.DropConstant(buffer.host_constant);
  buffer.host_constant = -1;
}

}  // namespace ingot::onednn
