#include "backends/onednn/engine.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

using DimsArray = std::array<dnnl_dim_t, DNNL_MAX_NDIMS>;

DimsArray ToArray(absl::Span<const int64_t> values) {
  DimsArray array{};
  std::copy(values.begin(), values.end(), array.begin());
  return array;
}

// oneDNN counts the holes between taps, PyTorch the distance.
DimsArray Holes(absl::Span<const int64_t> dilation) {
  DimsArray array{};
  std::transform(dilation.begin(), dilation.end(), array.begin(), [](int64_t d) { return d - 1; });
  return array;
}

const char* Word(dnnl_status_t status) {
  switch (status) {
    case dnnl_out_of_memory:
      return "out of memory";
    case dnnl_invalid_arguments:
      return "invalid arguments";
    case dnnl_unimplemented:
      return "not implemented";
    case dnnl_runtime_error:
      return "run-time error";
    case dnnl_not_required:
      return "not required";
    default:
      return "unknown error";
  }
}

// Calls `make(attr, &desc)` once all descriptors have proved valid.
template <typename Make>
absl::StatusOr<PrimitiveDesc> MakeDesc(absl::string_view what,
                                       std::initializer_list<const MemoryDesc*> operands,
                                       const Attributes& attributes, Make make) {
  for (const MemoryDesc* operand : operands) {
    if (!operand->valid()) {
      return absl::InternalError(absl::StrCat(what, ": oneDNN refused an operand's layout"));
    }
  }
  INGOT_ASSIGN_OR_RETURN(dnnl_primitive_attr_t attr, attributes.Get());
  dnnl_primitive_desc_t desc = nullptr;
  INGOT_RETURN_IF_ERROR(FromDnnl(make(attr, &desc), absl::StrCat("oneDNN ", what)));
  return PrimitiveDesc(desc);
}

}  // namespace

absl::Status FromDnnl(dnnl_status_t status, absl::string_view what) {
  if (status == dnnl_success) return absl::OkStatus();
  const std::string message = absl::StrCat(what, ": ", Word(status));
  if (status == dnnl_out_of_memory) return absl::ResourceExhaustedError(message);
  if (status == dnnl_unimplemented) return absl::UnimplementedError(message);
  return absl::InternalError(message);
}

dnnl_engine_t CpuEngine() {
  static const dnnl_engine_t engine = [] {
    dnnl_engine_t e = nullptr;
    dnnl_engine_create(&e, dnnl_cpu, 0);
    return e;
  }();
  return engine;
}

std::string LibraryVersion() {
  const dnnl_version_t* v = dnnl_version();
  return absl::StrCat(v->major, ".", v->minor, ".", v->patch);
}

int EffectiveIsa() { return static_cast<int>(dnnl_get_effective_cpu_isa()); }

dnnl_data_type_t DnnlType(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::kFloat32:
      return dnnl_f32;
    case ir::DType::kBFloat16:
      return dnnl_bf16;
    case ir::DType::kFloat16:
      return dnnl_f16;
    case ir::DType::kInt32:
      return dnnl_s32;
    case ir::DType::kInt8:
      return dnnl_s8;
    case ir::DType::kUInt8:
      return dnnl_u8;
    default:
      return dnnl_data_type_undef;
  }
}

MemoryDesc MemoryDesc::Own(dnnl_status_t status, dnnl_memory_desc_t desc) {
  MemoryDesc result;
  result.present_ = true;
  if (status == dnnl_success) {
    result.handle_ = std::shared_ptr<dnnl_memory_desc>(
        desc, [](dnnl_memory_desc_t d) { dnnl_memory_desc_destroy(d); });
  }
  return result;
}

MemoryDesc MemoryDesc::Strided(ir::DType dtype, absl::Span<const int64_t> dims,
                               absl::Span<const int64_t> strides) {
  dnnl_memory_desc_t desc = nullptr;
  if (dims.size() > DNNL_MAX_NDIMS) return Own(dnnl_invalid_arguments, desc);
  const dnnl_status_t status = dnnl_memory_desc_create_with_strides(
      &desc, static_cast<int>(dims.size()), ToArray(dims).data(), DnnlType(dtype),
      ToArray(strides).data());
  return Own(status, desc);
}

