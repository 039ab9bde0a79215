"""Writes the corpus of the fuzzers: small archives of torch.export, their programs, and TorchScript archives with parts of them.

  python tests/fuzz/pt2/make_corpus.py tests/fuzz/pt2/corpus

Source positions are cut to file names. The archives are also what tests convert: between them they hold buffers that
change, in-place ops, shared and strided weights, symbolic sizes, nested arguments, random ops, a higher-order op and a
number read out of a tensor.
"""

import json
import os
import re
import sys
import tempfile
import zipfile

import torch
from torch.export import Dim


class Buffers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(2, 3))
        self.bn = torch.nn.BatchNorm1d(3)

    def forward(self, x, *, scale, opts):
        self.count.add_(x)
        y = self.bn(x)
        x.mul_(2)
        return {"a": y * scale + self.count, "n": None, "k": (3, x, opts[0] + 1.5)}


class Symbolic(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(8, 4)

    def forward(self, x, y):
        b = x.shape[0]
        z = torch.cat([x.view(b * 2, -1), y.view(b * 2, -1)], 0)
        z = z.masked_fill(z > 0.5, float("-inf"))
        return self.linear(x)[: b - 1], z, x.shape[0]


class Views(torch.nn.Module):
    def __init__(self):
        super().__init__()
        w = torch.randn(4, 6)
        self.a = torch.nn.Parameter(w.t())
        self.b = torch.nn.Parameter(w[1:3])
        self.register_buffer("c", torch.arange(6).expand(4, 6), persistent=False)
        self.k = torch.tensor([1.0, 2.0])

    def forward(self, x):
        y = x @ self.a
        y[:, 1:3] = 0.5
        y[0].add_(1)
        z = torch.relu_(y.transpose(0, 1)[2])
        h = torch.tensor([3.0, 4.0])
        total = self.b.sum() + self.c.sum() + self.k.sum() + h.sum()
        return x, x[1:], y, z, total, y.diagonal()


class Layers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 4, 3, padding="same")
        self.up = torch.nn.ConvTranspose2d(4, 2, 2, stride=2)
        self.norm = torch.nn.InstanceNorm2d(2, affine=True)

    def forward(self, x):
        mask = torch.arange(4, device=x.device)[None, :] <= torch.arange(4, device=x.device)[:, None]
        y = self.norm(self.up(torch.nn.functional.silu(self.conv(x), inplace=True)))
        y = torch.nn.functional.glu(y, dim=1)[..., :4, :4].masked_fill(~mask, 0)
        return y.to(memory_format=torch.channels_last), y.var(1), torch.diff(y, dim=-1)


class Random(torch.nn.Module):
    def forward(self, x):
        return torch.rand_like(x), torch.nn.functional.dropout(x, 0.5, True)


class Cond(torch.nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))


class Item(torch.nn.Module):
    def forward(self, x):
        return x * x.sum().item()


def programs():
    """Yields (name, exported program)."""
    torch.manual_seed(0)
    batch = Dim("batch", min=3, max=64)
    buffers = torch.export.export(Buffers().train(), (torch.randn(2, 3),),
                                  {"scale": torch.ones(3), "opts": [torch.ones(1), None, 7, "s", True, 2.5]}, strict=False)
    yield "buffers", buffers
    yield "buffers_functional", buffers.run_decompositions()
    yield "symbolic", torch.export.export(
        Symbolic(), (torch.randn(4, 8), torch.randn(4, 8)), dynamic_shapes={"x": {0: batch}, "y": {0: batch}}, strict=False)
    yield "views", torch.export.export(Views(), (torch.randn(3, 6),), strict=False)
    layers = torch.export.export(Layers().eval(), (torch.randn(1, 2, 4, 4),), strict=False)
    yield "layers", layers
    yield "layers_functional", layers.run_decompositions()
    yield "random", torch.export.export(Random(), (torch.randn(3, 6),), strict=False)
    yield "cond", torch.export.export(Cond(), (torch.randn(3, 6),), strict=False)
    yield "item", torch.export.export(Item(), (torch.randn(3, 6),), strict=False)


def _without_paths(text):
    text = re.sub(r'File \\"[^"\\]*/', r'File \\"', text)
    return re.sub(r'"stack_trace": "(?:[^"\\]|\\.)*?(File \\"[^"\\]*\\", line \d+)(?:(?!File \\")(?:[^"\\]|\\.))*"',
                  r'"stack_trace": "\1"', text)


class Scripted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(3, 4)
        self.names = {"a": [1, 2], "b": [3]}
        self.pair = (1.5, None, 2 + 1j, torch.device("cpu"))
        self.many = [torch.ones(2), torch.zeros(0, 3)]

    def forward(self, x):
        if bool(x.sum() > 0) and len(self.names) > 1:
            x = x + self.many[0].sum() * self.pair[0]
        elif x.dim() == 3:
            x = -x
        return self.inner(x), "a (\"[ b"


def write_scans(folder):
    """TorchScript archives without debug information, which holds paths, and their sources and pickles."""
    torch.manual_seed(0)
    example = torch.randn(2, 3)
    modules = {"scripted": torch.jit.script(Scripted()),
               "traced": torch.jit.trace(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()), example),
               "quantized": torch.jit.script(torch.ao.nn.quantized.Linear(3, 2))}
    for name, module in modules.items():
        with tempfile.TemporaryDirectory() as temporary:
            path = os.path.join(temporary, f"{name}.pt")
            module.save(path)
            source = zipfile.ZipFile(path)
            with zipfile.ZipFile(os.path.join(folder, f"{name}.pt"), "w") as target:
                for record in source.namelist():
                    if record.endswith(".debug_pkl"):
                        continue
                    contents = source.read(record)
                    target.writestr(zipfile.ZipInfo(record), contents,
                                    zipfile.ZIP_DEFLATED if record.endswith(".py") else zipfile.ZIP_STORED)
                    if record.endswith((".py", "/data.pkl", "/traced_inputs.pkl")):
                        with open(os.path.join(folder, f"{name}.{os.path.basename(record)}"), "wb") as out:
                            out.write(contents)


def main(folder):
    for kind in ("archive", "program", "scan"):
        os.makedirs(os.path.join(folder, kind), exist_ok=True)
    write_scans(os.path.join(folder, "scan"))
    for name, program in programs():
        with tempfile.TemporaryDirectory() as temporary:
            path = os.path.join(temporary, f"{name}.pt2")
            torch.export.save(program, path)
            source = zipfile.ZipFile(path)
            with zipfile.ZipFile(os.path.join(folder, "archive", f"{name}.pt2"), "w", zipfile.ZIP_STORED) as target:
                for record in source.namelist():
                    contents = source.read(record)
                    if "/models/" in record:
                        contents = json.dumps(json.loads(_without_paths(contents.decode()))).encode()
                        with open(os.path.join(folder, "program", f"{name}.json"), "wb") as out:
                            out.write(contents)
                    info = zipfile.ZipInfo(record)
                    if name != "buffers":  # whose weights are out of line, and so are copied
                        gap = -(target.fp.tell() + 34 + len(record)) % 64
                        info.extra = b"FB" + gap.to_bytes(2, "little") + bytes(gap)
                    target.writestr(info, contents)


if __name__ == "__main__":
    main(sys.argv[1])
