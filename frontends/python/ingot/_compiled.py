"""What users call: CompiledGraph (one signature) and CompiledModule (any signature, extracted when it first appears)."""

from __future__ import annotations

import collections
import os
import pathlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import torch

from ingot import _native, _options
from ingot._calls import Nesting, ResultNesting
from ingot._errors import (DataLossError, FailedPreconditionError, InvalidArgumentError, NotFoundError)
from ingot._model import Model
from ingot._report import GraphPicture, Report

# Signatures that one CompiledModule keeps; beyond that the one not used for longest goes.
MAX_SIGNATURES = 64


@final
class CompiledGraph(_native.Callable):
    """One extracted call, compiled: call it with arguments like the example's.

    Arguments: as many as in the example and nested like them; tensors of the same shapes, dtypes (and strides, where the
    example's were not row-major), numbers and texts with the same values. Tensors are used where they are (no copies), and
    those that the model updates in place are updated. Results are new tensors, except those that are an argument or a view of
    one; a tensor that the model returns twice is one tensor.

    Raises InvalidArgumentError, naming the argument, for a call that does not fit (it touches nothing); FailedPreconditionError
    when a weight was changed after extraction. Thread-safe: any number of threads may call it; the GIL is released meanwhile.
    """

    __slots__ = ("__weakref__",)


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
            as_list: bool = False, watch: bool = False) -> CompiledGraph:
    """Records one call on clones of the arguments and compiles it. The arguments and the model stay as they were.

    `watch`: the graph refuses calls after the module's mode, attributes or submodules have changed.
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
            program = session.extract(run, leaves + written, model.name)
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


def extract_compiled_graph(model: Callable[..., Any], example_inputs: Sequence[Any], **options: Any) -> CompiledGraph:
    """Records what `model` does with `example_inputs`, compiles it, and returns the callable that reruns it.

    The signature and conventions of `torch._lazy.extract_compiled_graph`: the callable takes the inputs and returns a *list* of
    what the model returns (one element for a model that returns one tensor), and updates inputs that the model updates.

    model: a torch.nn.Module, fx.GraphModule, ScriptModule or function. It runs once, on clones, as eager inference in the mode
      (train or eval) that it is in; its weights are shared, not copied.
    example_inputs: a list or tuple; tensors (dense, CPU), numbers, str, None, and tuples, lists, dicts of them.
    options: backend ("onednn", "torchscript", "reference", "auto", a plugin's path, or several with commas), fallback
      ("forbid", "warn", "allow"), force_fallback (operators), threads (of each executable; 0: all available), cache_bytes
      (compiled executables kept, in bytes), plugin_folders, seed.

    Raises (all ingot.IngotError, which is a RuntimeError; `.code` tells them apart): UnimplementedError if an operator is not
    taken and fallback is forbidden, beginning "backend NAME: fallback: aten::sub=1 (why)"; FailedPreconditionError if the model
    fails (its error is the cause) or depends on values of its arguments; InvalidArgumentError for arguments that no graph
    takes; NotFoundError for a backend that is not there.
    """
    args = _example(example_inputs)
    return extract(Model(model), args, {}, _options.session(options), as_list=True)


def _signature(leaves: Sequence[Any]) -> tuple[Any, ...]:
    """What of a call its graph is valid for. Wider than need be in one point: it tells apart memory that overlaps."""
    parts: list[Any] = []
    places: dict[int, int] = {}
    for index, leaf in enumerate(leaves):
        if not isinstance(leaf, torch.Tensor):
            parts.append((type(leaf), leaf))
        elif leaf.device.type != "cpu" or leaf.layout != torch.strided:
            parts.append((leaf.device, leaf.layout, leaf.shape, leaf.dtype))
        else:
            first = places.setdefault(leaf.untyped_storage().data_ptr(), index)
            parts.append((leaf.shape, leaf.stride(), leaf.dtype, first, leaf.storage_offset() if first != index else 0))
    return tuple(parts)


class CompiledModule:
    """A model whose calls are extracted when they first appear: one graph a signature, results as eager's.

    A signature is shapes, dtypes, strides and aliasing of the tensors, values of numbers, the nesting, and the modules' modes.
    Changed weights, attributes or submodules make a graph anew at its next call. Thread-safe; several threads that bring the same new signature wait for one
    extraction. Errors are those of `extract_compiled_graph`.
    """

    def __init__(self, model: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self._model = Model(model)
        self._session = _options.session(options)
        self._lock = threading.Lock()
        self._graphs: collections.OrderedDict[Any, CompiledGraph] = collections.OrderedDict()
        self._last: CompiledGraph | None = None
        self.extractions = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        graph = self._last
        refused: list[CompiledGraph] = []
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
        return (repr(nesting.spec), nesting.settings, training, torch.is_autocast_enabled("cpu"), *_signature(leaves))

    def _find(self, args: tuple[Any, ...], kwargs: dict[str, Any], refused: list[CompiledGraph]) -> CompiledGraph:
        key = self._key(args, kwargs)
        with self._lock:
            graph = self._graphs.get(key)
            if graph is None or any(graph is other for other in refused):
                graph = extract(self._model, args, kwargs, self._session, watch=True)
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
        return f"<ingot.CompiledModule {self._model.name}, {len(self._graphs)} signatures>"


def compile(model: Callable[..., Any], **options: Any) -> CompiledModule:  # noqa: A001 (as torch.compile)
    """A callable that does what `model` does, by compiled graphs: see CompiledModule. Options: see extract_compiled_graph."""
    return CompiledModule(model, options)


def _load_artifact(path: pathlib.Path, options: Mapping[str, Any]) -> CompiledGraph:
    return CompiledGraph(_options.session(options).load(str(path)))


def _load_torchscript(path: pathlib.Path, options: Mapping[str, Any]) -> CompiledModule:
    try:
        module = torch.jit.load(path, map_location="cpu").eval()
    except Exception as error:
        raise DataLossError(f"{path}: is no TorchScript file, or a damaged one") from error
    return CompiledModule(module, options)


def _load_exported(path: pathlib.Path, options: Mapping[str, Any]) -> CompiledModule:
    try:
        module = torch.export.load(path).module()
    except Exception as error:
        raise DataLossError(f"{path}: is no torch.export archive, or a damaged one") from error
    return CompiledModule(module, options)


_LOADERS = {".ingot": _load_artifact, ".pt2": _load_exported}


def load(path: str | os.PathLike[str], **options: Any) -> CompiledGraph | CompiledModule:
    """Loads a model file: `.ingot` (a CompiledGraph), `.pt2` (torch.export) or TorchScript (a CompiledModule, in eval mode).

    Options as of extract_compiled_graph. NotFoundError: no such file; DataLossError: damaged, or of another format.
    Loading `.pt` and `.pt2` files runs LibTorch's own readers: use files that you trust.
    """
    file = pathlib.Path(path)
    if not file.is_file():
        raise NotFoundError(f"{file}: no such file")
    return _LOADERS.get(file.suffix, _load_torchscript)(file, options)


def backends(**options: Any) -> list[dict[str, str]]:
    """Every backend plugin found: name, path, version, library_version, and unavailable (why it can't be used, or "")."""
    return _native.list_backends(_options.layers(options))


def metrics(**options: Any) -> dict[str, Any]:
    """Counters and times (in µs) of the session that these options name: CachedCompile, UncachedCompile, ExtractTime, …"""
    return _options.session(options).metrics()


