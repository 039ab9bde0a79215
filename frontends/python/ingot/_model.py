"""A model as the recorder needs it: a function on clones, and the tensors of it that a call changes.

The recorder sees what LibTorch does. What only Python sees is looked after here: buffers that a call rebinds, attributes
that it changes, and memory that Python reads past LibTorch's operators.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ingot._errors import FailedPreconditionError, InvalidArgumentError

_ATOMS = (bool, int, float, complex, str, bytes, type(None))
_recording = threading.RLock()


def check_model(model: Any) -> None:
    if isinstance(model, type) or not callable(model):
        what = f"the class {model.__qualname__}" if isinstance(model, type) else f"a {type(model).__qualname__}"
        raise InvalidArgumentError(f"the model is {what}: pass a torch.nn.Module, a GraphModule, a ScriptModule or a function")


def name_of(model: Any) -> str:
    if isinstance(model, torch.jit.ScriptModule):
        return model.original_name
    return getattr(model, "__name__", None) or type(model).__name__


class _ReadsOutsideOperators(TorchFunctionMode):
    """Refuses to hand memory to Python: the recorder would take the numbers for constants."""

    _READERS = {
        torch.Tensor.numpy: "numpy", torch.Tensor.tolist: "tolist", torch.Tensor.__array__: "__array__",
        torch.Tensor.data_ptr: "data_ptr", torch.Tensor.__dlpack__: "__dlpack__",
        torch.Tensor.untyped_storage: "untyped_storage",
    }

    def __init__(self, own: set[int]) -> None:
        super().__init__()
        self._own = own

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = self._READERS.get(func)
        if name is not None and not (args and id(args[0]) in self._own):
            raise FailedPreconditionError(
                f"the model reads a tensor's memory by Tensor.{name}(): a graph cannot depend on values; keep to torch operators")
        return func(*args, **(kwargs or {}))


@dataclasses.dataclass
class _Slot:
    """A place in a module that holds a tensor."""

    owner: torch.nn.Module
    key: str
    name: str  # "layer1.bn.running_mean"
    is_parameter: bool
    tensor: torch.Tensor

    def _place(self) -> dict[str, Any] | None:
        if isinstance(self.owner, torch.jit.ScriptModule):
            return None
        for place in (self.owner._parameters, self.owner._buffers):
            if self.key in place:
                return place
        return self.owner.__dict__

    def get(self) -> Any:
        place = self._place()
        return getattr(self.owner, self.key, None) if place is None else place.get(self.key)

    def set(self, tensor: torch.Tensor) -> None:
        place = self._place()
        if place is None:
            self.owner._c.setattr(self.key, tensor)
        else:
            place[self.key] = tensor


def _slots(model: Any) -> list[_Slot]:
    if not isinstance(model, torch.nn.Module):
        return []
    slots = []
    for path, owner in model.named_modules():
        prefix = f"{path}." if path else ""
        for key, tensor in owner.named_parameters(recurse=False):
            slots.append(_Slot(owner, key, prefix + key, True, tensor))
        for key, tensor in owner.named_buffers(recurse=False):
            slots.append(_Slot(owner, key, prefix + key, False, tensor))
        if not isinstance(owner, torch.jit.ScriptModule):
            slots += [_Slot(owner, key, prefix + key, False, value)
                      for key, value in owner.__dict__.items() if isinstance(value, torch.Tensor)]
    return slots


def _attributes(model: Any) -> dict[tuple[int, str], tuple[torch.nn.Module, str, Any]]:
    """Numbers and texts that the modules hold, for telling whether a call changed them."""
    if not isinstance(model, torch.nn.Module):
        return {}
    return {(id(owner), key): (owner, prefix, value)
            for prefix, owner in model.named_modules() if not isinstance(owner, torch.jit.ScriptModule)
            for key, value in owner.__dict__.items() if isinstance(value, _ATOMS) and not _is_fx_own(owner, key)}


def _is_fx_own(owner: torch.nn.Module, key: str) -> bool:
    # A GraphModule writes its code when it first runs.
    return isinstance(owner, torch.fx.GraphModule) and key.startswith("_")


def _state(model: torch.nn.Module) -> list[Any]:
    """What of a module decides what it computes, but for its tensors' contents."""
    return [[(slot.name, id(slot.tensor)) for slot in _slots(model)], [id(module) for module in model.modules()],
            [(place, value) for place, (_, _, value) in _attributes(model).items()]]


@contextlib.contextmanager
def _as_compiling() -> Iterator[None]:
    """`torch.compiler.is_compiling()` holds: models then keep off branches that depend on values."""
    before = torch.compiler._is_compiling_flag
    torch.compiler._is_compiling_flag = True
    try:
        yield
    finally:
        torch.compiler._is_compiling_flag = before


def _version(tensor: torch.Tensor) -> int | None:
    return None if tensor.is_inference() else tensor._version


