"""Between the numbers that a picture stores and the light that methods restore."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from unblur.bands import Rows
from unblur.boundary import Arc
from unblur.colour import SRGB, ToneCurve
from unblur.deconvolvers import Deconvolver, Surveying
from unblur.tensors import Image, Psf, Report, Weight

ROWS = 256
"""Rows of a restored picture that are encoded together."""


@runtime_checkable
class OfIntegers(Protocol):
    """A deconvolver that can take a photograph of integers as it is stored, which saves memory."""

    def of_integers(
        self, stored: Tensor, table: Tensor, psf: Psf, *, weight: Weight | None = None, report: Report | None = None
    ) -> Image:
        """Restore ``(B, C, H, W)`` integers whose light is in ``table``, ``(C, n)``; light comes back, not clipped."""
        ...


def light_of(planes: Tensor, *, through_light: bool, curve: ToneCurve = SRGB) -> Image:
    """Stored values as floats with 1 = white, in linear light if asked; float64 stays, all else becomes float32."""
    if planes.dtype == torch.float64:
        image = planes
    else:
        white = {torch.uint8: 255, torch.uint16: 65535}.get(planes.dtype, 1)
        image = planes.to(torch.float32) / white
    return curve.decode(image) if through_light else image


@runtime_checkable
class OfPieces(Protocol):
    """A deconvolver that extends the photograph, and can take a piece of one that was extended already."""

    def room(self, psf: Psf) -> Tensor:
        """A PSF of the size for which photographs are extended."""
        ...

    def piece(
        self, extended: Image, psf: Psf, *, weight: Weight, place: tuple[Arc, Arc], report: Report | None = None
    ) -> Image:
        """Restore ``(B, C, h, w)``, which lies on the circle of either axis as ``place`` says; not clipped."""
        ...


class OnStored:
    """A deconvolver between a decoder and an encoder: stored numbers in, stored numbers out.

    Args:
        deconvolve: takes light.
        device: where it computes.
        through_light: whether stored values are decoded to linear light before it and encoded after it.
        curve: how they are decoded and encoded.
    """

    def __init__(
        self, deconvolve: Deconvolver, device: torch.device, *, through_light: bool, curve: ToneCurve = SRGB
    ) -> None:
        self.deconvolve, self.device, self.through_light, self.curve = deconvolve, device, through_light, curve

    def surveyed(self, source: Rows, weight: Rows | None) -> "OnStored":
        """The same for tiles of this picture, with all that the method must know of the whole."""
        deconvolve = self.deconvolve
        if isinstance(deconvolve, Surveying):
            height, width = source.shape[-2:]
            # Of a picture whose pixels are their rows' numbers, what is sampled are the numbers of the sampled rows.
            rows = deconvolve.sample(torch.arange(height, dtype=torch.int32)[:, None].expand(height, width))[:, 0]
            image = self.decoded(_picked(source, rows))
            trust = None if weight is None else _picked(weight, rows).to(image)
            deconvolve = deconvolve.surveyed(image, weight=trust)
        return OnStored(deconvolve, self.device, through_light=self.through_light, curve=self.curve)

    def __call__(
        self, blurred: Tensor, psf: Psf, *, weight: Image | None = None, report: Report | None = None
    ) -> Tensor:
        """Restore ``(B, C, H, W)`` of any number type; the same type comes back, clipped to [0, 1]."""
        return self.as_stored(self.light(blurred, psf, weight=weight, report=report), blurred)

    def light(self, blurred: Tensor, psf: Psf, *, weight: Image | None = None, report: Report | None = None) -> Tensor:
        """Restore ``(B, C, H, W)`` of any number type; light comes back, not clipped."""
        table = self._table(blurred)
        if table is not None and isinstance(self.deconvolve, OfIntegers):
            trust = None if weight is None else weight.to(table)
            return self.deconvolve.of_integers(blurred, table, psf.to(table), weight=trust, report=report)
        image = self.decoded(blurred).to(self.device)
        trust = None if weight is None else weight.to(image)
        return self.deconvolve(image, psf.to(image), weight=trust, report=report)

    @property
    def takes_pieces(self) -> bool:
        """Whether tiles may be cut from the extended photograph."""
        return isinstance(self.deconvolve, OfPieces)

    def room(self, psf: Psf) -> Tensor:
        """A PSF of the size for which the photograph is extended; only for what :attr:`takes_pieces`."""
        assert isinstance(self.deconvolve, OfPieces)
        return self.deconvolve.room(psf)

    def piece(
        self, extended: Image, psf: Psf, *, weight: Weight, place: tuple[Arc, Arc], report: Report | None = None
    ) -> Image:
        """Restore a piece of an extended photograph, in light; only for what :attr:`takes_pieces`."""
        assert isinstance(self.deconvolve, OfPieces)
        image = extended.to(self.device)
        return self.deconvolve.piece(image, psf.to(image), weight=weight.to(image), place=place, report=report)

    def decoded(self, stored: Tensor) -> Image:
        """Stored numbers as light."""
        return light_of(stored, through_light=self.through_light, curve=self.curve)

    def as_stored(self, restored: Image, like: Tensor) -> Tensor:
        """Light as the numbers of a stored picture ``like``, on its device, clipped to [0, 1]."""
        if restored.requires_grad:
            return self._encoded(restored, like.dtype).to(like.device)
        stored = like.new_empty(restored.shape)
        for top in range(0, stored.shape[-2], ROWS):  # a large picture's light is not held twice
            rows = slice(top, top + ROWS)
            stored[..., rows, :] = self._encoded(restored[..., rows, :], like.dtype)
        return stored

    def _encoded(self, light: Image, dtype: torch.dtype) -> Tensor:
        light = light.clamp(0, 1)
        return _stored(self.curve.encode(light) if self.through_light else light, dtype)

    def _table(self, stored: Tensor) -> Tensor | None:
        """The light of every integer in each plane, ``(C, n)``; None for a picture of other numbers."""
        count = {torch.uint8: 256, torch.uint16: 65536}.get(stored.dtype)
        if count is None:
            return None
        integers = torch.arange(count, dtype=torch.int32).to(stored.dtype).expand(1, stored.shape[1], 1, -1)
        return self.decoded(integers)[0, :, 0]


def _stored(image: Image, dtype: torch.dtype) -> Tensor:
    """[0, 1] as numbers of a type, integers rounded."""
    if dtype == torch.uint8:
        return (image * 255).round().to(dtype)
    if dtype == torch.uint16:
        return (image * 65535).round().to(torch.int32).cpu().to(dtype)
    return image.to(dtype)


def _picked(source: Rows, rows: Tensor) -> Tensor:
    """Rows of these numbers, which rise."""
    breaks = torch.nonzero(rows.diff() != 1).flatten() + 1
    runs = torch.tensor_split(rows, breaks)
    parts = [source.read(slice(int(run[0]), int(run[-1]) + 1)) for run in runs]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-2)
