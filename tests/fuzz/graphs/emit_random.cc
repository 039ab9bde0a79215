// Draws, in ways that leave one possible result: draws of backends differ.
#include "tests/fuzz/graphs/gen.h"

namespace ingot::fuzz {
namespace {

using ir::Argument;
using ir::None;
using ir::ValueId;
using ir::ValueRef;

// floor(rand) is 0; isfinite(randn) is true.
bool EmitDraw(Gen& gen) {
  const bool uniform = gen.rng().OneIn(2), like = gen.rng().OneIn(2);
  const ir::DType dtype = gen.RandomFloatDType();
  // A half rounds what is next to 1 up to it.
  if (ir::ElementSize(dtype) < 4) return false;
  std::vector<Argument> args;
  if (like) {
    args = {ValueRef{gen.Float()}, dtype};
  } else {
    const ir::Dims dims = gen.RandomDims(0, 3);
    args = {std::vector<int64_t>(dims.begin(), dims.end()), dtype};
  }
  const char* op = uniform ? (like ? "aten::rand_like" : "aten::rand")
                           : (like ? "aten::randn_like" : "aten::randn");
  const std::vector<ValueId> drawn = gen.EmitHidden(op, std::move(args));
  if (drawn.empty()) return false;
  return Done(gen.Emit(uniform ? "aten::floor" : "aten::isfinite", {ValueRef{drawn[0]}},
                       uniform ? Gen::WholeNumbers(0, 0) : Gen::WholeNumbers(1, 1)));
}

// Probabilities 0 and 1, deviation 0.
bool EmitCertainDraw(Gen& gen) {
  const ValueId v = gen.Float();
  switch (gen.rng().Int(0, 3)) {
    case 0: {
      const ValueId certain =
          gen.Fresh({gen.type(v).dtype, gen.type(v).dims}, {Domain::Kind::kGrid, 0, 0});
      return Done(gen.Emit("aten::bernoulli", {ValueRef{certain}}, Gen::WholeNumbers(0, 0)));
    }
    case 1: {
      const double p = gen.rng().OneIn(2) ? 1.0 : 0.0;
      return Done(gen.Emit("aten::bernoulli.p", {ValueRef{v}, p}, Gen::WholeNumbers(p, p)));
    }
    case 2:
      return Done(gen.Emit("aten::normal_functional", {ValueRef{v}, 0.5, 0.0},
                           {.low = 0.5, .high = 0.5, .grid = 1, .exact = true}));
    default: {
      const bool train = gen.rng().OneIn(2);
      // Eager gives the tensor itself.
      return Done(gen.EmitView("aten::dropout", {ValueRef{v}, train ? 0.0 : 0.4, train}, v));
    }
  }
}

}  // namespace

std::vector<Emitter> RandomEmitters() {
  return {{"draw", 1, EmitDraw}, {"certain draw", 1, EmitCertainDraw}};
}

}  // namespace ingot::fuzz
