#include "backends/onednn/pointwise.h"

#include <algorithm>
#include <array>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/pointwise.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/pointwise_table.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

using ir::DType;

bool IsValueType(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kInt64 ||
         dtype == DType::kInt32 || dtype == DType::kBool;
}

// Types that programs widen when they load them; sums and the like on them would need wrapping
// after each op, so only casts take them.
bool IsCastSource(DType dtype) { return IsValueType(dtype) || !ir::IsComplex(dtype); }

absl::Status CheckTypes(const ir::Graph& graph, const ops::OpView& view) {
  const DType out = view.OutputType().dtype;
  if (!IsValueType(out)) {
    return absl::UnimplementedError(
        absl::StrCat("elementwise ops give f32, f64, i64, i32 or b8, not ", ir::DTypeName(out)));
  }
  const bool cast = view.node().op == "aten::_to_copy";
  absl::Status status;
  ir::ForEachOperand(view.node(), [&](ir::ValueId value) {
    const DType dtype = graph.type(value).dtype;
    if (cast ? !IsCastSource(dtype) : !IsValueType(dtype)) {
      status.Update(absl::UnimplementedError(
          absl::StrCat("no elementwise kernel for operands of ", ir::DTypeName(dtype))));
    }
  });
  return status;
}

// A program of `nodes` under construction; `inputs` are the graph values it reads, in order.
struct Translation {
  kernels::PointwiseBuilder builder;
  std::vector<ir::ValueId> inputs;
  absl::flat_hash_map<ir::ValueId, int> numbers;
};

// How an input of the graph appears to the builder.
using InputFn = absl::FunctionRef<int(kernels::PointwiseBuilder&, ir::ValueId)>;

void Translate(const ir::Graph& graph, absl::Span<const ir::Node* const> nodes, InputFn input,
               Translation& t) {
  auto value_number = [&](ir::ValueId value) {
    auto it = t.numbers.find(value);
    if (it != t.numbers.end()) return it->second;
    const int number = input(t.builder, value);
    t.inputs.push_back(value);
    t.numbers.emplace(value, number);
    return number;
  };
  int last = -1;
  for (const ir::Node* node : nodes) {
    const ops::OpView view(graph, *node);
    Emitter emitter(view, t.builder, value_number);
    last = emitter.Cast(FindPointwise(node->op)->emit(emitter), emitter.out());
    t.numbers[node->outputs[0]] = last;
  }
  t.builder.Output(last);
}

bool IsScalarInput(const Tensor& tensor) { return tensor.rank() == 0 && IsValueType(tensor.dtype); }

std::vector<const ir::Node*> NodesOf(const ir::Graph& graph, absl::Span<const ir::NodeId> ids) {
  std::vector<const ir::Node*> nodes;
  for (ir::NodeId id : ids) nodes.push_back(&graph.node(id));
  return nodes;
}

