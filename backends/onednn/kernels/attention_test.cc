#include "backends/onednn/kernels/attention.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "backends/onednn/kernels/test_random.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

AttentionStrides Dense(int64_t heads, int64_t rows, int64_t d) {
  return {heads * rows * d, rows * d, d, 1};
}

// [B, L, H, D] seen as [B, H, L, D].
AttentionStrides Interleaved(int64_t heads, int64_t rows, int64_t d) {
  return {rows * heads * d, d, heads * d, 1};
}

int64_t At(const AttentionStrides& s, int64_t b, int64_t h, int64_t row, int64_t d) {
  return b * s.batch + h * s.head + row * s.row + d * s.d;
}

struct Tensors {
  std::vector<float> q, k, v;
  const void* mask = nullptr;
};

// The formula, in double; a row that sees nothing is 0.
std::vector<double> ExactRow(const AttentionShape& s, const Tensors& t, int64_t b, int64_t h,
                             int64_t i) {
  const int64_t kv = h / (s.heads / s.kv_heads);
  std::vector<double> score(s.kv_len, -kInf);
  double max = -kInf;
  for (int64_t j = 0; j < s.kv_len; ++j) {
    if (s.causal && j > i) continue;
    double sum = 0;
    for (int64_t d = 0; d < s.head_dim; ++d) {
      sum += double{t.q[At(s.q, b, h, i, d)]} * t.k[At(s.k, b, kv, j, d)];
    }
    sum *= s.scale;
    const int64_t m = At(s.mask_strides, b, h, i, j);
    if (s.mask == AttentionMask::kAdditiveF32) sum += static_cast<const float*>(t.mask)[m];
    if (s.mask == AttentionMask::kBool && !static_cast<const uint8_t*>(t.mask)[m]) sum = -kInf;
    score[j] = sum;
    max = std::max(max, sum);
  }
  std::vector<double> out(s.v_dim, 0);
  if (max == -kInf) return out;
  double total = 0;
  for (int64_t j = 0; j < s.kv_len; ++j) total += std::exp(score[j] - max);
  for (int64_t j = 0; j < s.kv_len; ++j) {
    const double p = std::exp(score[j] - max) / total;
    for (int64_t d = 0; d < s.v_dim; ++d) out[d] += p * t.v[At(s.v, b, kv, j, d)];
  }
  return out;
}

void ExpectExact(const AttentionShape& s, const Tensors& t, int threads, const std::string& what) {
  ASSERT_TRUE(ValidateAttention(s).ok());
  std::vector<float> out(s.batch * s.heads * s.q_len * s.v_dim + 1, 77);
  const size_t bytes = AttentionWorkspaceBytes(s, threads);
  std::vector<char> buffer(bytes + 64 + 1, 0x7f);
  char* workspace = buffer.data() + (64 - reinterpret_cast<uintptr_t>(buffer.data()) % 64) % 64;
  Attention(s, t.q.data(), t.k.data(), t.v.data(), t.mask, out.data(), workspace, threads);
  ASSERT_EQ(workspace[bytes], 0x7f) << what;
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t h = 0; h < s.heads; ++h) {
      for (int64_t i = 0; i < s.q_len; ++i) {
        const std::vector<double> exact = ExactRow(s, t, b, h, i);
        for (int64_t d = 0; d < s.v_dim; ++d) {
          ASSERT_NEAR(out[At(s.out, b, h, i, d)], exact[d], 4e-6)
              << what << " " << b << " " << h << " " << i << " " << d;
        }
      }
    }
  }
  ASSERT_EQ(out.back(), 77) << what;
}

AttentionShape ShapeOf(int64_t b, int64_t h, int64_t kv, int64_t l, int64_t s, int64_t d,
                       int64_t dv) {
  AttentionShape shape;
  shape.batch = b;
  shape.heads = h;
  shape.kv_heads = kv;
  shape.q_len = l;
  shape.kv_len = s;
  shape.head_dim = d;
  shape.v_dim = dv;
  shape.scale = 1 / std::sqrt(static_cast<float>(d));
  shape.q = Dense(h, l, d);
  shape.k = Dense(kv, s, d);
  shape.v = Dense(kv, s, dv);
  shape.out = Interleaved(h, l, dv);
  return shape;
}

