"""What users call: CompiledGraph (one signature) and CompiledModule (any signature, extracted when it first appears)."""

from __future__ import annotations

import collections
import os
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, final

import torch

from ingot import _native, _options
from ingot._calls import Nesting, ResultNesting
from ingot._errors import FailedPreconditionError, IngotError, InvalidArgumentError
from ingot._fallback import EagerModel, may_fall_back
from ingot._model import Model
from ingot._report import GraphPicture, Report

# Signatures that one CompiledModule keeps; beyond that the one not used for longest goes.
MAX_SIGNATURES = 64


@final
class CompiledGraph(_native.Callable):
    """One extracted call, compiled: call it with arguments like the example's.

    Arguments: as many as in the example and nested like them; tensors of the same shapes, dtypes (and strides, where the
    example's were not row-major), numbers and texts with the same values (but any value for a number that a TorchScript module
    only hands on to operators as data). Tensors are used where they are (no copies), and
    those that the model updates in place are updated. Results are new tensors, except those that are an argument or a view of
    one; a tensor that the model returns twice is one tensor.

    Raises InvalidArgumentError, naming the argument, for a call that does not fit (it touches nothing); FailedPreconditionError
    when a weight was changed after extraction. Thread-safe: any number of threads may call it; the GIL is released meanwhile.
    """

    __slots__ = ("__weakref__",)

    fallback: ClassVar[str] = ""  # as EagerModel's: why the model runs on LibTorch. A graph does not.

    def report(self) -> Report:
        """What runs where: backends, implementations, what fell back and why, bytes retained."""
        return Report(self._program.describe())

    @property
    def graph(self) -> GraphPicture:
        """The compiled graph: `str(g)`, `g.text`, `g.dot`, `g.svg`; a picture in a notebook."""
        return GraphPicture(self._program.describe())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes graph and weights to an `.ingot` file, which `ingot.load` and programs without Python or LibTorch run.

        UnimplementedError for a graph that updates the model's own tensors: a file has no model to update.
        """
        self._program.save(os.fspath(path))

    def __repr__(self) -> str:
        description = self._program.describe()
        backends = ", ".join(dict.fromkeys(group["backend"] for group in description["groups"])) or "no operators"
        return f"<ingot.CompiledGraph {description['name']}{description['arguments']} -> {description['results']} on {backends}>"

    def __copy__(self) -> CompiledGraph:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledGraph:
        return self


def extract(model: Model, args: tuple[Any, ...], kwargs: dict[str, Any], session: _native.Session, *,
            as_list: bool = False, watch: bool = False, numbers: _native.DataNumbers | None = None) -> CompiledGraph:
    """Records one call on clones of the arguments and compiles it. The arguments and the model stay as they were.

    `watch`: the graph refuses calls after the module's mode, attributes or submodules have changed.
    `numbers`: which numbers among the arguments may be data; only for arguments that are not nested.
    """
    nesting, leaves = Nesting.of(args, kwargs)
    results = ResultNesting()
    with model.recording() as recording:

        def run(*values: Any) -> Any:
            count = len(leaves)
            call_args, call_kwargs = nesting.unflatten(list(values[:count]))
            return results.take_apart(recording.run(list(values[count:]), call_args, call_kwargs))

        while True:
            written = [slot.tensor.detach() for slot in recording.written]
            program = session.extract(run, leaves + written, model.name, numbers if is_plain_call(nesting, args, kwargs) else None)
            if not recording.find_written() and not (program.is_stateful and recording.watch_contents()):
                break
        weights = recording.weights(program.captured)
    if program.is_stateful:
        raise FailedPreconditionError(
            f"{model.name} updates a tensor that is neither an argument nor a parameter or buffer of the model: pass it as an "
            "argument or register it as a buffer")
    watched, check = recording.watch() if watch else ([], None)
    return CompiledGraph(
        program, flatten=None if nesting.is_flat(leaves) else nesting.flatten, unflatten=results.unflatten, as_list=as_list,
        written=[slot.tensor.detach() for slot in recording.written], guarded=weights, watched=watched, check=check)


def _example(example_inputs: Any) -> tuple[Any, ...]:
    if isinstance(example_inputs, (str, bytes, torch.Tensor, Mapping)) or not isinstance(example_inputs, Sequence):
        raise InvalidArgumentError(
            f"example_inputs is a {type(example_inputs).__qualname__}: pass a list or tuple with one entry an argument")
    return tuple(example_inputs)


def extract_compiled_graph(model: Callable[..., Any], example_inputs: Sequence[Any],
                           **options: Any) -> CompiledGraph | EagerModel:
    """Records what `model` does with `example_inputs`, compiles it, and returns the callable that reruns it.

    The signature and conventions of `torch._lazy.extract_compiled_graph`: the callable takes the inputs and returns a *list* of
    what the model returns (one element for a model that returns one tensor), and updates inputs that the model updates.

    model: a torch.nn.Module, fx.GraphModule, ScriptModule or function. It runs once, on clones, as eager inference in the mode
      (train or eval) that it is in; its weights are shared, not copied.
    example_inputs: a list or tuple; tensors (dense, CPU), numbers, str, None, and tuples, lists, dicts of them.
    options: backend ("onednn", "torchscript", "reference", "auto", a plugin's path, or several with commas), fallback
      ("forbid", "warn", "allow"), force_fallback (operators), threads (of each executable; 0: all available), precision
      ("f32", or "bf16": products may round their factors), cache_bytes (compiled executables kept, in bytes),
      plugin_folders.

    With fallback "allow" or "warn" a model that can't be a graph (its control flow or sizes depend on values) is returned as an
    EagerModel: LibTorch runs it whole, and its `fallback` says why. A graph's `fallback` is "".

    Raises (all ingot.IngotError, which is a RuntimeError; `.code` tells them apart): UnimplementedError if an operator is not
    taken and fallback is forbidden, beginning "backend NAME: fallback: aten::sub=1 (why)"; FailedPreconditionError if the model
    fails (its error is the cause) or depends on values of its arguments; InvalidArgumentError for arguments that no graph
    takes; NotFoundError for a backend that is not there.
    """
    args = _example(example_inputs)
    session = _options.session(options)
    recorded = Model(model)
    try:
        return extract(recorded, args, {}, session, as_list=True, numbers=data_numbers(model))
    except IngotError as error:
        if not may_fall_back(error, session):
            raise
        session.note_fallback(recorded.name, str(error))
        return EagerModel(model, recorded.name, str(error), as_list=True)


def _number_key(number: float) -> Any:
    """Tells floats apart as the graphs do: by their bits, so that -0.0 is not 0.0, and all NaNs are one."""
    return "nan" if number != number else struct.pack("<d", number)


def _signature(leaves: Sequence[Any]) -> tuple[Any, ...]:
    """What of a call its graph is valid for. Wider than need be in one point: it tells apart memory that overlaps."""
    parts: list[Any] = []
    places: dict[int, int] = {}
    for index, leaf in enumerate(leaves):
        if isinstance(leaf, float):
            parts.append((type(leaf), _number_key(leaf)))
        elif not isinstance(leaf, torch.Tensor):
            parts.append((type(leaf), leaf))
        elif leaf.device.type != "cpu" or leaf.layout != torch.strided:
            parts.append((leaf.device, leaf.layout, leaf.shape, leaf.dtype))
        else:
            first = places.setdefault(leaf.untyped_storage().data_ptr(), index)
            parts.append((leaf.shape, leaf.stride(), leaf.dtype, first, leaf.storage_offset() if first != index else 0))
    return tuple(parts)


def data_numbers(model: Any) -> _native.DataNumbers | None:
    """Which arguments of a TorchScript module may be data; Python code could tell any number's value."""
    return _native.DataNumbers(model._c) if isinstance(model, torch.jit.ScriptModule) else None


def is_plain_call(nesting: Nesting, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the graph's leaves are the positional arguments themselves, one each."""
    return not kwargs and len(nesting.settings) == len(args) and all(setting is None for setting in nesting.settings)


class CompiledModule:
    """A model whose calls are extracted when they first appear: one graph a signature, results as eager's.

    A signature is shapes, dtypes, strides and aliasing of the tensors, values of numbers, the nesting, and the modules' modes.
    Numbers that a TorchScript module only hands on to operators as data are no part of it: one graph serves all values.
    Changed weights, attributes or submodules make a graph anew at its next call. Thread-safe; several threads that bring the
    same new signature wait for one extraction. Errors are those of `extract_compiled_graph`.

    With fallback "allow" or "warn" a model that can't be a graph runs whole on LibTorch, from the call that shows it on:
    `fallback` says why.
    """

    def __init__(self, model: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self._model = Model(model)
        self._numbers = data_numbers(model)
        self._begin(self._model.name, options)

    def _begin(self, name: str, options: Mapping[str, Any]) -> None:
        self._name = name
        self._session = _options.session(options)
        self._lock = threading.Lock()
        self._graphs: collections.OrderedDict[Any, CompiledGraph] = collections.OrderedDict()
        self._last: Callable[..., Any] | None = None
        self.fallback = ""
        self.extractions = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        graph = self._last
        refused: list[Callable[..., Any]] = []
        # The graph used last; then the one of this signature; then, if weights have changed, one made anew. A refused call
        # has touched nothing, so it may be tried again.
        for _ in range(3):
            if graph is not None:
                try:
                    return graph(*args, **kwargs)
                except (InvalidArgumentError, FailedPreconditionError):
                    refused.append(graph)
            graph = self._find(args, kwargs, refused)
        return graph(*args, **kwargs)

    def _key(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        nesting, leaves = Nesting.of(args, kwargs)
        model = self._model.call
        training = tuple(m.training for m in model.modules()) if isinstance(model, torch.nn.Module) else ()
        if self._numbers is not None and is_plain_call(nesting, args, kwargs):
            data = self._numbers.are_data(leaves)
            leaves = [type(leaf) if is_data else leaf for leaf, is_data in zip(leaves, data)]
        return (repr(nesting.spec), nesting.settings, training, torch.is_autocast_enabled("cpu"), *_signature(leaves))

    def _extract(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CompiledGraph:
        """The graph of this call's signature. Called by one thread at a time."""
        return extract(self._model, args, kwargs, self._session, watch=True, numbers=self._numbers)

    def _fall_back(self, reason: str) -> Callable[..., Any]:
        """What runs the model when no graph can."""
        return EagerModel(self._model.call, self._name, reason)

    def _find(self, args: tuple[Any, ...], kwargs: dict[str, Any],
              refused: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
        key = self._key(args, kwargs)
        with self._lock:
            if self.fallback and self._last is not None:
                return self._last
            graph = self._graphs.get(key)
            if graph is None or any(graph is other for other in refused):
                try:
                    graph = self._extract(args, kwargs)
                except IngotError as error:
                    if not may_fall_back(error, self._session):
                        raise
                    self._last = self._fall_back(str(error))
                    self.fallback = str(error)
                    self._session.note_fallback(self._name, self.fallback)
                    return self._last
                self.extractions += 1
            self._graphs[key] = graph
            self._graphs.move_to_end(key)
            while len(self._graphs) > MAX_SIGNATURES:
                self._graphs.popitem(last=False)
            self._last = graph
        return graph

    @property
    def graphs(self) -> list[CompiledGraph]:
        """The graphs extracted so far, the one used last at the end."""
        with self._lock:
            return list(self._graphs.values())

    def report(self) -> list[Report]:
        """A report for each graph."""
        return [graph.report() for graph in self.graphs]

    def __repr__(self) -> str:
        return f"<ingot.{type(self).__name__} {self._name}, {len(self._graphs)} signatures>"


def compile(model: Callable[..., Any], **options: Any) -> CompiledModule:  # noqa: A001 (as torch.compile)
    """A callable that does what `model` does, by compiled graphs: see CompiledModule. Options: see extract_compiled_graph."""
    return CompiledModule(model, options)


def backends(**options: Any) -> list[dict[str, str]]:
    """Every backend plugin found: name, path, version, library_version, and unavailable (why it can't be used, or "")."""
    return _native.list_backends(_options.layers(options))


def metrics(**options: Any) -> dict[str, Any]:
    """Counters and times (in µs) of the session that these options name: CachedCompile, UncachedCompile, ExtractTime, …"""
    return _options.session(options).metrics()


