// Ops that only move elements, into new memory: joins, paddings, repetitions, reversals, triangles,
// and functional updates of a window.
#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/cast.h"
#include "backends/onednn/dims.h"
#include "backends/onednn/kernels/copy.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/layout.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/number.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

int ElementBytes(const Tensor& tensor) { return static_cast<int>(ir::ElementSize(tensor.dtype)); }

// One copy of a step: from an operand to the step's output, both at a distance in bytes.
struct Move {
  kernels::StridedCopy copy;
  int source = 0;
  int64_t from = 0, to = 0;
};
using Moves = std::vector<Move>;

absl::Status AppendMove(Moves& moves, int source, int64_t from_elements,
                        absl::Span<const int64_t> from_strides, absl::Span<const int64_t> dims,
                        const Tensor& to, int64_t to_elements,
                        absl::Span<const int64_t> to_strides) {
  if (std::any_of(dims.begin(), dims.end(), [](int64_t d) { return d == 0; })) {
    return absl::OkStatus();
  }
  const int bytes = ElementBytes(to);
  INGOT_ASSIGN_OR_RETURN(kernels::StridedCopy copy,
                         kernels::StridedCopy::Make(dims, from_strides, to_strides, bytes));
  moves.push_back({std::move(copy), source, from_elements * bytes, to_elements * bytes});
  return absl::OkStatus();
}

// Adds the step that runs `moves` into `out`.
absl::Status AddMoves(Lowering& lowering, const std::vector<Tensor>& sources, const Tensor& out,
                      Moves moves) {
  std::vector<Operand> operands;
  for (const Tensor& source : sources) operands.push_back(Read(source));
  operands.push_back(Write(out));
  const int to = static_cast<int>(sources.size());
  auto shared = std::make_shared<const Moves>(std::move(moves));
  return lowering.AddKernel("ingot:copy", std::move(operands), [shared, to](const StepArgs& args) {
    for (const Move& move : *shared) {
      move.copy.Run(args.At(move.source) + move.from, args.At(to) + move.to, args.threads());
    }
    return absl::OkStatus();
  });
}

absl::Status SupportsAny(const ir::Graph&, const ops::OpView&) { return absl::OkStatus(); }

// --- cat, stack ---

absl::Status LowerJoin(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const bool stack = view.node().op == "aten::stack";
  const ir::TensorType& type = view.OutputType();
  const int64_t dim = Wrap(view.Int("dim"), type.rank());
  std::vector<Tensor> sources;
  for (ir::ValueId value : view.Values("tensors")) {
    INGOT_ASSIGN_OR_RETURN(Tensor source, lowering.Strided(value));
    // PyTorch lets cat skip tensors of shape [0] whatever the others' rank.
    if (source.NumElements() == 0) continue;
    INGOT_ASSIGN_OR_RETURN(source, Cast(lowering, source, type.dtype));
    sources.push_back(std::move(source));
  }
  // A cache that was empty so far, say.
  if (!stack && sources.size() == 1) {
    lowering.Set(view.node().outputs[0], sources[0]);
    return absl::OkStatus();
  }
  Tensor out = lowering.NewTensor(type);
  // Images stay as they lie.
  if (!stack && !sources.empty() && std::all_of(sources.begin(), sources.end(), &IsChannelsLast)) {
    out.strides = ChannelsLastStrides(out.dims);
  }
  Moves moves;
  int64_t at = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    Tensor& source = sources[i];
    if (stack) {
      source.dims.insert(source.dims.begin() + dim, 1);
      source.strides.insert(source.strides.begin() + dim, 0);
    }
    INGOT_RETURN_IF_ERROR(AppendMove(moves, static_cast<int>(i), 0, source.strides, source.dims,
                                     out, at * out.strides[dim], out.strides));
    at += source.dims[dim];
  }
  lowering.Set(view.node().outputs[0], out);
  return AddMoves(lowering, sources, out, std::move(moves));
}

