"""What all tests use. INGOT_TEST_BACKENDS limits the backends (names with commas)."""

import copy
import os

import pytest
import torch

import ingot

BACKENDS = os.environ.get("INGOT_TEST_BACKENDS", "onednn,torchscript,reference").split(",")


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Each backend in turn, as the process's choice."""
    ingot.set_backend(request.param)
    yield request.param
    ingot.set_backend(None)


@pytest.fixture(autouse=True)
def _same_numbers():
    torch.manual_seed(7)


def assert_same_calls(compiled, eager, make_args, calls=10):
    """`calls` calls with fresh arguments: results, and the arguments afterwards, equal eager's."""
    for _ in range(calls):
        args = make_args()
        eager_args = copy.deepcopy(args)
        with torch.no_grad():
            expected = eager(*eager_args)
        actual = compiled(*args)
        if isinstance(actual, list) and not isinstance(expected, (list, tuple)):
            expected = [expected]
        if isinstance(actual, list):
            expected = list(expected)
        torch.testing.assert_close(actual, expected)
        torch.testing.assert_close(list(args), list(eager_args))
