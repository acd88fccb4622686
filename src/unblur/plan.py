"""What is settled before the first pixel is touched: the method, the light it works in, the device and the tiles."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from unblur.colour import SRGB, ToneCurve
from unblur.deconvolvers import Deconvolver, Surveying
from unblur.errors import ConfigError, PsfError
from unblur.method import Method
from unblur.methods import METHODS, default_method
from unblur.tensors import Encoding, Image, Psf, Report, Transfer, Weight
from unblur.tiling import tile_for_memory, tiled

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


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How pictures of one kind will be restored with one PSF."""

    method: Method
    settings: Any
    """The method's own dataclass."""
    psf: Psf
    device: torch.device
    through_light: bool
    """Whether stored values are decoded to linear light before the method and encoded after it."""
    curve: ToneCurve = SRGB
    """How they are decoded and encoded."""

    def restored(
        self,
        planes: Tensor,
        *,
        tile: int | None = None,
        memory: int | None = None,
        weight: Image | None = None,
        report: Report | None = None,
    ) -> Tensor:
        """Restore ``(B, 1|3, H, W)`` of any number type, whole or in tiles; the same type comes back.

        Args:
            planes: integers of full range, or floats with 1 = white.
            tile: largest side of a tile in pixels; smaller takes less memory and more time.
            memory: bytes for the work on one tile.
            weight: 1 = trust, 0 = ignore.
            report: told the share of the work done; may raise ``Cancelled``.

        Raises:
            PsfError: the PSF is larger than the picture.
            ConfigError: tiles for a method that refuses them, both ``tile`` and ``memory``, or too little memory.
        """
        height, width = planes.shape[-2:]
        kh, kw = self.psf.shape
        if kh > height or kw > width:
            raise PsfError(
                f"the PSF has {kw} x {kh} pixels, expected at most the picture's {width} x {height}; "
                "crop the PSF or take the whole photograph"
            )
        side = self._tile_side(planes, tile, memory) or max(height, width)
        step = _OnStored(self, self.method.build(self.device, self.settings))
        margin, grid = self.method.margin(self.psf, self.settings), self.method.tiling.grid
        with torch.set_grad_enabled(planes.requires_grad and torch.is_grad_enabled()):
            if side < max(height, width):
                step = step.surveyed(planes, weight)
            return tiled(step, planes, self.psf, tile=side, margin=margin, grid=grid, weight=weight, report=report)

    def _tile_side(self, planes: Tensor, tile: int | None, memory: int | None) -> int | None:
        """How large the tiles are; None for the picture as a whole."""
        batch, channels, height, width = planes.shape
        kh, kw = self.psf.shape
        bytes_per_pixel = self.method.bytes_per_pixel * batch * channels
        if tile is not None and memory is not None:
            raise ConfigError(f"got both a tile of {tile} and {memory} bytes of memory, expected one of the two")
        if self.method.tiling.kind == "whole":
            if tile is not None or memory is not None:
                needed = math.ceil(((height + kh) * (width + kw) * bytes_per_pixel + self.method.bytes_fixed) / 1e6)
                name = self.method.name
                raise ConfigError(f"{name} refuses tiles; the whole picture takes about {needed} MB, leave tiles out")
            return None
        if tile is not None:
            return tile
        # The method itself puts an outside around what it gets; a piece also has its surroundings.
        beyond, fixed, usual = max(kh, kw), self.method.bytes_fixed, self.method.working_memory
        if memory is None and (height + 2 * beyond) * (width + 2 * beyond) * bytes_per_pixel + fixed <= usual:
            return None
        around = self.method.margin(self.psf, self.settings) + beyond
        return tile_for_memory(memory or usual, bytes_per_pixel, around, fixed=fixed)


