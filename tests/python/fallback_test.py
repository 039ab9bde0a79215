"""Models that can't be graphs: refused, or run whole on LibTorch where fallback is allowed."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

import ingot


def by_sign(x):
    return x + 1 if x.sum() > 0 else x - 1


def by_values(x):
    return torch.nonzero(x)


def by_number(x):
    return x * x.tolist()[0]


MODELS = [by_sign, by_values, by_number]
FRESH = [torch.ones(3), -torch.ones(3), torch.tensor([0.0, 2.0, 0.0]), torch.arange(4.0)]


@pytest.mark.parametrize("model", MODELS)
def test_refused_by_default(model, backend):
    for extract in (lambda: ingot.extract_compiled_graph(model, FRESH[:1]), lambda: ingot.compile(model)(FRESH[0])):
        with pytest.raises(ingot.FailedPreconditionError, match="data-dependent|reads a tensor's memory"):
            extract()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("policy", ["allow", "warn"])
def test_runs_whole_on_libtorch_where_allowed(model, policy, backend):
    compiled = ingot.compile(model, fallback=policy)
    extracted = ingot.extract_compiled_graph(model, FRESH[:1], fallback=policy)
    assert isinstance(extracted, ingot.EagerModel)
    for x in FRESH:
        torch.testing.assert_close(compiled(x), model(x))
        torch.testing.assert_close(extracted(x), [model(x)])
    assert compiled.fallback == extracted.fallback != ""
    assert compiled.extractions == 0 and compiled.graphs == []


def test_a_model_that_is_a_graph_stays_one():
    graph = ingot.extract_compiled_graph(torch.sin, [torch.ones(2)], fallback="allow")
    compiled = ingot.compile(torch.sin, fallback="allow")
    compiled(torch.ones(2))
    assert isinstance(graph, ingot.CompiledGraph) and graph.fallback == "" and compiled.fallback == ""


def test_the_first_call_that_shows_it_falls_back_for_good():
    class Clip(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", torch.zeros(1))

        def forward(self, x, exact):
            self.calls.add_(1)
            if exact:
                return x[x > 0]
            return x.clamp(min=0)

    model = Clip()
    compiled = ingot.compile(model, fallback="allow")
    x = torch.tensor([-1.0, 2.0])
    torch.testing.assert_close(compiled(x, False), torch.tensor([0.0, 2.0]))
    assert compiled.fallback == "" and compiled.extractions == 1
    torch.testing.assert_close(compiled(x, True), torch.tensor([2.0]))
    torch.testing.assert_close(compiled(x, False), torch.tensor([0.0, 2.0]))
    assert "data-dependent" in compiled.fallback and compiled.extractions == 1
    assert model.calls.item() == 3  # by graphs and by LibTorch alike


def test_arguments_are_updated_as_by_eager():
    def halve(x):
        while x.max() > 1:
            x.mul_(0.5)
        return x

    x = torch.tensor([8.0, 3.0])
    result = ingot.compile(halve, fallback="allow")(x)
    assert result is x
    torch.testing.assert_close(x, torch.tensor([1.0, 0.375]))


def test_errors_of_the_model_are_no_reason_to_fall_back():
    def fails(x):
        if x.shape[0] != 2:
            raise ValueError("two rows, please")
        return x + 1

    compiled = ingot.compile(fails, fallback="allow")
    with pytest.raises(ingot.FailedPreconditionError, match="two rows, please"):
        compiled(torch.ones(3))
    torch.testing.assert_close(compiled(torch.ones(2)), torch.full((2,), 2.0))
    assert compiled.fallback == "" and compiled.extractions == 1


def test_gradients_are_refused_not_dropped():
    model = ingot.extract_compiled_graph(by_sign, [torch.ones(2)], fallback="allow")
    with pytest.raises(ingot.InvalidArgumentError, match="requires grad"):
        model(torch.ones(2, requires_grad=True))
    with torch.no_grad():
        torch.testing.assert_close(model(torch.ones(2, requires_grad=True)), [torch.full((2,), 2.0)])


def test_what_runs_on_libtorch_says_so():
    model = ingot.extract_compiled_graph(by_sign, [torch.ones(2)], fallback="allow")
    report = model.report()
    assert report.backends[0].startswith("LibTorch eager") and report.fallbacks == {"program": 1}
    assert "data-dependent" in repr(model) and "LibTorch eager" in str(report)
    for act in (lambda: model.graph, lambda: model.save("never.ingot")):
        with pytest.raises(ingot.UnimplementedError, match="it has no graph"):
            act()
    assert ingot.metrics(fallback="allow")["fallback.program"] >= 1


def test_seeded_runs_repeat_and_leave_the_generator_alone():
    def noisy(x):
        return x + torch.rand(2) if x.sum() > 0 else x

    model = ingot.extract_compiled_graph(noisy, [torch.ones(2)], fallback="allow")
    before = torch.random.get_rng_state()
    first = model.run((torch.ones(2),), seed=5)
    torch.testing.assert_close(model.run((torch.ones(2),), seed=5), first)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_warn_tells_once_on_stderr():
    code = ("import torch, ingot\n"
            "model = ingot.compile(lambda x: torch.nonzero(x))\n"
            "for _ in range(3): model(torch.ones(2))\n")
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True,
                           env={**os.environ, "INGOT_FALLBACK": "warn"}).stderr
    assert shown.count("runs on LibTorch: aten::nonzero") == 1


# --- Numbers as data ---


class Scaled(nn.Module):
    def forward(self, x, scale: float, shift: int):
        return x * scale + shift


class ScaledIfLarge(nn.Module):
    def forward(self, x, scale: float):
        if scale > 1.0:
            return x * scale
        return x + scale


def test_one_graph_serves_all_values_of_a_number_that_is_data(backend):
    compiled, x = ingot.compile(torch.jit.script(Scaled())), torch.randn(3)
    for scale, shift in ((2.0, 1), (0.5, -3), (2.0, 7)):
        torch.testing.assert_close(compiled(x, scale, shift), x * scale + shift)
    assert compiled.extractions == 1
    longer = torch.randn(5)
    for scale in (2.0, 3.0):
        torch.testing.assert_close(compiled(longer, scale, 1), longer * scale + 1)
    torch.testing.assert_close(compiled(x, 9.0, 1), x * 9 + 1)
    assert compiled.extractions == 2
    graph = ingot.extract_compiled_graph(torch.jit.script(Scaled()), [x, 2.0, 1])
    torch.testing.assert_close(graph(x, 3.0, 4), [x * 3 + 4])
    with pytest.raises(ingot.InvalidArgumentError, match=r"arguments\[1\] is a Int, but .* a number of another type"):
        graph(x, 3, 4)


def test_numbers_that_decide_are_part_of_the_signature(backend):
    compiled, x = ingot.compile(torch.jit.script(ScaledIfLarge())), torch.randn(3)
    for scale in (2.0, 0.5, 3.0):
        torch.testing.assert_close(compiled(x, scale), ScaledIfLarge()(x, scale))
    assert compiled.extractions == 3


def test_a_scripted_file_takes_any_number(tmp_path):
    torch.jit.script(Scaled()).save(str(tmp_path / "m.pt"))
    loaded, x = ingot.load(tmp_path / "m.pt"), torch.randn(3)
    for scale in (1.0, 2.0, 3.0):
        torch.testing.assert_close(loaded(x, scale, 1), x * scale + 1)
    assert loaded.extractions == 1
    # An int in a float's place is another signature, as in TorchScript it is an error.
    with pytest.raises((ingot.IngotError, RuntimeError)):
        loaded(x, "2", 1)