MemoryDesc MemoryDesc::RowMajor(ir::DType dtype, absl::Span<const int64_t> dims) {
  return Strided(dtype, dims, ir::ContiguousStrides(dims));
}

MemoryDesc MemoryDesc::Any(ir::DType dtype, absl::Span<const int64_t> dims) {
  return Tagged(dtype, dims, dnnl_format_tag_any);
}

MemoryDesc MemoryDesc::Tagged(ir::DType dtype, absl::Span<const int64_t> dims,
                              dnnl_format_tag_t tag) {
  dnnl_memory_desc_t desc = nullptr;
  if (dims.size() > DNNL_MAX_NDIMS) return Own(dnnl_invalid_arguments, desc);
  const dnnl_status_t status = dnnl_memory_desc_create_with_tag(
      &desc, static_cast<int>(dims.size()), ToArray(dims).data(), DnnlType(dtype), tag);
  return Own(status, desc);
}

MemoryDesc MemoryDesc::Clone(const_dnnl_memory_desc_t desc) {
  dnnl_memory_desc_t copy = nullptr;
  const dnnl_status_t status = dnnl_memory_desc_clone(&copy, desc);
  return Own(status, copy);
}

size_t MemoryDesc::bytes() const {
  return handle_ == nullptr ? 0 : dnnl_memory_desc_get_size(handle_.get());
}

bool MemoryDesc::IsStrided(ir::Dims* strides) const {
  if (handle_ == nullptr) return false;
  dnnl_format_kind_t kind = dnnl_format_kind_undef;
  int blocks = 0, rank = 0;
  dnnl_dims_t* array = nullptr;
  dnnl_memory_desc_query(handle_.get(), dnnl_query_format_kind, &kind);
  if (kind != dnnl_blocked) return false;
  dnnl_memory_desc_query(handle_.get(), dnnl_query_inner_nblks_s32, &blocks);
  if (blocks != 0) return false;
  dnnl_memory_desc_query(handle_.get(), dnnl_query_ndims_s32, &rank);
  dnnl_memory_desc_query(handle_.get(), dnnl_query_strides, &array);
  if (strides != nullptr) strides->assign(*array, *array + rank);
  return true;
}

std::string MemoryDesc::ToString() const {
  if (handle_ == nullptr) return "none";
  dnnl_format_kind_t kind = dnnl_format_kind_undef;
  dnnl_memory_desc_query(handle_.get(), dnnl_query_format_kind, &kind);
  if (kind == dnnl_format_kind_any) return "any";
  if (kind != dnnl_blocked) return "opaque";
  ir::Dims strides;
  if (IsStrided(&strides)) return absl::StrCat("strides[", absl::StrJoin(strides, ","), "]");
  int blocks = 0;
  dnnl_dims_t* sizes = nullptr;
  dnnl_dims_t* axes = nullptr;
  dnnl_memory_desc_query(handle_.get(), dnnl_query_inner_nblks_s32, &blocks);
  dnnl_memory_desc_query(handle_.get(), dnnl_query_inner_blks, &sizes);
  dnnl_memory_desc_query(handle_.get(), dnnl_query_inner_idxs, &axes);
  std::string text = "blocks[";
  for (int i = 0; i < blocks; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ",", (*sizes)[i], "@", (*axes)[i]);
  }
  return text + "]";
}

bool operator==(const MemoryDesc& a, const MemoryDesc& b) {
  if (a.get() == nullptr || b.get() == nullptr) return a.get() == b.get();
  return dnnl_memory_desc_equal(a.get(), b.get()) != 0;
}

