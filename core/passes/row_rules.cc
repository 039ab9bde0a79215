#include "core/passes/row_rules.h"

#include <functional>
#include <iterator>
#include <numeric>
#include <variant>

namespace ingot::passes {
namespace {

using ir::ValueId;

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

// Pointwise ops and identities need no entry.
constexpr RowEntry kEntries[] = {
    {"aten::view", "self", View, true},
    {"aten::reshape", "self", View, true},
    {"aten::flatten.using_ints", "self", View},
    {"aten::unsqueeze", "self", View},
    {"aten::squeeze.dim", "self", View},
    {"aten::squeeze.dims", "self", View},
    {"aten::expand", "self", Broadcast, true, true},
    {"aten::repeat", "self", Repeat, true, true},
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
    {"aten::cat", kAllOperands, AllAlong},
    {"aten::stack", kAllOperands, Stack},
    {"aten::slice_scatter", kAllOperands, AllAlong},
    {"aten::gather", kAllOperands, AllAlong},
    {"aten::scatter.src", kAllOperands, AllAlong},
    {"aten::scatter_add", kAllOperands, AllAlong},
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

constexpr RowEntry kPointwise = {"", kAllOperands, Broadcast};

}  // namespace

const RowEntry* FindRowEntry(const ops::OpDef& def, absl::string_view op) {
  if (def.Is(ops::kPointwise) || def.Is(ops::kIdentity)) return &kPointwise;
  for (const RowEntry& entry : kEntries) {
    if (entry.op == op) return &entry;
  }
  return nullptr;
}

int NumRowEntries() { return static_cast<int>(std::size(kEntries)); }

}  // namespace ingot::passes
