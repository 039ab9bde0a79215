// The one place that talks to oneDNN's C API: engine, memory descriptors, primitives, bindings.
//
//   MemoryDesc x = MemoryDesc::RowMajor(ir::DType::kFloat32, {8, 64});
//   INGOT_ASSIGN_OR_RETURN(PrimitiveDesc desc, MatmulDesc(x, MemoryDesc::Any(w), {}, y,
//   attributes)); INGOT_ASSIGN_OR_RETURN(auto primitive, Primitive::Create(std::move(desc)));
//
// The C API is used, so errors are status codes; no oneDNN exception can occur here. A descriptor
// that oneDNN refuses becomes an error when a primitive is made from it. MemoryDesc and Primitive
// are immutable and may be shared between threads; dnnl_memory objects are mutable, so each
// concurrent execution owns its own (Binding, program.h).
#ifndef INGOT_BACKENDS_ONEDNN_ENGINE_H_
#define INGOT_BACKENDS_ONEDNN_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/ir/type.h"
#include "oneapi/dnnl/dnnl.h"

namespace ingot::onednn {

// OK for dnnl_success; else Internal, ResourceExhausted or Unimplemented: "<what>: <oneDNN's
// word>".
absl::Status FromDnnl(dnnl_status_t status, absl::string_view what);

// The process-wide CPU engine; lives as long as the process.
dnnl_engine_t CpuEngine();

// "3.2.0" of the linked library.
std::string LibraryVersion();
// The instruction set that oneDNN dispatches to here, as a number of dnnl_cpu_isa_t.
int EffectiveIsa();

// Shape, element type and layout of an operand. Default: none (an absent operand).
class MemoryDesc {
 public:
  MemoryDesc() = default;

  // `strides` count elements; every size must be positive for oneDNN to accept the operand.
  static MemoryDesc Strided(ir::DType dtype, absl::Span<const int64_t> dims,
                            absl::Span<const int64_t> strides);
  static MemoryDesc RowMajor(ir::DType dtype, absl::Span<const int64_t> dims);
  // The primitive picks the layout.
  static MemoryDesc Any(ir::DType dtype, absl::Span<const int64_t> dims);
  static MemoryDesc Tagged(ir::DType dtype, absl::Span<const int64_t> dims, dnnl_format_tag_t tag);
  static MemoryDesc Clone(const_dnnl_memory_desc_t desc);

  bool present() const { return present_; }
  // Nullptr if absent.
  dnnl_memory_desc_t get() const { return handle_.get(); }
  // False if oneDNN refused the description.
  bool valid() const { return !present_ || handle_ != nullptr; }

  size_t bytes() const;
  // Whether the layout is given by strides alone; then `strides` (may be null) receives them.
  bool IsStrided(ir::Dims* strides) const;
  // "nhwc"-like text is not available from oneDNN: dims of the inner blocks, or "strided".
  std::string ToString() const;
  friend bool operator==(const MemoryDesc& a, const MemoryDesc& b);

 private:
  static MemoryDesc Own(dnnl_status_t status, dnnl_memory_desc_t desc);

  std::shared_ptr<dnnl_memory_desc> handle_;
  bool present_ = false;
};

// dnnl_data_type_undef for types that oneDNN lacks.
dnnl_data_type_t DnnlType(ir::DType dtype);

// Post-ops in order, always with the scratchpad supplied by the caller.
class Attributes {
 public:
  Attributes();
  void AppendEltwise(dnnl_alg_kind_t algorithm, float alpha, float beta);
  void AppendBinary(dnnl_alg_kind_t algorithm, const MemoryDesc& operand);
  void AppendSum();
  int size() const { return size_; }
  // The finished attributes; owned by this object.
  absl::StatusOr<dnnl_primitive_attr_t> Get() const;

