"""Networks of torch.nn alone that people write: convolutional, generative, tabular, over graphs."""

import torch
from torch import nn
from torch.nn import functional as F

from tools.models.zoo import case


class UNet3d(nn.Module):
    """A volume segmenter: 3-d convolutions, instance norm, transposed convolutions, trilinear resize."""

    def __init__(self, channels):
        super().__init__()

        def block(i, o):
            return nn.Sequential(nn.Conv3d(i, o, 3, padding=1), nn.InstanceNorm3d(o, affine=True),
                                 nn.LeakyReLU(0.01))

        self.down1, self.down2 = block(1, channels), block(channels, 2 * channels)
        self.up = nn.ConvTranspose3d(2 * channels, channels, 2, stride=2)
        self.merge, self.head = block(2 * channels, channels), nn.Conv3d(channels, 3, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool3d(a, 2))
        y = self.head(self.merge(torch.cat((a, self.up(b)), 1)))
        return y.softmax(1), F.interpolate(y, scale_factor=0.5, mode="trilinear")


class Espcn(nn.Module):
    """Super-resolution by pixel shuffle, beside a bicubic upscaling."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale
        self.core = nn.Sequential(
            nn.Conv2d(3, 32, 5, padding=2), nn.Tanh(), nn.Conv2d(32, 16, 3, padding=1), nn.Tanh(),
            nn.Conv2d(16, 3 * scale * scale, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, x):
        coarse = F.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)
        return (coarse + self.core(x)).clamp(0, 1)


def _generator(width):
    return nn.Sequential(
        nn.ConvTranspose2d(32, 4 * width, 4, 1, 0, bias=False), nn.BatchNorm2d(4 * width),
        nn.ReLU(True), nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * width), nn.ReLU(True),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width),
        nn.ReLU(True), nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False), nn.Tanh())


def _discriminator(width):
    norm = nn.utils.parametrizations.spectral_norm
    return nn.Sequential(
        norm(nn.Conv2d(3, width, 4, 2, 1)), nn.LeakyReLU(0.2, True),
        norm(nn.Conv2d(width, 2 * width, 4, 2, 1)), nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2, True), nn.utils.spectral_norm(nn.Conv2d(2 * width, 1, 4)),
        nn.Flatten(), nn.Sigmoid())


class Vae(nn.Module):
    """A variational autoencoder; its noise is an argument."""

    def __init__(self, hidden):
        super().__init__()
        self.up = nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(hidden, 16), nn.Linear(hidden, 16)
        self.down = nn.Sequential(nn.Linear(16, hidden), nn.ReLU(), nn.Linear(hidden, 784),
                                  nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)))

    def forward(self, x, noise):
        h = self.up(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        y = self.down(mean + noise * torch.exp(0.5 * log_variance))
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        return y, F.binary_cross_entropy(y, x, reduction="sum") + divergence


class Siren(nn.Module):
    """Sines of linear layers over coordinates."""

    def __init__(self, hidden):
        super().__init__()
        self.layers = nn.ModuleList((nn.Linear(2, hidden), nn.Linear(hidden, hidden),
                                     nn.Linear(hidden, hidden)))
        self.head = nn.Linear(hidden, 3)

    def forward(self, x):
        for layer in self.layers:
            x = torch.sin(5.0 * layer(x))
        return self.head(x)


class Dlrm(nn.Module):
    """Recommendation: bags of ids, a bottom network, pairwise interactions, a top network."""

    def __init__(self, width):
        super().__init__()
        self.bags = nn.ModuleList(nn.EmbeddingBag(50, width, mode=mode)
                                  for mode in ("sum", "mean", "max"))
        self.bottom = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, width), nn.ReLU())
        self.top = nn.Sequential(nn.Linear(width + 6, 32), nn.ReLU(), nn.Linear(32, 1))
        rows, columns = torch.tril_indices(4, 4, -1)
        self.register_buffer("rows", rows)
        self.register_buffer("columns", columns)

    def forward(self, dense, ids):
        x = self.bottom(dense)
        parts = [x] + [bag(ids[:, k]) for k, bag in enumerate(self.bags)]
        stacked = torch.stack(parts, 1)
        pairs = torch.bmm(stacked, stacked.transpose(1, 2))[:, self.rows, self.columns]
        return torch.sigmoid(self.top(torch.cat((x, pairs), 1)))


class OffsetBag(nn.Module):
    """EmbeddingBag with a flat list of ids, offsets and weights."""

    def __init__(self, width):
        super().__init__()
        self.bag = nn.EmbeddingBag(50, width, mode="sum", include_last_offset=True)

    def forward(self, ids, offsets, weights):
        return self.bag(ids, offsets, weights).relu()


class Gcn(nn.Module):
    """Graph convolution with a dense adjacency, normalised on the way; and graph attention."""

    def __init__(self, features, hidden):
        super().__init__()
        self.first, self.second = nn.Linear(features, hidden), nn.Linear(hidden, 7)
        self.left, self.right = nn.Linear(hidden, 1), nn.Linear(hidden, 1)

    def forward(self, x, adjacency):
        a = adjacency + torch.eye(adjacency.shape[0])
        scale = a.sum(1).pow(-0.5)
        a = scale[:, None] * a * scale[None]
        h = F.elu(a @ self.first(x))
        scores = F.leaky_relu(self.left(h) + self.right(h).T, 0.2)
        scores = scores.masked_fill(adjacency == 0, float("-inf"))
        mixed = torch.nan_to_num(scores.softmax(-1)) @ h
        return self.second(mixed).log_softmax(-1)


class MessagePassing(nn.Module):
    """A graph network over a list of edges: gather, transform, add up, take the largest."""

    def __init__(self, features):
        super().__init__()
        self.message, self.update = nn.Linear(2 * features, features), nn.GRUCell(features, features)

    def forward(self, x, edges):
        source, target = edges
        m = F.silu(self.message(torch.cat((x[source], x[target]), -1)))
        total = torch.zeros_like(x).index_add(0, target, m)
        most = torch.full_like(x, -1e9).scatter_reduce(
            0, target[:, None].expand_as(m), m, "amax")
        degree = torch.zeros(x.shape[0]).scatter_add(0, target, torch.ones(target.shape[0]))
        return self.update(total / degree.clamp(min=1)[:, None], x), most


class Block3d(nn.Module):
    """A residual block of a 3-d ResNet."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(i, o, 3, stride, 1, bias=False), nn.BatchNorm3d(o), nn.ReLU(),
            nn.Conv3d(o, o, 3, 1, 1, bias=False), nn.BatchNorm3d(o))
        self.skip = nn.Sequential(nn.Conv3d(i, o, 1, stride, bias=False), nn.BatchNorm3d(o))

    def forward(self, x):
        return F.relu(self.body(x) + self.skip(x))


