"""What is settled before the first pixel is touched: the method, the light it works in, the device and the tiles."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unblur.bands import Held, Rows, blended_bands, tiled_bands
from unblur.colour import SRGB, ToneCurve
from unblur.errors import ConfigError, PsfError
from unblur.extension import extended_bands
from unblur.method import Method
from unblur.methods import METHODS, default_method
from unblur.psf.grid import PsfGrid, typical
from unblur.stored import OnStored
from unblur.stored import light_of as light_of
from unblur.tensors import Encoding, Image, Psf, Report, Transfer
from unblur.tiling import tile_for_memory, tiled

FINER = 2
"""Tiles between two neighbouring places of a PSF that varies; more follows it closer and takes longer."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How pictures of one kind will be restored with one PSF."""

    method: Method
    settings: Any
    """The method's own dataclass."""
    psf: Psf
    """Of a grid, the mean one, which has the size of the largest."""
    grid: PsfGrid | None = None
    """A PSF that varies over the picture."""
    of: tuple[int, int, int, int] | None = None
    """Of a grid, where the picture is but a part: row and column of its corner, height and width of the whole."""
    device: torch.device
    through_light: bool
    """Whether stored values are decoded to linear light before the method and encoded after it."""
    curve: ToneCurve = SRGB
    """How they are decoded and encoded."""

    @property
    def takes_bands(self) -> bool:
        """Whether the work is done in tiles, so that a picture may be read by rows."""
        return self.grid is not None or self.method.tiling.kind != "whole"

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
        shape = Held(planes).shape
        held, trust = Held(planes), None if weight is None else Held(weight)
        with torch.set_grad_enabled(planes.requires_grad and torch.is_grad_enabled()):
            if self.grid is None:
                self._check_size(shape)
                side, step = self._tile_side(shape, tile, memory) or max(shape[2:]), self._step()
                if side >= max(shape[2:]):
                    return step(planes, self.psf, weight=weight, report=report)
                if not step.takes_pieces:
                    step = step.surveyed(held, trust)
                    grid = self.method.tiling.grid
                    return tiled(
                        step, planes, self.psf, tile=side, margin=self._margin, grid=grid, weight=weight, report=report
                    )
            restored, top = torch.empty_like(planes, memory_format=torch.contiguous_format), 0
            for band in self.bands(held, tile=tile, memory=memory, weight=trust, report=report):
                restored[..., top : top + band.shape[-2], :] = band
                top += band.shape[-2]
            return restored

    def bands(
        self,
        source: Rows,
        *,
        tile: int | None = None,
        memory: int | None = None,
        weight: Rows | None = None,
        report: Report | None = None,
    ) -> Iterator[Tensor]:
        """The same for a picture that is read by rows, in bands of full width from top to bottom.

        Args:
            source: the picture.
            tile: as for :meth:`restored`.
            memory: as for :meth:`restored`; the rows of the picture that lie under a row of tiles come on top.
            weight: 1 = trust, 0 = ignore; only taken by solvers, and where the PSF varies.
            report: told the share of the work done; may raise ``Cancelled``.

        Returns:
            Bands ``(B, C, n, W)`` of the picture's number type; together as high as it.

        Raises:
            PsfError: the PSF is larger than the picture.
            ConfigError: as for :meth:`restored`.
        """
        self._check_size(source.shape)
        margin, grid = self._margin, self.method.tiling.grid
        side = self._tile_side(source.shape, tile, memory)
        step = self._step()
        if self.grid is None:
            longest = max(source.shape[2:])
            if side is not None and side < longest:
                step = step.surveyed(source, weight)
                if step.takes_pieces:
                    yield from extended_bands(
                        step, source, self.psf, tile=side, margin=margin, weight=weight, report=report
                    )
                    return
            yield from tiled_bands(
                step, source, self.psf, tile=side or longest, margin=margin, grid=grid, report=report
            )
            return
        height, width = source.shape[2:]
        top, left, full_height, full_width = self.of or (0, 0, height, width)
        psfs = self.grid.on(full_height, full_width, corner=(left, top))
        step = step.surveyed(source, weight)
        down, across = (
            self._cell(apart, length, side) for apart, length in zip(psfs.spacing, (height, width), strict=True)
        )
        like = source.read(slice(0, 1))
        for light in blended_bands(
            step.light, source, psfs, cell=(down, across), margin=margin, grid=grid, weight=weight, report=report
        ):
            yield step.as_stored(light, like)

    @property
    def _margin(self) -> int:
        """Pixels around a tile; of a PSF that varies each tile is a photograph of its own."""
        known = self.method.margin if self.grid is None else self.method.surroundings
        return known(self.psf, self.settings)

    def _step(self) -> OnStored:
        build = self.method.build(self.device, self.settings)
        return OnStored(build, self.device, through_light=self.through_light, curve=self.curve)

    def _check_size(self, shape: tuple[int, int, int, int]) -> None:
        kh, kw = self.psf.shape
        if kh > shape[2] or kw > shape[3]:
            raise PsfError(
                f"the PSF has {kw} x {kh} pixels, expected at most the picture's {shape[3]} x {shape[2]}; "
                "crop the PSF or take the whole photograph"
            )

    def _cell(self, apart: float | None, length: int, side: int | None) -> int | None:
        """Pixels between the knots of tiles, for places so far apart; None where a single tile will do."""
        if apart is None and (side is None or side >= length):
            return None
        most = math.inf if side is None else side // 2  # a tile reaches from knot to knot on either side
        if apart is not None:
            most = min(most, apart / FINER)
        return max(1, math.floor(most))

    def _tile_side(self, shape: tuple[int, int, int, int], tile: int | None, memory: int | None) -> int | None:
        """How large the tiles are; None for the picture as a whole."""
        batch, channels, height, width = shape
        kh, kw = self.psf.shape
        bytes_per_pixel = self.method.bytes_per_pixel * batch * channels
        if tile is not None and memory is not None:
            raise ConfigError(f"got both a tile of {tile} and {memory} bytes of memory, expected one of the two")
        if not self.takes_bands:
            if tile is not None or memory is not None:
                needed = math.ceil(((height + kh) * (width + kw) * bytes_per_pixel + self.method.bytes_fixed) / 1e6)
                name = self.method.name
                raise ConfigError(f"{name} refuses tiles; the whole picture takes about {needed} MB, leave tiles out")
            return None
        if tile is not None:
            return tile
        # The method itself puts an outside around what it gets; a piece also has its surroundings.
        beyond, fixed = max(kh, kw), self.method.bytes_fixed
        around = self._margin + beyond
        # Tiles smaller than twice their margin would be restored more than four times over.
        usual = max(self.method.working_memory, (4 * around) ** 2 * bytes_per_pixel + fixed)
        room = usual if memory is None else memory
        if (height + 2 * beyond) * (width + 2 * beyond) * bytes_per_pixel + fixed <= room:
            return None
        return tile_for_memory(room, bytes_per_pixel, around, fixed=fixed)


def planned(
    psf: Psf | PsfGrid,
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
        PsfError: the method does not know the PSF, or knows one only and got one that varies.
    """
    usual = typical(psf)
    name = method or default_method(usual)
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
    if isinstance(psf, PsfGrid) and chosen.trained is not None:
        others = ", ".join(other.name for other in METHODS.values() if other.trained is None)
        raise PsfError(f"{name} is trained for one PSF and takes none that varies; methods that take it: {others}")
    if reason := chosen.refusal(usual, configured):
        others = ", ".join(other.name for other in METHODS.values() if other.refusal(usual) is None)
        raise PsfError(f"{name} {reason}; methods that take it: {others}")
    return Plan(
        method=chosen,
        settings=configured,
        psf=usual,
        grid=psf if isinstance(psf, PsfGrid) else None,
        device=device,
        through_light=encoding == "srgb" and light == "linear",
        curve=curve,
    )
