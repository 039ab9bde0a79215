/* The frontend ABI: how a frontend that needs a heavy library (LibTorch) is loaded on demand.
 *
 * A frontend is a shared object with one exported symbol, `ingot_frontend_query`. A process that
 * runs `.ingot` files on onednn never loads it. Conventions are those of ingot_backend.h. The host
 * and the frontend are of one build (abi_version must be equal): this ABI isn't a stable one, it
 * only keeps LibTorch out.
 */
#ifndef INGOT_CORE_PLUGIN_ABI_INGOT_FRONTEND_H_
#define INGOT_CORE_PLUGIN_ABI_INGOT_FRONTEND_H_

#include <stddef.h>
#include <stdint.h>

#include "core/plugin/abi/ingot_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

#define INGOT_FRONTEND_ABI_VERSION 1
#define INGOT_FRONTEND_QUERY_SYMBOL "ingot_frontend_query"

typedef struct ingot_module ingot_module;       /* a loaded model */
typedef struct ingot_recording ingot_recording; /* what recording it yields; owns its constants */
typedef struct ingot_oracle ingot_oracle;       /* the model, run by LibTorch itself */
typedef struct ingot_results ingot_results;     /* what one oracle run yields */

/* How an oracle runs the model. */
#define INGOT_ORACLE_EAGER 0         /* as loaded, graph optimizer off */
#define INGOT_ORACLE_EAGER_FLOAT64 1 /* parameters, buffers and floating inputs in float64 */
#define INGOT_ORACLE_FROZEN                                             \
  2 /* torch.jit.freeze + optimize_for_inference: a peer for benchmarks \
     */

typedef struct ingot_frontend_api {
  uint32_t abi_version;

  /* Version of the library behind ("LibTorch 2.13.0"); static storage. */
  const char* library_version;

  /* Sets LibTorch's intra-op thread count, process-wide. */
  void (*set_threads)(int32_t threads);

  /* Loads a TorchScript file. `name` is for messages. NOT_FOUND, DATA_LOSS (truncated or corrupt
   * archive). */
  ingot_status (*open_file)(const char* path, ingot_module** out, ingot_error_buf* error);
  ingot_status (*open_memory)(ingot_bytes bytes, const char* name, ingot_module** out,
                              ingot_error_buf* error);
  void (*close)(ingot_module* module);

  /* Records the module on clones of the arguments, given as flat tensors in order of forward's
   * parameters. */
  ingot_status (*record)(ingot_module* module, const ingot_tensor* args, size_t count,
                         ingot_recording** out, ingot_error_buf* error);
  /* The recording's header: bytes of core/artifact/artifact.fbs, without weights. Lives as long as
   * the recording. */
  ingot_bytes (*recording_header)(const ingot_recording* recording);
  /* Constants first, then initial states, in the header's order. */
  size_t (*recording_constant_count)(const ingot_recording* recording);
  ingot_constant (*recording_constant)(const ingot_recording* recording, size_t index);
  void (*release_recording)(ingot_recording* recording);

  /* An oracle has its own copy of the module's state. */
  ingot_status (*create_oracle)(ingot_module* module, int32_t mode, ingot_oracle** out,
                                ingot_error_buf* error);
  void (*destroy_oracle)(ingot_oracle* oracle);
  /* Runs on clones of `args`. `seed` >= 0 seeds the default generator for the call and restores it
   * after. */
  ingot_status (*run_oracle)(ingot_oracle* oracle, const ingot_tensor* args, size_t count,
                             int64_t seed, ingot_results** out, ingot_error_buf* error);
  /* Tensor result slots first, then all arguments as they are after the call. The tensors live as
   * long as `results`; they may be strided. */
  size_t (*result_count)(const ingot_results* results);
  ingot_tensor (*result)(const ingot_results* results, size_t index);
  void (*release_results)(ingot_results* results);
} ingot_frontend_api;

typedef const ingot_frontend_api* (*ingot_frontend_query_fn)(uint32_t abi_version,
                                                             ingot_error_buf* error);

#ifdef __cplusplus
}
#endif

#endif /* INGOT_CORE_PLUGIN_ABI_INGOT_FRONTEND_H_ */
