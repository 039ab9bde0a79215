#include "backends/onednn/kernels/small_gemm.h"

#include <algorithm>
#include <utility>

#include "backends/onednn/kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/small_gemm.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "backends/onednn/kernels/f32_math-inl.h"
#include "hwy/highway.h"

#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_SMALL_GEMM_SHARED_
#define INGOT_BACKENDS_ONEDNN_KERNELS_SMALL_GEMM_SHARED_
namespace ingot::kernels::internal {

struct SmallGemmArgs {
  const float* x;
  int64_t lda;
  int64_t m;
  int64_t n;
  int64_t k;
  const float* packed;
  const float* bias;
  SmallGemmActivation activation;
  float* y;
  int64_t ldc;
};

// The loops of one CPU target and the panel width they pack for.
struct SmallGemmTarget {
  int64_t panel;
  // Panels [begin, end) of the columns, all rows.
  void (*run)(const SmallGemmArgs& args, int64_t begin, int64_t end);
};

}  // namespace ingot::kernels::internal
#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_SMALL_GEMM_SHARED_

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

using internal::SmallGemmArgs;

constexpr F32Tag kTag;
constexpr int64_t kN = kF32Lanes;
constexpr int64_t kPanel = 2 * kN;

F32 Activate(SmallGemmActivation activation, F32 v) {
  switch (activation) {
    case SmallGemmActivation::kNone:
      return v;
    case SmallGemmActivation::kRelu:
      return AtLeast(v, hn::Zero(kTag));
    case SmallGemmActivation::kGeluErf:
      return GeluErf(kTag, v);
    case SmallGemmActivation::kGeluTanh:
      return GeluTanh(kTag, v);
    case SmallGemmActivation::kSilu:
      return Silu(kTag, v);
    case SmallGemmActivation::kTanh:
      return TanhF32(kTag, v);
    case SmallGemmActivation::kSigmoid:
      return Sigmoid(kTag, v);
  }
  return v;
}

// One vector of results at (row, column), short at the right edge.
HWY_INLINE void Finish(const SmallGemmArgs& args, F32 v, int64_t row, int64_t column) {
  const int64_t rest = args.n - column;
  if (rest <= 0) return;
  float* to = args.y + row * args.ldc + column;
  const float* bias = args.bias == nullptr ? nullptr : args.bias + column;
  if (rest >= kN) {
    if (bias != nullptr) v = hn::Add(v, hn::LoadU(kTag, bias));
    hn::StoreU(Activate(args.activation, v), kTag, to);
  } else {
    const size_t count = static_cast<size_t>(rest);
    if (bias != nullptr) v = hn::Add(v, LoadPart(bias, count));
    StorePart(Activate(args.activation, v), to, count);
  }
}

// kRows rows by kPanels panels: 8 to 16 accumulators, enough to hide the latency of an FMA.
template <int kRows, int kPanels>
HWY_INLINE void Tile(const SmallGemmArgs& args, int64_t row, int64_t panel) {
  F32 sum[kRows][2 * kPanels];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kPanels; ++v) sum[m][v] = hn::Zero(kTag);
  }
  const float* x = args.x + row * args.lda;
  const float* w = args.packed + panel * kPanel * args.k;
  const int64_t panel_stride = kPanel * args.k;
  for (int64_t k = 0; k < args.k; ++k) {
    F32 column[2 * kPanels];
#pragma GCC unroll 8
    for (int v = 0; v < 2 * kPanels; ++v) {
      column[v] = hn::LoadU(kTag, w + v / 2 * panel_stride + k * kPanel + v % 2 * kN);
    }
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      const F32 factor = hn::Set(kTag, x[m * args.lda + k]);
#pragma GCC unroll 8
      for (int v = 0; v < 2 * kPanels; ++v) sum[m][v] = hn::MulAdd(factor, column[v], sum[m][v]);
    }
  }
  for (int m = 0; m < kRows; ++m) {
    for (int v = 0; v < 2 * kPanels; ++v) {
      Finish(args, sum[m][v], row + m, (panel + v / 2) * kPanel + v % 2 * kN);
    }
  }
}

// All rows of kPanels panels, in tiles of falling height.
template <int kPanels>
void Rows(const SmallGemmArgs& args, int64_t panel) {
  int64_t row = 0;
#if HWY_TARGET <= HWY_AVX3
  for (; kPanels == 1 && row + 8 <= args.m; row += 8) Tile<8, 1>(args, row, panel);
#endif
  for (; kPanels == 1 && row + 4 <= args.m; row += 4) Tile<4, 1>(args, row, panel);
  for (; kPanels <= 2 && row + 2 <= args.m; row += 2)
    Tile<2, std::min(kPanels, 2)>(args, row, panel);
  for (; row < args.m; ++row) Tile<1, kPanels>(args, row, panel);
}

void RunPanels(const SmallGemmArgs& args, int64_t begin, int64_t end) {
  // Few rows: several panels at once instead.
  const int64_t together = args.m == 1 ? 4 : (args.m <= 3 ? 2 : 1);
  int64_t panel = begin;
  for (; panel + together <= end; panel += together) {
    if (together == 4) {
      Rows<4>(args, panel);
    } else if (together == 2) {
      Rows<2>(args, panel);
    } else {
      Rows<1>(args, panel);
    }
  }
  for (; panel < end; ++panel) Rows<1>(args, panel);
}

}  // namespace

const internal::SmallGemmTarget* ThisTarget() {
  static constexpr internal::SmallGemmTarget kTarget = {kPanel, RunPanels};
  return &kTarget;
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {

HWY_EXPORT(ThisTarget);

constexpr double kNanosecondsAMultiplyAdd = 0.02;

}  // namespace

SmallGemm SmallGemm::Make(int64_t n, int64_t k) {
  SmallGemm gemm;
  gemm.n_ = n;
  gemm.k_ = k;
  gemm.target_ = HWY_DYNAMIC_DISPATCH(ThisTarget)();
  return gemm;
}

size_t SmallGemm::PackedBytes() const {
  const int64_t panels = (n_ + target_->panel - 1) / target_->panel;
  return static_cast<size_t>(panels * target_->panel * k_) * sizeof(float);
}

void SmallGemm::Pack(const float* w, int64_t k_stride, int64_t n_stride, float* packed) const {
  const int64_t panel = target_->panel;
  for (int64_t first = 0; first < n_; first += panel) {
    for (int64_t k = 0; k < k_; ++k) {
      for (int64_t i = 0; i < panel; ++i) {
        const int64_t column = first + i;
        *packed++ = column < n_ ? w[k * k_stride + column * n_stride] : 0.0f;
      }
    }
  }
}

void SmallGemm::Run(const float* x, int64_t lda, int64_t m, const float* packed, const float* bias,
                    SmallGemmActivation activation, float* y, int64_t ldc, int threads) const {
  const internal::SmallGemmArgs args = {x, lda, m, n_, k_, packed, bias, activation, y, ldc};
  const int64_t panels = (n_ + target_->panel - 1) / target_->panel;
  const double work =
      kNanosecondsAMultiplyAdd * static_cast<double>(m * k_ * target_->panel) + 10.0;
  ParallelFor(threads, panels, GrainFor(work),
              [&](int64_t begin, int64_t end, int) { target_->run(args, begin, end); });
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
