// Reads a pickle without Python and without trust.
//
//   PickleRules rules{.dialect = PickleDialect::kTorchScript, .globals = kGlobals, .storage =
//   find}; INGOT_ASSIGN_OR_RETURN(Pickle pickle, ReadPickle(code, rules));
//   pickle.values[pickle.root] …
//
// A pickle is a program that builds objects. This runs only the instructions that build numbers,
// strings, tuples, lists, dicts and tensors; a call of anything else yields an object that
// remembers what it was called with, and what may be called is what the rules list. Everything
// that a reader with less care would trip over is an error: stacks that run empty, marks without
// end, memory that was never kept, tensors beyond their storage, values that hold themselves,
// nesting beyond kMaxPickleDepth, dictionaries with containers as keys. Memory is at most a small
// multiple of the code's size. The format: Python's pickletools, protocols 2 to 5. Thread-safe.
#ifndef INGOT_FRONTENDS_ARCHIVE_PICKLE_H_
#define INGOT_FRONTENDS_ARCHIVE_PICKLE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/ir/type.h"

namespace ingot::archive {

inline constexpr size_t kMaxPickleValues = size_t{1} << 21;
inline constexpr int kMaxPickleDepth = 512;

// Which instructions there are.
enum class PickleDialect {
  kTorchSave,    // what Python writes, without objects
  kTorchScript,  // what LibTorch's reader knows: protocol 2, with objects of classes
};

// What a global may be used for.
enum class GlobalUse {
  kValue,          // nothing: it stands for itself
  kStorage,        // the element type of a storage
  kRebuildTensor,  // called with (storage, offset, sizes, strides, …)
  kOrderedDict,    // called with ()
  kFunction,       // called: yields an object
  kClass,          // instantiated: yields an object
};

struct PickleGlobal {
  const char* name;  // "module.name"
  GlobalUse use = GlobalUse::kFunction;
  size_t element_size = 0;  // kStorage
  std::optional<ir::DType> dtype = std::nullopt;
};

struct PickleRules {
  PickleDialect dialect = PickleDialect::kTorchSave;
  absl::Span<const PickleGlobal> globals;
  // The bytes of a storage, by key. An error refuses the pickle.
  absl::FunctionRef<absl::StatusOr<absl::string_view>(absl::string_view key)> storage;
  // Whether a name that is none of `globals` is a class, that is may be instantiated.
  absl::FunctionRef<bool(absl::string_view name)> is_class;
  // Of all storages together: one that is fetched many times is many copies for some readers.
  uint64_t max_storage_bytes = 0;
  // Otherwise tensors have sizes, but neither bytes nor bounds.
  bool has_storages = true;
};

// A value; containers hold indices into Pickle::values.
struct PickleValue {
  enum class Kind : uint8_t {
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kTuple,
    kList,
    kDict,    // keys and values in turn
    kTensor,  // `integer`: index into Pickle::tensors
    kStorage,
    kGlobal,  // `text`: its name
    kObject,  // `text`: what was called or instantiated, `items`: with what
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;     // kBool, kInt; bits of kFloat
  absl::string_view text;  // kString, kGlobal, kObject
  std::vector<uint32_t> items;
};

// A tensor, or a storage as a whole. All elements of a tensor lie inside of `bytes`.
struct PickleTensor {
  absl::string_view bytes;
  size_t element_size = 1;
  std::optional<ir::DType> dtype;  // none: one that graphs do not have
  int64_t offset = 0;              // in elements, like the strides
  ir::Dims dims, strides;
};

struct Pickle {
  std::vector<PickleValue> values;
  std::vector<PickleTensor> tensors;
  std::deque<std::string> names;  // what `text` of globals and objects points to
  uint32_t root = 0;

  const PickleTensor& tensor(const PickleValue& value) const {
    return tensors[static_cast<size_t>(value.integer)];
  }
};

// `code` and the storages must outlive the result. InvalidArgument: malformed; Unimplemented: an
// instruction or global that is not on the list, named in the message.
absl::StatusOr<Pickle> ReadPickle(absl::string_view code, const PickleRules& rules);

}  // namespace ingot::archive

#endif  // INGOT_FRONTENDS_ARCHIVE_PICKLE_H_
