"""What JPEG does to a picture: baseline compression as arithmetic on tensors, and the real library for comparison.

The stages are those of ITU-T T.81 with the choices of libjpeg: its quality scale, its rounding, box averaging of
chroma with alternating bias, and triangular ("fancy") interpolation of chroma. Entropy coding is left out: it loses
nothing. Integers of 8 bits exist here and in ``io`` only.
"""

import io
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Float
from PIL import Image as PillowImage
from torch import Tensor

from unblur.degrade.amount import Amount, per_picture
from unblur.errors import ImageError
from unblur.tensors import Image

Subsampling = Literal["420", "444"]

# ITU-T T.81, Annex K, tables K.1 and K.2, in rows of rising horizontal frequency.
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *(((99,) * 8),) * 4,
)

# √2 cos(π k (n + 1/2) / 8) times 2^13 for n < 4, as libjpeg's sums of rounded constants make it: some are 1 off.
COSINES = (
    (8192, 8192, 8192, 8192),
    (11363, 9633, 6437, 2260),
    (10703, 4433, -4433, -10703),
    (9633, -2259, -11362, -6436),
    (8192, -8192, -8192, 8192),
    (6437, -11362, 2261, 9633),
    (4433, -10704, 10704, -4433),
    (2260, -6436, 9633, -11363),
)
# libjpeg's colour transform in 16 bits of fraction: luma, blue and red difference from red, green and blue ...
TO_YCC = ((19595, 38470, 7471), (-11059, -21709, 32768), (32768, -27439, -5329))
# ... and what the two differences add to luma for red, green and blue.
FROM_CHROMA = ((0, 91881), (-22554, -46802), (116130, 0))


def eight_bit(image: Image) -> Image:
    """Clip to [0, 1] and round to the 256 values that an 8-bit file can hold."""
    return (image.clamp(0, 1) * 255).round() / 255


def jpeg(image: Image, quality: Amount, *, subsampling: Subsampling = "420") -> Image:
    """Compress and decompress as libjpeg does with its accurate integer transforms.

    In float64 the answer is libjpeg's to the bit; in float32 about one value in 10,000 is a grey level off.

    Args:
        image: stored values, grey or RGB, ``(B, 1|3, H, W)`` of any size; clipped and rounded to 8 bits first.
        quality: libjpeg's scale, 1 to 100, one number or one per picture; lower is coarser. Fractions are allowed.
        subsampling: ``"420"`` halves the resolution of chroma, ``"444"`` keeps it; grey pictures have none.

    Returns:
        Multiples of 1/255 in [0, 1]. Not differentiable: it rounds.

    Raises:
        ImageError: neither one nor three channels.
    """
    _check_channels(image)
    working = image if image.dtype in (torch.float32, torch.float64) else image.float()
    planes = (working.clamp(0, 1) * 255).round()
    scale = _scale(per_picture(quality, working))
    if planes.shape[1] == 1:
        decoded = _coded(planes, LUMINANCE, scale)
    else:
        luma, chroma = _ycc(planes)
        luma = _coded(luma, LUMINANCE, scale)
        if subsampling == "420":
            chroma = _upsampled(_coded(_downsampled(chroma), CHROMINANCE, scale), luma.shape[-2:])
        else:
            chroma = _coded(chroma, CHROMINANCE, scale)
        decoded = _rgb(luma, chroma)
    return (decoded / 255).to(image.dtype)


def libjpeg(image: Image, quality: int | float, subsampling: Subsampling = "420") -> Image:
    """Compress and decompress with the library itself, through Pillow on the CPU.

    Args:
        image: stored values, grey or RGB, ``(B, 1|3, H, W)``; clipped and rounded to 8 bits first.
        quality: 1 to 100, rounded to an integer; lower is coarser.
        subsampling: as in :func:`jpeg`.

    Returns:
        Multiples of 1/255 on the device of ``image``.

    Raises:
        ImageError: neither one nor three channels.
    """
    _check_channels(image)
    pixels = (image.detach().clamp(0, 1) * 255).round().to("cpu", torch.uint8).permute(0, 2, 3, 1).numpy()
    decoded = []
    for picture in pixels:
        file = io.BytesIO()
        PillowImage.fromarray(picture.squeeze(2) if picture.shape[2] == 1 else picture).save(
            file, "JPEG", quality=round(quality), subsampling={"444": 0, "420": 2}[subsampling]
        )
        values = np.array(PillowImage.open(file))
        decoded.append(torch.from_numpy(values.reshape(picture.shape)))
    return (torch.stack(decoded).permute(0, 3, 1, 2).to(image.dtype) / 255).to(image.device)


def _check_channels(image: Image) -> None:
    if image.shape[1] not in (1, 3):
        raise ImageError(f"got {image.shape[1]} channels, expected grey (1) or RGB (3); JPEG holds nothing else here")


