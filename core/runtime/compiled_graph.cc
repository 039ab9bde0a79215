#include "core/runtime/compiled_graph.h"

#include <algorithm>
#include <cstring>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/base/strided_copy.h"
#include "core/plugin/tensor.h"
#include "core/runtime/compiled_graph_impl.h"

namespace ingot::runtime {
namespace {

std::string DescribeTensor(const ingot_tensor& tensor) {
  const auto dtype = plugin::TensorDType(tensor);
  return absl::StrCat(dtype ? ir::DTypeName(*dtype) : "?", "[",
                      absl::StrJoin(plugin::TensorDims(tensor), ","), "] with strides [",
                      absl::StrJoin(plugin::TensorStrides(tensor), ","), "]");
}

// Strides of sizes up to 1 are never followed, and so may be anything.
bool SameLayout(const ingot_tensor& tensor, const ExpectedTensor& expected) {
  const int rank = expected.type.rank();
  if (tensor.dtype_code != expected.dtype_code || tensor.dtype_bits != expected.dtype_bits ||
      tensor.dtype_lanes != 1 || tensor.ndim != rank || tensor.device_type != 1) {
    return false;
  }
  bool same_strides = true, empty = false;
  for (int i = 0; i < rank; ++i) {
    if (tensor.shape[i] != expected.type.dims[i]) return false;
    empty = empty || tensor.shape[i] == 0;
    same_strides =
        same_strides && (tensor.shape[i] == 1 || tensor.strides[i] == expected.strides[i]);
  }
  return same_strides || empty;
}

absl::Status Mismatch(absl::string_view what, size_t index, const ingot_tensor& tensor,
                      const ExpectedTensor& expected) {
  return absl::InvalidArgumentError(absl::StrCat(
      what, " ", index, " is ", DescribeTensor(tensor), ", but the graph was recorded for ",
      ir::ToString(expected.type), " with strides [", absl::StrJoin(expected.strides, ","),
      "]: pass such a tensor, or extract again with these"));
}

// First and one-past-last byte that a tensor may touch.
std::pair<const char*, const char*> Extent(const ingot_tensor& tensor,
                                           const ExpectedTensor& expected) {
  const char* begin = plugin::TensorData<const char>(tensor);
  int64_t first = 0, last = 0;
  for (int i = 0; i < tensor.ndim; ++i) {
    if (tensor.shape[i] == 0) return {begin, begin};
    const int64_t reach = (tensor.shape[i] - 1) * tensor.strides[i];
    (reach < 0 ? first : last) += reach;
  }
  const int64_t size = static_cast<int64_t>(ir::ElementSize(expected.type.dtype));
  return {begin + first * size, begin + (last + 1) * size};
}

int32_t PollCancelled(void* ctx) {
  const auto* context = static_cast<const RunContext*>(ctx);
  return (context->cancel != nullptr && context->cancel->cancelled()) ||
         (context->deadline != absl::InfiniteFuture() && absl::Now() >= context->deadline);
}

absl::Status StopReason(const RunContext& context) {
  if (context.cancel != nullptr && context.cancel->cancelled()) {
    return absl::CancelledError("the call was cancelled");
  }
  return absl::DeadlineExceededError("the call's deadline has passed");
}

// What the call returns when a step has returned the error `status`. A backend that stops without
// having been asked to is broken: nobody who waits for the call has cancelled anything.
absl::Status StepError(absl::Status status, const RunContext& context) {
  if (!absl::IsCancelled(status)) return status;
  if (PollCancelled(const_cast<RunContext*>(&context))) return StopReason(context);
  return absl::InternalError(
      absl::StrCat("a step stopped although nothing was cancelled: ", status.message()));
}

struct StepTrace {
  const RunContext* context;
  const Step* step;
};

void ForwardTrace(void* ctx, uint32_t node, const char* name, int64_t begin_ns, int64_t end_ns) {
  const auto* trace = static_cast<const StepTrace*>(ctx);
  const auto& nodes = trace->step->nodes;
  (*trace->context->trace)({node < nodes.size() ? nodes[node] : node, name, begin_ns, end_ns});
}

}  // namespace

ScalarStorage StoreScalar(const ir::Scalar& scalar) {
  ScalarStorage storage{};
  if (const bool* b = std::get_if<bool>(&scalar)) storage.b = *b;
  if (const int64_t* i = std::get_if<int64_t>(&scalar)) storage.i = *i;
  if (const double* d = std::get_if<double>(&scalar)) storage.d = *d;
  if (const auto* z = std::get_if<std::complex<double>>(&scalar)) {
    storage.z[0] = z->real();
    storage.z[1] = z->imag();
  }
  return storage;
}

ExpectedTensor Expect(const ir::TensorType& type, const ir::Dims& strides) {
  const plugin::DTypeCode code = plugin::ToDTypeCode(type.dtype);
  return {type, strides.empty() ? ir::ContiguousStrides(type.dims) : strides, code.code, code.bits};
}

// --- Frames ---

absl::StatusOr<std::unique_ptr<Frame>> CompiledGraph::Impl::NewFrame() const {
  auto frame = std::make_unique<Frame>();
  frame->arena = AlignedBuffer(plan.arena_bytes);
  if (plan.arena_bytes > 0 && frame->arena.data() == nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "no memory for a call of graph '", graph->name(), "' (", plan.arena_bytes, " bytes)"));
  }
  frame->seeds.resize(plan.steps.size());
  for (const ir::ScalarBinding& scalar : scalars)
    frame->scalars.push_back(StoreScalar(scalar.literal));
  for (const BoundTensor& tensor : plan.tensors) {
    void* data = nullptr;  // the caller's pointers come with the call
    switch (tensor.location.place) {
      case Place::kArena:
        data = frame->arena.bytes() + tensor.location.index;
        break;
      case Place::kScalar:
        data = &frame->scalars[tensor.location.index];
        break;
      case Place::kSeed:
        data = &frame->seeds[tensor.location.index];
        break;
      default:
        break;
    }
    frame->tensors.push_back(
        plugin::MakeTensor(data, tensor.type.dtype, tensor.type.dims, tensor.strides));
  }
  return frame;
}

