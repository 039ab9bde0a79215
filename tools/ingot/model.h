// A model file: TorchScript (`.pt`), a torch.export archive (`.pt2`) or a compiled artifact
// (`.ingot`).
//
//   INGOT_ASSIGN_OR_RETURN(std::unique_ptr<Model> model, OpenModel("m.pt", options));
//   INGOT_ASSIGN_OR_RETURN(ir::Recording recording, model->Record(arguments));
//
// LibTorch is loaded when a `.pt` file is opened, and only then. Errors are of stage kModel. Not
// thread-safe.
#ifndef INGOT_TOOLS_INGOT_MODEL_H_
#define INGOT_TOOLS_INGOT_MODEL_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/ir/recording.h"
#include "core/runtime/options.h"
#include "tools/ingot/call.h"
#include "tools/ingot/oracle.h"

namespace ingot::tools {

enum class OracleMode {
  kEager,    // LibTorch, as the file says
  kFloat64,  // LibTorch with parameters, buffers and floating arguments in float64
  kFrozen,   // LibTorch after freeze and optimize_for_inference, for benchmarks
};

class Model {
 public:
  virtual ~Model() = default;

  // The graph for these arguments; an artifact has its graph already.
  virtual absl::StatusOr<ir::Recording> Record(const Arguments& arguments) = 0;

  // LibTorch running the model itself. Unimplemented for an artifact, which holds only a graph.
  virtual absl::StatusOr<std::unique_ptr<Oracle>> CreateOracle(OracleMode mode) = 0;

  // What the arguments must look like where that is known before recording; nullptr otherwise.
  virtual const ir::Signature* signature() const { return nullptr; }

  // Arguments that the file brings along, or random ones that it takes; none for a file that says
  // nothing of its arguments.
  virtual absl::StatusOr<Arguments> SampleArguments(uint64_t) const { return Arguments(); }

  // Options that the file was extracted with.
  virtual std::map<std::string, std::string> stored_options() const { return {}; }
};

// NotFound, DataLoss …
absl::StatusOr<std::unique_ptr<Model>> OpenModel(const std::string& path,
                                                 const runtime::Options& options);

// Opens what was prepared, which takes no file any more: in a sandbox, if need be (sandbox.h).
using ModelOpener = std::function<absl::StatusOr<std::unique_ptr<Model>>()>;
// Opens the file of a model, and loads what reads it. Nothing in the file is looked at yet.
absl::StatusOr<ModelOpener> PrepareModel(const std::string& path, const runtime::Options& options);

// Random arguments for a model with a signature, else its sample arguments.
absl::StatusOr<Arguments> DefaultArguments(const Model& model, uint64_t seed);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_MODEL_H_
