"""Options, where they come from, and the sessions they make.

Precedence: keyword of the call > `ingot.config` and `ingot.set_backend` > environment (INGOT_BACKEND, …) > stored in the `.ingot`
file > default.
"""

from __future__ import annotations

import os
import pathlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ingot import _native
from ingot._errors import InvalidArgumentError

# What `extract_compiled_graph`, `compile` and `load` take as keywords.
NAMES = ("backend", "fallback", "force_fallback", "threads", "precision", "cache_bytes", "plugin_folders")

PLUGIN_FOLDER = str(pathlib.Path(__file__).parent / "lib")

_lock = threading.Lock()
_process_wide: dict[str, str] = {}
_sessions: dict[tuple[tuple[str, str], ...], _native.Session] = {}


def _text(name: str, value: Any) -> str:
    """An option's value as an options file would write it."""
    if isinstance(value, bool) or not isinstance(value, (str, int, os.PathLike, Sequence)):
        raise InvalidArgumentError(f"option {name} cannot be a {type(value).__name__}")
    if isinstance(value, (str, int, os.PathLike)):
        return str(value)
    if not all(isinstance(item, (str, os.PathLike)) for item in value):
        raise InvalidArgumentError(f"option {name} must be a str or a sequence of str")
    return ",".join(str(item) for item in value)


def _layer(options: Mapping[str, Any]) -> dict[str, str]:
    for name in options:
        if name == "seed":
            raise InvalidArgumentError("no option 'seed': calls draw from torch's generator; use torch.manual_seed or run(args, seed=…)")
        if name not in NAMES:
            raise InvalidArgumentError(f"no option {name!r}; there are {', '.join(NAMES)}")
    return {name: _text(name, value) for name, value in options.items() if value is not None}


def layers(options: Mapping[str, Any]) -> list[dict[str, str]]:
    """Option layers, strongest first; the wheel's own plugins are found after those of the user."""
    with _lock:
        process_wide = dict(_process_wide)
    result = [_layer(options), process_wide]
    folders = next((layer["plugin_folders"] for layer in result if "plugin_folders" in layer), None)
    folders = folders if folders is not None else os.environ.get("INGOT_PLUGIN_FOLDERS", "")
    result[0]["plugin_folders"] = ",".join(part for part in (folders, PLUGIN_FOLDER) if part)
    return result


def session(options: Mapping[str, Any], stored: Mapping[str, str] | None = None) -> _native.Session:
    """The session with these options, over those `stored` in a file. One a set of options and process: they share its compile cache."""
    wanted = layers(options)
    merged = {**wanted[1], **wanted[0]}
    environment = {k: v for k, v in os.environ.items() if k.startswith("INGOT_")}
    stored = dict(stored or {})
    key = (*sorted(merged.items()), ("", ""), *sorted(environment.items()), ("", ""), *sorted(stored.items()))
    with _lock:
        found = _sessions.get(key)
    if found is not None:
        return found
    made = _native.Session(wanted, stored)
    with _lock:
        return _sessions.setdefault(key, made)


def set_process_wide(name: str, value: Any) -> None:
    """Sets an option for all later extractions of this process; None takes the setting back."""
    text = None if value is None else _text(name, value)
    if text is not None:
        # Refused here rather than at the next extraction.
        _native.check_option(name, text)
    with _lock:
        _process_wide.pop(name, None)
        if text is not None:
            _process_wide[name] = text


def process_wide(name: str) -> str | None:
    with _lock:
        return _process_wide.get(name)
