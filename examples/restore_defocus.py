"""Restore an out-of-focus photograph with two methods, from Python.

    python examples/restore_defocus.py [FOLDER]

Writes ``wiener.png`` and ``odcnn.png`` to FOLDER (default: ``demo``).
"""

import sys
from pathlib import Path

from PIL import Image

import unblur

PHOTOGRAPH = Path(__file__).parent / "photographs" / "out-of-focus.jpg"


def main(folder: Path) -> None:
    """Restore the bundled photograph into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    blurred = Image.open(PHOTOGRAPH)
    # This photograph was blurred in its stored values, not in linear light as a camera would: transfer="encoded".
    for method in ("wiener", "odcnn"):
        restored = unblur.restore(blurred, psf="disk:7", method=method, transfer="encoded")
        restored.save(folder / f"{method}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo"))
