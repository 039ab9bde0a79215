#include "backends/onednn/cast.h"

#include <complex>
#include <type_traits>

#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/pointwise.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

constexpr double kNanosecondsAnElement = 0.5;

template <class F>
void VisitAny(ir::DType dtype, const F& f) {
  if (dtype == ir::DType::kComplex64) return f(std::complex<float>{});
  if (dtype == ir::DType::kComplex128) return f(std::complex<double>{});
  kernels::VisitElement(dtype, f);
}

template <class To, class From>
To Converted(From from) {
  constexpr bool from_complex = requires { from.real(); };
  constexpr bool to_complex = requires(To to) { to.real(); };
  if constexpr (to_complex && from_complex) {
    return To(static_cast<typename To::value_type>(from.real()),
              static_cast<typename To::value_type>(from.imag()));
  } else if constexpr (to_complex) {
    return To(static_cast<typename To::value_type>(from));
  } else if constexpr (from_complex && std::is_same_v<To, bool>) {
    return from != From{};
  } else if constexpr (from_complex) {
    return static_cast<To>(from.real());
  } else {
    return static_cast<To>(from);
  }
}

void ConvertDense(ir::DType from, const void* x, ir::DType to, void* y, int64_t n, int threads) {
  VisitAny(from, [&](auto source) {
    VisitAny(to, [&](auto target) {
      using From = decltype(source);
      using To = decltype(target);
      kernels::ParallelFor(threads, n, kernels::GrainFor(kNanosecondsAnElement),
                           [&](int64_t begin, int64_t end, int) {
                             for (int64_t i = begin; i < end; ++i) {
                               static_cast<To*>(y)[i] =
                                   Converted<To>(static_cast<const From*>(x)[i]);
                             }
                           });
    });
  });
}

// A step from `from` to `to`, which have the same sizes.
absl::Status AddCast(Lowering& lowering, const Tensor& from, const Tensor& to) {
  if (ir::IsComplex(from.dtype) || ir::IsComplex(to.dtype)) {
    INGOT_ASSIGN_OR_RETURN(const Tensor dense, lowering.Dense(from));
    return lowering.AddKernel("ingot:cast", {Read(dense), Write(to)}, [=](const StepArgs& args) {
      ConvertDense(dense.dtype, args.At<void>(0), to.dtype, args.At<void>(1), to.NumElements(),
                   args.threads());
      return absl::OkStatus();
    });
  }
  return AddMap(lowering, "ingot:cast", {from}, to,
                [](kernels::PointwiseBuilder&, absl::Span<const int> x) { return x[0]; });
}

Tensor OutputTensor(Lowering& lowering, ir::ValueId value, ir::DType computed) {
  ir::TensorType type = lowering.graph().type(value);
  const bool same = type.dtype == computed;
  type.dtype = computed;
  const Tensor tensor = lowering.NewTensor(type);
  if (same) lowering.Set(value, tensor);
  return tensor;
}

}  // namespace

absl::StatusOr<Tensor> Cast(Lowering& lowering, const Tensor& tensor, ir::DType dtype) {
  if (tensor.dtype == dtype) return tensor;
  const Tensor out = lowering.NewTensor(dtype, tensor.dims);
  if (out.NumElements() == 0) return out;
  INGOT_RETURN_IF_ERROR(AddCast(lowering, tensor, out));
  return out;
}

CastOutput::CastOutput(Lowering& lowering, ir::ValueId value, ir::DType computed)
    : lowering_(lowering), value_(value), tensor_(OutputTensor(lowering, value, computed)) {}

absl::Status CastOutput::Finish() {
  const ir::TensorType& type = lowering_.graph().type(value_);
  if (type.dtype == tensor_.dtype) return absl::OkStatus();
  INGOT_ASSIGN_OR_RETURN(const Tensor out, Cast(lowering_, tensor_, type.dtype));
  lowering_.Set(value_, out);
  return absl::OkStatus();
}

}  // namespace ingot::onednn
