"""Networks of torch.nn alone over sequences: recurrent, attention, causal convolutions, streaming, sound."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from tools.models.zoo import case


class Recurrent(nn.Module):
    """A recurrent layer, and a head over its last step."""

    def __init__(self, layer, features):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(features, 5)

    def forward(self, x):
        y, state = self.layer(x)
        state = state if isinstance(state, tuple) else (state,)
        return (self.head(y[:, -1]), y, *state)


class CellLoop(nn.Module):
    """LSTMCell and GRUCell, stepped by hand."""

    def __init__(self, features, hidden):
        super().__init__()
        self.first, self.second = nn.LSTMCell(features, hidden), nn.GRUCell(hidden, hidden)

    def forward(self, x):
        state, h, steps = None, None, []
        for step in x.unbind(1):
            state = self.first(step, state)
            h = self.second(state[0], h)
            steps.append(h)
        return torch.stack(steps, 1), state[1]


class Seq2Seq(nn.Module):
    """nn.Transformer with sinusoidal positions, a causal mask and a padding mask."""

    def __init__(self, size, **more):
        super().__init__()
        self.embed = nn.Embedding(size.vocabulary, size.hidden)
        self.core = nn.Transformer(size.hidden, size.heads, size.layers, size.layers, size.inner,
                                   batch_first=True, **more)
        self.head = nn.Linear(size.hidden, size.vocabulary)
        place = torch.arange(size.tokens)[:, None]
        rate = torch.exp(torch.arange(0, size.hidden, 2) * (-math.log(1e4) / size.hidden))
        self.register_buffer("positions", torch.cat(
            (torch.sin(place * rate), torch.cos(place * rate)), 1))

    def forward(self, source, target, padding):
        causal = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        y = self.core(self.embed(source) + self.positions, self.embed(target) + self.positions,
                      tgt_mask=causal, src_key_padding_mask=padding,
                      memory_key_padding_mask=padding)
        return self.head(y)


class Attention(nn.Module):
    """MultiheadAttention with a float mask and a padding mask, weights returned."""

    def __init__(self, hidden, heads, **more):
        super().__init__()
        self.core = nn.MultiheadAttention(hidden, heads, batch_first=True, **more)

    def forward(self, query, key, mask, padding):
        return self.core(query, key, key, attn_mask=mask, key_padding_mask=padding,
                         average_attn_weights=False)


class SelfAttention(nn.Module):
    """MultiheadAttention of a sequence with itself: LibTorch's fused kernel, weights averaged."""

    def __init__(self, hidden, heads):
        super().__init__()
        self.core = nn.MultiheadAttention(hidden, heads, batch_first=True)

    def forward(self, x, padding):
        return *self.core(x, x, x, key_padding_mask=padding), self.core(x, x, x)[0]


class CausalConv(nn.Conv1d):
    """A dilated convolution that sees the past only."""

    def forward(self, x):
        return super().forward(F.pad(x, ((self.kernel_size[0] - 1) * self.dilation[0], 0)))


class Tcn(nn.Module):
    """Temporal convolutional network: weight-normalised, dilated, residual."""

    def __init__(self, channels):
        super().__init__()
        norm = nn.utils.parametrizations.weight_norm
        self.blocks = nn.ModuleList(nn.Sequential(
            norm(CausalConv(channels, channels, 3, dilation=2 ** k)), nn.ReLU(), nn.Dropout(0.2),
            norm(CausalConv(channels, channels, 3, dilation=2 ** k)), nn.ReLU())
            for k in range(3))

    def forward(self, x):
        for block in self.blocks:
            x = F.relu(x + block(x))
        return x


class WaveNet(nn.Module):
    """Gated dilated convolutions with skip connections, over quantised samples."""

    def __init__(self, channels):
        super().__init__()
        self.embed = nn.Embedding(256, channels)
        self.gates = nn.ModuleList(
            CausalConv(channels, 2 * channels, 2, dilation=2 ** k) for k in range(5))
        self.mixes = nn.ModuleList(nn.Conv1d(channels, 2 * channels, 1) for _ in range(5))
        self.head = nn.Sequential(nn.ReLU(), nn.Conv1d(channels, channels, 1), nn.ReLU(),
                                  nn.Conv1d(channels, 256, 1))

    def forward(self, samples):
        x, skips = self.embed(samples).transpose(1, 2), 0
        for gate, mix in zip(self.gates, self.mixes):
            a, b = gate(x).chunk(2, 1)
            residual, skip = mix(torch.tanh(a) * torch.sigmoid(b)).chunk(2, 1)
            x, skips = (x + residual) * math.sqrt(0.5), skips + skip
        return self.head(skips).log_softmax(1)


