"""Shared objects and executables as patchelf reads and changes them, and the copying of what they need."""

import collections.abc
import pathlib
import shutil
import subprocess

_SYSTEM_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")


class Elf:
    """One file of a tree that is being put together."""

    def __init__(self, patchelf: str, path: pathlib.Path) -> None:
        self._patchelf, self.path = patchelf, path

    def _run(self, *arguments: str) -> str:
        return subprocess.run([self._patchelf, *arguments, str(self.path)], check=True, capture_output=True, text=True).stdout

    def needed(self) -> list[str]:
        return self._run("--print-needed").split()

    def run_path(self) -> list[str]:
        return [folder for folder in self._run("--print-rpath").strip().split(":") if folder]

    def set_run_path(self, folders: list[str]) -> None:
        self._run("--set-rpath", ":".join(folders))


def copy(patchelf: str, source: pathlib.Path, target: pathlib.Path) -> Elf:
    shutil.copyfile(source, target)
    target.chmod(0o755)
    return Elf(patchelf, target)


def find_library(name: str, folders: list[str]) -> pathlib.Path:
    """The file called `name` in a file's run path or the system's folders. Exits with a message if there is none."""
    for folder in [*folders, *_SYSTEM_FOLDERS]:
        path = pathlib.Path(folder) / name
        if path.is_file():
            return path
    raise SystemExit(f"{name} is in none of {', '.join([*folders, *_SYSTEM_FOLDERS])}")


def copy_libraries(patchelf: str, elves: list[Elf], folder: pathlib.Path,
                   is_from_outside: collections.abc.Callable[[str], bool]) -> list[Elf]:
    """Copies the libraries that `elves` need, and those that these need, into `folder`; returns the copies.

    Libraries whose name `is_from_outside` are left to the machine that the tree will be on. Run paths stay as they are.
    """
    copies: list[Elf] = []
    todo = list(elves)
    while todo:
        elf = todo.pop()
        for name in elf.needed():
            if not is_from_outside(name) and not (folder / name).exists():
                library = copy(patchelf, find_library(name, elf.run_path()), folder / name)
                copies.append(library)
                todo.append(library)
    return copies
