"""Who is measured: ingot's backends and the peers, and how the process of each is started."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Peer:
    """One runtime.

    Attributes:
      key: its name on the command line and in the JSON file.
      title: its name in tables.
      kind: "ingot", "libtorch" (C++ workers) or "python".
      package: the package of peers.lock that it needs, or "" for one that needs none.
      precisions: what it can compute in.
    """

    key: str
    title: str
    kind: str
    package: str = ""
    precisions: tuple[str, ...] = ("f32",)

    @property
    def is_python(self):
        return self.kind == "python"


OWN = Peer("onednn", "ingot onednn", "ingot")

PEERS = (
    Peer("torchscript", "ingot torchscript", "ingot"),
    Peer("eager", "LibTorch eager", "libtorch"),
    Peer("frozen", "TorchScript frozen", "libtorch"),
    Peer("lazy", "torch._lazy", "python"),
    Peer("inductor", "Inductor, freezing", "python", precisions=("f32", "bf16")),
    Peer("aotinductor", "AOTInductor", "python", precisions=("f32", "bf16")),
    Peer("ort", "ONNX Runtime", "python", "onnxruntime"),
    Peer("openvino", "OpenVINO", "python", "openvino", ("f32", "bf16")),
)

BY_KEY = {peer.key: peer for peer in PEERS}


def is_rival(peer):
    """Whether the peer counts when the best of a row is sought: ingot's own backends don't."""
    return peer.kind != "ingot"


@dataclasses.dataclass(frozen=True)
class Tools:
    """Programs that the bench starts, by path.

    Attributes:
      python: the interpreter of third_party/python.
      peer_packages: the peers' site-packages, or None where they are not installed.
      root: the folder that `tools.bench` is importable from.
    """

    ingot: str
    ingot_worker: str
    libtorch_worker: str
    machine_peak: str
    python: str
    root: str
    peer_packages: str | None


def input_paths(folder):
    """The input sets of a prepared folder, in order."""
    return sorted((folder / "inputs").glob("*.npz"), key=lambda path: int(path.stem))


def artifact(folder, peer):
    """Where the extracted form of an ingot backend goes."""
    return folder / f"{peer.key}.ingot"


def command(peer, tools, folder, threads, precision):
    """The worker's command line."""
    inputs = [str(path) for path in input_paths(folder)]
    if peer.kind == "ingot":
        return [tools.ingot_worker, str(artifact(folder, peer)), peer.key, str(threads), *inputs]
    if peer.kind == "libtorch":
        return [tools.libtorch_worker, str(folder / "model.pt"), peer.key, str(threads), *inputs]
    return [tools.python, "-m", "tools.bench.python_worker", peer.key, str(folder), str(threads), precision]
