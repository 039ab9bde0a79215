"""Draws the ratios of a record (--json) from standard input: python -m tools.bench.plot FILE (.svg or .png)."""

import json
import sys

import matplotlib

matplotlib.use("Agg")
# pylint: disable=wrong-import-position
import matplotlib.pyplot as plt

from tools.bench.peers import BY_KEY
from tools.bench.report import is_right
from tools.bench.rows import ROWS


def draw(record, path):
    """Bars a model: the peer's time over ingot's, on a logarithmic axis; the line at 1 is ingot."""
    rows = [row for row in record["rows"] if "p50" in row["own"]]
    keys = [key for key in BY_KEY if any("ratio" in row["peers"].get(key, {}) for row in rows)]
    colors = plt.get_cmap("tab10")
    height = 0.8 / max(len(keys), 1)
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.62 * len(rows)), layout="constrained")
    for k, key in enumerate(keys):
        places, lengths, edges = [], [], []
        for place, row in enumerate(rows):
            side = row["peers"].get(key, {})
            if "ratio" in side and is_right(side):
                places.append(place + (k - (len(keys) - 1) / 2) * height)
                lengths.append(side["ratio"])
                low, high = side["ratio_interval"]
                edges.append((side["ratio"] - low, high - side["ratio"]))
        axes.barh(places, [length - 1 for length in lengths], height, left=1, color=colors(k), label=BY_KEY[key].title,
                  xerr=list(zip(*edges)) or None, error_kw={"linewidth": 0.6})
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    ticks = [tick for tick in (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 50, 100)
             if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="x", linewidth=0.3)
    axes.set_yticks(range(len(rows)), [ROWS[row["model"]].replace("`", "") for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("peer's time over ingot's (right of 1: ingot is faster)")
    options = record["options"]
    axes.set_title(f"ingot (oneDNN) beside its peers: {options['precision']}, {options['threads']} threads, {record['date']}",
                   fontsize=10)
    axes.legend(fontsize=8, loc="lower right")
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None, dpi=120)


if __name__ == "__main__":
    matplotlib.rcParams["svg.hashsalt"] = "ingot"  # the same record gives the same bytes
    draw(json.load(sys.stdin), sys.argv[1])