// --- repeat: output dimension i seen as [repeats, size] ---

absl::Status LowerRepeat(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(Tensor self, lowering.Strided(view.Value("self")));
  const absl::Span<const int64_t> repeats = view.Ints("repeats");
  while (self.dims.size() < repeats.size()) {
    self.dims.insert(self.dims.begin(), 1);
    self.strides.insert(self.strides.begin(), 0);
  }
  const Tensor out = lowering.NewTensor(view.OutputType());
  ir::Dims dims, from, to;
  for (size_t i = 0; i < repeats.size(); ++i) {
    dims.insert(dims.end(), {repeats[i], self.dims[i]});
    from.insert(from.end(), {0, self.strides[i]});
    to.insert(to.end(), {self.dims[i] * out.strides[i], out.strides[i]});
  }
  Moves moves;
  INGOT_RETURN_IF_ERROR(AppendMove(moves, 0, 0, from, dims, out, 0, to));
  lowering.Set(view.node().outputs[0], out);
  return AddMoves(lowering, {self}, out, std::move(moves));
}

// --- flip, roll ---

absl::Status LowerFlip(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Strided(view.Value("self")));
  if (self.rank() == 0) {
    lowering.Set(view.node().outputs[0], self);
    return absl::OkStatus();
  }
  const Tensor out = lowering.NewTensor(view.OutputType());
  ir::Dims strides = self.strides;
  int64_t first = 0;
  for (int64_t d : view.Ints("dims")) {
    const int64_t dim = Wrap(d, self.rank());
    first += (self.dims[dim] - 1) * self.strides[dim];
    strides[dim] = -self.strides[dim];
  }
  Moves moves;
  INGOT_RETURN_IF_ERROR(AppendMove(moves, 0, first, strides, self.dims, out, 0, out.strides));
  lowering.Set(view.node().outputs[0], out);
  return AddMoves(lowering, {self}, out, std::move(moves));
}

// A roll along k dimensions moves 2^k boxes.
absl::Status LowerRoll(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(Tensor self, lowering.Strided(view.Value("self")));
  if (self.rank() == 0) {
    lowering.Set(view.node().outputs[0], self);
    return absl::OkStatus();
  }
  Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  std::vector<int64_t> dims(view.Ints("dims").begin(), view.Ints("dims").end());
  if (dims.empty()) {
    // Rolls the flattened tensor.
    INGOT_ASSIGN_OR_RETURN(self, lowering.Dense(self));
    self.dims = out.dims = {self.NumElements()};
    self.strides = out.strides = {1};
    dims = {0};
  }
  std::vector<int64_t> shift(self.rank(), 0);
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t dim = Wrap(dims[i], self.rank()), size = self.dims[dim];
    shift[dim] = ((shift[dim] + view.Ints("shifts")[i]) % size + size) % size;
  }
  Moves moves;
  ir::Dims box = self.dims;
  absl::Status status;
  const std::function<void(int, int64_t, int64_t)> visit = [&](int dim, int64_t from, int64_t to) {
    if (dim == self.rank()) {
      status.Update(AppendMove(moves, 0, from, self.strides, box, out, to, out.strides));
      return;
    }
    const int64_t size = self.dims[dim], by = shift[dim];
    // [0, size - by) goes to [by, size), the rest to the front.
    box[dim] = size - by;
    visit(dim + 1, from, to + by * out.strides[dim]);
    if (by != 0) {
      box[dim] = by;
      visit(dim + 1, from + (size - by) * self.strides[dim], to);
    }
    box[dim] = size;
  };
  visit(0, 0, 0);
  INGOT_RETURN_IF_ERROR(status);
  return AddMoves(lowering, {self}, out, std::move(moves));
}

// --- constant_pad_nd ---

absl::Status SupportsPad(const ir::Graph&, const ops::OpView& view) {
  if (BytesOf(view.Raw("value"), view.OutputType().dtype)) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("padding ", ir::DTypeName(view.OutputType().dtype), " with this value"));
}

