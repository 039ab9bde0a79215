"""The exceptions of ingot: one class a status code."""

from __future__ import annotations

import enum


class StatusCode(enum.IntEnum):
    """What kind of error it is; the numbers are those of gRPC and Abseil."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15


class IngotError(RuntimeError):
    """What every function of ingot raises.

    `code` is the kind of error; `str(error)` is one line that says what failed, on which argument or node, and what to do.
    An error that the model itself raised while it was recorded is the `__cause__`.
    """

    code: StatusCode = StatusCode.UNKNOWN


class CancelledError(IngotError):
    """The call was cancelled."""

    code = StatusCode.CANCELLED


class InvalidArgumentError(IngotError, ValueError):
    """An argument, option or file content that cannot be taken, or that does not fit the graph."""

    code = StatusCode.INVALID_ARGUMENT


class DeadlineExceededError(IngotError, TimeoutError):
    """The call's timeout passed before it was done."""

    code = StatusCode.DEADLINE_EXCEEDED


class NotFoundError(IngotError, FileNotFoundError):
    """No such file or backend."""

    code = StatusCode.NOT_FOUND


class ResourceExhaustedError(IngotError, MemoryError):
    """Not enough memory."""

    code = StatusCode.RESOURCE_EXHAUSTED


class FailedPreconditionError(IngotError):
    """The model cannot be recorded as it is: it raised an error, or what it does depends on its arguments' values."""

    code = StatusCode.FAILED_PRECONDITION


class UnimplementedError(IngotError, NotImplementedError):
    """The chosen backend lacks an operator and fallback is forbidden, or a graph cannot hold what the model does."""

    code = StatusCode.UNIMPLEMENTED


class InternalError(IngotError):
    """A defect of ingot or of a backend."""

    code = StatusCode.INTERNAL


class DataLossError(IngotError):
    """A damaged or truncated file."""

    code = StatusCode.DATA_LOSS


_BY_CODE = {cls.code: cls for cls in IngotError.__subclasses__()}


def error_from_status(code: int, message: str) -> IngotError:
    """The exception for an absl::Status; called from C++."""
    try:
        status_code = StatusCode(code)
    except ValueError:
        status_code = StatusCode.UNKNOWN
    error = _BY_CODE.get(status_code, IngotError)(message)
    error.code = status_code
    return error
