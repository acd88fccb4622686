"""Pictures as overlapping patches: what the patch networks share."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Float
from torch import Tensor

_BAND = 16384  # patches held at once


def gaussian_window(side: int, *, like: Tensor) -> Tensor:
    """How much a patch's pixels count where patches overlap, ``(side, side)``, highest in the middle.

    After Schuler et al. (2013); the standard deviation is a third of the side, so that corners count about a ninth.
    """
    places = torch.arange(side, dtype=like.dtype, device=like.device) - (side - 1) / 2
    bell = torch.exp(-0.5 * (places / (side / 3)).square())
    return bell[:, None] * bell[None, :]


def patches_of(planes: Float[Tensor, "p 1 h w"], side: int, stride: int) -> Tensor:
    """All patches that lie wholly inside, in reading order: ``(P · L, side²)``."""
    return F.unfold(planes, side, stride=stride).transpose(1, 2).flatten(0, 1)


def patchwise(
    restore: Callable[[Tensor], Tensor], planes: Float[Tensor, "p 1 h w"], *, inside: int, window: Tensor, stride: int
) -> Tensor:
    """Restore patches of a picture and average what overlaps.

    Args:
        restore: from patches ``(N, inside²)`` to the smaller or equal ones about the same centres, ``(N, outside²)``.
        planes: at least ``inside`` pixels a side, and further by whole strides: what remains at the end is not read.
        inside: side of what a patch sees, in pixels; ``inside - outside`` even.
        window: ``(outside, outside)``, how much each pixel of a restored patch counts.
        stride: pixels from one patch to the next; smaller averages more, and is slower.

    Returns:
        ``(P, 1, H - inside + outside, W - inside + outside)``.
    """
    p, _, h, w = planes.shape
    outside = window.shape[0]
    rim = inside - outside
    total = planes.new_zeros(p, 1, h - rim, w - rim)
    counts = planes.new_zeros(1, 1, h - rim, w - rim)
    across = (w - inside) // stride + 1
    down = (h - inside) // stride + 1
    band = max(1, _BAND // (p * across))
    weights = window.flatten()
    for first in range(0, down, band):
        rows = min(band, down - first)
        top, height = first * stride, inside + (rows - 1) * stride
        patches = patches_of(planes[..., top : top + height, :], inside, stride)
        weighted = (restore(patches) * weights).unflatten(0, (p, rows * across)).transpose(1, 2)
        size = (height - rim, w - rim)
        here = (..., slice(top, top + height - rim), slice(None))
        total[here] += F.fold(weighted, size, outside, stride=stride)
        even = weights[None, :, None].expand(1, -1, rows * across)
        counts[here] += F.fold(even, size, outside, stride=stride)
    return total / counts.clamp_min(torch.finfo(counts.dtype).tiny)


def wrapped(planes: Tensor, before: int, after: int) -> Tensor:
    """A circular picture continued by so many pixels at the beginning and the end of both sides, however many."""
    for dim in (-2, -1):
        length = planes.shape[dim]
        planes = planes.index_select(dim, torch.arange(-before, length + after, device=planes.device) % length)
    return planes
