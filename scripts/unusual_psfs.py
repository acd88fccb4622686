"""What universal makes of PSFs that it was not trained for, on validation photographs: PSNR in dB, mean and least.

    python scripts/unusual_psfs.py DATA [--weights FILE]

A point, whose blur is no blur: the result should be the photograph, which is compared as it was stored. Then PSFs wider
than the 61 pixels of the training, under noise of 1 % and JPEG 75, beside the blurred photograph and `wiener`.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from unblur import restore
from unblur.benchmark.case import stored_values
from unblur.benchmark.suites import PAPER_CAMERA, photos_in
from unblur.colour import luma
from unblur.degrade.blur import valid_frame
from unblur.io.psf import read_psf
from unblur.metrics import psnr
from unblur.tensors import Image

POINT = torch.ones(1, 1)
WIDE = ("disk:20", "disk:40", "disk:60", "motion:91,30", "shake:91,seed=4", "shake:151,seed=9")


def _photos(folder: Path, count: int) -> Iterator[Image]:
    """Stored values of photographs that are spread over a folder."""
    found = photos_in(folder)
    for photo in found[:: max(1, len(found) // count)][:count]:
        yield stored_values(photo)


def _told(values: Iterable[float]) -> str:
    """Mean and least of some values."""
    known = list(values)
    return f"{sum(known) / len(known):.2f} ({min(known):.2f})" if known else "-"


def main() -> None:
    """Read the arguments, restore everything, print a row for each PSF."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, help="of universal, in place of those that ship")
    parser.add_argument("--photos", type=int, default=12)
    asked = parser.parse_args()
    settings = {} if asked.weights is None else {"weights": str(asked.weights)}
    photos = list(_photos(asked.data / "val", asked.photos))
    print("| PSF | photographs | blurred | `wiener` | `universal` |\n|---|---:|---:|---:|---:|")  # noqa: T201
    same = [float(psnr(restore(p, POINT, method="universal", settings=settings), p)[0]) for p in photos]
    print(f"| a point | {len(same)} | | | {_told(same)} |", flush=True)  # noqa: T201
    for name in WIDE:
        psf = read_psf(name)
        rows: list[tuple[float, ...]] = []
        for number, photo in enumerate(photos):
            sharp = luma(photo)
            if min(sharp.shape[-2:]) < 2 * max(psf.shape):
                continue
            blurred, _ = PAPER_CAMERA.photograph(sharp, psf, torch.Generator().manual_seed(number))
            target = valid_frame(sharp, psf)
            restored = [
                restore(blurred, psf, method="wiener", transfer="encoded"),
                restore(blurred, psf, method="universal", transfer="encoded", settings=settings),
            ]
            rows.append(tuple(float(psnr(p.clamp(0, 1), target)[0]) for p in (blurred, *restored)))
        told = " | ".join(_told(column) for column in zip(*rows, strict=True)) or "| |"
        print(f"| {name} | {len(rows)} | {told} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
