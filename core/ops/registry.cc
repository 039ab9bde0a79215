#include "core/ops/registry.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"

namespace ingot::ops {
namespace {

// A table that does not parse is a bug of this library, found by the first test that runs.
[[noreturn]] void BrokenTable(const absl::Status& status) {
  std::fprintf(stderr, "core/ops: %s\n", std::string(status.message()).c_str());
  std::abort();
}

class Registry {
 public:
  Registry() {
    using Family = std::vector<OpDef> (*)();
    constexpr Family kFamilies[] = {PointwiseOps, ActivationOps, MatmulOps,    ConvOps,
                                    PoolOps,      NormOps,       AttentionOps, IndexOps,
                                    ReduceOps,    ViewOps,       ShapeOps,     RandomOps,
                                    RnnOps,       SpecialOps,    ScanOps,      ScatterOps};
    for (Family family : kFamilies) {
      for (OpDef& def : family()) Add(std::move(def));
    }
    std::sort(sorted_.begin(), sorted_.end(),
              [](const OpDef* a, const OpDef* b) { return a->schema.op < b->schema.op; });
  }

  const OpDef* Find(absl::string_view op) const {
    auto it = by_name_.find(op);
    return it == by_name_.end() ? nullptr : it->second;
  }
  absl::Span<const OpDef* const> all() const { return sorted_; }

 private:
  void Add(OpDef def) {
    absl::StatusOr<Schema> schema = ParseSchema(def.schema_text);
    if (!schema.ok()) BrokenTable(schema.status());
    def.schema = *std::move(schema);
    owned_.push_back(std::make_unique<OpDef>(std::move(def)));
    const OpDef* added = owned_.back().get();
    if (!by_name_.emplace(added->schema.op, added).second) {
      BrokenTable(absl::InternalError(absl::StrCat(added->schema.op, " is registered twice")));
    }
    sorted_.push_back(added);
  }

  std::vector<std::unique_ptr<OpDef>> owned_;
  absl::flat_hash_map<std::string, const OpDef*> by_name_;
  std::vector<const OpDef*> sorted_;
};

const Registry& TheRegistry() {
  static const Registry* const registry = new Registry();
  return *registry;
}

// Sizes come from files: a product that overflows must not reach anybody who allocates.
absl::Status CheckSizes(const OpDef& def, const ir::TensorType& type) {
  int64_t bytes = static_cast<int64_t>(ir::ElementSize(type.dtype));
  for (int64_t size : type.dims) {
    if (size < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(def.schema.op, ": result has the negative size ", size));
    }
    if (size > 0 && bytes > std::numeric_limits<int64_t>::max() / size) {
      return absl::InvalidArgumentError(
          absl::StrCat(def.schema.op, ": result ", ir::ToString(type), " is too large"));
    }
    bytes *= std::max<int64_t>(size, 1);
  }
  return absl::OkStatus();
}

bool IsDataScalar(const OpDef& def, absl::string_view name) {
  for (absl::string_view data : absl::StrSplit(def.data_scalars, ',')) {
    if (data == name) return true;
  }
  return false;
}

// Inference and kernels read the numbers of structure from the graph; only data may come from a
// value.
absl::Status CheckNumber(const InferContext& ctx, int i,
                         absl::FunctionRef<const ir::TensorType&(ir::ValueId)> type_of) {
  const SchemaArg& spec = ctx.def().schema.args[i];
  if (spec.kind != ArgKind::kScalar) return absl::OkStatus();
  const bool is_data = IsDataScalar(ctx.def(), spec.name);
  if (!is_data && std::holds_alternative<std::complex<double>>(ctx.arg(i))) {
    return absl::UnimplementedError(
        absl::StrCat(ctx.def().schema.op, ": a complex \"", spec.name, "\" is not supported"));
  }
  const auto* ref = std::get_if<ir::ValueRef>(&ctx.arg(i));
  if (ref == nullptr) return absl::OkStatus();
  if (!is_data) {
    return ctx.Error(absl::StrCat("argument \"", spec.name, "\" must be a literal number"));
  }
  if (type_of(ref->id).rank() != 0) {
    return ctx.Error(absl::StrCat("argument \"", spec.name, "\" is a number but its value is ",
                                  ir::ToString(type_of(ref->id))));
  }
  return absl::OkStatus();
}

}  // namespace

