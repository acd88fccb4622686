"""Light and numbers: tone curves, sRGB's above all, luma, and the colour space of JPEG."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.tensors import Image

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma (ITU-R BT.601, the luma of JPEG and of the published tables)."""


def decode_srgb(image: Image) -> Image:
    """Stored sRGB values to linear light (IEC 61966-2-1); odd about 0 and continued above 1, so nothing is lost."""
    size = image.abs()
    linear = torch.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055).clamp_min(1e-8) ** 2.4)
    return torch.copysign(linear, image)


def encode_srgb(image: Image) -> Image:
    """Linear light to stored sRGB values, the inverse of :func:`decode_srgb`."""
    size = image.abs()
    stored = torch.where(size <= 0.0031308, size * 12.92, 1.055 * size.clamp_min(1e-8) ** (1 / 2.4) - 0.055)
    return torch.copysign(stored, image)


@dataclass(frozen=True)
class ToneCurve:
    """How stored values and linear light turn into each other, both on the scale 1 = white."""

    decode: Callable[[Image], Image]
    """Stored values to linear light, shape kept."""
    encode: Callable[[Image], Image]
    """Its inverse."""


SRGB = ToneCurve(decode=decode_srgb, encode=encode_srgb)
"""The curve of every picture that does not name another one by its colour profile."""


UNCHANGED = ToneCurve(decode=lambda image: image, encode=lambda image: image)
"""Of numbers that already are light, or that are to be taken for it."""


def clipping_at(white: float, curve: ToneCurve) -> ToneCurve:
    """The curve of a picture whose sensor clipped below full scale: what it recorded as its most counts as 1.

    Args:
        white: stored value, above 0 and at most 1, from which everything is clipped; smaller distrusts more.
        curve: of the picture's values.

    Returns:
        A curve whose light 1 is ``white``: brighter values are clipped to it, and nothing brighter comes back.
    """

    def most(like: Tensor) -> Tensor:
        return curve.decode(like.new_full((1, like.shape[1], 1, 1), white))

    return ToneCurve(
        decode=lambda image: (curve.decode(image) / most(image)).clamp_max(1),
        encode=lambda light: curve.encode(light * most(light)),
    )


def luma(image: Image) -> Float[Tensor, "b 1 h w"]:
    """Rec. 601 luma of the stored values: ``(B, 3, H, W)`` to ``(B, 1, H, W)``; grey passes unchanged."""
    if image.shape[1] == 1:
        return image
    weights = image.new_tensor(LUMA).reshape(1, 3, 1, 1)
    return (image * weights).sum(dim=1, keepdim=True)