// --- A call ---

namespace {

// One call under way: binds the frame, executes the steps, moves the results.
class Call {
 public:
  Call(const CompiledGraphBuilder::Impl& graph, absl::Span<const ingot_tensor> arguments,
       absl::Span<const ingot_tensor> results, const RunContext& context,
       absl::Span<char* const> states, Frame& frame)
      : graph_(graph),
        arguments_(arguments),
        results_(results),
        context_(context),
        states_(states),
        frame_(frame) {}

  absl::Status Run() {
    Bind();
    for (const Copy& copy : graph_.plan.gathers) Do(copy);
    INGOT_RETURN_IF_ERROR(Execute());
    for (const Copy& copy : graph_.plan.copies) Do(copy);
    return absl::OkStatus();
  }

 private:
  void Bind() {
    const RunPlan& plan = graph_.plan;
    for (const auto& [tensor, slot] : plan.argument_patches) {
      frame_.tensors[tensor].data = plugin::TensorData(arguments_[slot]);
    }
    for (const auto& [tensor, slot] : plan.result_patches) {
      frame_.tensors[tensor].data = plugin::TensorData(results_[slot]);
    }
    for (const auto& [tensor, state] : plan.state_patches) {
      frame_.tensors[tensor].data = states_[state];
    }
    if (!context_.scalars.empty()) BindScalars();
    if (graph_.random) BindSeeds();
  }

  void BindScalars() {
    for (size_t i = 0; i < graph_.scalars.size(); ++i) {
      const ir::ScalarBinding& binding = graph_.scalars[i];
      if (binding.is_argument) frame_.scalars[i] = StoreScalar(context_.scalars[binding.argument]);
    }
  }

  // The first group draws with the call's seed itself, as eager would; the others with seeds
  // derived from it, so that groups don't repeat each other's draws.
  void BindSeeds() {
    const uint64_t seed = context_.seed ? *context_.seed : graph_.seeds->Next();
    for (size_t i = 0; i < frame_.seeds.size(); ++i) {
      frame_.seeds[i] = static_cast<int64_t>(i == 0 ? seed : SplitMix64(seed + i));
    }
  }

  absl::Status Execute() {
    const bool stoppable =
        context_.cancel != nullptr || context_.deadline != absl::InfiniteFuture();
    const ingot_cancel cancel{&PollCancelled, const_cast<RunContext*>(&context_)};
    StepTrace trace{&context_, nullptr};
    ingot_run_context run{};
    run.struct_size = sizeof(run);
    if (stoppable) run.cancel = &cancel;
    if (context_.trace != nullptr) {
      run.trace = &ForwardTrace;
      run.trace_ctx = &trace;
    }
    for (const Step& step : graph_.plan.steps) {
      if (stoppable && PollCancelled(cancel.ctx)) return StopReason(context_);
      trace.step = &step;
      const ingot_tensor* tensors = frame_.tensors.data() + step.first_tensor;
      absl::Status status =
          step.executable->Execute(run, absl::MakeConstSpan(tensors, step.num_inputs),
                                   absl::MakeConstSpan(tensors + step.num_inputs, step.num_outputs),
                                   frame_.arena.bytes() + step.workspace);
      if (ABSL_PREDICT_FALSE(!status.ok())) {
        return StepError(std::move(status), context_);
      }
    }
    return absl::OkStatus();
  }

