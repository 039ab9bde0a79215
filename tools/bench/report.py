"""The tables, from the record that --json writes."""

import textwrap

from tools.bench import machine, stats
from tools.bench.peers import BY_KEY, OWN, is_rival
from tools.bench.rows import ROWS

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
# The pages of docs/ that hold such a section: what a user asks for first, and everything else.
SUMMARY_PAGE, TABLES_PAGE = "performance.md", "performance_tables.md"
_COLUMNS = 160


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
    for scale, unit in ((1, "µs"), (1e3, "ms")):
        if microseconds < 999.5 * scale:
            return f"{microseconds / scale:.3g} {unit}"
    return f"{microseconds / 1e6:.3g} s"


def _milliseconds(value):
    return "–" if value is None else f"{value:.3g}" if value < 999.5 else f"{value:.0f}"


def _ratio_text(side):
    low, high = side["ratio_interval"]
    return f"{side['ratio']:.2f} ({low:.2f}–{high:.2f})"


def _share(record, row):
    """Part of the machine's peak that the fastest call reached, as text: both are the best of many."""
    if "p50" not in row["own"]:
        return "–"
    microseconds, which = machine.bound(record["machine"]["peak"], row["facts"])
    return f"{100 * microseconds / row['own']['min']:.0f} % {which}"


def _wrapped(text, indent=""):
    """A paragraph or list item over lines of the pages' width."""
    return textwrap.fill(text, _COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


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


def compact_table(record):
    """One line a model: ingot's p50, and its ratio to each peer that is not ingot's; the best peer's is bold."""
    keys = [key for key in _keys(record) if is_rival(BY_KEY[key])]
    rows = []
    for row in record["rows"]:
        own = row["own"]
        if "p50" not in own:
            rows.append([_title(row), own.get("reason", "not measured"), "–", *["–"] * len(keys), "–"])
            continue
        best = best_peer(row)
        cells = []
        for key in keys:
            side = row["peers"].get(key, {})
            text = _ratio_text(side) if "ratio" in side else "no" if "reason" in side else "–"
            cells.append(f"**{text}**" if best and best[0] == key else text)
        memory = [row["peers"][key]["peak_rss_mb"] for key in keys if "peak_rss_mb" in row["peers"].get(key, {})]
        rows.append([_title(row), time_text(own["p50"]), _share(record, row), *cells,
                     f"{own['peak_rss_mb']:.0f} / {min(memory):.0f}" if memory else f"{own['peak_rss_mb']:.0f} / –"])
    return _markdown(["model", "p50", "of peak", *(f"× {BY_KEY[key].title}" for key in keys), "peak RSS MB: ingot / least peer"],
                     rows)


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
                lines.append(_wrapped(f"- {BY_KEY[key].title} on {_title(row)}: {side['reason']}", "  "))
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
        rows.setdefault(row.get("ingot", record["versions"]["ingot"]), []).append(row["model"])
    if not rows:
        return record["versions"]["ingot"]
    most = max(rows, key=lambda commit: len(rows[commit]))
    others = "; ".join(f"{commit}: {', '.join(models)}" for commit, models in rows.items() if commit != most)
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
    return _wrapped(
        f"{record['date']}; {cpu['name']} (family {cpu['family']}, model {cpu['model']}, {cpu['isa']}), {facts['cpus']} CPUs, "
        f"{facts['memory_gib']:.0f} GiB; {versions}. {setting(record)}; peaks measured in the same run: "
        f"{peak['gflops']:.0f} GFLOP/s, {peak['read_gbs'][-1][1]:.1f} GB/s from memory.{how}")


def document(record):
    """All tables of one record."""
    return "\n\n".join([heading(record), summary(record), main_table(record), *_details(record)]) + "\n"


def _details(record):
    """What the tables of the summary page leave out: each runtime, compile times and memory, failures."""
    parts = ["p50 of every runtime and how many times ingot's that is (above 1: ingot is faster):", peer_table(record),
             "Compile time in ms / peak resident memory in MB of each process (ingot: extraction and compilation of the `.pt` "
             "file;\nits memory is that of running the `.ingot` file):", cost_table(record)]
    refused = refusals(record)
    if refused:
        parts += ["Not to be had:", refused]
    return parts


def setting(record):
    """What distinguishes the runs of a page, in a few words."""
    options = record["options"]
    threads = f"{options['threads']} thread{'s' if options['threads'] > 1 else ''}"
    return f"{options['precision']}, {threads}" + (f", batch × {options['batch']}" if options["batch"] > 1 else "")


def sections(records):
    """What stands between the markers, by page of docs/.

    The summary page has the plot and the first record's table, and a compact one of each other record; the page of tables has
    what these leave out. Headings are one level below the page's sections there, so that it can keep other machines' beside it.
    """
    first, *others = records
    short = [f"## {setting(first)}", "![ratios of every peer's time to ingot's](performance.svg)", heading(first), summary(first),
             main_table(first)]
    full = [f"### {setting(first)}", heading(first), *_details(first)]
    for record in others:
        short += [f"## {setting(record)}", heading(record), summary(record), compact_table(record)]
        full += [f"### {setting(record)}", heading(record), summary(record), main_table(record), *_details(record)]
    return {SUMMARY_PAGE: "\n\n".join(short) + "\n", TABLES_PAGE: "\n\n".join(full) + "\n"}


def replace_section(text, section):
    """`text` with what is between the markers replaced.

    Raises:
      ValueError: the markers are not there.
    """
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin:
        raise ValueError(f"no {BEGIN} … {END} in it")
    return text[:begin + len(BEGIN)] + "\n" + section + text[end:]
