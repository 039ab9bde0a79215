"""What the bench runs on: CPU, peaks, versions, and where prepared models go."""

import hashlib
import json
import os
import pathlib
import re
import subprocess


def cpu():
    """{"name", "family", "model", "isa"} as far as /proc/cpuinfo tells."""
    facts = {"name": "unknown CPU", "family": "", "model": "", "isa": "no AVX-512"}
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return facts
    for key, field in (("name", "model name"), ("family", "cpu family"), ("model", "model")):
        found = re.search(rf"^{field}\s*: (.*)$", text, re.MULTILINE)
        if found:
            facts[key] = found.group(1).strip()
    flags = set(re.search(r"^flags\s*: (.*)$|\Z", text, re.MULTILINE).group(0).split())
    for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2, no AVX-512")):
        if flag in flags:
            facts["isa"] = name + (" with bf16" if "avx512_bf16" in flags else "")
            break
    return facts


def memory_gib():
    """Of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def peak(tools, threads, cpus):
    """What tools/bench/machine_peak measures with these threads."""
    result = subprocess.run([tools.machine_peak, str(threads)], capture_output=True, text=True, check=True,
                            preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    return json.loads(result.stdout)


def raise_peak(best, measured):
    """Makes `best` (empty at first) the better of itself and another measurement, figure by figure."""
    if best:
        measured = {**measured, "gflops": max(best["gflops"], measured["gflops"]),
                    "read_gbs": [[size, max(gbs, other)] for (size, gbs), (_, other) in
                                 zip(best["read_gbs"], measured["read_gbs"])]}
    best.update(measured)


def read_gbs(peak_record, size):
    """Bandwidth of reading a working set of `size` bytes: that of the smallest one measured that is no smaller."""
    for measured, gbs in peak_record["read_gbs"]:
        if size <= measured:
            return gbs
    return peak_record["read_gbs"][-1][1]


def bound(peak_record, facts):
    """(microseconds that one call takes at the machine's peak, "FLOP" or "memory": which of both binds)."""
    size = facts["weight_bytes"] + facts["traffic_bytes"]
    compute = facts["operations"] / (peak_record["gflops"] * 1e3)
    memory = size / (read_gbs(peak_record, size) * 1e3)
    return (compute, "FLOP") if compute >= memory else (memory, "memory")


def locked_versions(*locks):
    """{package: version} of lock files."""
    versions = {}
    for lock in locks:
        with open(lock, encoding="utf-8") as file:
            for line in file:
                found = re.match(r"([A-Za-z0-9._-]+)==(\S+)", line)
                if found:
                    versions[found.group(1)] = found.group(2)
    return versions


def commit(checkout):
    """The checkout's commit, shortened; "unknown" outside of git."""
    result = subprocess.run(["git", "-C", str(checkout), "describe", "--always", "--dirty"], capture_output=True, text=True,
                            check=False)
    return result.stdout.strip() if result.returncode == 0 else "unknown"


def home():
    """INGOT_HOME, as third_party/python/venv.sh has it."""
    return pathlib.Path(os.environ.get("INGOT_HOME") or pathlib.Path.home() / ".cache" / "ingot")


def cache_folder(name, batch, sources):
    """Where a prepared model goes: keyed by the content of what prepares it, so that a changed exporter exports anew."""
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(pathlib.Path(path).name.encode())
        digest.update(pathlib.Path(path).read_bytes())
    return home() / "bench" / digest.hexdigest()[:16] / f"{name}-batch{batch}"
