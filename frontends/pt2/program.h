// The JSON of a torch.export archive as typed structs: what ingot uses of schema 8.x.
//
//   INGOT_ASSIGN_OR_RETURN(Program program, ParseProgram(json_bytes));
//   for (const GraphNode& node : program.nodes) …
//
// Names and meanings follow torch/_export/serde/schema.py of PyTorch 2.13 (version 8.20). Newer
// minor versions only add fields, which are passed over; another major version is refused. A
// reader of structure only: whether names are defined and types fit is the converter's business.
// Values; const access is thread-safe.
#ifndef INGOT_FRONTENDS_PT2_PROGRAM_H_
#define INGOT_FRONTENDS_PT2_PROGRAM_H_

#include <complex>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/dtype.h"
#include "frontends/pt2/json.h"

namespace ingot::pt2 {

inline constexpr int kSchemaMajor = 8;
inline constexpr int kSchemaMinor = 20;  // the newest that was looked at

// An integer that is known or a sympy expression (sym_expr.h).
struct SymInt {
  int64_t value = 0;
  std::string expression;       // empty: `value` is it
  std::optional<int64_t> hint;  // of an expression: its value when the program was exported
};

struct TensorMeta {
  int64_t dtype_code = 0;  // the schema's own numbering: see DTypeOfCode
  std::vector<SymInt> sizes, strides;
  SymInt offset;
  bool strided = true;
  bool cpu = true;
};

// A number that is known or the name of one that a node computes.
struct SymArgument {
  int64_t value = 0;
  std::string name;  // empty: `value` is it
};

struct NoneArgument {};
struct TensorArgument {
  std::string name;
};
// Tensor[] and Tensor?[]: an absent element has no name.
struct TensorsArgument {
  std::vector<std::string> names;
};
// A size, number or bool that a node computes.
struct NameArgument {
  std::string name;
};
struct DTypeArgument {
  int64_t code = 0;
};
struct MemoryFormatArgument {
  int64_t code = 0;
};
// A device or layout: `usable` says that it is the CPU, or dense.
struct PlacementArgument {
  bool usable = true;
  std::string text;
};
// What ingot has no use for: a graph (of a higher-order op), an object, an operator.
struct OtherArgument {
  std::string kind;
};
using GraphArgument =
    std::variant<NoneArgument, TensorArgument, TensorsArgument, bool, int64_t, double,
                 std::complex<double>, std::string, std::vector<int64_t>, std::vector<double>,
                 std::vector<bool>, std::vector<SymArgument>, NameArgument, DTypeArgument,
                 MemoryFormatArgument, PlacementArgument, OtherArgument>;

struct NamedArgument {
  std::string name;  // of the op's schema; empty for higher-order ops
  GraphArgument value;
  bool positional = true;
};

struct GraphNode {
  std::string target;  // "torch.ops.aten.add.Tensor"
  std::vector<NamedArgument> inputs;
  std::vector<GraphArgument> outputs;
  std::string source;  // "file.py:12", or empty
};

enum class InputKind { kUser, kParameter, kBuffer, kTensorConstant, kNumber, kOther };
struct ProgramInput {
  InputKind kind = InputKind::kUser;
  GraphArgument value;  // a tensor's or size's name; for kNumber the number, string or None
  std::string fqn;      // of the parameter, buffer or constant; kOther: what it is
};

enum class OutputKind { kUser, kBufferMutation, kInputMutation, kOther };
struct ProgramOutput {
  OutputKind kind = OutputKind::kUser;
  GraphArgument value;
  std::string target;  // FQN of the buffer, name of the input; kOther: what it is
};

struct Range {
  std::optional<int64_t> min, max;
};

struct Program {
  std::vector<ProgramInput> inputs;
  std::vector<ProgramOutput> outputs;
  std::vector<GraphNode> nodes;
  absl::flat_hash_map<std::string, TensorMeta> tensors;
  absl::flat_hash_map<std::string, SymInt> sym_ints;
  std::map<std::string, Range> ranges;      // by symbol
  std::string in_spec, out_spec;            // pytree.h
  std::vector<std::string> argument_names;  // of forward, where the file knows them
  std::string torch_version;
};

// InvalidArgument with the path of what is wrong ("graph_module.graph.nodes[3].target: …");
// FailedPrecondition for another major version.
absl::StatusOr<Program> ParseProgram(absl::string_view json);

absl::StatusOr<TensorMeta> ParseTensorMeta(const Json& json, const std::string& path);

// nullopt for dtypes that graphs lack: uint16, float8 …
std::optional<ir::DType> DTypeOfCode(int64_t code);
// "float16" for 6, "float8_e4m3fn" for 29 …; "dtype 99" for an unknown one.
std::string DTypeCodeName(int64_t code);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_PROGRAM_H_
