"""Training pairs: sharp crops through the camera, made on the training device.

The position in the data is a number, not a state: batch ``step`` of a stage depends on the recipe's seed, the stage
and the step alone, so that a resumed run sees exactly what an uninterrupted one would have seen.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from unblur.colour import luma
from unblur.degrade.camera import Camera
from unblur.degrade.clip import saturating_gain
from unblur.errors import ConfigError, ImageError
from unblur.io.arrays import image_of
from unblur.io.read import read_picture
from unblur.tensors import Image, Psf
from unblur.train.config import DataConfig

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp")


class Photos:
    """Photographs held as 8-bit pixels in one flat array on the training device.

    Args:
        pictures: ``(1, 1, H, W)`` each, in [0, 1] or bytes; any sizes. Where one is ``(1, 3, H, W)``,
            all become colour.
        device: where the crops are wanted.
    """

    def __init__(self, pictures: Sequence[Tensor], device: torch.device) -> None:
        if not pictures:
            raise ConfigError("there is no photograph to train on; give a folder with sharp photographs")
        self.heights = torch.tensor([p.shape[-2] for p in pictures])
        self.widths = torch.tensor([p.shape[-1] for p in pictures])
        areas = self.heights * self.widths
        self.offsets = torch.cumsum(areas, 0) - areas
        self.shares = areas.to(torch.float64) / areas.sum()
        planes = max(p.shape[1] for p in pictures)
        flat = torch.cat([_bytes(p).expand(-1, planes, -1, -1).flatten(2)[0] for p in pictures], dim=1)
        self.pixels = flat.to(device)
        """``(planes, all pixels of all photographs)``."""
        self.gains = torch.cat([saturating_gain(_floats(p)) for p in pictures]).to(torch.float32)
        """Per photograph: the gain at which 3.5 % of it clips, at most 2."""

    def __len__(self) -> int:
        return len(self.heights)

    def fitting(self, side: int) -> Tensor:
        """Indices of the photographs that hold a crop of ``side`` pixels.

        Raises:
            ConfigError: none does.
        """
        fits = torch.nonzero(torch.minimum(self.heights, self.widths) >= side).flatten()
        if not len(fits):
            largest = int(torch.minimum(self.heights, self.widths).max())
            raise ConfigError(
                f"no photograph holds a crop of {side} x {side} pixels (the largest has {largest} on its short side); "
                "give larger photographs or a smaller patch in the recipe"
            )
        return fits

    def crops(self, photos: Tensor, tops: Tensor, lefts: Tensor, side: int) -> Tensor:
        """Square crops ``(B, 1|3, side, side)`` in [0, 1]; all three arguments ``(B,)``, on the CPU."""
        starts = (self.offsets[photos] + tops * self.widths[photos] + lefts).to(self.pixels.device)
        strides = self.widths[photos].to(self.pixels.device)
        steps = torch.arange(side, device=self.pixels.device)
        places = starts[:, None, None] + steps[None, :, None] * strides[:, None, None] + steps[None, None, :]
        return _floats(self.pixels[:, places]).transpose(0, 1)


def find_photos(folder: Path, prefixes: Sequence[str]) -> list[Path]:
    """Photographs below ``folder`` whose names start with one of ``prefixes`` (any name if empty), sorted.

    Raises:
        ConfigError: the folder is missing or holds no such photograph.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; expected one with sharp photographs")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if prefixes:
        found = [path for path in found if path.name.startswith(tuple(prefixes))]
    if not found:
        named = f" whose name starts with {', '.join(prefixes)}" if prefixes else ""
        raise ConfigError(f"{folder}: no photograph{named} in it; expected {', '.join(SUFFIXES)}")
    return found


def _bytes(picture: Tensor) -> Tensor:
    return picture if picture.dtype == torch.uint8 else (picture * 255).round().to(torch.uint8)


def _floats(picture: Tensor) -> Tensor:
    return picture.to(torch.float32) / 255 if picture.dtype == torch.uint8 else picture


def read_photos(paths: Sequence[Path], *, colour: bool = False) -> list[Tensor]:
    """Photographs as grey pictures ``(1, 1, H, W)`` in [0, 1], Rec. 601 luma of the stored values.

    Args:
        paths: files.
        colour: keep the planes, ``(1, 3, H, W)`` as bytes: a quarter of the memory for three times the values.

    Raises:
        ConfigError: one of them cannot be read.
    """
    pictures: list[Tensor] = []
    for path in paths:
        try:
            picture = image_of(read_picture(path).pixels)
            pictures.append(_bytes(picture) if colour else luma(picture))
        except ImageError as error:
            raise ConfigError(f"{error} (remove it from the photographs)") from None
    return pictures


