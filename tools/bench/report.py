"""The tables, from the record that --json writes."""

from tools.bench import machine, stats
from tools.bench.peers import BY_KEY, OWN, is_rival
from tools.bench.rows import ROWS

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def is_right(side):
    """Whether the side was measured and its numbers keep their bound."""
    return "p50" in side and side["error"] <= side["error_bound"]


def best_peer(row):
    """(key, side) of the fastest peer with right numbers beside ingot, or None."""
    rivals = [(key, side) for key, side in row["peers"].items()
              if is_rival(BY_KEY[key]) and is_right(side) and "ratio" in side]
    return min(rivals, key=lambda item: item[1]["ratio"]) if rivals else None


def time_text(microseconds):
    """With a unit that gives a short number."""
    if microseconds < 1000:
        return f"{microseconds:.3g} µs"
    return f"{microseconds / 1000:.3g} ms"


def _milliseconds(value):
    return "–" if value is None else f"{value:.3g}"


def _ratio_text(side):
    low, high = side["ratio_interval"]
    return f"{side['ratio']:.2f} ({low:.2f}–{high:.2f})"


def _share(record, row):
    """Part of the machine's peak that the fastest call reached, as text: both are the best of many."""
    if "p50" not in row["own"]:
        return "–"
    microseconds, which = machine.bound(record["machine"]["peak"], row["facts"])
    return f"{100 * microseconds / row['own']['min']:.0f} % {which}"


