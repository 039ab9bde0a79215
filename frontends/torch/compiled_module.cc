#include "frontends/torch/compiled_module.h"

#include <ATen/core/grad_mode.h>

#include <atomic>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/session.h"
#include "frontends/torch/call.h"
#include "frontends/torch/tensor_adapter.h"
#include "frontends/torchscript/arguments.h"
#include "frontends/torchscript/default_generator.h"
#include "frontends/torchscript/guard.h"
#include "frontends/torchscript/module_guard.h"
#include "frontends/torchscript/record.h"

namespace ingot {
namespace {

using torchscript::Guard;
using torchscript::ModuleGuard;
using Graph = std::shared_ptr<const runtime::CompiledGraph>;

// A state before any graph has told which buffers there are.
std::shared_ptr<const runtime::StateLayout> EmptyLayout(runtime::Program program) {
  return runtime::MakeStateLayout(ir::Graph(), {}, std::move(program));
}

// Not what the caller did wrong: such a program can't be a graph, but LibTorch may run it.
bool IsNoGraph(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) || absl::IsUnimplemented(status);
}

}  // namespace

struct CompiledModule::Impl {
  explicit Impl(const Session& s)
      : session(s.shared()),
        program(std::make_shared<char>()),
        graphs(session->options().cache_bytes, session->options().max_specializations),
        state(EmptyLayout(program)) {}

  absl::StatusOr<c10::IValue> Run(const std::vector<c10::IValue>& arguments,
                                  const RunContext& context) {
    if (runs_on_libtorch.load(std::memory_order_acquire)) return RunEager(arguments, context);
    CheckModule();
    if (const Graph graph = Last(); graph != nullptr) {
      const absl::StatusOr<FlatArguments> flat =
          Flatten(graph->signature().arguments_structure, arguments);
      if (flat.ok()) {
        INGOT_ASSIGN_OR_RETURN(const TensorViews views, Views(flat->tensors));
        if (graph->Fits(views)) return RunGraph(*graph, *flat, context);
      }
    }
    const absl::StatusOr<Graph> graph = Find(arguments);
    if (!graph.ok()) {
      if (!MayFallBack(graph.status())) return graph.status();
      FallBack(graph.status());
      return RunEager(arguments, context);
    }
    INGOT_ASSIGN_OR_RETURN(const FlatArguments flat,
                           Flatten((*graph)->signature().arguments_structure, arguments));
    return RunGraph(**graph, flat, context);
  }

  absl::StatusOr<c10::IValue> RunGraph(const runtime::CompiledGraph& graph,
                                       const FlatArguments& flat, const RunContext& context) {
    if (!graph.is_stateful() || context.state != nullptr) return Call(graph, flat, context);
    RunContext with_state = context;
    with_state.state = &state;
    return Call(graph, flat, with_state);
  }

  // The graph for these arguments: found, or recorded and compiled.
  absl::StatusOr<Graph> Find(const std::vector<c10::IValue>& arguments) {
    INGOT_ASSIGN_OR_RETURN(const torchscript::DescribedArguments described,
                           torchscript::DescribeArguments(arguments));
    INGOT_ASSIGN_OR_RETURN(
        Graph graph, graphs.GetOrCompile(described.signature, [&] { return Extract(arguments); }));
    absl::MutexLock lock(&mutex);
    last = graph;
    return graph;
  }

  absl::StatusOr<Graph> Extract(const std::vector<c10::IValue>& arguments) {
    const absl::Time start = absl::Now();
    absl::StatusOr<ir::Recording> recording = Record(arguments);
    INGOT_RETURN_IF_ERROR(recording.status());
    session->metrics().Record("ExtractTime", absl::Now() - start);
    return session->Compile(*std::move(recording), program);
  }

