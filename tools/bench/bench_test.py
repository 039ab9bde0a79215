"""Tests of the parts that need no peer: statistics, order, rendering, workers that fail, the command line."""

import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile
import time
import types
import unittest
import unittest.mock

from tools.bench import bench, machine, measure, report, service, stats
from tools.bench.peers import BY_KEY, OWN, Tools, command
from tools.bench.process import Worker, WorkerError

# A worker in a few lines: answers as the real ones do, or does what its argument says.
_FAKE_WORKER = """
import json, sys
mode = sys.argv[1]
if mode == "refuse":
    print(json.dumps({"error": "no kernel for aten::sub"})); sys.exit(3)
if mode == "crash":
    sys.exit("out of luck")
if mode == "noise":
    print("hello"); sys.exit(0)
if mode == "hang":
    sys.stdin.read(); sys.exit(0)
print(json.dumps({"ready": True, "compile_ms": 1, "first_run_ms": 2}), flush=True)
for line in sys.stdin:
    print(json.dumps({"us": [1.0, 2.0], "line": line.strip()}), flush=True)
"""


def _fake(mode):
    return Worker([sys.executable, "-c", _FAKE_WORKER, mode], os.sched_getaffinity(0), dict(os.environ))


def _side(ratio, error=0.0, p50=100.0):
    return {"min": p50, "p50": p50, "p99": p50, "samples": 9, "ratio": ratio, "ratio_interval": [ratio, ratio], "error": error,
            "error_bound": 1e-5, "compile_ms": 5.0, "first_run_ms": 0.1, "peak_rss_mb": 10.0}


def _record(peers, own=None):
    return {
        "date": "2026-01-02",
        "machine": {"cpu": {"name": "CPU", "family": "1", "model": "2", "isa": "AVX-512"}, "cpus": 2, "memory_gib": 4,
                    "peak": {"gflops": 100.0, "isa": "X", "read_gbs": [[1000, 50.0], [1000000, 10.0]]}},
        "versions": {"ingot": "abc1234", "torch": "2.13.0"},
        "options": {"threads": 2, "batch": 1, "precision": "f32", "quick": False},
        "rows": [{"model": "mlp", "facts": {"operations": 2_000_000, "weight_bytes": 400, "traffic_bytes": 100,
                                             "eager_error": 1e-7}, "own": own or _side(1.0), "peers": peers}],
    }


class StatisticsTest(unittest.TestCase):

    def test_percentiles_interpolate_between_ranks(self):
        for percent, expected in [(0, 1), (50, 2.5), (100, 4), (25, 1.75)]:
            self.assertAlmostEqual(stats.percentile([4, 1, 3, 2], percent), expected)

    def test_abba_gives_both_sides_the_same_mean_place_in_every_round(self):
        order = stats.abba(3)
        self.assertEqual(order[:4], [0, 1, 1, 0])
        for begin in range(0, len(order), 4):
            places = [[i for i in range(4) if order[begin + i] == side] for side in (0, 1)]
            self.assertEqual(sum(places[0]), sum(places[1]))

    def test_an_even_drift_of_the_machine_cancels_in_a_round(self):
        # Each block is 10 % slower than the one before; the peer takes twice as long.
        blocks = ([], [])
        for place, side in enumerate(stats.abba(1)):
            blocks[side].append([(side + 1) * 1.1**place])
        self.assertAlmostEqual(stats.round_ratio(*blocks), 2)

    def test_interval_holds_the_median_and_narrows_with_more_values(self):
        few, many = [1.0, 1.2, 0.9, 1.1, 1.05], [1.0, 1.2, 0.9, 1.1, 1.05] * 40
        for values in (few, many):
            low, high = stats.interval(values)
            self.assertLessEqual(low, stats.median(values))
            self.assertGreaterEqual(high, stats.median(values))
        self.assertLess(stats.interval(many)[1] - stats.interval(many)[0],
                        stats.interval(few)[1] - stats.interval(few)[0])

    def test_interval_covers_the_true_median_about_as_often_as_it_says(self):
        import random
        source, hits = random.Random(7), 0
        for _ in range(200):
            low, high = stats.interval([source.lognormvariate(0, 0.1) for _ in range(30)], resamples=200)
            hits += low <= 1 <= high
        self.assertGreater(hits, 176)  # 88 % of 95 % expected; a wrong interval is far off

    def test_interval_of_one_value_is_that_value(self):
        self.assertEqual(stats.interval([3.0]), (3.0, 3.0))

    def test_geometric_mean_of_a_number_and_its_inverse_is_one(self):
        self.assertAlmostEqual(stats.geometric_mean([4, 0.25]), 1)


