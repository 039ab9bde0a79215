"""Models beyond the original's cases: modes, buffers, nesting, aliases, signatures, weights."""

import collections
import copy
import dataclasses
import subprocess
import sys

import pytest
import torch
from conftest import assert_same_calls
from torch import nn
from torch.utils import _pytree as pytree

import ingot


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.fc(x.mean((2, 3)))


Pair = collections.namedtuple("Pair", ["left", "right"])


@dataclasses.dataclass
class Output:
    logits: torch.Tensor
    hidden: tuple


pytree.register_dataclass(Output)


def image(n=2):
    return torch.randn(n, 3, 8, 8)


def test_network_in_eval_mode(backend):
    model = Net().eval()
    assert_same_calls(ingot.compile(model), model, lambda: [image()], calls=3)


@pytest.mark.parametrize("name", ["torchscript", "auto"])
def test_batch_norm_in_train_mode_updates_the_models_own_buffers(name):
    ours = Net().train()
    eager = copy.deepcopy(ours)
    compiled = ingot.compile(ours, backend=name)
    for _ in range(3):
        x = image()
        with torch.no_grad():
            expected = eager(x)
        torch.testing.assert_close(compiled(x), expected)
        torch.testing.assert_close(dict(ours.named_buffers()), dict(eager.named_buffers()))
    assert ours.norm.num_batches_tracked == 3
    # The other mode is another signature, and sees the updated statistics.
    ours.eval(), eager.eval()
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), eager(x))


def test_extraction_leaves_the_model_alone():
    model = Net().train()
    before, tensors = copy.deepcopy(model.state_dict()), {k: id(v) for k, v in model.state_dict(keep_vars=True).items()}
    ingot.extract_compiled_graph(model, [image()], backend="torchscript")
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert {k: id(v) for k, v in model.state_dict(keep_vars=True).items()} == tensors


class Rebinding(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(()))
        self.cache = torch.zeros(3)

    def forward(self, x):
        self.count = self.count + 1
        self.cache = self.cache * 0.5 + x
        return self.cache * self.count


def test_buffers_that_a_call_replaces_are_updated(backend):
    ours, eager = Rebinding(), Rebinding()
    compiled = ingot.compile(ours)
    for _ in range(4):
        x = torch.randn(3)
        torch.testing.assert_close(compiled(x), eager(x))
    torch.testing.assert_close(ours.count, eager.count)
    torch.testing.assert_close(ours.cache, eager.cache)


def test_scripted_module_with_a_buffer_is_updated():
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", torch.zeros(()))

        def forward(self, x):
            self.count.add_(1)
            return x * self.count

    scripted = torch.jit.script(Counter())
    compiled = ingot.compile(scripted)
    for step in range(1, 4):
        torch.testing.assert_close(compiled(torch.ones(2)), torch.full((2,), float(step)))
    assert scripted.count == 3


def test_attributes_that_a_call_changes_are_refused():
    class Counter(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return x * self.calls

    model = Counter()
    with pytest.raises(ingot.FailedPreconditionError, match="attribute 'calls'"):
        ingot.extract_compiled_graph(model, [torch.ones(2)])
    assert model.calls == 0


def test_captured_tensors_that_a_function_updates_are_refused():
    total = torch.zeros(2)
    with pytest.raises(ingot.FailedPreconditionError, match="updates a tensor that is neither"):
        ingot.extract_compiled_graph(lambda x: total.add_(x), [torch.ones(2)])
    assert torch.equal(total, torch.zeros(2))


def test_changed_weights_are_noticed(backend):
    model = nn.Linear(3, 2).eval()
    x = torch.randn(4, 3)
    graph, compiled = ingot.extract_compiled_graph(model, [x]), ingot.compile(model)
    compiled(x)
    with torch.no_grad():
        model.weight.mul_(2)
        with pytest.raises(ingot.FailedPreconditionError, match="'weight' was changed"):
            graph(x)
        torch.testing.assert_close(compiled(x), model(x))
        model.load_state_dict(nn.Linear(3, 2).state_dict())
        torch.testing.assert_close(compiled(x), model(x))
    assert compiled.extractions == 3


def test_changed_tensors_of_a_function_are_noticed():
    table, model = torch.ones(3), nn.Linear(3, 3)
    graph = ingot.extract_compiled_graph(lambda x: model(x) * table, [torch.ones(2, 3)])
    with torch.no_grad():
        model.bias.zero_()
        with pytest.raises(ingot.FailedPreconditionError, match="was changed"):
            graph(torch.ones(2, 3))


def test_changed_modules_are_noticed():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = 2
            self.fc = nn.Linear(3, 3)
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            return self.drop(self.fc(x)) * self.factor

    model, x = Scaled().eval(), torch.randn(2, 3)
    compiled = ingot.compile(model)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), model(x))
        model.factor = 3
        torch.testing.assert_close(compiled(x), model(x))
        model.fc = nn.Linear(3, 3).eval()
        torch.testing.assert_close(compiled(x), model(x))
        model.fc.weight = nn.Parameter(torch.ones(3, 3))
        torch.testing.assert_close(compiled(x), model(x))
        model.eval()
        model.fc.weight.requires_grad_(False)
        compiled(x)
        assert compiled.extractions == 4
        model.drop.train()
        assert not torch.equal(compiled(torch.ones(50, 3)), compiled(torch.ones(50, 3)))


