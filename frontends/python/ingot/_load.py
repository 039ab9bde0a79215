"""Model files."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import torch

from ingot import _native, _options
from ingot._compiled import CompiledGraph, CompiledModule
from ingot._errors import DataLossError, NotFoundError
from ingot._exported import load_exported


def _load_artifact(path: pathlib.Path, options: Mapping[str, Any]) -> CompiledGraph:
    artifact = _native.Artifact(str(path))
    return CompiledGraph(_options.session(options, artifact.options).load(artifact))


def _load_torchscript(path: pathlib.Path, options: Mapping[str, Any]) -> CompiledModule:
    scanned = _native.ScannedTorchScript(str(path))
    try:
        # What was scanned is what is loaded, whatever happens to the path in between.
        module = torch.jit.load(scanned.descriptor_path, map_location="cpu").eval()
    except Exception as error:
        raise DataLossError(f"{path}: is no TorchScript file, or a damaged one") from error
    return CompiledModule(module, options)


_LOADERS = {".ingot": _load_artifact, ".pt2": load_exported}


def load(path: str | os.PathLike[str], **options: Any) -> CompiledGraph | CompiledModule:
    """Loads a model file: `.ingot` (a CompiledGraph), `.pt2` (torch.export) or TorchScript (a CompiledModule, in eval mode).

    Options as of extract_compiled_graph; those stored in an `.ingot` file are the weakest. NotFoundError: no such file; DataLossError: damaged, or of another format;
    UnimplementedError, FailedPreconditionError: a `.pt2` file with what docs/pt2.md lists as not read.
    `.ingot` and `.pt2` files are read by ingot itself, which runs nothing of them. `.pt` files are looked through before LibTorch
    sees them (IngotError, PERMISSION_DENIED: what is not on the list of what a TorchScript file may name), but then LibTorch's own
    reader runs them, as it does, with fallback "allow" or "warn", with `.pt2` files that ingot does not read: for files that you
    don't trust, `ingot extract --untrusted` makes an `.ingot` file in a sandbox.
    """
    file = pathlib.Path(path)
    if not file.is_file():
        raise NotFoundError(f"{file}: no such file")
    return _LOADERS.get(file.suffix, _load_torchscript)(file, options)
