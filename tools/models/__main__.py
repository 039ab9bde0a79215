"""Command line of tools.models."""

import argparse
import multiprocessing
import os
import sys
import time

from tools.models.case import FORMATS, SCALES, SETS


def _names(text):
    return [name for name in (part.strip() for part in text.split(",")) if name]


def _formats(text):
    chosen = _names(text)
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown or not chosen:
        raise argparse.ArgumentTypeError(f"choose from {','.join(FORMATS)}, not {text!r}")
    return [name for name in FORMATS if name in chosen]


def parse_args(argv):
    """Returns the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.models",
        description="Export ingot's models: NAME.pt (TorchScript), NAME.pt2 (torch.export) and "
        "NAME.npz (forward arguments arg0, arg1, ...).")
    parser.add_argument("--out", metavar="DIR", help="folder to write to; made if missing")
    parser.add_argument("--set", choices=SETS, default="models", dest="set_name",
                        help="models: real architectures; lazy: the 2x3 modules of tests/lazy; zoo: "
                        "many more architectures, for finding what does not run yet "
                        "(default: %(default)s)")
    parser.add_argument("--scale", choices=SCALES, default="small",
                        help="full: the real sizes and MiniLM's real weights; small: the same "
                        "architectures in kilobytes; the lazy set has one scale "
                        "(default: %(default)s)")
    parser.add_argument("--only", type=_names, default=[], metavar="A,B", help="these names only")
    parser.add_argument("--formats", type=_formats, default=list(FORMATS), metavar="F,G",
                        help=f"of {','.join(FORMATS)} (default: all)")
    parser.add_argument("--list", action="store_true", help="list the names and exit")
    args = parser.parse_args(argv)
    if not args.list and not args.out:
        parser.error("--out DIR is needed (or --list)")
    return args


def _export_in_child(case, args, pipe):
    """Body of the child process: sends ("ok", file names) or ("error", one line)."""
    from tools.models.export import export

    try:
        pipe.send(("ok", export(case, args.scale, args.out, args.formats)))
    except Exception as error:  # pylint: disable=broad-except
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        pipe.send(("error", line))


def _export_isolated(case, args):
    """Exports one case in a forked process.

    TorchScript numbers the classes that it has seen in a process, and the numbers go into the file:
    a process a case makes the bytes independent of what else was exported, and gives the memory
    back. Forking keeps the imports, which take longer than most exports.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_export_in_child, args=(case, args, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        return "error", f"the exporting process ended with code {process.exitcode}"
    finally:
        process.join()


def _quiet_libraries():
    """Keeps libraries offline and silent; must run before they are imported."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def main(argv=None):
    """Runs the command line; returns the exit code (0 ok, 2 usage, 5 an export failed)."""
    args = parse_args(argv)
    terminal = sys.stderr.isatty()

    def progress(text):
        if terminal:
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    _quiet_libraries()
    progress("loading torch and transformers")
    try:
        from tools.models import catalogue
        if "pt2" in args.formats and not args.list:
            import torch._dynamo  # pylint: disable=unused-import  # else imported in every child
    except ImportError as error:
        print(f"tools.models: {error}; run it with the interpreter that third_party/python/venv.sh "
              "prints", file=sys.stderr)
        return 5
    progress("")
    try:
        cases = catalogue.select(args.set_name, args.only)
    except ValueError as error:
        print(f"tools.models: {error}", file=sys.stderr)
        return 2
    if args.list:
        width = max(len(case.name) for case in cases)
        for case in cases:
            print(f"{case.name:{width}}  {case.summary}")
        return 0
    try:
        os.makedirs(args.out, exist_ok=True)
    except OSError as error:
        print(f"tools.models: cannot make {args.out}: {error.strerror}", file=sys.stderr)
        return 2
    failed = 0
    for number, case in enumerate(cases, 1):
        progress(f"[{number}/{len(cases)}] {case.name}")
        start = time.monotonic()
        status, detail = _export_isolated(case, args)
        progress("")
        if status == "ok":
            print(f"{case.name}: {' '.join(detail)} ({time.monotonic() - start:.1f} s)")
        else:
            failed += 1
            print(f"tools.models: {case.name}: {detail}", file=sys.stderr)
    return 5 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