 private:
  struct Destroy {
    void operator()(dnnl_post_ops_t ops) const { dnnl_post_ops_destroy(ops); }
    void operator()(dnnl_primitive_attr_t attr) const { dnnl_primitive_attr_destroy(attr); }
  };
  std::unique_ptr<dnnl_post_ops, Destroy> ops_;
  std::unique_ptr<dnnl_primitive_attr, Destroy> attr_;
  absl::Status status_;
  int size_ = 0;
};

class PrimitiveDesc {
 public:
  explicit PrimitiveDesc(dnnl_primitive_desc_t desc) : handle_(desc) {}
  dnnl_primitive_desc_t get() const { return handle_.get(); }
  MemoryDesc Query(dnnl_query_t what, int index = 0) const;
  MemoryDesc src(int index = 0) const { return Query(dnnl_query_src_md, index); }
  MemoryDesc weights(int index = 0) const { return Query(dnnl_query_weights_md, index); }
  MemoryDesc dst(int index = 0) const { return Query(dnnl_query_dst_md, index); }
  size_t scratchpad_bytes() const;
  // "brgemm:avx512_core", "jit:avx512_core" …
  std::string implementation() const;
  // Whether oneDNN fell back to its slow reference code.
  bool IsReference() const;

 private:
  struct Destroy {
    void operator()(dnnl_primitive_desc_t desc) const { dnnl_primitive_desc_destroy(desc); }
  };
  std::unique_ptr<dnnl_primitive_desc, Destroy> handle_;
};

// Thread-safe to execute with distinct memories and scratchpads.
class Primitive {
 public:
  static absl::StatusOr<std::shared_ptr<const Primitive>> Create(const PrimitiveDesc& desc);
  ~Primitive() { dnnl_primitive_destroy(handle_); }
  Primitive(const Primitive&) = delete;
  Primitive& operator=(const Primitive&) = delete;
  const_dnnl_primitive_t get() const { return handle_; }

 private:
  explicit Primitive(dnnl_primitive_t handle) : handle_(handle) {}
  dnnl_primitive_t handle_;
};

// --- Primitive descriptors, by kind. Absent descriptors stand for absent operands. ---

struct Window {  // in the order of the spatial sizes; dilation 1 means none
  std::vector<int64_t> kernel, stride, dilation, padding_begin, padding_end;
};

absl::StatusOr<PrimitiveDesc> MatmulDesc(const MemoryDesc& src, const MemoryDesc& weights,
                                         const MemoryDesc& bias, const MemoryDesc& dst,
                                         const Attributes& attributes);
absl::StatusOr<PrimitiveDesc> ConvolutionDesc(const MemoryDesc& src, const MemoryDesc& weights,
                                              const MemoryDesc& bias, const MemoryDesc& dst,
                                              const Window& window, const Attributes& attributes);
absl::StatusOr<PrimitiveDesc> DeconvolutionDesc(const MemoryDesc& src, const MemoryDesc& weights,
                                                const MemoryDesc& bias, const MemoryDesc& dst,
                                                const Window& window, const Attributes& attributes);
absl::StatusOr<PrimitiveDesc> PoolingDesc(dnnl_alg_kind_t algorithm, const MemoryDesc& src,
                                          const MemoryDesc& dst, const Window& window,
                                          const Attributes& attributes);
absl::StatusOr<PrimitiveDesc> ReorderDesc(const MemoryDesc& src, const MemoryDesc& dst,
                                          const Attributes& attributes);

// --- Execution ---

// Memory objects of one primitive, and the stream to run it on; not shared between threads.
class ArgumentSet {
 public:
  ArgumentSet() = default;
  ArgumentSet(ArgumentSet&&) = default;
  ArgumentSet& operator=(ArgumentSet&&) = default;
  ~ArgumentSet();

  // `data`: null until Rebind tells the address, before Execute.
  absl::Status Add(int argument, const MemoryDesc& desc, void* data);
  int size() const { return static_cast<int>(arguments_.size()); }
  void Rebind(int position, void* data) {
    dnnl_memory_set_data_handle(arguments_[position].memory, data);
  }
  dnnl_status_t Execute(const Primitive& primitive, dnnl_stream_t stream) const {
    return dnnl_primitive_execute(primitive.get(), stream, size(), arguments_.data());
  }

 private:
  std::vector<dnnl_exec_arg_t> arguments_;
};

struct DestroyStream {
  void operator()(dnnl_stream_t stream) const { dnnl_stream_destroy(stream); }
};
using Stream = std::unique_ptr<dnnl_stream, DestroyStream>;
absl::StatusOr<Stream> MakeStream();

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_ENGINE_H_
