"""A reconstruction model for deepinv: ``model(y, physics)`` with any of our methods. deepinv itself is not needed.

Its ``Blur`` and ``BlurFFT`` convolve about ``(h // 2, w // 2)``, as everything here does, so that a filter is a PSF.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor, nn

from unblur.errors import ConfigError, PsfError
from unblur.interop.module import Deblur

Sides = tuple[int, int, int, int]
"""Pixels on the left, right, top and bottom, as :func:`torch.nn.functional.pad` counts them."""


class Reconstructor(nn.Module):
    """One of our methods where deepinv expects one of its reconstruction models.

    Args:
        method: a name from ``METHODS``.
        settings: the method's own, by name.
        device: where it computes.

    Raises:
        ConfigError: unknown method or setting.
        WeightsError: the weights are missing or damaged.
    """

    def __init__(
        self,
        method: str = "universal",
        *,
        settings: Mapping[str, object] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        self.deblur = Deblur(method, settings=settings).to(device)

    def forward(self, y: Tensor, physics: Any, **kwargs: object) -> Tensor:
        """Estimate ``x`` from ``y = physics(x)``.

        Args:
            y: ``(B, C, H, W)``, 1 = white; three channels are restored together, any other number one by one.
            physics: a blur: ``filter`` is ``(B|1, C|1, h, w)``; ``padding`` says what it did at the border (circular
                where there is none). The σ of a purely Gaussian ``noise_model`` is told to ``universal``, which
                measures the noise in all other cases; larger is calmer.
            kwargs: what deepinv hands to every model; not read.

        Returns:
            A picture of the size of ``x``, not clipped. With ``padding="valid"`` it is larger than ``y``: its rim was
            seen only in part, and methods that take no weight refuse.

        Raises:
            ConfigError: the physics is no blur of pictures, or does more than blur.
            PsfError: the filter cannot be a PSF.
        """
        del kwargs
        blurred, psfs, gain = _unpacked(y, physics)
        padding = getattr(physics, "padding", "circular")
        photograph, weight, sides = _framed(blurred, tuple(physics.filter.shape[-2:]), padding)
        noise = _sigma(physics, y)
        if noise is not None:
            noise = (noise / gain.mean()).expand(len(y)).repeat_interleave(len(blurred) // len(y))
        restored = self.deblur(photograph, psfs, weight, noise=noise)
        if padding == "circular":
            left, right, top, bottom = sides
            restored = restored[..., top : restored.shape[-2] - bottom, left : restored.shape[-1] - right]
        return restored.reshape(*y.shape[:2], *restored.shape[-2:])


def _unpacked(y: Tensor, physics: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Photographs of one exposure, ``(B, 1|3, H, W)``; their PSFs, ``(kh, kw)`` or ``(B, kh, kw)``; the filter's sums.

    Pictures with other numbers of planes, or a PSF for each, become a longer batch.
    """
    kernel = getattr(physics, "filter", None)
    if not isinstance(kernel, Tensor) or kernel.ndim != 4 or y.ndim != 4 or hasattr(physics, "factor"):
        raise ConfigError(
            f"the physics is a {type(physics).__name__}, expected a blur of pictures with one filter (B, C, h, w)"
        )
    gain = kernel.sum(dim=(-2, -1), keepdim=True)
    if not bool((gain > 0).all()):
        raise PsfError("the filter's sum is not positive, expected one that keeps light; give its magnitude")
    # deepinv takes even sides as well; a last row or column of zeros leaves the origin where it is.
    kernel = F.pad(kernel / gain, (0, 1 - kernel.shape[-1] % 2, 0, 1 - kernel.shape[-2] % 2))
    y = y / gain
    batch, channels = y.shape[:2]
    if kernel.shape[1] == 1 and channels in (1, 3):
        return y, kernel[0, 0] if len(kernel) == 1 else kernel[:, 0], gain
    each = kernel.expand(batch, channels, -1, -1).flatten(0, 1)
    return y.flatten(0, 1)[:, None], each, gain


def _framed(blurred: Tensor, size: tuple[int, ...], padding: str) -> tuple[Tensor, Tensor | None, Sides]:
    """The photograph with what is known, or must be estimated, around it; a weight that is 0 on the latter."""
    kh, kw = size
    if padding == "valid":
        sides = ((kw - 1) // 2, kw // 2, (kh - 1) // 2, kh // 2)
        weight = F.pad(blurred.new_ones(1, 1, *blurred.shape[-2:]), sides)
        return F.pad(blurred, sides, mode="replicate"), weight, sides
    if padding != "circular":  # What was assumed beyond the border is no part of the scene: methods have their own way.
        return blurred, None, (0, 0, 0, 0)
    around = 2 * max(kh, kw) + 16
    for dim in (-2, -1):
        length = blurred.shape[dim]
        positions = torch.arange(-around, length + around, device=blurred.device) % length
        blurred = blurred.index_select(dim, positions)
    return blurred, None, (around, around, around, around)


def _sigma(physics: Any, like: Tensor) -> Tensor | None:
    """The σ of white noise of known size; None for noise of any other kind."""
    model = getattr(physics, "noise_model", None)
    sigma = getattr(model, "sigma", None)
    if sigma is None or hasattr(model, "gain"):  # with a gain there is photon noise as well
        return None
    found = torch.as_tensor(sigma, dtype=like.dtype, device=like.device).flatten()
    return found if len(found) in (1, len(like)) else None
