// A call of a compiled graph takes no memory from the heap: every allocation of the process is
// counted, on all threads and in all libraries, but for what oneDNN does inside a primitive (it
// makes a map of the primitive's arguments each time).
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "core/base/status_matchers.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/session.h"
#include "frontends/pt2/archive.h"
#include "frontends/pt2/convert.h"
#include "frontends/pt2/symbols.h"

namespace {

std::atomic<bool> counting = false;
std::atomic<int> allocations = 0;

void Count() {
  if (counting.load(std::memory_order_relaxed)) {
    allocations.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

// glibc's own entry points; the ones below stand before them for all libraries of the process.
extern "C" {

void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

void* malloc(size_t bytes) {
  Count();
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  Count();
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, size_t bytes) {
  Count();
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  Count();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, size_t alignment, size_t bytes) {
  Count();
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}

// Stands before oneDNN's own for the plugin, as malloc does.
int dnnl_primitive_execute(const void* primitive, void* stream, int count, const void* arguments) {
  using Execute = int (*)(const void*, void*, int, const void*);
  static const auto execute = reinterpret_cast<Execute>(
      dlsym(dlopen("libdnnl.so.3", RTLD_LAZY | RTLD_NOLOAD), "dnnl_primitive_execute"));
  const bool was_counting = counting.exchange(false);
  const int status = execute(primitive, stream, count, arguments);
  counting = was_counting;
  return status;
}

}  // extern "C"

namespace ingot {
namespace {

// A compiled model with arguments of zeros (which are valid tokens and indices) and its results.
struct Call {
  std::shared_ptr<const runtime::CompiledGraph> graph;
  std::vector<runtime::HostTensor> tensors;
  std::vector<ingot_tensor> arguments, results;

  absl::Status Add(const ir::TensorType& type, std::vector<ingot_tensor>& to) {
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor, runtime::HostTensor::Create(type));
    tensors.push_back(std::move(tensor));
    to.push_back(tensors.back().view());
    return absl::OkStatus();
  }
};

absl::StatusOr<Call> Prepare(const std::string& model, const std::string& backend, int threads) {
  runtime::Options options;
  options.backend = backend;
  options.threads = threads;
  INGOT_ASSIGN_OR_RETURN(auto session, runtime::Session::Create(options));
  INGOT_ASSIGN_OR_RETURN(auto archive, pt2::Archive::Open("tools/models/small/" + model + ".pt2"));
  INGOT_ASSIGN_OR_RETURN(auto types, pt2::DefaultTypes(archive->program()));
  INGOT_ASSIGN_OR_RETURN(auto recording, pt2::Convert(*archive, types));
  Call call;
  INGOT_ASSIGN_OR_RETURN(call.graph, session->Compile(std::move(recording)));
  call.tensors.reserve(types.size() + call.graph->results().size());
  for (const ir::TensorType& type : types) {
    INGOT_RETURN_IF_ERROR(call.Add(type, call.arguments));
  }
  for (const runtime::ResultSpec& result : call.graph->results()) {
    INGOT_RETURN_IF_ERROR(call.Add(result.type, call.results));
  }
  return call;
}

struct Case {
  const char* backend;
  int threads;
};

class AllocationTest : public testing::TestWithParam<std::tuple<const char*, Case>> {};

TEST_P(AllocationTest, WarmCallsTakeNoMemory) {
  const auto& [model, on] = GetParam();
  absl::StatusOr<Call> call = Prepare(model, on.backend, on.threads);
  ASSERT_THAT(call, IsOk());
  // The first calls make the frame, oneDNN's memory objects and the team of threads.
  for (int i = 0; i < 3; ++i) ASSERT_THAT(call->graph->Run(call->arguments, call->results), IsOk());
  bool ok = true;
  allocations = 0;
  counting = true;
  for (int i = 0; i < 5; ++i) ok = call->graph->Run(call->arguments, call->results).ok() && ok;
  counting = false;
  EXPECT_TRUE(ok);
  EXPECT_EQ(allocations, 0) << "in 5 calls";
}

std::string CaseName(const testing::TestParamInfo<AllocationTest::ParamType>& info) {
  const auto& [model, on] = info.param;
  return std::string(model) + "_" + on.backend + "_" + std::to_string(on.threads);
}

INSTANTIATE_TEST_SUITE_P(
    SmallModels, AllocationTest,
    testing::Combine(testing::Values("bert_base", "convnext_tiny", "gpt2", "gpt2_decode",
                                     "llama_block", "lstm", "minilm", "minilm_batch", "mlp",
                                     "mobilenet_v2", "pointwise", "resnet50", "unet", "vit_base"),
                     testing::Values(Case{"onednn", 1}, Case{"onednn", 2}, Case{"reference", 1})),
    CaseName);

TEST(AllocationCounterTest, SeesWhatLibrariesAllocate) {
  allocations = 0;
  counting = true;
  const absl::StatusOr<Call> call = Prepare("mlp", "onednn", 1);
  counting = false;
  ASSERT_THAT(call, IsOk());
  EXPECT_GT(allocations, 100);
}

}  // namespace
}  // namespace ingot
