"""White, and what lies beyond it: clipping, boosted lights, and the gain that drives a picture into white."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.degrade.amount import Amount, per_picture
from unblur.errors import ConfigError
from unblur.tensors import Image

LIGHT = 0.98
"""Values from here on count as lights: 8-bit files and JPEG seldom hold a light's white exactly."""


def clipped(image: Image) -> Image:
    """Cut to what a sensor can record, [0, 1]: ``min(max(z, 0), 1)``."""
    return image.clamp(0, 1)


def boosted(image: Image, factor: Amount, threshold: float = LIGHT, *, ramp: float = 0.0) -> Image:
    """Give lights back the brightness that clipping took from them.

    In a photograph a lamp is white like paper; in the world it is 2 to 50 times brighter and its blurred trace stays
    white. Each channel is treated by itself, as each clips by itself.

    Args:
        image: in the light of the blur, 1 = white.
        factor: lights become so many times brighter; 1 changes nothing. One number or one per picture.
        threshold: values from here on are lights and get the whole factor; lower boosts more of the picture.
        ramp: width of the smooth transition below ``threshold``, on the same scale; 0 is a hard edge.

    Returns:
        The picture with lights far above 1.

    Raises:
        ConfigError: a negative ramp, or as many factors as there are pictures were expected.
    """
    if not ramp >= 0:
        raise ConfigError(f"got a ramp of {ramp:g}, expected 0 or a positive width below the threshold")
    if ramp == 0:
        share = (image >= threshold).to(image.dtype)
    else:
        share = ((image - threshold + ramp) / ramp).clamp(0, 1)
        share = share * share * (3 - 2 * share)
    return image * (1 + (per_picture(factor, image) - 1) * share)


def saturating_gain(image: Image, share: float = 0.035, largest: float = 2.0) -> Float[Tensor, " b"]:
    """The exposure gain at which a given share of the sharp picture's values reaches white.

    Args:
        image: the target's frame, in the light of the blur, 1 = white.
        share: of all values, in (0, 1]; more needs a higher gain.
        largest: the gain never exceeds this, however dark the picture is.

    Returns:
        One gain per picture, at least 1.

    Raises:
        ConfigError: a share outside (0, 1] or ``largest`` below 1.
    """
    if not 0 < share <= 1:
        raise ConfigError(f"got a share of {share:g}, expected more than 0 and at most 1")
    if not largest >= 1:
        raise ConfigError(f"got a largest gain of {largest:g}, expected 1 or more")
    values = image.flatten(1)
    whites = math.ceil(share * values.shape[1])
    darkest_white = torch.kthvalue(values, values.shape[1] - whites + 1, dim=1).values
    return (1 / darkest_white.clamp_min(1 / largest)).clamp(1, largest)
