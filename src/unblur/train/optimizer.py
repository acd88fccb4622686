"""What moves the weights: Adam, Muon for the kernels and Adam for the rest, or plain gradient descent."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import nn

OptimizerName = Literal["adam", "muon", "sgd"]
BETAS = (0.9, 0.99)
"""Of Adam."""
MOMENTUM = 0.9
"""Of gradient descent."""


class KernelMuon:
    """Muon (Jordan et al. 2024) for convolution kernels, each as a matrix of one row per first side; Adam for the rest.

    Muon's steps have the size of Adam's (``match_rms_adamw``), so one rate serves both.

    Args:
        groups: parameter groups with their ``lr`` and whatever else they carry.
    """

    def __init__(self, groups: Sequence[dict[str, Any]]) -> None:
        self.kernels: list[tuple[nn.Parameter, nn.Parameter]] = []
        matrices: list[dict[str, Any]] = []
        others: list[dict[str, Any]] = []
        for group in groups:
            kernels = [p for p in group["params"] if p.ndim == 4]
            # torch.optim.Muon takes matrices only: these share the kernels' memory.
            flat = [nn.Parameter(p.detach().view(p.shape[0], -1)) for p in kernels]
            self.kernels += zip(kernels, flat, strict=True)
            for found, params in ((matrices, flat), (others, [p for p in group["params"] if p.ndim != 4])):
                if params:
                    found.append({**group, "params": params})
        self.parts: dict[str, torch.optim.Optimizer] = {}
        if matrices:
            self.parts["muon"] = torch.optim.Muon(matrices, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        if others:
            self.parts["adam"] = torch.optim.Adam(others, betas=BETAS)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of both, to set their rates."""
        return [group for part in self.parts.values() for group in part.param_groups]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for kernel, _ in self.kernels:
            kernel.grad = None
        for part in self.parts.values():
            part.zero_grad()

    def step(self) -> None:
        """Move all weights."""
        for kernel, flat in self.kernels:
            flat.grad = None if kernel.grad is None else kernel.grad.reshape(flat.shape)
        for part in self.parts.values():
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Plain values and tensors of both."""
        return {name: part.state_dict() for name, part in self.parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
        for name, part in self.parts.items():
            part.load_state_dict(state[name])


def optimizer_for(name: OptimizerName, groups: list[dict[str, Any]]) -> torch.optim.Optimizer | KernelMuon:
    """The optimiser that a recipe names, over a part's parameter groups."""
    if name == "muon":
        return KernelMuon(groups)
    return (
        torch.optim.SGD(groups, lr=0.0, momentum=MOMENTUM) if name == "sgd" else torch.optim.Adam(groups, betas=BETAS)
    )
