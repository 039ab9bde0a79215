"""Calls of a model as flat lists of leaves, and results back in the model's own nesting."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ingot._errors import InvalidArgumentError

_LEAVES = (torch.Tensor, bool, int, float, str, type(None))
# Leaves that no graph holds, but that say what to compute: a call must bring the very same.
_SETTINGS = (torch.dtype, torch.device, torch.layout, torch.memory_format, enum.Enum, slice)


def _plain_int(value: Any) -> Any:
    # torch.compile hands symbolic sizes over; a graph is made for one size.
    return int(value) if isinstance(value, torch.SymInt) else value


@dataclasses.dataclass(frozen=True)
class Nesting:
    """How arguments are nested: the nesting itself, where the graph's leaves are, and the settings among the leaves."""

    spec: pytree.TreeSpec
    settings: tuple[Any, ...]  # by leaf; None where the leaf is the graph's

    @staticmethod
    def of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Nesting, list[Any]]:
        """The nesting, and the leaves that the graph takes. InvalidArgumentError names a leaf that has no place in a call."""
        leaves, spec = pytree.tree_flatten((args, kwargs))
        settings, taken = [], []
        for index, leaf in enumerate(leaves):
            leaf = _plain_int(leaf)
            if isinstance(leaf, _SETTINGS):
                settings.append(leaf)
                continue
            if not isinstance(leaf, _LEAVES):
                raise InvalidArgumentError(
                    f"argument {_path(args, kwargs, index)} is a {type(leaf).__qualname__}: pass tensors, numbers, str, None, "
                    "dtypes, devices, and tuples, lists and dicts of them")
            settings.append(None)
            taken.append(leaf)
        return Nesting(spec, tuple(settings)), taken

    def is_flat(self, leaves: list[Any]) -> bool:
        """Positional tensors and nothing else: the extension module needs no help with such calls."""
        args, kwargs = pytree.tree_unflatten(list(range(len(self.settings))), self.spec)
        flat = not kwargs and list(args) == list(range(len(args)))
        return flat and len(leaves) == len(args) and all(isinstance(leaf, torch.Tensor) for leaf in leaves)

    def flatten(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> list[Any]:
        """The graph's leaves of another call. InvalidArgumentError where it is nested otherwise."""
        leaves, spec = pytree.tree_flatten((args, kwargs or {}))
        if spec != self.spec:
            raise InvalidArgumentError(
                f"the arguments are nested as {_show(spec)}, but the graph was extracted with {_show(self.spec)}")
        taken = []
        for index, (leaf, setting) in enumerate(zip(leaves, self.settings)):
            if setting is None:
                taken.append(_plain_int(leaf))
            elif leaf != setting:
                raise InvalidArgumentError(
                    f"argument {_path(args, kwargs or {}, index)} is {leaf!r}, but the graph was extracted with {setting!r}")
        return taken

    def unflatten(self, leaves: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        rest = iter(leaves)
        every = [next(rest) if setting is None else setting for setting in self.settings]
        return pytree.tree_unflatten(every, self.spec)


def _show(spec: pytree.TreeSpec) -> str:
    args, kwargs = pytree.tree_unflatten(["*"] * spec.num_leaves, spec)
    texts = [str(arg) for arg in args] + [f"{name}={value}" for name, value in kwargs.items()]
    return f"({', '.join(texts)})"


def _path(args: tuple[Any, ...], kwargs: dict[str, Any], index: int) -> str:
    """Where leaf `index` stands: "0", "1['mask']", "scale"."""
    paths, _ = pytree.tree_flatten_with_path((args, kwargs))
    if index >= len(paths):
        return str(index)
    (_, first, *rest) = paths[index][0]
    name = first.idx if isinstance(first, pytree.SequenceKey) else first.key
    return f"{name}{pytree.keystr(tuple(rest))}"


def _is_plain(value: Any) -> bool:
    """What the extension module rebuilds itself: exact tuples, lists and dicts (keys: str) of leaves."""
    if type(value) in (tuple, list):
        return all(_is_plain(item) for item in value)
    if type(value) is dict:
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return isinstance(value, _LEAVES)


class ResultNesting:
    """Results in the model's nesting: named tuples, data classes and whatever else pytree knows."""

    def __init__(self) -> None:
        self._spec: pytree.TreeSpec | None = None
        self._settings: tuple[Any, ...] = ()

    def take_apart(self, result: Any) -> Any:
        """What the recorder gets: the result itself, or its leaves where only Python can rebuild it."""
        if _is_plain(result):
            self._spec = None
            return result
        leaves, spec = pytree.tree_flatten(result)
        for leaf in leaves:
            if not isinstance(_plain_int(leaf), _LEAVES + _SETTINGS):
                raise InvalidArgumentError(f"the model returns a {type(leaf).__qualname__}: no graph can hold it")
        self._spec = spec
        self._settings = tuple(leaf if isinstance(leaf, _SETTINGS) else None for leaf in leaves)
        return tuple(_plain_int(leaf) for leaf, setting in zip(leaves, self._settings) if setting is None)

    @property
    def unflatten(self) -> Callable[[Any], Any] | None:
        spec, settings = self._spec, self._settings
        if spec is None:
            return None

        def put_together(leaves: tuple[Any, ...]) -> Any:
            rest = iter(leaves)
            return pytree.tree_unflatten([next(rest) if s is None else s for s in settings], spec)

        return put_together
