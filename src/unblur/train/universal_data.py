"""Training patches for the universal network: every kind of blur, noise, exposure and storage, made in batches.

As for one PSF, batch ``step`` of a stage depends on the recipe's seed, the stage and the step alone. The PSFs of a
batch are of one size class, padded to one size, so that small blurs cost little.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Bool, Float
from torch import Tensor

from unblur.colour import decode_srgb, luma
from unblur.degrade.blur import valid_frame
from unblur.degrade.camera import Camera
from unblur.degrade.clip import saturating_gain
from unblur.psf.parametric import disk
from unblur.psf.random import perturbed, random_psf, shake_seeded
from unblur.tensors import Image, Psf
from unblur.train.data import Photos, mixed_seed, turned
from unblur.train.variety import Variety

CLASSES = 3
"""Size classes of PSFs: up to a third, two thirds and the whole of the largest side."""
FIRST_PSFS = 64
"""PSFs of a class before the first step; every eighth step adds one."""
GAMMA = 2.2
"""The sRGB curve as a power, to carry gains and lights from one light to the other."""
EXPOSURE = (0.9, 1.3)
"""Gain of saturated patches, as a multiple of the one at which 3.5 % of the photograph clips."""

GRAIN = (0.4, 1.5)
"""Size of coarse noise in pixels, see :attr:`unblur.degrade.camera.Camera.grain`."""


class Varied(NamedTuple):
    """One batch."""

    blurred: Image
    """Photographs in the light of their blur."""
    psf: Float[Tensor, "b kh kw"]
    """What the network is told."""
    scene: Image
    """The sharp light that was blurred, above 1 where it clips; same frame as ``blurred``."""
    linear: Bool[Tensor, " b"]
    """Whether the light of the blur is linear (else: stored values)."""


class Psfs:
    """Random PSFs of one size class, drawn one after the other and kept: the true one, and what a person has of it.

    Args:
        variety: how many, and how wrong.
        side: of the array that holds each, in pixels; odd.
        seed: PSF number i depends on this and i alone.
        device: where they are wanted.
        fixed: the PSF that a person has, if the network is for that one alone; its true versions vary about it.
    """

    def __init__(
        self, variety: Variety, side: int, *, seed: int, device: torch.device, fixed: Psf | None = None
    ) -> None:
        self.variety, self.side, self.seed, self.fixed = variety, side, seed, fixed
        self.true = torch.zeros(variety.psfs, side, side, device=device)
        self.told = torch.zeros(variety.psfs, side, side, device=device)
        self.drawn = 0

    def grow(self, count: int) -> int:
        """Have at least ``count`` PSFs, or all there shall be; returns how many that are."""
        count = min(count, self.variety.psfs)
        for number in range(self.drawn, count):
            true, told = self._pair(number)
            self.true[number] = self._framed(true)
            self.told[number] = self._framed(told)
        self.drawn = max(self.drawn, count)
        return count

    def _pair(self, number: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(mixed_seed(self.seed, self.side, number))
        psf = self.fixed if self.fixed is not None else random_psf(generator, largest=self.side)
        fate, strength = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
        if fate >= self.variety.wrong:
            return psf, psf
        other = perturbed(psf, generator, strength=strength * self.variety.error)
        return (psf, other) if self.fixed is None else (other, psf)

    def _framed(self, psf: Tensor) -> Tensor:
        """The PSF in the middle of the array that holds it."""
        y, x = (self.side - psf.shape[0]) // 2, (self.side - psf.shape[1]) // 2
        return F.pad(psf, (x, x, y, y))


class VariedPatches:
    """Batches for the universal network.

    Args:
        photos: where the sharp crops come from; grey or colour.
        variety: what varies, and how far.
        seed: of the recipe.
        psf: the only PSF, to train for that one; None for all.
    """

    def __init__(self, photos: Photos, variety: Variety, seed: int, *, psf: Psf | None = None) -> None:
        self.photos, self.variety, self.seed = photos, variety, seed
        device = photos.pixels.device
        if psf is None:
            sides = [2 * ((variety.largest * part // CLASSES) // 2) + 1 for part in range(1, CLASSES + 1)]
        else:
            sides = [max(psf.shape)]
        self.classes = [Psfs(variety, side, seed=seed, device=device, fixed=psf) for side in sides]

    def batch(self, stage: int, step: int, count: int, patch: int) -> Varied:
        """Batch number ``step`` of a stage: ``count`` patches of ``patch`` pixels a side."""
        device = self.photos.pixels.device
        draw = torch.Generator().manual_seed(mixed_seed(self.seed, stage, step))
        noise = torch.Generator(device).manual_seed(mixed_seed(self.seed, stage, step) ^ 0x5EED)
        whole = torch.rand(4, generator=draw, dtype=torch.float64).tolist()
        each = torch.rand(16, count, generator=draw, dtype=torch.float64)
        if self.variety.grainy:
            each = torch.cat([each, torch.rand(2, count, generator=draw, dtype=torch.float64)])
        psfs = self.classes[int(whole[0] * len(self.classes))]
        known = psfs.grow(self.variety.psfs if stage else FIRST_PSFS + step // 8)
        picked = (each[0] * known).long().to(device)
        true, told = psfs.true[picked], psfs.told[picked]
        if psfs.fixed is None:
            true, told = (_turned_psfs(k, each[1:4].to(device)) for k in (true, told))
        sharp, gains = self._sharp(draw, each[4:8], patch + psfs.side - 1)
        if whole[1] < self.variety.grey:
            sharp = luma(sharp)
        # The first patches of a batch are blurred as stored, the others in linear light.
        split = count - round(count * self.variety.linear)
        made = [
            self._photographed(sharp[part], true[part], self._camera(each[8:, part], gains[part], whole, linear), noise)
            for part, linear in ((slice(0, split), False), (slice(split, count), True))
            if part.start < part.stop
        ]
        blurred, scene = (torch.cat(parts) for parts in zip(*made, strict=True))
        return Varied(blurred, told, scene, torch.arange(count, device=device) >= split)

    def _sharp(self, draw: torch.Generator, each: Tensor, side: int) -> tuple[Tensor, Tensor]:
        """Sharp crops, and their photographs' saturating gains."""
        fits = self.photos.fitting(side)
        count = each.shape[1]
        chosen = fits[torch.multinomial(self.photos.shares[fits], count, replacement=True, generator=draw)]
        tops = (each[0] * (self.photos.heights[chosen] - side + 1)).long()
        lefts = (each[1] * (self.photos.widths[chosen] - side + 1)).long()
        sharp = self.photos.crops(chosen, tops, lefts, side)
        return turned(sharp, each[2] < 0.5, each[3] < 0.5), self.photos.gains[chosen].double()

    def _camera(self, each: Tensor, gains: Tensor, whole: list[float], linear: bool) -> Camera:
        """The camera of one light: ``each`` holds eight shares of 0 to 1 per patch, ten for grainy noise."""
        data, device = self.variety, self.photos.pixels.device
        power = GAMMA if linear else 1.0
        exposed = gains * (EXPOSURE[0] + (EXPOSURE[1] - EXPOSURE[0]) * each[0])
        lights = torch.exp(each[1] * math.log(data.lights)) ** (power / GAMMA)
        photons = torch.where(each[5] < data.photons, torch.exp(math.log(300) + each[6] * math.log(100)), math.inf)
        grain = (
            torch.where(each[8] < data.grainy, GRAIN[0] + (GRAIN[1] - GRAIN[0]) * each[9], 0.0) if data.grainy else None
        )
        quality = data.quality + (100 - data.quality) * each[4] / max(data.jpeg, 1e-9)
        return Camera(
            gain=torch.where(each[2] < data.saturated, exposed.clamp(1, 2) ** power, 1.0).float().to(device),
            lights=torch.where(each[3] < data.lit, lights, 1.0).float().to(device),
            noise=(data.noise * each[7] ** 2).float().to(device),
            peak=photons.float().to(device) if linear else None,
            grain=0.0 if grain is None else grain.float().to(device),
            jpeg=torch.where(each[4] < data.jpeg, quality, math.inf).float().to(device),
            eight_bit=whole[2] < 0.5,
            subsampling="444" if whole[3] < 0.3 else "420",
            transfer="linear" if linear else "encoded",
        )

    def _photographed(
        self, sharp: Tensor, psf: Tensor, camera: Camera, noise: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Blurred photographs and the scenes behind them, both in the light of the blur."""
        blurred, _ = camera.photograph(sharp, psf, noise)
        if camera.transfer == "linear":
            blurred = decode_srgb(blurred)
        return blurred, camera.scene(valid_frame(sharp, psf))


class Check(NamedTuple):
    """A fixed degraded picture for validation."""

    column: str
    psf: Psf
    blurred: Image
    sharp: Image


def varied_checks(pictures: Sequence[Tensor], *, patch: int, seed: int, psf: Psf | None = None) -> list[Check]:
    """The middle of each picture under the four columns of the paper's Table 1, by its camera (grey, stored values).

    Args:
        pictures: ``(1, 1|3, H, W)`` in [0, 1]; those too small for a PSF are left out of its columns.
        patch: largest side of the blurred pictures, in pixels.
        seed: of the noise.
        psf: the only PSF, if the network is for that one.
    """
    kernels = {"disk": disk(7), "shake": shake_seeded(27, 22)} if psf is None else {"own": psf}
    checks: list[Check] = []
    for name, kernel in kernels.items():
        for number, picture in enumerate(pictures):
            height, width = (min(n, patch + k - 1) for n, k in zip(picture.shape[-2:], kernel.shape, strict=True))
            if height < 2 * kernel.shape[0] or width < 2 * kernel.shape[1]:
                continue
            top, left = (picture.shape[-2] - height) // 2, (picture.shape[-1] - width) // 2
            sharp = luma(picture[..., top : top + height, left : left + width])
            for column, gain in ((name, 1.0), (f"{name}-sat", float(saturating_gain(sharp)[0]))):
                camera = Camera(gain=gain, noise=0.01, jpeg=75)
                generator = torch.Generator().manual_seed(mixed_seed(seed, number))
                checks.append(Check(column, kernel, *camera.photograph(sharp, kernel, generator)))
    return checks


def _turned_psfs(psfs: Tensor, each: Tensor) -> Tensor:
    """One of eight symmetries for each PSF ``(B, k, k)``; ``each`` holds three shares of 0 to 1 per PSF."""
    flips = each[:, :, None, None] < 0.5
    psfs = torch.where(flips[0], psfs.flip(-1), psfs)
    psfs = torch.where(flips[1], psfs.flip(-2), psfs)
    return torch.where(flips[2], psfs.transpose(-2, -1), psfs)
