"""The cases of the original's own test (PyTorch, test/lazy/test_extract_compiled_graph.py), and what it lists as not possible.

Modules and shapes are its; the text is ours.
"""

import inspect

import pytest
import torch
from conftest import assert_same_calls
from torch import fx, nn

import ingot
from ingot import config


class ConstScale(nn.Module):
    def forward(self, a):
        return a * 2


class Sub(nn.Module):
    def forward(self, a, b):
        return a - b


class Addcmul(nn.Module):
    def forward(self, a, b, c):
        return torch.addcmul(a, b, c, value=5)


class ReturnMulti(nn.Module):
    def forward(self, a, b):
        return (b + 1, a - 1)


class ReturnDupTensor(nn.Module):
    def forward(self, a, b):
        c = a + b
        return a - b, c, a + 1, c


class InplaceUpdate(nn.Module):
    def forward(self, a, b):
        a.sub_(b)
        return b - 1, b + 1


class EagerTensor(nn.Module):
    def forward(self, a):
        b = torch.randn(2, 3, device="cpu")
        return a + b


class ReturnEagerTensorOnDefaultDevice(nn.Module):
    def forward(self):
        return torch.tensor((2, 3), dtype=torch.float32)


def random_args(module):
    return [torch.randn(2, 3) for _ in inspect.signature(module.forward).parameters]


def as_script(module):
    return torch.jit.script(module)


FORMS = {"module": lambda module: module, "fx": fx.symbolic_trace, "script": as_script, "function": lambda module: module.forward}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cls", [ConstScale, Sub, Addcmul, ReturnMulti, ReturnDupTensor, InplaceUpdate])
def test_reruns_equal_eager(backend, cls, form):
    module = cls()
    graph = ingot.extract_compiled_graph(FORMS[form](module), random_args(module))
    assert_same_calls(graph, module, lambda: random_args(module))
    assert [group["backend"] for group in graph.report().to_dict()["groups"]] == [backend]


def test_extraction_leaves_arguments_alone(backend):
    args = random_args(InplaceUpdate())
    before = [arg.clone() for arg in args]
    ingot.extract_compiled_graph(InplaceUpdate(), args)
    torch.testing.assert_close(args, before, rtol=0, atol=0)


def test_result_returned_twice_is_one_tensor(backend):
    first, second, third, fourth = ingot.extract_compiled_graph(ReturnDupTensor(), random_args(ReturnDupTensor()))(
        torch.ones(2, 3), torch.ones(2, 3))
    assert second is fourth
    assert first is not third


def test_one_result_is_a_list_of_one(backend):
    result = ingot.extract_compiled_graph(Sub(), random_args(Sub()))(torch.ones(2, 3), torch.ones(2, 3))
    assert type(result) is list and len(result) == 1


def test_forced_fallback_is_an_error_that_names_the_op(backend):
    assert config.get_force_fallback() == ""
    config.set_force_fallback("aten::sub")
    try:
        assert config.get_force_fallback() == "aten::sub"
        with pytest.raises(RuntimeError, match="fallback.*aten::sub") as raised:
            ingot.extract_compiled_graph(Sub(), random_args(Sub()))
        assert raised.value.code == ingot.StatusCode.UNIMPLEMENTED
        assert isinstance(raised.value, ingot.UnimplementedError)
        ingot.extract_compiled_graph(ConstScale(), random_args(ConstScale()))
    finally:
        config.set_force_fallback("")
    ingot.extract_compiled_graph(Sub(), random_args(Sub()))


def test_eager_tensor_is_drawn_afresh_and_repeatable(backend):
    graph = ingot.extract_compiled_graph(EagerTensor(), random_args(EagerTensor()))
    zero = torch.zeros(2, 3)
    assert not torch.equal(graph(zero)[0], graph(zero)[0])
    assert torch.equal(graph.run((zero,), seed=5)[0], graph.run((zero,), seed=5)[0])
    torch.manual_seed(11)
    first = graph(zero)[0]
    torch.manual_seed(11)
    assert torch.equal(graph(zero)[0], first)


def test_eager_tensor_on_torchscript_is_what_eager_draws():
    graph = ingot.extract_compiled_graph(EagerTensor(), random_args(EagerTensor()), backend="torchscript")
    for seed in range(10):
        a = torch.randn(2, 3)
        torch.manual_seed(seed)
        expected = EagerTensor()(a)
        torch.manual_seed(seed)
        torch.testing.assert_close(graph(a), [expected])


def test_return_eager_tensor_on_default_device(backend):
    module = ReturnEagerTensorOnDefaultDevice()
    for form in (module, fx.symbolic_trace(module)):
        graph = ingot.extract_compiled_graph(form, [])
        assert_same_calls(graph, module, list)
        # The caller may write the result without changing the next call's.
        graph()[0].fill_(9)
        torch.testing.assert_close(graph(), [torch.tensor([2.0, 3.0])])


def test_numbers_of_the_program_do_not_compile_twice():
    options = {"backend": "reference", "cache_bytes": (1 << 30) + 1}  # A session of its own.
    a, b, c = random_args(Addcmul())
    ingot.extract_compiled_graph(lambda a, b, c: torch.addcmul(a, b, c, value=5), [a, b, c], **options)
    seven = ingot.extract_compiled_graph(lambda a, b, c: torch.addcmul(a, b, c, value=7), [a, b, c], **options)
    assert ingot.metrics(**options)["UncachedCompile"] == 1
    assert ingot.metrics(**options)["CachedCompile"] == 1
    torch.testing.assert_close(seven(a, b, c), [torch.addcmul(a, b, c, value=7)])
