"""A setting of the camera: one number for the whole batch, or one per picture."""

import torch
from torch import Tensor

from unblur.errors import ConfigError
from unblur.tensors import Image

Amount = int | float | Tensor
"""A number, or a tensor ``(B,)`` (or of no dimensions) with one number per picture."""


def per_picture(amount: Amount, image: Image) -> Tensor:
    """Shape a setting so that it multiplies a batch of pictures.

    Args:
        amount: a number, or one per picture.
        image: ``(B, C, H, W)``; its dtype and device are taken.

    Returns:
        ``(B, 1, 1, 1)``, or ``(1, 1, 1, 1)`` for a single number.

    Raises:
        ConfigError: as many numbers as there are pictures were expected.
    """
    numbers = torch.as_tensor(amount, dtype=image.dtype, device=image.device)
    if numbers.ndim > 1 or (numbers.ndim == 1 and numbers.shape[0] not in (1, image.shape[0])):
        raise ConfigError(
            f"got settings of shape {tuple(numbers.shape)} for a batch of {image.shape[0]} pictures, "
            "expected one number or one per picture"
        )
    return numbers.reshape(-1, 1, 1, 1)
