"""Image models with seeded random weights: transformers' classifiers, and a U-Net."""

import torch
from torch import nn
import transformers

from tools.models.case import Built, Case

_SMALL_LABELS = 10


class Logits(nn.Module):
    """Reduces a transformers classifier to pixel_values -> logits."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values, return_dict=False)[0]


def _settle_batch_norm(module, images):
    """Gives every BatchNorm the statistics of `images`, and scales and shifts other than 1 and 0.

    With the initial statistics (0, 1) activations of a random network vanish or explode with depth,
    and a backend that drops the running statistics would go unnoticed.
    """
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.uniform_(-0.2, 0.2)
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches seen
    module.train()
    with torch.no_grad():
        for batch in images.split(2 if len(images) <= 4 else 8):
            module(batch)
    module.eval()
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


def _resnet50(scale):
    if scale == "full":
        config, side, batch = transformers.ResNetConfig(num_labels=1000), 224, 4
    else:
        config = transformers.ResNetConfig(
            embedding_size=16, hidden_sizes=[32, 48, 64, 96], depths=[2, 1, 1, 1],
            num_labels=_SMALL_LABELS)
        side, batch = 64, 16
    module = Logits(transformers.ResNetForImageClassification(config)).eval()
    _settle_batch_norm(module, torch.randn(batch, 3, side, side))
    return Built(module, (torch.randn(1, 3, side, side),))


def _mobilenet_v2(scale):
    if scale == "full":
        config, side, batch = transformers.MobileNetV2Config(num_labels=1000), 224, 4
    else:
        config = transformers.MobileNetV2Config(
            image_size=64, depth_multiplier=0.25, finegrained_output=False,
            num_labels=_SMALL_LABELS)
        side, batch = 64, 16
    module = Logits(transformers.MobileNetV2ForImageClassification(config)).eval()
    _settle_batch_norm(module, torch.randn(batch, 3, side, side))
    return Built(module, (torch.randn(1, 3, side, side),))


def _vit_base(scale):
    if scale == "full":
        config, side = transformers.ViTConfig(num_labels=1000), 224
    else:
        config = transformers.ViTConfig(
            hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
            image_size=32, patch_size=8, num_labels=_SMALL_LABELS)
        side = 32
    module = Logits(transformers.ViTForImageClassification(config)).eval()
    return Built(module, (torch.randn(1, 3, side, side),))


def _convnext_tiny(scale):
    if scale == "full":
        config, side = transformers.ConvNextConfig(num_labels=1000), 224
    else:
        config = transformers.ConvNextConfig(
            hidden_sizes=[16, 24, 32, 48], depths=[1, 1, 2, 1], image_size=64,
            num_labels=_SMALL_LABELS)
        side = 64
    module = Logits(transformers.ConvNextForImageClassification(config)).eval()
    return Built(module, (torch.randn(1, 3, side, side),))


class _Convolutions(nn.Sequential):
    """Convolution, BatchNorm and ReLU, twice."""

    def __init__(self, channels, width):
        super().__init__(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())


class UNet(nn.Module):
    """Halves the image at each width but the last, doubles it again, and joins equal sizes."""

    def __init__(self, widths, classes):
        super().__init__()
        self.down = nn.ModuleList(
            _Convolutions(a, b) for a, b in zip([3, *widths[:-1]], widths))
        pairs = list(zip(widths[:0:-1], widths[-2::-1]))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(_Convolutions(2 * b, b) for _, b in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, image):
        kept, x = [], image
        for level in self.down:
            x = level(x if not kept else nn.functional.max_pool2d(x, 2))
            kept.append(x)
        for grow, level, skip in zip(self.grow, self.up, kept[-2::-1]):
            x = level(torch.cat((skip, grow(x)), dim=1))
        return self.head(x)


def _unet(scale):
    widths, side, batch = {"small": ([8, 12, 16], 32, 8), "full": ([32, 64, 128, 256], 256, 2)}[scale]
    module = UNet(widths, classes=2).eval()
    _settle_batch_norm(module, torch.randn(batch, 3, side, side))
    return Built(module, (torch.randn(1, 3, side, side),))


CASES = (
    Case("resnet50", "ResNet-50, logits; full: 1x3x224x224", _resnet50),
    Case("mobilenet_v2", "MobileNetV2, logits; full: 1x3x224x224", _mobilenet_v2),
    Case("convnext_tiny", "ConvNeXt-tiny, logits; full: 1x3x224x224", _convnext_tiny),
    Case("unet", "U-Net of 4 widths, logits of each pixel; full: 1x3x256x256", _unet),
    Case("vit_base", "ViT-base/16, logits; full: 1x3x224x224", _vit_base),
)
