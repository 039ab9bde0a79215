// Tensors out of what torch.save writes, without Python and without trust: an allow-list of the
// globals that tensors need (see kGlobals in unpickle.cc); see frontends/archive/pickle.h.
//
//   INGOT_ASSIGN_OR_RETURN(archive::Pickle pickle, ReadTorchPickle(bytes));
//   pickle.values[pickle.root] …
//
// Thread-safe.
#ifndef INGOT_FRONTENDS_PT2_UNPICKLE_H_
#define INGOT_FRONTENDS_PT2_UNPICKLE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "frontends/archive/pickle.h"

namespace ingot::pt2 {

// `bytes` must outlive the result. DataLoss, InvalidArgument: malformed; Unimplemented: an
// instruction or global that is not on the list.
absl::StatusOr<archive::Pickle> ReadTorchPickle(absl::string_view bytes);

// Names of the globals that may occur, for docs.
std::vector<std::string> PickleGlobals();

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_UNPICKLE_H_