def planned(
    psf: Psf,
    *,
    method: str | None,
    transfer: Transfer | None,
    encoding: Encoding,
    settings: Mapping[str, object] | None,
    device: torch.device,
    curve: ToneCurve = SRGB,
) -> Plan:
    """Settle everything that does not depend on the picture, and refuse what cannot be.

    Raises:
        ConfigError: unknown method, setting, transfer or encoding, or a transfer that the method cannot work in.
        PsfError: the method does not know the PSF.
    """
    name = method or default_method(psf)
    if name not in METHODS:
        raise ConfigError(f"the method is {name!r}, expected one of {', '.join(METHODS)}")
    chosen = METHODS[name]
    if transfer not in (None, "linear", "encoded"):
        raise ConfigError(f"the transfer is {transfer!r}, expected linear or encoded")
    if encoding not in ("srgb", "linear"):
        raise ConfigError(f"the encoding is {encoding!r}, expected srgb or linear")
    if chosen.transfer != "any" and transfer not in (None, chosen.transfer):
        raise ConfigError(f"{name} works with transfer {chosen.transfer} only, got {transfer}; leave the transfer out")
    light = transfer or ("linear" if chosen.transfer == "any" else chosen.transfer)
    configured = chosen.configured(settings)
    if reason := chosen.refusal(psf, configured):
        others = ", ".join(other.name for other in METHODS.values() if other.refusal(psf) is None)
        raise PsfError(f"{name} {reason}; methods that take it: {others}")
    return Plan(
        method=chosen,
        settings=configured,
        psf=psf,
        device=device,
        through_light=encoding == "srgb" and light == "linear",
        curve=curve,
    )


def light_of(planes: Tensor, *, through_light: bool, curve: ToneCurve = SRGB) -> Image:
    """Stored values as floats with 1 = white, in linear light if asked; float64 stays, all else becomes float32."""
    if planes.dtype == torch.float64:
        image = planes
    else:
        white = {torch.uint8: 255, torch.uint16: 65535}.get(planes.dtype, 1)
        image = planes.to(torch.float32) / white
    return curve.decode(image) if through_light else image


class _OnStored:
    """A deconvolver between a decoder and an encoder: stored numbers in, stored numbers out."""

    def __init__(self, plan: Plan, deconvolve: Deconvolver) -> None:
        self.plan, self.deconvolve = plan, deconvolve

    def surveyed(self, planes: Tensor, weight: Image | None) -> "_OnStored":
        """The same for tiles of this picture, with all that the method must know of the whole."""
        deconvolve = self.deconvolve
        if isinstance(deconvolve, Surveying):
            sample, trust = deconvolve.sample, None
            image = self._light(sample(planes))
            if weight is not None:
                trust = sample(weight).to(image)
            deconvolve = deconvolve.surveyed(image, weight=trust)
        return _OnStored(self.plan, deconvolve)

    def __call__(
        self, blurred: Tensor, psf: Psf, *, weight: Image | None = None, report: Report | None = None
    ) -> Tensor:
        table = self._table(blurred)
        if table is not None and isinstance(self.deconvolve, OfIntegers):
            trust = None if weight is None else weight.to(table)
            restored = self.deconvolve.of_integers(blurred, table, psf.to(table), weight=trust, report=report)
        else:
            image = self._light(blurred).to(self.plan.device)
            trust = None if weight is None else weight.to(image)
            restored = self.deconvolve(image, psf.to(image), weight=trust, report=report)
        return self._as_stored(restored, blurred)

    def _light(self, stored: Tensor) -> Image:
        return light_of(stored, through_light=self.plan.through_light, curve=self.plan.curve)

    def _as_stored(self, restored: Image, like: Tensor) -> Tensor:
        """Light as the numbers of a stored picture, on its device."""
        if restored.requires_grad:
            return self._encoded(restored, like.dtype).to(like.device)
        stored = like.new_empty(restored.shape)
        for top in range(0, stored.shape[-2], ROWS):  # a large picture's light is not held twice
            rows = slice(top, top + ROWS)
            stored[..., rows, :] = self._encoded(restored[..., rows, :], like.dtype)
        return stored

    def _encoded(self, light: Image, dtype: torch.dtype) -> Tensor:
        light = light.clamp(0, 1)
        return _stored(self.plan.curve.encode(light) if self.plan.through_light else light, dtype)

    def _table(self, stored: Tensor) -> Tensor | None:
        """The light of every integer in each plane, ``(C, n)``; None for a picture of other numbers."""
        count = {torch.uint8: 256, torch.uint16: 65536}.get(stored.dtype)
        if count is None:
            return None
        integers = torch.arange(count, dtype=torch.int32).to(stored.dtype).expand(1, stored.shape[1], 1, -1)
        return self._light(integers)[0, :, 0]


def _stored(image: Image, dtype: torch.dtype) -> Tensor:
    """[0, 1] as numbers of a type, integers rounded."""
    if dtype == torch.uint8:
        return (image * 255).round().to(dtype)
    if dtype == torch.uint16:
        return (image * 65535).round().to(torch.int32).cpu().to(dtype)
    return image.to(dtype)
