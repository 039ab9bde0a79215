// One direction of one recurrent layer of f32, from the products of its inputs on: LSTM and GRU
// cells with PyTorch's equations and order of gates (i, f, g, o and r, z, n).
//
//   Recurrent cell = Recurrent::Make(RecurrentCell::kLstm, hidden);
//   cell.Pack(w_hh, /*row_stride=*/hidden, packed);  // [gates * hidden, hidden], once
//   cell.Run(args, threads);
//
// LSTM: c' = f c + i g, h' = o tanh(c'), with i, f, o = sigmoid and g = tanh of (input product +
// W_hh h). GRU: n = tanh(input product + r (W_hn h + b_hn)), h' = (1 - z) n + z h.
//
// The state's weights lie in panels of one vector of hidden units. A panel's gates lie in blocks
// whose sums with several rows of the batch fit a CPU's registers (four gates with AVX-512, two of
// the LSTM's without): the weights of an element of the state for all gates of a block, then those
// of the next element. A block passes from L1 for all rows but the first few; sums wait for the
// other blocks of their panel. Threads share the units, so that each reads the same part of the
// weights in every step, from its own L2 if that holds them, and wait for each other once a step.
// Steps go through the panels forwards and backwards in turn: what a cache kept of the last panels
// serves the next step. Sums run over the state in order and depend neither on the number of
// threads nor on timing.
//
// Run is const and reentrant and allocates nothing. Nothing that is written may overlap anything
// else. Strides are in elements; elements of one row are adjacent.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_RECURRENT_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_RECURRENT_H_

#include <cstddef>
#include <cstdint>

namespace ingot::kernels {

enum class RecurrentCell : uint8_t { kLstm, kGru };

struct RecurrentArgs {
  int64_t steps = 0, batch = 0;
  bool reverse = false;  // from the last step to the first
  // W_ih x with all biases but `bias`: [steps, batch, gates * hidden].
  const float* products = nullptr;
  int64_t products_step = 0, products_row = 0;
  const float* packed = nullptr;
  const float* bias = nullptr;  // GRU: b_hn [hidden], or null
  // [batch, hidden]: states before the first and after the last step. c: LSTM only.
  const float* h0 = nullptr;
  const float* c0 = nullptr;
  int64_t h0_row = 0, c0_row = 0;
  float* h_last = nullptr;  // or null
  float* c_last = nullptr;  // LSTM: needed, holds the cells meanwhile
  int64_t h_last_row = 0, c_last_row = 0;
  float* y = nullptr;  // [steps, batch, hidden]
  int64_t y_step = 0, y_row = 0;
};

namespace internal {
struct RecurrentTarget;
}

class Recurrent {
 public:
  // Chooses the loops for this machine; Pack and Run of one object belong together.
  static Recurrent Make(RecurrentCell cell, int64_t hidden);

  int64_t gates() const { return cell_ == RecurrentCell::kLstm ? 4 : 3; }
  size_t PackedBytes() const;
  // w [gates * hidden, hidden] by strides into `packed` (PackedBytes(), 64-byte aligned).
  void Pack(const float* w, int64_t row_stride, int64_t column_stride, float* packed) const;
  // steps and batch > 0.
  void Run(const RecurrentArgs& args, int threads) const;

 private:
  RecurrentCell cell_ = RecurrentCell::kLstm;
  int64_t hidden_ = 0;
  const internal::RecurrentTarget* target_ = nullptr;
};

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_RECURRENT_H_
