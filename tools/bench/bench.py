"""ingot and its peers on the same models, side by side in one run.

Each peer runs in a process of its own, pinned to the same CPUs, with the same threads, precision and inputs. Its blocks of calls
alternate with ingot's (A B B A), and whoever is not measured is stopped. Every peer's numbers are held to LibTorch eager in
float64 first. The table goes to standard output, progress to standard error.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from tools.bench import machine, report, service
from tools.bench.measure import Bench, Plan, exclusive
from tools.bench.peers import BY_KEY, Tools
from tools.bench.rows import ROWS

OK, USAGE, RUNTIME, INTERRUPTED = 0, 2, 5, 130

# The folder that `tools` is in: the runfiles under Bazel.
ROOT = pathlib.Path(__file__).parents[2]
# What the prepared models depend on.
_EXPORTERS = ("tools/models", "tools/bench/prepare.py", "tools/bench/onnx_export.py", "third_party/python/requirements.lock",
              "third_party/python/peers.lock")
_KEPT_SECONDS = 24 * 3600
_SHOWN_VERSIONS = ("torch", "onnxruntime", "openvino")


def say(text):
    print(text, file=sys.stderr, flush=True)


def checkout():
    """The source tree that Bazel was called in."""
    return pathlib.Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ROOT))


def _choice(known, what):
    def parse(text):
        names = [name for name in (part.strip() for part in text.split(",")) if name]
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown) or 'nothing'}: no such {what}; choose from {','.join(known)}")
        return [name for name in known if name in names]
    return parse


def _positive(text):
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value


def _numbers(text):
    return [_positive(part) for part in text.split(",")]


def parse_args(argv):
    """The command line; leaves with code 2 and one line when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="models: " + ", ".join(ROWS) + "\npeers:  " + ", ".join(BY_KEY) +
        "\nexit codes: 0 measured (peers that failed are in the table), 2 usage, 5 ingot failed on a model, 130 interrupted")
    parser.add_argument("--models", type=_choice(ROWS, "model"), default=list(ROWS), metavar="A,B", help="rows (default: all)")
    parser.add_argument("--peers", type=_choice(BY_KEY, "peer"), default=list(BY_KEY), metavar="A,B", help="default: all")
    parser.add_argument("--threads", type=_positive, default=0, metavar="N", help="of every runtime (default: a thread a CPU)")
    parser.add_argument("--batch", type=_positive, default=1, metavar="N",
                        help="as many times the first dimension of each argument (default: 1)")
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32",
                        help="what the runtimes may compute in (default: %(default)s)")
    parser.add_argument("--clients", type=_numbers, metavar="N,N", help="measure throughput and latency of this many client "
                        "threads on one compiled model instead of single calls")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time: rough ratios")
    parser.add_argument("--json", metavar="F", help="write everything that was measured; whole after each row")
    parser.add_argument("--resume", action="store_true", help="go on with the file of --json: what was measured with the same "
                        "options stays, peers that failed are tried again")
    parser.add_argument("--from-json", nargs="+", metavar="F", help="measure nothing: show, plot (the first) or document what "
                        "--json wrote; several files one after another")
    parser.add_argument("--plot", metavar="F", help="write a plot of the ratios (.svg, .png); needs the peers' packages")
    parser.add_argument("--write-docs", action="store_true",
                        help="put the tables into docs/performance.md and docs/performance_tables.md, and the plot beside them")
    parser.add_argument("--install-peers", action="store_true",
                        help="first install the packages of third_party/python/peers.lock into an environment of their own")
    parser.add_argument("--lock", metavar="F", help="hold this file's lock while timing: several measurements on one machine "
                        "take turns")
    parser.add_argument("--realtime", action="store_true", help="timed blocks run in the real-time class (needs CAP_SYS_NICE): "
                        "for a machine on which other programs run")
    arguments = parser.parse_args(argv)
    if arguments.resume and not arguments.json:
        parser.error("--resume goes on with the file of --json: name one")
    if arguments.clients and (arguments.write_docs or arguments.plot or arguments.resume or arguments.from_json):
        parser.error("--clients prints its table and writes --json, nothing else")
    return arguments


def peer_packages(install):
    """The peers' site-packages, or None where they are not installed; installs them first if told to."""
    script, lock = ROOT / "third_party/python/venv.sh", ROOT / "third_party/python/peers.lock"
    if install:
        say("installing the peers (once a machine)")
    result = subprocess.run([script, *([] if install else ["--find"]), lock], capture_output=True, text=True, check=False)
    if result.returncode != 0 and install:
        say(f"bench: the peers could not be installed: {result.stderr.strip()}")
    folder = result.stdout.strip()
    if result.returncode != 0 or not folder:
        return None
    return next((str(path) for path in pathlib.Path(folder).glob("lib/python3*/site-packages")), None)


