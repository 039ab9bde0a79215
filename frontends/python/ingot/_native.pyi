"""The extension module. Users call what is built on it: ingot.extract_compiled_graph, ingot.compile, ingot.load."""

from collections.abc import Callable as _Function
from collections.abc import Sequence
from typing import Any

import torch

__version__: str

class Program:
    """One extracted and compiled call. Made by Session."""

    def save(self, path: str) -> None: ...
    def describe(self) -> dict[str, Any]: ...
    @property
    def captured(self) -> list[torch.Tensor]: ...
    @property
    def is_stateful(self) -> bool: ...

class DataNumbers:
    """Which number arguments of a TorchScript module's `forward` are only ever data. Immutable."""

    def __init__(self, module: torch._C.ScriptModule) -> None: ...
    def are_data(self, leaves: list[Any]) -> list[bool]: ...

class ExportedProgram:
    """A torch.export archive, opened. The programs extracted from it share its buffers."""

    def __init__(self, path: str) -> None: ...
    @property
    def in_spec(self) -> str: ...
    @property
    def out_spec(self) -> str: ...

class Artifact:
    """An .ingot file, read and checked. `options`: those stored in it, names to text."""

    def __init__(self, path: str) -> None: ...
    @property
    def options(self) -> dict[str, str]: ...

class Session:
    """Options, backends, compile cache and metrics. `layers`: option names to text, strongest first; then comes the environment,
    then what a file `stored`."""

    def __init__(self, layers: Sequence[dict[str, str]], stored: dict[str, str] = ...) -> None: ...
    def extract(
        self, function: _Function[..., Any], leaves: list[Any], name: str, numbers: DataNumbers | None = None
    ) -> Program: ...
    def extract_exported(self, exported: ExportedProgram, leaves: list[Any]) -> Program: ...
    @property
    def fallback(self) -> str: ...
    def note_fallback(self, model: str, reason: str) -> None: ...
    def load(self, artifact: Artifact) -> Program: ...
    def backends(self) -> list[str]: ...
    def metrics(self) -> dict[str, Any]: ...

class Callable:
    """A program to call; base of ingot.CompiledGraph."""

    def __new__(
        cls,
        program: Program,
        *,
        flatten: _Function[[tuple[Any, ...], dict[str, Any] | None], list[Any]] | None = None,
        unflatten: _Function[[Any], Any] | None = None,
        as_list: bool = False,
        written: Sequence[torch.Tensor] = (),
        guarded: Sequence[tuple[str, torch.Tensor]] = (),
        watched: Sequence[dict[str, Any]] = (),
        check: _Function[[], bool] | None = None,
    ) -> Callable: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def run(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None = None,
        *,
        seed: int | None = None,
        timeout: float | None = None,
    ) -> Any: ...
    @property
    def _program(self) -> Program: ...

def check_option(name: str, value: str) -> None: ...
def list_backends(layers: Sequence[dict[str, str]]) -> list[dict[str, str]]: ...
class ScannedTorchScript:
    def __init__(self, path: str) -> None: ...
    @property
    def descriptor_path(self) -> str: ...
