"""One sample of one op: what of it is argument, whether it traces, and its two files."""

import os
import tempfile
import warnings

import numpy as np
import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

# What a graph's values may be (core/ir/dtype.h).
DTYPES = frozenset({
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16,
    torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128
})
# Ops whose results are whatever the memory held: nothing to compare.
UNINITIALISED = frozenset({
    "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided",
    "resize_", "resize_as_"
})


# Larger arguments show nothing that smaller ones don't, and take seconds to compare.
MAX_ELEMENTS = 1 << 18


class Skipped(Exception):
    """A sample that makes no case. `reason` is one of a few words, the text has the details."""

    def __init__(self, reason, detail=""):
        super().__init__(detail)
        self.reason = reason


class _Call(torch.nn.Module):
    """op(input, *args, **kwargs), as a function of the tensors among the three."""

    def __init__(self, op, sample):
        super().__init__()
        self.op = op
        self.leaves, self.spec = tree_flatten((sample.input, tuple(sample.args), sample.kwargs))
        self.places = [i for i, leaf in enumerate(self.leaves) if isinstance(leaf, torch.Tensor)]

    def tensors(self):
        """The arguments: row-major, as a .npz holds them."""
        found = [self.leaves[i].detach() for i in self.places]
        if any(tensor.layout != torch.strided or tensor.is_quantized for tensor in found):
            raise Skipped("not a dense tensor", "an argument is sparse or quantized")
        if sum(tensor.numel() for tensor in found) > MAX_ELEMENTS:
            raise Skipped("too large")
        return tuple(
            tensor.resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)
            for tensor in found)

    def forward(self, *tensors):
        leaves = list(self.leaves)
        for place, tensor in zip(self.places, tensors):
            leaves[place] = tensor
        first, args, kwargs = tree_unflatten(leaves, self.spec)
        results = tree_leaves(self.op(first, *args, **kwargs))
        return tuple(result for result in results if isinstance(result, torch.Tensor))


def _line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def _clones(tensors):
    return tuple(tensor.clone() for tensor in tensors)


def _check_results(results):
    if not results:
        raise Skipped("no tensor results")
    if any(result.layout != torch.strided or result.is_quantized for result in results):
        raise Skipped("not a dense tensor", "a result is sparse or quantized")
    unsupported = [result.dtype for result in results if result.dtype not in DTYPES]
    if unsupported:
        raise Skipped("not a supported dtype", f"a result is {unsupported[0]}")


class _WatchingFakeMode(FakeTensorMode):
    """Remembers that an op's results depend on values: TorchScript's interpreter drops the type of
    what is raised below it."""

    data_dependent = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        try:
            return super().__torch_dispatch__(func, types, args, kwargs)
        except (DataDependentOutputException, DynamicOutputShapeException):
            self.data_dependent = True
            raise


def _is_data_dependent(program, tensors):
    """Whether sizes or numbers in the traced program depend on values, so far as fakes tell."""
    mode = _WatchingFakeMode(allow_non_fake_inputs=True)
    try:
        with mode:
            program(*(mode.from_tensor(tensor) for tensor in tensors))
    except Exception:  # pylint: disable=broad-except  # no fake kernel: eager decides
        pass
    return mode.data_dependent


def trace(op, sample, seed):
    """Returns (traced program, arguments) of a sample.

    Raises:
      Skipped: the sample makes no case.
    """
    if op.name in UNINITIALISED:
        raise Skipped("uninitialised results")
    call = _Call(op.op, sample)
    tensors = call.tensors()
    if not tensors:
        raise Skipped("no tensor inputs")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        try:
            results = call(*_clones(tensors))
        except Exception as error:  # pylint: disable=broad-except
            raise Skipped("eager refuses it", _line(error)) from error
        _check_results(results)
        torch.manual_seed(seed)
        try:
            program = torch.jit.trace(call, _clones(tensors), strict=False, check_trace=False)
        except Exception as error:  # pylint: disable=broad-except
            raise Skipped("not traceable", _line(error)) from error
        if _is_data_dependent(program, tensors):
            raise Skipped("data-dependent")
    return program, tensors


def _array(tensor):
    """bfloat16, which NumPy lacks, goes as its bits (tools/ingot/npz.h)."""
    if tensor.dtype == torch.bfloat16:
        return ".bf16", tensor.view(torch.int16).numpy().view(np.uint16)
    return "", tensor.numpy()


def export(op, sample, tensors, stem):
    """Writes STEM.pt2: the sample as torch.export sees it, with its arguments in it.

    Raises:
      Skipped: torch.export refuses it.
    """
    call = _Call(op.op, sample)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.export.save(torch.export.export(call, _clones(tensors), strict=False), f"{stem}.pt2")
        except Exception as error:  # pylint: disable=broad-except
            if os.path.exists(f"{stem}.pt2"):
                os.remove(f"{stem}.pt2")
            raise Skipped("not exportable", _line(error)) from error


def warm_up():
    """What torch.export imports and caches at its first call, before a process forks: half a second
    that each child would spend again, more than most ops' samples take."""
    with tempfile.TemporaryDirectory() as folder:
        torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.ones(2),), strict=False),
                          os.path.join(folder, "warm.pt2"))


def write(program, tensors, stem):
    """Writes STEM.pt, then STEM.npz: a case is there when its .npz is.

    Raises:
      Skipped: the program cannot be saved and loaded again.
    """
    arrays = {}
    for k, tensor in enumerate(tensors):
        suffix, array = _array(tensor)
        arrays[f"arg{k}{suffix}"] = array
    try:
        torch.jit.save(program, f"{stem}.pt")
        torch.jit.load(f"{stem}.pt")
    except Exception as error:  # pylint: disable=broad-except
        if os.path.exists(f"{stem}.pt"):
            os.remove(f"{stem}.pt")
        raise Skipped("not serialisable", _line(error)) from error
    np.savez(f"{stem}.npz", **arrays)
