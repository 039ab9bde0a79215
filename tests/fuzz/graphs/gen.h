// What the families of emitters build with: the case so far, and what is known of its values.
// Private to the generator.
//
// The generator knows bounds of every value, and whether a value is *exact*: the same bits on every
// correct backend. Ops that are not continuous (floor, comparisons, sorting, casts to integers …)
// only take exact operands, so that rounding can't be blown up; ops with a domain (log, division …)
// get operands clamped into it.
#ifndef INGOT_TESTS_FUZZ_GRAPHS_GEN_H_
#define INGOT_TESTS_FUZZ_GRAPHS_GEN_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "core/ir/graph.h"
#include "core/ops/registry.h"
#include "tests/fuzz/graphs/case.h"
#include "tests/fuzz/graphs/rng.h"

namespace ingot::fuzz {

// What is known of a value. In programs all views of a tensor share it.
struct Info {
  double low = 0, high = 0;  // of the finite elements
  int grid = -1;             // floats: multiples of 2^-grid, held exactly; -1: not known to be
  bool raw = false;          // floats: bits come from an input, only moved about
  bool special = false;      // NaN and infinities among the elements, in places that are exact
  bool distinct = false;     // no two elements alike
  bool constant = false;     // programs: of a tensor that must not be written
};

// Results of an op: bounds and exactness. `exact`: adds no rounding error of its own.
struct Effect {
  double low = 0, high = 0;
  int grid = -1;
  bool raw = false, special = false, distinct = false;
  bool exact = false;
};

class Gen {
 public:
  Gen(uint64_t seed, bool is_program);

  Rng& rng() { return rng_; }
  bool is_program() const { return case_.is_program; }
  const ir::TensorType& type(ir::ValueId v) const { return case_.graph.type(v); }
  int rank(ir::ValueId v) const { return type(v).rank(); }
  const Info& info(ir::ValueId v) const { return infos_[memory_[v]]; }
  bool IsFloat(ir::ValueId v) const { return ir::IsFloating(type(v).dtype); }
  bool IsExact(ir::ValueId v) const;  // bits are the same everywhere
  double Magnitude(ir::ValueId v) const;

  // --- Operands ---
  using Predicate = absl::FunctionRef<bool(ir::ValueId)>;
  // A value for which `fits` holds, late ones rather than early ones.
  std::optional<ir::ValueId> Find(Predicate fits);
  ir::ValueId Any();
  // A floating one; a new input if there is none.
  ir::ValueId Float();
  ir::ValueId FloatOfRank(int min_rank, int max_rank);
  ir::ValueId Exact();  // of any dtype
  ir::ValueId ExactFloat();
  ir::ValueId Integer();  // no bool
  // A new input. Arguments mostly; constants, and state where the case may have any.
  ir::ValueId Fresh(ir::TensorType type, Domain domain);
  ir::ValueId Fresh(ir::TensorType type);    // a domain that suits the dtype
  ir::ValueId FreshDistinct(ir::Dims dims);  // no two elements alike; REQUIRES: up to 100
  ir::ValueId FreshIndex(ir::Dims dims, int64_t size, bool negative = false);
  // Broadcasts with `v` into v's sizes, and has its dtype (or another, now and then, if
  // `promotes`).
  ir::ValueId Partner(ir::ValueId v, bool promotes, Predicate fits);
  // `v` clamped to [low, high], or `v` itself if its bounds are within.
  ir::ValueId Clamped(ir::ValueId v, double low, double high);

  // A number for argument `name` of `op`: a literal, or an input where that is data.
  ir::Argument Number(absl::string_view op, absl::string_view name, ir::Scalar value);

  ir::Dims RandomDims(int min_rank, int max_rank);
  ir::DType RandomDType();
  ir::DType RandomFloatDType();
  int64_t RandomDim(int rank);  // negative now and then; 0 for rank 0
  std::vector<int64_t> RandomDimSet(int rank, int min_count);

