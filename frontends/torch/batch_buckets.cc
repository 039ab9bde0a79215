#include "frontends/torch/batch_buckets.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "core/base/status_macros.h"
#include "frontends/torch/call.h"
#include "frontends/torchscript/values.h"

namespace ingot {
namespace {

at::Tensor Padded(const at::Tensor& tensor, int64_t size, int64_t bucket) {
  std::vector<int64_t> sizes = tensor.sizes().vec();
  sizes[0] = bucket;
  const at::Tensor padded = at::empty(sizes, tensor.options());
  padded.narrow(0, 0, size).copy_(tensor);
  padded.narrow(0, size, bucket - size).copy_(tensor.narrow(0, 0, 1));
  return padded;
}

}  // namespace

std::optional<int64_t> BatchSize(const ir::Signature& signature) {
  for (const ir::ArgumentSpec& argument : signature.arguments) {
    if (argument.type.rank() > 0) return argument.type.dims[0];
  }
  return std::nullopt;
}

int64_t BucketSize(int64_t size) {
  int64_t bucket = 1;
  while (bucket < size) bucket *= 2;
  return bucket;
}

std::vector<c10::IValue> PadArguments(const std::vector<c10::IValue>& arguments, int64_t size,
                                      int64_t bucket) {
  std::vector<c10::IValue> padded;
  for (const c10::IValue& argument : arguments) {
    padded.push_back(torchscript::MapTensors(argument, [&](const at::Tensor& tensor) {
      return tensor.dim() > 0 && tensor.size(0) == size ? Padded(tensor, size, bucket) : tensor;
    }));
  }
  return padded;
}

absl::StatusOr<c10::IValue> CallInBucket(const BatchBucket& bucket, const FlatArguments& arguments,
                                         const runtime::RunContext& context) {
  FlatArguments padded = arguments;
  for (size_t slot = 0; slot < padded.tensors.size(); ++slot) {
    if (bucket.plan.argument_rows[slot] == 0) continue;
    padded.tensors[slot] = Padded(padded.tensors[slot], bucket.size, bucket.bucket);
  }
  runtime::RunContext with_scalars = context;
  if (!padded.scalars.empty()) with_scalars.scalars = padded.scalars;
  std::vector<at::Tensor> results;
  INGOT_RETURN_IF_ERROR(
      CallFlat(*bucket.graph, /*pool=*/nullptr, padded.tensors, results, with_scalars));
  for (size_t slot = 0; slot < results.size(); ++slot) {
    const int64_t count = bucket.plan.result_rows[slot];
    if (count > 0) results[slot] = results[slot].narrow(0, 0, count * bucket.size);
  }
  return Unflatten(bucket.graph->result_structure(), results);
}

}  // namespace ingot
