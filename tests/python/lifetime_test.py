"""Memory, references and threads."""

import gc
import pathlib
import sys
import threading
import weakref

import pytest
import torch

import ingot


def sub(a, b):
    return a - b


def update(a, b):
    a.sub_(b)
    return a, a[0], b + 1


def extract(function, **options):
    return ingot.extract_compiled_graph(function, [torch.randn(2, 3), torch.randn(2, 3)], **options)


def resident_bytes():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_results_share_nothing_and_outlive_graph_and_arguments(backend):
    graph = extract(sub)
    a, b = torch.randn(2, 3), torch.randn(2, 3)
    expected = a - b
    (result,) = graph(a, b)
    del graph, a, b
    gc.collect()
    torch.empty(1000).fill_(1)
    torch.testing.assert_close(result, expected)


def test_arguments_that_die_during_the_call_are_kept(backend):
    graph = extract(sub)
    torch.testing.assert_close(graph(torch.full((2, 3), 5.0), torch.full((2, 3), 3.0)), [torch.full((2, 3), 2.0)])


def test_tensors_are_used_where_they_are(backend):
    graph = extract(update)
    a, b = torch.randn(2, 3), torch.randn(2, 3)
    place = a.data_ptr()
    same, row, _ = graph(a, b)
    assert same is a and a.data_ptr() == place
    row.fill_(4)
    assert torch.equal(a[0], torch.full((3,), 4.0))


def test_weights_are_used_where_they_are():
    model = torch.nn.Linear(512, 512)
    before = resident_bytes()
    graphs = [ingot.extract_compiled_graph(model, [torch.randn(1, 512)], backend="torchscript") for _ in range(20)]
    assert resident_bytes() - before < 20 * 512 * 512 * 4
    assert len(graphs) == 20


def test_in_place_updates_raise_the_version(backend):
    graph = extract(update)
    a, b = torch.randn(2, 3), torch.randn(2, 3)
    version = a._version
    graph(a, b)
    assert a._version > version and b._version == 0


@pytest.mark.parametrize("function", [sub, update])
def test_references_and_memory_stay_flat(function):
    graph = extract(function, backend="onednn")
    a, b = torch.randn(2, 3), torch.zeros(2, 3)
    for _ in range(2000):
        graph(a, b)
    gc.collect()
    references = [sys.getrefcount(x) for x in (a, b, graph, None)][:3]
    blocks, memory = sys.getallocatedblocks(), resident_bytes()
    for _ in range(100_000):
        graph(a, b)
    gc.collect()
    assert [sys.getrefcount(x) for x in (a, b, graph)] == references
    assert sys.getallocatedblocks() - blocks < 100
    assert resident_bytes() - memory < 2 << 20


def test_errors_leak_nothing():
    graph = extract(sub, backend="onednn")
    a = torch.randn(2, 3)
    wrong = [(a,), (a, None), (a, torch.randn(3, 2)), (a, a, a), (a, torch.randn(2, 3, dtype=torch.float64))]

    def refuse_all():
        for args in wrong:
            with pytest.raises(ingot.InvalidArgumentError):
                graph(*args)

    for _ in range(20):
        refuse_all()
    gc.collect()
    references, blocks = sys.getrefcount(a), sys.getallocatedblocks()
    for _ in range(500):
        refuse_all()
    gc.collect()
    assert sys.getrefcount(a) == references
    assert sys.getallocatedblocks() - blocks < 200


def test_graphs_and_models_are_freed():
    model = torch.nn.Linear(3, 3)
    graph = ingot.extract_compiled_graph(model, [torch.randn(2, 3)])
    module = ingot.compile(model)
    module(torch.randn(2, 3))
    gone = [weakref.ref(graph), weakref.ref(module), weakref.ref(model)]
    del graph, module, model
    gc.collect()
    assert [ref() for ref in gone] == [None, None, None]


def test_eight_threads_call_one_graph(backend):
    model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4)).eval()
    graph = ingot.extract_compiled_graph(model, [torch.randn(2, 16)])
    errors = []

    def work(seed):
        try:
            generator = torch.Generator().manual_seed(seed)
            with torch.no_grad():
                for _ in range(200):
                    x = torch.randn(2, 16, generator=generator)
                    torch.testing.assert_close(graph(x), [model(x)])
        except BaseException as error:  # Shown by the main thread.
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[0]


def test_eight_threads_extract_a_signature_once():
    module = ingot.compile(torch.nn.Linear(3, 3).eval())
    barrier = threading.Barrier(8)
    results = []

    def work():
        barrier.wait()
        results.append(module(torch.ones(2, 3)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 and module.extractions == 1


def test_the_gil_is_free_while_a_graph_runs():
    model = torch.nn.Sequential(*[torch.nn.Linear(1024, 1024) for _ in range(4)]).eval()
    graph = ingot.extract_compiled_graph(model, [torch.randn(512, 1024)], backend="torchscript")
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(None)

    thread = threading.Thread(target=tick)
    thread.start()
    before = len(ticks)
    graph(torch.randn(512, 1024))
    during = len(ticks) - before
    done.set()
    thread.join()
    assert during > 1
