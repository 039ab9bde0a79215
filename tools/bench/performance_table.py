"""Times the exported models on each backend beside LibTorch and prints the table of docs/performance.md.

Every cell is one process of `ingot bench`, which alternates blocks of its own calls and the peer's (A B B A) on the same
inputs, so that the ratio survives a machine whose speed drifts. `min` and `p50` are ingot's; the ratios are the median of the
peer's time over ingot's.
"""

import argparse
import json
import pathlib
import subprocess
import sys

_PEERS = ("eager", "frozen")


def bench(ingot: str, model: pathlib.Path, backend: str, peer: str, threads: int) -> dict:
    """One `ingot bench`; raises RuntimeError with its message when it fails."""
    command = [ingot, "bench", str(model), f"--inputs={model.with_suffix('.npz')}", f"--backend={backend}",
               f"--threads={threads}", f"--peer={peer}", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{model.stem} on {backend}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def milliseconds(microseconds: float) -> str:
    return f"{microseconds / 1000:.3g}"


def row(ingot: str, model: pathlib.Path, backend: str, threads: int) -> str:
    runs = {peer: bench(ingot, model, backend, peer, threads) for peer in _PEERS}
    own = runs["frozen"]
    cells = [model.stem, backend, milliseconds(own["min_us"]), milliseconds(own["p50_us"])]
    cells += [milliseconds(runs[peer]["peer_p50_us"]) for peer in _PEERS]
    cells += [f"{runs[peer]['peer_ratio']:.2f}" for peer in _PEERS]
    cells += [f"{own['extract_ms']:.0f}", f"{own['compile_ms']:.0f}", f"{own['rss_mb']:.0f}"]
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ingot", required=True, help="the ingot binary")
    parser.add_argument("--backends", default="onednn,torchscript", help="comma separated (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of ingot and of LibTorch (default: %(default)s)")
    parser.add_argument("folder", type=pathlib.Path, help="NAME.pt and NAME.npz pairs, as //tools/models exports them")
    arguments = parser.parse_args()
    models = sorted(path for path in arguments.folder.glob("*.pt") if path.with_suffix(".npz").exists())
    if not models:
        parser.error(f"{arguments.folder} has no NAME.pt with a NAME.npz beside it")
    print("| model | backend | min ms | p50 ms | eager p50 ms | frozen p50 ms | × eager | × frozen "
          "| extract ms | compile ms | RSS MB |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    status = 0
    for model in models:
        for backend in arguments.backends.split(","):
            try:
                print(row(arguments.ingot, model, backend, arguments.threads), flush=True)
            except RuntimeError as error:
                print(f"performance_table: {error}", file=sys.stderr)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
