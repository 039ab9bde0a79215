// Prints docs/pt2.md: what is written by hand, and the tables that the reader works by.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/ops/registry.h"
#include "frontends/pt2/const_eval.h"
#include "frontends/pt2/program.h"
#include "frontends/pt2/rewrites.h"
#include "frontends/pt2/signatures.h"
#include "frontends/pt2/sym_expr.h"
#include "frontends/pt2/unpickle.h"

namespace ingot::pt2 {
namespace {

constexpr char kIntroduction[] = R"(# torch.export archives (.pt2)

Generated: `./bazelw run //frontends/pt2:print_tables > docs/pt2.md`.

`ingot run|verify|bench|inspect|extract X.pt2` reads what `torch.export.save` writes, with neither LibTorch nor Python in the process.
Nothing in the file is run; weights are used in place, in a mapping of the file.

**Arguments** are the tensor leaves of `args`, then of `kwargs` in the order of the export: keyword arguments become further positional
ones. Numbers, strings and None among them are fixed by torch.export and part of the program. Without `--inputs` and `--input` the sample
arguments in the archive are used.

**Sizes.** A graph is specialised to the sizes of its arguments. Symbols take their values from them, within the file's range constraints;
a size outside, or two sizes for one symbol, is an error that names argument and dimension. `guards_code` is not evaluated beyond that:
all sizes are inferred anew, and a graph whose sizes don't fit is refused. A size that is an argument itself has its value of the export.

**State.** Buffers that the program writes, by mutation specs or by in-place ops, are state; arguments that it writes are written back.
In-place ops are made functional: a write through views becomes scatters, and results that are arguments, or views of them, stay so.

**Checks.** Every type is inferred anew and compared with the file's; a difference is an error. The zip archive must be stored, not
compressed; names unique and relative; records apart from each other. Checksums are compared for everything but the weights.
`verify` runs LibTorch in a child process: the traced `.pt` beside the file if there is one, else the file's own graph on LibTorch's kernels.
All models of `tools/models` give the same bits from `.pt2` as from `.pt` (`//tests/e2e:pt2_test`).

**Outside the vocabulary.** An op on what the vocabulary does not take, complex numbers mostly, stays one node of the graph, which the
torchscript backend runs and the others name as unsupported, unless it writes, is a view or may draw random numbers.

**Not read**: higher-order ops (`cond`, `map`, `wrap_with_set_grad_enabled` …), ops outside of ATen, custom objects, tokens, numbers that
are read out of tensors (`item`), sizes that follow from elements (`nonzero`), AOTInductor packages, sparse and quantized tensors, devices
other than the CPU, constants of more than )";

std::string Code(const std::string& text) { return absl::StrCat("`", text, "`"); }

std::string Listed(const std::vector<std::string>& names) {
  return absl::StrJoin(names, ", ",
                       [](std::string* out, const std::string& name) { *out += Code(name); });
}

std::string Rewrites() {
  std::vector<RewriteRow> rows = AllRewrites();
  std::sort(rows.begin(), rows.end(), [](const RewriteRow& a, const RewriteRow& b) {
    return absl::string_view(a.op) < absl::string_view(b.op);
  });
  std::string text = "| op | becomes |\n|---|---|\n";
  for (const RewriteRow& row : rows) absl::StrAppend(&text, "| `", row.op, "` | ", row.doc, " |\n");
  return text;
}

std::string DTypes() {
  std::vector<std::string> held, others;
  for (int64_t code = 1; code < 64; ++code) {
    const std::string name = DTypeCodeName(code);
    if (name == absl::StrCat("dtype ", code)) continue;
    (DTypeOfCode(code) ? held : others).push_back(name);
  }
  return absl::StrCat(Listed(held), ". Refused: ", Listed(others), ".");
}

std::string Page() {
  std::vector<std::string> vocabulary;
  for (const ops::OpDef* def : ops::AllOps()) vocabulary.push_back(def->schema.op.substr(6));
  return absl::StrCat(
      kIntroduction, kMaxElements, " elements that the program\ncomputes.\n\n## Versions\n\n",
      "Schema ", kSchemaMajor, ".x (looked at up to ", kSchemaMajor, ".", kSchemaMinor,
      "), archive version 0, tree specs of version 1. Another major version is refused.\n\n",
      "## Element types\n\n", DTypes(),
      "\n\n## Ops\n\nTaken as they are, and in place with a `_` (", vocabulary.size(),
      "): ", Listed(vocabulary), ".\n\nAny other of the ", AllSignatures().size(),
      " functional ATen ops in `frontends/pt2/aten_schemas.txt` is carried as it is, for the "
      "torchscript backend.\n\nRewritten:\n\n",
      Rewrites(),
      "\n## Computed while the file is read\n\nWhat depends on no argument, for whole numbers and "
      "bools, and single operations on f32 and f64: ",
      Listed(ConstantOps()), ".\n\n## Functions in sizes\n\n", Listed(SymFunctions()),
      ".\n\n## Globals in sample arguments\n\n", Listed(PickleGlobals()), ".\n");
}

}  // namespace
}  // namespace ingot::pt2

int main() {
  std::fputs(ingot::pt2::Page().c_str(), stdout);
  return 0;
}
