"""AVIF files of 10 and 12 bits, which Pillow would cut down to 8."""

import imagecodecs
import numpy as np

from unblur.io.picture import Pixels


def avif_bits(data: bytes) -> int:
    """Bits per sample that the first AV1 configuration box of a file declares: 8, 10 or 12."""
    place = data.find(b"av1C")
    if place < 0 or place + 7 > len(data):
        return 8
    flags = data[place + 6]
    high, twelve = flags >> 6 & 1, flags >> 5 & 1
    return (12 if twelve else 10) if high else 8


def decode_deep_avif(data: bytes, bits: int) -> Pixels:
    """The first picture, ``(H, W, 1|3|4)``, stretched to 16 bits so that white is 65535; not yet turned upright."""
    values = np.asarray(imagecodecs.avif_decode(data))
    values = values if values.shape[-1] in (3, 4) and values.ndim >= 3 else values[..., None]
    return stretched(values.reshape(*values.shape[-3:]), bits)


def stretched(values: Pixels, bits: int) -> Pixels:
    """Integers of so many bits as 16-bit ones: 0 stays 0 and white becomes 65535."""
    white = 2**bits - 1
    return np.rint(np.minimum(values, white) * (65535 / white)).astype(np.uint16)
