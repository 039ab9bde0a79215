#include "core/ir/opaque_op.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace ingot::ir {
namespace {

using absl::string_view;

constexpr string_view kNamespace = "aten::";

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
  string_view name = BaseOp(op);
  if (!absl::ConsumePrefix(&name, kNamespace)) {
    return absl::PermissionDeniedError(
        "not an operator of ATen; a graph may name no others of LibTorch");
  }
  const Reach reach = ReachOf(name.substr(0, name.find('.')));
  if (reach == kArgumentsOnly) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("a graph may not name it: ", kWhy[reach]));
}

}  // namespace ingot::ir
