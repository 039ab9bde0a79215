// Max, average and adaptive average pooling.
#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "backends/onednn/dims.h"
#include "backends/onednn/kernels/max_pool.h"
#include "backends/onednn/kernels/window_pool.h"
#include "backends/onednn/layout.h"
#include "backends/onednn/lowering.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

constexpr double kElementsPerNanosecond = 8;  // read, one core, for deciding about threads

// Sizes of the results, of which some may not be produced.
const ir::Dims& ResultDims(const ops::OpView& view) {
  int i = 0;
  while (view.node().outputs[i] == ir::kNoValue) ++i;
  return view.OutputType(i).dims;
}

struct Pooling {
  dnnl_alg_kind_t algorithm = dnnl_pooling_max;
  int spatial = 2;
  bool adaptive = false;
  Window window;
  bool include_padding = false;
  double divisor = 0;   // 0: by the windows
  bool direct = false;  // for the own kernel: oneDNN can't express it
};

// "aten::max_pool2d" -> 2.
int SpatialDims(absl::string_view op) { return op[op.find("pool") + 4] - '0'; }

Pooling ReadAdaptive(const ops::OpView& view, Pooling p) {
  const ir::Dims& in = view.TensorType("self").dims;
  const ir::Dims& out = ResultDims(view);
  p.adaptive = true;
  for (int i = 0; i < p.spatial; ++i) {
    const int64_t size = in[in.size() - p.spatial + i], parts = out[out.size() - p.spatial + i];
    p.direct |= size % parts != 0;
    p.window.kernel.push_back(std::max<int64_t>(size / parts, 1));
  }
  p.window.stride = p.window.kernel;
  p.window.dilation.assign(p.spatial, 1);
  p.window.padding_begin.assign(p.spatial, 0);
  p.window.padding_end.assign(p.spatial, 0);
  return p;
}

Pooling ReadWindows(const ops::OpView& view, Pooling p) {
  const bool average = p.algorithm != dnnl_pooling_max;
  Window& w = p.window;
  w.kernel = Spread(view.Ints("kernel_size"), p.spatial);
  w.stride = view.Ints("stride").empty() ? w.kernel : Spread(view.Ints("stride"), p.spatial);
  w.padding_begin = Spread(view.Ints("padding"), p.spatial);
  w.padding_end = w.padding_begin;
  w.dilation =
      average ? std::vector<int64_t>(p.spatial, 1) : Spread(view.Ints("dilation"), p.spatial);
  const ir::Dims& in = view.TensorType("self").dims;
  const ir::Dims& out = ResultDims(view);
  bool beyond = false;
  for (int i = 0; i < p.spatial; ++i) {
    // With ceil_mode the last window may begin inside and end beyond the padded input.
    const int64_t reach =
        (out[out.size() - p.spatial + i] - 1) * w.stride[i] + w.dilation[i] * (w.kernel[i] - 1) + 1;
    const int64_t needed = reach - in[in.size() - p.spatial + i] - w.padding_begin[i];
    beyond |= needed > w.padding_end[i];
    w.padding_end[i] = std::max(w.padding_end[i], needed);
  }
  if (!average) return p;
  p.include_padding = view.Bool("count_include_pad");
  // oneDNN counts what lies beyond the padding, too.
  p.direct |= p.include_padding && beyond;
  if (p.spatial > 1 && view.Has("divisor_override")) {
    p.divisor = static_cast<double>(view.Int("divisor_override"));
    p.direct = true;
  }
  if (p.include_padding) p.algorithm = dnnl_pooling_avg_include_padding;
  return p;
}

Pooling ReadPooling(const ops::OpView& view) {
  const std::string& op = view.node().op;
  Pooling p;
  p.spatial = SpatialDims(op);
  if (absl::StrContains(op, "avg")) p.algorithm = dnnl_pooling_avg_exclude_padding;
  // Positions of maxima, and types that the fast paths lack.
  p.direct = view.node().outputs.size() > 1 ||
             (absl::StrContains(op, "adaptive") && p.algorithm == dnnl_pooling_max) ||
             view.TensorType("self").dtype != ir::DType::kFloat32;
  return absl::StrContains(op, "adaptive") ? ReadAdaptive(view, p) : ReadWindows(view, p);
}

absl::Status Supports(const ir::Graph&, const ops::OpView& view) {
  const ir::DType dtype = view.TensorType("self").dtype;
  const bool average = absl::StrContains(view.node().op, "avg");
  if (!ir::IsComplex(dtype) && (!average || ir::IsFloating(dtype))) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("no pooling of ", ir::DTypeName(dtype)));
}

// --- The own kernel ---

