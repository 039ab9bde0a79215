// Running pointwise plans: tiles, addresses, threads.
#include <algorithm>
#include <cstring>

#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/kernels/pointwise_plan.h"

namespace ingot::kernels::internal {
namespace {

constexpr int kMaxUniformStorage = kMaxPointwiseSlots;

using Plan = PointwisePlan;

// Position in the merged dimensions outside the inner one, and the offsets of strided inputs there.
class Odometer {
 public:
  Odometer(const Plan& plan, int64_t row) : plan_(plan) {
    int64_t rest = row;
    for (int d = plan.rank - 2; d >= 0; --d) {
      index_[d] = rest % plan.dims[d];
      rest /= plan.dims[d];
    }
  }

  int64_t OffsetOf(const Plan::StridedInput& input) const {
    int64_t offset = 0;
    for (int d = 0; d + 1 < plan_.rank; ++d) offset += index_[d] * input.strides[d];
    return offset;
  }

  void NextRow() {
    for (int d = plan_.rank - 2; d >= 0; --d) {
      if (++index_[d] < plan_.dims[d]) return;
      index_[d] = 0;
    }
  }

 private:
  const Plan& plan_;
  int64_t index_[kMaxPointwiseDims] = {};
};

template <class T>
void CopyRun(const void* from, int64_t offset, int64_t stride, int64_t n, T* to) {
  const T* source = static_cast<const T*>(from) + offset;
  if (stride == 1) {
    std::memcpy(to, source, n * sizeof(T));
  } else if (stride == 0) {
    std::fill_n(to, n, *source);
  } else {
    for (int64_t i = 0; i < n; ++i) to[i] = source[i * stride];
  }
}

// Elements [begin, begin + n) of the flattened range of a strided input, gathered into `to`.
template <class T>
void Gather(const Plan& plan, const Plan::StridedInput& input, const void* from, int64_t begin,
            int64_t n, void* to) {
  T* target = static_cast<T*>(to);
  const int64_t stride = plan.rank == 0 ? 0 : input.strides[plan.rank - 1];
  int64_t column = begin % plan.inner;
  Odometer odometer(plan, begin / plan.inner);
  while (n > 0) {
    const int64_t run = std::min(n, plan.inner - column);
    CopyRun(from, odometer.OffsetOf(input) + column * stride, stride, run, target);
    target += run;
    n -= run;
    column = 0;
    if (n > 0) odometer.NextRow();
  }
}

void GatherAny(const Plan& plan, const Plan::StridedInput& input, const void* from, int64_t begin,
               int64_t n, void* to) {
  switch (input.element_size) {
    case 1:
      return Gather<uint8_t>(plan, input, from, begin, n, to);
    case 2:
      return Gather<uint16_t>(plan, input, from, begin, n, to);
    case 4:
      return Gather<uint32_t>(plan, input, from, begin, n, to);
    default:
      return Gather<uint64_t>(plan, input, from, begin, n, to);
  }
}

// Addresses of all slots in one thread. Kernels take const for what they only read.
struct Slots {
  void* at[kMaxPointwiseSlots];
};

void Execute(const Plan::Instruction& instruction, const Slots& slots, int64_t n) {
  instruction.kernel(slots.at[instruction.a], slots.at[instruction.b], slots.at[instruction.c],
                     slots.at[instruction.out], n, instruction.immediates);
}

void BindUniforms(const Plan& plan, const void* const* in, uint64_t* storage, Slots& slots) {
  for (const Plan::Uniform& uniform : plan.uniforms) {
    if (uniform.pointer >= 0) {
      slots.at[uniform.slot] = const_cast<void*>(in[uniform.pointer]);
    } else {
      storage[uniform.storage] = uniform.constant;
      slots.at[uniform.slot] = &storage[uniform.storage];
    }
  }
  for (const Plan::Instruction& instruction : plan.prologue) Execute(instruction, slots, 1);
}

// Runs tiles [begin, end) with the slots' uniforms already bound.
class Worker {
 public:
  Worker(const Plan& plan, const void* const* in, void* const* out, const Slots& uniforms)
      : plan_(plan), in_(in), out_(out) {
    for (const Plan::Uniform& uniform : plan.uniforms) {
      slots_.at[uniform.slot] = uniforms.at[uniform.slot];
    }
    for (const Plan::Register& reg : plan.registers) {
      slots_.at[reg.slot] = buffer_ + static_cast<int64_t>(reg.index) * plan.register_bytes;
    }
    for (const Plan::Broadcast& broadcast : plan.broadcasts) {
      broadcast.fill(slots_.at[broadcast.from], nullptr, nullptr, slots_.at[broadcast.to],
                     std::min(plan.tile, plan.elements), PwImmediates{});
    }
  }

