"""Holds results to expected ones: python -m tools.bench.check EXPECTED ACTUAL (folders of K.npz with out0, out1, …).

Prints {"error": largest error over the largest magnitude of its array}, or {"error": null, "reason": "…"} where the arrays
don't correspond.
"""

import glob
import json
import os
import sys

import numpy as np


def relative_error(actual, expected):
    """Largest error over the largest magnitude, of lists of arrays.

    Raises:
      ValueError: the lists differ in length or sizes, or a number is not finite where it should be.
    """
    if len(actual) != len(expected):
        raise ValueError(f"{len(actual)} results, not {len(expected)}")
    worst = 0.0
    for k, (a, e) in enumerate(zip(actual, expected)):
        if a.shape != e.shape:
            raise ValueError(f"result {k} has sizes {list(a.shape)}, not {list(e.shape)}")
        difference = np.abs(a.astype(np.float64) - e)
        if not np.isfinite(difference).all():
            raise ValueError(f"result {k} is not finite everywhere")
        scale = float(np.abs(e).max(initial=0)) or 1.0
        worst = max(worst, float(difference.max(initial=0)) / scale)
    return worst


def _arrays(path):
    with np.load(path) as arrays:
        return [arrays[f"out{k}"] for k in range(len(arrays.files))]


def main():
    """Runs the command line; returns the exit code."""
    expected_folder, actual_folder = sys.argv[1:3]
    worst = 0.0
    try:
        for path in glob.glob(os.path.join(expected_folder, "*.npz")):
            actual = _arrays(os.path.join(actual_folder, os.path.basename(path)))
            worst = max(worst, relative_error(actual, _arrays(path)))
    except (OSError, KeyError, ValueError) as error:
        print(json.dumps({"error": None, "reason": str(error).splitlines()[0]}))
        return 1
    print(json.dumps({"error": worst}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
