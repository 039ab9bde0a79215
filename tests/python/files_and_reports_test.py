"""Files, reports and pictures."""

import ast
import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import pytest
import torch
from torch import nn

import ingot


def model():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()


@pytest.fixture
def x():
    return torch.randn(3, 4)


def test_saved_graph_gives_the_same_bytes(tmp_path, backend, x):
    graph = ingot.extract_compiled_graph(model(), [x])
    graph.save(tmp_path / "m.ingot")
    loaded = ingot.load(tmp_path / "m.ingot")
    assert torch.equal(loaded(x), graph(x)[0])


def test_saved_graph_runs_on_the_backend_that_it_was_saved_for_unless_told(tmp_path, monkeypatch, x):
    monkeypatch.delenv("INGOT_BACKEND", raising=False)

    def backends(**options):
        return [name.split()[0] for name in ingot.load(tmp_path / "m.ingot", **options).report().backends]

    ingot.extract_compiled_graph(model(), [x], backend="reference").save(tmp_path / "m.ingot")
    assert backends() == ["reference"]
    assert backends(backend="onednn") == ["onednn"]
    monkeypatch.setenv("INGOT_BACKEND", "torchscript")
    assert backends() == ["torchscript"]


def test_torchscript_file(tmp_path, backend, x):
    eager = model()
    torch.jit.trace(eager, x).save(str(tmp_path / "m.pt"))
    loaded = ingot.load(tmp_path / "m.pt")
    with torch.no_grad():
        torch.testing.assert_close(loaded(x), eager(x))
        torch.testing.assert_close(loaded(x[:2]), eager(x[:2]))
    assert loaded.extractions == 2


def test_exported_file(tmp_path, backend, x):
    eager = model()
    torch.export.save(torch.export.export(eager, (x,)), tmp_path / "m.pt2")
    with torch.no_grad():
        torch.testing.assert_close(ingot.load(tmp_path / "m.pt2")(x), eager(x))


def test_file_is_written_whole_or_not_at_all(tmp_path, x):
    with pytest.raises(ingot.IngotError):
        ingot.extract_compiled_graph(model(), [x]).save(tmp_path / "no" / "such" / "m.ingot")
    assert not os.listdir(tmp_path)


def test_report_says_what_runs_where(x):
    graph = ingot.extract_compiled_graph(model(), [x], backend="onednn")
    report = graph.report()
    assert report.backends == ["onednn (oneDNN 3.2.0)"]
    assert report.fallbacks == {}
    assert [row["op"] for row in report.nodes][0] == "aten::linear"
    assert all(row["backend"] == "onednn" for row in report.nodes)
    assert json.loads(report.to_json())["groups"][0]["retained_bytes"] > 0
    assert "group 0: onednn" in str(report)


def test_report_names_what_fell_back(x):
    eager = model()
    graph = ingot.extract_compiled_graph(eager, [x], backend="onednn,torchscript", fallback="allow", force_fallback="aten::relu")
    assert graph.report().fallbacks == {"aten::relu": 1}
    (row,) = [row for row in graph.report().nodes if row["reason"]]
    assert row["backend"] == "torchscript" and "force" in row["reason"]
    with torch.no_grad():
        torch.testing.assert_close(graph(x), [eager(x)])


def test_picture(x):
    picture = ingot.extract_compiled_graph(model(), [x]).graph
    assert "aten::linear" in picture.text and str(picture) == picture.text
    assert picture.dot.startswith("digraph")
    root = xml.etree.ElementTree.fromstring(picture.svg)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "aten::linear" in texts and "argument 0" in texts and "result 0" in texts
    assert picture.svg in picture._repr_html_()


def test_picture_of_a_large_graph_is_cut():
    def deep(a):
        for i in range(500):
            a = torch.sin(a) + i
        return a

    svg = ingot.extract_compiled_graph(deep, [torch.ones(2)]).graph.svg
    xml.etree.ElementTree.fromstring(svg)
    assert "more nodes are not drawn" in svg


def test_settings_and_their_precedence(x):
    assert ingot.get_backend() is None
    ingot.set_backend("reference")
    try:
        of_setting = ingot.extract_compiled_graph(model(), [x]).report().backends
        of_call = ingot.extract_compiled_graph(model(), [x], backend="torchscript").report().backends
    finally:
        ingot.set_backend(None)
    assert of_setting == ["reference"] and of_call == ["torchscript (LibTorch 2.13.0)"]
    code = "import torch, ingot; print(ingot.extract_compiled_graph(torch.sin, [torch.ones(2)]).report().backends)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True,
                           env={**os.environ, "INGOT_BACKEND": "reference"}).stdout
    assert "['reference']" in shown


def test_backends_are_those_of_the_wheel():
    found = {row["name"]: row for row in ingot.backends()}
    assert {"onednn", "torchscript", "reference"} <= set(found)
    package = pathlib.Path(ingot.__file__).parent
    for row in found.values():
        assert row["unavailable"] == "" and pathlib.Path(row["path"]).is_relative_to(package)


def test_wheel_is_complete_and_relative():
    package = pathlib.Path(ingot.__file__).parent
    assert (package / "py.typed").exists() and (package / "_native.pyi").exists()
    assert not list(package.rglob("libtorch*")) and not list(package.rglob("libc10*"))
    mapped = pathlib.Path("/proc/self/maps").read_text()
    libraries = {line.split()[-1] for line in mapped.splitlines() if ".so" in line}
    assert len({path for path in libraries if "/libtorch_cpu.so" in path}) == 1
    assert len({path for path in libraries if "/libgomp" in path}) == 1


def test_public_functions_are_documented():
    for name in ingot.__all__:
        value = getattr(ingot, name)
        assert name == "__version__" or value.__doc__, name
        for key, member in vars(value).items() if isinstance(value, type) else ():
            assert key.startswith("_") or not (callable(member) or isinstance(member, property)) or member.__doc__, (name, key)


def test_stubs_name_what_the_extension_module_has():
    tree = ast.parse((pathlib.Path(ingot.__file__).parent / "_native.pyi").read_text())
    stubs = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            stubs[node.name] = {member.name for member in node.body if isinstance(member, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            stubs[node.name] = set()
    public = {name: value for name, value in vars(ingot._native).items() if not name.startswith("_")}
    assert stubs.keys() == public.keys()
    for name, value in public.items():
        if isinstance(value, type):
            assert {key for key in dir(value) if not key.startswith("_")} == {key for key in stubs[name] if not key.startswith("_")}
