// A recording: what a frontend hands over. Graph, weights, numbers, and the signature.
//
// Constants are shared, not copied: `owner` keeps the memory of a weight alive (a LibTorch tensor,
// a mapped file). A Recording is a value; copies share the constants. Const access is thread-safe.
#ifndef INGOT_CORE_IR_RECORDING_H_
#define INGOT_CORE_IR_RECORDING_H_

#include <complex>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/env.h"
#include "core/ir/graph.h"

namespace ingot::ir {

// Dense row-major bytes of a tensor that lives outside the graph. `data` has at least
// `type.NumBytes()` bytes, there while `owner` lives and immutable unless `is_live`.
struct Constant {
  Digest digest;  // Sha256 of the bytes
  TensorType type;
  const void* data = nullptr;
  std::shared_ptr<const void> owner;
  // The mapped file that the bytes lie in, if they do: their memory can be given back for a while
  // (ReadableMapping::Evict). Lives as long as `owner`.
  const ReadableMapping* file = nullptr;
  // The memory is that of a live program, which may write it once this recording is compiled and
  // guards against that by itself. What was compiled with it must not serve another program.
  bool is_live = false;
};
absl::string_view BytesOf(const Constant& constant);
// Gives the memory of the constant's pages back until they are read again, if it lies in a file.
void EvictPages(const Constant& constant);

using Scalar = std::variant<bool, int64_t, double, std::complex<double>>;
DType ScalarDType(const Scalar& scalar);  // kBool, kInt64, kFloat64, kComplex128

// Where the number of scalar input k comes from: a literal of the program, or a number argument of
// the call.
struct ScalarBinding {
  bool is_argument = false;
  uint32_t argument = 0;  // scalar slot in `arguments` when is_argument
  Scalar literal = int64_t{0};
};

// What a tensor argument must look like. Strides empty: row-major dense.
struct ArgumentSpec {
  TensorType type;
  Dims strides;
  friend bool operator==(const ArgumentSpec&, const ArgumentSpec&) = default;
};

// Where an argument's memory begins: `offset` bytes from the first element of `argument`, which is
// the first of the arguments that share this memory (the argument itself, and 0, if it is that).
struct Alias {
  uint32_t argument = 0;
  int64_t offset = 0;
  friend bool operator==(const Alias&, const Alias&) = default;
};

// What of the arguments a graph is valid for.
struct Signature {
  std::vector<ArgumentSpec> arguments;  // by tensor slot
  std::vector<Alias> aliases;           // by tensor slot
  Structure arguments_structure;        // nesting of the call's arguments; a Tuple
  friend bool operator==(const Signature&, const Signature&) = default;
};
// "(f32[2,3], f32[2,3])", with strides and aliases where they are not the plain ones.
std::string ToString(const Signature& signature);

struct Recording {
  Graph graph;
  std::vector<Constant> constants;      // by index of the constant inputs
  std::vector<Constant> initial_state;  // by index of the state inputs
  std::vector<ScalarBinding> scalars;   // by index of the scalar inputs
  Signature signature;
};

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_RECORDING_H_
