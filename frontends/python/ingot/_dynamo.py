"""The backend of `torch.compile(model, backend="ingot")`.

Dynamo hands over one graph a region (it breaks regions where Python must run) with guards of its own, and weights as inputs.
Here weights become constants of the compiled graph again, so that backends may pack them; a graph whose weights keep changing
takes them as arguments. With gradients, AOTAutograd splits each region into a forward and a backward graph, both compiled.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from ingot._compiled import CompiledModule

# So many times a graph is made anew because weights had changed; then weights become arguments.
_MAX_WEIGHT_CHANGES = 2


class _WithWeights(torch.nn.Module):
    """A region with some of its inputs fixed: they are buffers, which the recorder looks after."""

    def __init__(self, region: torch.fx.GraphModule, count: int, weights: Mapping[int, torch.Tensor]) -> None:
        super().__init__()
        self.region = region
        self._count = count
        self._order = [(index, f"input_{index}") for index in weights]
        for index, name in self._order:
            self._buffers[name] = weights[index]
        self._free = [index for index in range(count) if index not in weights]

    def forward(self, *free: Any) -> Any:
        args: list[Any] = [None] * self._count
        for index, value in zip(self._free, free):
            args[index] = value
        for index, name in self._order:
            args[index] = self._buffers[name]
        return self.region(*args)


@dataclasses.dataclass(frozen=True)
class _Bound:
    """A region with the weights of a call."""

    module: CompiledModule
    held: list[tuple[int, torch.Tensor]]  # by position among the inputs
    free: list[int]


class _Region:
    """One region of Dynamo's, callable with all of its inputs."""

    def __init__(self, region: torch.fx.GraphModule, weights: Sequence[int], options: Mapping[str, Any]) -> None:
        self._region = region
        self._weights = list(weights)
        self._options = options
        self._bound: _Bound | None = None
        self._made_anew = 0

    def __call__(self, *args: Any) -> Any:
        bound = self._bound
        if bound is None or any(args[index] is not tensor for index, tensor in bound.held):
            bound = self._bind(args)
        result = bound.module(*[args[index] for index in bound.free])
        if bound.held and bound.module.extractions - len(bound.module.graphs) >= _MAX_WEIGHT_CHANGES:
            self._weights = []
            self._bound = None
        return result

    def _bind(self, args: Sequence[Any]) -> _Bound:
        self._made_anew += 1
        if self._made_anew > 1 + _MAX_WEIGHT_CHANGES:
            self._weights = []
        weights = {index: args[index] for index in self._weights}
        free = [index for index in range(len(args)) if index not in weights]
        self._bound = _Bound(CompiledModule(_WithWeights(self._region, len(args), weights), self._options),
                             list(weights.items()), free)
        return self._bound


def _is_weight(node: torch.fx.Node, example: Any) -> bool:
    if isinstance(example, torch.nn.Parameter):
        return True
    return bool(node.meta.get("tensor_dict", {}).get("_dynamo_static_input_type"))


def _compile_flat(region: torch.fx.GraphModule, _: Sequence[Any], *, options: Mapping[str, Any]) -> Callable[..., Any]:
    from functorch.compile import make_boxed_func

    return make_boxed_func(CompiledModule(region, options))


def backend(region: torch.fx.GraphModule, example_inputs: Sequence[Any], *, options: Mapping[str, Any] | None = None,
            mode: str | None = None) -> Callable[..., Any]:
    """Compiles one region. `options`: those of ingot.extract_compiled_graph; `mode` is taken and has no effect."""
    options = dict(options or {})
    tensors = [value for value in example_inputs if isinstance(value, torch.Tensor)]
    tensors += list(region.parameters())
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        from torch._dynamo.backends.common import aot_autograd

        return aot_autograd(fw_compiler=functools.partial(_compile_flat, options=options))(region, example_inputs)
    placeholders = [node for node in region.graph.nodes if node.op == "placeholder"]
    weights = [index for index, (node, example) in enumerate(zip(placeholders, example_inputs)) if _is_weight(node, example)]
    return _Region(region, weights, options)
