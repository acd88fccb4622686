"""Many pictures in one process: how much memory each leaves behind.

``python -m tests.robust.long_run COUNT`` restores so many photographs of several formats and sizes by several methods,
and prints the slope in bytes per picture.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.conftest import make_chart
from tests.robust.memory import Growth
from unblur.io.picture import Picture
from unblur.io.write import write_picture
from unblur.restoration import restore_file

ROOT = Path(__file__).parents[2]
METHODS_IN_TURN = ("universal", "wiener", "richardson-lucy")
ENDINGS_IN_TURN = (".png", ".jpg", ".tif", ".webp")
ALLOWED = 20_000
"""Bytes a picture may leave behind: 10,000 pictures would leave 200 MB."""


def slope(count: int) -> dict[str, float]:
    """Bytes that each of ``count`` pictures leaves behind, in a process of its own; and its size at the end."""
    command = [sys.executable, "-m", "tests.robust.long_run", str(count)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(ended.stdout))


def _photograph(number: int, path: Path) -> None:
    """Grey or colour, 8 bits, or 16 where the format can."""
    chart = make_chart(48 + 16 * (number % 5), 64 + 16 * (number % 3))[0, 0].numpy()
    planes = np.stack([chart, chart[::-1], chart[:, ::-1]][: 1 + 2 * (number % 2)], axis=-1)
    dtype, white = (np.uint16, 65535) if number % 3 == 0 and path.suffix in (".png", ".tif") else (np.uint8, 255)
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    write_picture(Picture(pixels=np.rint(planes * white).astype(dtype), format="PNG", exif=block), path)


def main() -> None:
    """Restore, and fit a line to the second half, when all caches are full."""
    count, growth = int(sys.argv[1]), Growth()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        for number in range(count):
            photo = Path(name) / f"{number}{ENDINGS_IN_TURN[number % len(ENDINGS_IN_TURN)]}"
            _photograph(number, photo)
            restore_file(photo, psf=f"disk:{2 + number % 4}", method=METHODS_IN_TURN[number % len(METHODS_IN_TURN)])
            for path in Path(name).iterdir():
                path.unlink()
            growth.note(number)
    found = {"pictures": count, "bytes_per_picture": round(growth.slope()), "held": growth.sizes[-1]}
    print(json.dumps({**found, "held_over_time": growth.described()}))  # noqa: T201


if __name__ == "__main__":
    main()
