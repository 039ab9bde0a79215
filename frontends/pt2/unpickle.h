// Tensors out of a pickle, without Python and without trust.
//
//   INGOT_ASSIGN_OR_RETURN(Pickle pickle, ReadTorchPickle(bytes));   // what torch.save writes
//   pickle.values[pickle.root] …
//
// A pickle is a program that builds objects; this runs only the instructions that build tensors,
// numbers, strings, tuples, lists and dicts, and knows only the globals that tensors need (see
// kGlobals in unpickle.cc). Anything else is refused by name. Instructions, values and depth are
// limited by the size of the input. The format: Python's pickletools, protocols 2 to 5, in the
// archive of torch.save. Thread-safe.
#ifndef INGOT_FRONTENDS_PT2_UNPICKLE_H_
#define INGOT_FRONTENDS_PT2_UNPICKLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/type.h"

namespace ingot::pt2 {

// A value; containers hold indices into Pickle::values.
struct PickleValue {
  enum class Kind {
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kTuple,
    kList,
    kDict,  // keys and values in turn
    kTensor,
    kStorage,
    kGlobal,
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;  // kBool, kInt
  double real = 0;
  std::string text;  // kString, kGlobal
  std::vector<uint32_t> items;
  // kTensor, kStorage: bytes of the archive; all of a tensor's elements lie inside of them.
  absl::string_view bytes;
  ir::TensorType type;
  ir::Dims strides;
  int64_t offset = 0;
};

struct Pickle {
  std::vector<PickleValue> values;
  uint32_t root = 0;
};

// `bytes` must outlive the result. DataLoss, InvalidArgument: malformed; Unimplemented: an
// instruction or global that is not on the list.
absl::StatusOr<Pickle> ReadTorchPickle(absl::string_view bytes);

// Names of the globals that may occur, for docs.
std::vector<std::string> PickleGlobals();

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_UNPICKLE_H_