  void RunTiles(int64_t begin, int64_t end) {
    if (plan_.mode == Plan::Mode::kRows) {
      RunRowTiles(begin, end);
      return;
    }
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t * plan_.tile;
      RunTile(first, std::min(plan_.tile, plan_.elements - first));
    }
  }

  // Elements [begin, end), the first of which goes to the output's first place. Whole rows in mode
  // kRows.
  void RunRange(int64_t begin, int64_t end) {
    out_origin_ = begin;
    if (plan_.mode == Plan::Mode::kRows) {
      RunRowTiles(begin / plan_.inner * plan_.tiles_per_row,
                  end / plan_.inner * plan_.tiles_per_row);
      return;
    }
    for (int64_t first = begin; first < end; first += plan_.tile) {
      RunTile(first, std::min(plan_.tile, end - first));
    }
  }

 private:
  void RunRowTiles(int64_t begin, int64_t end) {
    int64_t row = begin / plan_.tiles_per_row;
    int64_t part = begin % plan_.tiles_per_row;
    Odometer odometer(plan_, row);
    SetRowOffsets(odometer);
    for (int64_t t = begin; t < end; ++t) {
      column_ = part * plan_.tile;
      RunTile(row * plan_.inner + column_, std::min(plan_.tile, plan_.inner - column_));
      if (++part == plan_.tiles_per_row) {
        part = 0;
        ++row;
        odometer.NextRow();
        SetRowOffsets(odometer);
      }
    }
  }

  void SetRowOffsets(const Odometer& odometer) {
    for (size_t i = 0; i < plan_.strided_inputs.size(); ++i) {
      row_offsets_[i] = odometer.OffsetOf(plan_.strided_inputs[i]);
    }
  }

  void RunTile(int64_t first, int64_t n) {
    for (const Plan::Memory& memory : plan_.inputs) {
      const int64_t offset = memory.strided < 0 ? first : row_offsets_[memory.strided] + column_;
      slots_.at[memory.slot] = const_cast<char*>(static_cast<const char*>(in_[memory.pointer])) +
                               offset * memory.element_size;
    }
    for (const Plan::Memory& memory : plan_.outputs) {
      slots_.at[memory.slot] =
          static_cast<char*>(out_[memory.pointer]) + (first - out_origin_) * memory.element_size;
    }
    for (const Plan::Instruction& instruction : plan_.body) {
      if (instruction.kernel != nullptr) {
        Execute(instruction, slots_, n);
      } else {
        const Plan::StridedInput& input = plan_.strided_inputs[instruction.input];
        GatherAny(plan_, input, in_[input.pointer], first, n, slots_.at[instruction.out]);
      }
    }
  }

  const Plan& plan_;
  const void* const* in_;
  void* const* out_;
  int64_t column_ = 0;
  int64_t out_origin_ = 0;
  Slots slots_;
  int64_t row_offsets_[kMaxPointwiseSlots];
  alignas(64) char buffer_[kRegisterFileBytes];
};

}  // namespace

void PointwisePlan::Run(const void* const* in, void* const* out, int threads) const {
  if (direct && (threads <= 1 || num_tiles <= grain)) {
    const Instruction& only = body.front();
    only.kernel(in[direct_operands[0]], in[direct_operands[1]], in[direct_operands[2]], out[0],
                elements, only.immediates);
    return;
  }
  if (elements == 0) return;
  Slots uniforms;
  uint64_t storage[kMaxUniformStorage];
  BindUniforms(*this, in, storage, uniforms);
  ParallelFor(threads, num_tiles, grain, [&](int64_t begin, int64_t end, int) {
    Worker worker(*this, in, out, uniforms);
    worker.RunTiles(begin, end);
  });
}

bool PointwisePlan::CanRunRanges(int64_t range) const {
  return num_outputs == 1 && outputs.size() == 1 && outputs[0].element_size == 4 && range > 0 &&
         range <= Pointwise::kMaxRange && elements % range == 0 &&
         (mode != Mode::kRows || range % inner == 0);
}

void PointwisePlan::RunRanges(const void* const* in, int64_t range, int threads,
                              Pointwise::Consume consume) const {
  const int64_t count = elements / range;
  if (count == 0) return;
  Slots uniforms;
  uint64_t storage[kMaxUniformStorage];
  BindUniforms(*this, in, storage, uniforms);
  const int64_t least = GrainFor(nanoseconds / static_cast<double>(count));
  ParallelFor(threads, count, least, [&](int64_t begin, int64_t end, int) {
    alignas(64) float values[Pointwise::kMaxRange];
    void* const out = values;
    Worker worker(*this, in, &out, uniforms);
    for (int64_t i = begin; i < end; ++i) {
      worker.RunRange(i * range, (i + 1) * range);
      consume(i, values);
    }
  });
}

}  // namespace ingot::kernels::internal
