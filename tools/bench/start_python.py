"""One cold start through Python: loads, compiles and calls a model once, by the shortest way that the runtime documents.

    python start_python.py RUNTIME MODEL INPUTS.npz THREADS

Prints one line when the results are there. Nothing is imported that the runtime does not need.
"""

import sys

import numpy as np


def _arrays(path):
    with np.load(path) as arrays:
        return [arrays[f"arg{k}"] for k in range(len(arrays.files))]


def _tensors(path, threads):
    import torch

    torch.set_num_threads(threads)
    return tuple(map(torch.from_numpy, _arrays(path)))


def torchscript(model, inputs, threads):
    import torch

    args = _tensors(inputs, threads)
    with torch.inference_mode():
        return torch.jit.load(model)(*args)


def torch_export(model, inputs, threads):
    import torch

    args = _tensors(inputs, threads)
    with torch.inference_mode():
        return torch.export.load(model).module()(*args)


def onnxruntime(model, inputs, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, {node.name: array for node, array in zip(session.get_inputs(), _arrays(inputs))})


def onnxruntime_optimized(model, inputs, threads):
    """A graph that ONNX Runtime optimised and saved before."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, {node.name: array for node, array in zip(session.get_inputs(), _arrays(inputs))})


def openvino(model, inputs, threads):
    import openvino as ov

    compiled = ov.Core().compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads})
    return compiled(_arrays(inputs))


def openvino_cached(model, inputs, threads):
    """OpenVINO's own form, compiled before: its cache of compiled models is warm."""
    import openvino as ov

    core = ov.Core()
    core.set_property({"CACHE_DIR": model + ".cache"})
    compiled = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads})
    return compiled(_arrays(inputs))


def prepare_onnxruntime(model, out):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.optimized_model_filepath = out
    options.log_severity_level = 3
    ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def prepare_openvino(model, out):
    import openvino as ov

    ov.save_model(ov.convert_model(model), out, compress_to_fp16=False)


def main(what, *arguments):
    if what.startswith("prepare_"):
        globals()[what](*arguments)
        return
    model, inputs, threads = arguments
    globals()[what](model, inputs, int(threads))
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
