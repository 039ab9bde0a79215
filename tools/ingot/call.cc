#include "tools/ingot/call.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/strided_copy.h"
#include "core/plugin/tensor.h"
#include "tools/ingot/elements.h"
#include "tools/ingot/exit_code.h"

namespace ingot::tools {
namespace {

// Copies, laid out as the signature wants them. Sizes that do not fit are left to CheckArguments.
absl::StatusOr<runtime::HostTensor> CopyWithStrides(const runtime::HostTensor& tensor,
                                                    const ir::Dims& strides) {
  if (strides.size() != tensor.type().dims.size()) {
    return runtime::HostTensor::Copy(tensor.view());
  }
  INGOT_ASSIGN_OR_RETURN(runtime::HostTensor copy,
                         runtime::HostTensor::Create(tensor.type(), strides));
  const ingot_tensor source = tensor.view(), target = copy.view();
  StridedCopy(tensor.type().dims, ir::ElementSize(tensor.type().dtype), plugin::TensorData(source),
              plugin::TensorStrides(source), plugin::TensorData(target),
              plugin::TensorStrides(target));
  return copy;
}

absl::StatusOr<runtime::HostTensor> FreshTensor(const runtime::HostTensor& tensor, Random& random) {
  INGOT_ASSIGN_OR_RETURN(runtime::HostTensor fresh, runtime::HostTensor::Copy(tensor.view()));
  const ir::TensorType& type = tensor.type();
  const size_t size = ir::ElementSize(type.dtype);
  const std::string from = RowMajorBytes(tensor.view());
  char* to = fresh.data<char>();
  std::vector<size_t> order(static_cast<size_t>(type.NumElements()));
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  for (size_t i = 0; i < order.size(); ++i) {
    std::memcpy(to + i * size, from.data() + order[i] * size, size);
  }
  if (!ir::IsIntegralOrBool(type.dtype)) {
    const double factor = std::uniform_real_distribution<double>(0.5, 1.0)(random);
    const std::vector<std::complex<double>> elements = ElementsAsComplex(fresh.view());
    for (size_t i = 0; i < elements.size(); ++i) {
      StoreElement(fresh.view(), static_cast<int64_t>(i), elements[i] * factor);
    }
  }
  return fresh;
}

}  // namespace

absl::StatusOr<Arguments> CopyArguments(const runtime::CompiledGraph& graph,
                                        const Arguments& arguments) {
  const ir::Signature& signature = graph.signature();
  Arguments copies;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const ir::Dims strides =
        i < signature.arguments.size() ? signature.arguments[i].strides : ir::Dims();
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor copy, CopyWithStrides(arguments[i], strides));
    copies.push_back(std::move(copy));
  }
  INGOT_RETURN_IF_ERROR(AtStage(Stage::kRun, graph.CheckArguments(Views(copies))));
  return copies;
}

absl::StatusOr<Arguments> NewResults(const runtime::CompiledGraph& graph) {
  Arguments results;
  for (const runtime::ResultSpec& spec : graph.results()) {
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor result,
                           spec.is_alias ? runtime::HostTensor::Create({spec.type.dtype, {0}})
                                         : runtime::HostTensor::Create(spec.type, spec.strides));
    results.push_back(std::move(result));
  }
  return results;
}

absl::StatusOr<Arguments> RandomArguments(const ir::Signature& signature, Random& random) {
  Arguments arguments;
  for (const ir::ArgumentSpec& spec : signature.arguments) {
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor, RandomTensor(spec.type, random));
    arguments.push_back(std::move(tensor));
  }
  return arguments;
}

absl::StatusOr<Arguments> FreshArguments(const Arguments& arguments, Random& random) {
  Arguments fresh;
  for (const runtime::HostTensor& tensor : arguments) {
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor other, FreshTensor(tensor, random));
    fresh.push_back(std::move(other));
  }
  return fresh;
}

absl::StatusOr<Arguments> CopyTensors(const Arguments& tensors) {
  Arguments copies;
  for (const runtime::HostTensor& tensor : tensors) {
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor copy, runtime::HostTensor::Copy(tensor.view()));
    copies.push_back(std::move(copy));
  }
  return copies;
}

std::vector<ingot_tensor> Views(const Arguments& tensors) {
  std::vector<ingot_tensor> views;
  for (const runtime::HostTensor& tensor : tensors) views.push_back(tensor.view());
  return views;
}

// An alias without strides is the argument itself, laid out as that one is.
ir::Dims StridesOf(const runtime::CompiledGraph& graph, const runtime::ResultSpec& spec) {
  if (!spec.strides.empty()) return spec.strides;
  if (spec.is_alias) {
    const ir::ArgumentSpec& argument = graph.signature().arguments[spec.alias_of];
    if (argument.type.dims == spec.type.dims && !argument.strides.empty()) return argument.strides;
  }
  return ir::ContiguousStrides(spec.type.dims);
}

absl::StatusOr<Call> Call::Create(std::shared_ptr<const runtime::CompiledGraph> graph,
                                  const Arguments& arguments) {
  Call call;
  INGOT_ASSIGN_OR_RETURN(call.arguments_, CopyArguments(*graph, arguments));
  INGOT_ASSIGN_OR_RETURN(call.results_, NewResults(*graph));
  for (const runtime::ResultSpec& spec : graph->results()) {
    call.strides_.push_back(StridesOf(*graph, spec));
  }
  call.graph_ = std::move(graph);
  call.argument_views_ = Views(call.arguments_);
  call.result_views_ = Views(call.results_);
  return call;
}

absl::Status Call::Run(const runtime::RunContext& context) {
  return AtStage(Stage::kRun, graph_->Run(argument_views_, result_views_, context));
}

ingot_tensor Call::result(size_t slot) const {
  const runtime::ResultSpec& spec = graph_->results()[slot];
  if (!spec.is_alias) return result_views_[slot];
  const ingot_tensor& base = argument_views_[spec.alias_of];
  const size_t size = ir::ElementSize(spec.type.dtype);
  return plugin::MakeTensor(
      plugin::TensorData<char>(base) + spec.offset * static_cast<int64_t>(size), spec.type.dtype,
      spec.type.dims, strides_[slot]);
}

}  // namespace ingot::tools