class WorkerTest(unittest.TestCase):

    def test_answers_each_line_and_is_stopped_in_between(self):
        with _fake("serve") as worker:
            self.assertTrue(worker.start(timeout=30)["ready"])
            for line in ("run 1 2", "outputs x"):
                self.assertEqual(worker.ask(line, timeout=30)["line"], line)
            pid = worker._process.pid  # pylint: disable=protected-access
            state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            self.assertEqual(state, "T")
            self.assertGreater(worker.peak_megabytes(), 0)
        self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_failures_are_one_line(self):
        for mode, text in [("refuse", "no kernel for aten::sub"), ("crash", "the worker ended with code 1: out of luck"),
                           ("noise", "is no answer")]:
            with self.subTest(mode=mode), _fake(mode) as worker, self.assertRaises(WorkerError) as caught:
                worker.start(timeout=30)
            self.assertIn(text, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))

    def test_a_worker_that_hangs_is_given_up(self):
        with _fake("hang") as worker, self.assertRaisesRegex(WorkerError, "no answer within 0 s"):
            worker.start(timeout=0.2)

    def test_a_worker_that_is_not_there_is_named(self):
        with self.assertRaisesRegex(WorkerError, "/no/such/worker: No such file"):
            with Worker(["/no/such/worker"], os.sched_getaffinity(0), {}):
                pass


class MeasureTest(unittest.TestCase):

    def _bench(self, precision="f32"):
        tools = Tools("ingot", "ingot_worker", "libtorch_worker", "peak", sys.executable, "/", None)
        return measure.Bench(tools, measure.Plan(1, frozenset(os.sched_getaffinity(0)), precision), lambda text: None)

    def test_a_peer_that_fails_is_a_record_with_its_reason(self):
        facts = {"eager_error": 1e-7}
        for key, precision, reason in [("ort", "f32", "not installed (--install-peers)"),
                                       ("ort", "bf16", "not measured in bf16"),
                                       ("frozen", "f32", "libtorch_worker: No such file or directory")]:
            with self.subTest(key=key, precision=precision):
                record = self._bench(precision)._peer(BY_KEY[key], pathlib.Path("/nowhere"), facts, None)
                self.assertEqual(record, {"reason": reason})

    def test_what_was_measured_of_ingot_stays_if_no_peer_that_is_tried_again_runs(self):
        for times, kept in [([], "p50"), ([3.0], "load_ms")]:
            bench = self._bench()
            own = types.SimpleNamespace(times=times, worker=types.SimpleNamespace(peak_megabytes=lambda: 1))
            bench.extract = lambda peer, folder: {}
            bench._worker = lambda peer, folder: contextlib.nullcontext()
            bench._start = lambda worker, peer, folder, facts, own=own: (own, {"load_ms": 1})
            bench._peer = lambda peer, folder, facts, own: {"reason": "no"}
            record = {"own": {"p50": 2}, "peers": {}}
            bench.row(pathlib.Path("/nowhere"), {}, [BY_KEY["lazy"]], record)
            self.assertIn(kept, record["own"])
            self.assertEqual(record["own"]["p50"], times[0] if times else 2)

    def test_error_bound_grows_with_what_eager_float32_is_off(self):
        self.assertEqual(measure.error_bound({"eager_error": 1e-8}, "f32"), 1e-5)
        self.assertEqual(measure.error_bound({"eager_error": 1e-5}, "f32"), 8e-5)
        self.assertGreater(measure.error_bound({"eager_error": 1e-8}, "bf16"), 1e-3)

    def test_workers_get_the_plans_threads_and_only_those_who_need_them_the_peers_packages(self):
        tools = Tools("", "", "", "", "", "/root-folder", "/peers")
        os.environ["GOMP_SPINCOUNT"] = "1"
        self.addCleanup(os.environ.pop, "GOMP_SPINCOUNT")
        environment = measure.worker_environment(BY_KEY["eager"], tools, 3)
        self.assertEqual((environment["OMP_NUM_THREADS"], environment["PYTHONPATH"]), ("3", "/root-folder"))
        self.assertNotIn("GOMP_SPINCOUNT", environment)
        self.assertEqual(measure.worker_environment(BY_KEY["ort"], tools, 3)["PYTHONPATH"], "/root-folder:/peers")

    def test_every_peer_has_a_command(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "inputs").mkdir()
            for k in (10, 2):
                (folder / "inputs" / f"{k}.npz").touch()
            tools = Tools("i", "iw", "lw", "p", "py", "/", None)
            for peer in (OWN, *BY_KEY.values()):
                words = command(peer, tools, folder, 2, "f32")
                self.assertIn(words[0], ("iw", "lw", "py"))
                self.assertIn("2", words)
            sets = [pathlib.Path(word).stem for word in command(OWN, tools, folder, 2, "f32")[4:]]
            self.assertEqual(sets, ["2", "10"])


