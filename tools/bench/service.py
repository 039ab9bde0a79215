"""A service's load on one compiled model: client threads that call again as soon as their last call has returned.

Every runtime is measured in each of its modes, in a process of its own. All processes of a model stay, stopped but for their
turns; the modes take turns for each number of clients, several times over.
"""

import contextlib
import dataclasses

from tools.bench import measure, stats
from tools.bench.peers import BY_KEY, OWN, Peer
from tools.bench.process import WorkerError

_IDLE_SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class Mode:
    """A runtime as a service may set it up.

    Attributes:
      peer: whose it is.
      key: whom --peers must name for it.
      is_wide: whether a call may use all CPUs; else each call has one thread, so that clients are the parallelism.
    """

    peer: Peer
    key: str
    is_wide: bool

    def threads(self, cpus):
        return cpus if self.is_wide else 1

    def title(self, cpus):
        return f"{self.peer.title}, {self.threads(cpus)} thread{'s' if self.threads(cpus) > 1 else ''}"


_STREAMS = Peer("openvino_throughput", "OpenVINO's throughput hint", "python", "openvino")

MODES = tuple(Mode(peer, peer.key, is_wide) for peer in (OWN, BY_KEY["frozen"], BY_KEY["ort"], BY_KEY["openvino"])
              for is_wide in (False, True)) + (Mode(_STREAMS, "openvino", True),)


class Load:
    """Measures models under load."""

    def __init__(self, tools, plan, say, clients, seconds, rounds):
        """plan.threads: the CPUs that calls may use together."""
        self.tools, self.plan, self.say = tools, plan, say
        self.clients, self.seconds, self.rounds = clients, seconds, rounds

    def row(self, folder, facts, keys):
        """{title of the mode: {"own", "idle", "clients": {number: figures}} or {"reason"}} for one model."""
        sides = {}
        with contextlib.ExitStack() as stack:
            workers = {}
            for mode in MODES:
                if mode.peer != OWN and mode.key not in keys:
                    continue
                title = mode.title(self.plan.threads)
                try:
                    with measure.exclusive(self.plan.lock):
                        workers[title] = self._start(stack, mode, folder, facts)
                    sides[title] = {"own": mode.peer == OWN, "clients": {}}
                except WorkerError as error:
                    sides[title] = {"own": mode.peer == OWN, "reason": str(error)}
                    self.say(f"  {title}: {error}")
            for count in self.clients:
                samples = {title: [] for title in workers}
                for _ in range(self.rounds):
                    for title, worker in workers.items():
                        with measure.exclusive(self.plan.lock):
                            samples[title].append(self._ask(worker, count))
                for title, answers in samples.items():
                    sides[title]["clients"][count] = figures(answers)
                    self.say(f"  {title}, {count} clients: {sides[title]['clients'][count]['throughput']:.4g} calls a second")
            for title, worker in workers.items():
                worker.ask("clients 1 0.2", timeout=300)
                sides[title]["idle"] = worker.idle_share(_IDLE_SECONDS)
        return sides

    def _ask(self, worker, count):
        # Threads that it makes are of the same class.
        if self.plan.is_realtime:
            worker.set_realtime(True)
        answer = worker.ask(f"clients {count} {self.seconds}", timeout=300 + self.seconds)
        if self.plan.is_realtime:
            worker.set_realtime(False)
        return answer

    def _start(self, stack, mode, folder, facts):
        plan = dataclasses.replace(self.plan, threads=mode.threads(self.plan.threads))
        bench = measure.Bench(self.tools, plan, self.say)
        if mode.peer == OWN:
            bench.extract(mode.peer, folder)
        return bench.start_checked(stack, mode.peer, folder, facts)


def figures(answers):
    """Throughput over all rounds, and the median round's latencies in microseconds."""
    return {"throughput": sum(a["calls"] for a in answers) / sum(a["seconds"] for a in answers),
            **{name: stats.median([a[name] for a in answers]) for name in ("min", "p50", "p99")}}


def best_rival(sides, count):
    """(title, figures) of the peers' mode that has the highest throughput, or None."""
    rivals = [(title, side["clients"][count]) for title, side in sides.items()
              if not side["own"] and count in side.get("clients", {})]
    return max(rivals, key=lambda item: item[1]["throughput"]) if rivals else None


def _number(value):
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}".replace(",", " ")


def _latency(microseconds):
    return f"{_number(microseconds)} µs" if microseconds < 1000 else f"{_number(microseconds / 1000)} ms"


def table(title, sides, clients):
    """Markdown: a line a mode, throughput and latencies for each number of clients."""
    head = ["mode"] + [f"{n} client{'s' if n > 1 else ''}: calls/s, p50, p99, p99/p50" for n in clients] + ["idle CPU"]
    lines = [f"### {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, side in sides.items():
        if "reason" in side:
            lines.append(f"| {name} | {side['reason']} |" + " |" * len(clients))
            continue
        cells = [name]
        for count in clients:
            f = side["clients"][count]
            cells.append(f"{_number(f['throughput'])}, {_latency(f['p50'])}, {_latency(f['p99'])}, {f['p99'] / f['p50']:.2f}")
        lines.append("| " + " | ".join(cells + [f"{100 * side['idle']:.1f} %"]) + " |")
    lines.append("")
    for count in clients:
        own = [side["clients"][count]["throughput"] for side in sides.values() if side["own"] and "clients" in side]
        rival = best_rival(sides, count)
        if own and rival:
            lines.append(f"{count} clients: ingot {max(own) / rival[1]['throughput']:.2f} × the throughput of {rival[0]}.  ")
    return "\n".join(lines)