  // One recording at a time: it puts a module's state back when it is done.
  absl::StatusOr<ir::Recording> Record(const std::vector<c10::IValue>& arguments) {
    absl::MutexLock lock(&recording_mutex);
    if (!module) {
      std::vector<at::Tensor> captured;
      absl::StatusOr<ir::Recording> recording =
          torchscript::Record(function, arguments, {name, &captured});
      if (recording.ok()) SetGuard(ModuleGuard::Of(std::move(captured)));
      return recording;
    }
    absl::StatusOr<ir::Recording> recording = torchscript::Record(*module, arguments);
    if (recording.ok()) {
      state_names.merge(StateNames(recording->graph));
      SetGuard(ModuleGuard::Of(*module, state_names));
    }
    return recording;
  }

  void SetGuard(ModuleGuard value) {
    absl::MutexLock lock(&mutex);
    guard = std::make_shared<const ModuleGuard>(std::move(value));
  }

  Graph Last() {
    absl::MutexLock lock(&mutex);
    return last;
  }

  // Forgets all graphs if the module is no longer as it was recorded.
  void CheckModule() {
    std::shared_ptr<const ModuleGuard> current;
    {
      absl::MutexLock lock(&mutex);
      current = guard;
    }
    if (current == nullptr) return;
    const absl::Status status = current->Check();
    if (status.ok()) return;
    absl::MutexLock lock(&mutex);
    if (guard != current) return;  // another thread was first
    graphs.Clear(std::string(status.message()));
    guard = nullptr;
    last = nullptr;
  }

  bool MayFallBack(const absl::Status& status) const {
    return session->options().fallback != FallbackPolicy::kForbid && IsNoGraph(status);
  }

  void FallBack(const absl::Status& reason) {
    absl::MutexLock lock(&recording_mutex);
    if (runs_on_libtorch.load(std::memory_order_relaxed)) return;
    const absl::optional<absl::Cord> op = reason.GetPayload(torchscript::kDataDependentOp);
    session->metrics().Count(
        absl::StrCat("fallback.", op ? std::string(*op) : std::string("program")));
    if (session->options().fallback == FallbackPolicy::kWarn) {
      session->Log(runtime::LogSeverity::kWarning,
                   absl::StrCat("fallback: ", name, " runs on LibTorch: ", reason.message()));
    }
    if (module) MoveStateToModule();
    absl::MutexLock reason_lock(&mutex);
    fallback_reason = std::string(reason.message());
    runs_on_libtorch.store(true, std::memory_order_release);
  }

  // What compiled graphs have changed so far goes on in the module.
  void MoveStateToModule() ABSL_EXCLUSIVE_LOCKS_REQUIRED(recording_mutex) {
    const at::NoGradGuard no_grad;
    absl::flat_hash_map<std::string, runtime::State::Buffer> buffers;
    for (runtime::State::Buffer& buffer : state.Export())
      buffers.emplace(buffer.name, std::move(buffer));
    const auto move = [&](const std::string& attribute, at::Tensor target) {
      const auto buffer = buffers.find(attribute);
      if (buffer == buffers.end()) return;
      target.copy_(TensorOfBytes(buffer->second.type, buffer->second.bytes));
    };
    for (const auto& attribute : module->named_attributes(/*recurse=*/true)) {
      if (attribute.value.isTensor()) move(attribute.name, attribute.value.toTensor());
      if (!attribute.value.isTensorList()) continue;
      const c10::List<at::Tensor> list = attribute.value.toTensorList();
      for (size_t i = 0; i < list.size(); ++i) move(absl::StrCat(attribute.name, ".", i), list[i]);
    }
  }

  absl::StatusOr<c10::IValue> RunEager(const std::vector<c10::IValue>& arguments,
                                       const RunContext& context) {
    const at::NoGradGuard no_grad;
    std::optional<torchscript::KeepDefaultGenerator> keep;
    if (context.seed) {
      keep.emplace();
      keep->Seed(*context.seed);
    }
    if (!module) return function(arguments);
    torch::jit::Module callee = *module;
    return callee.forward(arguments);
  }

