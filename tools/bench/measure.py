"""Measures one model: ingot's process and one peer's at a time, in alternating blocks."""

import contextlib
import dataclasses
import fcntl
import json
import math
import os
import subprocess
import tempfile
import time

from tools.bench import peers as peers_module
from tools.bench import stats
from tools.bench.process import Worker, WorkerError

# A measured stretch is at least this long, so that reading the clock costs little: short calls are timed several at once.
_SHORTEST_MICROSECONDS = 20
# Part of a round that the measured threads may have waited for a CPU before it is measured again, and how often that is done a
# peer.
_MOST_WAITING = 0.01
_MOST_REPEATS = 12


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to measure.

    Attributes:
      threads: of every runtime.
      cpus: what every process is pinned to.
      precision: "f32" or "bf16".
      rounds: ABBA rounds a peer.
      block_seconds: how long one block is.
      start_timeout: seconds that loading and compiling may take.
      lock: a file that is locked while anything is timed, or None.
      is_realtime: whether timed blocks run in the real-time class.
    """

    threads: int
    cpus: frozenset
    precision: str = "f32"
    rounds: int = 12
    block_seconds: float = 0.12
    start_timeout: float = 900
    lock: str | None = None
    is_realtime: bool = False


@contextlib.contextmanager
def exclusive(path):
    """Holds a lock file that other programs that take times hold too; nothing without a path."""
    if path is None:
        yield
        return
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def error_bound(facts, precision):
    """The largest error, relative to the largest magnitude of a result, that counts as right.

    float32: 1e-5, or 8 times what LibTorch's own float32 run is off, for models that amplify rounding. bfloat16 has 8 bits of
    precision: 2^-8 at each rounding, which grow with the depth of the model.
    """
    if precision == "bf16":
        return max(5e-2, 8 * facts["eager_error"])
    return max(1e-5, 8 * facts["eager_error"])


def stolen_seconds():
    """Time that the hypervisor gave to others, over all CPUs, since the machine started."""
    with open("/proc/stat", encoding="utf-8") as file:
        return int(file.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def worker_environment(peer, tools, threads):
    """The environment of a worker: no thread count but the plan's, and the peers' packages for those who need them."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("OMP_", "GOMP_", "KMP_", "MKL_", "INGOT_THREADS"))}
    kept.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="false",
                HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    folders = [tools.root]
    if peer.package and tools.peer_packages:
        folders.append(tools.peer_packages)
    kept["PYTHONPATH"] = os.pathsep.join(folders)
    # Where the user called Bazel is no business of a worker's. Where the runfiles lie is: ingot's plugins are among them.
    for name in ("BUILD_WORKING_DIRECTORY", "BUILD_WORKSPACE_DIRECTORY"):
        kept.pop(name, None)
    return kept


class Side:
    """One running worker with what was measured of it."""

    def __init__(self, worker, is_realtime):
        self.worker, self.is_realtime = worker, is_realtime
        self.times = []
        # Warms up as well: TorchScript optimises at its second call.
        self.calls = 1
        probe = stats.median(self.block(0.2)[1:] or self.block(0.2))
        self.calls = max(1, math.ceil(_SHORTEST_MICROSECONDS / probe))
        self.times = []

    def block(self, seconds):
        """One block; microseconds of each sample."""
        if self.is_realtime:
            self.worker.set_realtime(True)
        times = self.worker.ask(f"run {seconds} {self.calls}", timeout=seconds + 300)["us"]
        if self.is_realtime:
            self.worker.set_realtime(False)
        self.times += times
        return times