class StreamingConv(nn.Module):
    """A causal convolution that keeps the end of its last chunk, and running moments, in buffers."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 5)
        self.register_buffer("past", torch.zeros(1, channels, 4))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        joined = torch.cat((self.past, x), 2)
        self.past.copy_(joined[:, :, -4:])
        self.mean.mul_(0.9).add_(x.mean((0, 2)), alpha=0.1)
        self.count.add_(1)
        return self.conv(joined - self.mean[:, None]), self.count + 0


class StreamingKv(nn.Module):
    """One head of attention that writes its keys and values to a cache at a position in a buffer."""

    def __init__(self, features, length):
        super().__init__()
        self.qkv = nn.Linear(features, 3 * features)
        self.register_buffer("keys", torch.zeros(length, features))
        self.register_buffer("values", torch.zeros(length, features))
        self.register_buffer("position", torch.zeros(1, dtype=torch.int64))

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        self.keys.index_copy_(0, self.position, k)
        self.values.index_copy_(0, self.position, v)
        seen = torch.arange(self.keys.shape[0]) <= self.position
        self.position.add_(1).remainder_(self.keys.shape[0])
        scores = (q @ self.keys.T / q.shape[-1] ** 0.5).masked_fill(~seen, float("-inf"))
        return scores.softmax(-1) @ self.values


class Spectrogram(nn.Module):
    """Mel features by framing and a constant Fourier basis, then a small convolutional network."""

    def __init__(self):
        super().__init__()
        t = torch.arange(64)[:, None] * torch.arange(33)[None] * (2 * math.pi / 64)
        self.register_buffer("basis", torch.cat((t.cos(), -t.sin()), 1).T[:, None].float())
        self.register_buffer("mel", torch.rand(20, 33))
        self.register_buffer("window", torch.hann_window(64))
        self.net = nn.Sequential(nn.Conv1d(20, 16, 3, padding=1), nn.BatchNorm1d(16), nn.GELU(),
                                 nn.AvgPool1d(2), nn.Conv1d(16, 8, 3))

    def forward(self, wave):
        padded = F.pad(wave[:, None], (32, 32), mode="reflect")
        real, imaginary = F.conv1d(padded, self.basis * self.window, stride=16).chunk(2, 1)
        mel = self.mel @ (real ** 2 + imaginary ** 2)
        return self.net(torch.log10(mel.clamp(min=1e-10)))


class Stft(nn.Module):
    """torch.stft's power, a mask, and torch.istft."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(64))
        self.mask = nn.Parameter(torch.rand(33, 1))

    def forward(self, wave):
        z = torch.stft(wave, 64, 16, window=self.window, return_complex=True)
        y = torch.istft(z * torch.sigmoid(self.mask), 64, 16, window=self.window,
                        length=wave.shape[-1])
        return z.abs().pow(2), y


def _recurrent(kind, hidden=24, directions=1, **more):
    def build(size):
        layer = kind(16, hidden, num_layers=2, batch_first=True, **more)
        features = more.get("proj_size", hidden) * directions
        return Recurrent(layer, features), (torch.randn(3, size.tokens, 16),)
    return build


def _seq2seq(**more):
    def build(size):
        padding = torch.zeros(2, size.tokens, dtype=torch.bool)
        padding[1, -3:] = True
        ids = [torch.randint(0, size.vocabulary, (2, size.tokens)) for _ in range(2)]
        return Seq2Seq(size, **more), (*ids, padding)
    return build


def _attention(**more):
    def build(size):
        padding = torch.zeros(2, size.tokens)
        padding[1, -3:] = float("-inf")
        query = torch.randn(2, 5, size.hidden)
        key = torch.randn(2, size.tokens, size.hidden)
        return (Attention(size.hidden, size.heads, **more),
                (query, key, torch.randn(5, size.tokens), padding))
    return build


def _self_attention(size):
    padding = torch.zeros(2, size.tokens, dtype=torch.bool)
    padding[1, -3:] = True
    module = SelfAttention(size.hidden, size.heads)
    return module, (torch.randn(2, size.tokens, size.hidden), padding)


def _encoder_layers(size):
    layer = nn.TransformerEncoderLayer(size.hidden, size.heads, size.inner, activation="gelu",
                                       norm_first=True, batch_first=True)
    encoder = nn.TransformerEncoder(layer, size.layers, nn.LayerNorm(size.hidden),
                                    enable_nested_tensor=False)
    return encoder, (torch.randn(2, size.tokens, size.hidden),)


# name: summary, builder
_MODELS = {
    "lstm_bidirectional": ("LSTM, two layers, both directions",
                           _recurrent(nn.LSTM, directions=2, bidirectional=True)),
    "lstm_projected": ("LSTM with a projection", _recurrent(nn.LSTM, proj_size=12)),
    "gru_bidirectional": ("GRU, two layers, both directions",
                          _recurrent(nn.GRU, directions=2, bidirectional=True)),
    "rnn_relu": ("RNN with relu", _recurrent(nn.RNN, nonlinearity="relu")),
    "cells": ("LSTMCell and GRUCell in a loop",
              lambda s: (CellLoop(16, 24), (torch.randn(3, 8, 16),))),
    "transformer": ("nn.Transformer with masks", _seq2seq()),
    "transformer_first": ("nn.Transformer, norms first, GELU",
                          _seq2seq(norm_first=True, activation="gelu")),
    "encoder_layers": ("nn.TransformerEncoder, the fast path", _encoder_layers),
    "attention": ("MultiheadAttention with masks", _attention()),
    "self_attention": ("MultiheadAttention of a sequence with itself", _self_attention),
    "attention_bias": ("MultiheadAttention, bias and zero rows",
                       _attention(add_bias_kv=True, add_zero_attn=True)),
    "tcn": ("Temporal convolutional network",
            lambda s: (Tcn(16), (torch.randn(2, 16, 4 * s.tokens),))),
    "wavenet": ("WaveNet", lambda s: (WaveNet(16), (torch.randint(0, 256, (1, 8 * s.tokens)),))),
    "streaming_conv": ("Convolution with state in buffers",
                       lambda s: (StreamingConv(8), (torch.randn(1, 8, 20),))),
    "streaming_kv": ("Attention with a cache in buffers",
                     lambda s: (StreamingKv(16, 8), (torch.randn(1, 16),))),
    "spectrogram": ("Mel features and convolutions",
                    lambda s: (Spectrogram(), (torch.randn(2, 400),))),
    "stft": ("Spectral mask between stft and istft", lambda s: (Stft(), (torch.randn(2, 400),))),
}

CASES = tuple(case(name, summary, build) for name, (summary, build) in _MODELS.items())
