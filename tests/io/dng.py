"""A camera's RAW file made by hand: a DNG with a Bayer mosaic, black, white, white balance and colour matrix."""

from pathlib import Path

import numpy as np
import tifffile

BLACK, WHITE = 256, 4000


def write_dng(path: Path, mosaic: "np.ndarray[tuple[int, int], np.dtype[np.uint16]]", *, orientation: int = 1) -> None:
    """Red at the top left; as-shot neutral (1/2, 1, 1), so that red is doubled by the white balance."""
    tags = [
        (271, "s", 0, "Maker", True),
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, (0, 1, 1, 2), True),
        (50706, "B", 4, (1, 4, 0, 0), True),
        (50708, "s", 0, "Test Camera", True),
        (50714, "H", 1, BLACK, True),
        (50717, "H", 1, WHITE, True),
        (50721, "2i", 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1), True),
        (50728, "2I", 3, (1, 2, 1, 1, 1, 1), True),
        (50778, "H", 1, 21, True),
        (274, "H", 1, orientation, True),
    ]
    tifffile.imwrite(path, mosaic, photometric=32803, metadata=None, extratags=tags, subfiletype=0)
