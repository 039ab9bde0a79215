#include "core/passes/rowwise.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/ops/op_view.h"
#include "core/ops/registry.h"

namespace ingot::passes {
namespace {

using ir::ValueId;

// Where the rows of a value lie.
struct Rows {
  int axis = -1;      // -1: nowhere, the value is the same for all batches
  int64_t count = 0;  // neighbours along the axis that make one row
  bool any() const { return axis >= 0; }
};

// A node as the rules see it.
class RowNode {
 public:
  RowNode(const ir::Graph& graph, const ir::Node& node, const std::vector<Rows>& rows,
          const std::vector<Rows>& output_rows)
      : view(graph, node), graph_(graph), node_(node), rows_(rows), output_rows_(output_rows) {}

  const ops::OpView view;

  Rows rows(absl::string_view name) const {
    const ValueId value = view.Has(name) ? view.Value(name) : ir::kNoValue;
    return value == ir::kNoValue ? Rows() : rows_[value];
  }
  int rank(absl::string_view name) const { return view.TensorType(name).rank(); }
  int output_rank(int output) const { return graph_.type(node_.outputs[output]).rank(); }

  // Argument `name`, a dimension of operand `of`, counted from the front.
  int Dim(absl::string_view name, int rank_of) const { return Normal(view.Int(name), rank_of); }
  static int Normal(int64_t dim, int rank) {
    return static_cast<int>(dim < 0 ? dim + std::max(rank, 1) : dim);
  }

  // The axis in the broadcast result that all operands' rows lie along; nullopt if they differ.
  std::optional<int> BroadcastAxis(int result_rank) const {
    std::optional<int> axis;
    bool is_same = true;
    ir::ForEachOperand(node_, [&](ValueId value) {
      if (!rows_[value].any()) return;
      const int aligned = result_rank - graph_.type(value).rank() + rows_[value].axis;
      is_same = is_same && (!axis || *axis == aligned);
      axis = aligned;
    });
    return is_same ? axis : std::nullopt;
  }
  // The axis that the rows of all tensor operands lie along; nullopt if one has none or another.
  std::optional<int> CommonAxis() const {
    std::optional<int> axis;
    bool is_same = true;
    ir::ForEachOperand(node_, [&](ValueId value) {
      is_same = is_same && rows_[value].any() && (!axis || *axis == rows_[value].axis);
      axis = rows_[value].axis;
    });
    return is_same ? axis : std::nullopt;
  }
  const ir::TensorType& output_type(int output) const { return graph_.type(node_.outputs[output]); }
  // Where the result's rows must lie, by its type.
  const Rows& output_rows(int output) const { return output_rows_[output]; }

