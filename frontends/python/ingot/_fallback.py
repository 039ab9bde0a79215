"""A model that can't be a graph, run whole by LibTorch: what fallback="allow" and "warn" permit."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any, final

import torch
from torch.utils import _pytree as pytree

from ingot import _native
from ingot._errors import FailedPreconditionError, IngotError, InvalidArgumentError, UnimplementedError
from ingot._report import GraphPicture, Report


def may_fall_back(error: IngotError, session: _native.Session) -> bool:
    """Whether `error` says that there is no graph for the model, and the policy lets LibTorch run it.

    An error that the model itself raised (it is the cause) is the caller's to see.
    """
    no_graph = isinstance(error, (FailedPreconditionError, UnimplementedError)) and error.__cause__ is None
    return no_graph and session.fallback != "forbid"


@final
class EagerModel:
    """A model that LibTorch runs as it is, because no graph can hold what it does; `fallback` says why.

    Called as the graph would be: as inference, results in a list if the graph's were. Errors are those of the model.
    """

    fallback: str  # the reason, one line

    def __init__(self, model: Callable[..., Any], name: str, reason: str, *, as_list: bool = False) -> None:
        self._model = model
        self._name = name
        self._as_list = as_list
        self.fallback = reason

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if torch.is_grad_enabled():
            for leaf in pytree.tree_leaves((args, kwargs)):
                if isinstance(leaf, torch.Tensor) and leaf.requires_grad:
                    raise InvalidArgumentError(
                        f"{self._name}: an argument requires grad, but no gradients are computed: call it under "
                        "torch.no_grad() or pass x.detach()")
        with torch.no_grad():
            result = self._model(*args, **kwargs)
        if not self._as_list:
            return result
        return list(result) if isinstance(result, (list, tuple)) else [result]

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None, *, seed: int | None = None,
            timeout: float | None = None) -> Any:
        """One call. `seed`: of torch's generator during the call. `timeout` is not enforced: LibTorch can't be stopped."""
        del timeout
        with torch.random.fork_rng(devices=[]) if seed is not None else contextlib.nullcontext():
            if seed is not None:
                torch.manual_seed(seed)
            return self(*args, **(kwargs or {}))

    def report(self) -> Report:
        """A report of no nodes; `report().fallbacks` names the program as one."""
        return Report({"name": self._name, "arguments": "(...)", "results": "...", "is_random": False, "written_arguments": [],
                       "groups": [{"backend": "LibTorch eager", "library_version": torch.__version__, "nodes": [], "plan_json": "",
                                   "retained_bytes": 0, "workspace_bytes": 0, "cached": False}],
                       "nodes": [], "fallbacks": [{"node": None, "op": "program", "reason": self.fallback}]})

    @property
    def graph(self) -> GraphPicture:
        """UnimplementedError: there is none."""
        raise UnimplementedError(f"{self._name} runs on LibTorch, it has no graph: {self.fallback}")

    def save(self, path: str | os.PathLike[str]) -> None:
        """UnimplementedError: there is no graph to save."""
        raise UnimplementedError(f"{os.fspath(path)}: {self._name} runs on LibTorch, it has no graph: {self.fallback}")

    def __repr__(self) -> str:
        return f"<ingot.EagerModel {self._name}: {self.fallback}>"
