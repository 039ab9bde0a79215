"""The modules of PyTorch's own test/lazy/test_extract_compiled_graph.py, written anew.

Each takes 2x3 float32 arguments. `tests/lazy` holds every backend to them.
"""

import torch
from torch import nn

from tools.models.case import Built, Case

SHAPE = (2, 3)


class Sub(nn.Module):
    """A plain pointwise op."""

    def forward(self, a, b):
        return a - b


class ConstScale(nn.Module):
    """A Python number becomes an operand."""

    def forward(self, a):
        return a * 2


class Addcmul(nn.Module):
    """A scalar keyword: data, not structure, so that two values share one executable."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, a, b, c):
        return torch.addcmul(a, b, c, value=self.value)


class ReturnMulti(nn.Module):
    """Two results."""

    def forward(self, a, b):
        return b + 1, a - 1


class ReturnDupTensor(nn.Module):
    """One tensor returned twice."""

    def forward(self, a, b):
        c = a + b
        return a - b, c, a + 1, c


class InplaceUpdate(nn.Module):
    """The first argument is updated for the caller to see."""

    def forward(self, a, b):
        a.sub_(b)
        return b - 1, b + 1


class EagerTensor(nn.Module):
    """A fresh random draw at every call."""

    def forward(self, a):
        b = torch.randn(2, 3)
        return a + b


class ReturnEagerTensorOnDefaultDevice(nn.Module):
    """No argument; the result is a literal."""

    def forward(self):
        return torch.tensor((2, 3), dtype=torch.float32)


def _case(name, summary, make, num_args, **flags):
    def build(_scale):
        return Built(make().eval(), tuple(torch.randn(SHAPE) for _ in range(num_args)))

    return Case(name, summary, build, **flags)


CASES = (
    _case("sub", "a - b", Sub, 2),
    _case("const_scale", "a * 2", ConstScale, 1),
    _case("addcmul", "addcmul(a, b, c, value=5)", lambda: Addcmul(5), 3),
    _case("addcmul_value7", "addcmul(a, b, c, value=7)", lambda: Addcmul(7), 3),
    _case("return_multi", "b + 1, a - 1", ReturnMulti, 2),
    _case("return_dup_tensor", "a - b, c, a + 1, c with c = a + b", ReturnDupTensor, 2),
    _case("inplace_update", "a.sub_(b); b - 1, b + 1", InplaceUpdate, 2),
    _case("eager_tensor", "a + randn(2, 3)", EagerTensor, 1, fresh_draws=True),
    _case("return_eager_tensor_on_default_device", "tensor((2, 3))",
          ReturnEagerTensorOnDefaultDevice, 0),
    # The trace above keeps the literal as a constant; the script makes it anew at every call with
    # aten::tensor, which writes the values without a dispatched op that a recorder could see.
    _case("return_eager_tensor_scripted", "tensor((2, 3)), scripted",
          ReturnEagerTensorOnDefaultDevice, 0, scripted=True),
)
