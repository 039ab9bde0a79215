"""What a call costs from Python: `a - b` on 2x3, against eager and the original's extracted graph, in one run.

Usage: python call_overhead.py [--rounds=15] [--calls=20000]
Prints ns a call (the fastest round of each, rounds interleaved, so that a busy machine hits all alike) and ratios.
"""

import argparse
import time

import torch
from torch import fx, nn
from torch._lazy.extract_compiled_graph import extract_compiled_graph as lazy_extract
from torch._lazy.ts_backend import init as init_ts_backend

import ingot


class Sub(nn.Module):
    def forward(self, a, b):
        return a - b


def callables(a, b):
    module = fx.symbolic_trace(Sub())
    found = {
        "eager a - b": lambda a, b: a - b,
        "eager module": Sub(),
        "torch._lazy": lazy_extract(module, [a, b]),
        "jit.trace, frozen": torch.jit.freeze(torch.jit.trace(Sub().eval(), (a, b))),
    }
    for backend in ("onednn", "torchscript", "reference"):
        found[f"ingot, {backend}"] = ingot.extract_compiled_graph(module, [a, b], backend=backend)
    found["ingot.compile"] = ingot.compile(Sub())
    return found


def nanoseconds(function, a, b, calls):
    start = time.perf_counter_ns()
    for _ in range(calls):
        function(a, b)
    return (time.perf_counter_ns() - start) / calls


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=20000)
    options = parser.parse_args()
    init_ts_backend()
    torch.set_num_threads(1)
    a, b = torch.randn(2, 3), torch.randn(2, 3)
    functions = callables(a, b)
    best = dict.fromkeys(functions, float("inf"))
    with torch.no_grad():
        for function in functions.values():
            nanoseconds(function, a, b, 2000)
        for _ in range(options.rounds):
            for name, function in functions.items():
                best[name] = min(best[name], nanoseconds(function, a, b, options.calls))
    for name, time_ns in best.items():
        print(f"{name:20} {time_ns:7.0f} ns   {time_ns / best['eager a - b']:5.2f} x eager   "
              f"{time_ns / best['torch._lazy']:5.2f} x torch._lazy")


if __name__ == "__main__":
    main()