Tensors TensorsOf(const AttentionShape& s) {
  return {Random(s.batch * s.heads * s.q_len * s.head_dim, 1),
          Random(s.batch * s.kv_heads * s.kv_len * s.head_dim, 2),
          Random(s.batch * s.kv_heads * s.kv_len * s.v_dim, 3)};
}

class AttentionTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(AttentionTest);

TEST_P(AttentionTest, AnyLengthsAndWidths) {
  const int64_t cases[][7] = {
      {1, 2, 2, 128, 128, 64, 64}, {2, 3, 1, 49, 50, 32, 32},  {1, 4, 2, 1, 300, 64, 64},
      {1, 1, 1, 5, 7, 3, 5},       {1, 1, 1, 100, 33, 17, 40}, {2, 2, 2, 4, 129, 80, 80},
      {1, 2, 2, 13, 257, 64, 64},  {1, 6, 2, 2, 1, 16, 16},    {1, 1, 1, 48, 128, 128, 96},
      {1, 2, 1, 197, 197, 64, 64}, {1, 1, 1, 11, 16, 8, 16},   {1, 3, 3, 1, 1, 1, 1},
      {1, 2, 2, 7, 140, 48, 17},
  };
  for (const auto& c : cases) {
    for (bool causal : {false, true}) {
      for (int threads : {1, 2, 3}) {
        AttentionShape shape = ShapeOf(c[0], c[1], c[2], c[3], c[4], c[5], c[6]);
        shape.causal = causal;
        ExpectExact(shape, TensorsOf(shape), threads,
                    "L=" + std::to_string(c[3]) + " S=" + std::to_string(c[4]) +
                        " causal=" + std::to_string(causal));
      }
    }
  }
}

TEST_P(AttentionTest, ReadsMergedAndTransposedLayoutsInPlace) {
  const int64_t b = 2, h = 3, d = 16;
  for (int64_t l : {1, 60}) {
    AttentionShape shape = ShapeOf(b, h, h, l, l, d, d);
    // One [B, L, 3, H, D] buffer, as a QKV linear leaves it.
    const AttentionStrides merged = {l * 3 * h * d, d, 3 * h * d, 1};
    shape.q = shape.k = shape.v = merged;
    const std::vector<float> qkv = Random(b * l * 3 * h * d, 4);
    Tensors t;
    t.q = qkv;
    t.k.assign(qkv.begin() + h * d, qkv.end());
    t.v.assign(qkv.begin() + 2 * h * d, qkv.end());
    ExpectExact(shape, t, 1, "merged");
    // Head dimension outside the rows: [B, H, D, L].
    shape.q = shape.k = shape.v = {h * d * l, d * l, 1, l};
    shape.out = {h * d * l, d * l, 1, l};
    ExpectExact(shape, TensorsOf(shape), 1, "transposed");
  }
}

TEST_P(AttentionTest, MasksOfBothKindsBroadcastAsAsked) {
  const int64_t b = 2, h = 2;
  for (int64_t l : {1, 3, 70}) {
    for (bool causal : {false, true}) {
      const int64_t s = 150;
      AttentionShape shape = ShapeOf(b, h, h, l, s, 16, 16);
      shape.causal = causal;
      Tensors t = TensorsOf(shape);
      std::vector<float> additive = Random(b * h * l * s, 5);
      std::vector<uint8_t> visible(b * h * l * s);
      std::mt19937 generator(6);
      for (uint8_t& value : visible) value = generator() % 3 != 0;
      const AttentionStrides strides[] = {{h * l * s, l * s, s, 1},
                                          {s, 0, 0, 1},
                                          {0, 0, s, 1},
                                          {0, 0, 0, 1},
                                          {0, 0, 1, l},
                                          {l, 0, 1, 0}};
      for (const AttentionStrides& mask_strides : strides) {
        shape.mask_strides = mask_strides;
        shape.mask = AttentionMask::kAdditiveF32;
        t.mask = additive.data();
        ExpectExact(shape, t, 1, "additive");
        shape.mask = AttentionMask::kBool;
        t.mask = visible.data();
        ExpectExact(shape, t, 2, "bool");
      }
    }
  }
}

