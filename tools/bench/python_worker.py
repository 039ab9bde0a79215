"""The worker for runtimes that are called through Python: the protocol of worker.h, one process a peer and model.

    python -m tools.bench.python_worker PEER FOLDER THREADS PRECISION

FOLDER is what tools.bench.prepare wrote. Peers: see PEERS at the end. A peer that cannot take the model says why in one line.
"""

import gc
import glob
import json
import os
import sys
import threading
import time

import numpy as np

# As in worker.cc.
_MOST_BLOCKS = 10_000


def one_line(error):
    """The first line of an exception that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return f"{type(error).__name__}: {text}"[:300]


class Inputs:
    """The input sets of a prepared folder, as NumPy arrays."""

    def __init__(self, folder):
        paths = sorted(glob.glob(os.path.join(folder, "inputs", "*.npz")),
                       key=lambda path: int(os.path.basename(path).split(".")[0]))
        self.sets = []
        for path in paths:
            with np.load(path) as arrays:
                self.sets.append([arrays[f"arg{k}"] for k in range(len(arrays.files))])


class TorchPeer:
    """Calls a Python callable on tensors; a subclass makes the callable."""

    def __init__(self, folder, threads, precision):
        import torch

        self.torch, self.folder, self.precision = torch, folder, precision
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        torch.set_float32_matmul_precision("highest")
        self.sets = [tuple(map(torch.from_numpy, args)) for args in Inputs(folder).sets]

    def module(self):
        """The model as it was exported: built again from the same seed."""
        from tools.models import catalogue
        from tools.models.export import SEED

        with open(os.path.join(self.folder, "case.txt"), encoding="utf-8") as file:
            name = file.read().strip()
        threads = self.torch.get_num_threads()
        self.torch.set_num_threads(1)
        self.torch.manual_seed(SEED)
        module = catalogue.find(name).build("full").module
        self.torch.set_num_threads(threads)
        return module

    def load(self):
        self.eager = self.module()

    def compile(self):
        with self.torch.no_grad():
            self.function = self.make()

    def autocast(self):
        return self.torch.autocast("cpu", dtype=self.torch.bfloat16, enabled=self.precision == "bf16")

    def calls(self):
        def call(args):
            return self.function(*args)

        return call, self.sets

    def guard(self):
        return self.torch.no_grad()

    def results(self, value):
        return [leaf.float().numpy() if leaf.is_floating_point() else leaf.numpy()
                for leaf in self.torch.utils._pytree.tree_leaves(value)]


class Inductor(TorchPeer):
    """torch.compile with frozen weights."""

    def make(self):
        import torch._inductor.config as config

        config.freezing = True
        config.force_disable_caches = True
        compiled = self.torch.compile(self.eager)

        def call(*args):
            with self.autocast():
                return compiled(*args)

        function = call if self.precision == "bf16" else compiled
        function(*self.sets[0])  # compiles
        return function


class AotInductor(TorchPeer):
    """torch.export, compiled ahead of time into a package, which is then loaded."""

    def make(self):
        import torch._inductor
        import torch._inductor.config as config

        config.force_disable_caches = True
        with self.autocast():
            program = self.torch.export.export(self.eager, self.sets[0], strict=False)
        self.eager = None
        with __import__("tempfile").TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.pt2")
            torch_inductor = self.torch._inductor
            torch_inductor.aoti_compile_and_package(program, package_path=path,
                                                    inductor_configs={"freezing": True})
            return torch_inductor.aoti_load_package(path)


class Lazy(TorchPeer):
    """torch._lazy's extracted graph."""

    def make(self):
        import torch._lazy.extract_compiled_graph as extract
        import torch._lazy.ts_backend
        import torch.fx

        torch._lazy.ts_backend.init()
        try:
            graph = torch.fx.symbolic_trace(self.eager)
        except Exception:  # pylint: disable=broad-except  # control flow on values: by example instead
            graph = torch.export.export(self.eager, self.sets[0], strict=False).module()
        self.eager = None
        return extract.extract_compiled_graph(graph, self.sets[0])


class OnnxRuntime:
    """ONNX Runtime with inputs and outputs bound to fixed memory."""

    def __init__(self, folder, threads, precision):
        import onnxruntime

        if precision != "f32":
            raise ValueError("no bfloat16 kernels on CPUs")
        self.ort, self.threads = onnxruntime, threads
        self.path = onnx_file(folder)
        self.sets = Inputs(folder).sets
        self.outputs = None  # of the first caller

    def load(self):
        pass

    def compile(self):
        options = self.ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = self.ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        self.session = self.ort.InferenceSession(self.path, options,
                                                 providers=["CPUExecutionProvider"])

    def calls(self):
        names = [node.name for node in self.session.get_inputs()]
        outputs = [node.name for node in self.session.get_outputs()]
        values = self.session.run(None, dict(zip(names, self.sets[0], strict=True)))
        bound = [self.ort.OrtValue.ortvalue_from_numpy(value) for value in values]
        self.outputs = self.outputs or bound
        bindings = []
        for args in self.sets:
            binding = self.session.io_binding()
            for name, array in zip(names, args):
                binding.bind_ortvalue_input(name, self.ort.OrtValue.ortvalue_from_numpy(array))
            for name, value in zip(outputs, bound):
                binding.bind_ortvalue_output(name, value)
            bindings.append(binding)
        run = self.session.run_with_iobinding

        def call(binding):
            run(binding)

        return call, bindings

    def guard(self):
        return __import__("contextlib").nullcontext()

    def results(self, value):
        del value
        return [output.numpy() for output in self.outputs]