 private:
  const ir::Graph& graph_;
  const ir::Node& node_;
  const std::vector<Rows>& rows_;
  const std::vector<Rows>& output_rows_;
};

// The axis of the output's rows, given that some operand has rows; nullopt: the op mixes them, or
// what it does with them isn't known.
using Rule = std::optional<int> (*)(const RowNode& node, int output);

std::optional<int> Broadcast(const RowNode& node, int output) {
  return node.BroadcastAxis(node.output_rank(output));
}

int64_t Product(const ir::Dims& dims, int end) {
  return std::accumulate(dims.begin(), dims.begin() + end, int64_t{1}, std::multiplies<>());
}

// Elements keep their order: rows stay whole if as many elements come before their axis.
std::optional<int> View(const RowNode& node, int output) {
  const int from = node.rows("self").axis, to = node.output_rows(output).axis;
  if (to < 0) return std::nullopt;
  const int64_t before = Product(node.view.TensorType("self").dims, from);
  return Product(node.output_type(output).dims, to) == before ? std::optional<int>(to)
                                                              : std::nullopt;
}

std::optional<int> Permute(const RowNode& node, int) {
  const Rows rows = node.rows("self");
  const absl::Span<const int64_t> dims = node.view.Ints("dims");
  for (size_t i = 0; i < dims.size(); ++i) {
    if (RowNode::Normal(dims[i], node.rank("self")) == rows.axis) return static_cast<int>(i);
  }
  return std::nullopt;
}

std::optional<int> Swap(int axis, int a, int b) { return axis == a ? b : axis == b ? a : axis; }

std::optional<int> Transpose(const RowNode& node, int) {
  const int rank = node.rank("self");
  return Swap(node.rows("self").axis, node.Dim("dim0", rank), node.Dim("dim1", rank));
}

std::optional<int> MatrixTranspose(const RowNode& node, int) {
  return node.rank("self") < 2 ? 0 : 1 - node.rows("self").axis;
}

// Dimensions named by `name`, an int or a list of them; empty: all.
std::vector<int> Dims(const RowNode& node, absl::string_view name, int rank) {
  std::vector<int> dims;
  if (!node.view.Has(name)) return dims;
  if (std::holds_alternative<int64_t>(node.view.Raw(name))) return {node.Dim(name, rank)};
  for (int64_t dim : node.view.Ints(name)) dims.push_back(RowNode::Normal(dim, rank));
  return dims;
}

std::optional<int> Reduce(const RowNode& node, int) {
  const int axis = node.rows("self").axis;
  const std::vector<int> dims = Dims(node, "dim", node.rank("self"));
  if (dims.empty() || std::count(dims.begin(), dims.end(), axis) > 0) return std::nullopt;
  if (node.view.Bool("keepdim")) return axis;
  return axis -
         static_cast<int>(std::count_if(dims.begin(), dims.end(), [&](int d) { return d < axis; }));
}

template <const char* name>
std::optional<int> Along(const RowNode& node, int) {
  const int axis = node.rows("self").axis;
  const std::vector<int> dims = Dims(node, name, node.rank("self"));
  return dims.empty() || std::count(dims.begin(), dims.end(), axis) > 0 ? std::nullopt
                                                                        : std::optional<int>(axis);
}
constexpr char kDim[] = "dim";
constexpr char kDimsName[] = "dims";
constexpr char kDimension[] = "dimension";

std::optional<int> DropDim(const RowNode& node, int) {
  const int axis = node.rows("self").axis, dim = node.Dim("dim", node.rank("self"));
  return dim == axis ? std::nullopt : std::optional<int>(axis - (dim < axis));
}

// All operands have rows along one axis, which is not the one that the op works along.
std::optional<int> AllAlong(const RowNode& node, int output) {
  const std::optional<int> axis = node.CommonAxis();
  return !axis || node.Dim("dim", node.output_rank(output)) == *axis ? std::nullopt : axis;
}

std::optional<int> Stack(const RowNode& node, int output) {
  const std::optional<int> axis = node.CommonAxis();
  if (!axis) return std::nullopt;
  return *axis + (node.Dim("dim", node.output_rank(output)) <= *axis);
}

// Images: axis 0 is the batch, or the channels of ops that treat channels alike.
template <const char* name>
std::optional<int> Leading(const RowNode& node, int) {
  return node.rows(name).axis == 0 ? std::optional<int>(0) : std::nullopt;
}
constexpr char kInput[] = "input";
constexpr char kSelf[] = "self";

std::optional<int> PixelShuffle(const RowNode& node, int) {
  const int axis = node.rows("self").axis;
  return axis < node.rank("self") - 3 ? std::optional<int>(axis) : std::nullopt;
}

std::optional<int> LayerNorm(const RowNode& node, int) {
  const int axis = node.rows("input").axis;
  const int normalized = static_cast<int>(node.view.Ints("normalized_shape").size());
  return axis < node.rank("input") - normalized ? std::optional<int>(axis) : std::nullopt;
}

std::optional<int> Linear(const RowNode& node, int) {
  const int axis = node.rows("input").axis;
  return axis != node.rank("input") - 1 ? std::optional<int>(axis) : std::nullopt;
}

// Axis of a product's rows. Rows of both operands must be batches, and the same ones.
std::optional<int> Product(const RowNode& node, absl::string_view lhs, absl::string_view rhs,
                           int output_rank) {
  const Rows a = node.rows(lhs), b = node.rows(rhs);
  const int rank_a = node.rank(lhs), rank_b = node.rank(rhs);
  if (rank_a < 2 || rank_b < 2) return std::nullopt;
  const int axis_a = output_rank - rank_a + a.axis, axis_b = output_rank - rank_b + b.axis;
  if (a.any() && b.any()) {
    const bool are_batches = a.axis < rank_a - 2 && b.axis < rank_b - 2;
    return are_batches && axis_a == axis_b ? std::optional<int>(axis_a) : std::nullopt;
  }
  if (a.any()) return a.axis != rank_a - 1 ? std::optional<int>(axis_a) : std::nullopt;
  return b.any() && b.axis != rank_b - 2 ? std::optional<int>(axis_b) : std::nullopt;
}

template <const char* lhs, const char* rhs>
std::optional<int> MatrixProduct(const RowNode& node, int output) {
  return Product(node, lhs, rhs, node.output_rank(output));
}

// What is added has the same rows, or none.
template <const char* lhs, const char* rhs>
std::optional<int> AddedProduct(const RowNode& node, int output) {
  const int rank = node.output_rank(output);
  const std::optional<int> axis = Product(node, lhs, rhs, rank);
  const Rows added = node.rows("self");
  if (!axis || !added.any()) return axis;
  return rank - node.rank("self") + added.axis == *axis ? axis : std::nullopt;
}
constexpr char kOther[] = "other";
constexpr char kMat1[] = "mat1";
constexpr char kMat2[] = "mat2";
constexpr char kBatch1[] = "batch1";
constexpr char kBatch2[] = "batch2";

std::optional<int> Embedding(const RowNode& node, int) { return node.rows("indices").axis; }

std::optional<int> Attention(const RowNode& node, int output) {
  const Rows q = node.rows("query"), k = node.rows("key"), v = node.rows("value");
  const int rank = node.output_rank(output);
  if (!q.any() || q.axis >= rank - 2 || k.axis != q.axis || v.axis != q.axis) return std::nullopt;
  const Rows mask = node.rows("attn_mask");
  if (!mask.any()) return q.axis;
  const int aligned = rank - node.rank("attn_mask") + mask.axis;
  return aligned == q.axis ? std::optional<int>(q.axis) : std::nullopt;
}

// Recurrent layers: (output, state…); states have the batch along axis 1.
std::optional<int> Recurrent(const RowNode& node, int output) {
  const int batch = node.view.Bool("batch_first") ? 0 : 1;
  if (node.rank("input") != 3 || node.rows("input").axis != batch) return std::nullopt;
  if (node.view.Bool("train") && node.view.Float("dropout") > 0) return std::nullopt;
  return output == 0 ? batch : 1;
}

std::optional<int> Pad(const RowNode& node, int) {
  const int axis = node.rows("self").axis;
  const absl::Span<const int64_t> pad = node.view.Ints("pad");  // pairs, last dimension first
  const size_t at = 2 * static_cast<size_t>(node.rank("self") - 1 - axis);
  const bool is_padded = at + 1 < pad.size() && (pad[at] != 0 || pad[at + 1] != 0);
  return is_padded ? std::nullopt : std::optional<int>(axis);
}

std::optional<int> Triangle(const RowNode& node, int) {
  const int axis = node.rows("self").axis;
  return axis < node.rank("self") - 2 ? std::optional<int>(axis) : std::nullopt;
}

std::optional<int> Repeat(const RowNode& node, int output) {
  const int axis = node.output_rank(output) - node.rank("self") + node.rows("self").axis;
  return node.view.Ints("repeats")[axis] == 1 ? std::optional<int>(axis) : std::nullopt;
}

struct Entry {
  absl::string_view op;
  absl::string_view with_rows;  // operands that may have rows; the others must not
  Rule rule;
  bool sizes_follow = false;  // its lists of ints are sizes, which the result's type implies
};
constexpr absl::string_view kAll = "*";

// Pointwise ops and identities need no entry.
constexpr Entry kEntries[] = {
    {"aten::view", "self", View, true},
    {"aten::reshape", "self", View, true},
    {"aten::flatten.using_ints", "self", View},
    {"aten::unsqueeze", "self", View},
    {"aten::squeeze.dim", "self", View},
    {"aten::squeeze.dims", "self", View},
    {"aten::expand", "self", Broadcast, true},
    {"aten::repeat", "self", Repeat, true},
    {"aten::permute", "self", Permute},
    {"aten::transpose.int", "self", Transpose},
    {"aten::t", "self", MatrixTranspose},
    {"aten::slice.Tensor", "self", Along<kDim>},
    {"aten::narrow", "self", Along<kDim>},
    {"aten::split.Tensor", "self", Along<kDim>},
    {"aten::split_with_sizes", "self", Along<kDim>},
    {"aten::chunk", "self", Along<kDim>},
    {"aten::unfold", "self", Along<kDimension>},
    {"aten::select.int", "self", DropDim},
    {"aten::unbind.int", "self", DropDim},
    {"aten::cat", kAll, AllAlong},
    {"aten::stack", kAll, Stack},
    {"aten::slice_scatter", kAll, AllAlong},
    {"aten::gather", kAll, AllAlong},
    {"aten::scatter.src", kAll, AllAlong},
    {"aten::scatter_add", kAll, AllAlong},
    {"aten::index_select", "self", Along<kDim>},
    {"aten::embedding", "indices", Embedding},
    {"aten::flip", "self", Along<kDimsName>},
    {"aten::roll", "self", Along<kDimsName>},
    {"aten::tril", "self", Triangle},
    {"aten::triu", "self", Triangle},
    {"aten::constant_pad_nd", "self", Pad},
    {"aten::pixel_shuffle", "self", PixelShuffle},
    {"aten::sum.dim_IntList", "self", Reduce},
    {"aten::mean.dim", "self", Reduce},
    {"aten::prod.dim_int", "self", Reduce},
    {"aten::var.correction", "self", Reduce},
    {"aten::std.correction", "self", Reduce},
    {"aten::linalg_vector_norm", "self", Reduce},
    {"aten::norm.ScalarOpt_dim", "self", Reduce},
    {"aten::logsumexp", "self", Reduce},
    {"aten::amax", "self", Reduce},
    {"aten::amin", "self", Reduce},
    {"aten::max.dim", "self", Reduce},
    {"aten::min.dim", "self", Reduce},
    {"aten::argmax", "self", Reduce},
    {"aten::argmin", "self", Reduce},
    {"aten::any.dim", "self", Reduce},
    {"aten::all.dim", "self", Reduce},
    {"aten::cumsum", "self", Along<kDim>},
    {"aten::sort", "self", Along<kDim>},
    {"aten::sort.stable", "self", Along<kDim>},
    {"aten::topk", "self", Along<kDim>},
    {"aten::softmax.int", "self", Along<kDim>},
    {"aten::_softmax", "self", Along<kDim>},
    {"aten::log_softmax.int", "self", Along<kDim>},
    {"aten::_log_softmax", "self", Along<kDim>},
    {"aten::layer_norm", "input", LayerNorm},
    {"aten::rms_norm", "input", LayerNorm},
    {"aten::batch_norm", "input", Leading<kInput>},
    {"aten::group_norm", "input", Leading<kInput>},
    {"aten::convolution", "input", Leading<kInput>},
    {"aten::max_pool1d", "self", Leading<kSelf>},
    {"aten::max_pool2d", "self", Leading<kSelf>},
    {"aten::max_pool3d", "self", Leading<kSelf>},
    {"aten::avg_pool1d", "self", Leading<kSelf>},
    {"aten::avg_pool2d", "self", Leading<kSelf>},
    {"aten::avg_pool3d", "self", Leading<kSelf>},
    {"aten::adaptive_avg_pool1d", "self", Leading<kSelf>},
    {"aten::adaptive_avg_pool2d", "self", Leading<kSelf>},
    {"aten::upsample_nearest2d", "self", Leading<kSelf>},
    {"aten::upsample_bilinear2d", "self", Leading<kSelf>},
    {"aten::linear", "input", Linear},
    {"aten::matmul", "self,other", MatrixProduct<kSelf, kOther>},
    {"aten::mm", "self,mat2", MatrixProduct<kSelf, kMat2>},
    {"aten::bmm", "self,mat2", MatrixProduct<kSelf, kMat2>},
    {"aten::addmm", "self,mat1,mat2", AddedProduct<kMat1, kMat2>},
    {"aten::baddbmm", "self,batch1,batch2", AddedProduct<kBatch1, kBatch2>},
    {"aten::scaled_dot_product_attention", "query,key,value,attn_mask", Attention},
    {"aten::lstm.input", "input,hx", Recurrent},
    {"aten::gru.input", "input,hx", Recurrent},
};

constexpr Entry kPointwise = {"", kAll, Broadcast};

const Entry* FindEntry(const ops::OpDef& def, absl::string_view op) {
  if (def.Is(ops::kPointwise) || def.Is(ops::kIdentity)) return &kPointwise;
  for (const Entry& entry : kEntries) {
    if (entry.op == op) return &entry;
  }
  return nullptr;
}

class Prover {
 public:
  Prover(const ir::Recording& small, const ir::Recording& large, int64_t small_size,
         int64_t large_size)
      : small_(small),
        large_(large),
        small_size_(small_size),
        large_size_(large_size),
        rows_(small.graph.num_values()) {}