// torch 2.13: scaled_dot_product_attention gives zeros there, for both kinds of mask.
TEST_P(AttentionTest, QueriesThatSeeNothingGiveZeros) {
  for (int64_t l : {2, 20}) {
    AttentionShape shape = ShapeOf(1, 1, 1, l, 300, 8, 8);
    Tensors t = TensorsOf(shape);
    std::vector<float> additive(l * 300, 0);
    std::vector<uint8_t> visible(l * 300, 1);
    // Query 0 sees nothing; query 1 nothing in its first blocks.
    std::fill_n(additive.begin(), 300 + 280, -kInf);
    std::fill_n(visible.begin(), 300 + 280, 0);
    shape.mask_strides = {0, 0, 300, 1};
    shape.mask = AttentionMask::kAdditiveF32;
    t.mask = additive.data();
    ExpectExact(shape, t, 1, "additive");
    shape.mask = AttentionMask::kBool;
    t.mask = visible.data();
    ExpectExact(shape, t, 1, "bool");
  }
}

TEST_P(AttentionTest, NanStaysInItsRow) {
  for (int64_t l : {2, 20}) {
    AttentionShape shape = ShapeOf(1, 1, 1, l, 40, 8, 8);
    Tensors t = TensorsOf(shape);
    t.q[8] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> out(l * 8);
    std::vector<char> buffer(AttentionWorkspaceBytes(shape, 1) + 64);
    char* workspace = buffer.data() + (64 - reinterpret_cast<uintptr_t>(buffer.data()) % 64) % 64;
    Attention(shape, t.q.data(), t.k.data(), t.v.data(), nullptr, out.data(), workspace, 1);
    for (int64_t i = 0; i < l * 8; ++i) EXPECT_EQ(std::isnan(out[i]), i / 8 == 1) << i;
  }
}

TEST_P(AttentionTest, LargeScoresDoNotOverflow) {
  AttentionShape shape = ShapeOf(1, 1, 1, 10, 200, 8, 8);
  shape.scale = 1;
  Tensors t = TensorsOf(shape);
  for (float& value : t.q) value *= 1000;
  std::vector<float> out(10 * 8);
  std::vector<char> buffer(AttentionWorkspaceBytes(shape, 1) + 64);
  char* workspace = buffer.data() + (64 - reinterpret_cast<uintptr_t>(buffer.data()) % 64) % 64;
  Attention(shape, t.q.data(), t.k.data(), t.v.data(), nullptr, out.data(), workspace, 1);
  for (int64_t i = 0; i < 10; ++i) {
    const std::vector<double> exact = ExactRow(shape, t, 0, 0, i);
    for (int64_t d = 0; d < 8; ++d) EXPECT_NEAR(out[i * 8 + d], exact[d], 2e-3);
  }
}

TEST_P(AttentionTest, LargeScoresLoseNothingInTheExponent) {
  // Whole numbers, so that the scores, up to some hundred, are exact.
  for (int64_t queries : {1, 3, 40}) {
    AttentionShape shape = ShapeOf(2, 2, 2, queries, 30, 8, 8);
    shape.scale = 1;
    Tensors t = TensorsOf(shape);
    for (float& x : t.q) x = std::round(4 * x);
    for (float& x : t.k) x = std::round(4 * x);
    ExpectExact(shape, t, 1, "queries " + std::to_string(queries));
  }
}

TEST(ValidateAttentionTest, HeadsMustShareKeysEvenly) {
  AttentionShape shape = ShapeOf(1, 6, 4, 2, 2, 2, 2);
  EXPECT_EQ(ValidateAttention(shape).code(), absl::StatusCode::kInvalidArgument);
  shape.kv_heads = 0;
  EXPECT_EQ(ValidateAttention(shape).code(), absl::StatusCode::kInvalidArgument);
  shape.kv_heads = 3;
  shape.q_len = -1;
  EXPECT_EQ(ValidateAttention(shape).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace ingot::kernels
