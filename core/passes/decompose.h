// Decomposition: ops that are made of others become those.
//
//   _transformer_encoder_layer_fwd, _native_multi_head_attention -> linear, attention, layer_norm
//
//   native_batch_norm over the batch's own statistics -> group_norm, or batch_norm
//
//   lstm_cell, gru_cell, rnn_tanh_cell, rnn_relu_cell -> linear, sigmoid, tanh
//
//   _prelu_kernel, rrelu, channel_shuffle, _weight_norm -> pointwise ops, permute
//
//   im2col, col2im, _embedding_bag -> unfold, index_add, embedding
//
//   scaled_dot_product_attention of rank above 4 -> of rank 4, between reshapes
//
// LibTorch has one kernel for each, and takes it where a module is written with the layers of
// torch.nn; so a recording holds it as one node, most of them opaque. Decomposed they run on every
// backend and take part in fusion. The results are the same in real numbers and round differently,
// within the tolerance of their dtype: only float32 and float64 are taken where sums are involved.
// A node is kept as it is when something uses a result that the decomposition does not have.
#ifndef INGOT_CORE_PASSES_DECOMPOSE_H_
#define INGOT_CORE_PASSES_DECOMPOSE_H_

#include "absl/status/statusor.h"
#include "core/ir/recording.h"

namespace ingot::passes {

absl::StatusOr<bool> Decompose(ir::Recording& recording);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_DECOMPOSE_H_