InferContext::InferContext(const OpDef& def, const std::vector<ir::Argument>& args,
                           absl::FunctionRef<const ir::TensorType&(ir::ValueId)> type_of)
    : def_(def), args_(args), type_of_(type_of) {}

bool InferContext::Has(int i) const { return !std::holds_alternative<ir::None>(args_[i]); }

const ir::TensorType& InferContext::Tensor(int i) const {
  return type_of_(std::get<ir::ValueRef>(args_[i]).id);
}

std::vector<ir::TensorType> InferContext::Tensors(int i) const {
  std::vector<ir::TensorType> types;
  for (ir::ValueId id : std::get<ir::ValueRefList>(args_[i]).ids) {
    if (id != ir::kNoValue) types.push_back(type_of_(id));
  }
  return types;
}

int64_t InferContext::Int(int i) const { return std::get<int64_t>(args_[i]); }

int64_t InferContext::IntOr(int i, int64_t fallback) const { return Has(i) ? Int(i) : fallback; }

double InferContext::Float(int i) const {
  if (const auto* integer = std::get_if<int64_t>(&args_[i])) return static_cast<double>(*integer);
  if (const auto* truth = std::get_if<bool>(&args_[i])) return *truth ? 1.0 : 0.0;
  return std::get<double>(args_[i]);
}

bool InferContext::Bool(int i) const { return std::get<bool>(args_[i]); }

absl::Span<const int64_t> InferContext::Ints(int i) const {
  if (!Has(i)) return {};
  return std::get<std::vector<int64_t>>(args_[i]);
}

ir::DType InferContext::DTypeOr(int i, ir::DType fallback) const {
  return Has(i) ? std::get<ir::DType>(args_[i]) : fallback;
}

ir::DType InferContext::ScalarType(int i) const {
  const ir::Argument& arg = args_[i];
  if (const auto* ref = std::get_if<ir::ValueRef>(&arg)) return type_of_(ref->id).dtype;
  if (std::holds_alternative<bool>(arg)) return ir::DType::kBool;
  if (std::holds_alternative<int64_t>(arg)) return ir::DType::kInt64;
  if (std::holds_alternative<double>(arg)) return ir::DType::kFloat64;
  return ir::DType::kComplex128;
}

absl::Status InferContext::Error(absl::string_view message) const {
  return absl::InvalidArgumentError(absl::StrCat(def_.schema.op, ": ", message));
}

const OpDef* FindOp(absl::string_view op) { return TheRegistry().Find(op); }

absl::Span<const OpDef* const> AllOps() { return TheRegistry().all(); }

absl::StatusOr<std::vector<ir::TensorType>> InferTypes(
    const OpDef& def, const std::vector<ir::Argument>& args,
    absl::FunctionRef<const ir::TensorType&(ir::ValueId)> type_of) {
  INGOT_RETURN_IF_ERROR(CheckArguments(def.schema, args, def.Is(kRandom) ? 1 : 0));
  InferContext ctx(def, args, type_of);
  for (size_t i = 0; i < def.schema.args.size(); ++i) {
    INGOT_RETURN_IF_ERROR(CheckNumber(ctx, static_cast<int>(i), type_of));
  }
  if (def.Is(kRandom)) {
    const ir::TensorType& seed = type_of(std::get<ir::ValueRef>(args.back()).id);
    if (seed != ir::TensorType{ir::DType::kInt64, {}}) {
      return ctx.Error(absl::StrCat("the seed must be i64[], not ", ir::ToString(seed)));
    }
  }
  INGOT_RETURN_IF_ERROR(def.infer(ctx));
  std::vector<ir::TensorType> outputs = ctx.TakeOutputs();
  for (const ir::TensorType& type : outputs) INGOT_RETURN_IF_ERROR(CheckSizes(def, type));
  return outputs;
}

}  // namespace ingot::ops
