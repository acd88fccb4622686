"""What the universal network knows of a photograph before its first step."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor

from unblur.boundary import Inside, extended, extended_weight, filled
from unblur.errors import ImageError, PsfError
from unblur.networks.light import noise_levels, whiteness
from unblur.networks.unet import STRIDE
from unblur.tensors import Image

RING = 8
"""Pixels around the photograph that the U-Nets see and estimate too, before a side is rounded up to a whole cell."""
ROOM = 2 * RING + 1
"""The extended domain leaves room for at least a PSF of this side, and so for the ring."""


@dataclass(frozen=True)
class Facts:
    """What stays the same over all steps: all on the extended domain, ``(B, C, H, W)`` unless said."""

    picture: Tensor
    trust: Tensor
    """1 on the photograph, 0 outside and where it must be ignored."""
    white: Tensor
    """1 where the photograph is clipped, 0 where it is not."""
    doubt: Tensor
    """Share of a pixel's light that fell where the photograph is clipped, ignored or ends."""
    transfer: Tensor
    """Of the PSF, ``(B|1, 1, H, W // 2 + 1)``."""
    levels: Tensor
    """Noise, ``(B, 3)``."""
    kernels: Tensor
    """The PSFs, ``(B|1, kh, kw)``."""
    size: tuple[int, int]
    inside: Inside

    @property
    def region(self) -> Inside:
        """The photograph with its ring, sides in whole cells of the U-Nets."""
        return region_around(self.inside)

    def each(self) -> Iterator["Facts"]:
        """The same of every photograph alone."""
        names = ("picture", "trust", "white", "doubt", "transfer", "levels", "kernels")
        for number in range(len(self.picture)):
            parts = {name: getattr(self, name) for name in names}
            yield replace(self, **{n: part[number % len(part) :][:1] for n, part in parts.items()})


def region_around(inside: Inside) -> Inside:
    """A photograph with its ring, sides in whole cells of the U-Nets."""
    sides = []
    for part in inside:
        length = part.stop - part.start + 2 * RING
        sides.append(slice(part.start - RING, part.start - RING + length + -length % STRIDE))
    return sides[0], sides[1]


def room_for(psf: Tensor) -> Tensor:
    """What :func:`unblur.boundary.extended` must leave room for: the PSF, ``(..., kh, kw)``, and the ring."""
    kh, kw = psf.shape[-2:]
    return psf.new_zeros(max(kh, ROOM), max(kw, ROOM))


def check(blurred: Tensor, psf: Tensor) -> None:
    """Refuse what the network cannot take.

    Raises:
        ImageError: neither grey nor colour.
        PsfError: a PSF that is none, or not as many as there are photographs.
    """
    if blurred.shape[1] not in (1, 3):
        raise ImageError(f"the picture has {blurred.shape[1]} planes, expected 1 or 3; restore them one by one")
    if psf.ndim not in (2, 3) or (psf.ndim == 3 and len(psf) != len(blurred)):
        shape, count = tuple(psf.shape), len(blurred)
        raise PsfError(f"the PSF has the shape {shape}, expected (kh, kw) or ({count}, kh, kw) for {count} pictures")


def facts_of(blurred: Image, psf: Tensor, weight: Tensor | None, noise: Tensor | None) -> Facts:
    """Extend the photographs and gather what all steps need.

    Args:
        blurred: in the light of the blur.
        psf: ``(kh, kw)``, or one for each photograph ``(B, kh, kw)``.
        weight: 1 = trust, 0 = ignore.
        noise: levels ``(B, 3)``; None measures them.

    Raises:
        ImageError: neither grey nor colour.
        PsfError: a PSF that is none, or not as many as there are photographs.
    """
    check(blurred, psf)
    kernels = psf.to(blurred).reshape(-1, *psf.shape[-2:])
    kh, kw = kernels.shape[-2:]
    room = room_for(kernels)
    picture, frame, inside = extended(blurred if weight is None else filled(blurred, weight, room), room)
    trust = extended_weight(weight, frame, inside).expand_as(picture)
    size = (picture.shape[-2], picture.shape[-1])
    placed = F.pad(kernels, (0, size[1] - kw, 0, size[0] - kh)).roll((-(kh // 2), -(kw // 2)), dims=(-2, -1))
    transfer = torch.fft.rfft2(placed)[:, None]
    white = whiteness(picture)
    doubt = torch.fft.irfft2(torch.fft.rfft2(1 - trust * (1 - white)) * transfer.conj(), s=size)
    levels = noise_levels(blurred, weight=weight) if noise is None else noise.to(blurred)
    return Facts(picture, trust, white, doubt, transfer, levels, kernels, size, inside)


def misfit_of(latent: Tensor | None, facts: Facts) -> tuple[Tensor, Tensor]:
    """What would have been observed without clipping and beyond the frame; the spectrum of what is unexplained."""
    if latent is None:
        return facts.picture, torch.fft.rfft2(facts.picture)
    blurred = torch.fft.irfft2(torch.fft.rfft2(latent) * facts.transfer, s=facts.size)
    lit = torch.lerp(facts.picture, torch.maximum(facts.picture, blurred), facts.white)
    observed = torch.lerp(blurred, lit, facts.trust)
    return observed, torch.fft.rfft2(observed - blurred)
