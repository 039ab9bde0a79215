// Loads TorchScript files.
//
//   INGOT_ASSIGN_OR_RETURN(torch::jit::Module module, LoadModule("model.pt"));
//
// The archive is looked through before LibTorch sees it: frontends/archive/torchscript_scan.h.
//
// Errors: those of the scan; NotFound if there is no such file; DataLoss, with one line that names
// the file, if it is truncated, corrupt or no TorchScript archive; FailedPrecondition if it needs
// what this LibTorch lacks. Thread-safe.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_MODULE_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_MODULE_H_

#include <torch/csrc/jit/api/module.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::torchscript {

absl::StatusOr<torch::jit::Module> LoadModule(const std::string& path);

// `bytes` is the file's content, `name` its name in messages. The bytes are not used after the
// call.
absl::StatusOr<torch::jit::Module> LoadModule(absl::string_view bytes, absl::string_view name);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_MODULE_H_
