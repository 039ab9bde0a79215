"""What each part of the repository may name, in its BUILD files and in its #includes.

Arrows only go down: tools -> frontends -> core <- backends/sdk <- backends/*. Because a part may only *name* parts that are
themselves below it, no chain of dependencies can lead up either. The longest matching folder's rule counts.
"""

import re
from typing import NamedTuple

LIBTORCH = "@libtorch"
ONEDNN = "@onednn"


class Layer(NamedTuple):
    """`internal`: folders it may name. `external`: which of LibTorch and oneDNN it may name."""

    internal: tuple[str, ...]
    external: tuple[str, ...] = ()


_PLUGIN_BASE = ("core", "backends/sdk", "third_party")

LAYERS = {
    "core": Layer(("core", "third_party")),
    "backends/sdk": Layer(_PLUGIN_BASE),
    "backends/reference": Layer(_PLUGIN_BASE + ("backends/reference",)),
    "backends/onednn": Layer(_PLUGIN_BASE + ("backends/onednn",), (ONEDNN,)),
    "backends/torchscript": Layer(_PLUGIN_BASE + ("backends/torchscript",), (LIBTORCH,)),
    "frontends": Layer(("core", "frontends", "third_party"), (LIBTORCH,)),
    "frontends/archive": Layer(("core", "frontends/archive", "third_party")),
    "frontends/functional": Layer(("core", "frontends/functional", "third_party")),
    "frontends/pt2": Layer(("core", "frontends/archive", "frontends/functional", "frontends/pt2", "third_party")),
}

# Labels that only load macros or share test data: below every layer.
_COMMON = ("tools/lint", "tests/layering")

# What stands in `data` is opened at run time: tests load plugins and models that way. Nothing is compiled or linked through
# it, and the closure tests show that no library relies on it.
_DATA = re.compile(r"\bdata = (\[[^\]]*\])")
_LABEL = re.compile(r"""["'](?:(@[\w.-]+)|//([\w./+-]*))""")
_INCLUDE = re.compile(r"""^\s*#\s*include\s*([<"])([^>"]+)[>"]""")
_TORCH_INCLUDE = re.compile(r"^(torch|ATen|c10|caffe2)/")
_ONEDNN_INCLUDE = re.compile(r"^(oneapi/)?dnnl")
_OWN_FOLDERS = ("core", "backends", "frontends", "tools", "tests", "examples", "third_party")


def layer_of(path: str) -> Layer | None:
    """The rule for a file, or None when it may name anything (tools, tests, examples)."""
    matches = [folder for folder in LAYERS if path.startswith(folder + "/")]
    return LAYERS[max(matches, key=len)] if matches else None


def _below(name: str, folders: tuple[str, ...]) -> bool:
    return any(name == folder or name.startswith(folder + "/") for folder in folders)


def names_in_build(line: str) -> list[str]:
    """The folders ("core/ir") and externals ("@libtorch") that a line of a BUILD file names."""
    code = line.split("#", 1)[0]
    return [external or folder for external, folder in _LABEL.findall(code)]


def names_in_source(line: str) -> list[str]:
    """The folders and externals that an #include names."""
    match = _INCLUDE.match(line)
    if not match:
        return []
    path = match.group(2)
    if _TORCH_INCLUDE.match(path):
        return [LIBTORCH]
    if _ONEDNN_INCLUDE.match(path):
        return [ONEDNN]
    return [path.rsplit("/", 1)[0]] if path.split("/", 1)[0] in _OWN_FOLDERS else []


def violations(path: str, text: str) -> list[str]:
    """One line for each name in the file that its layer may not use."""
    layer = layer_of(path)
    if layer is None:
        return []
    is_build = path.endswith((".bzl", "BUILD"))
    if is_build:
        text = _DATA.sub(lambda match: "\n" * match.group(0).count("\n"), text)
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        for name in names_in_build(line) if is_build else names_in_source(line):
            if name in (LIBTORCH, ONEDNN):
                allowed = name in layer.external
            else:
                # The empty folder is the root package: package groups and LICENSE. "conditions" and "visibility" are Bazel's own.
                allowed = name.startswith("@") or name in ("", "conditions", "visibility") or _below(
                    name, layer.internal + _COMMON)
            if not allowed and not _is_visibility(line, is_build):
                found.append(f"{path}:{number}: may not name {name}")
    return found


def _is_visibility(line: str, is_build: bool) -> bool:
    # A visibility list names who may look down; that is no dependency.
    return is_build and (":__subpackages__" in line or ":__pkg__" in line)