  absl::StatusOr<RowPlan> Prove() {
    INGOT_RETURN_IF_ERROR(CheckSameProgram());
    INGOT_RETURN_IF_ERROR(ProveInputs());
    for (ir::NodeId node = 0; node < small_.graph.nodes().size(); ++node) {
      INGOT_RETURN_IF_ERROR(ProveNode(node), ir::Describe(small_.graph, node));
    }
    INGOT_RETURN_IF_ERROR(ProveOutputs());
    return std::move(plan_);
  }

 private:
  template <typename... Parts>
  static absl::Status No(const Parts&... parts) {
    absl::Status status = absl::FailedPreconditionError(absl::StrCat("not row by row: ", parts...));
    status.SetPayload(kNotRowwise, absl::Cord());
    return status;
  }

  // What the two graphs' types say of a value: one size that is the batch times a constant, or
  // none.
  absl::StatusOr<Rows> RowsByType(ValueId value) const {
    const ir::TensorType& small = small_.graph.type(value);
    const ir::TensorType& large = large_.graph.type(value);
    Rows rows;
    if (small == large) return rows;
    bool fits = small.dtype == large.dtype && small.rank() == large.rank();
    for (int i = 0; fits && i < small.rank(); ++i) {
      if (small.dims[i] == large.dims[i]) continue;
      fits = !rows.any() && small.dims[i] % small_size_ == 0 &&
             small.dims[i] / small_size_ * large_size_ == large.dims[i];
      rows = {i, small.dims[i] / small_size_};
    }
    if (fits) return rows;
    return No("%", value, " is ", ir::ToString(small), " for batches of ", small_size_, " and ",
              ir::ToString(large), " for batches of ", large_size_);
  }