class ReportTest(unittest.TestCase):

    def test_best_peer_is_the_fastest_that_is_no_ingot_and_has_right_numbers(self):
        row = _record({"torchscript": _side(0.5), "ort": _side(0.9, error=1e-2), "openvino": _side(1.3),
                       "frozen": _side(2.0), "lazy": {"reason": "refused"}})["rows"][0]
        self.assertEqual(report.best_peer(row)[0], "openvino")

    def test_document_has_every_peer_and_every_reason(self):
        text = report.document(_record({"frozen": _side(2.0, p50=200.0), "ort": _side(0.5, error=1e-2, p50=50.0),
                                        "lazy": {"reason": "TypeError: Proxy"}}))
        for part in ["2026-01-02", "AVX-512", "torch 2.13.0", "| TorchScript frozen 200 µs | 2.00 (2.00–2.00) |",
                     "50 µs 0.50× (off by 1e-02)", "- torch._lazy on MLP 8×64→256→64: TypeError: Proxy",
                     "First in 1 of 1 rows; geometric mean 2.00 × the best peer"]:
            self.assertIn(part, text)
        widths = {line.count("|") for line in text.splitlines() if line.startswith("| MLP")}
        self.assertLessEqual(len(widths), 3)

    def test_document_says_what_limits_its_accuracy(self):
        record = _record({})
        self.assertNotIn("real-time", report.document(record))
        record["options"].update(quick=True, realtime=True)
        for part in ("timed blocks were in the real-time class", "Rough: --quick."):
            self.assertIn(part, " ".join(report.document(record).split()))

    def test_times_have_a_unit_that_gives_a_short_number(self):
        for microseconds, text in [(0.0851, "0.0851 µs"), (999.4, "999 µs"), (999.6, "1 ms"), (346_000, "346 ms"),
                                   (1_039_666, "1.04 s")]:
            self.assertEqual(report.time_text(microseconds), text)
        record = _record({}, {**_side(1.0), "extract_compile_ms": 2401.3})
        self.assertIn("| 0.1 | 2401 | 10 |", report.main_table(record))

    def test_document_names_the_rows_that_were_measured_at_another_commit(self):
        record = _record({})
        self.assertIn("; ingot abc1234, torch", report.document(record))
        record["rows"] += [{**record["rows"][0], "model": "sub", "ingot": "0ld0000"}, {**record["rows"][0], "model": "lstm"}]
        self.assertIn("; ingot abc1234 (0ld0000: sub), torch", report.document(record))
        self.assertIn("; ingot abc1234, torch", report.document({**record, "rows": []}))

    def test_every_row_of_a_table_has_as_many_cells_as_its_header(self):
        for own in (None, {"reason": "unsupported: aten::sub"}):
            text = report.document(_record({"frozen": {"reason": "x"}}, own))
            for table in text.split("\n\n"):
                lines = [line for line in table.splitlines() if line.startswith("|")]
                self.assertLessEqual(len({line.count("|") for line in lines}), 1, table)

    def test_share_of_peak_names_what_binds(self):
        record = _record({})
        self.assertEqual(machine.bound(record["machine"]["peak"], record["rows"][0]["facts"]), (20.0, "FLOP"))
        big = {"operations": 0, "weight_bytes": 900_000, "traffic_bytes": 0}
        self.assertEqual(machine.bound(record["machine"]["peak"], big), (90.0, "memory"))
        self.assertIn("20 % FLOP", report.main_table(record))

    def test_the_summary_has_a_table_a_record_and_the_page_of_tables_has_the_rest(self):
        other = _record({"frozen": _side(3.0), "ort": _side(2.0)})
        other["options"] = {"threads": 1, "batch": 8, "precision": "f32", "quick": False}
        other["rows"].append({**other["rows"][0], "model": "lstm", "peers": {"frozen": {"reason": "no such op"}}})
        sections = report.sections([_record({"frozen": _side(2.0)}), other])
        short, full = sections["performance.md"], sections["performance_tables.md"]
        for part in ["(performance.svg)", "## f32, 2 threads\n", "## f32, 1 thread, batch × 8\n", "| first run ms |",
                     "| MLP 8×64→256→64 | 100 µs | 20 % FLOP | 3.00 (3.00–3.00) | **2.00 (2.00–2.00)** | 10 / 10 |",
                     "| LSTM, 2 layers, 1×100×256 | 100 µs | 20 % FLOP | no | – | 10 / – |"]:
            self.assertIn(part, short)
        for part in ["### f32, 2 threads\n", "### f32, 1 thread, batch × 8\n", "p50 of every runtime", "Compile time in ms",
                     "- TorchScript frozen on LSTM, 2 layers, 1×100×256: no such op"]:
            self.assertIn(part, full)
        self.assertNotIn("p50 of every runtime", short)
        # The first record's table stands on the summary page alone.
        self.assertEqual((short.count("| first run ms |"), full.count("| first run ms |")), (1, 1))

    def test_text_on_pages_is_wrapped(self):
        record = _record({"lazy": {"reason": "aten::index.Tensor=1, " * 30}})
        for section in report.sections([record, record]).values():
            for line in section.splitlines():
                self.assertLessEqual(0 if line.startswith("|") else len(line), 160, line)

    def test_a_section_is_replaced_between_its_markers(self):
        page = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
        self.assertEqual(report.replace_section(page, "new\n"), f"before\n{report.BEGIN}\nnew\n{report.END}\nafter\n")
        with self.assertRaises(ValueError):
            report.replace_section("no markers", "new")


