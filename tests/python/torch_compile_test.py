"""torch.compile(model, backend="ingot"): regions as Dynamo hands them over."""

import pytest
import torch
from torch import nn

import ingot


@pytest.fixture(autouse=True)
def _fresh_dynamo():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def net():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def test_backend_is_registered():
    assert "ingot" in torch._dynamo.list_backends()


def test_inference(backend):
    model = net().eval()
    compiled = torch.compile(model, backend="ingot")
    with torch.no_grad():
        for _ in range(3):
            x = torch.randn(3, 4)
            torch.testing.assert_close(compiled(x), model(x))


def test_options_reach_the_session():
    with torch.no_grad():
        compiled = torch.compile(net().eval(), backend="ingot", options={"backend": "nosuch"})
        with pytest.raises(Exception, match="nosuch"):
            compiled(torch.randn(3, 4))


def test_dynamic_shapes(backend):
    def function(x):
        return x.reshape(x.shape[0] * 2, -1) * x.shape[0]

    compiled = torch.compile(function, backend="ingot", dynamic=True)
    for n in (2, 3, 5, 3):
        x = torch.randn(n, 4)
        torch.testing.assert_close(compiled(x), function(x))


def test_graph_breaks():
    seen = []

    def function(x):
        y = x * 2
        if y.sum() > 0:
            seen.append("positive")
            return y + 1
        torch._dynamo.graph_break()
        return y - 1

    compiled = torch.compile(function, backend="ingot")
    for sign in (1, -1, 1):
        x = torch.full((3,), float(sign))
        torch.testing.assert_close(compiled(x), x * 2 + sign)
    assert seen == ["positive", "positive"]


def test_in_place_updates_and_buffers():
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", torch.zeros(()))

        def forward(self, x):
            self.count += 1
            x.mul_(2)
            return x + self.count

    model = Counter()
    compiled = torch.compile(model, backend="ingot")
    for step in range(1, 5):
        x = torch.ones(2)
        torch.testing.assert_close(compiled(x), torch.full((2,), 2.0 + step))
        torch.testing.assert_close(x, torch.full((2,), 2.0))
    assert model.count == 4


def test_changed_weights_are_used(backend):
    model = net().eval()
    compiled = torch.compile(model, backend="ingot")
    x = torch.randn(3, 4)
    with torch.no_grad():
        for _ in range(6):
            torch.testing.assert_close(compiled(x), model(x))
            model[0].weight.add_(0.1)


def test_training_takes_the_same_steps_as_eager():
    ours, eager = net(), net()
    eager.load_state_dict(ours.state_dict())
    compiled = torch.compile(ours, backend="ingot", options={"backend": "torchscript"})
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in (ours, eager)]
    for _ in range(4):
        x, target = torch.randn(5, 4), torch.randn(5, 2)
        for model, optimizer in zip((compiled, eager), optimizers):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), target).backward()
            optimizer.step()
    torch.testing.assert_close(ours.state_dict(), eager.state_dict())


def test_errors_of_the_backend_name_the_op():
    ingot.config.set_force_fallback("aten::relu")
    try:
        with torch.no_grad(), pytest.raises(Exception, match="aten::relu"):
            torch.compile(net().eval(), backend="ingot", options={"backend": "onednn"})(torch.randn(3, 4))
    finally:
        ingot.config.set_force_fallback("")