def _scale(quality: Tensor) -> Tensor:
    """libjpeg's percentage by which the tables are multiplied, from its quality scale."""
    quality = quality.clamp(1, 100)
    return torch.where(quality < 50, 5000 / quality, 200 - 2 * quality).floor()


def _coded(plane: Image, table: tuple[tuple[int, ...], ...], scale: Tensor) -> Image:
    """Transform, quantise and transform back: planes of integers in [0, 255] to the same.

    libjpeg computes the two directions of its transforms in turn, on integers: the first keeps two bits of fraction
    and a factor of the square root of 8, the second rounds to eighths. Without this, coefficients that are halfway
    between two quantised ones would fall to the other side and change a whole block.
    """
    height, width = plane.shape[-2:]
    padded = F.pad(plane, (0, -width % 8, 0, -height % 8), mode="replicate")
    blocks = padded.unfold(2, 8, 8).unfold(3, 8, 8) - 128
    cosines = _cosines(plane)
    step = torch.tensor(table, dtype=plane.dtype, device=plane.device)
    step = ((step * scale + 50) / 100).floor().clamp(1, 255)[:, :, None, None]
    rows = _nearest(blocks @ cosines.T * 4)
    levels = _nearest(cosines @ rows / 4) / (8 * step)
    levels = torch.copysign((levels.abs() + 0.5).floor(), levels) * step
    columns = _nearest(cosines.T @ levels * 4)
    values = (_nearest(columns @ cosines / 32) + 128).clamp(0, 255)
    return values.transpose(-3, -2).reshape(padded.shape)[..., :height, :width]


def _nearest(values: Tensor) -> Tensor:
    """The nearest integer, halves up, as an addition and a shift to the right give it."""
    return (values + 0.5).floor()


def _cosines(like: Tensor) -> Float[Tensor, "8 8"]:
    """The DCT of 8 values times the square root of 8, in libjpeg's 13 bits: rows are frequencies, columns pixels."""
    left = torch.tensor(COSINES, dtype=like.dtype, device=like.device) / 8192
    sign = torch.tensor([1, -1], device=like.device).repeat(4)[:, None]  # odd frequencies change sign in the middle
    return torch.cat([left, sign * left.flip(1)], dim=1)


def _ycc(rgb: Image) -> tuple[Tensor, Tensor]:
    """Integers of RGB to integers of luma ``(B, 1, H, W)`` and of the two chroma planes ``(B, 2, H, W)``."""
    weights = torch.tensor(TO_YCC, dtype=rgb.dtype, device=rgb.device)
    sums = torch.stack([(rgb * row.reshape(3, 1, 1)).sum(1) for row in weights], dim=1)
    # Luma's halves are rounded up, chroma's down, so that 255.5 does not become 256. All sums stay below 2^24: exact.
    luma = ((sums[:, :1] + 32768) / 65536).floor()
    return luma, ((sums[:, 1:] + (128 * 65536 + 32767)) / 65536).floor()


def _rgb(luma: Tensor, chroma: Tensor) -> Image:
    """The inverse of :func:`_ycc`, rounded and clipped to integers in [0, 255]."""
    cb, cr = (chroma - 128).unbind(1)
    shifts = [(from_cb * cb + from_cr * cr + 32768) / 65536 for from_cb, from_cr in FROM_CHROMA]
    return (luma + torch.stack(shifts, dim=1).floor()).clamp(0, 255)


def _downsampled(chroma: Image) -> Tensor:
    """Average 2 x 2 pixels; where that ends on a half, libjpeg rounds down and up in turn along the row."""
    height, width = chroma.shape[-2:]
    # Columns are repeated to whole blocks before averaging, rows only to an even number; blocks repeat the rest.
    even = F.pad(chroma, (0, -width % 16, 0, height % 2), mode="replicate")
    total = F.avg_pool2d(even, 2, divisor_override=1)
    bias = torch.arange(total.shape[-1], device=chroma.device) % 2 + 1
    return ((total + bias) / 4).floor()


def _upsampled(chroma: Tensor, size: torch.Size) -> Tensor:
    """Double the resolution: 3/4 of the nearer and 1/4 of the farther sample, in both directions."""
    height, width = size
    chroma = chroma[..., : (height + 1) // 2, : (width + 1) // 2]
    if chroma.shape[-1] <= 2:  # libjpeg repeats samples in pictures of up to four columns
        repeated = chroma.repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)
        return repeated[..., :height, :width]
    around = F.pad(chroma, (0, 0, 1, 1), mode="replicate")
    near = 3 * chroma
    rows = torch.stack([near + around[..., :-2, :], near + around[..., 2:, :]], dim=-2).flatten(-3, -2)
    around = F.pad(rows, (1, 1, 0, 0), mode="replicate")
    near = 3 * rows
    left, right = near + around[..., :-2] + 8, near + around[..., 2:] + 7
    doubled = (torch.stack([left, right], dim=-1) / 16).floor().flatten(-2)
    return doubled[..., :height, :width]
