"""Tests of tools.models: the command line, the files, and that each file does what its module does."""

import contextlib
import io
import os
import tempfile
import unittest

import numpy as np
import torch

from tools.models import __main__ as command_line
from tools.models import catalogue
from tools.models.case import Built, Case
from tools.models.export import SEED, ExportError, write_pt

_FOLDER = os.path.dirname(__file__)
_ARGUMENT_SHAPES = {
    "minilm": [(2, 16), (2, 16)],
    "bert_base": [(1, 16), (1, 16)],
    "gpt2": [(1, 16)],
    "resnet50": [(1, 3, 64, 64)],
    "mobilenet_v2": [(1, 3, 64, 64)],
    "vit_base": [(1, 3, 32, 32)],
    "mlp": [(4, 16)],
    "lstm": [(1, 6, 16)],
    "minilm_batch": [(4, 16), (4, 16)],
    "gpt2_decode": [(1, 1)] + 4 * [(1, 4, 24, 16)],
    "convnext_tiny": [(1, 3, 64, 64)],
    "unet": [(1, 3, 32, 32)],
    "pointwise": [(8, 32)],
    "llama_block": [(1, 16, 64)],
}


def _run(*argv):
    """Returns (exit code, standard output, standard error) of the command line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = command_line.main(argv)
        except SystemExit as stop:
            code = stop.code
    return code, out.getvalue(), err.getvalue()


def _load_args(path):
    with np.load(path) as arrays:
        return [torch.from_numpy(arrays[f"arg{k}"]) for k in range(len(arrays.files))]


def _read(*parts):
    with open(os.path.join(*parts), "rb") as file:
        return file.read()


class CommandLineTest(unittest.TestCase):

    def test_lists_every_case_of_a_set(self):
        for name, cases in catalogue.SETS.items():
            code, out, _ = _run("--list", f"--set={name}")
            self.assertEqual(code, 0)
            self.assertEqual([line.split()[0] for line in out.splitlines()],
                             [case.name for case in cases])

    def test_refuses_bad_usage_in_one_line(self):
        for argv, what in [
            (["--out=x", "--only=nothing"], "no case nothing in set models"),
            (["--out=x", "--formats=onnx"], "choose from pt,pt2,npz"),
            ([], "--out DIR is needed"),
            (["--out=/dev/null/x", "--only=mlp"], "cannot make /dev/null/x"),
        ]:
            with self.subTest(argv=argv):
                code, _, err = _run(*argv)
                self.assertEqual(code, 2)
                self.assertIn(what, err.splitlines()[-1])

    def test_writes_the_chosen_files_only(self):
        with tempfile.TemporaryDirectory() as folder:
            code, out, err = _run(f"--out={folder}", "--only=mlp", "--formats=npz,pt")
            self.assertEqual((code, err), (0, ""))
            self.assertIn("mlp: mlp.pt mlp.npz", out)
            self.assertEqual(sorted(os.listdir(folder)), ["mlp.npz", "mlp.pt"])

    def test_two_exports_have_the_same_bytes(self):
        # The second run exports another case before: what else is exported must not matter. A trace
        # holds its call stack, so both runs start from one line.
        contents = []
        for only in ("lstm", "mlp,lstm"):
            with tempfile.TemporaryDirectory() as folder:
                code, _, err = _run(f"--out={folder}", f"--only={only}", "--formats=npz,pt")
                self.assertEqual((code, err), (0, ""))
                contents.append([_read(folder, "lstm.npz"), _read(folder, "lstm.pt")])
        self.assertTrue(contents[0][0] == contents[1][0], "lstm.npz")
        self.assertTrue(contents[0][1] == contents[1][1], "lstm.pt")


class CatalogueTest(unittest.TestCase):

    def test_finds_cases_of_every_set(self):
        for name in ("mlp", "sub"):
            self.assertEqual(catalogue.find(name).name, name)
        with self.assertRaisesRegex(ValueError, "no case nothing"):
            catalogue.find("nothing")


class ExportTest(unittest.TestCase):

    def test_refuses_a_trace_that_differs_and_leaves_no_file(self):
        class Branch(torch.nn.Module):
            calls = 0

            def forward(self, a):
                Branch.calls += 1
                return a + Branch.calls

        case = Case("branch", "depends on the number of calls", None)
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(ExportError, "branch: branch.pt differs from the module"):
                write_pt(case, Built(Branch(), (torch.ones(2),)), os.path.join(folder, "branch.pt"))
            self.assertEqual(os.listdir(folder), [])


class ExportedFilesTest(unittest.TestCase):
    """Holds the files that the build made to the modules of the catalogue."""

    def test_every_case_is_declared_in_the_build_file(self):
        for name, folder in [("models", "small"), ("lazy", "lazy")]:
            self.assertEqual(
                sorted(file for file in os.listdir(os.path.join(_FOLDER, folder))),
                sorted(f"{case.name}.{extension}" for case in catalogue.SETS[name]
                       for extension in ("pt", "pt2", "npz")))

    def test_arguments_have_the_documented_shapes(self):
        for name, shapes in _ARGUMENT_SHAPES.items():
            args = _load_args(os.path.join(_FOLDER, "small", f"{name}.npz"))
            self.assertEqual([tuple(arg.shape) for arg in args], shapes, name)

    def test_numbers_are_finite_and_vary(self):
        for case in catalogue.SETS["models"]:
            path = os.path.join(_FOLDER, "small", case.name)
            with torch.no_grad():
                outputs = torch.jit.load(f"{path}.pt")(*_load_args(f"{path}.npz"))
            for output in torch.utils._pytree.tree_leaves(outputs):
                self.assertTrue(bool(output.isfinite().all()), case.name)
                self.assertGreater(output.std().item(), 1e-3, case.name)
                self.assertLess(output.abs().max().item(), 1e3, case.name)

    def test_sentence_embeddings_have_length_one(self):
        path = os.path.join(_FOLDER, "small", "minilm")
        with torch.no_grad():
            embedding = torch.jit.load(f"{path}.pt")(*_load_args(f"{path}.npz"))
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(len(embedding)))

    def test_lazy_traces_keep_their_semantics(self):
        def load(name):
            return torch.jit.load(os.path.join(_FOLDER, "lazy", f"{name}.pt"))

        a, b = torch.randn(2, 3), torch.randn(2, 3)
        updated = a.clone()
        results = load("inplace_update")(updated, b)
        torch.testing.assert_close(updated, a - b)
        torch.testing.assert_close(results, (b - 1, b + 1))

        first, c, second, again = load("return_dup_tensor")(a, b)
        torch.testing.assert_close((first, c, second), (a - b, a + b, a + 1))
        self.assertIs(c, again)

        torch.manual_seed(SEED)
        draw = torch.randn(2, 3)
        torch.manual_seed(SEED)
        torch.testing.assert_close(load("eager_tensor")(a), a + draw)
        self.assertFalse(torch.equal(load("eager_tensor")(a), load("eager_tensor")(a)))

        torch.testing.assert_close(load("addcmul_value7")(a, b, b), a + 7 * b * b)
        for name in ("return_eager_tensor_on_default_device", "return_eager_tensor_scripted"):
            torch.testing.assert_close(load(name)(), torch.tensor([2.0, 3.0]))


if __name__ == "__main__":
    unittest.main()
