"""What the cases of the set `zoo` share: architectures that nobody tuned ingot for, at two sizes.

The set answers one question: does a model that was not tried before run, and give eager's numbers? So
configurations are small, arguments are plain, and nothing is left out because it is awkward.
"""

import dataclasses

import torch
from torch import nn

from tools.models.case import Built, Case


@dataclasses.dataclass(frozen=True)
class Size:
    """How large a case is built.

    Attributes:
      hidden: features of a token.
      layers: blocks a stack.
      heads: attention heads.
      inner: features inside of a block's feed-forward part.
      vocabulary: token ids.
      tokens: length of a sequence.
      side: height and width of an image.
      samples: length of a waveform.
    """

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    tokens: int
    side: int
    samples: int


SIZES = {
    "small": Size(hidden=64, layers=2, heads=4, inner=96, vocabulary=128, tokens=16, side=64,
                  samples=1600),
    "full": Size(hidden=512, layers=4, heads=8, inner=2048, vocabulary=2048, tokens=128, side=224,
                 samples=16000),
}


class Called(nn.Module):
    """Calls a transformers model with its arguments by name, and returns its tensors as a tuple."""

    def __init__(self, model, names, **fixed):
        super().__init__()
        self.model, self.names, self.fixed = model, names, fixed

    def forward(self, *args):
        outputs = self.model(**dict(zip(self.names, args)), **self.fixed)
        leaves = torch.utils._pytree.tree_leaves(outputs)
        return tuple(leaf for leaf in leaves if isinstance(leaf, torch.Tensor))


def stir(module):
    """Gives biases, scales and running statistics values other than the initial zeros and ones.

    With those, a backend that drops one of them would go unnoticed.
    """
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() <= 1 and parameter.is_floating_point():
                parameter.add_(0.05 * torch.randn_like(parameter))
        for norm in module.modules():
            if isinstance(norm, nn.modules.batchnorm._NormBase) and norm.running_mean is not None:
                norm.running_mean.normal_(0.0, 0.1)
                norm.running_var.uniform_(0.5, 1.5)
    return module.eval()


def case(name, summary, build):
    """Returns a `Case` whose `build` takes a `Size` and returns (module, dict or tuple of arguments).

    With a dict, the module is a transformers model and is called by name; its values that are not
    tensors are fixed.
    """

    def built(scale):
        module, arguments = build(SIZES[scale])
        stir(module)
        if not isinstance(arguments, dict):
            return Built(module, tuple(arguments))
        tensors = {k: v for k, v in arguments.items() if isinstance(v, torch.Tensor)}
        fixed = {k: v for k, v in arguments.items() if k not in tensors}
        wrapped = Called(module, tuple(tensors), return_dict=False, **fixed).eval()
        return Built(wrapped, tuple(tensors.values()))

    return Case(name, summary, built)
