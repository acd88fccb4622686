"""Many pictures in one process: how much memory each leaves behind.

``python -m tests.robust.long_run COUNT`` restores so many photographs and prints the slope in bytes per picture.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.conftest import make_chart
from unblur.restoration import restore_file

ROOT = Path(__file__).parents[2]
METHODS_IN_TURN = ("universal", "wiener", "richardson-lucy", "universal")
ALLOWED = 20_000
"""Bytes a picture may leave behind: 10,000 pictures would leave 200 MB."""


def slope(count: int) -> dict[str, float]:
    """Bytes that each of ``count`` pictures leaves behind, in a process of its own; and its size at the end."""
    command = [sys.executable, "-m", "tests.robust.long_run", str(count)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(ended.stdout))


def held() -> int:
    """Resident memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> None:
    """Restore, and fit a line to the second half, when all caches are full."""
    count, sizes = int(sys.argv[1]), []
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(count):
            values = make_chart(40 + 8 * (number % 5), 56 + 8 * (number % 3))[0, 0].numpy() * 255
            photo = folder / f"{number}.png"
            Image.fromarray(np.rint(values).astype(np.uint8)).save(photo)
            psf = f"disk:{2 + number % 4}"
            restore_file(photo, psf=psf, method=METHODS_IN_TURN[number % len(METHODS_IN_TURN)])
            for path in folder.iterdir():
                path.unlink()
            sizes.append(held())
    later = np.array(sizes[count // 2 :], float)
    fitted = float(np.polyfit(np.arange(len(later)), later, 1)[0])
    print(json.dumps({"pictures": count, "bytes_per_picture": round(fitted), "held": sizes[-1]}))  # noqa: T201


if __name__ == "__main__":
    main()
