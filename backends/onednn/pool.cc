// Max, average and adaptive average pooling.
#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/layout.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/max_pool.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

constexpr double kElementsPerNanosecond = 8;  // read, one core, for deciding about threads

struct Pooling {
  dnnl_alg_kind_t algorithm = dnnl_pooling_max;
  int spatial = 2;
  Window window;
  // Adaptive windows of several sizes, which oneDNN can't express.
  bool uneven = false;
};

std::vector<int64_t> Spread(absl::Span<const int64_t> list, int spatial) {
  if (list.size() == 1) return std::vector<int64_t>(spatial, list[0]);
  return std::vector<int64_t>(list.begin(), list.end());
}

// "aten::max_pool2d" -> 2.
int SpatialDims(absl::string_view op) { return op[op.size() - 2] - '0'; }

Pooling ReadAdaptive(const ops::OpView& view, Pooling p) {
  const ir::Dims& in = view.TensorType("self").dims;
  const ir::Dims& out = view.OutputType().dims;
  p.algorithm = dnnl_pooling_avg_exclude_padding;
  for (int i = 0; i < p.spatial; ++i) {
    const int64_t size = in[in.size() - p.spatial + i], parts = out[out.size() - p.spatial + i];
    p.uneven |= size % parts != 0;
    p.window.kernel.push_back(std::max<int64_t>(size / parts, 1));
  }
  p.window.stride = p.window.kernel;
  p.window.dilation.assign(p.spatial, 1);
  p.window.padding_begin.assign(p.spatial, 0);
  p.window.padding_end.assign(p.spatial, 0);
  return p;
}

// Unimplemented if oneDNN divides otherwise than PyTorch.
absl::StatusOr<Pooling> ReadPooling(const ops::OpView& view) {
  const std::string& op = view.node().op;
  Pooling p;
  p.spatial = SpatialDims(op);
  if (absl::StrContains(op, "adaptive")) return ReadAdaptive(view, p);
  const bool average = absl::StrContains(op, "avg");
  Window& w = p.window;
  w.kernel = Spread(view.Ints("kernel_size"), p.spatial);
  w.stride = view.Ints("stride").empty() ? w.kernel : Spread(view.Ints("stride"), p.spatial);
  w.padding_begin = Spread(view.Ints("padding"), p.spatial);
  w.padding_end = w.padding_begin;
  w.dilation =
      average ? std::vector<int64_t>(p.spatial, 1) : Spread(view.Ints("dilation"), p.spatial);
  const ir::Dims& in = view.TensorType("self").dims;
  const ir::Dims& out = view.OutputType().dims;
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
  const bool include = view.Bool("count_include_pad");
  if (include && beyond) {
    return absl::UnimplementedError("average over windows that end beyond the padding");
  }
  if (p.spatial > 1 && view.Has("divisor_override")) {
    return absl::UnimplementedError("average pooling with divisor_override");
  }
  p.algorithm = include ? dnnl_pooling_avg_include_padding : dnnl_pooling_avg_exclude_padding;
  return p;
}

absl::Status Supports(const ir::Graph&, const ops::OpView& view) {
  const ir::TensorType& self = view.TensorType("self");
  if (self.dtype != ir::DType::kFloat32) {
    return absl::UnimplementedError(
        absl::StrCat("pooling is done in f32, not ", ir::DTypeName(self.dtype)));
  }
  if (view.OutputType().NumElements() == 0) return absl::OkStatus();
  return ReadPooling(view).status();
}

// Windows [floor(i in / out), ceil((i + 1) in / out)) of [planes, h, w].
void AdaptiveAverage(const float* x, float* y, int64_t planes, int64_t h, int64_t w, int64_t out_h,
                     int64_t out_w, int threads) {
  const auto begin_of = [](int64_t i, int64_t in, int64_t out) { return i * in / out; };
  const auto end_of = [](int64_t i, int64_t in, int64_t out) {
    return ((i + 1) * in + out - 1) / out;
  };
  const auto plane = [&](int64_t first, int64_t last, int) {
    for (int64_t p = first; p < last; ++p) {
      for (int64_t oh = 0; oh < out_h; ++oh) {
        const int64_t h0 = begin_of(oh, h, out_h), h1 = end_of(oh, h, out_h);
        for (int64_t ow = 0; ow < out_w; ++ow) {
          const int64_t w0 = begin_of(ow, w, out_w), w1 = end_of(ow, w, out_w);
          double sum = 0;
          for (int64_t i = h0; i < h1; ++i) {
            for (int64_t j = w0; j < w1; ++j) sum += x[(p * h + i) * w + j];
          }
          y[(p * out_h + oh) * out_w + ow] =
              static_cast<float>(sum / static_cast<double>((h1 - h0) * (w1 - w0)));
        }
      }
    }
  };
  kernels::ParallelFor(threads, planes, kernels::GrainFor(static_cast<double>(h * w) + 1), plane);
}

absl::Status LowerUneven(Lowering& lowering, const Unit& unit, const Pooling& p) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor x, lowering.Dense(view.Value("self")));
  const Tensor y = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], y);
  const int rank = x.rank();
  const int64_t w = x.dims[rank - 1], h = p.spatial > 1 ? x.dims[rank - 2] : 1;
  const int64_t out_w = y.dims[rank - 1], out_h = p.spatial > 1 ? y.dims[rank - 2] : 1;
  const int64_t planes = x.NumElements() / (h * w);
  return lowering.AddKernel("ingot:adaptive_avg_pool", {Read(x), Write(y)},
                            [=](const StepArgs& args) {
                              AdaptiveAverage(args.At<float>(0), args.At<float>(1), planes, h, w,
                                              out_h, out_w, args.threads());
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
    int64_t next = type.dims[1];
    y.strides[1] = 1;
    for (int i = y.rank() - 1; i >= 2; --i) {
      y.strides[i] = next;
      next *= y.dims[i];
    }
    y.strides[0] = next;
  }
  lowering.Set(view.node().outputs[0], y);
  MaxPoolArgs pool;
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
    MaxPoolArgs call = pool;
    call.x = args.At<float>(0);
    call.y = args.At<float>(1);
    MaxPool(call, args.threads());
    return absl::OkStatus();
  });
}

absl::Status Lower(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Pooling p, ReadPooling(view));
  if (p.uneven) return LowerUneven(lowering, unit, p);
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
    {"aten::avg_pool1d", &Supports, &Lower},
    {"aten::avg_pool2d", &Supports, &Lower},
    {"aten::avg_pool3d", &Supports, &Lower},
    {"aten::adaptive_avg_pool1d", &Supports, &Lower},
    {"aten::adaptive_avg_pool2d", &Supports, &Lower},
};

}  // namespace

absl::Span<const OpLowering> PoolLowerings() { return kLowerings; }

}  // namespace ingot::onednn