class OpenVino:
    """OpenVINO on one stream, with tensors over fixed memory; reads the ONNX file."""

    def __init__(self, folder, threads, precision):
        import openvino

        self.ov, self.threads, self.precision = openvino, threads, precision
        self.path = onnx_file(folder)
        self.sets = Inputs(folder).sets
        self.request = None  # of the first caller

    def load(self):
        self.core = self.ov.Core()

    def compile(self):
        self.model = self.core.compile_model(self.path, "CPU", {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": "1",
            "INFERENCE_PRECISION_HINT": self.precision,
        })

    def calls(self):
        request = self.model.create_infer_request()
        self.request = self.request or request
        sets = [[self.ov.Tensor(array, shared_memory=True) for array in args] for args in self.sets]

        def call(tensors):
            for k, tensor in enumerate(tensors):
                request.set_input_tensor(k, tensor)
            request.infer(share_outputs=True)

        return call, sets

    def guard(self):
        return __import__("contextlib").nullcontext()

    def results(self, value):
        del value
        return [np.array(tensor.data) for tensor in self.request.output_tensors]


def onnx_file(folder):
    """The path of the ONNX form; raises what tools.bench.onnx_export noted when it failed."""
    path = os.path.join(folder, "model.onnx")
    if not os.path.exists(path):
        with open(path + ".error", encoding="utf-8") as file:
            raise ValueError(file.read().strip())
    return path


class OpenVinoThroughput(OpenVino):
    """OpenVINO as it advises for services: as many streams as it thinks best, a request a client."""

    def compile(self):
        self.model = self.core.compile_model(self.path, "CPU", {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": self.precision,
        })


PEERS = {"inductor": Inductor, "aotinductor": AotInductor, "lazy": Lazy, "ort": OnnxRuntime,
         "openvino": OpenVino, "openvino_throughput": OpenVinoThroughput}


def closed_loop(callers, seconds):
    """Each (call, sets) in a thread of its own, again and again; microseconds of all calls."""
    clock = time.perf_counter_ns
    end = clock() + int(seconds * 1e9)
    times = [[] for _ in callers]

    def client(k):
        call, sets = callers[k]
        number = 0
        begin = clock()
        while begin < end:
            call(sets[number % len(sets)])
            number += 1
            now = clock()
            times[k].append((now - begin) / 1000)
            begin = now

    threads = [threading.Thread(target=client, args=(k,)) for k in range(len(callers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [value for one in times for value in one]


class Answers:
    """Answers the protocol's commands."""

    def __init__(self, peer):
        self.peer = peer
        self.call, self.sets = peer.calls()
        self.next = 0

    def rotate(self):
        set_ = self.sets[self.next]
        self.next = (self.next + 1) % len(self.sets)
        return set_

    def run(self, seconds, calls):
        seconds, calls = float(seconds), int(calls)
        clock, call = time.perf_counter_ns, self.call
        call(self.rotate())  # untimed: after a stop, another process's data is in the caches
        order = [self.rotate() for _ in range(calls)] if calls > 1 else None
        times = []
        begin = clock()
        end = begin + int(seconds * 1e9)
        while True:
            if order is None:
                call(self.rotate())
            else:
                for set_ in order:
                    call(set_)
            now = clock()
            times.append((now - begin) / calls / 1000)
            begin = now
            if now >= end or len(times) >= _MOST_BLOCKS:
                return {"us": times}

    def clients(self, count, seconds):
        count, seconds = int(count), float(seconds)
        callers = [self.peer.calls() for _ in range(count)]
        closed_loop(callers, 0.1 * seconds)
        begin = time.perf_counter()
        times = closed_loop(callers, seconds)
        passed = time.perf_counter() - begin
        low, p50, p99 = np.percentile(times, [0, 50, 99])
        return {"calls": len(times), "seconds": passed, "min": low, "p50": p50, "p99": p99}

    def outputs(self, folder):
        for k, set_ in enumerate(self.sets):
            arrays = self.peer.results(self.call(set_))
            np.savez(os.path.join(folder, f"{k}.npz"),
                     **{f"out{i}": array for i, array in enumerate(arrays)})
        return {"sets": len(self.sets)}


def serve(name, folder, threads, precision, out):
    """Loads the model, says so, and answers until the end of standard input."""
    def say(value):
        print(json.dumps(value), file=out, flush=True)

    try:
        begin = time.perf_counter()
        peer = PEERS[name](folder, threads, precision)
        peer.load()
        loaded = time.perf_counter()
        peer.compile()
        compiled = time.perf_counter()
        with peer.guard():
            first = time.perf_counter()
            answers = Answers(peer)
            answers.call(answers.sets[0])
            first_run = time.perf_counter() - first
            gc.collect()
            gc.disable()
            say({"ready": True, "load_ms": (loaded - begin) * 1e3,
                 "compile_ms": (compiled - loaded) * 1e3, "first_run_ms": first_run * 1e3})
            for line in sys.stdin:
                verb, *words = line.split()
                try:
                    say({"run": answers.run, "clients": answers.clients, "outputs": answers.outputs}[verb](*words))
                except Exception as error:  # pylint: disable=broad-except
                    say({"error": one_line(error)})
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # pylint: disable=broad-except
        say({"error": one_line(error)})
        return 3
    return 0


def main():
    """Runs the command line; returns the exit code."""
    name, folder, threads, precision = sys.argv[1:5]
    # Libraries print: the protocol keeps standard output for itself.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    return serve(name, folder, int(threads), precision, out)


if __name__ == "__main__":
    sys.exit(main())