def find_tools(packages):
    here = ROOT / "tools/bench"
    return Tools(ingot=str(ROOT / "tools/ingot/ingot"), ingot_worker=str(here / "ingot_worker"),
                 libtorch_worker=str(here / "libtorch_worker"), machine_peak=str(here / "machine_peak"),
                 python=str(ROOT.parent / "ingot_python/python.sh"), root=str(ROOT), peer_packages=packages)


def settle_threads(asked, cpus):
    """Threads to measure with: no more than there are CPUs."""
    if asked > len(cpus):
        say(f"bench: {asked} threads asked, {len(cpus)} CPUs are there: measuring with {len(cpus)}")
    return min(asked or len(cpus), len(cpus))


def _exporters():
    for name in _EXPORTERS:
        path = ROOT / name
        yield from path.glob("*.py") if path.is_dir() else [path]


def _module(tools, name, *arguments):
    """Runs a module of this folder in the models' environment; raises RuntimeError with its last line."""
    path = os.pathsep.join(filter(None, (tools.root, tools.peer_packages)))
    result = subprocess.run([tools.python, "-m", f"tools.bench.{name}", *arguments], capture_output=True, text=True, check=False,
                            env={**os.environ, "PYTHONPATH": path}, preexec_fn=lambda: os.nice(10))
    if result.returncode != 0:
        raise RuntimeError((result.stderr.strip().splitlines() or [f"{name} failed"])[-1])


def forget_old(folder):
    """Removes exports of this model by other exporters, a day after they were made."""
    for other in folder.parent.parent.glob(f"*/{folder.name}/done"):
        if other.parent != folder and time.time() - other.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(other.parent, ignore_errors=True)


def prepared(tools, model, batch, needs_onnx):
    """The folder of the exported model, made if it is not there yet."""
    folder = machine.cache_folder(model, batch, _exporters())
    if not (folder / "done").exists():
        say(f"  exporting (once) into {folder}")
        forget_old(folder)
        _module(tools, "prepare", model, "--batch", str(batch), "--out", str(folder))
    if needs_onnx and not any((folder / name).exists() for name in ("model.onnx", "model.onnx.error")):
        say("  exporting to ONNX")
        try:
            _module(tools, "onnx_export", str(folder))
        except RuntimeError as error:
            if not (folder / "model.onnx.error").exists():
                (folder / "model.onnx.error").write_text(f"torch.onnx.export: {error}", encoding="utf-8")
    return folder


def save(record, path):
    """Whole or not at all."""
    if path:
        temporary = f"{path}.part"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(record, file, indent=1)
        os.replace(temporary, path)


def resume(record, path):
    """Takes the rows and peaks of the file into `record`, if it was measured with the same options; else says why not."""
    if not os.path.exists(path):
        return
    earlier = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    if earlier["options"] != record["options"] or earlier["machine"]["cpu"] != record["machine"]["cpu"]:
        raise ValueError(f"{path} was measured with other options or on another machine: leave --resume out")
    record["rows"] = earlier["rows"]
    for row in record["rows"]:
        row.setdefault("ingot", earlier["versions"]["ingot"])
    record["machine"]["peak"].update(earlier["machine"]["peak"])


def row_of(record, model, facts):
    """The model's row in the record, in the order of ROWS; a new one if it has none of these facts."""
    record["rows"] = [row for row in record["rows"] if row["model"] != model or row["facts"] == facts]
    for row in record["rows"]:
        if row["model"] == model:
            return row
    row = {"model": model, "facts": facts, "own": {}, "peers": {}}
    record["rows"].append(row)
    record["rows"].sort(key=lambda one: list(ROWS).index(one["model"]))
    return row


