"""Models made of torch.nn only: a multilayer perceptron, an LSTM, elementwise work, a decoder block."""

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


class Pointwise(nn.Module):
    """A chain of elementwise operations, then the mean of each row."""

    def __init__(self, columns):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(columns) + 0.5)
        self.shift = nn.Parameter(torch.randn(columns))

    def forward(self, x):
        gate = torch.sigmoid(x * self.scale + self.shift)
        bell = torch.exp(-0.5 * x * x)
        return (torch.tanh(x) * gate + torch.relu(bell - 0.25)).mean(-1)


class RmsNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight, over the last axis."""

    def __init__(self, features, epsilon=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(features) + 0.5)
        self.epsilon = epsilon

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon))


class DecoderBlock(nn.Module):
    """A block of a Llama-like decoder: RMSNorm, rotary positions, grouped-query causal attention, SwiGLU."""

    def __init__(self, features, heads, groups, hidden, tokens):
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, features // heads
        self.attention_norm, self.mlp_norm = RmsNorm(features), RmsNorm(features)
        self.query = nn.Linear(features, features, bias=False)
        self.key = nn.Linear(features, groups * self.size, bias=False)
        self.value = nn.Linear(features, groups * self.size, bias=False)
        self.output = nn.Linear(features, features, bias=False)
        self.gate = nn.Linear(features, hidden, bias=False)
        self.up = nn.Linear(features, hidden, bias=False)
        self.down = nn.Linear(hidden, features, bias=False)
        frequencies = 10000.0 ** (-torch.arange(0, self.size, 2).float() / self.size)
        angles = torch.outer(torch.arange(tokens).float(), frequencies).repeat(1, 2)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def _rotated(self, x):
        low, high = x.chunk(2, dim=-1)
        return x * self.cos + torch.cat((-high, low), dim=-1) * self.sin

    def _split(self, x, heads):
        return x.view(x.shape[0], x.shape[1], heads, self.size).transpose(1, 2)

    def _shared(self, x):
        """Each key or value head once for every query head of its group."""
        batch, groups, tokens, size = x.shape
        copies = self.heads // groups
        return x[:, :, None].expand(batch, groups, copies, tokens, size).reshape(
            batch, self.heads, tokens, size)

    def _attend(self, x):
        query = self._rotated(self._split(self.query(x), self.heads))
        key = self._rotated(self._split(self.key(x), self.groups))
        value = self._split(self.value(x), self.groups)
        mixed = nn.functional.scaled_dot_product_attention(
            query, self._shared(key), self._shared(value), is_causal=True)
        return self.output(mixed.transpose(1, 2).reshape(x.shape))

    def forward(self, x):
        x = x + self._attend(self.attention_norm(x))
        y = self.mlp_norm(x)
        return x + self.down(nn.functional.silu(self.gate(y)) * self.up(y))


def _pointwise(scale):
    rows, columns = {"small": (8, 32), "full": (512, 1024)}[scale]
    return Built(Pointwise(columns).eval(), (torch.randn(rows, columns),))


def _llama_block(scale):
    features, heads, groups, hidden, tokens = {
        "small": (64, 4, 2, 160, 16), "full": (1024, 16, 4, 2816, 128)}[scale]
    module = DecoderBlock(features, heads, groups, hidden, tokens).eval()
    return Built(module, (torch.randn(1, tokens, features),))


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
    Case("pointwise", "elementwise chain and the mean of each row; full: 512x1024", _pointwise),
    Case("llama_block", "RMSNorm, RoPE, grouped-query attention, SwiGLU; full: 1x128x1024",
         _llama_block),
    Case("lstm", "2 layers, batch first, zero initial state; full: 1x100x256", _lstm),
)
