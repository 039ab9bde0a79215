"""Models made of torch.nn only: a multilayer perceptron and an LSTM."""

import torch
from torch import nn

from tools.models.case import Built, Case


class Mlp(nn.Module):
    """Linear, GELU, LayerNorm, Linear, sigmoid."""

    def __init__(self, features, hidden):
        super().__init__()
        self.up = nn.Linear(features, hidden)
        self.act = nn.GELU()
        self.norm = nn.LayerNorm(hidden)
        self.down = nn.Linear(hidden, features)

    def forward(self, x):
        return torch.sigmoid(self.down(self.norm(self.act(self.up(x)))))


def _mlp(scale):
    batch, features, hidden = {"small": (4, 16, 32), "full": (8, 64, 256)}[scale]
    module = Mlp(features, hidden).eval()
    return Built(module, (torch.randn(batch, features),))


def _lstm(scale):
    steps, features, hidden = {"small": (6, 16, 24), "full": (100, 256, 256)}[scale]
    module = nn.LSTM(features, hidden, num_layers=2, batch_first=True).eval()
    return Built(module, (torch.randn(1, steps, features),))


CASES = (
    Case("mlp", "Linear, GELU, LayerNorm, Linear, sigmoid; full: 8x64", _mlp),
    Case("lstm", "2 layers, batch first, zero initial state; full: 1x100x256", _lstm),
)