class Patches:
    """Batches of (blurred, sharp) patches for one PSF.

    Args:
        photos: where the sharp crops come from.
        psf: the blur; its own size is added to each crop, so that the blur is the valid part.
        config: the camera's ranges.
        seed: of the recipe.
    """

    def __init__(self, photos: Photos, psf: Psf, config: DataConfig, seed: int) -> None:
        self.photos, self.config, self.seed = photos, config, seed
        self.psf = psf.to(photos.pixels.device)

    def batch(self, stage: int, step: int, count: int, patch: int) -> tuple[Image, Image]:
        """Pair number ``step`` of a stage: blurred and sharp, ``(count, 1, patch, patch)`` each, same frame."""
        device = self.photos.pixels.device
        draw = torch.Generator().manual_seed(mixed_seed(self.seed, stage, step))
        noise = torch.Generator(device).manual_seed(mixed_seed(self.seed, stage, step) ^ 0x5EED)
        reach = max(self.psf.shape) - 1
        side = patch + reach
        fits = self.photos.fitting(side)
        chosen = fits[torch.multinomial(self.photos.shares[fits], count, replacement=True, generator=draw)]
        room_y, room_x = self.photos.heights[chosen] - side, self.photos.widths[chosen] - side
        u = torch.rand(8, count, generator=draw, dtype=torch.float64)
        tops = (u[0] * (room_y + 1)).long()
        lefts = (u[1] * (room_x + 1)).long()
        sharp = self.photos.crops(chosen, tops, lefts, side)
        sharp = turned(sharp, u[2] < 0.5, u[3] < 0.5)
        data = self.config
        exposed = self.photos.gains[chosen].double() * _between(data.gain, u[5])
        camera = Camera(
            gain=torch.where(u[4] < data.saturated, exposed.clamp(1, 2), 1.0).float().to(device),
            lights=_between(data.lights, u[5]).float().to(device),
            noise=_between(data.noise, u[6]).float().to(device),
            jpeg=_between(data.jpeg, u[7]).round().float().to(device),
            transfer=data.transfer,
        )
        blurred, target = camera.photograph(sharp, self.psf, noise)
        return blurred[..., :patch, :patch], target[..., :patch, :patch]


def turned(crops: Image, flip: Tensor, transpose: Tensor) -> Image:
    """Square crops, flipped left to right and transposed where ``(B,)`` says so."""
    flips, transposes = (chosen.to(crops.device)[:, None, None, None] for chosen in (flip, transpose))
    crops = torch.where(flips, crops.flip(-1), crops)
    return torch.where(transposes, crops.transpose(-2, -1), crops)


def mixed_seed(*numbers: int) -> int:
    """One 63-bit seed from several small integers; neighbours give unrelated seeds (after splitmix64)."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = ((state ^ number) * 0xBF58476D1CE4E5B9) % 2**64
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) % 2**64
        state ^= state >> 31
    return state % 2**63


def validation_pairs(
    pictures: Sequence[Tensor], psf: Psf, config: DataConfig, *, patch: int, seed: int
) -> list[tuple[Tensor, Tensor]]:
    """One fixed pair for each picture: its centre, exposed until 3.5 % clips, the middle of every other range.

    Args:
        pictures: ``(1, 1, H, W)`` each; those too small for the PSF are left out.
        psf: the blur.
        config: the camera's ranges.
        patch: largest side of the blurred pictures, in pixels.
        seed: of the noise.
    """
    pairs: list[tuple[Tensor, Tensor]] = []
    for number, picture in enumerate(pictures):
        height, width = (min(n, patch + k - 1) for n, k in zip(picture.shape[-2:], psf.shape, strict=True))
        if height < psf.shape[0] or width < psf.shape[1]:
            continue
        top, left = (picture.shape[-2] - height) // 2, (picture.shape[-1] - width) // 2
        sharp = picture[..., top : top + height, left : left + width]
        camera = Camera(
            gain=float(saturating_gain(sharp)[0]) if config.saturated else 1.0,
            lights=math.sqrt(config.lights[0] * config.lights[1]),
            noise=sum(config.noise) / 2,
            jpeg=round(sum(config.jpeg) / 2),
            transfer=config.transfer,
        )
        pairs.append(camera.photograph(sharp, psf, torch.Generator().manual_seed(mixed_seed(seed, number))))
    return pairs


def _between(limits: tuple[float, float], share: Tensor) -> Tensor:
    """A value within ``limits`` for each share in 0 to 1."""
    return limits[0] + (limits[1] - limits[0]) * share
