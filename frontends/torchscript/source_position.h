// Where in the model's source the running TorchScript or Python code is.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_SOURCE_POSITION_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_SOURCE_POSITION_H_

#include <torch/csrc/jit/frontend/source_range.h>

#include <string>

namespace ingot::torchscript {

// "model.py:12" of the innermost line of this thread's TorchScript call stack that isn't PyTorch's
// own, without folders; outside TorchScript of its Python call stack, and empty without that. A
// file saved without debug information yields lines of its generated source.
std::string CurrentSourcePosition();

// The same of one range.
std::string SourcePosition(const torch::jit::SourceRange& range);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_SOURCE_POSITION_H_