// The windows of spatial dimension `i`.
std::vector<kernels::PoolTaps> WindowsOf(const Pooling& p, int i, int64_t in, int64_t out) {
  std::vector<kernels::PoolTaps> windows;
  for (int64_t o = 0; o < out; ++o) {
    kernels::PoolTaps taps;
    if (p.adaptive) {
      taps.begin = o * in / out;
      taps.end = ((o + 1) * in + out - 1) / out;
      taps.extent = taps.end - taps.begin;
      windows.push_back(taps);
      continue;
    }
    const Window& w = p.window;
    const int64_t first = o * w.stride[i] - w.padding_begin[i];
    const int64_t last = first + w.dilation[i] * (w.kernel[i] - 1) + 1;
    taps.step = w.dilation[i];
    taps.begin = first >= 0 ? first : first + (-first + taps.step - 1) / taps.step * taps.step;
    taps.end = std::min(last, in);
    // The padding after the input is as wide as the one before.
    taps.extent =
        p.include_padding ? std::min(last, in + w.padding_begin[i]) - first : taps.end - taps.begin;
    windows.push_back(taps);
  }
  return windows;
}

absl::Status LowerDirect(Lowering& lowering, const Unit& unit, const Pooling& p) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor x, lowering.Dense(view.Value("self")));
  std::vector<Operand> operands = {Read(x)};
  for (const ir::ValueId value : view.node().outputs) {
    if (value == ir::kNoValue) {
      operands.push_back(Write(lowering.NewTensor(
          operands.size() == 1 ? x.dtype : ir::DType::kInt64, ResultDims(view))));
      continue;
    }
    const Tensor y = lowering.NewTensor(lowering.graph().type(value));
    lowering.Set(value, y);
    operands.push_back(Write(y));
  }
  const ir::Dims& out = ResultDims(view);
  struct Plan {
    kernels::WindowPoolArgs args;
    std::vector<kernels::PoolTaps> windows[3];
  };
  auto plan = std::make_shared<Plan>();
  kernels::WindowPoolArgs& pool = plan->args;
  pool.dtype = x.dtype;
  int64_t plane = 1;
  for (int d = 0; d < 3; ++d) {
    const int i = d - (3 - p.spatial), at = x.rank() - 3 + d;
    plan->windows[d] = {{}};
    if (i >= 0) {
      pool.in[d] = x.dims[at];
      plan->windows[d] = WindowsOf(p, i, x.dims[at], out[at]);
    }
    pool.windows[d] = &plan->windows[d];
    plane *= pool.in[d];
  }
  pool.planes = x.NumElements() / plane;
  const bool average = p.algorithm != dnnl_pooling_max;
  const bool indexed = operands.size() > 2;
  const double divisor = p.divisor;
  return lowering.AddKernel(average ? "ingot:avg_pool" : "ingot:max_pool_with_indices",
                            std::move(operands), [=](const StepArgs& args) {
                              kernels::WindowPoolArgs call = plan->args;
                              call.x = args.At<void>(0);
                              call.y = args.At<void>(1);
                              if (average) {
                                kernels::AveragePool(call, divisor, args.threads());
                              } else {
                                kernels::MaxPoolWithIndices(
                                    call, indexed ? args.At<int64_t>(2) : nullptr, args.threads());
                              }
                              return absl::OkStatus();
                            });
}

// oneDNN's own layout of [n, c, spatial…] in blocks of 16 channels that leave no rest.
bool IsBlockedBy16(const Tensor& x) {
  constexpr dnnl_format_tag_t kTags[] = {dnnl_nCw16c, dnnl_nChw16c, dnnl_nCdhw16c};
  return x.is_opaque() && x.dims[1] % 16 == 0 &&
         x.opaque == MemoryDesc::Tagged(x.dtype, x.dims, kTags[x.rank() - 3]);
}