class Bench:
    """Measures models according to a plan."""

    def __init__(self, tools, plan, say):
        self.tools, self.plan, self.say = tools, plan, say

    def _worker(self, peer, folder):
        return Worker(peers_module.command(peer, self.tools, folder, self.plan.threads, self.plan.precision),
                      self.plan.cpus, worker_environment(peer, self.tools, self.plan.threads))

    def _start(self, worker, peer, folder, facts):
        """Starts a worker, checks its numbers and returns (Side, its record)."""
        description = worker.start(self.plan.start_timeout)
        record = {name: description[name] for name in ("load_ms", "compile_ms", "first_run_ms") if name in description}
        record["error"] = self._error(worker, folder)
        record["error_bound"] = error_bound(facts, self.plan.precision)
        return Side(worker, self.plan.is_realtime), record

    def start_checked(self, stack, peer, folder, facts):
        """A worker that `stack` ends, once its numbers are right.

        Raises:
          WorkerError: it does not take the model, or is wrong on it.
        """
        worker = stack.enter_context(self._worker(peer, folder))
        worker.start(self.plan.start_timeout)
        error = self._error(worker, folder)
        if error > error_bound(facts, self.plan.precision):
            raise WorkerError(f"wrong results: off by {error:.1g} of the largest")
        return worker

    def _error(self, worker, folder):
        with tempfile.TemporaryDirectory(prefix="ingot-bench-") as outputs:
            worker.ask(f"outputs {outputs}", timeout=300)
            result = subprocess.run(
                [self.tools.python, "-m", "tools.bench.check", str(folder / "expected"), outputs],
                capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": self.tools.root})
        try:
            answer = json.loads(result.stdout)
        except ValueError as error:
            raise WorkerError(f"comparing results: {result.stderr.strip().splitlines()[-1:]}") from error
        if answer["error"] is None:
            raise WorkerError(f"wrong results: {answer['reason']}")
        return answer["error"]

    def extract(self, peer, folder):
        """Makes the .ingot file of one of ingot's backends; returns the times of doing so from the .pt file.

        Raises:
          WorkerError: the backend does not take the model; the text is ingot's.
        """
        model, inputs = folder / "model.pt", peers_module.input_paths(folder)[0]
        environment = worker_environment(peer, self.tools, self.plan.threads)
        result = subprocess.run(
            [self.tools.ingot, "extract", str(model), "-o", str(peers_module.artifact(folder, peer)),
             f"--inputs={inputs}", f"--backend={peer.key}", f"--threads={self.plan.threads}",
             *([] if self.plan.precision == "f32" else [f"--precision={self.plan.precision}"])],
            capture_output=True, text=True, check=False, env=environment)
        if result.returncode != 0:
            raise WorkerError((result.stderr.strip().splitlines() or ["extraction failed"])[-1])
        with Worker([self.tools.ingot_worker, str(model), peer.key, str(self.plan.threads), str(inputs)],
                    self.plan.cpus, environment) as worker:
            description = worker.start(self.plan.start_timeout)
        return {"extract_ms": description["extract_ms"], "extract_compile_ms": description["extract_ms"] +
                description["compile_ms"]}

    def row(self, folder, facts, chosen, record):
        """Measures one model with ingot and each of the chosen peers into `record`, which is whole after each peer.

        `record` has "own" (ingot on oneDNN) and "peers" (by key); one that failed has only "reason". Peers that are not chosen
        stay as they are. Without ingot the peers are still measured, alone. Nothing is timed if every peer fails: then what an
        earlier run had of ingot stays, too.
        """
        earlier = record["own"]
        with contextlib.ExitStack() as stack:
            own = None
            try:
                with exclusive(self.plan.lock):
                    extracted = self.extract(peers_module.OWN, folder)
                    worker = stack.enter_context(self._worker(peers_module.OWN, folder))
                    own, record["own"] = self._start(worker, peers_module.OWN, folder, facts)
                record["own"].update(extracted)
            except WorkerError as error:
                record["own"] = {"reason": str(error)}
            self.say_side(peers_module.OWN, record["own"])
            for peer in chosen:
                with exclusive(self.plan.lock):
                    record["peers"][peer.key] = self._peer(peer, folder, facts, own)
                if own is not None and own.times:
                    record["own"].update(stats.summary(own.times), peak_rss_mb=own.worker.peak_megabytes())
                self.say_side(peer, record["peers"][peer.key])
            if own is not None and not own.times and "p50" in earlier:
                record["own"] = earlier

    def say_side(self, peer, side):
        """One line about a side that is done, or not to be had."""
        if "reason" in side:
            self.say(f"  {peer.title}: {side['reason']}")
        elif "ratio" in side:
            low, high = side["ratio_interval"]
            self.say(f"  {peer.title}: {side['p50']:.4g} us, {side['ratio']:.2f} times ingot's ({low:.2f} to {high:.2f})")

    def _peer(self, peer, folder, facts, own):
        """The record of one peer."""
        try:
            if self.plan.precision not in peer.precisions:
                raise WorkerError(f"not measured in {self.plan.precision}")
            if peer.package and not self.tools.peer_packages:
                raise WorkerError("not installed (--install-peers)")
            extracted = self.extract(peer, folder) if peer.kind == "ingot" else {}
            with self._worker(peer, folder) as worker:
                side, record = self._start(worker, peer, folder, facts)
                record.update(extracted)
                ratios, waited = self._rounds(own, side)
                record.update(stats.summary(side.times), peak_rss_mb=worker.peak_megabytes(), waited=waited)
            if own is not None:
                record.update(ratio=stats.median(ratios), ratio_interval=stats.interval(ratios),
                              ratio_of_minima=min(side.times) / min(own.times))
            return record
        except WorkerError as error:
            return {"reason": str(error)}

    def _rounds(self, own, side):
        """The ratios of the ABBA rounds, and the part of the worst of them that the workers' threads waited for a CPU.

        A round that others disturbed is measured again, as long as there are repeats left; the disturbed one is dropped.
        """
        ratios, worst, repeats = [], 0.0, _MOST_REPEATS
        sides = [s for s in (own, side) if s is not None]

        def waited():
            return stolen_seconds() + sum(s.worker.waited_seconds() for s in sides)

        while len(ratios) < self.plan.rounds:
            kept = [len(s.times) for s in sides]
            before, begin = waited(), time.monotonic()
            blocks = ([], [])
            for turn in stats.abba(1):
                who = (own, side)[turn]
                if who is not None:
                    blocks[turn].append(who.block(self.plan.block_seconds))
            share = (waited() - before) / (time.monotonic() - begin)
            if share > _MOST_WAITING and repeats > 0:
                repeats -= 1
                for s, count in zip(sides, kept):
                    del s.times[count:]
                continue
            worst = max(worst, share)
            ratios.append(stats.round_ratio(*blocks) if own is not None else 1.0)
        return ratios, worst
