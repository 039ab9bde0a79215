#include "core/ir/opaque_op.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace ingot::ir {
namespace {

using absl::string_view;

// Namespaces of LibTorch 2.13 besides ATen's: parts of its compilers and backends, which call each
// other and check little.
constexpr string_view kInternalNamespaces[] = {"_c10d_functional",
                                               "_c10d_functional_autograd",
                                               "_dtensor",
                                               "_native",
                                               "_quantized",
                                               "_test",
                                               "c10d",
                                               "debug_mode_ops",
                                               "debugprims",
                                               "export",
                                               "inductor",
                                               "inductor_prims",
                                               "mkl",
                                               "mkldnn",
                                               "mkldnn_prepacked",
                                               "onednn",
                                               "onnx",
                                               "prim",
                                               "prims",
                                               "profiler",
                                               "quantization",
                                               "quantized",
                                               "rngprims",
                                               "sparse",
                                               "static_runtime",
                                               "symm_mem"};

// What an operator reaches for.
enum Reach { kArgumentsOnly, kFiles, kUnchecked, kNotDense, kPacked };
constexpr const char* kWhy[] = {"", "it opens a file",
                                "it believes the sizes, strides or positions that it is given",
                                "it is about tensors that are not dense, whose parts it believes",
                                "it believes that an argument holds a packed object"};

struct Rule {
  string_view name;
  bool is_part;  // any operator whose name has this in it
  Reach reach;
};

// The first that matches counts.
constexpr Rule kRules[] = {
    {"from_file", false, kFiles},
    {"save", false, kFiles},
    // Checked like their namesakes; what they are careless about is gradients.
    {"unsafe_chunk", false, kArgumentsOnly},
    {"unsafe_split", false, kArgumentsOnly},
    {"unsafe_split_with_sizes", false, kArgumentsOnly},
    {"_unsafe_view", false, kArgumentsOnly},
    {"_unsafe_index", false, kArgumentsOnly},
    {"_unsafe_index_put", false, kArgumentsOnly},
    {"_unsafe_masked_index", false, kArgumentsOnly},
    {"_unsafe_masked_index_put_accumulate", false, kArgumentsOnly},
    {"unsafe", true, kUnchecked},
    {"_reshape_alias", false, kUnchecked},
    {"_reshape_alias_copy", false, kUnchecked},
    {"_convert_indices_from_coo_to_csr", false, kUnchecked},
    {"_convert_indices_from_csr_to_coo", false, kUnchecked},
    {"_segment_reduce_backward", false, kUnchecked},
    {"_sobol_engine_draw", false, kUnchecked},
    {"set", false, kUnchecked},
    {"resize", true, kUnchecked},
    // Writes an argument that its schema does not say it writes.
    {"_copy_from", true, kUnchecked},
    {"sparse", true, kNotDense},
    {"nested", true, kNotDense},
    {"jagged", true, kNotDense},
    {"_efficientzerotensor", false, kNotDense},
    {"fbgemm_", true, kPacked},
    {"_wrapped_", true, kPacked},
};

bool Matches(const Rule& rule, string_view name) {
  return rule.is_part ? absl::StrContains(name, rule.name) : name == rule.name;
}

Reach ReachOf(string_view name) {
  for (const Rule& rule : kRules) {
    if (Matches(rule, name)) return rule.reach;
  }
  return kArgumentsOnly;
}

}  // namespace

string_view BaseOp(string_view op) { return absl::StripSuffix(op, kOutsideVocabulary); }

bool OpensFile(string_view name) { return ReachOf(name) == kFiles; }

absl::Status CheckOpaqueOp(string_view op) {
  const std::pair<string_view, string_view> parts =
      absl::StrSplit(BaseOp(op), absl::MaxSplits("::", 1));
  if (parts.second.empty() || absl::c_linear_search(kInternalNamespaces, parts.first)) {
    return absl::PermissionDeniedError(
        "not an operator of ATen; a graph may name no others of LibTorch");
  }
  const Reach reach = ReachOf(parts.second.substr(0, parts.second.find('.')));
  if (reach == kArgumentsOnly) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("a graph may not name it: ", kWhy[reach]));
}

}  // namespace ingot::ir
