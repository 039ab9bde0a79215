/* The backend ABI: what a plugin exports and what it gets. C11; includes nothing but <stddef.h> and
 * <stdint.h>.
 *
 * A plugin is a shared object with ONE exported symbol, `ingot_backend_query`. The host loads it
 * with RTLD_NOW | RTLD_LOCAL, never unloads it, and calls it in this order:
 *
 *   query, create, (query_graph, compile)*, execute*, destroy_executable*, destroy
 *
 * Conventions, for every function:
 *
 * 1. Majors must be equal; a host and a plugin of different minors work together. Each struct that
 *    may grow starts with `struct_size`, set by whoever fills it; the reader takes what both know
 *    and treats the rest as zero. A struct that the callee fills (`out`) comes with struct_size set
 *    to its capacity; the callee writes no more than that. Fields are only ever appended.
 *
 * 2. Return codes are ingot_status (absl::StatusCode's numbers, all of them allowed); the text, one
 *    line of UTF-8, goes into the caller's ingot_error_buf, truncated to its capacity. Nothing is
 *    allocated to report an error. On an error `*out` pointers are left alone.
 *
 * 3. No exception may leave a function, on either side.
 *
 * 4. Memory stays with whoever made it. Pointers passed to a call are valid during the call, unless
 *    said otherwise. No function frees what the other side allocated.
 *
 * 5. Arrays of structs that may grow carry a stride in bytes.
 *
 * 6. Functions may be called from any thread, and concurrently, `destroy` and `destroy_executable`
 *    apart, which come last for their object. Each concurrent `execute` of one executable has a
 *    workspace of its own. An executable is destroyed before its backend.
 */
#ifndef INGOT_CORE_PLUGIN_ABI_INGOT_BACKEND_H_
#define INGOT_CORE_PLUGIN_ABI_INGOT_BACKEND_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define INGOT_BACKEND_ABI_MAJOR 1
#define INGOT_BACKEND_ABI_MINOR 1
#define INGOT_BACKEND_QUERY_SYMBOL "ingot_backend_query"

/* absl::StatusCode's numbers. */
typedef int32_t ingot_status;
#define INGOT_OK 0
#define INGOT_CANCELLED 1
#define INGOT_INVALID_ARGUMENT 3
#define INGOT_DEADLINE_EXCEEDED 4
#define INGOT_NOT_FOUND 5
#define INGOT_RESOURCE_EXHAUSTED 8
#define INGOT_FAILED_PRECONDITION 9
#define INGOT_UNIMPLEMENTED 12
#define INGOT_INTERNAL 13
#define INGOT_DATA_LOSS 15

/* Owned by the caller. The callee writes at most `capacity` bytes, NUL included, and sets `length`
 * to the full length of the text without NUL. */
typedef struct ingot_error_buf {
  char* text;
  size_t capacity;
  size_t length;
} ingot_error_buf;

typedef struct ingot_bytes {
  const void* data;
  size_t size;
} ingot_bytes;

/* A dense or strided CPU tensor with the layout of DLPack's DLTensor (proved by a static_assert in
 * the host). Strides count elements and are never NULL when ndim > 0. data is aligned to the
 * element size. */
typedef struct ingot_tensor {
  void* data;
  int32_t device_type; /* 1: CPU */
  int32_t device_id;
  int32_t ndim;
  uint8_t dtype_code; /* DLPack: 0 int, 1 uint, 2 float, 4 bfloat, 5 complex, 6 bool */
  uint8_t dtype_bits;
  uint16_t dtype_lanes; /* 1 */
  const int64_t* shape;
  const int64_t* strides;
  uint64_t byte_offset;
} ingot_tensor;

/* One typed option. `type`: 0 string (s), 1 int64 (i), 2 double (d), 3 bool (i). */
typedef struct ingot_option {
  const char* name;
  int32_t type;
  int32_t reserved;
  const char* s;
  int64_t i;
  double d;
} ingot_option;

typedef struct ingot_options {
  const ingot_option* options;
  size_t count;
  size_t stride;
} ingot_options;

/* What the host offers. Valid for the life of the process. */
typedef struct ingot_host_api {
  size_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor;
  void* ctx;
  /* severity: 0 info, 1 warning, 2 error. One line, no newline. May be NULL. */
  void (*log)(void* ctx, int32_t severity, const char* text);
} ingot_host_api;

typedef struct ingot_backend_info {
  size_t struct_size;
  /* All pointers live as long as the backend. Name and version are neither NULL nor empty. */
  const char* name;            /* "onednn" */
  const char* version;         /* the plugin's own */
  const char* library_version; /* "oneDNN 3.2.0", or NULL */
  /* Everything besides graph and options that the compiled code depends on: library versions,
   * instruction sets used, thread count. Part of the cache key. */
  ingot_bytes fingerprint;
  /* Names of options that do not affect compiled code, comma separated, or NULL; all others are
   * part of the key. */
  const char* irrelevant_options;
  uint64_t sanitizer; /* bit 0 ASan, 1 TSan, 2 UBSan */
} ingot_backend_info;

/* A constant of the graph, by index of the graph's constant inputs. Dense row-major bytes, aligned
 * to the element size. */
typedef struct ingot_constant {
  uint8_t digest[32];
  const void* data;
  uint64_t size;
} ingot_constant;

