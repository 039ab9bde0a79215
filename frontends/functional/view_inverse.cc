#include "frontends/functional/view_inverse.h"

#include <cstdint>
#include <utility>

namespace ingot::functional {
namespace {

using Args = std::vector<ir::Argument>;

// Elements stay in their order: only the sizes come back.
InverseStep Resize(const Args&, const ir::TensorType& base) {
  return {"aten::view", {ir::None{}, std::vector<int64_t>(base.dims.begin(), base.dims.end())}};
}

InverseStep Transpose(const Args& args, const ir::TensorType&) {
  return {"aten::transpose.int", args};
}

InverseStep MatrixTranspose(const Args& args, const ir::TensorType&) { return {"aten::t", args}; }

InverseStep Permute(const Args& args, const ir::TensorType& base) {
  const auto& dims = std::get<std::vector<int64_t>>(args[1]);
  std::vector<int64_t> inverse(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    inverse[static_cast<size_t>(dims[i] < 0 ? dims[i] + base.rank() : dims[i])] =
        static_cast<int64_t>(i);
  }
  return {"aten::permute", {ir::None{}, std::move(inverse)}};
}

InverseStep WithRest(const char* op, const Args& args) {
  InverseStep inverse{op, args, true};
  inverse.args.insert(inverse.args.begin() + 1, ir::None{});
  return inverse;
}

InverseStep Select(const Args& args, const ir::TensorType&) {
  return WithRest("aten::select_scatter", args);
}

InverseStep Slice(const Args& args, const ir::TensorType&) {
  return WithRest("aten::slice_scatter", args);
}

struct Entry {
  const char* op;
  InverseStep (*inverse)(const Args& args, const ir::TensorType& base);
};
constexpr Entry kInverses[] = {
    {"aten::view", Resize},
    {"aten::reshape", Resize},
    {"aten::flatten.using_ints", Resize},
    {"aten::unsqueeze", Resize},
    {"aten::squeeze", Resize},
    {"aten::squeeze.dim", Resize},
    {"aten::squeeze.dims", Resize},
    {"aten::detach", Resize},
    {"aten::alias", Resize},
    {"aten::transpose.int", Transpose},
    {"aten::t", MatrixTranspose},
    {"aten::permute", Permute},
    {"aten::select.int", Select},
    {"aten::slice.Tensor", Slice},
};

}  // namespace

std::optional<InverseStep> Inverse(const ViewStep& step, const ir::TensorType& base) {
  for (const Entry& entry : kInverses) {
    if (step.op == entry.op) return entry.inverse(step.args, base);
  }
  return std::nullopt;
}

}  // namespace ingot::functional