  // --- Nodes ---
  // Appends a node; missing trailing arguments are the schema's defaults. No outputs: it was
  // refused (types don't fit, or bounds are too large), and nothing has changed.
  std::vector<ir::ValueId> Emit(absl::string_view op, std::vector<ir::Argument> args,
                                const Effect& effect);
  // As Emit, for results that no other op may take.
  std::vector<ir::ValueId> EmitHidden(absl::string_view op, std::vector<ir::Argument> args);
  // For the views of programs: the result is memory of `base`, or may be.
  std::vector<ir::ValueId> EmitView(absl::string_view op, std::vector<ir::Argument> args,
                                    ir::ValueId base);
  // Whether eager says what comes out when `v` is written in place.
  bool IsWritable(ir::ValueId v) const;
  // Programs: appends an in-place op on args[0]; `effect` is that of what is written.
  bool EmitInPlace(absl::string_view op, std::vector<ir::Argument> args, const Effect& effect);
  // Effect of an op that only moves elements of `v`, or of all of `from`.
  Effect Moved(ir::ValueId v) const;
  Effect Moved(const std::vector<ir::ValueId>& from) const;
  // Inexact within bounds; `special` if an operand's is.
  static Effect Rounded(double low, double high, bool special = false);
  // Result on the grid if it fits the dtype, else rounded.
  static Effect OnGrid(ir::DType dtype, double low, double high, int grid, bool special);
  static Effect WholeNumbers(double low, double high);  // integers and bools

  size_t num_nodes() const { return case_.graph.nodes().size(); }
  Case Finish() &&;

 private:
  ir::ValueId AddInput(ir::InputRole role, ir::TensorType type, const Domain& domain);
  bool Fits(const std::vector<ir::TensorType>& types, const Effect& effect) const;
  std::vector<ir::ValueId> Append(std::string op, std::vector<ir::Argument> args,
                                  const std::vector<ir::TensorType>& types, bool exact);
  void SetInfo(ir::ValueId v, const Effect& effect);
  ir::ValueId Seed();
  // finish.cc
  void AddOverlap();
  void PlaceArguments();
  void AddOutput(ir::OutputRole role, uint32_t index, ir::ValueId v);
  void UpdateState();
  void WriteArguments(uint32_t& results);

  Rng rng_;
  Case case_;
  ir::DType theme_ = ir::DType::kFloat32;
  std::vector<ir::ValueId> pool_;  // operands to choose from, in order of definition
  std::vector<Info> infos_;        // by memory
  std::vector<uint32_t> memory_;   // by value; scalars and the seed have one that is never read
  std::vector<bool> is_base_;      // by argument: others are views of it
  std::vector<bool> overlapping_;  // by value: elements share memory, so writes have no meaning
  ir::ValueId seed_ = ir::kNoValue;
};

struct Emitter {
  const char* name;
  int weight;
  // False: nothing was appended that counts; another emitter's turn.
  bool (*emit)(Gen& gen);
};

std::vector<Emitter> PointwiseEmitters();
std::vector<Emitter> UnaryEmitters();
std::vector<Emitter> MoveEmitters();  // views, shapes, indexing
std::vector<Emitter> IndexEmitters();
std::vector<Emitter> ReduceEmitters();
std::vector<Emitter> LayerEmitters();  // products, convolutions, pools, norms, attention
std::vector<Emitter> RandomEmitters();
std::vector<Emitter> MoreEmitters();     // rarer ops of all families
std::vector<Emitter> InPlaceEmitters();  // programs only

// For unary ops: f sampled over [low, high], NaN left out.
Effect SampledEffect(double (*f)(double), double low, double high);

inline bool Done(const std::vector<ir::ValueId>& outputs) { return !outputs.empty(); }

}  // namespace ingot::fuzz

#endif  // INGOT_TESTS_FUZZ_GRAPHS_GEN_H_
