"""The table of PSNRs below which no method may fall.

``python -m tests.robust.golden`` makes ``golden.json`` anew: after a change that is meant to change the numbers, and
with the difference in the commit's message.
"""

import json
from pathlib import Path

import torch

from tests.conftest import make_chart
from unblur.method import Method
from unblur.methods import METHODS
from unblur.metrics import psnr
from unblur.psf.parse import parse_psf

TABLE = Path(__file__).with_name("golden.json")
COLUMNS = {"plain": 1.0, "clipped": 1.35}
"""Column → exposure of the chart."""
HEIGHT, WIDTH = 96, 120


def measured(method: Method) -> dict[str, float]:
    """PSNR in dB of a method on the chart, blurred by its example PSF, with 1 % of noise; columns as in the table."""
    psf = parse_psf(method.example_psf)
    kh, kw = psf.shape
    sharp = make_chart(HEIGHT + kh - 1, WIDTH + kw - 1)
    deconvolve = method.build(torch.device("cpu"), method.settings())
    found = {}
    for column, gain in COLUMNS.items():
        blurred = torch.conv2d(sharp * gain, psf.flip(0, 1)[None, None])
        noise = torch.randn(blurred.shape, generator=torch.Generator().manual_seed(1))
        photograph = ((blurred + 0.01 * noise).clamp(0, 1) * 255).round() / 255
        target = (sharp * gain).clamp(0, 1)[..., kh // 2 : kh // 2 + HEIGHT, kw // 2 : kw // 2 + WIDTH]
        with torch.no_grad():
            restored = deconvolve(photograph, psf)
        found[column] = round(float(psnr(restored, target, crop=4)[0]), 3)
    return found


def main() -> None:
    """Measure every method and write the table."""
    table = {name: measured(method) for name, method in METHODS.items()}
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    import os

    torch.set_num_threads(1)
    os.environ["UNBLUR_PRECISION"] = "float32"
    main()
