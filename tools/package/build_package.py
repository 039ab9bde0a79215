"""Makes the archive of one folder: a program, the plugins beside it, and the shared libraries that these need.

Usage: build_package.py --patchelf=P --folder=NAME --program=F --out=F.tar.gz [--plugin=F…] [--file=F…]

The folder needs nothing but glibc of the machine it is copied to, and no LD_LIBRARY_PATH: run paths are $ORIGIN. LibTorch's
libraries are copied like all others when a plugin needs them (434 MB). The same inputs give the same bytes.
"""

import argparse
import gzip
import pathlib
import re
import shutil
import tarfile
import tempfile

from third_party.patchelf import elf

# glibc must be that of the machine's kernel and loader; all else is brought along.
_GLIBC = re.compile(r"^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv))\.so")


def assemble(folder: pathlib.Path, patchelf: str, program: pathlib.Path, plugins: list[pathlib.Path], files: list[pathlib.Path]) -> None:
    elves = [elf.copy(patchelf, path, folder / path.name) for path in [program, *plugins]]
    elves += elf.copy_libraries(patchelf, elves, folder, lambda name: _GLIBC.match(name) is not None)
    for item in elves:
        item.set_run_path(["$ORIGIN"])
    for path in files:
        if (folder / path.name).exists():
            raise SystemExit(f"build_package: two files are called {path.name}")
        shutil.copyfile(path, folder / path.name)


def write_archive(folder: pathlib.Path, out: pathlib.Path) -> None:
    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime = entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    with open(out, "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for path in sorted(folder.iterdir()):
                archive.add(path, f"{folder.name}/{path.name}", filter=plain)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--patchelf", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    for name in ("--plugin", "--file"):
        parser.add_argument(name, type=pathlib.Path, action="append", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / options.folder
        folder.mkdir()
        assemble(folder, options.patchelf, options.program, options.plugin, options.file)
        write_archive(folder, options.out)


if __name__ == "__main__":
    main()
