"""torch.export archives, read by ingot's own reader: nothing of the file is run, and torch.export is not imported."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ingot import _native, _options
from ingot._calls import Nesting
from ingot._compiled import CompiledGraph, CompiledModule
from ingot._errors import DataLossError, IngotError, InvalidArgumentError
from ingot._fallback import may_fall_back

_PLAIN = (None, tuple, list, dict)


def _is_plain(spec: pytree.TreeSpec) -> bool:
    return spec.type in _PLAIN and all(_is_plain(child) for child in spec.children())


def _spec(text: str, path: pathlib.Path) -> pytree.TreeSpec:
    try:
        return pytree.treespec_loads(text)
    except Exception as error:
        raise InvalidArgumentError(
            f"{path}: its arguments or results are nested in a way that is not known here ({error}): import what registers "
            "their classes with torch.utils._pytree first") from error


class ExportedModule(CompiledModule):
    """A program of torch.export: what `torch.export.load(path).module()` computes, one graph for each set of sizes.

    Arguments are nested as in the export; keyword arguments may come in any order. Buffers that the program updates belong to
    this object. Tensors that are not row-major are copied, but not those that the program writes: they are refused.
    """

    def __init__(self, path: pathlib.Path, options: Mapping[str, Any]) -> None:
        self._path = path
        self._options = options
        self._begin(path.stem, options)
        self._program = _native.ExportedProgram(str(path))
        in_spec = _spec(self._program.in_spec, path)
        out_spec = _spec(self._program.out_spec, path)
        self._nesting = Nesting(in_spec, (None,) * in_spec.num_leaves)
        self._keywords = pytree.tree_unflatten([None] * in_spec.num_leaves, in_spec)[1].keys()
        self._out_spec = None if _is_plain(out_spec) else out_spec

    def _leaves(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> list[Any]:
        kwargs = kwargs or {}
        if kwargs.keys() == self._keywords:
            kwargs = {name: kwargs[name] for name in self._keywords}
        return self._nesting.flatten(args, kwargs)

    def _row_major(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> list[Any]:
        return [leaf.contiguous() if isinstance(leaf, torch.Tensor) else leaf for leaf in self._leaves(args, kwargs)]

    def _put_together(self, result: Any) -> Any:
        return pytree.tree_unflatten(pytree.tree_leaves(result), self._out_spec)

    def _key(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return tuple((leaf.shape, leaf.dtype, leaf.is_contiguous()) if isinstance(leaf, torch.Tensor) else (type(leaf), leaf)
                     for leaf in self._leaves(args, kwargs))

    def _extract(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CompiledGraph:
        leaves = self._leaves(args, kwargs)
        program = self._session.extract_exported(self._program, leaves)
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        copied = [index for index, tensor in enumerate(tensors) if not tensor.is_contiguous()]
        for index in set(copied) & set(program.describe()["written_arguments"]):
            raise InvalidArgumentError(f"argument {index} is written by the program and not row-major: pass a contiguous tensor")
        flatten: Callable[..., list[Any]] | None = self._row_major if copied else self._leaves
        if not copied and self._nesting.is_flat(leaves):
            flatten = None
        return CompiledGraph(program, flatten=flatten, unflatten=None if self._out_spec is None else self._put_together)

    def _fall_back(self, reason: str) -> Callable[..., Any]:
        return _load_by_libtorch(self._path, self._options)


def _load_by_libtorch(path: pathlib.Path, options: Mapping[str, Any]) -> CompiledModule:
    try:
        module = torch.export.load(path).module()
    except Exception as error:
        raise DataLossError(f"{path}: torch.export does not load it") from error
    return CompiledModule(module, options)


def load_exported(path: pathlib.Path, options: Mapping[str, Any]) -> CompiledModule:
    """The program of an archive; by LibTorch's own reader where ingot's refuses it and the policy allows."""
    try:
        return ExportedModule(path, options)
    except IngotError as error:
        if not may_fall_back(error, _options.session(options)):
            raise
        _options.session(options).note_fallback(path.stem, str(error))
        return _load_by_libtorch(path, options)
