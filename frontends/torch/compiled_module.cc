#include "frontends/torch/compiled_module.h"

#include <ATen/core/grad_mode.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/passes/pipeline.h"
#include "core/passes/rowwise.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/session.h"
#include "frontends/torch/batch_buckets.h"
#include "frontends/torch/call.h"
#include "frontends/torch/result_pool.h"
#include "frontends/torch/tensor_adapter.h"
#include "frontends/torchscript/arguments.h"
#include "frontends/torchscript/data_numbers.h"
#include "frontends/torchscript/default_generator.h"
#include "frontends/torchscript/guard.h"
#include "frontends/torchscript/module_guard.h"
#include "frontends/torchscript/record.h"
#include "frontends/torchscript/values.h"

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
// A program that fails by itself fails there, too, and may be a graph for the next call's
// arguments.
bool IsNoGraph(const absl::Status& status) {
  return (absl::IsFailedPrecondition(status) || absl::IsUnimplemented(status)) &&
         !status.GetPayload(torchscript::kModelFailed);
}

// The payload of a recording that no longer fits what is known of the program: record again.
constexpr absl::string_view kStale = "ingot/stale-recording";

absl::Status StaleError() {
  absl::Status status = absl::AbortedError("the program has more state than was known: try again");
  status.SetPayload(kStale, absl::Cord());
  return status;
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
    if (const std::shared_ptr<const LastUse> use = Last(); use != nullptr && use->Holds()) {
      const runtime::CompiledGraph& graph = *use->graph;
      const absl::StatusOr<FlatArguments> flat =
          Flatten(graph.signature().arguments_structure, arguments);
      if (flat.ok()) {
        INGOT_ASSIGN_OR_RETURN(const TensorViews views, Views(flat->tensors));
        if (graph.Fits(views)) {
          ResultPool* const pool = use->pool.get();
          if (!graph.is_stateful()) return Call(graph, pool, *flat, views, context);
          return Call(graph, pool, *flat, views, WithState(graph, context));
        }
      }
    }
    CheckModule();
    const absl::StatusOr<Target> target = Find(arguments);
    if (!target.ok()) {
      if (!MayFallBack(target.status())) return target.status();
      FallBack(target.status());
      return RunEager(arguments, context);
    }
    const ir::Structure& structure = target->bucket != nullptr
                                         ? target->bucket->arguments_structure
                                         : target->graph->signature().arguments_structure;
    INGOT_ASSIGN_OR_RETURN(const FlatArguments flat, Flatten(structure, arguments));
    if (target->bucket == nullptr) return RunGraph(*target->graph, flat, context);
    return CallInBucket(*target->bucket, flat, WithState(*target->graph, context));
  }

  RunContext WithState(const runtime::CompiledGraph& graph, const RunContext& context) {
    RunContext with_state = context;
    if (graph.is_stateful() && context.state == nullptr) with_state.state = &state;
    return with_state;
  }

  absl::StatusOr<c10::IValue> RunGraph(const runtime::CompiledGraph& graph,
                                       const FlatArguments& flat, const RunContext& context) {
    return Call(graph, /*pool=*/nullptr, flat, WithState(graph, context));
  }

  // The graph used last that is of its call's own signature, and what it hangs on: all that a call
  // like the last one has to look at.
  struct LastUse {
    Graph graph;
    std::shared_ptr<const ModuleGuard> guard;
    std::shared_ptr<ResultPool> pool;  // of the graph's results
    bool Holds() const { return guard == nullptr || guard->Check().ok(); }
  };
  std::shared_ptr<const LastUse> Last() {
    absl::MutexLock lock(&mutex);
    return last;
  }

  // What serves a call: a graph of its signature, or one of a larger batch.
  struct Target {
    Graph graph;
    std::shared_ptr<const BatchBucket> bucket;
  };

  using Numbers = std::shared_ptr<const torchscript::DataNumbers>;

  // For these arguments: found, or recorded and compiled.
  absl::StatusOr<Target> Find(const std::vector<c10::IValue>& arguments) {
    while (true) {
      absl::StatusOr<Target> target = FindMarked(arguments, MarkedNumbers());
      if (target.status().GetPayload(torchscript::kNumbersAreNoData)) {
        const auto none = std::make_shared<const torchscript::DataNumbers>();
        target = FindMarked(arguments, none);
        // Else the call itself was bad, which tells nothing of the numbers.
        if (target.ok()) SetNumbers(none);
      }
      // Each time there is more known state, of which a program has only so much.
      if (!target.status().GetPayload(kStale)) return target;
    }
  }

  Numbers MarkedNumbers() {
    absl::MutexLock lock(&mutex);
    return numbers;
  }
  void SetNumbers(Numbers value) {
    absl::MutexLock lock(&mutex);
    numbers = std::move(value);
  }

  absl::StatusOr<Target> FindMarked(const std::vector<c10::IValue>& arguments,
                                    const Numbers& data) {
    const uint64_t began = Generation();
    INGOT_ASSIGN_OR_RETURN(torchscript::DescribedArguments described,
                           torchscript::DescribeArguments(arguments));
    data->Mark(described.signature.arguments_structure);
    if (session->options().leading_sizes == runtime::LeadingSizes::kBuckets) {
      const std::optional<int64_t> size = BatchSize(described.signature);
      // A power of two is its own bucket.
      if (size && *size > 0 && BucketSize(*size) != *size)
        return FindBucket(arguments, described.signature, *size, data);
    }
    INGOT_ASSIGN_OR_RETURN(Target target, FindExact(arguments, described.signature, data));
    absl::MutexLock lock(&mutex);
    if (generation != began) return target;
    last = std::make_shared<const LastUse>(
        LastUse{target.graph, guard, std::make_shared<ResultPool>(target.graph->results())});
    return target;
  }

  absl::StatusOr<Target> FindExact(const std::vector<c10::IValue>& arguments,
                                   const ir::Signature& signature, const Numbers& data) {
    INGOT_ASSIGN_OR_RETURN(Graph graph,
                           Compiled(signature, [&] { return Record(arguments, *data); }));
    return Target{std::move(graph), nullptr};
  }

  absl::StatusOr<Target> FindBucket(const std::vector<c10::IValue>& arguments,
                                    const ir::Signature& signature, int64_t size,
                                    const Numbers& data) {
    const uint64_t began = Generation();
    const std::string key = runtime::SignatureKey(signature);
    bool is_exact = false;
    {
      absl::MutexLock lock(&mutex);
      const auto found = buckets.find(key);
      if (found != buckets.end()) return Target{found->second->graph, found->second};
      is_exact = exact.contains(key);
    }
    if (is_exact) return FindExact(arguments, signature, data);
    absl::StatusOr<BatchBucket> made = MakeBucket(arguments, signature, size, *data);
    if (!made.ok() && !passes::IsNotRowwise(made.status())) return made.status();
    if (!made.ok()) {
      session->Log(runtime::LogSeverity::kInfo,
                   absl::StrCat(name, " is compiled for ", ir::ToString(signature),
                                " itself: ", made.status().message()));
      {
        absl::MutexLock lock(&mutex);
        exact.insert(key);
      }
      return FindExact(arguments, signature, data);
    }
    const auto bucket = std::make_shared<const BatchBucket>(*std::move(made));
    absl::MutexLock lock(&mutex);
    if (generation != began) return StaleError();
    if (buckets.size() >= kMaxBuckets) buckets.clear();
    buckets.emplace(key, bucket);
    return Target{bucket->graph, bucket};
  }

  absl::StatusOr<BatchBucket> MakeBucket(const std::vector<c10::IValue>& arguments,
                                         const ir::Signature& signature, int64_t size,
                                         const torchscript::DataNumbers& data) {
    const uint64_t began = Generation();
    BatchBucket bucket;
    bucket.size = size;
    bucket.bucket = BucketSize(size);
    bucket.arguments_structure = signature.arguments_structure;
    INGOT_ASSIGN_OR_RETURN(ir::Recording small, Record(arguments, data));
    INGOT_ASSIGN_OR_RETURN(ir::Recording large,
                           Record(PadArguments(arguments, size, bucket.bucket), data));
    INGOT_RETURN_IF_ERROR(passes::RunStandardPasses(small));
    INGOT_RETURN_IF_ERROR(passes::RunStandardPasses(large));
    INGOT_ASSIGN_OR_RETURN(bucket.plan, passes::ProveRowwise(small, large, size, bucket.bucket));
    const ir::Signature large_signature = large.signature;
    INGOT_ASSIGN_OR_RETURN(bucket.graph,
                           Compiled(large_signature, [&]() -> absl::StatusOr<ir::Recording> {
                             // Made before this compilation began, so that a Clear can't reach it.
                             if (Generation() != began) return StaleError();
                             return std::move(large);
                           }));
    return bucket;
  }

  absl::StatusOr<Graph> Compiled(const ir::Signature& signature,
                                 absl::FunctionRef<absl::StatusOr<ir::Recording>()> record) {
    return graphs.GetOrCompile(signature, [&]() -> absl::StatusOr<Graph> {
      INGOT_ASSIGN_OR_RETURN(ir::Recording recording, record());
      return session->Compile(std::move(recording), program);
    });
  }

  // One recording at a time: it puts a module's state back when it is done.
  absl::StatusOr<ir::Recording> Record(const std::vector<c10::IValue>& arguments,
                                       const torchscript::DataNumbers& data) {
    absl::MutexLock lock(&recording_mutex);
    const absl::Time start = absl::Now();
    absl::StatusOr<ir::Recording> recording = RecordLocked(arguments, data);
    if (recording.ok()) session->metrics().Record("ExtractTime", absl::Now() - start);
    return recording;
  }

  absl::StatusOr<ir::Recording> RecordLocked(const std::vector<c10::IValue>& arguments,
                                             const torchscript::DataNumbers& data)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(recording_mutex) {
    const size_t names = known_state.names.size(), captures = known_state.captured.size();
    std::vector<at::Tensor> used;
    torchscript::RecordOptions options;
    options.state = &known_state;
    absl::StatusOr<ir::Recording> recording;
    if (module) {
      options.numbers = &data;
      recording = torchscript::Record(*module, arguments, options);
    } else {
      options.name = name;
      options.captured = &used;
      recording = torchscript::Record(function, arguments, options);
    }
    if (known_state.names.size() > names || IsHeldAsConstant(captures)) {
      // What is state now is a constant in the graphs so far.
      if (Forget("the call writes state that earlier calls only read")) return StaleError();
    }
    if (recording.ok()) Watch(std::move(used));
    return recording;
  }

  // Whether captured state from number `first` on is among the weights of the graphs so far.
  bool IsHeldAsConstant(size_t first) ABSL_EXCLUSIVE_LOCKS_REQUIRED(recording_mutex) {
    absl::MutexLock lock(&mutex);
    for (size_t i = first; i < known_state.captured.size(); ++i) {
      const at::Tensor& tensor = known_state.captured[i];
      for (const at::Tensor& weight : weights) {
        if (tensor.defined() && tensor.is_alias_of(weight)) return true;
      }
    }
    return false;
  }

  // From now on the guard looks at what this recording used, too: `used` of a function's captured
  // tensors, all of a module.
  void Watch(std::vector<at::Tensor> used) ABSL_EXCLUSIVE_LOCKS_REQUIRED(recording_mutex) {
    absl::MutexLock lock(&mutex);
    for (at::Tensor& tensor : used) {
      const bool is_known =
          absl::c_any_of(weights, [&](const at::Tensor& other) { return other.is_same(tensor); });
      if (!is_known) weights.push_back(std::move(tensor));
    }
    guard = std::make_shared<const ModuleGuard>(module ? ModuleGuard::Of(*module, known_state.names)
                                                       : ModuleGuard::Of(weights));
    // Its guard looks at less.
    last = nullptr;
  }

  uint64_t Generation() {
    absl::MutexLock lock(&mutex);
    return generation;
  }

  // Drops all graphs, and recordings under way. False: there was none.
  bool Forget(const std::string& reason) {
    absl::MutexLock lock(&mutex);
    if (guard == nullptr) return false;
    ForgetLocked(reason);
    return true;
  }

  void ForgetLocked(const std::string& reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    ++generation;
    graphs.Clear(reason);
    buckets.clear();
    exact.clear();
    weights.clear();
    guard = nullptr;
    last = nullptr;
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
    ForgetLocked(std::string(status.message()));
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
    MoveStateBack();
    absl::MutexLock reason_lock(&mutex);
    fallback_reason = std::string(reason.message());
    runs_on_libtorch.store(true, std::memory_order_release);
  }

  // What compiled graphs have changed so far goes on in the module, or in the captured tensors.
  void MoveStateBack() ABSL_EXCLUSIVE_LOCKS_REQUIRED(recording_mutex) {
    const at::NoGradGuard no_grad;
    absl::flat_hash_map<std::string, runtime::State::Buffer> buffers;
    for (runtime::State::Buffer& buffer : state.Export())
      buffers.emplace(buffer.name, std::move(buffer));
    const auto move = [&](const std::string& tensor_name, at::Tensor target) {
      const auto buffer = buffers.find(tensor_name);
      if (buffer == buffers.end()) return;
      target.copy_(TensorOfBytes(buffer->second.type, buffer->second.bytes));
    };
    if (module) {
      for (const auto& attribute : module->named_attributes(/*recurse=*/true)) {
        if (!attribute.value.isModule())
          torchscript::ForEachTensor(attribute.value, attribute.name, move);
      }
      return;
    }
    for (size_t i = 0; i < known_state.captured.size(); ++i) {
      const at::Tensor& tensor = known_state.captured[i];
      if (tensor.defined()) move(absl::StrCat("captured.", i), tensor);
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
  torchscript::ProgramState known_state ABSL_GUARDED_BY(recording_mutex);
  absl::Mutex mutex ABSL_ACQUIRED_AFTER(recording_mutex);
  // Number arguments that are data; none once it has turned out that they aren't.
  Numbers numbers ABSL_GUARDED_BY(mutex) = std::make_shared<const torchscript::DataNumbers>();
  // Grows whenever graphs are forgotten: what was recorded before must not be kept after.
  uint64_t generation ABSL_GUARDED_BY(mutex) = 0;
  std::vector<at::Tensor> weights ABSL_GUARDED_BY(mutex);  // a function's, of all its graphs
  // Of all graphs; null: there is none.
  std::shared_ptr<const ModuleGuard> guard ABSL_GUARDED_BY(mutex);
  std::shared_ptr<const LastUse> last ABSL_GUARDED_BY(mutex);
  // By signature: those that a larger batch's graph serves, and those that it can't.
  static constexpr size_t kMaxBuckets = 4096;
  absl::flat_hash_map<std::string, std::shared_ptr<const BatchBucket>> buckets
      ABSL_GUARDED_BY(mutex);
  absl::flat_hash_set<std::string> exact ABSL_GUARDED_BY(mutex);
  std::string fallback_reason ABSL_GUARDED_BY(mutex);
};

CompiledModule::CompiledModule(const Session& session, const torch::jit::Module& module)
    : impl_(std::make_shared<Impl>(session)) {
  impl_->module = module;
  if (module.type()->name()) impl_->name = module.type()->name()->name();
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->numbers =
        std::make_shared<const torchscript::DataNumbers>(torchscript::DataNumbers::Of(module));
  }
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
  const auto& schema = impl_->schema;
  if (schema != nullptr && arguments.size() + 1 != schema->arguments().size()) {
    return Run(arguments, KeywordArguments(), context);  // which knows the defaults
  }
  return Guard("running the compiled module", [&] { return impl_->Run(arguments, context); });
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
    std::vector<c10::IValue> positional = arguments;
    if (impl_->schema != nullptr) {
      INGOT_ASSIGN_OR_RETURN(positional, ToPositional(*impl_->schema, arguments, keywords));
    }
    INGOT_ASSIGN_OR_RETURN(Impl::Target target, impl_->Find(positional));
    return std::move(target.graph);
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
