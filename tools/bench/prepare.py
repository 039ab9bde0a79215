"""Exports one model for the bench, once: what every worker of a row reads.

    python -m tools.bench.prepare NAME --batch N --out FOLDER

FOLDER/model.pt           TorchScript, traced
FOLDER/inputs/K.npz       input set K: arrays arg0, arg1, … (every worker takes the sets in turn)
FOLDER/expected/K.npz     the module's results in float64: arrays out0, out1, …
FOLDER/case.txt           the model's name
FOLDER/facts.json         floating-point operations, bytes, and the error of eager float32 against float64
FOLDER/done               written last: a folder without it is unfinished

Runs in the environment of third_party/python. Set 0 holds the case's own arguments; the others the same elements in another
order, which keeps token numbers and ranges valid; a tensor of only zeros and ones is a mask and stays. A batch above 1 is that
many such arrangements, one after another along the first dimension.
"""

import argparse
import copy
import json
import os
import shutil
import sys

import numpy as np
import torch
from torch.utils import flop_counter

from tools.bench.check import relative_error
from tools.models import catalogue
from tools.models.case import Built
from tools.models.export import SEED, write_npz, write_pt

SETS = 4


def _rearranged(args, seed):
    """The arguments with their elements in another order; masks stay."""
    generator = torch.Generator().manual_seed(seed)

    def one(tensor):
        is_mask = not tensor.is_floating_point() and bool(((tensor == 0) | (tensor == 1)).all())
        if seed == 0 or is_mask:
            return tensor.clone()
        order = torch.randperm(tensor.numel(), generator=generator)
        return tensor.flatten()[order].reshape(tensor.shape).contiguous()

    return tuple(one(arg) for arg in args)


def input_sets(args, batch):
    """SETS tuples of arguments, each with `batch` times the given first dimension."""
    return [tuple(torch.cat(parts) if batch > 1 else parts[0]
                  for parts in zip(*(_rearranged(args, k * batch + b) for b in range(batch))))
            for k in range(SETS)]


def _outputs(module, args):
    with torch.inference_mode():
        return torch.utils._pytree.tree_leaves(module(*args))


def _to_float64(value):
    return value.double() if value.is_floating_point() else value


def in_float64(module):
    """A copy of the module whose parameters, buffers and results are float64."""
    wide = copy.deepcopy(module).double()
    for name, value in list(wide.__dict__.items()):
        if torch.is_tensor(value):
            setattr(wide, name, _to_float64(value))
    return wide


def operations(module, args):
    """Floating-point operations of products and convolutions in one call."""
    counter = flop_counter.FlopCounterMode(display=False)
    # Without oneDNN, recurrent layers are the products that they consist of.
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), counter:
        module(*args)
    return counter.get_total_flops()


def _bytes(tensors):
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def prepare(name, batch, folder):
    """Writes the folder; raises what goes wrong."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    case = catalogue.find(name)
    built = case.build("full")
    sets = input_sets(built.args, batch)
    for part in ("inputs", "expected"):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
    write_pt(case, Built(built.module, sets[0]), os.path.join(folder, "model.pt"))
    torch.set_num_threads(os.cpu_count() or 1)
    wide = in_float64(built.module)
    errors = []
    for k, args in enumerate(sets):
        write_npz(case, Built(built.module, args), os.path.join(folder, "inputs", f"{k}.npz"))
        expected = [o.numpy() for o in _outputs(wide, tuple(map(_to_float64, args)))]
        np.savez(os.path.join(folder, "expected", f"{k}.npz"),
                 **{f"out{i}": array for i, array in enumerate(expected)})
        results = _outputs(built.module, args)
        errors.append(relative_error([r.numpy() for r in results], expected))
    with open(os.path.join(folder, "case.txt"), "w", encoding="utf-8") as file:
        file.write(name)
    facts = {
        "summary": case.summary,
        "batch": batch,
        "operations": operations(built.module, sets[0]),
        "weight_bytes": _bytes([*built.module.parameters(), *built.module.buffers()]),
        "traffic_bytes": _bytes([*sets[0], *results]),
        "eager_error": max(errors),
        "shapes": [list(arg.shape) for arg in sets[0]],
    }
    with open(os.path.join(folder, "facts.json"), "w", encoding="utf-8") as file:
        json.dump(facts, file, indent=1)


def main():
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.prepare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    shutil.rmtree(arguments.out, ignore_errors=True)
    prepare(arguments.name, arguments.batch, arguments.out)
    with open(os.path.join(arguments.out, "done"), "w", encoding="utf-8"):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