/* A graph to query or compile: canonical bytes of core/ir/graph.fbs plus its constants. Inputs
 * appear in the graph in order; an executable takes those of roles argument, scalar, state and
 * seed, in that order of appearance, as its inputs, and yields the graph's outputs in order.
 * `query_graph` gets no constants (a count of 0): their types and digests are in the graph. */
typedef struct ingot_graph {
  size_t struct_size;
  ingot_bytes graph;
  const ingot_constant* constants;
  size_t constant_count;
  size_t constant_stride;
  /* Since 1.1. NULL, or called by `compile` when neither it nor the executable will read the data
   * of constant `index` again (it was packed or folded), so that the host may give its memory back
   * at once. A hint: at most once a constant, from any thread, never after `compile` returned. If
   * the compilation fails, what it said holds nothing. */
  void (*drop_constant)(void* ctx, uint32_t index);
  void* drop_ctx;
} ingot_graph;

/* Where a plugin puts its answer to `query_graph`; each node must be claimed or rejected exactly
 * once, in any order. A claim is a promise that `compile` takes the node, alone or with any other
 * claimed nodes. `reason` is one line for people ("no kernel for c64"). */
typedef struct ingot_query_sink {
  size_t struct_size;
  void* ctx;
  void (*claim)(void* ctx, const uint32_t* nodes, size_t count);
  void (*reject)(void* ctx, uint32_t node, const char* reason);
} ingot_query_sink;

/* Polled by long compilations and between steps of an execution. Once non-zero it stays so. */
typedef struct ingot_cancel {
  int32_t (*cancelled)(void* ctx);
  void* ctx;
} ingot_cancel;

typedef struct ingot_executable ingot_executable;
typedef struct ingot_backend ingot_backend;

typedef struct ingot_executable_info {
  size_t struct_size;
  uint64_t workspace_bytes; /* for each concurrent execute; aligned to 64 by the host */
  uint64_t retained_bytes;  /* memory that the executable owns, packed weights included */
  /* Non-zero: keeps pointers into the constants; the host pins those that were not dropped. */
  uint32_t needs_constants;
  uint32_t reserved;
  /* Human-readable plan as JSON:
   * [{"node":3,"op":"aten::linear","impl":"brgemm:avx512_core","fused":[4]}…]. "times":8 in each:
   * all steps run so often, in turn. Lives as long as the executable; may be empty. */
  ingot_bytes plan_json;
} ingot_executable_info;

typedef struct ingot_run_context {
  size_t struct_size;
  const ingot_cancel* cancel; /* NULL: not cancellable */
  /* NULL, or called per step with the node (of the compiled graph) that it stands for and begin and
   * end in ns of CLOCK_MONOTONIC. */
  void (*trace)(void* ctx, uint32_t node, const char* name, int64_t begin_ns, int64_t end_ns);
  void* trace_ctx;
} ingot_run_context;

typedef struct ingot_backend_api {
  size_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor;

  /* A backend instance. An unknown option is INGOT_INVALID_ARGUMENT whose text lists the known
   * ones. Hosts give every backend "threads" (int64: how many threads an execution may use); one
   * that makes no use of it accepts it, and names it among the irrelevant options. */
  ingot_status (*create)(const ingot_options* options, ingot_backend** out, ingot_error_buf* error);
  void (*destroy)(ingot_backend* backend);
  ingot_status (*info)(ingot_backend* backend, ingot_backend_info* out, ingot_error_buf* error);

  /* Pure and deterministic: which nodes of the graph can be compiled, and why others can't. */
  ingot_status (*query_graph)(ingot_backend* backend, const ingot_graph* graph,
                              const ingot_query_sink* sink, ingot_error_buf* error);

  /* Compiles a graph all of whose nodes were claimed. Nothing is executed on the caller's data. */
  ingot_status (*compile)(ingot_backend* backend, const ingot_graph* graph,
                          const ingot_cancel* cancel, ingot_executable** out,
                          ingot_error_buf* error);
  void (*destroy_executable)(ingot_executable* executable);
  ingot_status (*executable_info)(ingot_executable* executable, ingot_executable_info* out,
                                  ingot_error_buf* error);

  /* Runs. Inputs and outputs are dense row-major tensors of the graph's types, owned by the caller;
   * outputs do not overlap inputs or each other. `workspace` has info.workspace_bytes bytes,
   * 64-aligned (NULL if 0). Inputs are not written. On error the contents of outputs are
   * unspecified. */
  ingot_status (*execute)(ingot_executable* executable, const ingot_run_context* context,
                          const ingot_tensor* inputs, size_t input_count,
                          const ingot_tensor* outputs, size_t output_count, void* workspace,
                          ingot_error_buf* error);

  /* An extension by name ("ingot.serialize/1"), or NULL. The returned table lives as long as the
   * process. */
  const void* (*get_extension)(const char* name);
} ingot_backend_api;

/* The one export. Returns a table that lives as long as the process, or NULL with a text in `error`
 * when the plugin can't work with this host; never aborts. */
typedef const ingot_backend_api* (*ingot_backend_query_fn)(uint32_t host_major,
                                                           const ingot_host_api* host,
                                                           ingot_error_buf* error);

#ifdef __cplusplus
}
#endif

#endif /* INGOT_CORE_PLUGIN_ABI_INGOT_BACKEND_H_ */
