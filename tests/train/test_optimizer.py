"""Muon for kernels, Adam for the rest: one thing to the loop, and its state survives."""

import torch
from torch import nn

from unblur.train.optimizer import KernelMuon, optimizer_for


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(2, 5, 3), nn.Tanh(), nn.ConvTranspose2d(5, 1, 3))


def steps(net: nn.Module, optimizer: torch.optim.Optimizer | KernelMuon, count: int) -> list[float]:
    x = torch.linspace(-1, 1, 2 * 2 * 12 * 12).reshape(2, 2, 12, 12)
    target = x.sum(dim=1, keepdim=True).sin()
    losses = []
    for _ in range(count):
        optimizer.zero_grad()
        loss = (net(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def groups(net: nn.Module) -> list[dict[str, object]]:
    return [{"params": list(net.parameters()), "lr": 1e-2, "peak": 1e-2}]


def test_it_learns_and_moves_every_weight() -> None:
    net = network()
    before = [p.detach().clone() for p in net.parameters()]

    losses = steps(net, optimizer_for("muon", groups(net)), 40)

    assert losses[-1] < 0.3 * losses[0]
    assert all(not torch.equal(old, new) for old, new in zip(before, net.parameters(), strict=True))


def test_kernels_move_more_evenly_in_all_directions_than_their_gradient() -> None:
    net = network()
    kernel = next(net.parameters())
    before = kernel.detach().clone()

    steps(net, optimizer_for("muon", groups(net)), 1)

    def spread(matrix: torch.Tensor) -> float:
        values = torch.linalg.svdvals(matrix.flatten(1))
        return float(values.max() / values.min())

    assert kernel.grad is not None
    assert spread(kernel.detach() - before) < spread(kernel.grad) / 3


def test_its_state_goes_on_exactly() -> None:
    whole, parts = network(), network()
    steps(whole, optimizer_for("muon", groups(whole)), 6)
    first = optimizer_for("muon", groups(parts))
    steps(parts, first, 3)

    again = optimizer_for("muon", groups(parts))
    again.load_state_dict(first.state_dict())
    steps(parts, again, 3)

    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(one, other)


def test_rates_are_set_through_its_groups() -> None:
    optimizer = optimizer_for("muon", groups(network()))

    assert len(optimizer.param_groups) == 2  # kernels, biases
    assert all(group["peak"] == 1e-2 for group in optimizer.param_groups)


def test_gradient_descent_learns_too() -> None:
    net = network()
    losses = steps(net, optimizer_for("sgd", [{"params": list(net.parameters()), "lr": 0.05}]), 30)

    assert losses[-1] < losses[0]
