"""PSNR in dB on validation photographs by kind of noise: of several weights, or with the noise told wrongly.

    python scripts/noise_counted.py DATA [--weights FILE ...] [--counted 0.7 1 1.4 2]

Each row is one kind of noise, each column a weights file, or how many times as strong as now the noise counts
(`--strength` of 1 / that). Where a row is best far from 1, `unblur.networks.light.noise_levels` misjudges that kind.
Photographs from DATA/val, blur of stored values by camera shakes unless a row says otherwise.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from unblur import restore
from unblur.benchmark.case import stored_values
from unblur.benchmark.suites import photos_in
from unblur.colour import luma
from unblur.degrade.blur import valid_frame
from unblur.degrade.camera import Camera
from unblur.metrics import psf_crop, psnr
from unblur.psf.parametric import disk
from unblur.psf.random import perturbed, shake_seeded
from unblur.tensors import Image, Psf

SIDE = 288
"""Of the sharp crop from the middle of each photograph, in pixels."""
SHAKES = ((13, 4), (17, 9), (21, 31), (27, 22))
"""Size and seed; the photographs take turns."""
DISK = 7.0
WRONG = 0.7
"""Strength of the PSF's error in the rows that have one, see `unblur.psf.random.perturbed`."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A row: what is done to the photographs."""

    camera: Camera
    disk: bool = False
    wrong: bool = False
    """Whether the PSF is told a little wrongly."""


KINDS = {
    **{f"{noise:g}": Kind(camera=Camera(noise=noise)) for noise in (0.002, 0.005, 0.01, 0.02, 0.05)},
    **{
        f"{noise:g}, grain {grain:g}": Kind(camera=Camera(noise=noise, grain=grain))
        for noise, grain in ((0.003, 0.5), (0.003, 1), (0.005, 0.7), (0.01, 0.5), (0.01, 1), (0.01, 1.5), (0.02, 0.7))
    },
    **{f"0.01, JPEG {quality}": Kind(camera=Camera(noise=0.01, jpeg=quality)) for quality in (90, 75)},
    "0.01, PSF inexact": Kind(camera=Camera(noise=0.01), wrong=True),
    "0.005, grain 1, PSF inexact": Kind(camera=Camera(noise=0.005, grain=1), wrong=True),
    "0.003, grain 1.3, PSF inexact": Kind(camera=Camera(noise=0.003, grain=1.3), wrong=True),
    "0.01, JPEG 75, PSF inexact": Kind(camera=Camera(noise=0.01, jpeg=75), wrong=True),
    "0.01, disk": Kind(camera=Camera(noise=0.01), disk=True),
    "0.01, JPEG 75, disk": Kind(camera=Camera(noise=0.01, jpeg=75), disk=True),
    "0.01, disk, clipped": Kind(camera=Camera(noise=0.01, gain=1.6), disk=True),
    "0.01, JPEG 75, clipped": Kind(camera=Camera(noise=0.01, jpeg=75, gain=1.6)),
    "0.01, lights 12 times white": Kind(camera=Camera(noise=0.01, gain=1.2, lights=12)),
    "0.01, JPEG 90, lights 12 times white": Kind(camera=Camera(noise=0.01, gain=1.2, lights=12, jpeg=90)),
}


def _scenes(folder: Path, count: int) -> Iterator[tuple[Image, Psf]]:
    """Crops of photographs that are spread over a folder, and a PSF for each."""
    photos = photos_in(folder)
    for number, photo in enumerate(photos[:: max(1, len(photos) // count)][:count]):
        picture = luma(stored_values(photo))
        height, width = picture.shape[-2:]
        top, left = max(0, height - SIDE) // 2, max(0, width - SIDE) // 2
        yield picture[..., top : top + SIDE, left : left + SIDE], shake_seeded(*SHAKES[number % len(SHAKES)])


def _mean(scenes: Sequence[tuple[Image, Psf]], kind: Kind, strength: float, settings: dict[str, str]) -> float:
    """PSNR of what is restored of all scenes, half a PSF of the border left out."""
    found = []
    for number, (sharp, shake) in enumerate(scenes):
        generator = torch.Generator().manual_seed(number)
        psf = disk(DISK) if kind.disk else shake
        blurred, _ = kind.camera.photograph(sharp, psf, generator)
        told = perturbed(psf, generator, strength=WRONG) if kind.wrong else psf
        restored = restore(blurred, told, method="universal", transfer="encoded", strength=strength, settings=settings)
        wanted = kind.camera.scene(valid_frame(sharp, psf)).clamp(0, 1)
        found.append(float(psnr(restored.clamp(0, 1), wanted, crop=psf_crop(psf))[0]))
    return sum(found) / len(found)


def main() -> None:
    """Read the arguments, restore everything, print a row for each kind of noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, nargs="+", help="of universal, in place of those that ship")
    parser.add_argument("--counted", type=float, nargs="+", default=[1.0])
    parser.add_argument("--photos", type=int, default=6)
    asked = parser.parse_args()
    settings = [{"weights": str(path)} for path in asked.weights or []] or [{}]
    columns = [(counted, own) for own in settings for counted in asked.counted]
    scenes = list(_scenes(asked.data / "val", asked.photos))
    names = [f"{own.get('weights', 'shipped')}, {counted:g}" for counted, own in columns]
    print("| noise | " + " | ".join(names) + " |", flush=True)  # noqa: T201
    for name, kind in KINDS.items():
        means = [_mean(scenes, kind, 1 / counted, own) for counted, own in columns]
        print(f"| {name} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
