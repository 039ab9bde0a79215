"""Every file of the checkout keeps to its layer, and the checker itself sees what it should."""

import os
import pathlib
import subprocess
import unittest

from tests.layering import layers


def checkout() -> pathlib.Path:
    """The source tree, found through a runfile that is a link into it."""
    runfile = pathlib.Path(os.environ["TEST_SRCDIR"]) / os.environ["TEST_WORKSPACE"] / "WORKSPACE"
    return runfile.resolve().parent


def source_files(root: pathlib.Path) -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True)
    if listing.returncode == 0:
        files = listing.stdout.splitlines()
    else:
        files = [str(p.relative_to(root)) for folder in ("core", "backends", "frontends")
                 for p in (root / folder).rglob("*")]
    kinds = (".h", ".cc", ".bzl", "BUILD")
    return [f for f in files if f.endswith(kinds) and (root / f).is_file()]


class LayeringTest(unittest.TestCase):

    def test_every_file_names_only_what_is_below_it(self):
        root = checkout()
        files = source_files(root)
        self.assertTrue(files, f"no sources found in {root}")
        found = []
        for file in files:
            found += layers.violations(file, (root / file).read_text())
        self.assertFalse(found, "\n" + "\n".join(found))


class CheckerTest(unittest.TestCase):

    def assert_violations(self, path: str, line: str, count: int):
        self.assertEqual(len(layers.violations(path, line)), count, f"{path}: {line}")

    def test_build_files(self):
        for path, line, count in [
            ("core/ir/BUILD", 'deps = ["//core/base:status_macros"]', 0),
            ("core/ir/BUILD", 'deps = ["@com_google_absl//absl/status"]', 0),
            ("core/ir/BUILD", 'deps = ["@libtorch//:torch"]', 1),
            ("core/ir/BUILD", 'deps = ["@onednn"]', 1),
            ("core/ir/BUILD", 'deps = ["//backends/sdk"]', 1),
            ("core/ir/BUILD", 'deps = ["//corelike:x"]', 1),
            ("core/ir/BUILD", '# "//backends/sdk" is above', 0),
            ("core/ir/BUILD", 'visibility = ["//frontends:__subpackages__"]', 0),
            ("backends/onednn/BUILD", 'deps = ["@onednn//:dnnl", "//backends/sdk:sdk"]', 0),
            ("backends/onednn/kernels/BUILD", 'deps = ["@libtorch//:torch"]', 1),
            ("backends/onednn/BUILD", 'deps = ["//backends/torchscript:lowering"]', 1),
            ("core/runtime/BUILD", 'data = [\n"//backends/reference:libingot_reference.so",\n]', 0),
            ("core/runtime/BUILD", 'data = ["x.txt"],\ndeps = ["//backends/reference:kernels"]', 1),
            ("backends/torchscript/BUILD", 'deps = ["@onednn//:dnnl"]', 1),
            ("frontends/torchscript/BUILD", 'deps = ["@libtorch//:torch"]', 0),
            ("frontends/torchscript/BUILD", 'deps = ["//backends/reference:kernels"]', 1),
            ("frontends/pt2/BUILD", 'deps = ["@libtorch//:headers"]', 1),
            ("frontends/pt2/BUILD", 'deps = ["//frontends/functional:views"]', 0),
            ("frontends/functional/BUILD", 'deps = ["@libtorch//:headers"]', 1),
            ("frontends/functional/BUILD", 'deps = ["//frontends/pt2:memory"]', 1),
            ("frontends/pt2/BUILD", 'deps = ["//frontends/torch:adapters"]', 1),
            ("tools/ingot/BUILD", 'deps = ["@libtorch//:torch", "//frontends/pt2"]', 0),
        ]:
            with self.subTest(path=path, line=line):
                self.assert_violations(path, line, count)

    def test_includes(self):
        for path, line, count in [
            ("core/ir/graph.h", '#include "core/base/status_macros.h"', 0),
            ("core/ir/graph.h", "#include <vector>", 0),
            ("core/ir/graph.h", '#include "absl/strings/string_view.h"', 0),
            ("core/ir/graph.h", "#include <torch/script.h>", 1),
            ("core/ir/graph.h", "#  include <ATen/ATen.h>", 1),
            ("backends/onednn/conv.cc", "#include <oneapi/dnnl/dnnl.hpp>", 0),
            ("backends/torchscript/emit.cc", '#include "dnnl.h"', 1),
            ("backends/reference/ops.cc", '#include "frontends/pt2/archive.h"', 1),
        ]:
            with self.subTest(path=path, line=line):
                self.assert_violations(path, line, count)


if __name__ == "__main__":
    unittest.main()
