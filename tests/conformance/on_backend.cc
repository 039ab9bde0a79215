#include "tests/conformance/on_backend.h"

#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/ir/builder.h"
#include "core/ir/digest.h"
#include "core/plugin/tensor.h"

namespace ingot::conformance {
namespace {

bool IsDataNumber(const ops::OpDef& def, size_t i, const ir::Argument& arg) {
  if (!std::holds_alternative<bool>(arg) && !std::holds_alternative<int64_t>(arg) &&
      !std::holds_alternative<double>(arg)) {
    return false;
  }
  for (absl::string_view name : absl::StrSplit(def.data_scalars, ',', absl::SkipEmpty())) {
    if (i < def.schema.args.size() && def.schema.args[i].name == name) return true;
  }
  return false;
}

HostTensor NumberTensor(const ir::Argument& arg) {
  if (const auto* value = std::get_if<double>(&arg)) {
    HostTensor tensor({ir::DType::kFloat64, {}});
    tensor.SetDouble(0, *value);
    return tensor;
  }
  const auto* truth = std::get_if<bool>(&arg);
  HostTensor tensor({truth != nullptr ? ir::DType::kBool : ir::DType::kInt64, {}});
  tensor.SetInt(0, truth != nullptr ? *truth : std::get<int64_t>(arg));
  return tensor;
}

struct Program {
  ir::Graph graph;
  std::vector<ir::Constant> constants;
  std::vector<HostTensor> inputs;  // of the executable, in order
};

class ProgramBuilder {
 public:
  ProgramBuilder(const ops::Call& call, const std::vector<HostTensor>& operands, Passing passing)
      : call_(call), operands_(operands), passing_(passing) {}

  absl::StatusOr<Program> Build() && {
    std::vector<ir::Argument> args = call_.args;
    const size_t seeds = call_.def->Is(ops::kRandom) ? 1 : 0;
    std::vector<ir::ValueId> ids;
    for (size_t k = 0; k < operands_.size() - seeds; ++k) ids.push_back(AddOperand(k));
    if (seeds != 0) {  // GraphBuilder adds the seed argument itself
      args.pop_back();
      program_.inputs.push_back(operands_.back());
    }
    for (size_t i = 0; i < args.size(); ++i) {
      if (passing_ == Passing::kNumbers && IsDataNumber(*call_.def, i, args[i])) {
        program_.inputs.push_back(NumberTensor(args[i]));
        args[i] = ir::ValueRef{builder_.Scalar(program_.inputs.back().type().dtype)};
      } else {
        Renumber(args[i], ids);
      }
    }
    for (ir::ValueId id : builder_.Ops(call_.def->schema.op, std::move(args))) builder_.Result(id);
    INGOT_ASSIGN_OR_RETURN(program_.graph, std::move(builder_).Build());
    return std::move(program_);
  }

 private:
  ir::ValueId AddOperand(size_t k) {
    const HostTensor& tensor = operands_[k];
    if (passing_ != Passing::kConstants || k == 0) {
      program_.inputs.push_back(tensor);
      return builder_.Argument(tensor.type());
    }
    const ir::Digest digest = ir::Sha256(tensor.data(), tensor.type().NumBytes());
    program_.constants.push_back({digest, tensor.type(), tensor.data(), tensor.share()});
    return builder_.Constant(tensor.type(), digest);
  }

  static void Renumber(ir::Argument& arg, const std::vector<ir::ValueId>& ids) {
    if (auto* ref = std::get_if<ir::ValueRef>(&arg)) ref->id = ids[ref->id];
    if (auto* list = std::get_if<ir::ValueRefList>(&arg)) {
      for (ir::ValueId& id : list->ids) {
        if (id != ir::kNoValue) id = ids[id];
      }
    }
  }

  const ops::Call& call_;
  const std::vector<HostTensor>& operands_;
  const Passing passing_;
  ir::GraphBuilder builder_;
  Program program_;
};

ingot_tensor Tensor(HostTensor& tensor) {
  return plugin::MakeTensor(tensor.data(), tensor.type().dtype, tensor.type().dims,
                            tensor.strides());
}

absl::StatusOr<std::vector<HostTensor>> Execute(const plugin::Executable& executable,
                                                Program& program, uint8_t fill) {
  std::vector<ingot_tensor> inputs, outputs;
  std::vector<HostTensor> results, before;
  for (HostTensor& input : program.inputs) {
    inputs.push_back(Tensor(input));
    std::memcpy(before.emplace_back(input.type()).data(), input.data(), input.type().NumBytes());
  }
  for (const ir::OutputSpec& output : program.graph.outputs()) {
    results.emplace_back(program.graph.type(output.value), fill);
  }
  for (HostTensor& result : results) outputs.push_back(Tensor(result));
  HostTensor workspace({ir::DType::kUInt8, {static_cast<int64_t>(executable.workspace_bytes())}},
                       fill);
  ingot_run_context context{};
  context.struct_size = sizeof(context);
  INGOT_RETURN_IF_ERROR(executable.Execute(
      context, inputs, outputs, executable.workspace_bytes() == 0 ? nullptr : workspace.data()));
  bool intact = workspace.GuardIntact();
  for (const HostTensor& result : results) intact &= result.GuardIntact();
  if (!intact) return absl::InternalError("wrote behind the end of a buffer");
  for (size_t i = 0; i < before.size(); ++i) {
    if (!before[i].SameBytes(program.inputs[i])) return absl::InternalError("wrote to an input");
  }
  return results;
}

}  // namespace

const char* Name(Passing passing) {
  switch (passing) {
    case Passing::kArguments:
      return "arguments";
    case Passing::kNumbers:
      return "numbers as inputs";
    case Passing::kConstants:
      return "constants";
  }
  return "";
}

bool Applies(const ops::Call& call, Passing passing) {
  switch (passing) {
    case Passing::kArguments:
      return true;
    case Passing::kNumbers:
      for (size_t i = 0; i < call.args.size(); ++i) {
        if (IsDataNumber(*call.def, i, call.args[i])) return true;
      }
      return false;
    case Passing::kConstants:
      return call.operands.size() > (call.def->Is(ops::kRandom) ? 2 : 1);
  }
  return false;
}

absl::StatusOr<std::vector<HostTensor>> RunOnBackend(const plugin::Backend& backend,
                                                     const ops::Call& call,
                                                     const std::vector<HostTensor>& operands,
                                                     Passing passing) {
  INGOT_ASSIGN_OR_RETURN(Program program, ProgramBuilder(call, operands, passing).Build());
  INGOT_ASSIGN_OR_RETURN(const auto support, backend.Query(program.graph));
  if (!support[0].claimed) return absl::UnimplementedError(support[0].reason);
  INGOT_ASSIGN_OR_RETURN(const auto executable, backend.Compile(program.graph, program.constants));
  INGOT_ASSIGN_OR_RETURN(auto results, Execute(*executable, program, 0x00));
  INGOT_ASSIGN_OR_RETURN(const auto again, Execute(*executable, program, 0xcd));
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].SameBytes(again[i])) {
      return absl::InternalError("a second run gave other results");
    }
  }
  return results;
}

}  // namespace ingot::conformance
