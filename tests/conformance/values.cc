#include "tests/conformance/values.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <string>

#include "absl/strings/match.h"

namespace ingot::conformance {
namespace {

using Engine = std::mt19937_64;

double Uniform(Engine& engine, double low, double high) {
  return low + (high - low) * static_cast<double>(engine() >> 11) * 0x1p-53;
}

int64_t Between(Engine& engine, int64_t low, int64_t high) {  // both included
  return low + static_cast<int64_t>(engine() % static_cast<uint64_t>(high - low + 1));
}

using Filler = void (*)(HostTensor&, Engine&);

template <typename Fn>
void FillEach(HostTensor& tensor, Fn&& fn) {
  const int64_t n = tensor.NumComponents();
  for (int64_t i = 0; i < n; ++i) fn(i);
}

bool Integral(const HostTensor& tensor) { return ir::IsIntegralOrBool(tensor.type().dtype); }

// Floats of about -3 to 3, small integers, coin flips.
void FillOrdinary(HostTensor& tensor, Engine& engine) {
  const ir::DType dtype = tensor.type().dtype;
  const int64_t low = dtype == ir::DType::kUInt8 || dtype == ir::DType::kBool ? 0 : -5;
  const int64_t high = dtype == ir::DType::kBool ? 1 : 6;
  FillEach(tensor, [&](int64_t i) {
    if (Integral(tensor)) return tensor.SetInt(i, Between(engine, low, high));
    tensor.SetDouble(i, Uniform(engine, -1.5, 1.5) + Uniform(engine, -1.5, 1.5));
  });
}

void FillPositive(HostTensor& tensor, Engine& engine) {
  FillEach(tensor, [&](int64_t i) {
    if (Integral(tensor)) return tensor.SetInt(i, Between(engine, 1, 5));
    tensor.SetDouble(i, Uniform(engine, 0.1, 3));
  });
}

void FillUnit(HostTensor& tensor, Engine& engine) {
  FillEach(tensor, [&](int64_t i) { tensor.SetDouble(i, Uniform(engine, 0, 1)); });
}

void FillNonZero(HostTensor& tensor, Engine& engine) {
  FillOrdinary(tensor, engine);
  FillEach(tensor, [&](int64_t i) {
    if (tensor.Double(i) == 0) tensor.SetDouble(i, 3);
  });
}

void FillNonNegative(HostTensor& tensor, Engine& engine) {
  FillOrdinary(tensor, engine);
  FillEach(tensor, [&](int64_t i) {
    if (Integral(tensor)) tensor.SetInt(i, std::abs(tensor.Int(i)));
  });
}

// A shuffled progression; in 8 bits and halves distinct up to 128 elements.
void FillDistinct(HostTensor& tensor, Engine& engine) {
  std::vector<int64_t> order(tensor.type().NumElements());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::shuffle(order.begin(), order.end(), engine);
  const int64_t middle = static_cast<int64_t>(order.size()) / 2;
  FillEach(tensor, [&](int64_t i) {
    const int64_t base = tensor.type().dtype == ir::DType::kUInt8 ? 0 : middle;
    if (Integral(tensor)) return tensor.SetInt(i, order[i] - base);
    tensor.SetDouble(i, static_cast<double>(order[i] - middle) * 0.25);
  });
}

void FillSpecial(HostTensor& tensor, Engine& engine) {
  FillOrdinary(tensor, engine);
  if (Integral(tensor)) return;
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const double specials[] = {std::nan(""), kInf, -kInf, 0.0, -0.0, 1e-6, -1e4, 1.0, -1.0, 0.5, 2.5};
  FillEach(tensor, [&](int64_t i) {
    if (engine() % 2 == 0) tensor.SetDouble(i, specials[engine() % std::size(specials)]);
  });
}

// Ascending, along the last dimension too.
void FillSorted(HostTensor& tensor, Engine& engine) {
  double value = Integral(tensor) ? 0 : -2;
  FillEach(tensor, [&](int64_t i) {
    if (tensor.type().dtype == ir::DType::kBool) return tensor.SetInt(i, i > 0);
    value += Integral(tensor) ? static_cast<double>(Between(engine, 0, 2)) : Uniform(engine, 0, 1);
    if (Integral(tensor)) return tensor.SetInt(i, static_cast<int64_t>(value));
    tensor.SetDouble(i, value);
  });
}

void FillOnes(HostTensor& tensor, Engine&) {
  FillEach(tensor, [&](int64_t i) { tensor.SetInt(i, 1); });
}

Filler ByHint(const std::string& hint) {
  const struct {
    const char* hint;
    Filler filler;
  } kHints[] = {{"positive", FillPositive}, {"unit", FillUnit},       {"distinct", FillDistinct},
                {"special", FillSpecial},   {"nonzero", FillNonZero}, {"ones", FillOnes}};
  for (const auto& entry : kHints) {
    if (hint == entry.hint) return entry.filler;
  }
  return nullptr;
}

// What some arguments of some ops must be like, by prefix of the op's name; no name: all of them.
Filler ByArgument(const std::string& op, const std::string& name, bool integral) {
  const struct {
    const char* op;
    const char* name;
    Filler filler;
    bool integers_only = false;
  } kArguments[] = {{"aten::bernoulli", "self", FillUnit},
                    {"aten::batch_norm", "running_var", FillPositive},
                    {"aten::sort", "self", FillDistinct},
                    {"aten::topk", "self", FillDistinct},
                    {"aten::max.dim", "self", FillDistinct},
                    {"aten::min.dim", "self", FillDistinct},
                    {"aten::arg", "self", FillDistinct},
                    {"aten::pow", "exponent", FillNonNegative, true},
                    {"aten::binary_cross_entropy", "", FillUnit},
                    {"aten::bucketize", "boundaries", FillSorted},
                    {"aten::searchsorted", "sorted_sequence", FillSorted},
                    {"aten::median", "self", FillDistinct},
                    {"aten::nanmedian", "self", FillDistinct},
                    {"aten::bitwise_left_shift", "other", FillNonNegative},
                    {"aten::bitwise_right_shift", "other", FillNonNegative},
                    {"aten::floor_divide", "other", FillNonZero},
                    {"aten::remainder", "other", FillNonZero},
                    {"aten::fmod", "other", FillNonZero},
                    {"aten::div", "other", FillNonZero}};
  for (const auto& entry : kArguments) {
    if (absl::StartsWith(op, entry.op) && (name == entry.name || *entry.name == '\0') &&
        (integral || !entry.integers_only)) {
      return entry.filler;
    }
  }
  return nullptr;
}

int64_t SizeAlong(const ir::TensorType& type, int64_t dim) {
  if (type.rank() == 0) return 1;
  return type.dims[dim < 0 ? dim + type.rank() : dim];
}

// For operands that name elements: how many there are to name.
std::optional<int64_t> IndexLimit(const ops::Call& call, size_t operand) {
  const std::string& op = call.def->schema.op;
  const std::string& name = call.def->schema.args[call.positions[operand]].name;
  if (op == "aten::embedding" && name == "indices") return call.operands[0].dims[0];
  if (name == "indices") {
    const auto& ids = std::get<ir::ValueRefList>(call.args[call.positions[operand]]).ids;
    const auto at = std::find(ids.begin(), ids.end(), static_cast<ir::ValueId>(operand));
    return call.operands[0].dims[at - ids.begin()];
  }
  if (op == "aten::take" && name == "index") return call.operands[0].NumElements();
  if (absl::StartsWith(op, "aten::nll_loss") && name == "target") {
    const ir::Dims& dims = call.operands[0].dims;
    return dims[dims.size() == 1 ? 0 : 1];
  }
  if (name == "index") {
    return SizeAlong(call.operands[0], std::get<int64_t>(call.args[call.def->schema.Find("dim")]));
  }
  return std::nullopt;
}

}  // namespace

std::vector<HostTensor> MakeOperands(const ops::Call& call, uint64_t seed) {
  Engine engine(seed);
  std::vector<HostTensor> operands;
  for (size_t k = 0; k < call.operands.size(); ++k) {
    HostTensor& tensor = operands.emplace_back(call.operands[k]);
    if (call.positions[k] >= static_cast<int>(call.def->schema.args.size())) {
      tensor.SetInt(0, static_cast<int64_t>(seed));
      continue;
    }
    if (const std::optional<int64_t> limit = IndexLimit(call, k)) {
      FillEach(tensor, [&](int64_t i) {
        tensor.SetInt(i, *limit == 0 ? 0 : Between(engine, 0, *limit - 1));
      });
      continue;
    }
    Filler filler = ByHint(call.hints[k]);
    if (filler == nullptr) {
      filler = ByArgument(call.def->schema.op, call.def->schema.args[call.positions[k]].name,
                          Integral(tensor));
    }
    (filler == nullptr ? FillOrdinary : filler)(tensor, engine);
  }
  return operands;
}

}  // namespace ingot::conformance
