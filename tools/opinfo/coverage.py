"""Turns what `ingot verify` says of a corpus into docs/coverage.md."""

import argparse
import collections
import json
import os
import re
import sys

STATUSES = ("ok", "mismatch", "refused", "unsupported", "error")


def parse_args(argv):
    """Returns the parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.opinfo.coverage",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", metavar="DIR",
                        help="what export_corpus wrote: its indexes are read")
    parser.add_argument("--out", required=True, metavar="FILE", help="the page to write")
    parser.add_argument("--note", default="", metavar="TEXT",
                        help="what else to know of these runs; goes above the targets")
    parser.add_argument("--pt2-corpus", metavar="DIR",
                        help="what export_corpus --format pt2 wrote, for runs of BACKEND:DTYPE:pt2")
    parser.add_argument("runs", nargs="+", metavar="BACKEND:DTYPE[:pt2]=FILE",
                        help="lines of `ingot verify DIR/DTYPE --backend=BACKEND --json`; pt2: of "
                        "its .pt2 files only. Runs of pt2 alone replace that section of --out"
                        )
    args = parser.parse_args(argv)
    runs, args.pt2_runs = [], []
    for run in args.runs:
        match = re.fullmatch(r"(\w+):(\w+)(:pt2)?=(.+)", run)
        if not match:
            parser.error(f"{run} is not BACKEND:DTYPE[:pt2]=FILE")
        backend, dtype, pt2, path = match.groups()
        (args.pt2_runs if pt2 else runs).append((backend, dtype, path))
    args.runs = runs
    if args.runs and not args.corpus:
        parser.error("runs over TorchScript files need --corpus")
    if args.pt2_runs and not args.pt2_corpus:
        parser.error("runs over .pt2 files need --pt2-corpus")
    return args


def read_run(path, suffix=".pt"):
    """Returns {op: Counter of statuses} and the lines that are not ok, from one run's JSON lines.

    Only cases whose model has the suffix count.
    """
    ops, others = collections.defaultdict(collections.Counter), []
    with open(path, encoding="utf-8") as file:
        for line in file:
            case = json.loads(line)
            if not case.get("model", "").endswith(suffix):
                continue
            op = os.path.basename(os.path.dirname(case["model"]))
            ops[op][case["status"]] += 1
            ops[op]["arbitrated"] += case.get("arbitrated", 0) > 0
            if case["status"] != "ok":
                others.append((op, case))
    return dict(ops), others


def read_index(corpus, dtype):
    """Returns the exporter's index of a dtype."""
    with open(os.path.join(corpus, dtype, "index.json"), encoding="utf-8") as file:
        return json.load(file)


def tally(ops):
    """Adds the ops' counts up."""
    total = collections.Counter()
    for counts in ops.values():
        total.update(counts)
    return total


def whole_ops(ops):
    """The ops of which every sample is ok."""
    return [op for op, counts in ops.items() if all(not counts[s] for s in STATUSES[1:])]


def _table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def summary(results):
    """Rows of the summary: one a backend and dtype."""
    rows = []
    for (backend, dtype), (ops, _) in sorted(results.items()):
        counts = tally(ops)
        cases = sum(counts[status] for status in STATUSES)
        rows.append([backend, dtype, len(ops), cases,
                     f"{counts['ok']} ({100 * counts['ok'] / max(cases, 1):.2f} %)",
                     *(counts[status] for status in STATUSES[1:]), counts["arbitrated"],
                     len(whole_ops(ops))])
    return _table(["backend", "dtype", "ops", "samples", "ok", *STATUSES[1:],
                   "by float64", "ops all ok"], rows)


def targets(results):
    """Rows of the issue's targets and what was reached, for float32."""
    rows = []
    for backend, goal in (("torchscript", "ok >= 99.5 %"), ("onednn", ">= 250 ops all ok"),
                          ("reference", "every op of the registry")):
        if (backend, "float32") not in results:
            continue
        ops, _ = results[backend, "float32"]
        counts = tally(ops)
        cases = sum(counts[status] for status in STATUSES)
        reached = {"torchscript": f"{100 * counts['ok'] / max(cases, 1):.2f} %",
                   "onednn": f"{len(whole_ops(ops))} ops",
                   "reference": f"{len(whole_ops(ops))} ops all ok, rest unsupported by name"}
        rows.append([backend, goal, reached[backend], counts["mismatch"], counts["error"]])
    return _table(["backend", "target", "reached", "mismatch (0)", "error (0)"], rows)


def _short(message):
    message = re.sub(r"\S*/(\w[^/ ]*/\d+\.pt2?)", r"\1", message)
    return message.replace("|", "\\|")[:160]


def reasons(results, status=("mismatch", "refused", "error")):
    """What has one of these statuses, by op, with one message each."""
    parts = []
    for (backend, dtype), (_, others) in sorted(results.items()):
        found = collections.OrderedDict()
        for op, case in others:
            if case["status"] in status:
                found.setdefault((op, case["status"]), []).append(case["message"])
        if not found:
            continue
        parts.append(f"### {backend}, {dtype}\n\n" + _table(
            ["op", "status", "samples", "reason of the first"],
            [[f"`{op}`", outcome, len(messages), _short(messages[0])]
             for (op, outcome), messages in found.items()]))
    return "\n\n".join(parts) or "None."


def _cell(ops, op):
    if op not in ops:
        return ""
    counts = ops[op]
    parts = [f"{counts['ok']}"] + [f"{counts[s]} {s[0]}" for s in STATUSES[1:] if counts[s]]
    return " ".join(parts)