def test_two_signatures_of_a_module_that_updates_buffers_stay_extracted():
    model = Net().train()
    compiled = ingot.compile(model, backend="torchscript")
    for n in (2, 3, 2, 3, 2):
        compiled(image(n))
    assert compiled.extractions == 2


def test_new_shapes_are_extracted_once_each(backend):
    model = Net().eval()
    compiled = ingot.compile(model)
    with torch.no_grad():
        for n in (1, 2, 3, 2, 1, 3, 3):
            x = image(n)
            torch.testing.assert_close(compiled(x), model(x))
    assert compiled.extractions == 3 and len(compiled.graphs) == 3


CALLS = [
    ((torch.ones(3), 2), {}),
    ((torch.ones(3), 2.5), {}),
    ((torch.ones(3), 3), {"scale": torch.full((3,), 2.0)}),
    ((torch.ones(3), 3), {"scale": None}),
    ((torch.ones(3), True), {"mode": "minus"}),
    ((torch.ones(3), 3), {"extra": [torch.ones(3), {"x": torch.ones(3), "y": (torch.ones(3),)}]}),
    ((torch.ones(3), 3), {"dtype": torch.float64}),
]


def anything(a, n, scale=None, mode="plus", extra=None, dtype=None):
    out = a * n
    if scale is not None:
        out = out * scale
    if mode == "minus":
        out = -out
    for leaf in pytree.tree_leaves(extra):
        if leaf is not None:
            out = out + leaf
    return out.to(dtype) if dtype else out


def test_numbers_texts_and_nesting_are_part_of_the_signature(backend):
    compiled = ingot.compile(anything)
    for _ in range(2):
        for args, kwargs in CALLS:
            torch.testing.assert_close(compiled(*args, **kwargs), anything(*args, **kwargs))
    assert compiled.extractions == len(CALLS)


def test_a_graph_refuses_other_numbers_and_nesting():
    graph = ingot.extract_compiled_graph(anything, [torch.ones(3), 2])
    torch.testing.assert_close(graph(torch.ones(3), 2), [torch.full((3,), 2.0)])
    with pytest.raises(ingot.InvalidArgumentError):
        graph(torch.ones(3), (2,))
    with pytest.raises(ingot.InvalidArgumentError):
        graph(torch.ones(3), "2")


RESULTS = {
    "tensor": lambda a: a + 1,
    "tuple of one": lambda a: (a + 1,),
    "list": lambda a: [a + 1, a],
    "nothing": lambda a: None,
    "empty": lambda a: (),
    "numbers": lambda a: (a + 1, 3, 2.5, True, "text", None),
    "dict": lambda a: {"x": a + 1, "y": [a, (a - 1,)]},
    "int keys": lambda a: {1: a + 1, 2: a},
    "ordered": lambda a: collections.OrderedDict(b=a + 1, a=a),
    "named tuple": lambda a: Pair(a + 1, Pair(a, None)),
    "data class": lambda a: Output(a + 1, (a, a * 2)),
    "max": lambda a: a.max(0),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_keep_their_nesting(name):
    function = RESULTS[name]
    x = torch.randn(4, 3)
    expected, actual = function(x), ingot.compile(function)(x)
    assert pytree.tree_structure(actual) == pytree.tree_structure(expected)
    assert type(actual) is type(expected) or isinstance(actual, tuple)
    for ours, eagers in zip(pytree.tree_leaves(actual), pytree.tree_leaves(expected)):
        assert torch.equal(ours, eagers) if isinstance(eagers, torch.Tensor) else ours == eagers


def test_lists_of_nested_results():
    x = torch.randn(3)
    graph = ingot.extract_compiled_graph(lambda a: (a, {"b": a + 1}), [x])
    same, rest = graph(x)
    assert same is x
    torch.testing.assert_close(rest, {"b": x + 1})


def views(a):
    return a, a.t(), a[1:], a.view(-1), a + 1


def test_results_that_are_arguments_or_views_of_them(backend):
    x = torch.randn(2, 3)
    same, transposed, row, flat, fresh = ingot.extract_compiled_graph(views, [x])(x)
    assert same is x
    for view, expected in ((transposed, x.t()), (row, x[1:]), (flat, x.view(-1))):
        assert view.data_ptr() == expected.data_ptr()
        torch.testing.assert_close(view, expected)
    assert fresh.data_ptr() != x.data_ptr()


def mutate(a, b):
    a.add_(1)
    return a * b


def test_one_tensor_given_twice(backend):
    compiled = ingot.compile(mutate)
    assert_same_calls(compiled, mutate, lambda: [torch.randn(3), torch.randn(3)], calls=2)

    def twice():
        x = torch.randn(3)
        return [x, x]

    assert_same_calls(compiled, mutate, twice, calls=2)

    def overlapping():
        x = torch.randn(4)
        return [x[:3], x[1:]]

    assert_same_calls(compiled, mutate, overlapping, calls=2)


def test_strides_of_results_are_eagers(backend):
    def channels_last(x):
        return x.contiguous(memory_format=torch.channels_last) + 1

    x = image()
    assert ingot.compile(channels_last)(x).stride() == channels_last(x).stride()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int32, torch.int64, torch.bool])
