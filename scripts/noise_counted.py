"""How strongly should the network be told that the noise is? PSNR in dB on validation photographs, by kind of noise.

    python scripts/noise_counted.py DATA [--weights FILE]

Each row is one kind of noise, each column how many times as strong as now it counts (`--strength` of 1 / that). Where a
row is best far from 1, `unblur.networks.light.noise_levels` misjudges that kind. Photographs from DATA/val under exact
camera shakes, blur of stored values.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from unblur import restore
from unblur.benchmark.case import stored_values
from unblur.benchmark.suites import photos_in
from unblur.colour import luma
from unblur.degrade.blur import valid_frame
from unblur.degrade.camera import Camera
from unblur.metrics import psf_crop, psnr
from unblur.psf.random import shake_seeded
from unblur.tensors import Image, Psf

COUNTED = (0.7, 1.0, 1.4, 2.0)
SIDE = 288
"""Of the sharp crop from the middle of each photograph, in pixels."""
SHAKES = ((13, 4), (17, 9), (21, 31), (27, 22))
"""Size and seed; the photographs take turns."""
KINDS = {
    "0.002": Camera(noise=0.002),
    "0.005": Camera(noise=0.005),
    "0.01": Camera(noise=0.01),
    "0.02": Camera(noise=0.02),
    "0.05": Camera(noise=0.05),
    "0.003, grain 0.5": Camera(noise=0.003, grain=0.5),
    "0.003, grain 1": Camera(noise=0.003, grain=1.0),
    "0.005, grain 0.7": Camera(noise=0.005, grain=0.7),
    "0.01, grain 0.5": Camera(noise=0.01, grain=0.5),
    "0.01, grain 1": Camera(noise=0.01, grain=1.0),
    "0.01, grain 1.5": Camera(noise=0.01, grain=1.5),
    "0.02, grain 0.7": Camera(noise=0.02, grain=0.7),
    "0.01, JPEG 90": Camera(noise=0.01, jpeg=90),
    "0.01, JPEG 75": Camera(noise=0.01, jpeg=75),
}


def _scenes(folder: Path, count: int) -> Iterator[tuple[Image, Psf]]:
    """Crops of photographs that are spread over a folder, and a PSF for each."""
    photos = photos_in(folder)
    for number, photo in enumerate(photos[:: max(1, len(photos) // count)][:count]):
        picture = luma(stored_values(photo))
        height, width = picture.shape[-2:]
        top, left = max(0, height - SIDE) // 2, max(0, width - SIDE) // 2
        yield picture[..., top : top + SIDE, left : left + SIDE], shake_seeded(*SHAKES[number % len(SHAKES)])


def _mean(scenes: Sequence[tuple[Image, Psf]], camera: Camera, strength: float, settings: dict[str, str]) -> float:
    """PSNR of what is restored of all scenes, half a PSF of the border left out."""
    found = []
    for number, (sharp, psf) in enumerate(scenes):
        blurred, _ = camera.photograph(sharp, psf, torch.Generator().manual_seed(number))
        restored = restore(blurred, psf, method="universal", transfer="encoded", strength=strength, settings=settings)
        found.append(float(psnr(restored.clamp(0, 1), valid_frame(sharp, psf), crop=psf_crop(psf))[0]))
    return sum(found) / len(found)


def main() -> None:
    """Read the arguments, restore everything, print a row for each kind of noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, help="of universal, in place of those that ship")
    parser.add_argument("--photos", type=int, default=6)
    asked = parser.parse_args()
    settings = {} if asked.weights is None else {"weights": str(asked.weights)}
    scenes = list(_scenes(asked.data / "val", asked.photos))
    print("| noise | " + " | ".join(f"{counted:g}" for counted in COUNTED) + " |")  # noqa: T201
    for name, camera in KINDS.items():
        means = [_mean(scenes, camera, 1 / counted, settings) for counted in COUNTED]
        print(f"| {name} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
