"""Writes a case's files: NAME.pt, NAME.pt2, NAME.npz and its assets.

A file appears under its name whole or not at all.
"""

import contextlib
import os
import shutil
import tempfile
import warnings

import numpy as np
import torch

SEED = 20231123


class ExportError(Exception):
    """An exported file doesn't do what the module does."""


@contextlib.contextmanager
def _replacing(path):
    """Yields a temporary path in the same folder, renamed to `path` on success."""
    # torch.jit.save and torch.export.save name the archive's root folder after the file and check
    # its ending, so the temporary file has the final name, in a folder of its own.
    folder = tempfile.mkdtemp(prefix=".export-", dir=os.path.dirname(path))
    try:
        temporary = os.path.join(folder, os.path.basename(path))
        yield temporary
        os.replace(temporary, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clones(args):
    return tuple(arg.clone() for arg in args)


def _run(function, args, seed=SEED):
    """Returns (outputs, arguments after the call) of one call on clones, as a flat list."""
    args = _clones(args)
    torch.manual_seed(seed)
    with torch.no_grad():
        outputs = function(*args)
    return torch.utils._pytree.tree_leaves((outputs, args))


def _check(case, what, function, built):
    """Raises ExportError unless `function` equals the module on the case's arguments."""
    expected = _run(built.module, built.args)
    actual = _run(function, built.args)
    try:
        torch.testing.assert_close(actual, expected)
    except AssertionError as error:
        reason = str(error).splitlines()[0]
        raise ExportError(f"{case.name}: {what} differs from the module: {reason}") from error
    if case.fresh_draws and torch.equal(_run(function, built.args, SEED + 1)[0], expected[0]):
        raise ExportError(f"{case.name}: {what} holds the random draw as a constant")


def write_pt(case, built, path):
    """Traces (or scripts) the module into `path`."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript's deprecation, tracer warnings on shapes
        if case.scripted:
            program = torch.jit.script(built.module)
        else:
            program = torch.jit.trace(built.module, _clones(built.args), check_trace=False)
        with _replacing(path) as temporary:
            torch.jit.save(program, temporary)
            _check(case, os.path.basename(path), torch.jit.load(temporary), built)


def write_pt2(case, built, path):
    """Exports the module with torch.export into `path`."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(built.module, _clones(built.args), strict=False)
        with _replacing(path) as temporary:
            torch.export.save(program, temporary)
            _check(case, os.path.basename(path), torch.export.load(temporary).module(), built)


def write_npz(case, built, path):
    """Writes the arguments as arrays arg0, arg1, ..."""
    del case
    arrays = {f"arg{k}": arg.numpy() for k, arg in enumerate(built.args)}
    with _replacing(path) as temporary:
        np.savez(temporary, **arrays)


_WRITERS = {"pt": write_pt, "pt2": write_pt2, "npz": write_npz}


def export(case, scale, folder, formats):
    """Builds a case and writes its files.

    Args:
      case: a `Case`.
      scale: a member of `tools.models.case.SCALES`.
      folder: an existing folder.
      formats: which of `tools.models.case.FORMATS` to write; assets are always written.

    Returns:
      The names of the files written, in order.

    Raises:
      ExportError: a file written doesn't reproduce the module's results.
    """
    # One thread: statistics measured while building don't depend on the number of cores.
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    built = case.build(scale)
    written = []
    for extension in formats:
        name = f"{case.name}.{extension}"
        _WRITERS[extension](case, built, os.path.join(folder, name))
        written.append(name)
    for suffix, source in built.assets:
        name = f"{case.name}.{suffix}"
        with _replacing(os.path.join(folder, name)) as temporary:
            shutil.copyfile(source, temporary)
        written.append(name)
    return written