def _markdown(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _title(row):
    return ROWS.get(row["model"], row["model"])


def main_table(record):
    """One line a model: ingot's own figures and the ratio to the best peer."""
    rows = []
    for row in record["rows"]:
        own = row["own"]
        if "p50" not in own:
            rows.append([_title(row), own.get("reason", "not measured"), *["–"] * 9])
            continue
        best = best_peer(row)
        frozen = row["peers"].get("frozen", {})
        name = "–"
        if best:
            peer = BY_KEY[best[0]]
            name = f"{peer.title}{' (via Python)' if peer.is_python else ''} {time_text(best[1]['p50'])}"
        wrong = "" if is_right(own) else f" **wrong: {own['error']:.1e}**"
        rows.append([_title(row) + wrong, time_text(own["min"]), time_text(own["p50"]), time_text(own["p99"]),
                     _share(record, row), name, _ratio_text(best[1]) if best else "–",
                     _ratio_text(frozen) if "ratio" in frozen else "–", _milliseconds(own.get("first_run_ms")),
                     _milliseconds(own.get("extract_compile_ms")), f"{own['peak_rss_mb']:.0f}"])
    return _markdown(["model", "min", "p50", "p99", "of peak", "best peer", "× best peer", "× frozen TorchScript",
                      "first run ms", "extract + compile ms", "peak RSS MB"], rows)


def _keys(record):
    """Peers that any row has, in the table's order."""
    return [key for key in BY_KEY if any(key in row["peers"] for row in record["rows"])]


def _cell(side):
    """A peer's p50 and ratio, or a footnote-free word for why there is none."""
    if side is None:
        return "–"
    if "p50" not in side:
        return "no"
    text = time_text(side["p50"])
    if "ratio" in side:
        text += f" {side['ratio']:.2f}×"
    return text if is_right(side) else f"{text} (off by {side['error']:.0e})"


def peer_table(record):
    """p50 and ratio of every peer."""
    keys = _keys(record)
    rows = [[_title(row), time_text(row["own"]["p50"]) if "p50" in row["own"] else "no",
             *(_cell(row["peers"].get(key)) for key in keys)] for row in record["rows"]]
    titles = [BY_KEY[key].title + (" (via Python)" if BY_KEY[key].is_python else "") for key in keys]
    return _markdown(["model", OWN.title, *titles], rows)


def cost_table(record):
    """Compile time and memory of every peer: "compile ms / peak RSS MB"."""
    def cell(side):
        if not side or "peak_rss_mb" not in side:
            return "–"
        compile_ms = side.get("extract_compile_ms", side["compile_ms"])
        return f"{compile_ms:.0f} / {side['peak_rss_mb']:.0f}"

    keys = _keys(record)
    rows = [[_title(row), cell(row["own"]), *(cell(row["peers"].get(key)) for key in keys)] for row in record["rows"]]
    return _markdown(["model", OWN.title, *(BY_KEY[key].title for key in keys)], rows)


def refusals(record):
    """A line for each peer and model that didn't come about."""
    lines = []
    for row in record["rows"]:
        for key, side in row["peers"].items():
            if "reason" in side:
                lines.append(f"- {BY_KEY[key].title} on {_title(row)}: {side['reason']}")
    return "\n".join(lines)


def summary(record):
    """First places and geometric means, in a sentence or two."""
    bests = [best for best in map(best_peer, record["rows"]) if best]
    if not bests:
        return "No peer was measured."
    first = sum(1 for _, side in bests if side["ratio"] > 1)
    text = (f"First in {first} of {len(bests)} rows; geometric mean {stats.geometric_mean([s['ratio'] for _, s in bests]):.2f} "
            "× the best peer of each row")
    frozen = [row["peers"]["frozen"]["ratio"] for row in record["rows"] if "ratio" in row["peers"].get("frozen", {})]
    if frozen:
        text += f" and {stats.geometric_mean(frozen):.2f} × frozen TorchScript"
    return text + "."


def _own_version(record):
    """ingot's commit: of most rows, then which rows were measured at others (a record can be gone on with, --resume)."""
    rows = {}
    for row in record["rows"]:
        rows.setdefault(row.get("ingot", record["versions"]["ingot"]), []).append(_title(row))
    if not rows:
        return record["versions"]["ingot"]
    most = max(rows, key=lambda commit: len(rows[commit]))
    others = "; ".join(f"{commit}: {', '.join(titles)}" for commit, titles in rows.items() if commit != most)
    return f"{most} ({others})" if others else most


def heading(record):
    """Date, machine, versions and how it was measured."""
    facts = record["machine"]
    cpu, peak = facts["cpu"], facts["peak"]
    how = ""
    if record["options"].get("realtime"):
        how += (" Other programs ran on the machine: timed blocks were in the real-time class; loading, compiling and first runs "
                "shared the CPUs with them.")
    if record["options"]["quick"]:
        how += " Rough: --quick."
    versions = ", ".join(f"{name} {version}" for name, version in {**record["versions"], "ingot": _own_version(record)}.items())
    return (f"{record['date']}; {cpu['name']} (family {cpu['family']}, model {cpu['model']}, {cpu['isa']}), {facts['cpus']} CPUs, "
            f"{facts['memory_gib']:.0f} GiB; {versions}. {setting(record)}; peaks measured in the same run: "
            f"{peak['gflops']:.0f} GFLOP/s, {peak['read_gbs'][-1][1]:.1f} GB/s from memory.{how}")


def document(record):
    """All tables of one record."""
    parts = [heading(record), summary(record), main_table(record),
             "p50 of every runtime and how many times ingot's that is (above 1: ingot is faster):", peer_table(record),
             "Compile time in ms / peak resident memory in MB of each process (ingot: extraction and compilation of the `.pt` "
             "file; its memory is that of running the `.ingot` file):", cost_table(record)]
    refused = refusals(record)
    if refused:
        parts += ["Not to be had:", refused]
    return "\n\n".join(parts) + "\n"


def setting(record):
    """What distinguishes the runs of a page, in a few words."""
    options = record["options"]
    threads = f"{options['threads']} thread{'s' if options['threads'] > 1 else ''}"
    return f"{options['precision']}, {threads}" + (f", batch × {options['batch']}" if options["batch"] > 1 else "")


def page(records):
    """Everything between the markers of docs/performance.md: the plot of the first record, then each record."""
    parts = ["![ratios of every peer's time to ingot's](performance.svg)"]
    for record in records:
        parts += [f"### {setting(record)}", document(record)]
    return "\n\n".join(parts)


def replace_section(text, section):
    """`text` with what is between the markers replaced.

    Raises:
      ValueError: the markers are not there.
    """
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin:
        raise ValueError(f"no {BEGIN} … {END} in it")
    return text[:begin + len(BEGIN)] + "\n" + section + text[end:]