def measure(arguments, tools):
    """Measures the rows that were asked for; returns (record, exit code)."""
    all_cpus = sorted(os.sched_getaffinity(0))
    threads = settle_threads(arguments.threads, all_cpus)
    cpus = frozenset(all_cpus[:threads])
    versions = machine.locked_versions(ROOT / "third_party/python/requirements.lock", ROOT / "third_party/python/peers.lock")
    cpu = machine.cpu()
    say(f"{cpu['name']}, {cpu['isa']}; {threads} threads on CPUs {','.join(map(str, sorted(cpus)))}")
    peak = {}
    record = {
        "date": datetime.date.today().isoformat(),
        "machine": {"cpu": cpu, "cpus": len(all_cpus), "memory_gib": machine.memory_gib(), "peak": peak},
        "versions": {"ingot": machine.commit(checkout()), **{name: versions[name] for name in _SHOWN_VERSIONS if name in versions}},
        "options": {"threads": threads, "batch": arguments.batch, "precision": arguments.precision, "quick": arguments.quick,
                    "realtime": arguments.realtime},
        "rows": [],
    }
    if arguments.resume:
        resume(record, arguments.json)
    plan = Plan(threads, cpus, arguments.precision, lock=arguments.lock, is_realtime=arguments.realtime,
                **({"rounds": 4, "block_seconds": 0.05} if arguments.quick else {}))
    bench = Bench(tools, plan, say)
    chosen = [BY_KEY[key] for key in arguments.peers]
    code = OK
    try:
        for number, model in enumerate(arguments.models, 1):
            say(f"[{number}/{len(arguments.models)}] {model}")
            try:
                folder = prepared(tools, model, arguments.batch, tools.peer_packages and
                                  any(peer.package for peer in chosen))
                facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
            except (RuntimeError, OSError) as error:
                say(f"bench: {model}: {error}")
                code = RUNTIME
                continue
            # Again before each row: the best of all is what the machine can do when nothing disturbs it.
            with exclusive(arguments.lock):
                machine.raise_peak(peak, machine.peak(tools, threads, cpus))
            row = row_of(record, model, facts)
            missing = [peer for peer in chosen if "p50" not in row["peers"].get(peer.key, {})]
            if missing:
                kept = row["own"]
                bench.row(folder, facts, missing, row)
                if row["own"] is not kept:
                    row["ingot"] = record["versions"]["ingot"]
            if "reason" in row["own"] or not report.is_right(row["own"]):
                code = RUNTIME
            for path in folder.glob("*.ingot"):
                path.unlink()
            save(record, arguments.json)
    except KeyboardInterrupt:
        say("bench: interrupted; what was measured follows")
        code = INTERRUPTED
    return record, code


def measure_load(arguments, tools):
    """Prints the tables of --clients, a model at a time; returns the exit code."""
    cpus = sorted(os.sched_getaffinity(0))
    threads = settle_threads(arguments.threads, cpus)
    plan = Plan(threads, frozenset(cpus[:threads]), arguments.precision, lock=arguments.lock, is_realtime=arguments.realtime)
    seconds, rounds = (0.5, 1) if arguments.quick else (3, 2)
    load = service.Load(tools, plan, say, arguments.clients, seconds, rounds)
    record, code = {"date": datetime.date.today().isoformat(), "cpu": machine.cpu(), "threads": threads, "models": {}}, OK
    for model in arguments.models:
        say(model)
        try:
            folder = prepared(tools, model, arguments.batch, tools.peer_packages)
            facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        except (RuntimeError, OSError) as error:
            say(f"bench: {model}: {error}")
            code = RUNTIME
            continue
        sides = load.row(folder, facts, arguments.peers)
        if any(side["own"] and "reason" in side for side in sides.values()):
            code = RUNTIME
        record["models"][model] = sides
        print(service.table(ROWS[model], sides, arguments.clients), flush=True)
        save(record, arguments.json)
    return code


def write_plot(tools, record, path):
    """Draws with the peers' matplotlib."""
    if not tools.peer_packages:
        say("bench: no plot: matplotlib comes with the peers (--install-peers)")
        return
    result = subprocess.run([tools.python, "-m", "tools.bench.plot", str(path)], input=json.dumps(record), text=True,
                            capture_output=True, check=False,
                            env={**os.environ, "PYTHONPATH": os.pathsep.join((tools.root, tools.peer_packages))})
    if result.returncode != 0:
        say(f"bench: no plot: {(result.stderr.strip().splitlines() or ['?'])[-1]}")


def write_docs(tools, records):
    """The sections of docs/performance.md and docs/performance_tables.md, both or none, and docs/performance.svg.

    In the checkout that Bazel was called in.
    """
    docs = checkout() / "docs"
    texts = {docs / name: report.replace_section((docs / name).read_text(encoding="utf-8"), section)
             for name, section in report.sections(records).items()}
    for page, text in texts.items():
        page.write_text(text, encoding="utf-8")
    write_plot(tools, records[0], docs / "performance.svg")
    say(f"wrote {', '.join(map(str, texts))}")


def _interrupt(*_):
    raise KeyboardInterrupt


def main(argv=None):
    """Runs the command line; returns the exit code."""
    arguments = parse_args(argv)
    folder = os.environ.get("BUILD_WORKING_DIRECTORY")
    if folder:
        os.chdir(folder)  # paths are meant from where the user is
    signal.signal(signal.SIGTERM, _interrupt)
    tools = find_tools(peer_packages(arguments.install_peers))
    code = OK
    try:
        if arguments.clients:
            return measure_load(arguments, tools)
        if arguments.from_json:
            records = [json.loads(pathlib.Path(path).read_text(encoding="utf-8")) for path in arguments.from_json]
        else:
            record, code = measure(arguments, tools)
            save(record, arguments.json)
            records = [record] if record["rows"] else []
        for record in records:
            print(report.document(record), flush=True)
        if records and arguments.plot:
            write_plot(tools, records[0], os.path.abspath(arguments.plot))
        if records and arguments.write_docs:
            write_docs(tools, records)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        say(f"bench: {error}")
        return RUNTIME
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


if __name__ == "__main__":
    sys.exit(main())
