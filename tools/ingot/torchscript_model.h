// A TorchScript file as a Model, through the LibTorch frontend that is loaded on demand.
#ifndef INGOT_TOOLS_INGOT_TORCHSCRIPT_MODEL_H_
#define INGOT_TOOLS_INGOT_TORCHSCRIPT_MODEL_H_

#include <memory>
#include <string>

#include "tools/ingot/model.h"

namespace ingot::tools {

// Unavailable: the frontend, or LibTorch itself, cannot be loaded. NotFound, DataLoss: the file.
absl::StatusOr<std::unique_ptr<Model>> OpenTorchScriptModel(const std::string& path,
                                                            const runtime::Options& options);
absl::StatusOr<ModelOpener> PrepareTorchScriptModel(const std::string& path,
                                                    const runtime::Options& options);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_TORCHSCRIPT_MODEL_H_