  const std::shared_ptr<runtime::Session> session;
  std::optional<torch::jit::Module> module;
  std::shared_ptr<const c10::FunctionSchema> schema;  // of a module
  Session::Function function;                         // else
  std::string name;
  const runtime::Program program;
  runtime::Specializations graphs;
  runtime::State state;
  std::atomic<bool> runs_on_libtorch = false;

  absl::Mutex recording_mutex;
  absl::flat_hash_set<std::string> state_names ABSL_GUARDED_BY(recording_mutex);
  absl::Mutex mutex ABSL_ACQUIRED_AFTER(recording_mutex);
  std::shared_ptr<const ModuleGuard> guard ABSL_GUARDED_BY(mutex);
  Graph last ABSL_GUARDED_BY(mutex);  // the graph used last
  std::string fallback_reason ABSL_GUARDED_BY(mutex);
};

CompiledModule::CompiledModule(const Session& session, const torch::jit::Module& module)
    : impl_(std::make_shared<Impl>(session)) {
  impl_->module = module;
  if (module.type()->name()) impl_->name = module.type()->name()->name();
  if (const auto method = module.find_method("forward")) {
    impl_->schema = std::make_shared<const c10::FunctionSchema>(method->function().getSchema());
  }
}

CompiledModule::CompiledModule(const Session& session, Session::Function function, std::string name)
    : impl_(std::make_shared<Impl>(session)) {
  impl_->function = std::move(function);
  impl_->name = std::move(name);
}

absl::StatusOr<c10::IValue> CompiledModule::Run(const std::vector<c10::IValue>& arguments,
                                                const RunContext& context) const {
  return Run(arguments, KeywordArguments(), context);
}

absl::StatusOr<c10::IValue> CompiledModule::Run(const std::vector<c10::IValue>& arguments,
                                                const KeywordArguments& keywords,
                                                const RunContext& context) const {
  return Guard("running the compiled module", [&]() -> absl::StatusOr<c10::IValue> {
    if (impl_->schema == nullptr) return impl_->Run(arguments, context);
    if (keywords.empty() && arguments.size() + 1 == impl_->schema->arguments().size())
      return impl_->Run(arguments, context);
    INGOT_ASSIGN_OR_RETURN(const std::vector<c10::IValue> positional,
                           ToPositional(*impl_->schema, arguments, keywords));
    return impl_->Run(positional, context);
  });
}

absl::StatusOr<Graph> CompiledModule::Specialize(const std::vector<c10::IValue>& arguments,
                                                 const KeywordArguments& keywords) const {
  return Guard("compiling the module", [&]() -> absl::StatusOr<Graph> {
    if (const std::string reason = fallback(); !reason.empty()) {
      return absl::FailedPreconditionError(absl::StrCat("runs on LibTorch: ", reason));
    }
    impl_->CheckModule();
    if (impl_->schema == nullptr) return impl_->Find(arguments);
    INGOT_ASSIGN_OR_RETURN(const std::vector<c10::IValue> positional,
                           ToPositional(*impl_->schema, arguments, keywords));
    return impl_->Find(positional);
  });
}

std::vector<runtime::Specializations::Event> CompiledModule::Explain() const {
  return impl_->graphs.events();
}

std::string CompiledModule::fallback() const {
  absl::MutexLock lock(&impl_->mutex);
  return impl_->fallback_reason;
}

void CompiledModule::ResetState() const { impl_->state.Reset(); }

std::vector<runtime::State::Buffer> CompiledModule::ExportState() const {
  return impl_->state.Export();
}

absl::Status CompiledModule::ImportState(absl::Span<const runtime::State::Buffer> buffers) const {
  return impl_->state.Import(buffers);
}

std::unique_ptr<runtime::State> CompiledModule::NewState() const {
  return std::make_unique<runtime::State>(EmptyLayout(impl_->program));
}

}  // namespace ingot