def _resnet3d(width):
    return nn.Sequential(
        nn.Conv3d(3, width, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False), nn.BatchNorm3d(width),
        nn.ReLU(), nn.MaxPool3d(3, 2, 1), Block3d(width, width, 1), Block3d(width, 2 * width, 2),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(2 * width, 5))


class SpatialTransformer(nn.Module):
    """Predicts an affine map and samples the image through it."""

    def __init__(self, mode, padding):
        super().__init__()
        self.where = nn.Sequential(nn.Conv2d(3, 8, 7), nn.MaxPool2d(2, 2), nn.ReLU(),
                                   nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(72, 6))
        self.what = nn.Conv2d(3, 8, 3)
        self.mode, self.padding = mode, padding

    def forward(self, x):
        grid = F.affine_grid(self.where(x).view(-1, 2, 3), x.shape, align_corners=False)
        x = F.grid_sample(x, grid, mode=self.mode, padding_mode=self.padding, align_corners=False)
        return self.what(x)


class Excited(nn.Module):
    """Convolution, squeeze and excitation, and the norms that are not batch norm."""

    def __init__(self, width, norm):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, width, 3, 2, 1), norm
        self.squeeze, self.excite = nn.Conv2d(width, width // 4, 1), nn.Conv2d(width // 4, width, 1)

    def forward(self, x):
        x = F.silu(self.norm(self.conv(x)))
        gate = torch.sigmoid(self.excite(F.silu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        return (x * gate).mean((2, 3))


class StyleBlock(nn.Module):
    """A modulated convolution, its weights computed from a style: grouped, one group a sample."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, width, 3, 3))
        self.style = nn.Linear(16, width)

    def forward(self, x, style):
        batch, width, height, breadth = x.shape
        weight = self.weight[None] * (self.style(style) + 1)[:, None, :, None, None]
        weight = weight * torch.rsqrt(weight.pow(2).sum((2, 3, 4), keepdim=True) + 1e-8)
        y = F.conv2d(x.reshape(1, batch * width, height, breadth),
                     weight.view(batch * width, width, 3, 3), padding=1, groups=batch)
        y = y.view(batch, width, height, breadth)
        return F.leaky_relu(F.interpolate(y, scale_factor=2, mode="nearest"), 0.2)


class Flow(nn.Module):
    """Affine coupling with its log-determinant."""

    def __init__(self, features):
        super().__init__()
        half = features // 2
        self.nets = nn.ModuleList(nn.Sequential(nn.Linear(half, 32), nn.Tanh(),
                                                nn.Linear(32, features)) for _ in range(3))
        self.register_buffer("order", torch.randperm(features))

    def forward(self, x):
        total = 0
        for net in self.nets:
            a, b = x.chunk(2, -1)
            scale, shift = net(a).chunk(2, -1)
            scale = torch.tanh(scale)
            x, total = torch.cat((a, b * scale.exp() + shift), -1)[:, self.order], total + scale.sum(-1)
        return x, -0.5 * (x ** 2).sum(-1) + total


class Detector(nn.Module):
    """A single-shot head: boxes decoded over a grid, the best few kept."""

    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1), nn.SiLU(),
                                  nn.Conv2d(width, width, 3, 2, 1), nn.SiLU(),
                                  nn.Conv2d(width, 3 * 9, 1))

    def forward(self, x):
        y = self.body(x)
        batch, _, h, w = y.shape
        y = y.view(batch, 3, 9, h, w).permute(0, 1, 3, 4, 2)
        ys, xs = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        grid = torch.stack((xs, ys), -1).float()
        centre = (torch.sigmoid(y[..., :2]) * 2 - 0.5 + grid) * 4
        extent = (torch.sigmoid(y[..., 2:4]) * 2) ** 2 * 16
        flat = torch.cat((centre - extent / 2, centre + extent / 2), -1).reshape(batch, -1, 4)
        score, label = torch.sigmoid(y[..., 4:]).reshape(batch, -1, 5).max(-1)
        best, index = score.topk(10, dim=1)
        return flat.gather(1, index[..., None].expand(-1, -1, 4)), best, label.gather(1, index)


def _image(size, batch=2):
    return (torch.randn(batch, 3, size.side, size.side),)


def _graph(size):
    adjacency = (torch.rand(size.tokens, size.tokens) < 0.3).float()
    return Gcn(12, size.hidden), (torch.randn(size.tokens, 12), (adjacency + adjacency.T).sign())


# name: summary, builder
_MODELS = {
    "unet3d": ("3-d U-Net", lambda s: (UNet3d(8), (torch.randn(1, 1, 16, 16, 16),))),
    "espcn": ("ESPCN, pixel shuffle and bicubic", lambda s: (Espcn(3), _image(s, 1))),
    "dcgan_generator": ("DCGAN's generator",
                        lambda s: (_generator(16), (torch.randn(2, 32, 1, 1),))),
    "dcgan_discriminator": ("DCGAN's discriminator, spectral norms",
                            lambda s: (_discriminator(16), (torch.randn(2, 3, 16, 16),))),
    "vae": ("Variational autoencoder with its loss",
            lambda s: (Vae(s.hidden), (torch.rand(2, 1, 28, 28), torch.randn(2, 16)))),
    "siren": ("SIREN", lambda s: (Siren(s.hidden), (2 * torch.rand(256, 2) - 1,))),
    "dlrm": ("DLRM", lambda s: (Dlrm(16), (torch.randn(4, 13), torch.randint(0, 50, (4, 3, 5))))),
    "offset_bag": ("EmbeddingBag with offsets and weights",
                   lambda s: (OffsetBag(16), (torch.randint(0, 50, (12,)),
                                              torch.tensor([0, 3, 3, 9, 12]), torch.rand(12)))),
    "gcn": ("Graph convolution and attention, dense", _graph),
    "message_passing": ("Graph network over edges",
                        lambda s: (MessagePassing(16), (torch.randn(10, 16),
                                                        torch.randint(0, 10, (2, 40))))),
    "resnet3d": ("3-d ResNet", lambda s: (_resnet3d(16), (torch.randn(1, 3, 8, 32, 32),))),
    "spatial_transformer": ("Spatial transformer, bilinear",
                            lambda s: (SpatialTransformer("bilinear", "zeros"), _image(s))),
    "spatial_transformer_border": ("Spatial transformer, bicubic, clamped",
                                   lambda s: (SpatialTransformer("bicubic", "border"), _image(s))),
    "excited_group": ("Squeeze-excitation, GroupNorm",
                      lambda s: (Excited(32, nn.GroupNorm(8, 32)), _image(s))),
    "excited_instance": ("Squeeze-excitation, InstanceNorm without running statistics",
                         lambda s: (Excited(32, nn.InstanceNorm2d(32)), _image(s))),
    "excited_tracked": ("Squeeze-excitation, InstanceNorm with running statistics",
                        lambda s: (Excited(32, nn.InstanceNorm2d(
                            32, affine=True, track_running_stats=True)), _image(s))),
    "excited_local": ("Squeeze-excitation, local response norm",
                      lambda s: (Excited(32, nn.LocalResponseNorm(5)), _image(s))),
    "style_block": ("Modulated convolution",
                    lambda s: (StyleBlock(16), (torch.randn(2, 16, 8, 8), torch.randn(2, 16)))),
    "flow": ("Affine coupling", lambda s: (Flow(16), (torch.randn(4, 16),))),
    "detector": ("Single-shot detector's head", lambda s: (Detector(16), _image(s, 1))),
    "deep_mixer": ("MLP-Mixer", lambda s: (nn.Sequential(
        nn.Conv2d(3, s.hidden, 16, 16), nn.Flatten(2), nn.Linear((s.side // 16) ** 2, 24), nn.GELU(),
        nn.Linear(24, (s.side // 16) ** 2), nn.LayerNorm((s.side // 16) ** 2)), _image(s))),
    "shuffle": ("Channel shuffle and depthwise convolutions", lambda s: (nn.Sequential(
        nn.Conv2d(3, 24, 3, 2, 1), nn.ReLU6(), nn.Conv2d(24, 24, 1, groups=3), nn.ChannelShuffle(3),
        nn.Conv2d(24, 24, 3, 1, 1, groups=24), nn.Hardswish(), nn.AvgPool2d(3, 2, 1),
        nn.ReflectionPad2d(1), nn.Conv2d(24, 8, 3, padding_mode="circular", padding=1)), _image(s))),
    "activations": ("The activations that are seldom used", lambda s: (nn.Sequential(
        nn.Linear(16, 32), nn.Mish(), nn.Linear(32, 32), nn.SELU(), nn.Linear(32, 32), nn.Softplus(),
        nn.Linear(32, 32), nn.PReLU(), nn.Linear(32, 32), nn.GLU(), nn.Linear(16, 32), nn.CELU(),
        nn.Linear(32, 32), nn.Softsign(), nn.Linear(32, 32), nn.Tanhshrink(), nn.Linear(32, 32),
        nn.RReLU(), nn.Hardsigmoid(), nn.Softmin(-1), nn.LogSigmoid()), (torch.randn(4, 16),))),
}

CASES = tuple(case(name, summary, build) for name, (summary, build) in _MODELS.items())
