"""How natural restorations look: what tells a size of blur where the spectrum hardly does."""

from collections.abc import Callable

import torch

from unblur.differences import difference
from unblur.tensors import Image, Psf, Weight

Restore = Callable[[Image, Psf, Weight], Image]
"""Blurred picture, PSF and weight (1 = trust) → what it looked like without the blur, of the same size."""
JUDGED = 384
"""Pixels a side of the middle of the picture that is restored; a PSF that is over a quarter of it gets more."""
_ROOM = 4


def unnaturalness(picture: Image, *, weight: Weight, rim: int) -> float:
    """``ln(mean |∇x| / √(mean |∇x|²))``, below 0: the lower, the fewer places hold the gradients, as edges do.

    Blur spreads every edge, and the rings that a wrong PSF leaves are many gradients of middling size: both raise it.
    Light and contrast do not change it, so that results of different sharpness can be compared, which a sum of
    gradients would decide for the smoothest. It compares restorations of one picture, not different pictures.

    Args:
        picture: ``(1, 1, H, W)``.
        weight: ``(1, 1, H, W)``; differences with a pixel under 0.5 are left out.
        rim: so many pixels at each border are left out.

    Returns:
        0 for a picture without any gradient that counts, which is the worst.

    After the normalised sparsity of Krishnan, Tay and Fergus, Blind deconvolution using a normalized sparsity measure
    (2011), for all gradients at once.
    """
    height, width = picture.shape[-2:]
    inner = (..., slice(rim, height - rim - 1), slice(rim, width - rim - 1))
    known = weight > 0.5
    steep = torch.cat([difference(picture, dim)[inner].abs()[(known & known.roll(-1, dim))[inner]] for dim in (-1, -2)])
    if not len(steep) or not float(steep.max()) > 0:
        return 0.0
    return float((steep.mean() / steep.square().mean().sqrt()).log())


class Judge:
    """Restores the middle of one picture with PSFs, each once, and says how natural the results look.

    Args:
        blurred: ``(1, 1, H, W)`` in the light of the blur, white 1.
        side: of the largest PSF that is tried, in pixels.
        weight: ``(1, 1, H, W)``, 0 for pixels to ignore.
        restore: makes the results.
        told: called after each restoration; may raise ``Cancelled``.
    """

    def __init__(
        self, blurred: Image, side: int, *, weight: Weight, restore: Restore, told: Callable[[], None] | None = None
    ) -> None:
        rows, columns = (_middle(length, max(JUDGED, _ROOM * side)) for length in blurred.shape[-2:])
        self.blurred, self.weight = blurred[..., rows, columns], weight[..., rows, columns]
        self.rim, self.restore, self.told = side // 2, restore, told
        self.known: dict[str, float] = {}

    def __call__(self, spec: str, psf: Psf) -> float:
        """:func:`unnaturalness` of the restoration with the PSF that the grammar writes as ``spec``."""
        if spec not in self.known:
            restored = self.restore(self.blurred, psf, self.weight)
            self.known[spec] = unnaturalness(restored, weight=self.weight, rim=self.rim)
            if self.told:
                self.told()
        return self.known[spec]


def _middle(length: int, most: int) -> slice:
    start = max(0, length - most) // 2
    return slice(start, start + min(length, most))
