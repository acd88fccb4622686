"""What the universal network knows about light: a scale for lamps, where a photograph is white, how noisy it is."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Float
from torch import Tensor

from unblur.tensors import Image, Weight

BRIGHTEST = 100.0
"""No estimate goes beyond so many times white."""
WHITE_FROM, WHITE_TO = 0.97, 0.995
"""Between these a value counts as clipped more and more: JPEG and noise leave white uneven."""
BLACK_TO = 0.005
"""Up to this a value says nothing about noise: it was clipped at black."""
MAD = 0.6745
"""Median of |z| of a standard normal z: what makes a median absolute deviation a standard deviation."""
FLOOR = 1e-3
"""Noise below this counts as this; rounding to 8 bits alone makes about as much."""
TYPICAL = 1e-2
"""The noise whose level is 0."""
LEVELS = 3
"""How many numbers :func:`measured_levels` gives of a photograph."""
BLOCK = 8
"""Side of JPEG's blocks in pixels."""
NO_STEP = 1e-5
"""Steps between neighbouring columns below this are none."""
SCENE_GAP = 0.3
"""So much larger can the noise at the coarser scale seem from the scene alone."""
BLOCKY = 0.5
"""From this on (JPEG of quality 90) it is JPEG that took the fine noise away."""
BLOCKIEST = 2.0
"""No photograph counts as more: strong JPEG has 1.8, small pictures without any noise would have 6."""


def compress(light: Tensor) -> Tensor:
    """Light to the network's scale: unchanged up to white, logarithmic above, smooth where they meet."""
    return light.clamp_max(1) + light.clamp_min(1).log()


def expand(value: Tensor) -> Tensor:
    """The network's scale back to light, at most :data:`BRIGHTEST`."""
    return value.clamp_max(1) - 1 + (value - 1).clamp(0, math.log(BRIGHTEST)).exp()


def whiteness(image: Tensor) -> Tensor:
    """Where a photograph or a part of one, of any shape, is clipped: 0 up to 0.97, 1 from 0.995, smooth between."""
    share = ((image - WHITE_FROM) / (WHITE_TO - WHITE_FROM)).clamp(0, 1)
    return share * share * (3 - 2 * share)


def noise_levels(image: Image, *, weight: Weight | None = None) -> Float[Tensor, "b 3"]:
    """How noisy the network is told that photographs are: what :func:`measured_levels` finds, coarse noise counted.

    Noise with a grain has more power where PSFs let pass than either of its two scales shows. Both are raised by how
    much larger the second one is, but for what the scene itself may add to it, unless JPEG is the reason. On validation
    pictures with a grain of 0.5 to 1.5 pixels and noise of 0.003 to 0.02 that gains 0.1 to 2.9 dB.

    Args:
        image: in the light of the blur; clipped pixels are left out.
        weight: pixels under 0.5 are left out.
    """
    levels = measured_levels(image, weight=weight)
    fine, coarse, blocks = levels.unbind(dim=1)
    more = (coarse - fine - SCENE_GAP).clamp_min(0) * (1 - blocks / BLOCKY).clamp(0, 1)
    return torch.stack([fine + more, coarse + more, blocks], dim=1)


def measured_levels(image: Image, *, weight: Weight | None = None) -> Float[Tensor, "b 3"]:
    """How noisy photographs are, ``ln((σ + 0.001) / 0.01)`` from pixels and from means of 2 × 2, and JPEG's blocks.

    A blurred photograph holds next to nothing at the highest frequencies, so that the median absolute deviation of
    its diagonal Haar coefficients is the noise (Donoho and Johnstone 1994). JPEG removes noise from the finest scale
    first: the second number then is the larger one. White noise of σ gives both times ``σ``. The third tells how much
    larger the steps between columns are where blocks meet, see :func:`blockiness`: what JPEG takes away and adds is
    no white noise, and where nobody knows of it every photograph must be distrusted.

    Args:
        image: in the light of the blur; clipped pixels are left out.
        weight: pixels under 0.5 are left out.

    Returns:
        Three numbers per picture: the first two are 0 for a noise of about 0.01, the third for no blocks. A picture
        that says nothing counts as noiseless.
    """
    known = ((image < WHITE_FROM) & (image > BLACK_TO)).to(image.dtype)
    if weight is not None:
        known = known * (weight > 0.5)
    levels, blocks = [], blockiness(image, weight=weight)
    for scale in (1, 2):
        if min(image.shape[-2:]) < 2:
            sigma = image.new_zeros(len(image))
        else:
            diagonal, image, known = _haar(image, known)
            sigma = scale * torch.nan_to_num(diagonal.nanmedian(dim=1).values) / MAD
        levels.append(((sigma + FLOOR) / TYPICAL).log())
    return torch.stack([*levels, blocks], dim=1)


def weakened(levels: Tensor, strength: float) -> Tensor:
    """Levels ``(B, 3)`` as if the noise were so many times weaker: above 1 sharper and noisier, below calmer."""
    by = levels.new_tensor([math.log(strength)] * 2 + [0.0] * (LEVELS - 2))
    return levels - by


def blockiness(image: Image, *, weight: Weight | None = None) -> Float[Tensor, " b"]:
    """How much larger than usual the steps between columns are at every eighth one, as a logarithm.

    JPEG's blocks of 8 × 8 are rounded one by one. Which columns begin a block need not be known: the phase with the
    largest steps counts, so that a photograph without blocks has a few hundredths. Columns alone are looked at,
    that rows may come from anywhere.

    Args:
        image: any light.
        weight: steps that touch pixels under 0.5 are left out.
    """
    count = (image.shape[-1] - 3) // BLOCK
    if count < 1:
        return image.new_zeros(len(image))
    known = None if weight is None else (F.max_pool2d((weight <= 0.5).to(image), (1, 4), 1) == 0).to(image)
    steps = image.new_zeros(len(image), image.shape[-1] - 3)
    for number, plane in enumerate(image.unbind(dim=1)):
        rising = plane.diff(dim=-1)
        bent = (rising[..., 1:-1] - (rising[..., :-2] + rising[..., 2:]) / 2).abs_()
        if known is None:
            steps += bent.mean(dim=-2)
        else:
            trust = known[:, number % known.shape[1]]
            steps += (bent * trust).sum(dim=-2) / trust.sum(dim=-2)
    steps = steps[:, : BLOCK * count] / image.shape[1]
    # The median over columns, for one edge in the scene is no block.
    phases = steps.unflatten(1, (count, BLOCK)).nanmedian(dim=1).values.nan_to_num() + NO_STEP
    return (phases.max(dim=1).values / phases.median(dim=1).values).log().clamp_max(BLOCKIEST)


def _haar(image: Image, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Size of the diagonal Haar coefficients ``(B, N)``, NaN where unknown; means of 2 × 2, and which are known."""
    height, width = (side - side % 2 for side in image.shape[-2:])
    image, known = image[..., :height, :width], known[..., :height, :width]
    falling = image[..., ::2, ::2] + image[..., 1::2, 1::2]
    rising = image[..., ::2, 1::2] + image[..., 1::2, ::2]
    known = (F.avg_pool2d(known, 2) == 1).to(image.dtype)
    size = (falling - rising).abs() / 2
    return torch.where(known > 0, size, torch.nan).flatten(1), (falling + rising) / 4, known
