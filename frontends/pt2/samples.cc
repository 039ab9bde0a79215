#include "frontends/pt2/samples.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/strided_copy.h"
#include "frontends/pt2/pytree.h"
#include "frontends/pt2/unpickle.h"

namespace ingot::pt2 {
namespace {

using archive::Pickle;
using archive::PickleTensor;
using archive::PickleValue;
using Kind = PickleValue::Kind;
using SpecKind = ir::Structure::Kind;

constexpr int64_t kMaxBytes = int64_t{4} << 30;

absl::Status Mismatch() {
  return absl::InvalidArgumentError(
      "the archive's sample arguments are nested in another way than the program's");
}

class Collector {
 public:
  explicit Collector(const Pickle& pickle) : pickle_(pickle) {}

  // Follows the spec, whose depth is limited, so that a pickle that holds itself ends too.
  absl::Status Collect(const TreeSpec& spec, uint32_t id) {
    const PickleValue& value = pickle_.values[id];
    if (spec.is_leaf()) return value.kind == Kind::kTensor ? AddTensor(value) : absl::OkStatus();
    if (spec.kind == SpecKind::kDict) return CollectDict(spec, value);
    if ((value.kind != Kind::kTuple && value.kind != Kind::kList) ||
        value.items.size() != spec.children.size()) {
      return Mismatch();
    }
    for (size_t i = 0; i < value.items.size(); ++i) {
      INGOT_RETURN_IF_ERROR(Collect(spec.children[i], value.items[i]));
    }
    return absl::OkStatus();
  }

  std::vector<HostConstant> Take() { return std::move(tensors_); }

 private:
  absl::Status CollectDict(const TreeSpec& spec, const PickleValue& value) {
    if (value.kind != Kind::kDict || value.items.size() != spec.children.size() * 2)
      return Mismatch();
    for (size_t i = 0; i < spec.keys.size(); ++i) {
      bool found = false;
      for (size_t k = 0; k < value.items.size() && !found; k += 2) {
        const PickleValue& key = pickle_.values[value.items[k]];
        const std::string text =
            key.kind == Kind::kInt ? absl::StrCat(key.integer) : std::string(key.text);
        if (text != spec.keys[i]) continue;
        found = true;
        INGOT_RETURN_IF_ERROR(Collect(spec.children[i], value.items[k + 1]));
      }
      if (!found) return Mismatch();
    }
    return absl::OkStatus();
  }

  absl::Status AddTensor(const PickleValue& value) {
    const PickleTensor& stored = pickle_.tensor(value);
    const ir::TensorType type{*stored.dtype, stored.dims};
    bytes_ += type.NumBytes();
    if (bytes_ > kMaxBytes) {
      return absl::ResourceExhaustedError("the archive's sample arguments are too large");
    }
    char* to = nullptr;
    INGOT_ASSIGN_OR_RETURN(HostConstant tensor, NewConstant(type, &to));
    if (type.NumElements() > 0) {
      const size_t element = stored.element_size;
      StridedCopy(type.dims, element,
                  stored.bytes.data() + stored.offset * static_cast<int64_t>(element),
                  stored.strides, to, ir::ContiguousStrides(type.dims));
    }
    tensors_.push_back(std::move(tensor));
    return absl::OkStatus();
  }

  const Pickle& pickle_;
  std::vector<HostConstant> tensors_;
  int64_t bytes_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<HostConstant>> SampleArguments(const Archive& archive) {
  if (archive.sample_inputs().empty()) {
    return absl::NotFoundError("the archive holds no sample arguments");
  }
  INGOT_ASSIGN_OR_RETURN(const TreeSpec spec, ParseTreeSpec(archive.program().in_spec));
  INGOT_ASSIGN_OR_RETURN(const Pickle pickle, ReadTorchPickle(archive.sample_inputs()),
                         "sample arguments");
  Collector collector(pickle);
  INGOT_RETURN_IF_ERROR(collector.Collect(spec, pickle.root));
  return collector.Take();
}

}  // namespace ingot::pt2
