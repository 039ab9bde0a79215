// The plugin: options, fingerprint, and the SDK's backend and executable over Compile and Program.
#include <sched.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/onednn/by_row.h"
#include "backends/onednn/engine.h"
#include "backends/onednn/kernels/cpu_limit.h"
#include "backends/onednn/program.h"
#include "backends/onednn/support.h"
#include "backends/sdk/backend.h"
#include "core/base/status_macros.h"
#include "core/base/version.h"

namespace ingot::onednn {
namespace {

// CPUs that this process may run on.
int AvailableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

// What oneDNN's variable ONEDNN_MAX_CPU_ISA leaves, for our own kernels.
kernels::CpuLimit CpuLimitOf(int isa) {
  const auto has = [isa](int part) { return (isa & part) == part; };
  if (has(dnnl_cpu_isa_avx512_core_bf16)) return kernels::CpuLimit::kAvx512Bf16;
  if (has(dnnl_cpu_isa_avx512_core)) return kernels::CpuLimit::kAvx512;
  return has(dnnl_cpu_isa_avx2) ? kernels::CpuLimit::kAvx2 : kernels::CpuLimit::kBaseline;
}

class OneDnnExecutable : public sdk::Executable {
 public:
  // `by_row`: how the program, which is then a row's, runs on a batch.
  OneDnnExecutable(std::unique_ptr<Program> program, std::optional<ByRow> by_row)
      : program_(std::move(program)), by_row_(std::move(by_row)) {}

  size_t workspace_bytes() const override {
    return by_row_ ? by_row_->workspace_bytes(*program_) : program_->workspace_bytes();
  }
  size_t retained_bytes() const override { return program_->retained_bytes(); }
  // Those that were not packed are read where they are.
  bool needs_constants() const override { return true; }
  std::string plan_json() const override {
    return program_->PlanJson(by_row_ ? by_row_->rows() : 1);
  }
  absl::Status Execute(const sdk::RunContext& context, absl::Span<const ingot_tensor> inputs,
                       absl::Span<const ingot_tensor> outputs, void* workspace) const override {
    if (by_row_) return by_row_->Run(*program_, context, inputs, outputs, workspace);
    return program_->Run(context, inputs, outputs, workspace);
  }

 private:
  const std::unique_ptr<const Program> program_;
  const std::optional<ByRow> by_row_;
};

class OneDnnBackend : public sdk::Backend {
 public:
  explicit OneDnnBackend(CompileOptions options) : options_(options) {}

  sdk::BackendInfo Info() const override {
    sdk::BackendInfo info;
    info.name = "onednn";
    info.version = kVersion;
    info.library_version = absl::StrCat("oneDNN ", LibraryVersion());
    info.fingerprint = absl::StrCat("onednn ", kVersion, ";library ", LibraryVersion(), ";isa ",
                                    EffectiveIsa(), ";threads ", options_.threads);
    return info;
  }

  absl::Status Supports(const ir::Graph& graph, ir::NodeId node) const override {
    return onednn::Supports(graph, node);
  }

  absl::StatusOr<std::unique_ptr<sdk::Executable>> Compile(
      const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants,
      const sdk::CompileContext& context) const override {
    CompileOptions options = options_;
    std::optional<ByRow> by_row;
    const std::optional<passes::RowSplit> split =
        options_.fusion.rows ? WorthSplitting(graph) : std::nullopt;
    if (split) {
      by_row.emplace(graph, *split, options_.threads);
      options.threads = ThreadsPerRow(by_row->rows(), options_.threads);
    }
    INGOT_ASSIGN_OR_RETURN(
        std::unique_ptr<Program> program,
        onednn::Compile(split ? split->graph : graph, constants, context, options));
    return std::make_unique<OneDnnExecutable>(std::move(program), std::move(by_row));
  }

 private:
  const CompileOptions options_;
};

absl::StatusOr<std::unique_ptr<sdk::Backend>> Create(const sdk::Options& options) {
  static const bool limited [[maybe_unused]] = [] {
    kernels::LimitCpu(CpuLimitOf(EffectiveIsa()));
    return true;
  }();
  const int64_t threads = options.Int("threads");
  if (threads < 0 || threads > 4096) {
    return absl::InvalidArgumentError(
        absl::StrCat("option threads must be 0 (all CPUs of the process) to 4096, not ", threads));
  }
  CompileOptions compile;
  compile.threads = threads == 0 ? AvailableCpus() : static_cast<int>(threads);
  const bool fusion = options.Bool("fusion");
  compile.fusion = FusionOptions::All(fusion);
  const std::string& precision = options.String("precision");
  if (precision != "f32" && precision != "bf16") {
    return absl::InvalidArgumentError(
        absl::StrCat("option precision must be f32 or bf16, not '", precision, "'"));
  }
  compile.bf16 = precision == "bf16";
  return std::make_unique<OneDnnBackend>(compile);
}

}  // namespace
}  // namespace ingot::onednn

INGOT_DEFINE_BACKEND(ingot::sdk::Factory{
    {{"threads", int64_t{0}, "threads of one execution; 0: as many as the process has CPUs"},
     {"precision", "f32",
      "f32, or bf16: products round their factors, where the CPU multiplies bf16"},
     {"fusion", true,
      "merge neighbouring ops, run batches row by row; false (neither) helps to find a wrong "
      "kernel"}},
    &ingot::onednn::Create})
