#include "tests/fuzz/graphs/gen.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/str_split.h"

namespace ingot::fuzz {
namespace {

using ir::DType;
using ir::ValueId;

constexpr int64_t kMaxElements = 2048;

// Larger values would come near to overflow, or to the end of whole numbers.
double FloatLimit(DType dtype) {
  return dtype == DType::kFloat16 ? 1e3 : dtype == DType::kBFloat16 ? 1e4 : 1e5;
}

int SignificandBits(DType dtype) {
  if (dtype == DType::kFloat16) return 11;
  if (dtype == DType::kBFloat16) return 8;
  return dtype == DType::kFloat32 ? 24 : 53;
}

std::pair<double, double> IntegerRange(DType dtype) {
  if (dtype == DType::kBool) return {0, 1};
  if (dtype == DType::kUInt8) return {0, 255};
  const double half = std::ldexp(1.0, static_cast<int>(ir::ElementSize(dtype)) * 8 - 1);
  return {-half, half - 1};
}

bool IsOnGrid(DType dtype, double low, double high, int grid) {
  const double units = std::ldexp(std::max(std::abs(low), std::abs(high)), grid);
  return units <= std::ldexp(1.0, SignificandBits(dtype));
}

}  // namespace

Gen::Gen(uint64_t seed, bool is_program) : rng_(seed) {
  case_.is_program = is_program;
  case_.seed = seed;
  case_.graph.set_name("fuzz");
  const DType themes[] = {DType::kFloat32,  DType::kFloat32, DType::kFloat32, DType::kFloat32,
                          DType::kFloat32,  DType::kFloat32, DType::kFloat64, DType::kFloat16,
                          DType::kBFloat16, DType::kInt64};
  theme_ = rng_.Pick(themes);
  const int64_t count = rng_.Int(1, 4);
  for (int64_t i = 0; i < count; ++i) Fresh({RandomDType(), RandomDims(0, 4)});
  if (is_program && rng_.OneIn(3) && !case_.arguments.empty()) AddOverlap();
}

bool Gen::IsExact(ValueId v) const { return !IsFloat(v) || info(v).raw || info(v).grid >= 0; }

double Gen::Magnitude(ValueId v) const {
  return std::max(std::abs(info(v).low), std::abs(info(v).high));
}

std::optional<ValueId> Gen::Find(Predicate fits) {
  const auto count = static_cast<int64_t>(pool_.size());
  for (int attempt = 0; attempt < 12; ++attempt) {
    // The larger of two draws every other time: late values are more likely.
    int64_t at = rng_.Int(0, count - 1);
    if (attempt % 2 == 0) at = std::max(at, rng_.Int(0, count - 1));
    if (fits(pool_[at])) return pool_[at];
  }
  return std::nullopt;
}

ValueId Gen::Any() {
  const std::optional<ValueId> found = Find([](ValueId) { return true; });
  return found ? *found : Fresh({RandomDType(), RandomDims(0, 3)});
}

ValueId Gen::Float() { return FloatOfRank(0, 5); }

ValueId Gen::FloatOfRank(int min_rank, int max_rank) {
  const std::optional<ValueId> found =
      Find([&](ValueId v) { return IsFloat(v) && rank(v) >= min_rank && rank(v) <= max_rank; });
  if (found) return *found;
  return Fresh({RandomFloatDType(), RandomDims(min_rank, std::min(max_rank, min_rank + 2))});
}

ValueId Gen::Exact() {
  const std::optional<ValueId> found = Find([&](ValueId v) { return IsExact(v); });
  return found ? *found : Fresh({RandomDType(), RandomDims(0, 3)});
}

ValueId Gen::ExactFloat() {
  const std::optional<ValueId> found = Find([&](ValueId v) { return IsFloat(v) && IsExact(v); });
  return found ? *found : Fresh({RandomFloatDType(), RandomDims(0, 3)});
}

ValueId Gen::Integer() {
  const std::optional<ValueId> found =
      Find([&](ValueId v) { return !IsFloat(v) && type(v).dtype != DType::kBool; });
  if (found) return *found;
  const DType dtypes[] = {DType::kInt64, DType::kInt64, DType::kInt32, DType::kInt32,
                          DType::kInt16, DType::kInt8,  DType::kUInt8};
  return Fresh({rng_.Pick(dtypes), RandomDims(0, 3)});
}

ValueId Gen::AddInput(ir::InputRole role, ir::TensorType type, const Domain& domain) {
  std::vector<Domain>& domains = role == ir::InputRole::kArgument   ? case_.arguments
                                 : role == ir::InputRole::kConstant ? case_.constants
                                                                    : case_.states;
  ir::InputSpec spec;
  spec.role = role;
  spec.index = static_cast<uint32_t>(domains.size());
  domains.push_back(domain);
  const bool is_float = ir::IsFloating(type.dtype);
  const int64_t elements = type.NumElements();
  const ValueId v = case_.graph.AddInput(spec, std::move(type));
  Effect effect;
  effect.low = domain.low;
  effect.high = domain.high;
  effect.special = domain.kind == Domain::Kind::kSpecial;
  // State is rounded from the second call on.
  const bool is_state = role == ir::InputRole::kState;
  if (is_float && !is_state) {
    effect.raw = true;
    effect.grid = domain.kind == Domain::Kind::kSmooth || effect.special ? -1 : 3;
  }
  if (domain.kind == Domain::Kind::kDistinct) {
    effect.distinct = !is_state;
    effect.low = static_cast<double>(-elements) / (is_float ? 16.0 : 2.0) - 1;
    effect.high = is_float ? -effect.low : static_cast<double>(elements);
  }
  SetInfo(v, effect);
  pool_.push_back(v);
  infos_.back().constant = role == ir::InputRole::kConstant;
  if (role == ir::InputRole::kArgument) {
    case_.placements.emplace_back();
    is_base_.push_back(false);
  }
  return v;
}

ValueId Gen::Fresh(ir::TensorType type, Domain domain) {
  if (domain.kind == Domain::Kind::kGrid && type.dtype == DType::kUInt8) {
    domain.low = std::max(domain.low, 0.0);
  }
  ir::InputRole role = ir::InputRole::kArgument;
  if (rng_.OneIn(4)) role = ir::InputRole::kConstant;
  const bool may_be_state = !is_program() && ir::IsFloating(type.dtype) &&
                            domain.kind != Domain::Kind::kSpecial &&
                            domain.kind != Domain::Kind::kDistinct;
  if (may_be_state && rng_.OneIn(12)) role = ir::InputRole::kState;
  return AddInput(role, std::move(type), domain);
}

ValueId Gen::Fresh(ir::TensorType type) {
  const bool is_float = ir::IsFloating(type.dtype);
  Domain domain;
  const double bounds[][2] = {{-2, 2}, {-2, 2}, {-8, 8}, {0, 1}, {0.5, 3}, {-1, 1}};
  const auto& range = rng_.Pick(bounds);
  domain.low = is_float ? range[0] : type.dtype == DType::kUInt8 ? 0 : -3;
  domain.high = is_float ? range[1] : 5;
  if (rng_.OneIn(2)) domain.kind = Domain::Kind::kSmooth;
  if (rng_.OneIn(12) && is_float) domain = {Domain::Kind::kSpecial, -2, 2};
  if (rng_.OneIn(10) && type.dtype != DType::kBool && type.NumElements() <= 100) {
    domain.kind = Domain::Kind::kDistinct;
  }
  return Fresh(std::move(type), domain);
}

ValueId Gen::FreshDistinct(ir::Dims dims) {
  const DType dtype = RandomDType();
  return Fresh({dtype == DType::kBool ? DType::kInt64 : dtype, std::move(dims)},
               {Domain::Kind::kDistinct, 0, 0});
}

ValueId Gen::FreshIndex(ir::Dims dims, int64_t size, bool negative) {
  Domain domain;
  domain.low = negative ? static_cast<double>(-size) : 0;
  domain.high = static_cast<double>(size - 1);
  const DType dtype = rng_.OneIn(5) ? DType::kInt32 : DType::kInt64;
  const ir::InputRole role = rng_.OneIn(3) ? ir::InputRole::kConstant : ir::InputRole::kArgument;
  return AddInput(role, {dtype, std::move(dims)}, domain);
}

ValueId Gen::Partner(ValueId v, bool promotes, Predicate fits) {
  const ir::TensorType wanted = type(v);
  const std::optional<ValueId> found = Find([&](ValueId w) {
    ir::Dims dims;
    return (type(w).dtype == wanted.dtype || (promotes && rng_.OneIn(4))) &&
           ir::BroadcastDims(wanted.dims, type(w).dims, &dims) && dims == wanted.dims && fits(w);
  });
  if (found) return *found;
  // Leading dimensions dropped and single ones made 1, now and then.
  ir::Dims dims = wanted.dims;
  if (rng_.OneIn(3)) dims.erase(dims.begin(), dims.begin() + rng_.Int(0, dims.size()));
  for (int64_t& size : dims) {
    if (rng_.OneIn(6)) size = 1;
  }
  const bool other = promotes && rng_.OneIn(6);
  return Fresh({other ? RandomDType() : wanted.dtype, dims});
}

ValueId Gen::Clamped(ValueId v, double low, double high) {
  if (info(v).low >= low && info(v).high <= high) return v;
  if (type(v).dtype == DType::kBool)
    return Fresh({RandomFloatDType(), type(v).dims}, {{}, low, high});
  // Eager refuses numbers that the dtype can't hold.
  if (type(v).dtype == DType::kFloat16) high = std::min(high, 6e4), low = std::max(low, -6e4);
  Effect effect = Moved(v);
  effect.low = std::max(low, std::min(info(v).low, high));
  effect.high = std::min(high, std::max(info(v).high, low));
  effect.raw = effect.distinct = false;
  // Bounds are whole eighths, so that a grid stays one.
  effect.grid = effect.grid < 0 ? -1 : std::max(effect.grid, 3);
  if (info(v).raw && effect.grid < 0) effect.raw = true;
  const bool whole = low == std::floor(low) && high == std::floor(high);
  if (!IsFloat(v) && !whole) return Fresh({RandomFloatDType(), type(v).dims}, {{}, low, high});
  std::vector<ir::Argument> args = {ir::ValueRef{v}, low, high};
  if (!IsFloat(v)) {
    args[1] = static_cast<int64_t>(low);
    args[2] = static_cast<int64_t>(high);
  }
  const std::vector<ValueId> outputs = Emit("aten::clamp", std::move(args), effect);
  return outputs.empty() ? Fresh(type(v), {Domain::Kind::kGrid, low, high}) : outputs[0];
}

ir::Argument Gen::Number(absl::string_view op, absl::string_view name, ir::Scalar value) {
  const ops::OpDef* def = ops::FindOp(op);
  bool is_data = false;
  for (absl::string_view data : absl::StrSplit(def->data_scalars, ',')) is_data |= data == name;
  if (is_data && !is_program() && rng_.OneIn(2)) {
    ir::InputSpec spec;
    spec.role = ir::InputRole::kScalar;
    spec.index = static_cast<uint32_t>(case_.scalars.size());
    case_.scalars.push_back(value);
    const ValueId v = case_.graph.AddInput(spec, {ir::ScalarDType(value), {}});
    SetInfo(v, {});
    return ir::ValueRef{v};
  }
  return std::visit([](auto number) { return ir::Argument(number); }, value);
}

ir::Dims Gen::RandomDims(int min_rank, int max_rank) {
  const int64_t sizes[] = {1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 17};
  ir::Dims dims;
  int64_t elements = 1;
  const int64_t count = rng_.Int(min_rank, max_rank);
  for (int64_t i = 0; i < count; ++i) {
    int64_t size = rng_.Pick(sizes);
    if (elements * size > 300) size = 1;
    if (rng_.OneIn(120)) size = 0;
    dims.push_back(size);
    elements *= std::max<int64_t>(size, 1);
  }
  return dims;
}

DType Gen::RandomDType() {
  const DType dtypes[] = {DType::kFloat32, DType::kFloat64,  DType::kInt64, DType::kInt32,
                          DType::kBool,    DType::kFloat16,  DType::kUInt8, DType::kInt8,
                          DType::kInt16,   DType::kBFloat16, DType::kBool,  DType::kInt64};
  return rng_.OneIn(3) ? rng_.Pick(dtypes) : theme_;
}

DType Gen::RandomFloatDType() {
  const DType dtypes[] = {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBFloat16};
  if (!ir::IsFloating(theme_)) return DType::kFloat32;
  return rng_.OneIn(8) ? rng_.Pick(dtypes) : theme_;
}

int64_t Gen::RandomDim(int rank) {
  const int64_t bound = std::max(rank, 1);
  return rng_.OneIn(3) ? rng_.Int(-bound, -1) : rng_.Int(0, bound - 1);
}

std::vector<int64_t> Gen::RandomDimSet(int rank, int min_count) {
  std::vector<int64_t> dims(rank);
  std::iota(dims.begin(), dims.end(), int64_t{0});
  for (size_t i = dims.size(); i > 1; --i) {
    std::swap(dims[i - 1], dims[rng_.Int(0, static_cast<int64_t>(i) - 1)]);
  }
  dims.resize(rng_.Int(std::min(min_count, rank), rank));
  for (int64_t& dim : dims) {
    if (rng_.OneIn(3)) dim -= rank;
  }
  return dims;
}

ValueId Gen::Seed() {
  if (seed_ == ir::kNoValue) {
    ir::InputSpec spec;
    spec.role = ir::InputRole::kSeed;
    seed_ = case_.graph.AddInput(spec, {DType::kInt64, {}});
    SetInfo(seed_, {});
  }
  return seed_;
}

bool Gen::Fits(const std::vector<ir::TensorType>& types, const Effect& effect) const {
  const double magnitude = std::max(std::abs(effect.low), std::abs(effect.high));
  for (const ir::TensorType& type : types) {
    if (type.NumElements() > kMaxElements || type.rank() > 6) return false;
    if (ir::IsComplex(type.dtype)) return false;
    if (ir::IsFloating(type.dtype) && !(magnitude <= FloatLimit(type.dtype))) return false;
  }
  return true;
}

void Gen::SetInfo(ValueId v, const Effect& effect) {
  if (memory_.size() <= v) memory_.resize(v + 1);
  memory_[v] = static_cast<uint32_t>(infos_.size());
  Info info{.low = effect.low, .high = effect.high};
  const DType dtype = type(v).dtype;
  if (ir::IsFloating(dtype)) {
    info.raw = effect.raw;
    info.special = effect.special;
    info.grid = effect.grid;
    if (info.grid >= 0 && !IsOnGrid(dtype, info.low, info.high, info.grid)) info.grid = -1;
  } else {
    const auto [low, high] = IntegerRange(dtype);
    // Beyond its range an integer wraps.
    if (!(info.low >= low && info.high <= high)) info.low = low, info.high = high;
  }
  info.distinct = effect.distinct;
  infos_.push_back(info);
}

std::vector<ValueId> Gen::Append(std::string op, std::vector<ir::Argument> args,
                                 const std::vector<ir::TensorType>& types, bool exact) {
  const ir::NodeId node =
      case_.graph.AddNode(std::move(op), std::move(args), types, exact ? kExact : "");
  return case_.graph.node(node).outputs;
}

std::vector<ValueId> Gen::Emit(absl::string_view op, std::vector<ir::Argument> args,
                               const Effect& effect) {
  const ops::OpDef* def = ops::FindOp(op);
  if (def == nullptr || !ops::FillDefaults(def->schema, args).ok()) return {};
  const auto type_of = [this](ValueId v) -> const ir::TensorType& { return type(v); };
  if (def->Is(ops::kRandom)) args.push_back(ir::ValueRef{Seed()});
  const absl::StatusOr<std::vector<ir::TensorType>> types = ops::InferTypes(*def, args, type_of);
  if (!types.ok() || types->empty() || !Fits(*types, effect)) return {};
  std::vector<ValueId> outputs = Append(std::string(op), std::move(args), *types, effect.exact);
  for (ValueId v : outputs) {
    SetInfo(v, effect);
    pool_.push_back(v);
  }
  return outputs;
}

std::vector<ValueId> Gen::EmitHidden(absl::string_view op, std::vector<ir::Argument> args) {
  std::vector<ValueId> outputs = Emit(op, std::move(args), {});
  pool_.resize(pool_.size() - outputs.size());
  return outputs;
}

std::vector<ValueId> Gen::EmitView(absl::string_view op, std::vector<ir::Argument> args,
                                   ValueId base) {
  std::vector<ValueId> outputs = Emit(op, std::move(args), Moved(base));
  if (is_program()) {
    for (ValueId v : outputs) {
      // What may share memory, does.
      if (type(v).dtype == type(base).dtype) memory_[v] = memory_[base];
      overlapping_.resize(v + 1);
      overlapping_[v] = op == "aten::unfold" || (base < overlapping_.size() && overlapping_[base]);
    }
  }
  return outputs;
}

bool Gen::IsWritable(ValueId v) const {
  return !info(v).constant && !(v < overlapping_.size() && overlapping_[v]);
}

bool Gen::EmitInPlace(absl::string_view op, std::vector<ir::Argument> args, const Effect& effect) {
  const ValueId self = std::get<ir::ValueRef>(args[0]).id;
  if (!Fits({type(self)}, effect)) return false;
  const std::vector<ValueId> outputs =
      Append(std::string(op), std::move(args), {type(self)}, effect.exact);
  SetInfo(outputs[0], effect);
  const Info written = infos_.back();
  // The memory now holds old elements and new ones.
  memory_[outputs[0]] = memory_[self];
  Info& info = infos_[memory_[self]];
  info.low = std::min(info.low, written.low);
  info.high = std::max(info.high, written.high);
  info.special |= written.special;
  info.grid = info.grid < 0 || written.grid < 0 ? -1 : std::max(info.grid, written.grid);
  info.raw &= written.raw;
  info.distinct = false;
  if (info.grid >= 0 && !IsOnGrid(type(self).dtype, info.low, info.high, info.grid)) info.grid = -1;
  pool_.push_back(outputs[0]);
  return true;
}

Effect Gen::Moved(ValueId v) const { return Moved(std::vector<ValueId>{v}); }

Effect Gen::Moved(const std::vector<ValueId>& from) const {
  Effect effect{.low = info(from[0]).low, .high = info(from[0]).high};
  effect.grid = IsFloat(from[0]) ? 0 : -1;
  effect.raw = true;
  effect.exact = true;
  effect.distinct = from.size() == 1 && info(from[0]).distinct;
  for (ValueId v : from) {
    const Info& i = info(v);
    effect.low = std::min(effect.low, i.low);
    effect.high = std::max(effect.high, i.high);
    effect.special |= i.special;
    effect.raw &= i.raw || !IsFloat(v);
    if (IsFloat(v))
      effect.grid = effect.grid < 0 || i.grid < 0 ? -1 : std::max(effect.grid, i.grid);
  }
  return effect;
}

Effect Gen::Rounded(double low, double high, bool special) {
  return {.low = low, .high = high, .special = special};
}

Effect Gen::OnGrid(DType dtype, double low, double high, int grid, bool special) {
  Effect effect{.low = low, .high = high, .special = special};
  if (grid >= 0 && ir::IsFloating(dtype) && IsOnGrid(dtype, low, high, grid)) {
    effect.grid = grid;
    effect.exact = true;
  }
  return effect;
}

Effect Gen::WholeNumbers(double low, double high) {
  return {.low = low, .high = high, .grid = 0, .exact = true};
}

Effect SampledEffect(double (*f)(double), double low, double high) {
  Effect effect{.low = 1e300, .high = -1e300};
  constexpr int kSamples = 64;
  for (int i = 0; i <= kSamples; ++i) {
    const double y = f(low + (high - low) * i / kSamples);
    if (std::isnan(y)) continue;
    effect.low = std::min(effect.low, y);
    effect.high = std::max(effect.high, y);
  }
  return effect;
}

}  // namespace ingot::fuzz