absl::Status LowerMax(Lowering& lowering, const Unit& unit, const Pooling& p) {
  const ops::OpView view = lowering.View(unit.anchor);
  Tensor x = lowering.Get(view.Value("self"));
  const bool batched = x.rank() == p.spatial + 2;
  const bool blocked = batched && IsBlockedBy16(x);
  const bool channels_last = batched && IsChannelsLast(x);
  if (!blocked && !channels_last) {
    INGOT_ASSIGN_OR_RETURN(x, lowering.Dense(x));
  }
  const ir::TensorType& type = view.OutputType();
  Tensor y = lowering.NewTensor(type);
  if (blocked) {
    constexpr dnnl_format_tag_t kTags[] = {dnnl_nCw16c, dnnl_nChw16c, dnnl_nCdhw16c};
    y = lowering.NewTensor(type.dtype, type.dims,
                           MemoryDesc::Tagged(type.dtype, type.dims, kTags[type.rank() - 3]));
  } else if (channels_last) {
    y.strides = ChannelsLastStrides(type.dims);
  }
  lowering.Set(view.node().outputs[0], y);
  kernels::MaxPoolArgs pool;
  pool.inner = blocked ? 16 : channels_last ? x.dims[1] : 1;
  int64_t spatial = 1;
  for (int i = 0; i < p.spatial; ++i) {
    const int to = 3 - p.spatial + i, from = x.rank() - p.spatial + i;
    pool.in[to] = x.dims[from];
    pool.out[to] = y.dims[from];
    pool.kernel[to] = p.window.kernel[i];
    pool.stride[to] = p.window.stride[i];
    pool.padding[to] = p.window.padding_begin[i];
    pool.dilation[to] = p.window.dilation[i];
    spatial *= x.dims[from];
  }
  pool.outer = x.NumElements() / (spatial * pool.inner);
  return lowering.AddKernel("ingot:max_pool", {Read(x), Write(y)}, [=](const StepArgs& args) {
    kernels::MaxPoolArgs call = pool;
    call.x = args.At<float>(0);
    call.y = args.At<float>(1);
    kernels::MaxPool(call, args.threads());
    return absl::OkStatus();
  });
}

absl::Status Lower(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const Pooling p = ReadPooling(view);
  if (p.direct) return LowerDirect(lowering, unit, p);
  if (p.algorithm == dnnl_pooling_max) return LowerMax(lowering, unit, p);
  Tensor x = lowering.Get(view.Value("self"));
  ir::Dims dims = view.OutputType().dims;
  const bool unbatched = x.rank() == p.spatial + 1;
  if (unbatched) {
    INGOT_ASSIGN_OR_RETURN(x, lowering.Dense(x));
    x.dims.insert(x.dims.begin(), 1);
    x.strides = ir::ContiguousStrides(x.dims);
    dims.insert(dims.begin(), 1);
  }
  if (!ReadableLayout(x).present()) {
    INGOT_ASSIGN_OR_RETURN(x, lowering.Dense(x));
  }
  const MemoryDesc layout = ReadableLayout(x);
  lowering.UseThreadsFor(static_cast<double>(x.NumElements()) / kElementsPerNanosecond);
  INGOT_ASSIGN_OR_RETURN(
      const PrimitiveDesc desc,
      PoolingDesc(p.algorithm, layout, MemoryDesc::Any(x.dtype, dims), p.window, Attributes()));
  Tensor y = lowering.NewTensor(x.dtype, dims, desc.dst());
  Tensor result = y;
  if (unbatched) {
    INGOT_RETURN_IF_ERROR(lowering.AddCall(
        desc, {{DNNL_ARG_SRC, Read(x), layout}, {DNNL_ARG_DST, Write(y), desc.dst()}}));
    INGOT_ASSIGN_OR_RETURN(result, lowering.Dense(y));
    result.dims.erase(result.dims.begin());
    result.strides.erase(result.strides.begin());
    lowering.Set(view.node().outputs[0], result);
    return absl::OkStatus();
  }
  lowering.Set(view.node().outputs[0], y);
  return lowering.AddCall(desc,
                          {{DNNL_ARG_SRC, Read(x), layout}, {DNNL_ARG_DST, Write(y), desc.dst()}});
}

constexpr OpLowering kLowerings[] = {
    {"aten::max_pool1d", &Supports, &Lower},
    {"aten::max_pool2d", &Supports, &Lower},
    {"aten::max_pool3d", &Supports, &Lower},
    {"aten::max_pool1d_with_indices", &Supports, &Lower},
    {"aten::max_pool2d_with_indices", &Supports, &Lower},
    {"aten::max_pool3d_with_indices", &Supports, &Lower},
    {"aten::avg_pool1d", &Supports, &Lower},
    {"aten::avg_pool2d", &Supports, &Lower},
    {"aten::avg_pool3d", &Supports, &Lower},
    {"aten::adaptive_avg_pool1d", &Supports, &Lower},
    {"aten::adaptive_avg_pool2d", &Supports, &Lower},
    {"aten::adaptive_avg_pool3d", &Supports, &Lower},
    {"aten::_adaptive_avg_pool2d", &Supports, &Lower},
    {"aten::_adaptive_avg_pool3d", &Supports, &Lower},
    {"aten::adaptive_max_pool1d", &Supports, &Lower},
    {"aten::adaptive_max_pool2d", &Supports, &Lower},
    {"aten::adaptive_max_pool3d", &Supports, &Lower},
};

}  // namespace

absl::Span<const OpLowering> PoolLowerings() { return kLowerings; }

}  // namespace ingot::onednn