// The order in which to walk: that of the first operand of full size that is dense but not
// row-major (channels last), so that results keep its layout.
ir::Dims WalkOrder(absl::Span<const Tensor> inputs, const ir::Dims& dims) {
  for (const Tensor& tensor : inputs) {
    if (tensor.dims != dims || tensor.IsRowMajor()) continue;
    if (std::optional<ir::Dims> order = DenseOrder(tensor)) return *order;
  }
  ir::Dims order(dims.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  return order;
}

ir::Dims Permuted(absl::Span<const int64_t> values, const ir::Dims& order) {
  ir::Dims result;
  for (int64_t i : order) result.push_back(values[i]);
  return result;
}

// The input whose memory the output may take over, of several one whose memory no other input
// shares (where one does the planner would not merge them); -1: none.
int InPlaceInput(absl::Span<const Tensor> inputs, const Tensor& out) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& in = inputs[i];
    if (in.strides != out.strides || in.dims != out.dims ||
        ir::ElementSize(in.dtype) != ir::ElementSize(out.dtype)) {
      continue;
    }
    const auto same_buffer = std::count_if(inputs.begin(), inputs.end(),
                                           [&](const Tensor& t) { return t.buffer == in.buffer; });
    if (same_buffer == 1) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

absl::Status SupportsPointwise(const ir::Graph& graph, const ops::OpView& view) {
  const PointwiseOp* op = FindPointwise(view.node().op);
  if (op == nullptr) return absl::UnimplementedError("not an elementwise op");
  INGOT_RETURN_IF_ERROR(CheckTypes(graph, view));
  if (op->check != nullptr) INGOT_RETURN_IF_ERROR(op->check(view));
  Translation t{kernels::PointwiseBuilder(view.OutputType().dims), {}, {}};
  const ir::Dims strides(view.OutputType().rank(), 0);
  Translate(
      graph, {&view.node()},
      [&](kernels::PointwiseBuilder& b, ir::ValueId value) {
        return b.Input(graph.type(value).dtype, strides);
      },
      t);
  return std::move(t.builder).Build().status();
}

absl::StatusOr<PointwiseProgram> BuildPointwise(Lowering& lowering,
                                                absl::Span<const ir::NodeId> ids) {
  const ir::Graph& graph = lowering.graph();
  const std::vector<const ir::Node*> nodes = NodesOf(graph, ids);
  const ir::TensorType& type = graph.type(nodes.back()->outputs[0]);

  // Which values come from outside, in the order in which the translation meets them.
  Translation probe{kernels::PointwiseBuilder(type.dims), {}, {}};
  const ir::Dims zeros(type.rank(), 0);
  Translate(
      graph, nodes,
      [&](kernels::PointwiseBuilder& b, ir::ValueId value) {
        return b.Input(graph.type(value).dtype, zeros);
      },
      probe);
  PointwiseProgram result;
  std::vector<Tensor>& inputs = result.inputs;
  // Programs have room for so many dimensions that don't merge. Those of dense inputs do.
  const bool dense = std::count_if(type.dims.begin(), type.dims.end(),
                                   [](int64_t d) { return d != 1; }) > kernels::kMaxPointwiseDims;
  for (ir::ValueId value : probe.inputs) {
    INGOT_ASSIGN_OR_RETURN(Tensor tensor, lowering.Strided(value));
    if (dense && !IsScalarInput(tensor)) {
      INGOT_ASSIGN_OR_RETURN(tensor, lowering.Dense(BroadcastTo(tensor, type.dims)));
    }
    inputs.push_back(std::move(tensor));
  }
  if (inputs.size() >= kMaxPointwiseOperands) {
    return absl::InternalError("an elementwise unit has too many operands");
  }
  const ir::Dims order = WalkOrder(inputs, type.dims);
  result.order = order;

  Translation t{kernels::PointwiseBuilder(Permuted(type.dims, order)), {}, {}};
  size_t next = 0;
  Translate(
      graph, nodes,
      [&](kernels::PointwiseBuilder& b, ir::ValueId) {
        const Tensor& tensor = inputs[next++];
        if (IsScalarInput(tensor)) {
          return b.Scalar(tensor.dtype, tensor.dtype);
        }
        return b.Input(tensor.dtype, Permuted(BroadcastTo(tensor, type.dims).strides, order));
      },
      t);
  INGOT_ASSIGN_OR_RETURN(kernels::Pointwise built, std::move(t.builder).Build());
  result.program = std::make_shared<const kernels::Pointwise>(std::move(built));
  return result;
}

bool NeedsParts(const absl::Status& built, const Unit& unit) {
  return absl::IsResourceExhausted(built) && unit.nodes.size() > 1;
}

absl::Status LowerPointwise(Lowering& lowering, const Unit& unit) {
  absl::StatusOr<PointwiseProgram> built_or = BuildPointwise(lowering, unit.nodes);
  if (NeedsParts(built_or.status(), unit)) {
    lowering.GiveUpUnit();
    return absl::OkStatus();
  }
  INGOT_ASSIGN_OR_RETURN(const PointwiseProgram built, std::move(built_or));
  const ir::ValueId result = lowering.graph().node(unit.nodes.back()).outputs[0];
  const ir::TensorType& type = lowering.graph().type(result);
  const std::vector<Tensor>& inputs = built.inputs;
  const ir::Dims& order = built.order;
  const std::shared_ptr<const kernels::Pointwise> program = built.program;

  Tensor out = lowering.NewTensor(type);
  const ir::Dims walked = ir::ContiguousStrides(Permuted(type.dims, order));
  for (size_t i = 0; i < order.size(); ++i) out.strides[order[i]] = walked[i];
  std::vector<Operand> operands;
  for (const Tensor& tensor : inputs) operands.push_back(Read(tensor));
  operands.push_back(Write(out));
  const int count = static_cast<int>(inputs.size());
  const int in_place = InPlaceInput(inputs, out);
  lowering.Set(result, out);
  return lowering.AddInPlaceKernel("ingot:pointwise", std::move(operands), in_place,
                                   in_place < 0 ? -1 : count,
                                   [program, count](const StepArgs& args) {
                                     std::array<const void*, kMaxPointwiseOperands> in;
                                     for (int i = 0; i < count; ++i) in[i] = args.At<void>(i);
                                     void* const output = args.At<void>(count);
                                     program->Run(in.data(), &output, args.threads());
                                     return absl::OkStatus();
                                   });
}

absl::Status AddMap(Lowering& lowering, absl::string_view implementation,
                    absl::Span<const Tensor> inputs, const Tensor& out, EmitFn emit) {
  kernels::PointwiseBuilder builder(out.dims);
  std::vector<int> numbers;
  std::vector<Operand> operands;
  for (const Tensor& input : inputs) {
    numbers.push_back(builder.Input(input.dtype, BroadcastTo(input, out.dims).strides));
    operands.push_back(Read(input));
  }
  operands.push_back(Write(out));
  if (operands.size() > kMaxPointwiseOperands)
    return absl::InternalError("a map of too many tensors");
  const int result = emit(builder, numbers);
  // What the builder narrows when it stores.
  const DType wide = IsValueType(out.dtype)      ? out.dtype
                     : ir::IsFloating(out.dtype) ? DType::kFloat32
                                                 : DType::kInt32;
  const int cast = builder.dtype(result) == wide ? result : builder.Cast(result, wide);
  if (wide == out.dtype) {
    builder.Output(cast);
  } else {
    builder.Output(cast, out.dtype);
  }
  INGOT_ASSIGN_OR_RETURN(kernels::Pointwise built, std::move(builder).Build());
  auto program = std::make_shared<const kernels::Pointwise>(std::move(built));
  const int count = static_cast<int>(inputs.size());
  return lowering.AddKernel(implementation, std::move(operands),
                            [program, count](const StepArgs& args) {
                              std::array<const void*, kMaxPointwiseOperands> in;
                              for (int i = 0; i < count; ++i) in[i] = args.At<void>(i);
                              void* const output = args.At<void>(count);
                              program->Run(in.data(), &output, args.threads());
                              return absl::OkStatus();
                            });
}

bool IsPointwise(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  if (FindPointwise(node.op) == nullptr) return false;
  const ops::OpView view(graph, node);
  // A copy to its own type is another name, not work.
  if (node.op == "aten::_to_copy" && view.TensorType("self") == view.OutputType()) return false;
  return SupportsPointwise(graph, view).ok();
}

absl::Span<const OpLowering> PointwiseLowerings() {
  static const auto* const table = [] {
    auto* entries = new std::vector<OpLowering>;
    for (const PointwiseOp& op : AllPointwise()) {
      if (absl::string_view(op.op) == "aten::_to_copy") continue;  // shape.cc: may be a name only
      entries->push_back({op.op, &SupportsPointwise, &LowerPointwise});
    }
    return entries;
  }();
  return *table;
}

}  // namespace ingot::onednn