class CommandLineTest(unittest.TestCase):

    def _parse(self, *argv):
        err = io.StringIO()
        with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
            try:
                return bench.parse_args(argv), err.getvalue()
            except SystemExit as stop:
                return stop.code, err.getvalue()

    def test_refuses_bad_arguments(self):
        for argument, text in [("--models=alexnet", "alexnet: no such model"), ("--peers=numpy", "numpy: no such peer"),
                               ("--threads=0", "'0' is no number above 0"), ("--batch=x", "'x' is no number above 0"),
                               ("--models=", "nothing: no such model"), ("--precision=f16", "invalid choice"),
                               ("--resume", "--resume goes on with the file of --json: name one")]:
            code, err = self._parse(argument)
            self.assertEqual(code, 2)
            self.assertIn(text, err.splitlines()[-1])

    def test_defaults_to_everything(self):
        arguments, _ = self._parse()
        self.assertIn("bert_base", arguments.models)
        self.assertEqual(arguments.peers, list(BY_KEY))

    def test_more_threads_than_cpus_are_cut_and_said(self):
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            self.assertEqual(bench.settle_threads(8, [0, 1]), 2)
            self.assertEqual(bench.settle_threads(0, [0, 1]), 2)
            self.assertEqual(bench.settle_threads(1, [0, 1]), 1)
        self.assertEqual(err.getvalue(), "bench: 8 threads asked, 2 CPUs are there: measuring with 2\n")

    def test_shows_a_record_without_measuring(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "r.json")
            bench.save(_record({"frozen": _side(2.0)}), path)
            self.assertEqual(os.listdir(folder), ["r.json"])
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(bench.main([f"--from-json={path}"]), 0)
            self.assertIn("First in 1 of 1 rows", out.getvalue())
            with open(path, encoding="utf-8") as file:
                self.assertEqual(json.load(file)["rows"][0]["model"], "mlp")


