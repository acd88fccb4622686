"""Whether a PSF can have made a photograph: what no sharp picture, blurred by it, would explain."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor

from unblur.fourier import otf
from unblur.tensors import Image, Psf

_RATIO = 1e-3
"""r of the fit; smaller lets a wrong PSF explain more, larger leaves more of a right one unexplained."""
_FAR = 1024
"""Pixels a side that are looked at, in the middle of the photograph."""
_LOWEST_NOISE = 0.002
"""Half a step of 8 bits; what is fainter than that convicts nobody."""
_ALARM = 2.6
"""Measured: right disks, lines and Gaussians stay below it down to JPEG 75, most wrong ones go above."""


@dataclass(frozen=True, kw_only=True)
class Residual:
    """What is left of a photograph when the best re-blurred picture is taken away, on the scale 1 = white."""

    left: float
    """Robust standard deviation of what is left."""
    noise: float
    """The same for what the photograph's noise alone would leave."""

    @property
    def ratio(self) -> float:
        """How many times more is left than noise would leave."""
        return self.left / self.noise

    @property
    def explained(self) -> bool:
        """Whether the PSF may be the right one."""
        return self.ratio <= _ALARM

    def __str__(self) -> str:
        return (
            f"this PSF does not explain the photograph: {100 * self.left:.2g} % of white is left where "
            f"noise would leave {100 * self.noise:.2g} % ({self.ratio:.1f} times)"
        )


def residual(blurred: Image, psf: Psf) -> Residual | None:
    """Fit the photograph by a blurred picture and compare what is left with the noise.

    The fit minimises ``|y - x ⊗ k|² + r |x|²``; it leaves ``F⁻¹(r / (|F(k)|² + r) F(y))``, all that lies at frequencies
    which the PSF erases. The right PSF has erased them in the photograph as well, so only noise is there. Pixels near
    clipped ones are not counted. The noise is the median absolute second difference of the photograph.

    Limits: a PSF that is too small erases little and explains nearly everything (a disk of 4 pixels for one of 8 is
    not found out); one of about the right size and shape passes too; strong noise hides everything.

    Args:
        blurred: ``(B, C, H, W)`` in the light of the blur, white 1; the first picture is looked at.
        psf: that is said to have blurred it.

    Returns:
        None where the photograph is too small for the PSF, or too clipped, to tell.
    """
    part = middle(blurred)[0].detach()
    plane, unclipped = part.mean(dim=0), ((part < 0.98) & (part > 0)).all(dim=0)
    height, width = plane.shape
    reach = max(psf.shape)
    if min(height, width) < max(64, 3 * reach):
        return None
    window = torch.outer(_bell(height, plane), _bell(width, plane))
    mean = (plane * window).sum() / window.sum()
    power = otf(psf.to(plane), (height, width)).abs().square()
    passed = _RATIO / (power + _RATIO)
    left = torch.fft.irfft2(torch.fft.rfft2((plane - mean) * window) * passed, s=(height, width))
    near_clipped = (~unclipped).to(plane)[None]
    for side in ((reach, 1), (1, reach)):  # one axis after the other: a square at once costs as many times more
        near_clipped = F.max_pool2d(near_clipped, side, 1, (side[0] // 2, side[1] // 2))
    counted = (window > 0.5) & (near_clipped[0] == 0)
    if int(counted.sum()) < 1000:
        return None
    # A PSF that erases nothing leaves r times the picture itself, which must not be held against it.
    share = passed.square().mean().sqrt().clamp_min(0.5)
    return Residual(left=_spread(left[counted] / window[counted]), noise=float(share) * _noise(plane))


def middle(planes: Tensor) -> Tensor:
    """The middle of ``(B, C, H, W)`` of any number type, as far as :func:`residual` looks."""
    rows, columns = (middle_rows(length) for length in planes.shape[-2:])
    return planes[..., rows, columns]


def middle_rows(height: int) -> slice:
    """The rows that :func:`middle` takes of a picture of this height."""
    top = max(0, (height - _FAR) // 2)
    return slice(top, min(height, top + _FAR))


def _bell(length: int, like: Tensor) -> Tensor:
    """Fades a picture's rim out, so that its opposite edges do not make a step."""
    return torch.hann_window(length + 2, periodic=False, dtype=like.dtype, device=like.device)[1:-1]


def _spread(values: Tensor) -> float:
    """Standard deviation of the bulk, blind to outliers: for a normal distribution, median |x| / 0.6745."""
    return float(values.abs().median()) / 0.6745


def _noise(plane: Tensor) -> float:
    """Noise of a photograph, from its mixed second difference, which has twice the standard deviation of white noise.

    Strong compression takes the finest noise away, so that the estimate would be far too small. The same of 2 x 2
    pixels together, equal for white noise, holds picture as well: a quarter of it is the least that is believed.
    """
    coarse = F.avg_pool2d(plane[None], 2)[0]
    return max(_spread(_mixed(plane)) / 2, _spread(_mixed(coarse)) / 4, _LOWEST_NOISE)


def _mixed(plane: Tensor) -> Tensor:
    """The difference along both axes, which is blind to slopes and to straight edges along an axis."""
    return plane[1:, 1:] - plane[1:, :-1] - plane[:-1, 1:] + plane[:-1, :-1]
