"""Parts of pictures as a browser can show them: PNG of 8 bits with the picture's own colour profile."""

from io import BytesIO

import numpy as np
import torch
from PIL import Image

from unblur.colour import encode_srgb
from unblur.io.arrays import image_of
from unblur.io.picture import Picture, Pixels
from unblur.io.profile import linear_to_srgb

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""


def shown(picture: Picture, box: Box | None = None, *, longest: int | None = None) -> bytes:
    """A PNG of a part, reduced where asked.

    Args:
        picture: any number type, grey or RGB, ``srgb`` or ``linear``; linear light is shown in sRGB.
        box: the part, inside the picture; all of it when None.
        longest: side in pixels to which the part is reduced; None keeps every pixel.
    """
    left, top, width, height = box or (0, 0, picture.size[1], picture.size[0])
    # Thinning out first keeps 100 megapixels cheap; what is left is at least twice as fine as what is shown.
    step = 1 if longest is None else max(1, max(width, height) // (2 * longest))
    part = picture.pixels[top : top + height : step, left : left + width : step]
    image = Image.fromarray(_eight_bits(picture, part))
    if longest is not None and max(image.size) > longest:
        scale = longest / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    coloured = picture.encoding == "srgb" and picture.pixels.shape[2] == 3
    file = BytesIO()
    image.save(file, "PNG", compress_level=1, icc_profile=picture.icc if coloured else None)
    return file.getvalue()


def _eight_bits(picture: Picture, part: Pixels) -> Pixels:
    """``(H, W)`` or ``(H, W, 3)`` of uint8."""
    if part.dtype != np.uint8 or picture.encoding == "linear":
        values = image_of(np.ascontiguousarray(part)).to(torch.float32)
        if picture.encoding == "linear":
            to_srgb = linear_to_srgb(picture.icc) if values.shape[1] == 3 else None
            if to_srgb is not None:
                values = torch.einsum("oc,bchw->bohw", torch.from_numpy(to_srgb).to(values), values)
            values = encode_srgb(values.clamp(0, 1))
        part = (values.clamp(0, 1) * 255).round().to(torch.uint8)[0].permute(1, 2, 0).numpy()
    return np.ascontiguousarray(part[..., 0] if part.shape[2] == 1 else part)