class WriteDocsTest(unittest.TestCase):

    def test_fills_both_pages_or_none(self):
        pages = ("performance.md", "performance_tables.md")
        with tempfile.TemporaryDirectory() as name:
            docs = pathlib.Path(name) / "docs"
            docs.mkdir()
            record, text = os.path.join(name, "r.json"), f"above\n{report.BEGIN}\n{report.END}\nbelow\n"
            bench.save(_record({"frozen": _side(2.0)}), record)
            os.environ["BUILD_WORKSPACE_DIRECTORY"] = name
            self.addCleanup(os.environ.pop, "BUILD_WORKSPACE_DIRECTORY")
            for second, code, written in [("no markers", 5, False), (text, 0, True)]:
                for page, content in zip(pages, (text, second)):
                    (docs / page).write_text(content, encoding="utf-8")
                with (contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()),
                      unittest.mock.patch.object(bench, "write_plot") as plot):
                    self.assertEqual(bench.main([f"--from-json={record}", "--write-docs"]), code)
                self.assertEqual([call.args[2] for call in plot.mock_calls], [docs / "performance.svg"] * written)
                for page in pages:
                    content = (docs / page).read_text(encoding="utf-8")
                    self.assertEqual("| MLP" in content, written)
                    self.assertEqual(content.startswith("above\n") and content.endswith("\nbelow\n"), written or page == pages[0])


class ResumeTest(unittest.TestCase):

    def _write(self, folder, record):
        path = os.path.join(folder, "r.json")
        bench.save(record, path)
        return path

    def test_takes_the_rows_of_the_same_options(self):
        with tempfile.TemporaryDirectory() as folder:
            path = self._write(folder, _record({"frozen": _side(2.0)}))
            record = {**_record({}), "rows": []}
            bench.resume(record, path)
            facts = record["rows"][0]["facts"]
            self.assertIn("frozen", bench.row_of(record, "mlp", facts)["peers"])
            self.assertEqual(bench.row_of(record, "sub", facts)["peers"], {})
            self.assertEqual([row["model"] for row in record["rows"]], ["sub", "mlp"])

    def test_what_stays_keeps_the_commit_it_was_measured_at(self):
        with tempfile.TemporaryDirectory() as folder:
            path = self._write(folder, _record({"frozen": _side(2.0)}))
            record = {**_record({}), "rows": [], "versions": {"ingot": "new0000"}}
            bench.resume(record, path)
            self.assertEqual(record["rows"][0]["ingot"], "abc1234")
            path = self._write(folder, record)
            record = {**_record({}), "rows": [], "versions": {"ingot": "newer00"}}
            bench.resume(record, path)
            self.assertEqual(record["rows"][0]["ingot"], "abc1234")

    def test_a_model_that_changed_is_measured_anew(self):
        record = _record({"frozen": _side(2.0)})
        self.assertEqual(bench.row_of(record, "mlp", {"operations": 1})["peers"], {})
        self.assertEqual(len(record["rows"]), 1)

    def test_refuses_a_file_of_other_options(self):
        with tempfile.TemporaryDirectory() as folder:
            path = self._write(folder, _record({}))
            record = _record({})
            record["options"]["threads"] = 1
            with self.assertRaisesRegex(ValueError, "other options or on another machine"):
                bench.resume(record, path)


