// A torch.export archive as a Model: read by frontends/pt2, without LibTorch in the process.
//
// Its oracles run LibTorch in a child process (oracle_process.h).
#ifndef INGOT_TOOLS_INGOT_PT2_MODEL_H_
#define INGOT_TOOLS_INGOT_PT2_MODEL_H_

#include <memory>
#include <string>

#include "tools/ingot/model.h"

namespace ingot::tools {

// NotFound, DataLoss …: the errors of frontends/pt2/archive.h.
absl::StatusOr<std::unique_ptr<Model>> OpenPt2Model(const std::string& path,
                                                    const runtime::Options& options);
absl::StatusOr<ModelOpener> PreparePt2Model(const std::string& path,
                                            const runtime::Options& options);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_PT2_MODEL_H_