Attributes::Attributes() {
  dnnl_post_ops_t ops = nullptr;
  dnnl_primitive_attr_t attr = nullptr;
  status_.Update(FromDnnl(dnnl_post_ops_create(&ops), "oneDNN post-ops"));
  status_.Update(FromDnnl(dnnl_primitive_attr_create(&attr), "oneDNN attributes"));
  ops_.reset(ops);
  attr_.reset(attr);
  if (status_.ok()) {
    status_.Update(
        FromDnnl(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user),
                 "oneDNN scratchpad mode"));
  }
}

void Attributes::AppendEltwise(dnnl_alg_kind_t algorithm, float alpha, float beta) {
  ++size_;
  status_.Update(FromDnnl(dnnl_post_ops_append_eltwise(ops_.get(), algorithm, alpha, beta),
                          "oneDNN eltwise post-op"));
}

void Attributes::AppendBinary(dnnl_alg_kind_t algorithm, const MemoryDesc& operand) {
  ++size_;
  if (!operand.valid()) {
    // oneDNN reads the descriptor without a look at the handle.
    status_.Update(
        absl::InternalError("oneDNN binary post-op: oneDNN refused the operand's layout"));
    return;
  }
  status_.Update(FromDnnl(dnnl_post_ops_append_binary(ops_.get(), algorithm, operand.get()),
                          "oneDNN binary post-op"));
}

void Attributes::AppendSum() {
  ++size_;
  status_.Update(FromDnnl(dnnl_post_ops_append_sum(ops_.get(), 1.0f, 0, dnnl_data_type_undef),
                          "oneDNN sum post-op"));
}

absl::StatusOr<dnnl_primitive_attr_t> Attributes::Get() const {
  INGOT_RETURN_IF_ERROR(status_);
  INGOT_RETURN_IF_ERROR(
      FromDnnl(dnnl_primitive_attr_set_post_ops(attr_.get(), ops_.get()), "oneDNN post-ops"));
  return attr_.get();
}

MemoryDesc PrimitiveDesc::Query(dnnl_query_t what, int index) const {
  const const_dnnl_memory_desc_t desc = dnnl_primitive_desc_query_md(handle_.get(), what, index);
  return desc == nullptr ? MemoryDesc() : MemoryDesc::Clone(desc);
}

size_t PrimitiveDesc::scratchpad_bytes() const {
  const const_dnnl_memory_desc_t desc =
      dnnl_primitive_desc_query_md(handle_.get(), dnnl_query_scratchpad_md, 0);
  return desc == nullptr ? 0 : dnnl_memory_desc_get_size(desc);
}

std::string PrimitiveDesc::implementation() const {
  const char* text = nullptr;
  dnnl_primitive_desc_query(handle_.get(), dnnl_query_impl_info_str, 0, &text);
  return text == nullptr ? "" : text;
}

bool PrimitiveDesc::IsReference() const {
  const std::string name = implementation();
  // "ref:any", "gemm:ref", "ref_fused:any".
  return name.find("ref") != std::string::npos;
}

absl::StatusOr<std::shared_ptr<const Primitive>> Primitive::Create(const PrimitiveDesc& desc) {
  dnnl_primitive_t primitive = nullptr;
  INGOT_RETURN_IF_ERROR(
      FromDnnl(dnnl_primitive_create(&primitive, desc.get()),
               absl::StrCat("creating oneDNN primitive ", desc.implementation())));
  return std::shared_ptr<const Primitive>(new Primitive(primitive));
}

absl::StatusOr<PrimitiveDesc> MatmulDesc(const MemoryDesc& src, const MemoryDesc& weights,
                                         const MemoryDesc& bias, const MemoryDesc& dst,
                                         const Attributes& attributes) {
  return MakeDesc("matmul", {&src, &weights, &bias, &dst}, attributes,
                  [&](dnnl_primitive_attr_t attr, dnnl_primitive_desc_t* desc) {
                    return dnnl_matmul_primitive_desc_create(
                        desc, CpuEngine(), src.get(), weights.get(), bias.get(), dst.get(), attr);
                  });
}

