#include "backends/onednn/program.h"

#include <omp.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

// oneDNN takes the number of threads from the calling thread's OpenMP setting, which belongs to the
// caller: it is put back at the end.
class ThreadCount {
 public:
  ThreadCount() : saved_(omp_get_max_threads()), current_(saved_) {}
  ~ThreadCount() { Set(saved_); }
  void Set(int threads) {
    if (threads == current_) return;
    omp_set_num_threads(threads);
    current_ = threads;
  }

 private:
  const int saved_;
  int current_;
};

std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

// Memory objects for every call of the program, bound to one set of bases.
class Program::Binding {
 public:
  explicit Binding(Stream stream, size_t num_steps, size_t num_bases)
      : stream_(std::move(stream)), sets_(num_steps), slots_(num_bases), bound_(num_bases) {}

  absl::Status Add(size_t step, const PrimitiveCall& call, absl::Span<const Ref> refs) {
    for (const PrimitiveCall::Argument& argument : call.arguments) {
      const Ref& ref = refs[argument.operand];
      void* data = reinterpret_cast<void*>(ref.offset);
      if (ref.base != kAbsoluteBase) {
        slots_[ref.base].push_back(
            {static_cast<uint32_t>(step), static_cast<uint32_t>(sets_[step].size()), ref.offset});
        data = nullptr;
      }
      INGOT_RETURN_IF_ERROR(sets_[step].Add(argument.argument, argument.desc, data));
    }
    return absl::OkStatus();
  }

  void Bind(char* const* bases) {
    for (size_t b = kWorkspaceBase; b < slots_.size(); ++b) {
      if (bound_[b] == bases[b]) continue;
      for (const Slot& slot : slots_[b]) {
        sets_[slot.step].Rebind(static_cast<int>(slot.position), bases[b] + slot.offset);
      }
      bound_[b] = bases[b];
    }
  }

  dnnl_status_t Execute(size_t step, const Primitive& primitive) const {
    return sets_[step].Execute(primitive, stream_.get());
  }
  const void* workspace() const { return bound_[kWorkspaceBase]; }

 private:
  struct Slot {
    uint32_t step, position;
    int64_t offset;
  };
  Stream stream_;
  std::vector<ArgumentSet> sets_;         // by step; empty where it calls no primitive
  std::vector<std::vector<Slot>> slots_;  // by base
  std::vector<char*> bound_;
};

Addresses AddressesOf(absl::Span<const ingot_tensor> inputs,
                      absl::Span<const ingot_tensor> outputs) {
  Addresses addresses;
  for (const auto tensors : {inputs, outputs}) {
    for (const ingot_tensor& tensor : tensors)
      addresses.push_back(plugin::TensorData<char>(tensor));
  }
  return addresses;
}

absl::Status RunOnce(const PrimitiveCall& call, const StepArgs& args) {
  INGOT_ASSIGN_OR_RETURN(Stream stream, MakeStream());
  ArgumentSet set;
  for (const PrimitiveCall::Argument& argument : call.arguments) {
    INGOT_RETURN_IF_ERROR(
        set.Add(argument.argument, argument.desc, args.At<void>(argument.operand)));
  }
  ThreadCount threads;
  threads.Set(args.threads());
  return FromDnnl(set.Execute(*call.primitive, stream.get()), "oneDNN primitive at compile time");
}

Program::Program(Parts parts) : parts_(std::move(parts)) {
  calls_onednn_ = std::any_of(parts_.steps.begin(), parts_.steps.end(),
                              [](const Step& step) { return step.call != nullptr; });
}

Program::~Program() = default;

size_t Program::retained_bytes() const {
  size_t total = 0;
  for (const ConstantMemory& memory : parts_.constants) total += memory.size();
  return total;
}

absl::StatusOr<std::unique_ptr<Program::Binding>> Program::MakeBinding() const {
  INGOT_ASSIGN_OR_RETURN(Stream stream, MakeStream());
  auto binding =
      std::make_unique<Binding>(std::move(stream), parts_.steps.size(),
                                kFirstInputBase + parts_.num_inputs + parts_.num_outputs);
  for (size_t i = 0; i < parts_.steps.size(); ++i) {
    const Step& step = parts_.steps[i];
    if (step.call != nullptr) INGOT_RETURN_IF_ERROR(binding->Add(i, *step.call, step.refs));
  }
  return binding;
}

