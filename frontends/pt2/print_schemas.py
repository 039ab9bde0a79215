"""Prints aten_schemas.txt: the signatures of the ATen operators that exported graphs may hold.

Run with the project's Python environment whenever its PyTorch changes:
  python frontends/pt2/print_schemas.py > frontends/pt2/aten_schemas.txt
A line is FLAGS|SCHEMA, sorted by operator. Flags: r draws random numbers, d has sizes that follow from elements.
"""

import re

import torch

# Operators of other devices, layouts and modes.
_FOREIGN = re.compile(
    r"_(foreach|fused|cudnn|sparse|nested|test|thnn|mps|cslt|amp|cufft|validate|make_per|fake_quant|dyn|convert|semi|print|"
    r"debug|spdiags|coalesce|indices|values|wrapped|mixed|jagged|padded|segment|sobol|record|to_|grouped|mkldnn)|"
    r"cudnn|miopen|mkldnn|sparse|quantized|fbgemm|q_|fake_quant|sym_|indices|values|crow|col_indices|ccol|row_indices|"
    r"record|is_|to_|to\.prim|copy_\.|batch_norm_(stats|gather|backward|elemt|update)")
_UNHELD = re.compile(r"Dimname|Storage|Stream|\bt\[\]|AnyEnum|Any |Dict|str\[\]|-> \(\)|Future|QScheme|Tensor\?\[\]\[\]")
_RETURNS_TENSORS = re.compile(r"-> \(?Tensor")
_OUT = re.compile(r"\*.*Tensor\(\w!\) ?\w+.*\)? -> ")


def _flags(name, overload):
    packet = getattr(torch.ops.aten, name, None)
    tags = getattr(packet, overload or "default").tags if packet is not None else []
    flags = "r" if torch.Tag.nondeterministic_seeded in tags else ""
    return flags + ("d" if torch.Tag.dynamic_output_shape in tags else "")


def main():
    lines = []
    for schema in torch._C._jit_get_all_schemas():
        text = str(schema)
        name = schema.name.removeprefix("aten::")
        if not schema.name.startswith("aten::") or _FOREIGN.match(name):
            continue
        if not _RETURNS_TENSORS.search(text) or _UNHELD.search(text) or _OUT.search(text):
            continue
        try:
            flags = _flags(name, schema.overload_name)
        except AttributeError:
            continue  # TorchScript's own, which torch.ops doesn't have
        lines.append((text[len("aten::"):text.index("(")], f"{flags}|{text}"))
    for _, line in sorted(set(lines)):
        print(line)


if __name__ == "__main__":
    main()
