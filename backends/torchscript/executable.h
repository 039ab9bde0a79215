// A lowered graph with packed weights, as a program of bound calls of LibTorch's operators.
//
// Runs under inference mode, without LibTorch's interpreter or profiling executor: run 1 and run
// 100 give the same bits. The tensors over the caller's memory are made once and used again, by one
// call at a time. Threads: LibTorch's intra-op thread count is set for the calling thread around a
// run and restored.
//
// Randomness: operators without a generator argument draw from LibTorch's default CPU generator. A
// graph with a seed input saves that generator's state, seeds it, runs, and puts the state back,
// one such run at a time in the process. Other users of the default generator on other threads must
// expect that.
#ifndef INGOT_BACKENDS_TORCHSCRIPT_EXECUTABLE_H_
#define INGOT_BACKENDS_TORCHSCRIPT_EXECUTABLE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/sdk/backend.h"
#include "core/ir/graph.h"

namespace ingot::torchscript_backend {

absl::StatusOr<std::unique_ptr<sdk::Executable>> MakeExecutable(
    const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants, int threads);

// "LibTorch 2.13.0" of the library in the process, and the CPU capability its kernels use
// ("AVX512").
std::string LibraryVersion();
std::string CpuCapability();

}  // namespace ingot::torchscript_backend

#endif  // INGOT_BACKENDS_TORCHSCRIPT_EXECUTABLE_H_
