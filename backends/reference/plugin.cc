// The reference backend's plugin: the sample to copy when you write a backend of your own.
//
// A plugin derives two classes from the SDK (backends/sdk/backend.h) and names a factory:
//
//   1. a Backend, made once a session by the factory from checked options. It says who it is
//   (Info), which nodes it
//      takes (Supports), and turns a graph of such nodes into an executable (Compile);
//   2. an Executable, which runs: caller's inputs in, caller's outputs filled, scratch memory given
//   by the caller.
//      Here it is ReferenceExecutable (executable.h), a list of steps over plain C++ kernels;
//   3. INGOT_DEFINE_BACKEND at the end, which exports the plugin's one symbol.
//
// The SDK does the rest: it speaks the C ABI, decodes and verifies graphs, checks constants against
// their digests, and turns statuses and exceptions into the ABI's error codes. What you must keep
// to:
//
//   - Supports is a promise. Whatever it takes, Compile must take, alone or with any other nodes it
//   took. Refuse with a
//     reason for people: it is what users read when their model does not run. A wrong number is
//     worse than a refusal.
//   - Execute may run on many threads at once: keep no state in it. What it needs beside the stack
//   it asks for by
//     workspace_bytes().
//   - What compiled code depends on besides graph and options (library versions, instruction sets,
//   thread counts)
//     belongs into the fingerprint: it is part of the cache key.
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "backends/reference/executable.h"
#include "backends/reference/kernel.h"
#include "backends/sdk/backend.h"
#include "core/base/version.h"

namespace ingot::reference {
namespace {

// Counts up with every change of a kernel's results, so that caches do not serve the old ones.
constexpr char kKernels[] = "2";

// The kernels know real numbers only.
absl::Status CheckReal(const ir::Graph& graph, ir::ValueId value) {
  const ir::DType dtype = graph.type(value).dtype;
  if (!ir::IsComplex(dtype)) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("no kernel for ", ir::DTypeName(dtype)));
}

class ReferenceBackend final : public sdk::Backend {
 public:
  sdk::BackendInfo Info() const override {
    return {
        .name = "reference",
        .version = kVersion,
        .library_version = "",                              // built on no library
        .fingerprint = absl::StrCat("kernels ", kKernels),  // and the same on every machine
    };
  }

  // Called for one node at a time, with the whole graph at hand: operand types are graph.type(id).
  // The graph is verified, so arguments have the kinds of the op's schema and the types are those
  // that inference gives.
  absl::Status Supports(const ir::Graph& graph, ir::NodeId id) const override {
    const ir::Node& node = graph.node(id);
    if (FindKernel(node.op) == nullptr) {
      return absl::UnimplementedError(absl::StrCat("no kernel for the op ", node.op));
    }
    absl::Status status;
    ir::ForEachOperand(node, [&](ir::ValueId value) { status.Update(CheckReal(graph, value)); });
    for (ir::ValueId value : node.outputs) {
      if (value != ir::kNoValue) status.Update(CheckReal(graph, value));
    }
    for (const ir::Argument& argument : node.args) {
      if (std::holds_alternative<std::complex<double>>(argument)) {
        status.Update(absl::UnimplementedError("no kernel for complex numbers"));
      }
    }
    return status;
  }

  // All the work that depends on the graph alone belongs here: choosing kernels, planning memory,
  // packing weights. This backend reads weights where they are, so the executable says
  // needs_constants() (the default) and the host keeps them; one that packs weights drops the plain
  // ones (`context.DropConstant`). A backend that takes long polls `context.cancel()`.
  absl::StatusOr<std::unique_ptr<sdk::Executable>> Compile(
      const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants,
      const sdk::CompileContext& context) const override {
    if (absl::Status status = context.cancel().Check(); !status.ok()) return status;
    return ReferenceExecutable::Compile(graph, constants);
  }
};

absl::StatusOr<std::unique_ptr<sdk::Backend>> Create(const sdk::Options&) {
  return std::make_unique<ReferenceBackend>();
}

}  // namespace
}  // namespace ingot::reference

// The first list declares the options that the backend knows, each with its default and a doc line;
// the SDK refuses others. This backend has none.
INGOT_DEFINE_BACKEND(ingot::sdk::Factory{{}, &ingot::reference::Create})