  char* Address(const Location& location) const {
    switch (location.place) {
      case Place::kArena:
        return frame_.arena.bytes() + location.index;
      case Place::kArgument:
        return plugin::TensorData<char>(arguments_[location.index]);
      case Place::kResult:
        return plugin::TensorData<char>(results_[location.index]);
      case Place::kConstant:
        return static_cast<char*>(const_cast<void*>(graph_.constants[location.index].data));
      case Place::kScalar:
        return reinterpret_cast<char*>(&frame_.scalars[location.index]);
      case Place::kSeed:
        return reinterpret_cast<char*>(&frame_.seeds[location.index]);
      case Place::kState:
        return states_[location.index];
    }
    return nullptr;
  }

  void Do(const Copy& copy) const {
    StridedCopy(copy.type.dims, ir::ElementSize(copy.type.dtype), Address(copy.from),
                copy.from_strides, Address(copy.to), copy.to_strides);
  }

  const CompiledGraphBuilder::Impl& graph_;
  const absl::Span<const ingot_tensor> arguments_, results_;
  const RunContext& context_;
  const absl::Span<char* const> states_;
  Frame& frame_;
};

// Whether two arguments share memory otherwise than when the graph was recorded.
bool AliasesDiffer(const CompiledGraphBuilder::Impl& graph,
                   absl::Span<const ingot_tensor> arguments, uint32_t a, uint32_t b) {
  const ir::Alias& alias_a = graph.signature.aliases[a];
  const ir::Alias& alias_b = graph.signature.aliases[b];
  // Types and strides being the recorded ones, equal distances make equal overlaps.
  if (alias_a.argument == alias_b.argument) {
    return plugin::TensorData<const char>(arguments[b]) -
               plugin::TensorData<const char>(arguments[a]) !=
           alias_b.offset - alias_a.offset;
  }
  const auto extent_a = Extent(arguments[a], graph.expected_arguments[a]);
  const auto extent_b = Extent(arguments[b], graph.expected_arguments[b]);
  return extent_a.first < extent_b.second && extent_b.first < extent_a.second;
}

// Arguments that the graph writes must share memory with others exactly where they did when it was
// recorded.
absl::Status CheckAliasing(const CompiledGraphBuilder::Impl& graph,
                           absl::Span<const ingot_tensor> arguments) {
  for (uint32_t written : graph.written) {
    for (uint32_t other = 0; other < arguments.size(); ++other) {
      if (other == written || !AliasesDiffer(graph, arguments, written, other)) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("arguments ", written, " (which the graph writes) and ", other,
                       " share memory otherwise than when the graph was recorded, as ",
                       ir::ToString(graph.signature), ": extract again with these arguments"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTensors(absl::string_view what, absl::Span<const ingot_tensor> tensors,
                          const std::vector<ExpectedTensor>& expected,
                          const std::vector<ResultSpec>* results) {
  if (ABSL_PREDICT_FALSE(tensors.size() != expected.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("the graph takes ", expected.size(), " ", what, "s, not ", tensors.size()));
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (results != nullptr && (*results)[i].is_alias) continue;
    if (ABSL_PREDICT_FALSE(!SameLayout(tensors[i], expected[i])))
      return Mismatch(what, i, tensors[i], expected[i]);
  }
  return absl::OkStatus();
}

absl::Status CheckScalars(const CompiledGraphBuilder::Impl& graph, const RunContext& context) {
  for (size_t i = 0; i < graph.scalars.size(); ++i) {
    const ir::ScalarBinding& binding = graph.scalars[i];
    if (!binding.is_argument) continue;
    if (binding.argument >= context.scalars.size()) {
      return absl::InvalidArgumentError(absl::StrCat("the graph takes a number for scalar ",
                                                     binding.argument, ", but the call brings ",
                                                     context.scalars.size()));
    }
    if (ir::ScalarDType(context.scalars[binding.argument]) != ir::ScalarDType(binding.literal)) {
      return absl::InvalidArgumentError(
          absl::StrCat("scalar ", binding.argument, " must be of dtype ",
                       ir::DTypeName(ir::ScalarDType(binding.literal))));
    }
  }
  return absl::OkStatus();
}

}  // namespace

CompiledGraph::CompiledGraph(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CompiledGraph::~CompiledGraph() = default;

const ir::Signature& CompiledGraph::signature() const { return impl_->signature; }
absl::Span<const ResultSpec> CompiledGraph::results() const { return impl_->results; }
const ir::Structure& CompiledGraph::result_structure() const {
  return impl_->graph->result_structure();
}
absl::Span<const uint32_t> CompiledGraph::written_arguments() const { return impl_->written; }
bool CompiledGraph::is_random() const { return impl_->random; }
bool CompiledGraph::is_stateful() const { return !impl_->state_layout->names.empty(); }
const ir::Graph& CompiledGraph::graph() const { return *impl_->graph; }
absl::Span<const GroupReport> CompiledGraph::groups() const { return impl_->groups; }
absl::Span<const plugin::Fallback> CompiledGraph::fallbacks() const { return impl_->fallbacks; }
State& CompiledGraph::default_state() const { return *impl_->state; }

absl::Status CompiledGraph::CheckArguments(absl::Span<const ingot_tensor> arguments) const {
  INGOT_RETURN_IF_ERROR(CheckTensors("argument", arguments, impl_->expected_arguments, nullptr));
  return impl_->written.empty() ? absl::OkStatus() : CheckAliasing(*impl_, arguments);
}

bool CompiledGraph::Fits(absl::Span<const ingot_tensor> arguments) const {
  if (arguments.size() != impl_->expected_arguments.size()) return false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!SameLayout(arguments[i], impl_->expected_arguments[i])) return false;
  }
  for (uint32_t b = 1; b < arguments.size(); ++b) {
    for (uint32_t a = 0; a < b; ++a) {
      if (AliasesDiffer(*impl_, arguments, a, b)) return false;
    }
  }
  return true;
}

absl::Status CompiledGraph::Run(absl::Span<const ingot_tensor> arguments,
                                absl::Span<const ingot_tensor> results,
                                const RunContext& context) const {
  INGOT_RETURN_IF_ERROR(CheckArguments(arguments));
  INGOT_RETURN_IF_ERROR(CheckTensors("result", results, impl_->expected_results, &impl_->results));
  if (!impl_->scalars.empty()) INGOT_RETURN_IF_ERROR(CheckScalars(*impl_, context));

  std::unique_ptr<Frame> frame = impl_->frames.Acquire();
  if (ABSL_PREDICT_FALSE(frame == nullptr)) {
    INGOT_ASSIGN_OR_RETURN(frame, impl_->NewFrame());
  }
  absl::Status status;
  if (!is_stateful()) {
    status = Call(*impl_, arguments, results, context, {}, *frame).Run();
  } else {
    State& state = context.state != nullptr ? *context.state : *impl_->state;
    status = state.Use(impl_->state_layout, [&](absl::Span<char* const> buffers) {
      return Call(*impl_, arguments, results, context, buffers, *frame).Run();
    });
  }
  impl_->frames.Release(std::move(frame));
  return status;
}

std::unique_ptr<State> CompiledGraph::NewState() const {
  return std::make_unique<State>(impl_->state_layout);
}

std::shared_ptr<const CompiledGraph> CompiledGraphBuilder::Finish(std::unique_ptr<Impl> impl,
                                                                  ir::Recording recording,
                                                                  Program program) {
  for (const ir::ArgumentSpec& spec : recording.signature.arguments) {
    impl->expected_arguments.push_back(Expect(spec.type, spec.strides));
  }
  for (const ResultSpec& spec : impl->results)
    impl->expected_results.push_back(Expect(spec.type, spec.strides));
  for (const ir::OutputSpec& output : impl->graph->outputs()) {
    if (output.role == ir::OutputRole::kWriteBack) impl->written.push_back(output.index);
  }
  std::sort(impl->written.begin(), impl->written.end());
  for (const ir::InputSpec& input : impl->graph->inputs()) {
    impl->random = impl->random || input.role == ir::InputRole::kSeed;
  }
  // Executables pin the constants they need; only those that are results themselves are kept here.
  impl->constants.resize(recording.constants.size());
  for (const Copy& copy : impl->plan.copies) {
    if (copy.from.place == Place::kConstant)
      impl->constants[copy.from.index] = recording.constants[copy.from.index];
  }
  impl->state_layout =
      MakeStateLayout(*impl->graph, std::move(recording.initial_state), std::move(program));
  impl->signature = std::move(recording.signature);
  auto graph = std::shared_ptr<CompiledGraph>(new CompiledGraph(std::move(impl)));
  graph->impl_->state = graph->NewState();
  return graph;
}

}  // namespace ingot::runtime
