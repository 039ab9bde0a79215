"""Exports the samples of PyTorch's op_db as TorchScript files with their arguments.

DIR/DTYPE/OP__VARIANT/N.pt and N.npz (and N.pt2 with --format pt2), and DIR/DTYPE/index.json, which says for each op how many
cases there are and why the other samples make none.
"""

import argparse
import collections
import fnmatch
import gc
import json
import multiprocessing
import os
import random
import shutil
import sys
import time
import zlib

DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool",
          "complex64")
# An op that is busy for longer than this is given up, and recorded as skipped.
SECONDS_AN_OP = 600


def parse_args(argv):
    """Returns the parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.opinfo.export_corpus",
                                     description=__doc__.splitlines()[0])
    names = lambda text: [part.strip() for part in text.split(",") if part.strip()]
    parser.add_argument("--out", metavar="DIR", required=True, help="folder to write to")
    parser.add_argument("--dtypes", type=names, default=["float32"], metavar="D,E",
                        help=f"of {','.join(DTYPES)}, or all (default: float32)")
    parser.add_argument("--ops", type=names, default=["*"], metavar="A,B",
                        help="names or patterns such as nn.functional.conv* (default: all)")
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="at most N samples an op and dtype, evenly chosen (default: all)")
    parser.add_argument("--format", choices=("pt", "pt2"), default="pt",
                        help="pt2: cases that torch.export takes, as N.pt2 beside N.pt, which "
                        "stays the oracle (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, metavar="N",
                        help="processes (default: %(default)s)")
    args = parser.parse_args(argv)
    if args.dtypes == ["all"]:
        args.dtypes = list(DTYPES)
    unknown = [name for name in args.dtypes if name not in DTYPES]
    if unknown:
        parser.error(f"--dtypes: {unknown[0]} is none of {','.join(DTYPES)}")
    if args.limit < 0 or args.workers < 1:
        parser.error("--limit must not be negative, and --workers at least 1")
    return args


def select(ops, patterns):
    """The entries whose name, with or without variant, matches one of the patterns."""
    chosen = {}
    for name, op in ops.items():
        if any(fnmatch.fnmatchcase(part, pattern) for part in (name, op.name)
               for pattern in patterns):
            chosen[name] = op
    return chosen


def evenly(samples, limit):
    """At most `limit` (number, sample) pairs, spread over all; 0: all of them."""
    numbered = list(enumerate(samples))
    if not limit or len(numbered) <= limit:
        return numbered
    return [numbered[i * len(numbered) // limit] for i in range(limit)]


def export_op(name, op, dtype, folder, args):
    """Writes one op's cases; returns its entry of the index."""
    import numpy as np
    import torch

    from tools.opinfo import sample as samples

    seed = zlib.crc32(f"{name} {dtype}".encode())
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    try:
        found = list(op.sample_inputs("cpu", getattr(torch, dtype), requires_grad=False))
    except Exception as error:  # pylint: disable=broad-except
        return {"cases": 0, "skipped": {"no samples": 1}, "details": [str(error)[:300]]}
    cases, skipped, details = 0, collections.Counter(), []
    for number, sample in evenly(found, args.limit):
        try:
            program, tensors = samples.trace(op, sample, seed)
            os.makedirs(folder, exist_ok=True)
            stem = os.path.join(folder, str(number))
            if args.format == "pt2":
                samples.export(op, sample, tensors, stem)
            samples.write(program, tensors, stem)
            cases += 1
        except samples.Skipped as skip:
            skipped[skip.reason] += 1
            if str(skip) and len(details) < 3:
                details.append(f"{number}: {skip}")
    return {"cases": cases, "skipped": dict(sorted(skipped.items())), "details": details}


def _in_child(pipe, *args):
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # samples warn by the thousand
    try:
        pipe.send(export_op(*args))
    except Exception as error:  # pylint: disable=broad-except
        pipe.send({"cases": 0, "skipped": {"exporter failed": 1}, "details": [repr(error)[:300]]})


class _Child:
    """A forked process an op: a crash loses that op only, and bytes don't depend on the others.

    TorchScript numbers the classes that it has seen in a process, and the numbers go into files.
    """

    def __init__(self, name, *args):
        self.name, self.folder = name, args[2]
        context = multiprocessing.get_context("fork")
        self.pipe, sender = context.Pipe(duplex=False)
        self.process = context.Process(target=_in_child, args=(sender, name, *args))
        self.process.start()
        sender.close()
        self.deadline = time.monotonic() + SECONDS_AN_OP

    def poll(self):
        """The op's entry of the index, or None as long as it runs."""
        if not self.pipe.poll(0.01):
            if time.monotonic() < self.deadline:
                return None
            self.process.kill()
        try:
            entry = self.pipe.recv()
        except EOFError:
            self.process.join()
            entry = {"cases": self._count(),
                     "skipped": {f"exporter ended with code {self.process.exitcode}": 1}}
        self.process.join()
        return entry

    def _count(self):
        return sum(name.endswith(".npz") for name in os.listdir(self.folder)) \
            if os.path.isdir(self.folder) else 0


def export_dtype(ops, dtype, args):
    """Exports one dtype, whose folder appears whole; returns its index."""
    import torch

    root = os.path.join(args.out, f".{dtype}.partial")
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    waiting = [(name, op) for name, op in ops.items()
               if getattr(torch, dtype) in op.supported_dtypes("cpu")]
    running, entries = [], {}
    while waiting or running:
        while waiting and len(running) < args.workers:
            name, op = waiting.pop(0)
            running.append(_Child(name, op, dtype, os.path.join(root, name), args))
        for child in list(running):
            entry = child.poll()
            if entry is not None:
                entries[child.name] = entry
                running.remove(child)
    index = {"torch": torch.__version__, "dtype": dtype, "limit": args.limit,
             "format": args.format, "ops": dict(sorted(entries.items()))}
    with open(os.path.join(root, "index.json"), "w", encoding="utf-8") as file:
        json.dump(index, file, indent=1)
        file.write("\n")
    final = os.path.join(args.out, dtype)
    shutil.rmtree(final, ignore_errors=True)
    os.rename(root, final)
    return index


def _summary(index):
    skipped = collections.Counter()
    for entry in index["ops"].values():
        skipped.update(entry["skipped"])
    cases = sum(entry["cases"] for entry in index["ops"].values())
    ops = sum(entry["cases"] > 0 for entry in index["ops"].values())
    reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.most_common())
    return f"{index['dtype']}: {cases} cases of {ops} ops; skipped: {reasons or 'none'}"


def main(argv=None):
    """Runs the command line; returns the exit code (0 ok, 2 usage)."""
    args = parse_args(argv)
    import torch

    from tools.opinfo import database
    from tools.opinfo import sample  # also for the children

    torch.set_num_threads(1)
    if args.format == "pt2":
        sample.warm_up()
    gc.freeze()  # else each child's collector touches, and so copies, all that is loaded
    ops = select(database.load(), args.ops)
    if not ops:
        print(f"tools.opinfo: no op of op_db is called {','.join(args.ops)}", file=sys.stderr)
        return 2
    for dtype in args.dtypes:
        start = time.monotonic()
        index = export_dtype(ops, dtype, args)
        print(f"{_summary(index)} ({time.monotonic() - start:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