absl::StatusOr<PrimitiveDesc> ConvolutionDesc(const MemoryDesc& src, const MemoryDesc& weights,
                                              const MemoryDesc& bias, const MemoryDesc& dst,
                                              const Window& window, const Attributes& attributes) {
  return MakeDesc("convolution", {&src, &weights, &bias, &dst}, attributes,
                  [&](dnnl_primitive_attr_t attr, dnnl_primitive_desc_t* desc) {
                    return dnnl_convolution_forward_primitive_desc_create(
                        desc, CpuEngine(), dnnl_forward_inference, dnnl_convolution_direct,
                        src.get(), weights.get(), bias.get(), dst.get(),
                        ToArray(window.stride).data(), Holes(window.dilation).data(),
                        ToArray(window.padding_begin).data(), ToArray(window.padding_end).data(),
                        attr);
                  });
}

absl::StatusOr<PrimitiveDesc> DeconvolutionDesc(const MemoryDesc& src, const MemoryDesc& weights,
                                                const MemoryDesc& bias, const MemoryDesc& dst,
                                                const Window& window,
                                                const Attributes& attributes) {
  return MakeDesc("deconvolution", {&src, &weights, &bias, &dst}, attributes,
                  [&](dnnl_primitive_attr_t attr, dnnl_primitive_desc_t* desc) {
                    return dnnl_deconvolution_forward_primitive_desc_create(
                        desc, CpuEngine(), dnnl_forward_inference, dnnl_deconvolution_direct,
                        src.get(), weights.get(), bias.get(), dst.get(),
                        ToArray(window.stride).data(), Holes(window.dilation).data(),
                        ToArray(window.padding_begin).data(), ToArray(window.padding_end).data(),
                        attr);
                  });
}

absl::StatusOr<PrimitiveDesc> PoolingDesc(dnnl_alg_kind_t algorithm, const MemoryDesc& src,
                                          const MemoryDesc& dst, const Window& window,
                                          const Attributes& attributes) {
  return MakeDesc("pooling", {&src, &dst}, attributes,
                  [&](dnnl_primitive_attr_t attr, dnnl_primitive_desc_t* desc) {
                    return dnnl_pooling_forward_primitive_desc_create(
                        desc, CpuEngine(), dnnl_forward_inference, algorithm, src.get(), dst.get(),
                        ToArray(window.stride).data(), ToArray(window.kernel).data(),
                        Holes(window.dilation).data(), ToArray(window.padding_begin).data(),
                        ToArray(window.padding_end).data(), attr);
                  });
}

absl::StatusOr<PrimitiveDesc> ReorderDesc(const MemoryDesc& src, const MemoryDesc& dst,
                                          const Attributes& attributes) {
  return MakeDesc("reorder", {&src, &dst}, attributes,
                  [&](dnnl_primitive_attr_t attr, dnnl_primitive_desc_t* desc) {
                    return dnnl_reorder_primitive_desc_create(desc, src.get(), CpuEngine(),
                                                              dst.get(), CpuEngine(), attr);
                  });
}

ArgumentSet::~ArgumentSet() {
  for (const dnnl_exec_arg_t& argument : arguments_) dnnl_memory_destroy(argument.memory);
}

absl::Status ArgumentSet::Add(int argument, const MemoryDesc& desc, void* data) {
  dnnl_memory_t memory = nullptr;
  INGOT_RETURN_IF_ERROR(
      FromDnnl(dnnl_memory_create(&memory, desc.get(), CpuEngine(), data), "oneDNN memory"));
  arguments_.push_back({argument, memory});
  return absl::OkStatus();
}

absl::StatusOr<Stream> MakeStream() {
  dnnl_stream_t stream = nullptr;
  INGOT_RETURN_IF_ERROR(FromDnnl(
      dnnl_stream_create(&stream, CpuEngine(), dnnl_stream_default_flags), "oneDNN stream"));
  return Stream(stream);
}

}  // namespace ingot::onednn