class ServiceTest(unittest.TestCase):

    def test_rounds_add_up_and_latencies_are_the_median_rounds(self):
        answers = [{"calls": calls, "seconds": 2, "min": 1, "p50": p50, "p99": 9} for calls, p50 in [(10, 3), (30, 5), (20, 4)]]
        self.assertEqual(service.figures(answers), {"throughput": 10, "min": 1, "p50": 4, "p99": 9})

    def _sides(self):
        def side(own, throughput):
            return {"own": own, "idle": 0.0, "clients": {2: {"throughput": throughput, "min": 1.0, "p50": 10.0, "p99": 15.0}}}

        return {"ingot": side(True, 300), "slow": side(False, 100), "fast": side(False, 200),
                "gone": {"own": False, "reason": "no such op"}}

    def test_the_best_rival_has_the_highest_throughput(self):
        self.assertEqual(service.best_rival(self._sides(), 2)[0], "fast")
        self.assertIsNone(service.best_rival({"ingot": self._sides()["ingot"]}, 2))

    def test_table_has_a_line_a_mode_and_the_ratio_to_the_best(self):
        text = service.table("MLP", self._sides(), [2])
        self.assertIn("| ingot | 300, 10 µs, 15 µs, 1.50 | 0.0 % |", text)
        self.assertIn("| gone | no such op |", text)
        self.assertIn("2 clients: ingot 1.50 × the throughput of fast.", text)

    def test_an_idle_worker_uses_no_cpu(self):
        with _fake("serve") as worker:
            worker.start(30)
            worker.ask("x", 30)
            self.assertLess(worker.idle_share(0.2), 0.2)

    def test_clients_are_numbers_above_0_and_go_with_no_other_output(self):
        self.assertEqual(bench.parse_args(["--clients=1,8"]).clients, [1, 8])
        for arguments in (["--clients=0"], ["--clients=a"], ["--clients=1", "--write-docs"]):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                bench.parse_args(arguments)


class MachineTest(unittest.TestCase):

    def test_cpu_has_a_name_and_an_instruction_set(self):
        facts = machine.cpu()
        self.assertTrue(facts["name"])
        self.assertTrue(facts["isa"])

    def test_peaks_are_the_best_of_all_measurements(self):
        best = {}
        for gflops, gbs in [(100, 20), (300, 10), (200, 30)]:
            machine.raise_peak(best, {"gflops": gflops, "isa": "X", "read_gbs": [[64, gbs]]})
        self.assertEqual(best, {"gflops": 300, "isa": "X", "read_gbs": [[64, 30]]})

    def test_a_changed_exporter_gets_another_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "export.py"
            folders = set()
            for text in ("a", "b", "a"):
                source.write_text(text, encoding="utf-8")
                folders.add(machine.cache_folder("mlp", 1, [source]))
            self.assertEqual(len(folders), 2)

    def test_exports_of_other_exporters_go_after_a_day(self):
        with tempfile.TemporaryDirectory() as name:
            marks = {}
            for key, age in [("new", 0), ("recent", 3600), ("old", 48 * 3600)]:
                folder = pathlib.Path(name) / key / "mlp-batch1"
                folder.mkdir(parents=True)
                marks[key] = folder / "done"
                marks[key].touch()
                os.utime(marks[key], (time.time() - age,) * 2)
            bench.forget_old(marks["new"].parent)
            self.assertEqual([key for key, mark in marks.items() if mark.exists()], ["new", "recent"])

    def test_commit_is_unknown_outside_of_git(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(machine.commit(folder), "unknown")

    def test_versions_come_from_lock_files(self):
        with tempfile.NamedTemporaryFile("w", suffix=".lock") as lock:
            lock.write("# a comment\ntorch==2.13.0 \\\n    --hash=sha256:00\nonnx==1.2 \\\n")
            lock.flush()
            self.assertEqual(machine.locked_versions(lock.name), {"torch": "2.13.0", "onnx": "1.2"})


if __name__ == "__main__":
    unittest.main()
