"""`ingot.load("model.pt2")`: archives of torch.export, read by ingot's own reader."""

import collections
import subprocess
import sys

import pytest
import torch
from torch import nn

import ingot


class Nested(nn.Module):
    """Nested arguments, a keyword argument, a nested result and a buffer that each call updates."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 8)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x, pair, *, scale, shift):
        self.calls.add_(1)
        y = self.linear(x) * scale + pair["a"] - pair["b"] + shift
        return {"y": y, "calls": self.calls + 0, "more": (y.sum(), None, [x])}


def arguments(rows=3):
    return (torch.randn(rows, 4), {"a": torch.randn(rows, 8), "b": torch.randn(8)})


KEYWORDS = {"scale": torch.tensor(2.0), "shift": torch.tensor(1.0)}


def save(model, args, path, kwargs=None, dynamic=None):
    torch.export.save(torch.export.export(model.eval(), args, kwargs, dynamic_shapes=dynamic), path)
    return path


@pytest.fixture
def nested(tmp_path):
    rows = torch.export.Dim("rows", min=2, max=64)
    dynamic = {"x": {0: rows}, "pair": {"a": {0: rows}, "b": None}, "scale": None, "shift": None}
    return save(Nested(), arguments(), tmp_path / "nested.pt2", KEYWORDS, dynamic)


def test_results_are_those_of_torch_export(nested, backend):
    ours, theirs = ingot.load(nested), torch.export.load(nested).module()
    for rows in (3, 5, 3):
        args = arguments(rows)
        with torch.no_grad():
            torch.testing.assert_close(ours(*args, **KEYWORDS), theirs(*args, **KEYWORDS))
    assert ours.extractions == 2
    assert isinstance(ours, ingot.ExportedModule)


def test_the_buffers_are_shared_by_all_sizes_and_belong_to_the_object(nested):
    first, second = ingot.load(nested), ingot.load(nested)
    for count, rows in enumerate((3, 5, 3, 7), start=1):
        assert first(*arguments(rows), **KEYWORDS)["calls"].item() == count
    assert second(*arguments(), **KEYWORDS)["calls"].item() == 1


def test_keyword_arguments_come_in_any_order(nested):
    model, args = ingot.load(nested), arguments()
    one = model(*args, scale=KEYWORDS["scale"], shift=KEYWORDS["shift"])
    other = model(*args, shift=KEYWORDS["shift"], scale=KEYWORDS["scale"])
    assert torch.equal(one["y"], other["y"])
    assert model.extractions == 1


def test_tensors_that_are_not_row_major_are_taken(nested, backend):
    model, (x, pair) = ingot.load(nested), arguments()
    expected = model(x, pair, **KEYWORDS)["y"]
    assert torch.equal(model(x.t().contiguous().t(), pair, **KEYWORDS)["y"], expected)
    assert torch.equal(model(x, pair, **KEYWORDS)["y"], expected)


def test_arguments_that_the_program_writes_are_updated(tmp_path, backend):
    class AddTo(nn.Module):
        def forward(self, a, b):
            a.add_(b)
            return a * 2

    model = ingot.load(save(AddTo(), (torch.zeros(2, 3), torch.ones(2, 3)), tmp_path / "m.pt2"))
    a, b = torch.zeros(2, 3), torch.ones(2, 3)
    for call in (1, 2):
        torch.testing.assert_close(model(a, b), torch.full((2, 3), 2.0 * call))
        torch.testing.assert_close(a, torch.full((2, 3), float(call)))
    with pytest.raises(ingot.InvalidArgumentError, match="argument 0 is written by the program and not row-major"):
        model(torch.zeros(3, 2).t(), b)


Pair = collections.namedtuple("Pair", "low high")
torch.utils._pytree._register_namedtuple(Pair, serialized_type_name="ingot_test.Pair")


def test_named_tuples_are_put_together_again(tmp_path):
    class Bounds(nn.Module):
        def forward(self, x):
            return Pair(x.min(), x.max())

    result = ingot.load(save(Bounds(), (torch.ones(4),), tmp_path / "m.pt2"))(torch.arange(4.0))
    assert type(result) is Pair and result.low == 0 and result.high == 3


@pytest.mark.parametrize(("call", "message"), [
    (lambda m, x, p: m(x, p), r"nested as .* but the graph was extracted with .*scale"),
    (lambda m, x, p: m(x, {"a": x}, **KEYWORDS), "nested as"),
    (lambda m, x, p: m(x.double(), p, **KEYWORDS), r"argument 0 \(x\) is f64; the program takes float32"),
    (lambda m, x, p: m(x[:1], {"a": p["a"][:1], "b": p["b"]}, **KEYWORDS), "the size 1 is not in the range 2 to 64"),
    (lambda m, x, p: m(x, {"a": p["a"][:2], "b": p["b"]}, **KEYWORDS), "argument 1"),
    (lambda m, x, p: m(x, {"a": 3, "b": p["b"]}, **KEYWORDS), "takes 5 tensors, not 4"),
    (lambda m, x, p: m(x.requires_grad_(), p, **KEYWORDS), "requires grad"),
])
def test_calls_that_do_not_fit_are_refused(nested, call, message):
    model = ingot.load(nested)
    model(*arguments(), **KEYWORDS)
    with pytest.raises(ingot.InvalidArgumentError, match=message):
        call(model, *arguments())
    assert model(*arguments(), **KEYWORDS)["calls"].item() == 2


def test_a_file_truncated_anywhere_is_refused(tmp_path):
    content = save(nn.Linear(2, 2), (torch.ones(1, 2),), tmp_path / "whole.pt2").read_bytes()
    path = tmp_path / "cut.pt2"
    for size in range(0, len(content) - 1, max(1, len(content) // 200)):
        path.write_bytes(content[:size])
        with pytest.raises(ingot.IngotError, match="cut.pt2"):
            ingot.load(path)


class Cond(nn.Module):
    """A higher-order operator, which ingot's reader does not take."""

    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))


def test_what_the_reader_refuses_runs_on_libtorch_where_fallback_is_allowed(tmp_path):
    path = save(Cond(), (torch.ones(2),), tmp_path / "cond.pt2")
    with pytest.raises(ingot.IngotError, match="cond"):
        ingot.load(path)(torch.ones(2))
    model = ingot.load(path, fallback="allow")
    for x in (torch.ones(2), -torch.ones(2)):
        torch.testing.assert_close(model(x), Cond()(x))


def test_a_mapped_file_serves_after_it_was_deleted(tmp_path, backend):
    eager = nn.Linear(4, 2)
    path = save(eager, (torch.ones(3, 4),), tmp_path / "m.pt2")
    model, x = ingot.load(path), torch.randn(3, 4)
    path.unlink()
    with torch.no_grad():
        torch.testing.assert_close(model(x), eager(x))


def test_nothing_of_the_file_is_run_by_python(nested):
    code = ("import sys, torch, ingot\n"
            "def fail(*args, **kwargs): raise AssertionError('torch.export.load or pickle was used')\n"
            "import torch.export, pickle\n"
            "torch.export.load = torch.load = pickle.load = pickle.loads = pickle.Unpickler = fail\n"
            "model = ingot.load(sys.argv[1])\n"
            "pair = {'a': torch.ones(3, 8), 'b': torch.ones(8)}\n"
            "print(model(torch.ones(3, 4), pair, scale=torch.tensor(2.0), shift=torch.tensor(0.0))['y'].shape)\n")
    shown = subprocess.run([sys.executable, "-c", code, str(nested)], check=True, capture_output=True, text=True).stdout
    assert "torch.Size([3, 8])" in shown