class Model:
    """One model, recorded as often as needed. Recordings of the process take turns: a module is one object for all threads."""

    def __init__(self, model: Any) -> None:
        check_model(model)
        self.call: Callable[..., Any] = model
        self.name = name_of(model)

    @contextlib.contextmanager
    def recording(self) -> Iterator[_Recording]:
        """What is recorded inside leaves the module as it was."""
        with _recording:
            watch = _Recording(self.call)
            try:
                yield watch
            finally:
                watch.restore()


class _Recording:
    """Watches a module while it is recorded."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._slots = _slots(model)
        self._attributes = _attributes(model)
        self._before = [_version(slot.tensor) for slot in self._slots]
        self._contents: dict[int, torch.Tensor] = {}
        self._changed: set[int] = set()
        # Tensors that calls write: they become arguments of the graph, so that it updates them in place, as eager does.
        self.written: list[_Slot] = []

    def run(self, clones: list[torch.Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call, with `clones` in the places of the `written` tensors."""
        own = {id(slot.tensor) for slot in self._slots}
        clone_of = {id(slot.tensor): clone for slot, clone in zip(self.written, clones)}
        places = [slot for slot in self._slots if id(slot.tensor) in clone_of]
        for slot in places:
            slot.set(clone_of[id(slot.tensor)])
        with _ReadsOutsideOperators(own), _as_compiling():
            result = self._model(*args, **kwargs)
            for slot in places:
                _assign(slot, clone_of[id(slot.tensor)])
        self._check_attributes()
        self._compare_contents()
        return result

    def watch_contents(self) -> bool:
        """From now on compares what buffers hold: some operators (batch norm) write without raising the version.

        False if it did so already.
        """
        if self._contents:
            return False
        self._contents = {id(slot.tensor): slot.tensor.detach().clone() for slot in self._slots if not slot.is_parameter}
        return bool(self._contents)

    def _compare_contents(self) -> None:
        # Not part of what the model does: the recorder must not see it.
        torch.autograd._enable_record_function(False)
        try:
            for slot in self._slots:
                before = self._contents.get(id(slot.tensor))
                if before is not None and not torch.equal(before, slot.tensor):
                    self._changed.add(id(slot.tensor))
        finally:
            torch.autograd._enable_record_function(True)

    def find_written(self) -> bool:
        """Whether calls write tensors that `written` did not have yet."""
        known = {id(slot.tensor): slot for slot in self.written}
        count = len(known)
        for slot, version in zip(self._slots, self._before):
            if slot.get() is not slot.tensor or _version(slot.tensor) != version or id(slot.tensor) in self._changed:
                known.setdefault(id(slot.tensor), slot)
        self.restore()
        self.written = list(known.values())
        return len(known) > count

    def weights(self, captured: list[torch.Tensor]) -> list[tuple[str, torch.Tensor]]:
        """Names for the tensors that the graph holds as constants."""
        names = {id(slot.tensor): slot.name for slot in self._slots}
        return [(names.get(id(tensor), f"captured tensor {index}"), tensor) for index, tensor in enumerate(captured)]

    def watch(self) -> tuple[list[dict[str, Any]], Callable[[], bool] | None]:
        """The dicts that a change of the model's mode, attributes, tensors or submodules touches, and what tells if it did."""
        model = self._model
        if not isinstance(model, torch.nn.Module):
            return [], None
        owners = [owner for owner in model.modules() if not isinstance(owner, torch.jit.ScriptModule)]
        dicts = [d for owner in owners for d in (owner.__dict__, owner._parameters, owner._buffers, owner._modules)]
        before = _state(model)
        return dicts, lambda: _state(model) == before

    def restore(self) -> None:
        for slot in self._slots:
            if slot.get() is not slot.tensor:
                slot.set(slot.tensor)
        for place, (owner, _, value) in _attributes(self._model).items():
            if place not in self._attributes:
                del owner.__dict__[place[1]]
        for (_, key), (owner, _, value) in self._attributes.items():
            owner.__dict__[key] = value
        self._before = [_version(slot.tensor) for slot in self._slots]

    def _check_attributes(self) -> None:
        now = _attributes(self._model)
        for place, (owner, prefix, value) in now.items():
            before = self._attributes.get(place)
            if before is None or before[2] is not value and (type(before[2]) is not type(value) or before[2] != value):
                name = f"{prefix}.{place[1]}" if prefix else place[1]
                raise FailedPreconditionError(
                    f"the call sets the model's attribute '{name}' to {repr(value)[:40]}, which a graph cannot do: keep it in a buffer")


def _assign(slot: _Slot, clone: torch.Tensor) -> None:
    """A tensor that the call put in the place of another becomes an update of it in place."""
    now = slot.get()
    if now is clone:
        return
    if not isinstance(now, torch.Tensor) or now.shape != clone.shape or now.dtype != clone.dtype:
        raise FailedPreconditionError(
            f"the call replaces the model's tensor '{slot.name}' by one of another shape or dtype: a graph keeps them")
    clone.copy_(now)
