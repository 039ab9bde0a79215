"""From starting a process to the first result, for ingot and the fastest ways into its peers.

    bazel run //tools/bench:start -- --pt2 MODEL.pt2 --model minilm [--rounds 11] [--json SAMPLES.json]

Every round starts each contender once, in turn; the time is the parent's, from before the start to the line that the process
prints when the results are there; memory is the process's largest resident set. The files are in the page cache. With --json the
samples of earlier calls with the same file are added to, so that a measurement can be made in parts.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from tools.bench import bench
from tools.bench.rows import ROWS

_PYTHON = pathlib.Path(__file__).with_name("start_python.py")


@dataclasses.dataclass(frozen=True)
class Contender:
    """`command`: prints a line when the results are there; ends when its input does."""

    title: str
    command: tuple[str, ...]


def contenders(tools, python, folder, pt2, scratch, threads):
    """Those whose files can be made here; prepares what each may prepare ahead of time."""
    inputs = str(folder / "inputs" / "0.npz")
    artifact, optimized = str(scratch / "model.ingot"), str(scratch / "optimized.onnx")
    common = (f"--threads={threads}", f"--inputs={inputs}", "--backend=onednn")
    subprocess.run([tools.ingot, "extract", pt2, *common, "-o", artifact], check=True, stdout=subprocess.DEVNULL)
    found = [
        Contender("ingot, `.pt2`", (tools.ingot, "run", pt2, *common, "--json")),
        Contender("ingot, `.ingot` extracted before", (tools.ingot, "run", artifact, *common, "--json")),
        Contender("LibTorch C++, `.pt`", (tools.libtorch_worker, str(folder / "model.pt"), "eager", str(threads), inputs)),
        Contender("LibTorch C++, `.pt`, frozen", (tools.libtorch_worker, str(folder / "model.pt"), "frozen", str(threads), inputs)),
    ]

    def through_python(title, what, model):
        found.append(Contender(title, (python, str(_PYTHON), what, str(model), inputs, str(threads))))

    through_python("LibTorch Python, `.pt`", "torchscript", folder / "model.pt")
    through_python("LibTorch Python, `.pt2` (torch.export.load)", "torch_export", pt2)
    onnx = folder / "model.onnx"
    if tools.peer_packages and onnx.exists():
        prepare = lambda what, out: subprocess.run([python, str(_PYTHON), what, str(onnx), out], check=True,
                                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        through_python("ONNX Runtime Python, `.onnx`", "onnxruntime", onnx)
        prepare("prepare_onnxruntime", optimized)
        through_python("ONNX Runtime Python, optimised before", "onnxruntime_optimized", optimized)
        through_python("OpenVINO Python, `.onnx`", "openvino", onnx)
        prepare("prepare_openvino", str(scratch / "model.xml"))
        through_python("OpenVINO Python, own form, compiled before", "openvino_cached", scratch / "model.xml")
    return found


def _into_realtime():
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def start_once(contender, realtime):
    """(milliseconds to the first line, largest resident set in 10^6 bytes)."""
    begin = time.perf_counter()
    # pylint: disable=consider-using-with
    process = subprocess.Popen(contender.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               preexec_fn=_into_realtime if realtime else None)
    line = process.stdout.readline()
    elapsed = (time.perf_counter() - begin) * 1000
    process.stdin.close()
    process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status  # it is waited for
    if status != 0 or not line or b'"error"' in line:
        raise RuntimeError(f"{contender.title}: failed: {line[:200]!r}")
    return elapsed, usage.ru_maxrss * 1024 / 1e6


def table(samples, weights):
    """The page's table: one row a contender."""
    lines = ["| way | median ms | least ms | starts | peak RSS MB | × weights |", "|---|---|---|---|---|---|"]
    for title, found in samples.items():
        times, memory = [s[0] for s in found], [s[1] for s in found]
        lines.append(f"| {title} | {statistics.median(times):.0f} | {min(times):.0f} | {len(times)} | "
                     f"{statistics.median(memory):.0f} | {statistics.median(memory) / weights:.2f} |")
    return "\n".join(lines)


def main(argv=None):
    parser = argparse.ArgumentParser(prog="start", description=__doc__.splitlines()[0])
    parser.add_argument("--pt2", required=True, metavar="FILE", help="the model as torch.export saved it")
    parser.add_argument("--model", choices=list(ROWS), default="minilm", help="the same model in the other forms")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--scratch", metavar="DIR", help="where prepared files stay between calls (default: nowhere)")
    parser.add_argument("--realtime", action="store_true", help="the processes run in the real-time class (needs CAP_SYS_NICE): for a "
                        "machine on which other programs run")
    parser.add_argument("--json", metavar="FILE", help="samples; those in it are added to")
    args = parser.parse_args(argv)
    tools = bench.find_tools(bench.peer_packages(install=False))
    folder = bench.prepared(tools, args.model, 1, needs_onnx=True)
    os.environ["PYTHONPATH"] = tools.peer_packages or ""
    # The interpreter itself: the script that finds it would be part of the time.
    python = subprocess.run([tools.python, "-c", "import sys; print(sys.executable)"], check=True, capture_output=True,
                            text=True).stdout.strip()
    pt2 = os.path.join(os.environ.get("BUILD_WORKING_DIRECTORY", ""), args.pt2)
    samples = {}
    if args.json and os.path.exists(args.json):
        with open(args.json, encoding="utf-8") as file:
            samples = json.load(file)
    with tempfile.TemporaryDirectory() as temporary:
        scratch = pathlib.Path(args.scratch or temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        found = contenders(tools, python, folder, pt2, scratch, args.threads)
        if not samples:
            for contender in found:  # files into the page cache, caches of compiled models
                start_once(contender, args.realtime)
        for _ in range(args.rounds):
            for contender in found:
                samples.setdefault(contender.title, []).append(start_once(contender, args.realtime))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(samples, file)
    print(table(samples, os.path.getsize(pt2) / 1e6))
    return 0


if __name__ == "__main__":
    sys.exit(main())