absl::Status LowerPad(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Strided(view.Value("self")));
  const absl::Span<const int64_t> pad = view.Ints("pad");
  if (std::all_of(pad.begin(), pad.end(), [](int64_t p) { return p == 0; })) {
    lowering.Set(view.node().outputs[0], self);
    return absl::OkStatus();
  }
  const Tensor out = lowering.NewTensor(view.OutputType());
  ir::Dims box = self.dims;
  int64_t from = 0, to = 0;
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    const int64_t dim = self.rank() - 1 - static_cast<int64_t>(i);
    const int64_t before = pad[2 * i], after = pad[2 * i + 1];
    from += std::max<int64_t>(-before, 0) * self.strides[dim];
    to += std::max<int64_t>(before, 0) * out.strides[dim];
    box[dim] += std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0);
  }
  Moves moves;
  INGOT_RETURN_IF_ERROR(AppendMove(moves, 0, from, self.strides, box, out, to, out.strides));
  lowering.Set(view.node().outputs[0], out);
  const NumberBytes value = *BytesOf(view.Raw("value"), out.dtype);
  const int bytes = ElementBytes(out);
  const int64_t count = out.NumElements();
  auto shared = std::make_shared<const Moves>(std::move(moves));
  return lowering.AddKernel("ingot:pad", {Read(self), Write(out)}, [=](const StepArgs& args) {
    kernels::Fill({count}, {1}, bytes, value.data(), args.At<void>(1), args.threads());
    for (const Move& move : *shared) {
      move.copy.Run(args.At(0) + move.from, args.At(1) + move.to, args.threads());
    }
    return absl::OkStatus();
  });
}

// --- tril, triu ---

template <bool kLower>
absl::Status LowerTriangle(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  const int64_t columns = out.dims.back(), rows = out.dims[out.rank() - 2];
  const int64_t total = out.NumElements() / std::max<int64_t>(columns, 1);
  const int64_t diagonal = view.Int("diagonal");
  const int bytes = ElementBytes(out);
  return lowering.AddKernel("ingot:triangle", {Read(self), Write(out)}, [=](const StepArgs& args) {
    const char* x = args.At(0);
    char* y = args.At(1);
    kernels::ParallelFor(
        args.threads(), total, kernels::GrainFor(1 + 0.1 * static_cast<double>(columns)),
        [&](int64_t begin, int64_t end, int) {
          for (int64_t row = begin; row < end; ++row) {
            // Columns before `split` are at or below the diagonal (tril), or below it (triu).
            const int64_t split =
                std::clamp<int64_t>(row % rows + diagonal + (kLower ? 1 : 0), 0, columns);
            const int64_t first = row * columns * bytes;
            const int64_t left = split * bytes, right = (columns - split) * bytes;
            if (kLower) {
              std::memcpy(y + first, x + first, left);
              std::memset(y + first + left, 0, right);
            } else {
              std::memset(y + first, 0, left);
              std::memcpy(y + first + left, x + first + left, right);
            }
          }
        });
    return absl::OkStatus();
  });
}

// --- slice_scatter, select_scatter: `self` with a window replaced by `src` ---

