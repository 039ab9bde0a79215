"""Makes the wheel: the Python files, the extension module, the backend plugins, and the shared libraries these need.

Usage: build_wheel.py --version=V --version-header=H --patchelf=P --out=F.whl --license=F… --python=F… --extension=F --plugin=F…

Libraries of the base system (glibc, libstdc++) and torch's own stay out; the others are copied into ingot/lib. Run paths
become relative ones: within the wheel, and to torch's libraries beside it. The same inputs give the same bytes.
"""

import argparse
import base64
import hashlib
import pathlib
import re
import shutil
import tempfile
import zipfile

from third_party.patchelf import elf

_TORCH_VERSION = "2.13.0"
_TAG = "cp311-cp311-linux_x86_64"

# glibc, the compiler's run time, and what `import torch` has loaded.
_FROM_OUTSIDE = re.compile(
    r"^(ld-linux.*|lib(c|m|dl|rt|pthread|util|stdc\+\+|gcc_s)|libgomp|libtorch.*|libc10|libshm)\.so")


def bundle(tree: pathlib.Path, patchelf: str, extension: pathlib.Path, plugins: list[pathlib.Path]) -> None:
    """Puts extension module, plugins and what they need into the tree."""
    lib = tree / "ingot" / "lib"
    lib.mkdir(parents=True)
    module = elf.copy(patchelf, extension, tree / "ingot" / "_native.cpython-311-x86_64-linux-gnu.so")
    libraries = [elf.copy(patchelf, plugin, lib / plugin.name) for plugin in plugins]
    libraries += elf.copy_libraries(patchelf, [module, *libraries], lib, lambda name: _FROM_OUTSIDE.match(name) is not None)
    module.set_run_path(["$ORIGIN/lib", "$ORIGIN/../torch/lib"])
    for library in libraries:
        library.set_run_path(["$ORIGIN", "$ORIGIN/../../torch/lib"])


def write_metadata(tree: pathlib.Path, version: str, licenses: list[pathlib.Path]) -> None:
    info = tree / f"ingot-{version}.dist-info"
    (info / "licenses").mkdir(parents=True)
    for path in licenses:
        shutil.copyfile(path, info / "licenses" / path.name)
    names = "".join(f"License-File: {path.name}\n" for path in licenses)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: ingot\nVersion: {version}\n"
        "Summary: Extract a PyTorch model once, run the compiled graph many times\n"
        f"License-Expression: Apache-2.0\n{names}Requires-Python: >=3.11,<3.12\nRequires-Dist: torch=={_TORCH_VERSION}\n")
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nGenerator: ingot\nRoot-Is-Purelib: false\nTag: {_TAG}\n")
    (info / "entry_points.txt").write_text("[torch_dynamo_backends]\ningot = ingot._dynamo:backend\n")


def write_record(tree: pathlib.Path, version: str) -> None:
    record = tree / f"ingot-{version}.dist-info" / "RECORD"
    lines = []
    for path in sorted(p for p in tree.rglob("*") if p.is_file()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
        lines.append(f"{path.relative_to(tree)},sha256={digest},{path.stat().st_size}")
    lines.append(f"{record.relative_to(tree)},,")
    record.write_text("\n".join(lines) + "\n")


def zip_tree(tree: pathlib.Path, out: pathlib.Path) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in tree.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(str(path.relative_to(tree)), date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if ".so" in path.name else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", required=True)
    parser.add_argument("--version-header", type=pathlib.Path, required=True)
    parser.add_argument("--patchelf", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--extension", type=pathlib.Path, required=True)
    for name in ("--license", "--python", "--plugin"):
        parser.add_argument(name, type=pathlib.Path, action="append", default=[])
    options = parser.parse_args()

    match = re.search(r'kVersion\[\] = "([^"]+)"', options.version_header.read_text())
    version = options.version
    if match is None or match.group(1) != version:
        raise SystemExit(f"build_wheel: {options.version_header} says {match and match.group(1)}, the BUILD file {version}")
    with tempfile.TemporaryDirectory() as scratch:
        tree = pathlib.Path(scratch)
        bundle(tree, options.patchelf, options.extension, options.plugin)
        for path in options.python:
            shutil.copyfile(path, tree / "ingot" / path.name)
        write_metadata(tree, version, options.license)
        write_record(tree, version)
        zip_tree(tree, options.out)


if __name__ == "__main__":
    main()
