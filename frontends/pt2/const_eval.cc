#include "frontends/pt2/const_eval.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/elements.h"

namespace ingot::pt2 {
namespace {

using ir::DType;
using ir::TensorType;
using Result = absl::StatusOr<std::optional<HostConstant>>;

// One evaluation: what a kernel sees.
struct Call {
  const std::vector<Operand>& args;
  const TensorType& type;
  ContentsOf contents;

  bool HasTensor(size_t i) const {
    return i < args.size() && std::holds_alternative<TensorOperand>(args[i]);
  }
  absl::StatusOr<HostConstant> Tensor(size_t i) const {
    return contents(std::get<TensorOperand>(args[i]).id);
  }
  int64_t Int(size_t i) const { return std::get<int64_t>(args[i]); }
  // Dimension argument i, wrapped for `rank`.
  int64_t Dim(size_t i, int rank) const {
    const int64_t dim = Int(i);
    return dim < 0 ? dim + std::max(rank, 1) : dim;
  }
};

Result Wrap(absl::StatusOr<HostConstant> constant) {
  INGOT_RETURN_IF_ERROR(constant);
  return std::optional<HostConstant>(*std::move(constant));
}

// --- Arithmetic ---

// An operand of an elementwise op as numbers of `dtype`, in the result's sizes; nullopt if that
// would not be exact.
absl::StatusOr<std::optional<Elements>> NumbersOf(const Call& call, size_t i, DType dtype) {
  Elements elements;
  ir::Dims from;
  if (call.HasTensor(i)) {
    INGOT_ASSIGN_OR_RETURN(const HostConstant constant, call.Tensor(i));
    if (!IsPlain(constant.type.dtype)) return std::nullopt;
    from = constant.type.dims;
    elements = Load(constant);
  } else if (const auto* integer = std::get_if<int64_t>(&call.args[i])) {
    elements.ints = {*integer};
  } else if (const auto* truth = std::get_if<bool>(&call.args[i])) {
    elements.ints = {*truth ? 1 : 0};
  } else if (const auto* real = std::get_if<double>(&call.args[i])) {
    elements.floating = true;
    elements.doubles = {*real};
  } else {
    return std::nullopt;
  }
  if (elements.floating && !ir::IsFloating(dtype)) return std::nullopt;
  if (!elements.floating && ir::IsFloating(dtype)) {
    for (const int64_t v : elements.ints) {
      elements.doubles.push_back(dtype == DType::kFloat32
                                     ? static_cast<double>(static_cast<float>(v))
                                     : static_cast<double>(v));
    }
    elements.ints.clear();
    elements.floating = true;
  }
  for (double& v : elements.doubles) v = Round(v, dtype);
  return Broadcast(elements, from, call.type.dims);
}

using IntOp = int64_t (*)(int64_t, int64_t);
using FloatOp = double (*)(double, double);

int64_t Wrapping(uint64_t value) { return static_cast<int64_t>(value); }
int64_t AddInt(int64_t a, int64_t b) {
  return Wrapping(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t SubInt(int64_t a, int64_t b) {
  return Wrapping(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t MulInt(int64_t a, int64_t b) {
  return Wrapping(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
int64_t AndInt(int64_t a, int64_t b) { return a & b; }
int64_t OrInt(int64_t a, int64_t b) { return a | b; }
int64_t XorInt(int64_t a, int64_t b) { return a ^ b; }
int64_t LeastInt(int64_t a, int64_t b) { return std::min(a, b); }
int64_t MostInt(int64_t a, int64_t b) { return std::max(a, b); }
double AddFloat(double a, double b) { return a + b; }
double SubFloat(double a, double b) { return a - b; }
double MulFloat(double a, double b) { return a * b; }
double DivFloat(double a, double b) { return a / b; }

// Of two float32 numbers in double precision, each of these rounds to float32 correctly.
template <IntOp kInt, FloatOp kFloat, bool kHasAlpha = false>
Result Arithmetic(const Call& call) {
  const DType dtype = call.type.dtype;
  if (!IsPlain(dtype)) return std::nullopt;
  if (kHasAlpha && call.args[2] != Operand(int64_t{1})) return std::nullopt;
  if (ir::IsFloating(dtype) ? kFloat == nullptr : kInt == nullptr) return std::nullopt;
  INGOT_ASSIGN_OR_RETURN(const auto a, NumbersOf(call, 0, dtype));
  INGOT_ASSIGN_OR_RETURN(const auto b, NumbersOf(call, 1, dtype));
  if (!a || !b) return std::nullopt;
  Elements result;
  result.floating = ir::IsFloating(dtype);
  for (size_t i = 0; i < a->size(); ++i) {
    if constexpr (kFloat != nullptr) {
      if (result.floating) result.doubles.push_back(kFloat(a->doubles[i], b->doubles[i]));
    }
    if constexpr (kInt != nullptr) {
      if (!result.floating) result.ints.push_back(kInt(a->ints[i], b->ints[i]));
    }
  }
  return Wrap(Store(call.type, result));
}

template <typename T>
bool Equal(T a, T b) {
  return a == b;
}
template <typename T>
bool NotEqual(T a, T b) {
  return a != b;
}
template <typename T>
bool LessThan(T a, T b) {
  return a < b;
}
template <typename T>
bool LessEqual(T a, T b) {
  return a <= b;
}
template <typename T>
bool GreaterThan(T a, T b) {
  return a > b;
}
template <typename T>
bool GreaterEqual(T a, T b) {
  return a >= b;
}

// Whole numbers of any width, or floats of one dtype: no promotion that would round.
template <bool (*kInt)(int64_t, int64_t), bool (*kFloat)(double, double)>
Result Comparison(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(const HostConstant first, call.Tensor(0));
  DType dtype = first.type.dtype;
  if (call.HasTensor(1)) {
    INGOT_ASSIGN_OR_RETURN(const HostConstant second, call.Tensor(1));
    if (dtype != second.type.dtype && (ir::IsFloating(dtype) || ir::IsFloating(second.type.dtype)))
      return std::nullopt;
  } else if (ir::IsFloating(dtype)) {
    return std::nullopt;
  }
  if (!IsPlain(dtype)) return std::nullopt;
  if (!ir::IsFloating(dtype)) dtype = DType::kInt64;
  INGOT_ASSIGN_OR_RETURN(const auto a, NumbersOf(call, 0, dtype));
  INGOT_ASSIGN_OR_RETURN(const auto b, NumbersOf(call, 1, dtype));
  if (!a || !b) return std::nullopt;
  Elements result;
  for (size_t i = 0; i < a->size(); ++i) {
    result.ints.push_back(a->floating ? kFloat(a->doubles[i], b->doubles[i])
                                      : kInt(a->ints[i], b->ints[i]));
  }
  return Wrap(Store(call.type, result));
}

Result LogicalNot(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(const HostConstant self, call.Tensor(0));
  if (!IsPlain(self.type.dtype)) return std::nullopt;
  const Elements elements = Load(self);
  Elements result;
  for (size_t i = 0; i < elements.size(); ++i) {
    result.ints.push_back(elements.floating ? elements.doubles[i] == 0 : elements.ints[i] == 0);
  }
  return Wrap(Store(call.type, result));
}

Result BitwiseNot(const Call& call) {
  if (call.type.dtype == DType::kBool) return LogicalNot(call);
  INGOT_ASSIGN_OR_RETURN(const auto self, NumbersOf(call, 0, DType::kInt64));
  if (!self) return std::nullopt;
  Elements result = *self;
  for (int64_t& v : result.ints) v = ~v;
  return Wrap(Store(call.type, result));
}

Result Negate(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(const HostConstant self, call.Tensor(0));
  if (!IsPlain(self.type.dtype)) return std::nullopt;
  Elements result = Load(self);
  for (int64_t& v : result.ints) v = SubInt(0, v);
  for (double& v : result.doubles) v = -v;
  return Wrap(Store(call.type, result));
}

Result Cast(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(HostConstant self, call.Tensor(0));
  if (self.type == call.type) return std::optional<HostConstant>(std::move(self));
  if (!IsPlain(self.type.dtype) || !IsPlain(call.type.dtype)) return std::nullopt;
  return Wrap(Store(call.type, Load(self)));
}

Result Cumsum(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(const HostConstant self, call.Tensor(0));
  if (ir::IsFloating(call.type.dtype) || ir::IsFloating(self.type.dtype) ||
      !IsPlain(self.type.dtype)) {
    return std::nullopt;
  }
  Elements elements = Load(self);
  if (call.type.dims.empty()) return Wrap(Store(call.type, elements));
  const auto dim = static_cast<size_t>(call.Dim(1, call.type.rank()));
  const int64_t stride = ir::ContiguousStrides(call.type.dims)[dim];
  const int64_t size = call.type.dims[dim];
  for (int64_t i = 0; i < static_cast<int64_t>(elements.ints.size()); ++i) {
    if (i / stride % size == 0) continue;
    const auto at = static_cast<size_t>(i);
    elements.ints[at] = AddInt(elements.ints[at], elements.ints[static_cast<size_t>(i - stride)]);
  }
  return Wrap(Store(call.type, elements));
}

// --- Moving elements ---

// Calls `fn` with the coordinates of each element, in row-major order.
template <typename Fn>
void ForEachIndex(const ir::Dims& dims, Fn fn) {
  int64_t count = 1;
  for (const int64_t size : dims) count *= size;
  ir::Dims index(dims.size(), 0);
  for (; count > 0; --count) {
    fn(index);
    for (size_t d = dims.size(); d-- > 0;) {
      if (++index[d] < dims[d]) break;
      index[d] = 0;
    }
  }
}

// The result whose element at each index is that of `from` at `position(index)`, in elements.
template <typename Position>
absl::StatusOr<HostConstant> Move(const HostConstant& from, const TensorType& type,
                                  Position position) {
  char* to = nullptr;
  INGOT_ASSIGN_OR_RETURN(HostConstant result, NewConstant(type, &to));
  const auto element = static_cast<int64_t>(ir::ElementSize(type.dtype));
  const int64_t available = from.type.NumElements();
  bool inside = true;
  ForEachIndex(type.dims, [&](const ir::Dims& index) {
    const int64_t at = position(index);
    inside = inside && at >= 0 && at < available;
    if (inside) std::memcpy(to, from.data + at * element, static_cast<size_t>(element));
    to += element;
  });
  if (!inside) return absl::InvalidArgumentError("an index is out of range");
  return result;
}

int64_t Dot(const ir::Dims& index, const ir::Dims& strides) {
  int64_t sum = 0;
  for (size_t d = 0; d < strides.size(); ++d) sum += index[d] * strides[d];
  return sum;
}

// An index tensor's elements, negative ones wrapped if `size` allows; out of range becomes -1.
absl::StatusOr<std::vector<int64_t>> IndexOf(const HostConstant& index, int64_t size, bool wraps) {
  std::vector<int64_t> values = Load(index).ints;
  for (int64_t& value : values) {
    if (wraps && value < 0) value += size;
    if (value < 0 || value >= size) return absl::InvalidArgumentError("an index is out of range");
  }
  return values;
}

bool IsIndex(const HostConstant& constant) {
  return constant.type.dtype == DType::kInt64 || constant.type.dtype == DType::kInt32;
}

Result IndexSelect(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(const HostConstant self, call.Tensor(0));
  INGOT_ASSIGN_OR_RETURN(const HostConstant index, call.Tensor(2));
  if (!IsIndex(index) || self.type.dims.empty()) return std::nullopt;
  const auto dim = static_cast<size_t>(call.Dim(1, self.type.rank()));
  INGOT_ASSIGN_OR_RETURN(const auto picked, IndexOf(index, self.type.dims[dim], false));
  const ir::Dims strides = ir::ContiguousStrides(self.type.dims);
  return Wrap(Move(self, call.type, [&](ir::Dims at) {
    at[dim] = picked[static_cast<size_t>(at[dim])];
    return Dot(at, strides);
  }));
}

Result Embedding(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(const HostConstant weight, call.Tensor(0));
  INGOT_ASSIGN_OR_RETURN(const HostConstant index, call.Tensor(1));
  if (!IsIndex(index) || weight.type.rank() != 2) return std::nullopt;
  INGOT_ASSIGN_OR_RETURN(const auto picked, IndexOf(index, weight.type.dims[0], false));
  const ir::Dims strides = ir::ContiguousStrides(index.type.dims);
  const int64_t width = weight.type.dims[1];
  return Wrap(Move(weight, call.type, [&](const ir::Dims& at) {
    return picked[static_cast<size_t>(Dot(at, strides))] * width + at.back();
  }));
}

Result GatherOp(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(const HostConstant self, call.Tensor(0));
  INGOT_ASSIGN_OR_RETURN(const HostConstant index, call.Tensor(2));
  if (!IsIndex(index) || self.type.dims.empty() || index.type.dims != call.type.dims ||
      index.type.rank() != self.type.rank()) {
    return std::nullopt;
  }
  const auto dim = static_cast<size_t>(call.Dim(1, self.type.rank()));
  INGOT_ASSIGN_OR_RETURN(const auto picked, IndexOf(index, self.type.dims[dim], false));
  const ir::Dims strides = ir::ContiguousStrides(self.type.dims);
  size_t next = 0;
  return Wrap(Move(self, call.type, [&](ir::Dims at) {
    at[dim] = picked[next++];
    return Dot(at, strides);
  }));
}

// Where the indexed dimensions are, and where their common shape stands in the result.
struct Indexing {
  std::vector<int> dims;
  std::vector<std::vector<int64_t>> picked;  // by indexed dimension, broadcast
  ir::Dims shape;                            // of the indices together
  int place = 0;
};

absl::StatusOr<std::optional<Indexing>> IndexingOf(const Call& call, const HostConstant& self) {
  const auto& list = std::get<TensorListOperand>(call.args[1]);
  Indexing indexing;
  std::vector<HostConstant> indices;
  for (size_t d = 0; d < list.ids.size(); ++d) {
    if (list.ids[d] == kNoTensor) continue;
    INGOT_ASSIGN_OR_RETURN(HostConstant index, call.contents(list.ids[d]));
    if (!IsIndex(index)) return std::nullopt;
    ir::Dims shape;
    if (!ir::BroadcastDims(indexing.shape, index.type.dims, &shape)) return std::nullopt;
    indexing.shape = shape;
    indexing.dims.push_back(static_cast<int>(d));
    indices.push_back(std::move(index));
  }
  if (indices.empty()) return std::nullopt;
  for (size_t i = 0; i < indices.size(); ++i) {
    const int64_t size = self.type.dims[static_cast<size_t>(indexing.dims[i])];
    Elements elements;
    INGOT_ASSIGN_OR_RETURN(elements.ints, IndexOf(indices[i], size, true));
    indexing.picked.push_back(Broadcast(elements, indices[i].type.dims, indexing.shape).ints);
  }
  const bool adjacent =
      indexing.dims.back() - indexing.dims.front() + 1 == static_cast<int>(indexing.dims.size());
  indexing.place = adjacent ? indexing.dims.front() : 0;
  return indexing;
}

Result Index(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(const HostConstant self, call.Tensor(0));
  INGOT_ASSIGN_OR_RETURN(const auto indexing, IndexingOf(call, self));
  if (!indexing) return std::nullopt;
  const ir::Dims strides = ir::ContiguousStrides(self.type.dims);
  const ir::Dims shape_strides = ir::ContiguousStrides(indexing->shape);
  const auto place = static_cast<size_t>(indexing->place);
  return Wrap(Move(self, call.type, [&](const ir::Dims& at) {
    const ir::Dims inner(at.begin() + static_cast<int64_t>(place),
                         at.begin() + static_cast<int64_t>(place + indexing->shape.size()));
    const auto number = static_cast<size_t>(Dot(inner, shape_strides));
    int64_t position = 0;
    size_t next = 0;  // of the result's own dimensions
    for (size_t d = 0; d < strides.size(); ++d) {
      const auto found =
          std::find(indexing->dims.begin(), indexing->dims.end(), static_cast<int>(d));
      if (found != indexing->dims.end()) {
        const auto i = static_cast<size_t>(found - indexing->dims.begin());
        position += indexing->picked[i][number] * strides[d];
      } else {
        if (next == place) next += indexing->shape.size();
        position += at[next++] * strides[d];
      }
    }
    return position;
  }));
}

Result Clone(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(HostConstant self, call.Tensor(0));
  return std::optional<HostConstant>(std::move(self));
}

Result Cat(const Call& call) {
  const auto& list = std::get<TensorListOperand>(call.args[0]);
  if (call.type.dims.empty()) return std::nullopt;
  const auto dim = static_cast<size_t>(call.Dim(1, call.type.rank()));
  char* to = nullptr;
  INGOT_ASSIGN_OR_RETURN(HostConstant result, NewConstant(call.type, &to));
  const auto element = static_cast<int64_t>(ir::ElementSize(call.type.dtype));
  const int64_t inner = ir::ContiguousStrides(call.type.dims)[dim] * element;
  int64_t begin = 0;
  for (const TensorId id : list.ids) {
    INGOT_ASSIGN_OR_RETURN(const HostConstant part, call.contents(id));
    if (part.type.dtype != call.type.dtype || part.type.rank() != call.type.rank())
      return std::nullopt;
    if (part.type.NumElements() == 0) continue;
    const int64_t row = part.type.dims[dim] * inner, whole = call.type.dims[dim] * inner;
    for (int64_t outer = 0; outer * row < part.type.NumBytes(); ++outer) {
      std::memcpy(to + outer * whole + begin, part.data + outer * row, static_cast<size_t>(row));
    }
    begin += row;
  }
  return std::optional<HostConstant>(std::move(result));
}

// tril keeps column - row <= diagonal, triu column - row >= diagonal.
template <bool kUpper>
Result Triangle(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(const HostConstant self, call.Tensor(0));
  const int64_t diagonal = call.Int(1);
  char* to = nullptr;
  INGOT_ASSIGN_OR_RETURN(HostConstant result, NewConstant(call.type, &to));
  const auto element = static_cast<int64_t>(ir::ElementSize(call.type.dtype));
  int64_t at = 0;
  ForEachIndex(call.type.dims, [&](const ir::Dims& index) {
    const int64_t distance = index[index.size() - 1] - index[index.size() - 2];
    if (kUpper ? distance >= diagonal : distance <= diagonal)
      std::memcpy(to + at, self.data + at, static_cast<size_t>(element));
    at += element;
  });
  return std::optional<HostConstant>(std::move(result));
}

struct Row {
  const char* op;
  Result (*evaluate)(const Call& call);
};
constexpr Row kOps[] = {
    {"aten::_to_copy", Cast},
    {"aten::add.Scalar", Arithmetic<AddInt, AddFloat, true>},
    {"aten::add.Tensor", Arithmetic<AddInt, AddFloat, true>},
    {"aten::bitwise_and.Scalar", Arithmetic<AndInt, nullptr>},
    {"aten::bitwise_and.Tensor", Arithmetic<AndInt, nullptr>},
    {"aten::bitwise_not", BitwiseNot},
    {"aten::bitwise_or.Scalar", Arithmetic<OrInt, nullptr>},
    {"aten::bitwise_or.Tensor", Arithmetic<OrInt, nullptr>},
    {"aten::bitwise_xor.Scalar", Arithmetic<XorInt, nullptr>},
    {"aten::bitwise_xor.Tensor", Arithmetic<XorInt, nullptr>},
    {"aten::cat", Cat},
    {"aten::clone", Clone},
    {"aten::cumsum", Cumsum},
    {"aten::div.Scalar", Arithmetic<nullptr, DivFloat>},
    {"aten::div.Tensor", Arithmetic<nullptr, DivFloat>},
    {"aten::embedding", Embedding},
    {"aten::eq.Scalar", Comparison<Equal, Equal>},
    {"aten::eq.Tensor", Comparison<Equal, Equal>},
    {"aten::gather", GatherOp},
    {"aten::ge.Scalar", Comparison<GreaterEqual, GreaterEqual>},
    {"aten::ge.Tensor", Comparison<GreaterEqual, GreaterEqual>},
    {"aten::gt.Scalar", Comparison<GreaterThan, GreaterThan>},
    {"aten::gt.Tensor", Comparison<GreaterThan, GreaterThan>},
    {"aten::index.Tensor", Index},
    {"aten::index_select", IndexSelect},
    {"aten::le.Scalar", Comparison<LessEqual, LessEqual>},
    {"aten::le.Tensor", Comparison<LessEqual, LessEqual>},
    {"aten::logical_not", LogicalNot},
    {"aten::lt.Scalar", Comparison<LessThan, LessThan>},
    {"aten::lt.Tensor", Comparison<LessThan, LessThan>},
    {"aten::maximum", Arithmetic<MostInt, nullptr>},
    {"aten::minimum", Arithmetic<LeastInt, nullptr>},
    {"aten::mul.Scalar", Arithmetic<MulInt, MulFloat>},
    {"aten::mul.Tensor", Arithmetic<MulInt, MulFloat>},
    {"aten::ne.Scalar", Comparison<NotEqual, NotEqual>},
    {"aten::ne.Tensor", Comparison<NotEqual, NotEqual>},
    {"aten::neg", Negate},
    {"aten::sub.Scalar", Arithmetic<SubInt, SubFloat, true>},
    {"aten::sub.Tensor", Arithmetic<SubInt, SubFloat, true>},
    {"aten::tril", Triangle<false>},
    {"aten::triu", Triangle<true>},
};

}  // namespace

Result EvaluateConstant(const std::string& op, const std::vector<Operand>& args,
                        const TensorType& type, ContentsOf contents) {
  if (type.NumElements() > kMaxElements) return std::nullopt;
  for (const Row& row : kOps) {
    if (op == row.op) return row.evaluate({args, type, contents});
  }
  return std::nullopt;
}

Operand NumberOf(const HostConstant& constant) {
  if (!IsPlain(constant.type.dtype)) return ir::None{};
  const Elements elements = Load(constant);
  if (elements.floating) return elements.doubles[0];
  if (constant.type.dtype == DType::kBool) return elements.ints[0] != 0;
  return elements.ints[0];
}

absl::StatusOr<std::vector<HostConstant>> TruePositions(const HostConstant& mask) {
  std::vector<std::vector<int64_t>> coordinates(mask.type.dims.size());
  size_t at = 0;
  ForEachIndex(mask.type.dims, [&](const ir::Dims& index) {
    if (mask.data[at++] == 0) return;
    for (size_t d = 0; d < index.size(); ++d) coordinates[d].push_back(index[d]);
  });
  std::vector<HostConstant> positions;
  for (std::vector<int64_t>& values : coordinates) {
    const auto count = static_cast<int64_t>(values.size());
    Elements elements;
    elements.ints = std::move(values);
    INGOT_ASSIGN_OR_RETURN(HostConstant constant,
                           Store(TensorType{DType::kInt64, {count}}, elements));
    positions.push_back(std::move(constant));
  }
  return positions;
}

std::vector<std::string> ConstantOps() {
  std::vector<std::string> names;
  for (const Row& row : kOps) names.emplace_back(row.op);
  return names;
}

}  // namespace ingot::pt2
