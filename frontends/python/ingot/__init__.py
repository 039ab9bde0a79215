"""ingot: extract a PyTorch model once, run the compiled graph many times.

    import torch, ingot

    graph = ingot.extract_compiled_graph(model, [a, b])   # as torch._lazy's: records, compiles; returns lists
    fast = ingot.compile(model)                           # any shapes; results as the model's
    fast = torch.compile(model, backend="ingot")          # Dynamo's regions, training too
    graph = ingot.load("model.ingot")                     # or .pt, .pt2

Backends: "onednn" (fast), "torchscript" (takes every operator), "reference" (plain C++), "auto" (the first that takes all).
Every error is an ingot.IngotError with a `code`.
"""

import torch

# The extension module links the libraries of this very torch, and finds them once torch is loaded.
_TORCH = "2.13."
if not torch.__version__.startswith(_TORCH):
    raise ImportError(f"ingot was built for torch {_TORCH}*, but torch {torch.__version__} is installed")

from ingot import config
from ingot._compiled import CompiledGraph, CompiledModule, backends, compile, extract_compiled_graph, metrics
from ingot._errors import (CancelledError, DataLossError, DeadlineExceededError, FailedPreconditionError, IngotError,
                           InternalError, InvalidArgumentError, NotFoundError, ResourceExhaustedError, StatusCode,
                           UnimplementedError)
from ingot._exported import ExportedModule
from ingot._fallback import EagerModel
from ingot._load import load
from ingot._native import __version__
from ingot._report import GraphPicture, Report
from ingot.config import get_backend, set_backend

__all__ = [
    "CancelledError", "CompiledGraph", "CompiledModule", "DataLossError", "DeadlineExceededError", "EagerModel",
    "ExportedModule", "FailedPreconditionError", "GraphPicture", "IngotError", "InternalError", "InvalidArgumentError",
    "NotFoundError", "Report", "ResourceExhaustedError", "StatusCode", "UnimplementedError", "__version__", "backends", "compile",
    "config", "extract_compiled_graph", "get_backend", "load", "metrics", "set_backend",
]