def test_dtypes(dtype):
    x = torch.ones(2, 3).to(dtype)
    function = torch.logical_not if dtype is torch.bool else lambda a: a + a
    torch.testing.assert_close(ingot.compile(function)(x), function(x))


def test_dropout_in_train_mode_is_repeatable():
    compiled = ingot.compile(nn.Dropout(0.5).train())
    x = torch.ones(100)
    torch.manual_seed(3)
    first, second = compiled(x), compiled(x)
    torch.manual_seed(3)
    assert torch.equal(compiled(x), first) and not torch.equal(first, second)
    assert set(first.unique().tolist()) == {0.0, 2.0}


def test_gradients_are_refused_not_dropped():
    model = nn.Linear(3, 2)
    compiled = ingot.compile(model)
    with pytest.raises(ingot.InvalidArgumentError, match="requires grad"):
        compiled(torch.randn(4, 3, requires_grad=True))
    with torch.no_grad():
        x = torch.randn(4, 3, requires_grad=True)
        torch.testing.assert_close(compiled(x), model(x))
    assert not compiled(torch.randn(4, 3)).requires_grad


def test_inference_tensors():
    with torch.inference_mode():
        x = torch.randn(2, 3)
        model = nn.Linear(3, 2)
        compiled = ingot.compile(model)
        torch.testing.assert_close(compiled(x), model(x))
    torch.testing.assert_close(compiled(torch.ones(2, 3)), model(torch.ones(2, 3)).clone(), check_device=False)


def test_shared_modules_and_tied_weights(backend):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 4)
            self.b = nn.Linear(4, 4)
            self.b.weight = self.a.weight
            self.again = self.a

        def forward(self, x):
            return self.again(self.b(self.a(x)))

    model = Tied().eval()
    assert_same_calls(ingot.compile(model), model, lambda: [torch.randn(2, 4)], calls=2)


def test_models_of_transformers_are_taken():
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                                     vocab_size=100)
    model = transformers.BertModel(config).eval()
    ids = torch.randint(0, 100, (2, 8))
    compiled = ingot.compile(model)
    with torch.no_grad():
        expected = model(input_ids=ids, attention_mask=torch.ones_like(ids))
    actual = compiled(input_ids=ids, attention_mask=torch.ones_like(ids))
    assert type(actual) is type(expected)
    torch.testing.assert_close(actual.last_hidden_state, expected.last_hidden_state)


def test_importing_has_no_side_effects():
    code = ("import torch; before = torch.get_num_threads(), torch.get_default_dtype(); import ingot; "
            "assert before == (torch.get_num_threads(), torch.get_default_dtype()); "
            "import sys; assert 'torch._dynamo' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nodes_and_errors_name_the_line_of_the_model():
    def model(x):
        y = torch.sin(x)
        return torch.cos(y)

    line = model.__code__.co_firstlineno
    rows = ingot.extract_compiled_graph(model, [torch.ones(2)], backend="onednn").report().nodes
    assert [row["source"] for row in rows] == [f"modules_test.py:{line + 1}", f"modules_test.py:{line + 2}"]

    def reads(x):
        return x * x.sum().item()

    with pytest.raises(ingot.FailedPreconditionError, match=f"modules_test.py:{reads.__code__.co_firstlineno + 1}"):
        ingot.extract_compiled_graph(reads, [torch.ones(2)])


def test_float_arguments_are_told_apart_by_their_bits(backend):
    def fill(x, number):
        return torch.full_like(x, number)

    compiled = ingot.compile(fill)
    x = torch.zeros(2)
    for number in (float("nan"), 0.0, -0.0, float("inf") - float("inf"), -0.0, 0.0):
        result = compiled(x, number)
        torch.testing.assert_close(result, fill(x, number), equal_nan=True)
        assert torch.equal(result.signbit(), fill(x, number).signbit()) or number != number
    assert compiled.extractions == 3


def test_a_nan_attribute_of_a_script_module_is_recorded(backend):
    class Fill(nn.Module):
        def __init__(self):
            super().__init__()
            self.fill = float("nan")

        def forward(self, x):
            return torch.where(x > 0, x, self.fill)

    model = torch.jit.script(Fill())
    x = torch.tensor([-1.0, 2.0])
    torch.testing.assert_close(ingot.compile(model)(x), model(x), equal_nan=True)