absl::Status LowerWindowUpdate(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(Tensor src, lowering.Strided(view.Value("src")));
  INGOT_ASSIGN_OR_RETURN(src, Cast(lowering, src, self.dtype));
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  const int64_t dim = Wrap(view.Int("dim"), self.rank()), size = self.dims[dim];
  int64_t start = 0, step = 1;
  if (view.node().op == "aten::select_scatter") {
    start = Wrap(view.Int("index"), size);
    src.dims.insert(src.dims.begin() + dim, 1);
    src.strides.insert(src.strides.begin() + dim, 0);
  } else {
    start = std::clamp<int64_t>(Wrap(view.IntOr("start", 0), size), 0, size);
    step = view.Int("step");
  }
  ir::Dims window = out.strides;
  window[dim] *= step;
  Moves moves;
  INGOT_RETURN_IF_ERROR(AppendMove(moves, 0, 0, self.strides, self.dims, out, 0, out.strides));
  INGOT_RETURN_IF_ERROR(
      AppendMove(moves, 1, 0, src.strides, src.dims, out, start * out.strides[dim], window));
  auto shared = std::make_shared<const Moves>(std::move(moves));
  // Where `self` dies here the first move is from memory onto itself and does nothing.
  return lowering.AddInPlaceKernel(
      "ingot:copy", {Read(self), Read(src), Write(out)}, 0, 2, [shared](const StepArgs& args) {
        for (const Move& move : *shared) {
          move.copy.Run(args.At(move.source) + move.from, args.At(2) + move.to, args.threads());
        }
        return absl::OkStatus();
      });
}

// --- pixel_shuffle, pixel_unshuffle, channel_shuffle: dimensions split, permuted and joined ---

// Moves `self`, seen with dimensions `split`, to `out`, whose dimensions are those of `split` in
// `order`, joined.
absl::Status LowerShuffle(Lowering& lowering, const Unit& unit, const Tensor& self,
                          const ir::Dims& split, const std::vector<int>& order) {
  const ops::OpView view = lowering.View(unit.anchor);
  const Tensor out = lowering.NewTensor(view.OutputType());
  const ir::Dims strides = ir::ContiguousStrides(split);
  ir::Dims dims, from;
  for (int i : order) {
    dims.push_back(split[i]);
    from.push_back(strides[i]);
  }
  Moves moves;
  INGOT_RETURN_IF_ERROR(AppendMove(moves, 0, 0, from, dims, out, 0, ir::ContiguousStrides(dims)));
  lowering.Set(view.node().outputs[0], out);
  return AddMoves(lowering, {self}, out, std::move(moves));
}

// [n, c r r, h, w] to [n, c, h r, w r], or back.
template <bool kUnshuffle>
absl::Status LowerPixelShuffle(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  const int64_t r = view.Int(kUnshuffle ? "downscale_factor" : "upscale_factor");
  // The batch may have any number of dimensions.
  const ir::Dims& small = kUnshuffle ? view.OutputType().dims : self.dims;
  const size_t rank = small.size();
  const int64_t c = small[rank - 3] / (r * r), h = small[rank - 2], w = small[rank - 1];
  int64_t n = 1;
  for (size_t i = 0; i + 3 < rank; ++i) n *= small[i];
  if (kUnshuffle) return LowerShuffle(lowering, unit, self, {n, c, h, r, w, r}, {0, 1, 3, 5, 2, 4});
  return LowerShuffle(lowering, unit, self, {n, c, r, r, h, w}, {0, 1, 4, 2, 5, 3});
}

constexpr OpLowering kMoves[] = {
    {"aten::cat", &SupportsAny, &LowerJoin},
    {"aten::stack", &SupportsAny, &LowerJoin},
    {"aten::repeat", &SupportsAny, &LowerRepeat},
    {"aten::flip", &SupportsAny, &LowerFlip},
    {"aten::roll", &SupportsAny, &LowerRoll},
    {"aten::constant_pad_nd", &SupportsPad, &LowerPad},
    {"aten::tril", &SupportsAny, &LowerTriangle<true>},
    {"aten::triu", &SupportsAny, &LowerTriangle<false>},
    {"aten::pixel_shuffle", &SupportsAny, &LowerPixelShuffle<false>},
    {"aten::pixel_unshuffle", &SupportsAny, &LowerPixelShuffle<true>},
    {"aten::slice_scatter", &SupportsAny, &LowerWindowUpdate},
    {"aten::select_scatter", &SupportsAny, &LowerWindowUpdate},
};

}  // namespace

absl::Span<const OpLowering> MoveLowerings() { return kMoves; }

}  // namespace ingot::onednn