def matrix(results, backend):
    """One row an op, one column a dtype."""
    dtypes = [dtype for (name, dtype) in results if name == backend]
    names = sorted({op for dtype in dtypes for op in results[backend, dtype][0]})
    return _table(["op", *dtypes], [[f"`{op}`", *(_cell(results[backend, dtype][0], op)
                                                  for dtype in dtypes)] for op in names])


def _exported(corpus, dtypes):
    """The table of what the exporter wrote."""
    rows = []
    for dtype in dtypes:
        index = read_index(corpus, dtype)
        skipped = collections.Counter()
        for entry in index["ops"].values():
            skipped.update(entry["skipped"])
        rows.append([dtype, sum(e["cases"] for e in index["ops"].values()),
                     sum(e["cases"] > 0 for e in index["ops"].values()),
                     index["limit"] or "all",
                     ", ".join(f"{n} {reason}" for reason, n in skipped.most_common())])
    return _table(["dtype", "samples", "ops", "a sample limit an op", "left out by the exporter"],
                  rows)


def pt2_section(corpus, results):
    """What came out of the corpus as torch.export archives; empty without such runs."""
    if not results:
        return ""
    dtypes = list(dict.fromkeys(dtype for _, dtype in results))
    return f"""## As torch.export archives

The same samples through the other door: exported by `torch.export`, read by `frontends/pt2` without LibTorch, and compared with the traced
program in LibTorch eager, which runs in a process of its own, on the given arguments and two fresh ones. *refused* here is what docs/pt2.md
lists as not read. Graphs are as exported, without `run_decompositions`: ATen's composites that `frontends/pt2` does not rewrite are one
*unsupported* op each, where a recording sees what they are made of.

```
./bazelw run //tools/opinfo:export_corpus -- --out PT2DIR --format pt2 --limit N
ingot verify PT2DIR/DTYPE --backend=BACKEND --only=pt2 --threads=1 --fresh=2 --json > BACKEND.pt2.json
```

{summary(results)}

{_exported(corpus, dtypes)}

Mismatches and errors: {reasons(results, status=("mismatch", "error"))}

Refused, by reason: {_refusals(results)}.

"""


def _reason(message):
    """What of a refusal is the same from case to case: the op, or what is wrong."""
    names = re.findall(r"aten::\w+(?:\.\w+)?|torch\.[\w.]+", message)
    if names:
        return f"`{names[0]}`"
    return "results that only training needs" if "only training" in message else message.split(": ")[-1][:80]


def _refusals(results):
    """How many cases each reason refuses."""
    found = collections.Counter(_reason(case["message"]) for _, others in results.values() for _, case in others
                                if case["status"] == "refused")
    return ", ".join(f"{reason} {count}" for reason, count in found.most_common()) or "none"


def page(corpus, results, note="", pt2=""):
    """Returns the text of docs/coverage.md."""
    dtypes = list(dict.fromkeys(dtype for _, dtype in results))
    backends = list(dict.fromkeys(backend for backend, _ in results))
    torch_version = read_index(corpus, dtypes[0])["torch"]
    return f"""# Coverage on PyTorch's op database

Generated by `tools/opinfo` from runs over the samples of `op_db` of torch {torch_version}: every sample that traces is a program with its
arguments, and `ingot verify` compares it with LibTorch eager on the given arguments and ten fresh ones.

```
./bazelw run //tools/opinfo:export_corpus -- --out DIR --dtypes {",".join(dtypes)}
ingot verify DIR/DTYPE --backend=BACKEND --threads=1 --json > BACKEND.DTYPE.json      # fallback is forbidden by default
./bazelw run //tools/opinfo:coverage -- --corpus DIR --out docs/coverage.md BACKEND:DTYPE=BACKEND.DTYPE.json …
```

{note}

## Targets, float32

{targets(results)}

## Summary

{summary(results)}

*refused*: the frontend's reason is below. *unsupported*: the backend lacks an op, by name. *by float64*: samples with elements that miss
LibTorch's own result and keep `assert_close`'s tolerances against the same program run in float64, or are at most 4 times as far from it as
LibTorch's furthest element (or a unit of machine precision at the largest magnitude, if that one is nearer) and within 16 such units. Only so is a tolerance looser than `assert_close`'s:

| where | why |
|---|---|
| sums of products (convolution, matmul, dot) and of elements in float32 and halves | LibTorch adds up in blocks of float32; oneDNN in others; the reference in double |

## Corpus

{_exported(corpus, dtypes)}

{pt2}## What is refused, wrong or an error

{reasons(results)}

## By op

Samples that are ok, then others: `m` mismatch, `r` refused, `u` unsupported, `e` error.

""" + "\n\n".join(f"### {backend}\n\n{matrix(results, backend)}" for backend in backends) + "\n"


def with_section(text, section):
    """The page with its section on .pt2 files, old or not there yet, replaced."""
    before = re.split(r"^## (?:As torch\.export archives|What is refused)", text, maxsplit=1, flags=re.M)[0]
    after = text[text.index("\n## What is refused") + 1:]
    return before + section + after


def main(argv=None):
    """Runs the command line; returns the exit code (0 ok, 5 a file cannot be read)."""
    args = parse_args(argv)
    try:
        results = {(backend, dtype): read_run(path) for backend, dtype, path in args.runs}
        pt2 = {(backend, dtype): read_run(path, ".pt2") for backend, dtype, path in args.pt2_runs}
        section = pt2_section(args.pt2_corpus, pt2)
        if results:
            text = page(args.corpus, results, args.note, section)
        else:
            with open(args.out, encoding="utf-8") as file:
                text = with_section(file.read(), section)
        with open(args.out, "w", encoding="utf-8") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        print(f"tools.opinfo: {error}", file=sys.stderr)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main())
