"""Settings of this process, as `torch._lazy.config` has them.

They hold for extractions that begin afterwards; keywords of a call come before them.
"""

from __future__ import annotations

from ingot import _options

__all__ = ["get_backend", "get_force_fallback", "set_backend", "set_force_fallback"]


def set_force_fallback(configval: str) -> None:
    """Makes operators count as not supported, to test fallback: "aten::sub" (any overload), or several with commas.

    "" takes the setting back. Under the default policy (fallback forbidden) extraction of a model that uses one of them then
    raises UnimplementedError, whose text begins with the backend and "fallback: aten::sub=1".
    """
    _options.set_process_wide("force_fallback", configval or None)


def get_force_fallback() -> str:
    """The operators set by set_force_fallback; "" if none are."""
    return _options.process_wide("force_fallback") or ""


def set_backend(backend: str | None) -> None:
    """Chooses the backend: "onednn", "torchscript", "reference", "auto", a plugin's path, or several with commas.

    None takes the choice back: then INGOT_BACKEND counts, and without it "auto", the first backend that takes the whole graph.
    A backend that is not there (NotFoundError) or cannot be used (FailedPreconditionError) is an error of the next extraction.
    """
    _options.set_process_wide("backend", backend)


def get_backend() -> str | None:
    """The backend set by set_backend, or None."""
    return _options.process_wide("backend")
