// A plugin over the bare ABI that behaves, or misbehaves, as told. Not made with the SDK, which
// would not let it. Two switches:
//
//  - INGOT_TEST_QUERY, at compile time: what `ingot_backend_query` does (an enumerator of
//  QueryBehaviour).
//  - the option "behaviour", at run time: which entry does what ("compile: throw"); none: all
//  behave. The
//    option "nodes" tells how many nodes the graphs have, which a well-behaved plugin would read
//    from them.
//
// A well-behaved instance claims every node; its executable copies the first input to the first
// output.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include INGOT_TEST_ABI_HEADER

namespace {

enum QueryBehaviour {
  kGood,
  kRefuses,
  kRefusesWithoutText,
  kThrows,
  kOtherMajor,
  kTinyTable,
  kEmptyTable,
  kWithoutExecute,
  kWithoutInfo,
  kOlderMinor,
  kNewerMinor,
};

struct Instance {
  std::string behaviour;
  uint32_t nodes = 0;
};

struct Compiled {
  const Instance* instance;
};

ingot_status Fail(ingot_error_buf* error, ingot_status code, const char* text) {
  error->length = std::strlen(text);
  const size_t size = error->length < error->capacity ? error->length : error->capacity - 1;
  std::memcpy(error->text, text, size);
  error->text[size] = '\0';
  return code;
}

// Does what every entry can be told to do; true if it returned through `*status`.
bool Misbehave(const Instance& instance, const char* entry, ingot_error_buf* error,
               ingot_status* status) {
  const std::string prefix = std::string(entry) + ": ";
  if (instance.behaviour.rfind(prefix, 0) != 0) return false;
  const std::string what = instance.behaviour.substr(prefix.size());
  *status = INGOT_INTERNAL;
  if (what == "throw") throw std::runtime_error(prefix + "boom");
  if (what == "throw int") throw 42;
  if (what == "fail") {
    *status = Fail(error, INGOT_RESOURCE_EXHAUSTED, "no memory left");
  } else if (what == "fail on two lines") {
    *status = Fail(error, INGOT_INTERNAL, "first\nsecond");
  } else if (what == "fail without text") {
    *status = INGOT_INTERNAL;
  } else if (what == "fail without NUL") {
    std::memset(error->text, 'x', error->capacity);
    error->length = error->capacity;
  } else if (what == "fail with a wild length") {
    error->text[0] = 'x';
    error->text[1] = '\0';
    error->length = ~size_t{0};
  } else if (what == "fail and clobber the buffer") {
    error->text = nullptr;
    error->capacity = ~size_t{0};
  } else if (what == "stop unasked") {
    *status = Fail(error, INGOT_CANCELLED, "had enough");
  } else if (what == "unknown status") {
    *status = Fail(error, 4711, "odd");
  } else {
    return false;
  }
  return true;
}

bool Is(const Instance& instance, const char* behaviour) { return instance.behaviour == behaviour; }

Instance& InstanceOf(ingot_backend* backend) { return *reinterpret_cast<Instance*>(backend); }
Compiled& CompiledOf(ingot_executable* executable) {
  return *reinterpret_cast<Compiled*>(executable);
}

ingot_status WaitUntilCancelled(const ingot_cancel* cancel, ingot_error_buf* error) {
  if (cancel == nullptr) return Fail(error, INGOT_FAILED_PRECONDITION, "can't be cancelled");
  while (cancel->cancelled(cancel->ctx) == 0) {
  }
  return Fail(error, INGOT_CANCELLED, "cancelled at last");
}

ingot_status Create(const ingot_options* options, ingot_backend** out, ingot_error_buf* error) {
  Instance instance;
  for (size_t i = 0; i < options->count; ++i) {
    const auto* option = reinterpret_cast<const ingot_option*>(
        reinterpret_cast<const char*>(options->options) + i * options->stride);
    const std::string name = option->name;
    if (name == "behaviour") {
      instance.behaviour = option->s;
    } else if (name == "nodes") {
      instance.nodes = static_cast<uint32_t>(option->i);
    } else if (name == "factor") {
    } else {
      return Fail(error, INGOT_INVALID_ARGUMENT, "known options: behaviour, factor, nodes");
    }
  }
  ingot_status status;
  if (Is(instance, "create: fail with junk")) {
    *out = reinterpret_cast<ingot_backend*>(uintptr_t{0x10});
    return Fail(error, INGOT_INTERNAL, "junk");
  }
  if (Misbehave(instance, "create", error, &status)) return status;
  if (Is(instance, "create: nothing")) return INGOT_OK;
  *out = reinterpret_cast<ingot_backend*>(new Instance(instance));
  return INGOT_OK;
}

void Destroy(ingot_backend* backend) {
  const Instance instance = InstanceOf(backend);
  delete &InstanceOf(backend);
  if (Is(instance, "destroy: throw")) throw std::runtime_error("boom");
}

ingot_status Info(ingot_backend* backend, ingot_backend_info* out, ingot_error_buf* error) {
  const Instance& instance = InstanceOf(backend);
  ingot_status status;
  if (Misbehave(instance, "info", error, &status)) return status;
  out->name = Is(instance, "info: no name") ? nullptr : "hostile";
  out->version = "1";
  out->fingerprint = {"isa", 3};
  out->irrelevant_options = "nodes,behaviour";
  if (Is(instance, "info: no strings")) {
    out->library_version = nullptr;
    out->fingerprint = {nullptr, 0};
    out->irrelevant_options = nullptr;
  }
  if (Is(instance, "info: wild size")) out->struct_size = ~size_t{0};
  return INGOT_OK;
}

ingot_status QueryGraph(ingot_backend* backend, const ingot_graph*, const ingot_query_sink* sink,
                        ingot_error_buf* error) {
  const Instance& instance = InstanceOf(backend);
  ingot_status status;
  if (Misbehave(instance, "query_graph", error, &status)) return status;
  std::vector<uint32_t> nodes;
  for (uint32_t n = 0; n < instance.nodes; ++n) nodes.push_back(n);
  if (Is(instance, "query_graph: no answer")) return INGOT_OK;
  if (Is(instance, "query_graph: leave one out")) nodes.pop_back();
  if (Is(instance, "query_graph: claim twice")) nodes[0] = nodes.back();
  if (Is(instance, "query_graph: claim beyond")) nodes[0] = 0xffffffff;
  if (Is(instance, "query_graph: claim too many")) {
    sink->claim(sink->ctx, nodes.data(), ~size_t{0} / 4);
    return INGOT_OK;
  }
  if (Is(instance, "query_graph: claim nothing at null")) {
    sink->claim(sink->ctx, nullptr, 2);
    return INGOT_OK;
  }
  if (Is(instance, "query_graph: reject beyond")) {
    sink->reject(sink->ctx, instance.nodes, "reason");
  }
  if (Is(instance, "query_graph: reject without reason")) {
    for (const uint32_t n : nodes) sink->reject(sink->ctx, n, nullptr);
    return INGOT_OK;
  }
  sink->claim(sink->ctx, nodes.data(), nodes.size());
  if (Is(instance, "query_graph: claim and reject")) sink->reject(sink->ctx, 0, "changed my mind");
  return INGOT_OK;
}

#if INGOT_BACKEND_ABI_MINOR >= 1
void DropConstants(const Instance& instance, const ingot_graph* graph) {
  if (!Is(instance, "compile: drop a constant")) return;
  for (const uint32_t index : {0u, 0u, 1000u}) graph->drop_constant(graph->drop_ctx, index);
}
#else
void DropConstants(const Instance&, const ingot_graph*) {}
#endif

ingot_status Compile(ingot_backend* backend, const ingot_graph* graph, const ingot_cancel* cancel,
                     ingot_executable** out, ingot_error_buf* error) {
  const Instance& instance = InstanceOf(backend);
  ingot_status status;
  if (Is(instance, "compile: fail with junk")) {
    *out = reinterpret_cast<ingot_executable*>(uintptr_t{0x10});
    return Fail(error, INGOT_INTERNAL, "junk");
  }
  if (Misbehave(instance, "compile", error, &status)) return status;
  if (Is(instance, "compile: nothing")) return INGOT_OK;
  if (Is(instance, "compile: hang")) return WaitUntilCancelled(cancel, error);
  DropConstants(instance, graph);
  *out = reinterpret_cast<ingot_executable*>(new Compiled{&instance});
  return INGOT_OK;
}

void DestroyExecutable(ingot_executable* executable) {
  const Instance& instance = *CompiledOf(executable).instance;
  delete &CompiledOf(executable);
  if (Is(instance, "destroy_executable: throw")) throw std::runtime_error("boom");
}

ingot_status ExecutableInfo(ingot_executable* executable, ingot_executable_info* out,
                            ingot_error_buf* error) {
  const Instance& instance = *CompiledOf(executable).instance;
  ingot_status status;
  if (Misbehave(instance, "executable_info", error, &status)) return status;
  out->workspace_bytes = 64;
  out->retained_bytes = 5;
  out->needs_constants =
      Is(instance, "executable_info: needs constants") || Is(instance, "compile: drop a constant");
  if (Is(instance, "executable_info: no plan")) out->plan_json = {nullptr, 100};
  if (Is(instance, "executable_info: wild size")) out->struct_size = ~size_t{0};
  return INGOT_OK;
}

ingot_status Execute(ingot_executable* executable, const ingot_run_context* context,
                     const ingot_tensor* inputs, size_t, const ingot_tensor* outputs, size_t, void*,
                     ingot_error_buf* error) {
  const Instance& instance = *CompiledOf(executable).instance;
  ingot_status status;
  if (Misbehave(instance, "execute", error, &status)) return status;
  if (Is(instance, "execute: hang")) return WaitUntilCancelled(context->cancel, error);
  size_t bytes = inputs[0].dtype_bits / 8;
  for (int32_t d = 0; d < inputs[0].ndim; ++d) bytes *= static_cast<size_t>(inputs[0].shape[d]);
  std::memcpy(outputs[0].data, inputs[0].data, bytes);
  return INGOT_OK;
}

// A table as a plugin of a later minor would have it: one more entry at the end.
struct Table {
  ingot_backend_api api;
  void (*added_later)();
};

Table MakeTable(QueryBehaviour behaviour) {
  Table table{};
  ingot_backend_api& api = table.api;
  api.struct_size = sizeof(api);
  api.abi_major = behaviour == kOtherMajor ? 2 : INGOT_BACKEND_ABI_MAJOR;
  api.create = &Create;
  api.destroy = &Destroy;
  api.info = &Info;
  api.query_graph = &QueryGraph;
  api.compile = &Compile;
  api.destroy_executable = &DestroyExecutable;
  api.executable_info = &ExecutableInfo;
  api.execute = &Execute;
  if (behaviour == kTinyTable) api.struct_size = sizeof(size_t);
  if (behaviour == kEmptyTable) api.struct_size = offsetof(ingot_backend_api, create);
  if (behaviour == kWithoutExecute) api.execute = nullptr;
  if (behaviour == kWithoutInfo) api.info = nullptr;
  if (behaviour == kOlderMinor) {
    // What lies behind an older table is not an entry.
    api.struct_size = offsetof(ingot_backend_api, get_extension);
    api.get_extension = reinterpret_cast<decltype(api.get_extension)>(uintptr_t{0x10});
  }
  if (behaviour == kNewerMinor) {
    api.struct_size = sizeof(Table);
    api.abi_minor = 99;
    table.added_later = [] {};
  }
  return table;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const ingot_backend_api* ingot_backend_query(
    uint32_t, const ingot_host_api* host, ingot_error_buf* error) {
  constexpr QueryBehaviour behaviour = INGOT_TEST_QUERY;
  if (behaviour == kRefuses) {
    Fail(error, INGOT_INTERNAL, "this CPU lacks AVX-512");
    return nullptr;
  }
  if (behaviour == kRefusesWithoutText) return nullptr;
  if (behaviour == kThrows) throw std::runtime_error("query: boom");
  static const Table table = MakeTable(behaviour);
  if (host->log != nullptr) host->log(host->ctx, 0, "hostile plugin queried");
  return &table.api;
}
