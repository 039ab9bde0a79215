"""Wrong arguments, models, options and files: an IngotError that says what, nothing touched, no crash."""

import pickle

import pytest
import torch
from torch._subclasses import FakeTensorMode

import ingot


class Marked(torch.Tensor):
    pass


def sub(a, b):
    return a - b


@pytest.fixture(scope="module")
def graph():
    return ingot.extract_compiled_graph(sub, [torch.randn(2, 3), torch.randn(2, 3)], backend="onednn")


def fake():
    with FakeTensorMode():
        return torch.randn(2, 3)


BAD_ARGUMENTS = {
    "none": (lambda: None, "argument 1 is a NoneType, but must be a torch.Tensor"),
    "number": (lambda: 3, "argument 1 is a int"),
    "text": (lambda: "x", "argument 1 is a str"),
    "list": (lambda: [torch.randn(2, 3)], "argument 1 is a list"),
    "object": (object, "argument 1 is a object"),
    "array": (lambda: torch.randn(2, 3).numpy(), "argument 1 is a numpy.ndarray"),
    "shape": (lambda: torch.randn(3, 2), "argument 1"),
    "rank": (lambda: torch.randn(6), "argument 1"),
    "dtype": (lambda: torch.randn(2, 3, dtype=torch.float64), "argument 1"),
    "strides": (lambda: torch.randn(3, 2).t(), "argument 1"),
    "meta": (lambda: torch.randn(2, 3, device="meta"), "CPU"),
    "sparse": (lambda: torch.randn(2, 3).to_sparse(), "dense"),
    "csr": (lambda: torch.ones(2, 3).to_sparse_csr(), "dense"),
    "quantized": (lambda: torch.quantize_per_tensor(torch.randn(2, 3), 0.1, 0, torch.qint8), "1"),
    "complex": (lambda: torch.randn(2, 3, dtype=torch.complex64).conj(), "1"),
    "nested": (lambda: torch.nested.nested_tensor([torch.randn(2), torch.randn(3)]), "argument 1 is a nested tensor"),
    "requires_grad": (lambda: torch.randn(2, 3, requires_grad=True), "argument 1 requires grad"),
    "subclass": (lambda: torch.randn(2, 3).as_subclass(Marked), "argument 1 is a Marked, a subclass"),
    "fake": (fake, "argument 1 is a .*FakeTensor, a subclass"),
    "deferred": (lambda: torch.nn.parameter.UninitializedParameter(), "argument 1 is a .*UninitializedParameter"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_bad_argument_of_a_call(graph, name):
    make, message = BAD_ARGUMENTS[name]
    with pytest.raises(ingot.InvalidArgumentError, match=message) as raised:
        graph(torch.randn(2, 3), make())
    assert raised.value.code == ingot.StatusCode.INVALID_ARGUMENT
    assert "\n" not in str(raised.value)


# What extraction takes although a graph of tensors does not.
TAKEN_BY_EXTRACTION = {"number", "shape", "rank", "dtype", "strides"}


@pytest.mark.parametrize("name", [name for name in BAD_ARGUMENTS if name not in TAKEN_BY_EXTRACTION])
def test_bad_example(name):
    with pytest.raises(ingot.IngotError):
        ingot.extract_compiled_graph(sub, [torch.randn(2, 3), BAD_ARGUMENTS[name][0]()])


@pytest.mark.parametrize("count", [0, 1, 3, 100])
def test_wrong_count(graph, count):
    with pytest.raises(ingot.InvalidArgumentError, match=f"takes 2 arguments, but {count} w"):
        graph(*[torch.randn(2, 3)] * count)


def test_keywords_that_the_example_lacked(graph):
    with pytest.raises(ingot.InvalidArgumentError, match="keyword"):
        graph(torch.randn(2, 3), b=torch.randn(2, 3))


def test_a_refused_call_touches_nothing():
    graph = ingot.extract_compiled_graph(lambda a, b: a.sub_(b), [torch.randn(2, 3), torch.randn(2, 3)])
    a = torch.ones(2, 3)
    with pytest.raises(ingot.InvalidArgumentError):
        graph(a, torch.randn(3, 2))
    assert torch.equal(a, torch.ones(2, 3)) and a._version == 0


@pytest.mark.parametrize("model", [None, 3, "model.pt", torch.randn(2), torch.nn.Linear, [sub]])
def test_bad_model(model):
    with pytest.raises(ingot.InvalidArgumentError, match="the model is"):
        ingot.extract_compiled_graph(model, [torch.randn(2, 3)])


@pytest.mark.parametrize("example", [None, 3, torch.randn(2, 3), "ab", {"a": torch.randn(2)}, iter([])])
def test_bad_example_inputs(example):
    with pytest.raises(ingot.InvalidArgumentError, match="example_inputs is a"):
        ingot.extract_compiled_graph(sub, example)


@pytest.mark.parametrize("example", [[torch.randn(2, 3)], [torch.randn(2, 3), torch.randn(4, 5)]])
def test_example_that_the_model_fails_on(example):
    with pytest.raises(ingot.FailedPreconditionError) as raised:
        ingot.extract_compiled_graph(sub, example)
    assert isinstance(raised.value.__cause__, (TypeError, RuntimeError))


def test_the_models_own_error_is_the_cause():
    def model(a):
        raise KeyError("no such table")

    with pytest.raises(ingot.FailedPreconditionError, match="KeyError: 'no such table'") as raised:
        ingot.extract_compiled_graph(model, [torch.randn(2)])
    assert isinstance(raised.value.__cause__, KeyError)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_interrupts_pass_through(error):
    def model(a):
        raise error()

    with pytest.raises(error):
        ingot.extract_compiled_graph(model, [torch.randn(2)])


def test_an_error_whose_text_fails():
    class Bad(Exception):
        def __str__(self):
            raise ValueError("no text")

    def model(a):
        raise Bad()

    with pytest.raises(ingot.FailedPreconditionError, match="Bad"):
        ingot.extract_compiled_graph(model, [torch.randn(2)])


VALUE_READERS = {
    "item": lambda a: a * a.sum().item(),
    "bool": lambda a: a if a.sum() > 0 else -a,
    "tolist": lambda a: a * a.tolist()[0],
    "numpy": lambda a: a * float(a.numpy()[0]),
    "float": lambda a: a * float(a[0]),
    "nonzero": lambda a: a.nonzero(),
    "data_ptr": lambda a: a + (a.data_ptr() % 2),
}


@pytest.mark.parametrize("name", VALUE_READERS)
def test_programs_that_depend_on_values_are_refused(name):
    with pytest.raises(ingot.IngotError) as raised:
        ingot.extract_compiled_graph(VALUE_READERS[name], [torch.ones(3)], backend="onednn")
    assert raised.value.code in (ingot.StatusCode.FAILED_PRECONDITION, ingot.StatusCode.UNIMPLEMENTED)


@pytest.mark.parametrize("result", [object(), sub, [object()], 3j])
def test_results_that_no_graph_holds(result):
    with pytest.raises(ingot.IngotError):
        ingot.extract_compiled_graph(lambda a: result, [torch.ones(2)])


OPTIONS = [
    ({"backend": "nosuch"}, ingot.NotFoundError),
    ({"backend": "/no/such/plugin.so"}, ingot.NotFoundError),
    ({"backend": 3}, ingot.IngotError),
    ({"fallback": "maybe"}, ingot.InvalidArgumentError),
    ({"threads": -1}, ingot.InvalidArgumentError),
    ({"threads": "many"}, ingot.InvalidArgumentError),
    ({"speed": "high"}, ingot.InvalidArgumentError),
    ({"seed": 3}, ingot.InvalidArgumentError),  # torch's generator has it
    ({"threads": object()}, ingot.InvalidArgumentError),
    ({"plugin_folders": [3]}, ingot.InvalidArgumentError),
]


@pytest.mark.parametrize("options,error", OPTIONS)
def test_bad_options(options, error):
    with pytest.raises(error):
        ingot.extract_compiled_graph(sub, [torch.ones(2), torch.ones(2)], **options)


@pytest.mark.parametrize("extras", [{"seed": -1}, {"seed": 2**64}, {"seed": "x"}, {"timeout": -1}, {"timeout": "x"},
                                    {"timeout": float("nan")}])
def test_bad_seed_and_timeout(graph, extras):
    with pytest.raises(ingot.InvalidArgumentError):
        graph.run((torch.ones(2, 3), torch.ones(2, 3)), **extras)


def test_timeout_that_has_passed(graph):
    with pytest.raises(ingot.DeadlineExceededError) as raised:
        graph.run((torch.ones(2, 3), torch.ones(2, 3)), timeout=0)
    assert isinstance(raised.value, TimeoutError)


def test_bad_files(tmp_path):
    with pytest.raises(ingot.NotFoundError, match="nosuch.pt"):
        ingot.load(tmp_path / "nosuch.pt")
    for name in ("m.pt", "m.ingot", "m.pt2"):
        for content in (b"", b"PK\x03\x04 not a model", b"\0" * 4096):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(ingot.IngotError, match=name):
                ingot.load(tmp_path / name)
    with pytest.raises(ingot.NotFoundError):
        ingot.load(tmp_path)


def test_a_file_truncated_anywhere_is_refused(tmp_path):
    path = tmp_path / "m.ingot"
    ingot.extract_compiled_graph(sub, [torch.ones(2), torch.ones(2)]).save(path)
    content = path.read_bytes()
    for length in range(0, len(content), max(1, len(content) // 50)):
        path.write_bytes(content[:length])
        with pytest.raises(ingot.IngotError):
            ingot.load(path)


def test_native_types_cannot_be_misused():
    with pytest.raises(TypeError):
        ingot.CompiledGraph()
    with pytest.raises((TypeError, RuntimeError)):
        ingot.CompiledGraph(3)
    with pytest.raises((TypeError, RuntimeError)):
        ingot.CompiledGraph(None, flatten=3)
    graph = ingot.extract_compiled_graph(sub, [torch.ones(2), torch.ones(2)])
    with pytest.raises((TypeError, RuntimeError)):
        ingot.CompiledGraph(graph._program, written=3)
    with pytest.raises(TypeError):
        ingot.CompiledGraph(graph._program, flatten=lambda args, kwargs: None)()
    with pytest.raises(TypeError):
        pickle.dumps(graph)


def test_self_containing_list_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises((ingot.IngotError, RecursionError)):
        ingot.extract_compiled_graph(sub, [endless, torch.ones(2)])


def test_messages_are_single_lines():
    with pytest.raises(ingot.IngotError) as raised:
        ingot.extract_compiled_graph(sub, [torch.randn(2, 3), torch.randn(4, 5)])
    assert "\n" not in str(raised.value)
