"""Writes FOLDER/model.onnx for a folder that tools.bench.prepare made, or FOLDER/model.onnx.error with one line that says why not.

    python -m tools.bench.onnx_export FOLDER

From the Python module, with torch.onnx.export: the exporter on torch.export first, the older one on TorchScript if that fails.
Runs with the peers' packages.
"""

import os
import sys
import warnings

import torch

from tools.bench.python_worker import TorchPeer, one_line


def export(folder):
    """Writes one of the two files; returns whether it is the model."""
    peer = TorchPeer(folder, os.cpu_count() or 1, "f32")
    module = peer.module()
    path = os.path.join(folder, "model.onnx")
    errors = []
    for is_new in (True, False):
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.onnx.export(module, peer.sets[0], path, dynamo=is_new, external_data=False,
                                  verbose=False)
            return True
        except Exception as error:  # pylint: disable=broad-except
            errors.append(one_line(error))
    with open(path + ".error", "w", encoding="utf-8") as file:
        file.write("torch.onnx.export: " + " | ".join(errors))
    return False


if __name__ == "__main__":
    sys.exit(0 if export(sys.argv[1]) else 3)
