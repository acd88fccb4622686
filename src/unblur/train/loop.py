"""The training loop: the page that one can read."""

import math
import time
from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from unblur.precision import autocast
from unblur.train.checkpoint import Run
from unblur.train.config import Stage

Batches = Callable[[int], tuple[Tensor, ...]]
"""What the loss of a step takes, blurred patches first: the whole batch, or this process's equal share of it."""


def train(run: Run, batches: Batches, after: Callable[[float], bool]) -> None:
    """Advance ``run`` to the end of its stage; safe to stop at any moment and to call again from a saved state.

    Args:
        run: changed in place.
        batches: asked once a step.
        after: called with each step's loss, once ``run`` counts the step; saves and logs, and says whether to go on.
    """
    part = run.parts.part(run.stage.part)
    while run.step < run.stage.steps:
        begun = time.perf_counter()
        batch = batches(run.step)
        for group in run.optimizer.param_groups:
            group["lr"] = group["peak"] * pace(run.stage, run.step)
        run.optimizer.zero_grad()
        with autocast(run.device):
            loss = run.parts.loss(run.stage, *batch)
        loss.backward()
        share_gradients(part)
        if run.parts.gradient_limit is not None:
            nn.utils.clip_grad_norm_(part.parameters(), run.parts.gradient_limit)
        run.optimizer.step()
        run.note_average()
        run.step += 1
        run.seconds += time.perf_counter() - begun
        if not after(float(shared_mean(loss.detach()))):
            return


def pace(stage: Stage, step: int) -> float:
    """Share of the peak rate at a step: a linear rise over the warm-up, then a cosine down to 1 %."""
    if step < stage.warmup:
        return (step + 1) / stage.warmup
    progress = (step - stage.warmup) / max(1, stage.steps - stage.warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def share_gradients(part: nn.Module) -> None:
    """Average the gradients over all processes: equal shares of a batch then equal the whole batch."""
    if not dist.is_initialized():
        return
    gradients = [p.grad for p in part.parameters() if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for gradient, values in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(values.view_as(gradient))


def shared_mean(value: Tensor) -> Tensor:
    """The mean of a number over all processes."""
    if not dist.is_initialized():
        return value
    total = value.clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()
