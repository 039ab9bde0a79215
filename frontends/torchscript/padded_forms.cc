#include "frontends/torchscript/padded_forms.h"

#include <ATen/ops/arange.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/torchscript/functional_call.h"
#include "frontends/torchscript/record.h"

namespace ingot::torchscript {
namespace {

using ir::ValueId;
using ir::ValueRef;

// Of `_transformer_encoder_layer_fwd`, by LibTorch's schema.
constexpr size_t kLayerMask = 18, kLayerMaskType = 19;
constexpr int64_t kKeyPaddingMask = 1;

std::vector<int64_t> Sizes(const ir::TensorType& type) {
  return {type.dims.begin(), type.dims.end()};
}

}  // namespace

absl::Status PaddedForms::Process(const Call& call) {
  struct Entry {
    absl::string_view op;
    absl::Status (PaddedForms::*process)(const Call&);
  };
  static constexpr Entry kOps[] = {
      {"aten::_nested_tensor_from_mask", &PaddedForms::FromMask},
      {"aten::_transformer_encoder_layer_fwd", &PaddedForms::EncoderLayer},
      {"aten::to_padded_tensor", &PaddedForms::ToPadded},
      {"aten::nested_to_padded_tensor", &PaddedForms::ToPadded},
  };
  for (const Entry& entry : kOps) {
    if (entry.op == call.rule->name) return (this->*entry.process)(call);
  }
  return absl::UnimplementedError(
      "takes or returns a nested tensor, which graphs hold only inside of nn.TransformerEncoder's "
      "fast path: pad it in the model");
}

absl::StatusOr<PaddedForms::Form> PaddedForms::FormOf(const TensorSnapshot& nested) const {
  const auto form = forms_.find(nested.tensor.unsafeGetTensorImpl());
  if (form != forms_.end()) return form->second;
  return absl::UnimplementedError(
      "takes a nested tensor that was not made from a padded one and its mask in the recorded "
      "call: pad it in the model");
}

// (Tensor t [batch, rows, features], Tensor mask [batch, rows], bool mask_check). As many rows of
// each as its mask has true elements; `mask_check` insists that those come first.
absl::Status PaddedForms::FromMask(const Call& call) {
  if (call.inputs[2].value.toBool()) {
    return DataDependentError(call.rule->name,
                              "with mask_check refuses masks by their elements; leave it out");
  }
  Form form;
  INGOT_ASSIGN_OR_RETURN(form.padded, memory_->Read(call.inputs[0].tensors[0]));
  INGOT_ASSIGN_OR_RETURN(const ValueId mask, memory_->Read(call.inputs[1].tensors[0]));
  const std::vector<int64_t> sizes = Sizes(graph_->type(mask));
  const ValueId lengths = memory_->Emit("aten::sum.dim_IntList",
                                        {ValueRef{mask}, std::vector<int64_t>{1}, true, ir::None{}},
                                        {ir::DType::kInt64, {sizes[0], 1}});
  const ValueId rows = constants_->Add(at::arange(sizes[1]), "");
  form.is_padding = memory_->Emit("aten::ge.Tensor", {ValueRef{rows}, ValueRef{lengths}},
                                  {ir::DType::kBool, {sizes[0], sizes[1]}});
  forms_[call.outputs[0].tensors[0].tensor.unsafeGetTensorImpl()] = form;
  return absl::OkStatus();
}

// The layer on the padded form, whose keys are masked instead of left out.
absl::Status PaddedForms::EncoderLayer(const Call& call) {
  if (!call.inputs[kLayerMask].value.isNone()) {
    return absl::UnimplementedError("has a mask beside its nested tensor");
  }
  const TensorSnapshot& nested = call.inputs[0].tensors[0];
  INGOT_ASSIGN_OR_RETURN(Form form, FormOf(nested));
  INGOT_ASSIGN_OR_RETURN(const FunctionalCall functional, ToFunctional(call));
  const auto value_of = [&](const TensorSnapshot& tensor) -> absl::StatusOr<ValueId> {
    if (tensor.tensor.is_same(nested.tensor)) return form.padded;
    return memory_->Read(tensor);
  };
  INGOT_ASSIGN_OR_RETURN(std::vector<ir::Argument> args, ToArguments(functional, value_of));
  args[kLayerMask] = ValueRef{form.is_padding};
  args[kLayerMaskType] = kKeyPaddingMask;
  form.padded = memory_->Emit(functional.op, std::move(args), graph_->type(form.padded));
  forms_[call.outputs[0].tensors[0].tensor.unsafeGetTensorImpl()] = form;
  return absl::OkStatus();
}

// (Tensor self, float padding, int[]? output_size).
absl::Status PaddedForms::ToPadded(const Call& call) {
  INGOT_ASSIGN_OR_RETURN(const Form form, FormOf(call.inputs[0].tensors[0]));
  const ir::TensorType type = graph_->type(form.padded);
  if (call.inputs[2].value.isNone()) {
    return DataDependentError(call.rule->name,
                              "sizes its result by the longest row: pass output_size");
  }
  const std::vector<int64_t> sizes = call.inputs[2].value.toIntVector();
  if (sizes.size() != type.dims.size() || sizes[0] != type.dims[0] || sizes[1] < type.dims[1] ||
      sizes[2] < type.dims[2]) {
    return DataDependentError(call.rule->name,
                              "to fewer rows than before the padding was dropped fails or not "
                              "by the mask's elements; pass the padded input's size");
  }
  const double padding = call.inputs[1].value.toDouble();
  const ValueId mask = memory_->Emit(
      "aten::view",
      {ValueRef{form.is_padding}, std::vector<int64_t>{type.dims[0], type.dims[1], 1}},
      {ir::DType::kBool, {type.dims[0], type.dims[1], 1}});
  ValueId value = memory_->Emit("aten::masked_fill.Scalar",
                                {ValueRef{form.padded}, ValueRef{mask}, padding}, type);
  if (sizes != Sizes(type)) {
    std::vector<int64_t> after = {0, sizes[2] - type.dims[2], 0, sizes[1] - type.dims[1]};
    value = memory_->Emit("aten::constant_pad_nd", {ValueRef{value}, std::move(after), padding},
                          {type.dtype, {sizes[0], sizes[1], sizes[2]}});
  }
  memory_->DefineResult(call.outputs[0].tensors[0], value);
  return absl::OkStatus();
}

}  // namespace ingot::torchscript