  absl::Status CheckSameProgram() const {
    const ir::Graph& a = small_.graph;
    const ir::Graph& b = large_.graph;
    if (a.num_values() != b.num_values() || a.nodes().size() != b.nodes().size() ||
        a.inputs().size() != b.inputs().size() || a.outputs().size() != b.outputs().size() ||
        !(a.result_structure() == b.result_structure()) ||
        small_.scalars.size() != large_.scalars.size()) {
      return No("the program for batches of ", small_size_, " has ", a.nodes().size(),
                " nodes, that for ", large_size_, " has ", b.nodes().size(),
                ", or other inputs or results");
    }
    for (size_t i = 0; i < small_.scalars.size(); ++i) {
      const ir::ScalarBinding &x = small_.scalars[i], &y = large_.scalars[i];
      if (x.is_argument != y.is_argument || x.argument != y.argument || x.literal != y.literal)
        return No("number ", i, " follows the batch's size");
    }
    return absl::OkStatus();
  }

  absl::Status ProveInputs() {
    plan_.argument_rows.assign(small_.signature.arguments.size(), 0);
    for (size_t i = 0; i < small_.graph.inputs().size(); ++i) {
      const ir::InputSpec& a = small_.graph.inputs()[i];
      const ir::InputSpec& b = large_.graph.inputs()[i];
      if (a.role != b.role || a.index != b.index || a.value != b.value)
        return No("input ", i, " differs");
      INGOT_ASSIGN_OR_RETURN(const Rows rows, RowsByType(a.value));
      INGOT_RETURN_IF_ERROR(ProveInput(a, rows));
      rows_[a.value] = rows;
    }
    return absl::OkStatus();
  }

