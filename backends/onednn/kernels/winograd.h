// 3x3 convolutions with stride 1 by Winograd's F(2x2, 3x3): four outputs from 16 products where the
// sum over the taps takes 36 (Lavin, Gray: Fast Algorithms for Convolutional Neural Networks, 2015,
// section 4.1). Images lie channels-last.
//
//   const Winograd w = Winograd::Make(/*columns=*/128, /*channels=*/64);
//   w.Pack(weights, strides, packed);  // once
//   w.Run(args, threads);
//
// For a block of tiles small enough for L2: the tiles' 4x4 pixels are combined by sums and
// differences, 16 matrix products (packed_gemm.h) follow, and their sums and differences are the
// results. An output depends on the pixels of its own window alone, as in the plain sum, and the
// error is of its size. Where a window has an infinity, whose differences would be NaN, the plain
// sum is taken. Results depend neither on the number of threads nor on timing.
//
// With factors of bf16 it is the points that are rounded, of the pixels and of the filters: an
// output is off by at most 2^-8 of the sum of magnitudes of the products at the nine points that it
// is made of. For numbers without order that is 5/3 of what the plain sum of rounded factors is off
// by (backends/onednn/docs/design.md). What is not finite is NaN, since filters can't be had back
// from their rounded points for a plain sum.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_WINOGRAD_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_WINOGRAD_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/epilogue.h"
#include "backends/onednn/kernels/packed_gemm.h"

namespace ingot::kernels {

struct WinogradArgs {
  int64_t images = 0;
  int64_t in[2] = {0, 0}, out[2] = {0, 0};  // height, width
  int64_t padding[2] = {0, 0};              // zeros before the first line and column
  const float* x = nullptr;                 // [images, in, channels]
  const float* packed = nullptr;
  const float* bias = nullptr;  // [columns] or null
  absl::Span<const EpilogueStage> stages;
  float* y = nullptr;          // [images, out, columns]; must not overlap x
  BFloat16* bf16_y = nullptr;  // kBf16Pairs: unless null, where the result goes instead, rounded
  void* workspace = nullptr;   // WorkspaceBytes, 64-byte aligned
};

class Winograd {
 public:
  static constexpr int64_t kColumns = 32;   // `columns` is a multiple of it
  static constexpr int64_t kChannels = 16;  // `channels` is a multiple of it

  // REQUIRES: for kBf16Pairs PackedGemm::HasBf16().
  static Winograd Make(int64_t columns, int64_t channels, GemmFactors factors = GemmFactors::kF32);

  size_t PackedBytes() const;
  // Weights w[column, channel, height, width] by strides in elements.
  void Pack(const float* w, const std::array<int64_t, 4>& strides, float* packed,
            int threads = 1) const;

  size_t WorkspaceBytes(int threads) const;
  void Run(const WinogradArgs& args, int threads) const;

 private:
  bool is_bf16() const { return factors_ == GemmFactors::kBf16Pairs; }
  // What a row of a point's left factor takes, in floats: channels, or pairs of them.
  int64_t row() const { return is_bf16() ? channels_ / 2 : channels_; }
  int64_t ThreadElements() const;
  void RunTiles(const WinogradArgs& args, int64_t begin, int64_t end, float* memory) const;
  // Sums over the taps for the kColumns columns from `column` on of the output at (line, pixel) of
  // an image, whose products don't tell: NaN if its window has one.
  void PlainSums(const WinogradArgs& args, int64_t image, int64_t line, int64_t pixel,
                 int64_t column, float* sums) const;

  int64_t columns_ = 0, channels_ = 0;
  GemmFactors factors_ = GemmFactors::kF32;
  int64_t block_ = 0;  // tiles that are done together
  PackedGemm gemm_;    // channels by kColumns
};

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_WINOGRAD_H_
