"""The shrinkage fields for one PSF on PSFs that they were not trained for: Levin's pictures at 1 % noise.

    python scripts/cascade_on_levin.py DATA [WEIGHTS]

`unblur restore` refuses this, rightly: the weights are best for the one PSF in their card. But the cascade's arithmetic
takes any PSF, and the published figure for it is on these pictures, with filters trained for many PSFs. So this gives
a lower bound of what such training reaches here. Prints the mean PSNR over the 32 cases of the suite `levin`.
"""

import argparse
from pathlib import Path

import torch

from unblur.benchmark.case import pair_of
from unblur.benchmark.suites import named_suite
from unblur.circular import on_photograph
from unblur.metrics import psnr
from unblur.networks.crf_cascade import CrfCascade
from unblur.tensors import Image, Psf, Report, Weight
from unblur.weights import load_into, read_weights, shipped

NOISE = 0.01


def main() -> None:
    """Read the arguments, restore all cases, print the mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path, nargs="?")
    asked = parser.parse_args()
    weights = shipped("crf-cascade-shake27") if asked.weights is None else read_weights(asked.weights)
    cascade = CrfCascade().eval()
    load_into(cascade, weights)

    def solve(blurred: Image, psf: Psf, *, weight: Weight, settings: object, report: Report | None = None) -> Image:
        del settings, report
        with torch.no_grad():
            restored: Image = cascade(blurred, psf, weight)
        return restored

    deconvolve = on_photograph(solve)(torch.device("cpu"), None)
    found = []
    for case in named_suite("levin", asked.data):
        if case.camera.noise != NOISE:
            continue
        pair = pair_of(case)
        restored = deconvolve(pair.blurred, pair.psf).clamp(0, 1)
        rows, columns = pair.crop
        judged = (..., slice(rows, -rows), slice(columns, -columns))
        found.append(float(psnr(restored[judged], pair.sharp[judged])[0]))
    print(f"{sum(found) / len(found):.2f} dB, mean of {len(found)} cases")  # noqa: T201


if __name__ == "__main__":
    main()
