"""Counts test targets in Bazel's build event files: one line a failure, then "N passed, N failed".

Usage: count_results.py [--failed-runs=N] EVENTS.json…
A test that did not build, or was never run, has failed. A run that broke without naming a test counts as one failure.
"""

import argparse
import json
import pathlib
import sys


def read_events(path: pathlib.Path) -> list[dict]:
    events = []
    for line in path.read_text().splitlines():
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError:
            break  # A run that was ended in the middle leaves half a line.
    return events


def results(events: list[dict]) -> dict[str, str]:
    """Returns the status of every test target, such as PASSED, FLAKY, FAILED, TIMEOUT or "NOT RUN"."""
    status = {}
    for event in events:
        identity = event.get("id", {})
        if "targetConfigured" in identity and "configured" in event:
            if event["configured"].get("targetKind", "").endswith("_test rule"):
                status.setdefault(identity["targetConfigured"]["label"], "NOT RUN")
        elif "testSummary" in identity and "testSummary" in event:
            status[identity["testSummary"]["label"]] = event["testSummary"]["overallStatus"]
    return status


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--failed-runs", type=int, default=0)
    parser.add_argument("events", nargs="*", type=pathlib.Path)
    options = parser.parse_args(arguments)

    passed, failed = 0, 0
    for path in options.events:
        for label, status in sorted(results(read_events(path)).items()):
            if status in ("PASSED", "FLAKY"):
                passed += 1
            else:
                failed += 1
                print(f"{path.stem}: {status}: {label}")
    failed = max(failed, options.failed_runs)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