  absl::Status ProveInput(const ir::InputSpec& input, const Rows& rows) {
    switch (input.role) {
      case ir::InputRole::kSeed:
        return No("the program draws random numbers, whose order follows the batch's size");
      case ir::InputRole::kArgument:
        if (rows.axis > 0)
          return No("argument ", input.index, " has its rows along axis ", rows.axis);
        plan_.argument_rows[input.index] = rows.count;
        return absl::OkStatus();
      case ir::InputRole::kConstant:
        return rows.any() ? ProveConstantRows(input, rows) : ProveEqualConstants(input.index);
      case ir::InputRole::kState:
      case ir::InputRole::kScalar:
        return rows.any() ? No("a state's size follows the batch's") : absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status ProveEqualConstants(uint32_t index) const {
    if (small_.constants[index].digest == large_.constants[index].digest) return absl::OkStatus();
    return No("the contents of constant ", index, " follow the batch's size");
  }

  // A constant with rows, like a mask for each row, begins with the smaller one's.
  absl::Status ProveConstantRows(const ir::InputSpec& input, const Rows& rows) const {
    const ir::Constant& a = small_.constants[input.index];
    const ir::Constant& b = large_.constants[input.index];
    const int64_t before = Product(a.type.dims, rows.axis);
    if (before == 0 || a.type.NumBytes() == 0) return absl::OkStatus();
    const size_t a_stride = static_cast<size_t>(a.type.NumBytes() / before);
    const size_t b_stride = static_cast<size_t>(b.type.NumBytes() / before);
    for (int64_t i = 0; i < before; ++i) {
      const char* from = static_cast<const char*>(a.data) + static_cast<size_t>(i) * a_stride;
      const char* to = static_cast<const char*>(b.data) + static_cast<size_t>(i) * b_stride;
      if (std::memcmp(from, to, a_stride) != 0)
        return No("the contents of constant ", input.index, " follow the batch's size");
    }
    return absl::OkStatus();
  }

  absl::Status ProveNode(ir::NodeId id) {
    const ir::Node& a = small_.graph.node(id);
    const ir::Node& b = large_.graph.node(id);
    if (a.op != b.op || a.outputs != b.outputs)
      return No("batches of ", large_size_, " have ", b.op);
    const ops::OpDef* def = ops::FindOp(a.op);
    const Entry* entry = def == nullptr ? nullptr : FindEntry(*def, a.op);
    INGOT_RETURN_IF_ERROR(CheckArguments(a, b, entry));
    std::vector<Rows> by_type;
    bool has_rows = false;
    for (ValueId output : a.outputs) {
      by_type.emplace_back();
      if (output == ir::kNoValue) continue;
      INGOT_ASSIGN_OR_RETURN(by_type.back(), RowsByType(output));
      has_rows = has_rows || by_type.back().any();
    }
    bool takes_rows = false;
    ir::ForEachOperand(a, [&](ValueId value) { takes_rows |= rows_[value].any(); });
    if (takes_rows) {
      INGOT_RETURN_IF_ERROR(ProveRows(a, entry, by_type));
    } else if (has_rows && (entry == nullptr || !entry->sizes_follow || entry->rule == View)) {
      // expand and repeat make equal rows; of what others make of a size nothing is known.
      return No("it makes something of the batch's size");
    }
    for (size_t i = 0; i < a.outputs.size(); ++i) {
      if (a.outputs[i] != ir::kNoValue) rows_[a.outputs[i]] = by_type[i];
    }
    return absl::OkStatus();
  }

  absl::Status CheckArguments(const ir::Node& a, const ir::Node& b, const Entry* entry) const {
    if (a.args.size() != b.args.size()) return No("its arguments differ");
    for (size_t i = 0; i < a.args.size(); ++i) {
      if (a.args[i] == b.args[i]) continue;
      const bool are_sizes = std::holds_alternative<std::vector<int64_t>>(a.args[i]) &&
                             std::holds_alternative<std::vector<int64_t>>(b.args[i]);
      if (entry != nullptr && entry->sizes_follow && are_sizes) continue;
      return No("its argument ", i, " follows the batch's size");
    }
    return absl::OkStatus();
  }

  absl::Status ProveRows(const ir::Node& node, const Entry* entry,
                         const std::vector<Rows>& by_type) const {
    if (entry == nullptr) return No("what the op does with rows isn't known");
    const RowNode view(small_.graph, node, rows_, by_type);
    if (entry->with_rows != kAll) {
      const std::vector<absl::string_view> allowed = absl::StrSplit(entry->with_rows, ',');
      const auto& parameters = view.view.def().schema.args;
      for (size_t i = 0; i < parameters.size(); ++i) {
        if (std::find(allowed.begin(), allowed.end(), parameters[i].name) != allowed.end())
          continue;
        bool has_rows = false;
        ir::ForEachValue(node.args[i], [&](ValueId value) { has_rows |= rows_[value].any(); });
        if (has_rows) return No("its argument '", parameters[i].name, "' has rows");
      }
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == ir::kNoValue) continue;
      const std::optional<int> axis = entry->rule(view, static_cast<int>(i));
      if (!axis || *axis != by_type[i].axis) return No("it mixes rows");
    }
    return absl::OkStatus();
  }

  absl::Status ProveOutputs() {
    for (size_t i = 0; i < small_.graph.outputs().size(); ++i) {
      const ir::OutputSpec& a = small_.graph.outputs()[i];
      const ir::OutputSpec& b = large_.graph.outputs()[i];
      if (a.role != b.role || a.index != b.index || a.value != b.value || a.alias_of != b.alias_of)
        return No("output ", i, " differs");
      const Rows& rows = rows_[a.value];
      const bool is_result = a.role == ir::OutputRole::kResult;
      if (rows.any() && (!is_result || rows.axis != 0 || !a.strides.empty() || !b.strides.empty()))
        return No("output ", i, " has rows and is no row-major result with rows along axis 0");
      if (!is_result && a.role != ir::OutputRole::kAlias) continue;
      if (a.role == ir::OutputRole::kAlias && plan_.argument_rows[a.alias_of] != 0)
        return No("result ", a.index, " is an argument, or a view of one");
      if (plan_.result_rows.size() <= a.index) plan_.result_rows.resize(a.index + 1);
      plan_.result_rows[a.index] = rows.count;
    }
    return absl::OkStatus();
  }

  const ir::Recording& small_;
  const ir::Recording& large_;
  const int64_t small_size_, large_size_;
  std::vector<Rows> rows_;  // by value
  RowPlan plan_;
};

}  // namespace

absl::StatusOr<RowPlan> ProveRowwise(const ir::Recording& small, const ir::Recording& large,
                                     int64_t small_size, int64_t large_size) {
  return Prover(small, large, small_size, large_size).Prove();
}

}  // namespace ingot::passes
