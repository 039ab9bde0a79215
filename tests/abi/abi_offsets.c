/* Prints the size of every struct of the backend ABI and the offset and size of every field, and
 * the values of its constants. Fails if a field was forgotten here: then there is a gap that
 * alignment does not explain. */
#include <stdio.h>

#include "core/plugin/abi/ingot_backend.h"

static int failures = 0;
static size_t end_of_last = 0;

/* No field needs more than 8. */
static size_t AlignUp(size_t offset) { return (offset + 7) / 8 * 8; }

static void CheckGap(const char* what, size_t offset) {
  if (offset > AlignUp(end_of_last)) {
    fprintf(stderr, "a field before %s is not listed in abi_offsets.c\n", what);
    ++failures;
  }
}

#define OPEN(type)                                    \
  do {                                                \
    printf("%s %u\n", #type, (unsigned)sizeof(type)); \
    end_of_last = 0;                                  \
  } while (0)

#define FIELD(type, field)                                            \
  do {                                                                \
    const size_t offset = offsetof(type, field);                      \
    const size_t size = sizeof(((type*)0)->field);                    \
    CheckGap(#type "." #field, offset);                               \
    printf("  %s %u %u\n", #field, (unsigned)offset, (unsigned)size); \
    end_of_last = offset + size;                                      \
  } while (0)

#define CLOSE(type) CheckGap("the end of " #type, sizeof(type))

#define CONSTANT(name) printf("%s %d\n", #name, name)

static void PrintConstants(void) {
  CONSTANT(INGOT_BACKEND_ABI_MAJOR);
  CONSTANT(INGOT_BACKEND_ABI_MINOR);
  printf("INGOT_BACKEND_QUERY_SYMBOL %s\n", INGOT_BACKEND_QUERY_SYMBOL);
  CONSTANT(INGOT_OK);
  CONSTANT(INGOT_CANCELLED);
  CONSTANT(INGOT_INVALID_ARGUMENT);
  CONSTANT(INGOT_DEADLINE_EXCEEDED);
  CONSTANT(INGOT_NOT_FOUND);
  CONSTANT(INGOT_RESOURCE_EXHAUSTED);
  CONSTANT(INGOT_FAILED_PRECONDITION);
  CONSTANT(INGOT_UNIMPLEMENTED);
  CONSTANT(INGOT_INTERNAL);
  CONSTANT(INGOT_DATA_LOSS);
}

static void PrintStructs(void) {
  OPEN(ingot_error_buf);
  FIELD(ingot_error_buf, text);
  FIELD(ingot_error_buf, capacity);
  FIELD(ingot_error_buf, length);
  CLOSE(ingot_error_buf);
  OPEN(ingot_bytes);
  FIELD(ingot_bytes, data);
  FIELD(ingot_bytes, size);
  CLOSE(ingot_bytes);
  OPEN(ingot_tensor);
  FIELD(ingot_tensor, data);
  FIELD(ingot_tensor, device_type);
  FIELD(ingot_tensor, device_id);
  FIELD(ingot_tensor, ndim);
  FIELD(ingot_tensor, dtype_code);
  FIELD(ingot_tensor, dtype_bits);
  FIELD(ingot_tensor, dtype_lanes);
  FIELD(ingot_tensor, shape);
  FIELD(ingot_tensor, strides);
  FIELD(ingot_tensor, byte_offset);
  CLOSE(ingot_tensor);
  OPEN(ingot_option);
  FIELD(ingot_option, name);
  FIELD(ingot_option, type);
  FIELD(ingot_option, reserved);
  FIELD(ingot_option, s);
  FIELD(ingot_option, i);
  FIELD(ingot_option, d);
  CLOSE(ingot_option);
  OPEN(ingot_options);
  FIELD(ingot_options, options);
  FIELD(ingot_options, count);
  FIELD(ingot_options, stride);
  CLOSE(ingot_options);
  OPEN(ingot_host_api);
  FIELD(ingot_host_api, struct_size);
  FIELD(ingot_host_api, abi_major);
  FIELD(ingot_host_api, abi_minor);
  FIELD(ingot_host_api, ctx);
  FIELD(ingot_host_api, log);
  CLOSE(ingot_host_api);
  OPEN(ingot_backend_info);
  FIELD(ingot_backend_info, struct_size);
  FIELD(ingot_backend_info, name);
  FIELD(ingot_backend_info, version);
  FIELD(ingot_backend_info, library_version);
  FIELD(ingot_backend_info, fingerprint);
  FIELD(ingot_backend_info, irrelevant_options);
  FIELD(ingot_backend_info, sanitizer);
  CLOSE(ingot_backend_info);
  OPEN(ingot_constant);
  FIELD(ingot_constant, digest);
  FIELD(ingot_constant, data);
  FIELD(ingot_constant, size);
  CLOSE(ingot_constant);
  OPEN(ingot_graph);
  FIELD(ingot_graph, struct_size);
  FIELD(ingot_graph, graph);
  FIELD(ingot_graph, constants);
  FIELD(ingot_graph, constant_count);
  FIELD(ingot_graph, constant_stride);
  FIELD(ingot_graph, drop_constant);
  FIELD(ingot_graph, drop_ctx);
  CLOSE(ingot_graph);
  OPEN(ingot_query_sink);
  FIELD(ingot_query_sink, struct_size);
  FIELD(ingot_query_sink, ctx);
  FIELD(ingot_query_sink, claim);
  FIELD(ingot_query_sink, reject);
  CLOSE(ingot_query_sink);
  OPEN(ingot_cancel);
  FIELD(ingot_cancel, cancelled);
  FIELD(ingot_cancel, ctx);
  CLOSE(ingot_cancel);
  OPEN(ingot_executable_info);
  FIELD(ingot_executable_info, struct_size);
  FIELD(ingot_executable_info, workspace_bytes);
  FIELD(ingot_executable_info, retained_bytes);
  FIELD(ingot_executable_info, needs_constants);
  FIELD(ingot_executable_info, reserved);
  FIELD(ingot_executable_info, plan_json);
  CLOSE(ingot_executable_info);
  OPEN(ingot_run_context);
  FIELD(ingot_run_context, struct_size);
  FIELD(ingot_run_context, cancel);
  FIELD(ingot_run_context, trace);
  FIELD(ingot_run_context, trace_ctx);
  CLOSE(ingot_run_context);
  OPEN(ingot_backend_api);
  FIELD(ingot_backend_api, struct_size);
  FIELD(ingot_backend_api, abi_major);
  FIELD(ingot_backend_api, abi_minor);
  FIELD(ingot_backend_api, create);
  FIELD(ingot_backend_api, destroy);
  FIELD(ingot_backend_api, info);
  FIELD(ingot_backend_api, query_graph);
  FIELD(ingot_backend_api, compile);
  FIELD(ingot_backend_api, destroy_executable);
  FIELD(ingot_backend_api, executable_info);
  FIELD(ingot_backend_api, execute);
  FIELD(ingot_backend_api, get_extension);
  CLOSE(ingot_backend_api);
}

int main(void) {
  PrintConstants();
  PrintStructs();
  return failures == 0 ? 0 : 1;
}
