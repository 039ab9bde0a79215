#include "backends/onednn/kernels/pointwise_plan.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/kernels/pointwise_pairs.h"

namespace ingot::kernels::internal {
namespace {

using Program = PointwiseProgram;
using Plan = PointwisePlan;

// Four registers of f32 and two operands in memory stay within 32 KiB of L1.
constexpr int64_t kTileElements = 1024;
// Rows at least this long are walked one by one; shorter ones would spend more on addresses than on
// elements.
constexpr int64_t kMinRowElements = 256;

// An element's op in the loop of another.
constexpr double kInnerNanoseconds = 0.015;

constexpr int kUnassigned = -1;

class Compiler {
 public:
  explicit Compiler(const Program& program)
      : program_(program), plan_(std::make_unique<Plan>()), info_(program.values.size()) {}

  absl::StatusOr<std::unique_ptr<const Plan>> Compile() {
    CountElements();
    MarkLive();
    MarkUniform();
    if (absl::Status status = MergeDims(); !status.ok()) return status;
    ChooseMode();
    PlaceInputs();
    ChoosePairs();
    for (size_t v = 0; v < info_.size(); ++v) {
      if (!info_[v].live || program_.values[v].kind != Program::Kind::kOp) continue;
      if (pairs_[v].is_inner) continue;
      if (absl::Status status = EmitOp(static_cast<int>(v)); !status.ok()) return status;
    }
    EmitOutputs();
    if (plan_->num_slots > kMaxPointwiseSlots) {
      return absl::ResourceExhaustedError(
          absl::StrCat("pointwise program needs ", plan_->num_slots, " operands at once, at most ",
                       kMaxPointwiseSlots, " are possible; split it"));
    }
    AllocateRegisters();
    if (plan_->num_registers * int64_t{16} * 8 > kRegisterFileBytes) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "pointwise program keeps ", plan_->num_registers, " tiles alive at once; split it"));
    }
    ChooseTile();
    FindDirect();
    return std::unique_ptr<const Plan>(std::move(plan_));
  }

 private:
  struct Info {
    bool live = false;
    bool uniform = false;
    int strided = -1;  // inputs: index of its StridedInput, or dense
    int slot = kUnassigned;
    int broadcast = kUnassigned;  // slot of a uniform's full tile
  };

  const Program::Value& value(int v) const { return program_.values[v]; }
  int64_t size(int v) const { return static_cast<int64_t>(ir::ElementSize(value(v).dtype)); }
  Slot NewSlot() { return static_cast<Slot>(plan_->num_slots++); }

  void CountElements() {
    plan_->elements = 1;
    for (int64_t dim : program_.shape) plan_->elements *= dim;
    plan_->num_outputs = static_cast<int>(program_.outputs.size());
  }

  void MarkLive() {
    for (int v : program_.outputs) info_[v].live = true;
    for (int v = static_cast<int>(info_.size()) - 1; v >= 0; --v) {
      if (!info_[v].live) continue;
      for (int operand : value(v).operands) {
        if (operand >= 0) info_[operand].live = true;
      }
    }
  }

  void MarkUniform() {
    for (size_t v = 0; v < info_.size(); ++v) {
      const Program::Value& value = program_.values[v];
      if (value.kind == Program::Kind::kConstant) {
        info_[v].uniform = true;
      } else if (value.kind == Program::Kind::kInput) {
        info_[v].uniform = plan_->elements > 1 && AllStridesZero(value);
      } else {
        info_[v].uniform = true;
        for (int operand : value.operands) {
          if (operand >= 0 && !info_[operand].uniform) info_[v].uniform = false;
        }
      }
    }
  }

  bool AllStridesZero(const Program::Value& value) const {
    for (size_t d = 0; d < value.strides.size(); ++d) {
      if (program_.shape[d] > 1 && value.strides[d] != 0) return false;
    }
    return true;
  }

  // Dimensions that every input walks as one become one; those of size 1 go.
  absl::Status MergeDims() {
    std::vector<int> inputs;
    for (size_t v = 0; v < info_.size(); ++v) {
      if (program_.values[v].kind == Program::Kind::kInput && info_[v].live && !info_[v].uniform) {
        inputs.push_back(static_cast<int>(v));
      }
    }
    std::vector<int64_t> dims;
    std::vector<std::vector<int64_t>> strides(inputs.size());
    for (size_t d = 0; d < program_.shape.size(); ++d) {
      const int64_t dim = program_.shape[d];
      if (dim == 1) continue;
      bool merges = !dims.empty();
      for (size_t i = 0; i < inputs.size() && merges; ++i) {
        merges = strides[i].back() == value(inputs[i]).strides[d] * dim;
      }
      if (merges) {
        dims.back() *= dim;
      } else {
        dims.push_back(dim);
      }
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (!merges) strides[i].push_back(0);
        strides[i].back() = value(inputs[i]).strides[d];
      }
    }
    if (dims.size() > static_cast<size_t>(kMaxPointwiseDims)) {
      return absl::UnimplementedError(absl::StrCat("pointwise operands have ", dims.size(),
                                                   " dimensions that cannot be merged, at most ",
                                                   kMaxPointwiseDims, " are possible"));
    }
    plan_->rank = static_cast<int>(dims.size());
    std::copy(dims.begin(), dims.end(), plan_->dims.begin());
    plan_->inner = dims.empty() ? 1 : dims.back();
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (IsDense(strides[i])) continue;
      info_[inputs[i]].strided = static_cast<int>(plan_->strided_inputs.size());
      Plan::StridedInput strided;
      strided.pointer = static_cast<int16_t>(value(inputs[i]).input);
      strided.element_size = static_cast<int32_t>(size(inputs[i]));
      std::copy(strides[i].begin(), strides[i].end(), strided.strides.begin());
      plan_->strided_inputs.push_back(strided);
    }
    return absl::OkStatus();
  }

  bool IsDense(const std::vector<int64_t>& strides) const {
    int64_t dense = 1;
    for (int d = plan_->rank - 1; d >= 0; --d) {
      if (strides[d] != dense) return false;
      dense *= plan_->dims[d];
    }
    return true;
  }

  void ChooseMode() {
    if (plan_->strided_inputs.empty()) {
      plan_->mode = Plan::Mode::kFlat;
    } else {
      plan_->mode = plan_->inner >= kMinRowElements ? Plan::Mode::kRows : Plan::Mode::kPacked;
    }
  }

  // In place from memory, or gathered into a register before first use.
  void PlaceInputs() {
    for (size_t v = 0; v < info_.size(); ++v) {
      Info& info = info_[v];
      const Program::Value& value = program_.values[v];
      if (!info.live || value.kind == Program::Kind::kOp) continue;
      info.slot = NewSlot();
      if (info.uniform) {
        AddUniform(static_cast<int>(v));
        continue;
      }
      const bool in_place =
          info.strided < 0 || (plan_->mode == Plan::Mode::kRows &&
                               plan_->strided_inputs[info.strided].strides[plan_->rank - 1] == 1);
      if (in_place) {
        plan_->inputs.push_back({static_cast<Slot>(info.slot), static_cast<int16_t>(value.input),
                                 static_cast<int16_t>(info.strided),
                                 static_cast<int32_t>(size(static_cast<int>(v)))});
      } else {
        Plan::Instruction gather;
        gather.a = gather.b = gather.c = gather.out = static_cast<Slot>(info.slot);
        gather.input = static_cast<int16_t>(info.strided);
        plan_->body.push_back(gather);
        register_slots_.push_back(info.slot);
      }
    }
  }

  void AddUniform(int v) {
    Plan::Uniform uniform;
    uniform.slot = static_cast<Slot>(info_[v].slot);
    if (value(v).kind == Program::Kind::kInput) {
      uniform.pointer = static_cast<int16_t>(value(v).input);
    } else {
      uniform.storage = static_cast<int16_t>(plan_->num_uniform_storage++);
      uniform.constant = value(v).constant;
    }
    plan_->uniforms.push_back(uniform);
  }

  // The slot of a full tile of v, uniform or not.
  Slot TileSlot(int v) {
    Info& info = info_[v];
    if (!info.uniform) return static_cast<Slot>(info.slot);
    if (info.broadcast == kUnassigned) {
      info.broadcast = NewSlot();
      persistent_slots_.push_back(info.broadcast);
      plan_->broadcasts.push_back({FindFillKernel(static_cast<int>(size(v))),
                                   static_cast<Slot>(info.slot),
                                   static_cast<Slot>(info.broadcast)});
    }
    return static_cast<Slot>(info.broadcast);
  }

  void ChoosePairs() {
    std::vector<bool> live, uniform;
    for (const Info& info : info_) {
      live.push_back(info.live);
      uniform.push_back(info.uniform);
    }
    pairs_ = ChoosePointwisePairs(program_, live, uniform);
  }

  void EmitPair(int v) {
    const Program::Value& op = value(v);
    const PointwisePair& pair = pairs_[v];
    info_[v].slot = NewSlot();
    Plan::Instruction instruction;
    instruction.kernel = pair.kernel;
    instruction.immediates = op.immediates;
    instruction.out = static_cast<Slot>(info_[v].slot);
    instruction.a = static_cast<Slot>(info_[pair.a].slot);
    instruction.b = static_cast<Slot>(info_[pair.b].slot);
    // An absent one is read as a uniform, and not used.
    instruction.c = pair.c < 0 ? instruction.a : static_cast<Slot>(info_[pair.c].slot);
    plan_->body.push_back(instruction);
    register_slots_.push_back(info_[v].slot);
    plan_->nanoseconds +=
        (CostOf(op.op, op.dtype) + kInnerNanoseconds) * static_cast<double>(plan_->elements);
  }

  absl::Status EmitOp(int v) {
    const Program::Value& op = value(v);
    Info& info = info_[v];
    if (pairs_[v].kernel != nullptr) {
      EmitPair(v);
      return absl::OkStatus();
    }
    info.slot = NewSlot();
    Plan::Instruction instruction;
    instruction.immediates = op.immediates;
    instruction.out = static_cast<Slot>(info.slot);
    const DType dtype = value(op.op == PwOp::kWhere ? op.operands[1] : op.operands[0]).dtype;
    const PwUniform uniform = info.uniform ? PwUniform::kNone : UniformOperand(op);
    if (op.op == PwOp::kCast) {
      instruction.kernel = FindCastKernel(dtype, op.dtype);
    } else {
      if (dtype == DType::kFloat32) instruction.kernel = FindF32Kernel(op.op, uniform);
      if (instruction.kernel == nullptr) instruction.kernel = FindPlainKernel(op.op, dtype);
    }
    if (instruction.kernel == nullptr) {
      return absl::UnimplementedError(
          absl::StrCat("pointwise ", PwOpName(op.op), " of ", ir::DTypeName(dtype)));
    }
    const int shift = op.op == PwOp::kWhere ? 1 : 0;
    Slot* const slots[3] = {&instruction.a, &instruction.b, &instruction.c};
    for (int i = 0; i < PwOpArity(op.op); ++i) {
      const int operand = op.operands[i];
      const bool as_uniform = info.uniform || (uniform == PwUniform::kFirst && i == shift) ||
                              (uniform == PwUniform::kSecond && i == shift + 1);
      *slots[i] = as_uniform ? static_cast<Slot>(info_[operand].slot) : TileSlot(operand);
    }
    for (int i = PwOpArity(op.op); i < 3; ++i) *slots[i] = instruction.a;
    if (info.uniform) {
      Plan::Uniform storage;
      storage.slot = instruction.out;
      storage.storage = static_cast<int16_t>(plan_->num_uniform_storage++);
      plan_->uniforms.push_back(storage);
      plan_->prologue.push_back(instruction);
    } else {
      plan_->body.push_back(instruction);
      register_slots_.push_back(info.slot);
      plan_->nanoseconds += CostOf(op.op, dtype) * static_cast<double>(plan_->elements);
    }
    return absl::OkStatus();
  }

  // The operand that a vectorised loop can read as a scalar.
  PwUniform UniformOperand(const Program::Value& op) const {
    const int shift = op.op == PwOp::kWhere ? 1 : 0;
    const DType dtype = value(op.operands[shift]).dtype;
    if (dtype != DType::kFloat32 || PwOpArity(op.op) < 2) return PwUniform::kNone;
    for (PwUniform uniform : {PwUniform::kFirst, PwUniform::kSecond}) {
      const int operand = op.operands[shift + (uniform == PwUniform::kSecond ? 1 : 0)];
      if (info_[operand].uniform && FindF32Kernel(op.op, uniform) != nullptr) return uniform;
    }
    return PwUniform::kNone;
  }

  // An output is computed in place when nothing after it reads an input it may be the same buffer
  // as; else it is copied out of a register when the tile is done.
  void EmitOutputs() {
    std::vector<int> in_place(info_.size(), -1);
    std::vector<std::pair<int, int>> copies;  // value, output
    for (size_t o = 0; o < program_.outputs.size(); ++o) {
      const int v = program_.outputs[o];
      if (CanComputeInPlace(v) && in_place[v] < 0) {
        in_place[v] = static_cast<int>(o);
      } else {
        copies.emplace_back(v, static_cast<int>(o));
      }
    }
    // Copies read dense inputs last, so nothing may have been written before they are all safe in
    // registers.
    for (auto& [v, o] : copies) {
      if (value(v).kind == Program::Kind::kInput && !info_[v].uniform && info_[v].strided < 0 &&
          program_.outputs.size() > 1) {
        Plan::Instruction load = Copy(v, NewSlot());
        register_slots_.push_back(load.out);
        plan_->body.insert(plan_->body.begin(), load);
        staged_.emplace_back(v, load.out);
      }
    }
    for (size_t v = 0; v < info_.size(); ++v) {
      if (in_place[v] < 0) continue;
      AddOutput(static_cast<Slot>(info_[v].slot), in_place[v], static_cast<int>(v));
      register_slots_.erase(
          std::find(register_slots_.begin(), register_slots_.end(), info_[v].slot));
    }
    for (const auto& [v, o] : copies) {
      const Slot slot = NewSlot();
      AddOutput(slot, o, v);
      Plan::Instruction copy = Copy(v, slot);
      for (const auto& [staged, from] : staged_) {
        if (staged == v) copy.a = copy.b = copy.c = from;
      }
      plan_->body.push_back(copy);
      plan_->nanoseconds += 0.05 * static_cast<double>(plan_->elements);
    }
  }

  Plan::Instruction Copy(int v, Slot to) const {
    Plan::Instruction copy;
    copy.kernel = info_[v].uniform ? FindFillKernel(static_cast<int>(size(v)))
                                   : FindCastKernel(value(v).dtype, value(v).dtype);
    copy.a = copy.b = copy.c = static_cast<Slot>(info_[v].slot);
    copy.out = to;
    return copy;
  }

  void AddOutput(Slot slot, int output, int v) {
    plan_->outputs.push_back(
        {slot, static_cast<int16_t>(output), -1, static_cast<int32_t>(size(v))});
  }

  bool CanComputeInPlace(int v) const {
    if (info_[v].uniform || value(v).kind != Program::Kind::kOp) return false;
    bool defined = false;
    for (const Plan::Instruction& instruction : plan_->body) {
      if (defined && (ReadsMemory(instruction.a, size(v)) || ReadsMemory(instruction.b, size(v)) ||
                      ReadsMemory(instruction.c, size(v)))) {
        return false;
      }
      defined = defined || instruction.out == info_[v].slot;
    }
    // Copies at the end read too.
    for (int output : program_.outputs) {
      if (value(output).kind == Program::Kind::kInput && program_.outputs.size() == 1) return false;
    }
    return true;
  }

  // Whether the slot is a dense input that an output with this element size may share its buffer
  // with.
  bool ReadsMemory(Slot slot, int64_t element_size) const {
    return std::any_of(plan_->inputs.begin(), plan_->inputs.end(), [&](const Plan::Memory& m) {
      return m.slot == slot && m.strided < 0 && m.element_size == element_size;
    });
  }

  // Linear scan: a slot keeps its register from its definition to its last use. An operand that
  // dies gives its register to the result only after the instruction: element sizes may differ.
  void AllocateRegisters() {
    std::vector<int> last_use(plan_->num_slots, -1);
    for (size_t i = 0; i < plan_->body.size(); ++i) {
      for (Slot slot : Reads(plan_->body[i])) last_use[slot] = static_cast<int>(i);
    }
    std::vector<bool> is_register(plan_->num_slots, false);
    for (int slot : register_slots_) is_register[slot] = true;
    std::vector<int> free, holds(plan_->num_slots, kUnassigned);
    int count = 0;
    for (int slot : persistent_slots_) {
      plan_->registers.push_back({static_cast<Slot>(slot), static_cast<int16_t>(count++)});
    }
    for (size_t i = 0; i < plan_->body.size(); ++i) {
      const Slot out = plan_->body[i].out;
      if (is_register[out]) {
        if (free.empty()) {
          free.push_back(count++);
        }
        holds[out] = free.back();
        free.pop_back();
        plan_->registers.push_back({out, static_cast<int16_t>(holds[out])});
      }
      for (Slot slot : Reads(plan_->body[i])) {
        if (is_register[slot] && last_use[slot] == static_cast<int>(i) &&
            holds[slot] != kUnassigned) {
          free.push_back(holds[slot]);
          holds[slot] = kUnassigned;
        }
      }
    }
    plan_->num_registers = count;
  }

  static std::array<Slot, 3> Reads(const Plan::Instruction& instruction) {
    return {instruction.a, instruction.b, instruction.c};
  }

  void ChooseTile() {
    int64_t widest = 1;
    for (size_t v = 0; v < info_.size(); ++v) {
      const bool has_tile = !info_[v].uniform || info_[v].broadcast != kUnassigned;
      if (info_[v].live && has_tile) widest = std::max(widest, size(static_cast<int>(v)));
    }
    int64_t tile = kTileElements;
    if (plan_->num_registers > 0) {
      const int64_t fits = kRegisterFileBytes / (widest * plan_->num_registers) / 16 * 16;
      tile = std::min(tile, std::max<int64_t>(fits, 16));
    }
    // Equal parts of a row rather than full tiles and a short one.
    const int64_t length =
        plan_->mode == Plan::Mode::kRows ? plan_->inner : std::max<int64_t>(plan_->elements, 1);
    if (plan_->mode == Plan::Mode::kRows) {
      const int64_t parts = (length + tile - 1) / tile;
      tile = std::min(tile, ((length + parts - 1) / parts + 15) / 16 * 16);
    }
    plan_->tile = tile;
    plan_->register_bytes = static_cast<int>(tile * widest);
    plan_->tiles_per_row = (length + tile - 1) / tile;
    plan_->num_tiles = plan_->tiles_per_row *
                       (plan_->mode == Plan::Mode::kRows ? plan_->elements / plan_->inner : 1);
    plan_->nanoseconds += 0.1 * static_cast<double>(plan_->elements) *
                              static_cast<double>(plan_->strided_inputs.size()) +
                          5.0;
    plan_->grain =
        GrainFor(plan_->nanoseconds / static_cast<double>(std::max<int64_t>(plan_->num_tiles, 1)));
  }

  void FindDirect() {
    if (plan_->mode != Plan::Mode::kFlat || plan_->body.size() != 1 || !plan_->prologue.empty() ||
        !plan_->broadcasts.empty() || plan_->body[0].kernel == nullptr) {
      return;
    }
    const Slot operands[3] = {plan_->body[0].a, plan_->body[0].b, plan_->body[0].c};
    std::array<int16_t, 3> pointers = {0, 0, 0};
    int arity = 1;
    for (size_t v = 0; v < program_.values.size(); ++v) {
      if (program_.values[v].kind != Program::Kind::kOp || !info_[v].live) continue;
      arity = pairs_[v].kernel != nullptr ? 3 : PwOpArity(program_.values[v].op);
    }
    for (int i = 0; i < arity; ++i) {
      int pointer = -1;
      for (const Plan::Memory& m : plan_->inputs) {
        if (m.slot == operands[i]) pointer = m.pointer;
      }
      for (const Plan::Uniform& u : plan_->uniforms) {
        if (u.slot == operands[i]) pointer = u.pointer;
      }
      if (pointer < 0) return;
      pointers[i] = static_cast<int16_t>(pointer);
    }
    plan_->direct = true;
    plan_->direct_operands = pointers;
  }

  const Program& program_;
  std::unique_ptr<Plan> plan_;
  std::vector<Info> info_;
  std::vector<PointwisePair> pairs_;   // by value
  std::vector<int> register_slots_;    // written in the body, live for a part of it
  std::vector<int> persistent_slots_;  // broadcasts, live throughout
  std::vector<std::pair<int, Slot>> staged_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const PointwisePlan>> CompilePointwise(
    const PointwiseProgram& program) {
  return Compiler(program).Compile();
}

}  // namespace ingot::kernels::internal