absl::StatusOr<std::unique_ptr<Program::Binding>> Program::TakeBinding(
    const void* workspace) const {
  {
    absl::MutexLock lock(&mutex_);
    if (!pool_.empty()) {
      // A binding that knows the workspace needs fewer addresses changed.
      auto it = std::find_if(pool_.begin(), pool_.end(), [&](const auto& binding) {
        return binding->workspace() == workspace;
      });
      if (it == pool_.end()) it = pool_.end() - 1;
      std::unique_ptr<Binding> taken = std::move(*it);
      *it = std::move(pool_.back());
      pool_.pop_back();
      return taken;
    }
  }
  return MakeBinding();
}

void Program::ReturnBinding(std::unique_ptr<Binding> binding) const {
  absl::MutexLock lock(&mutex_);
  pool_.push_back(std::move(binding));
}

absl::Status Program::RunSteps(const sdk::RunContext& context, char* const* bases,
                               Binding* binding) const {
  ThreadCount threads;
  const sdk::CancelToken cancel = context.cancel();
  const bool tracing = context.tracing();
  for (size_t i = 0; i < parts_.steps.size(); ++i) {
    const Step& step = parts_.steps[i];
    if (i != 0 && cancel.Cancelled()) return cancel.Check();
    const int64_t begin = tracing ? sdk::MonotonicNanoseconds() : 0;
    if (step.call != nullptr) {
      threads.Set(step.threads);
      const dnnl_status_t status = binding->Execute(i, *step.call->primitive);
      if (status != dnnl_success) {
        return FromDnnl(status, absl::StrCat("node ", step.info.node, " (", step.info.op, ")"));
      }
    } else {
      INGOT_RETURN_IF_ERROR(step.run(StepArgs(bases, step.refs.data(), step.threads)),
                            absl::StrCat("node ", step.info.node, " (", step.info.op, ")"));
    }
    if (tracing) {
      context.Trace(step.info.node, step.info.implementation.c_str(), begin,
                    sdk::MonotonicNanoseconds());
    }
  }
  return absl::OkStatus();
}

absl::Status Program::Run(const sdk::RunContext& context, absl::Span<const ingot_tensor> inputs,
                          absl::Span<const ingot_tensor> outputs, void* workspace) const {
  return RunAt(context, AddressesOf(inputs, outputs), workspace);
}

absl::Status Program::RunAt(const sdk::RunContext& context, absl::Span<char* const> addresses,
                            void* workspace) const {
  Addresses bases = {nullptr, static_cast<char*>(workspace)};
  bases.insert(bases.end(), addresses.begin(), addresses.end());
  if (!calls_onednn_) {
    // Own kernels only: the caller's OpenMP setting stays untouched and no binding is needed.
    return RunSteps(context, bases.data(), nullptr);
  }
  INGOT_ASSIGN_OR_RETURN(std::unique_ptr<Binding> binding, TakeBinding(workspace));
  binding->Bind(bases.data());
  const absl::Status status = RunSteps(context, bases.data(), binding.get());
  ReturnBinding(std::move(binding));
  return status;
}

std::string Program::PlanJson(int64_t times) const {
  std::vector<std::string> steps;
  for (const Step& step : parts_.steps) {
    const StepInfo& info = step.info;
    std::string text =
        absl::StrCat("{\"node\":", info.node, ",\"op\":", Quoted(info.op),
                     ",\"impl\":", Quoted(info.implementation), ",\"threads\":", step.threads);
    if (!info.fused.empty()) {
      absl::StrAppend(&text, ",\"fused\":[", absl::StrJoin(info.fused, ","), "]");
    }
    if (!info.layout_in.empty()) absl::StrAppend(&text, ",\"layout_in\":", Quoted(info.layout_in));
    if (!info.layout.empty()) absl::StrAppend(&text, ",\"layout\":", Quoted(info.layout));
    if (times > 1) absl::StrAppend(&text, ",\"times\":", times);
    steps.push_back(text + "}");
  }
  return absl::StrCat("[", absl::StrJoin(steps, ","), "]");
}

}  // namespace ingot::onednn
