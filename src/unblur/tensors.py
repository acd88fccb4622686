"""The two arrays that everything here is about, and the six conventions that all code obeys.

1. *Images* are float tensors ``(B, C, H, W)``, nominally in [0, 1] with 1 = white. Values outside are legal until
   ``restoration`` or ``io`` clips them. ``encoding`` says what the numbers are (``srgb`` or ``linear``), ``transfer``
   the light in which the blur holds (``linear`` for a real camera, ``encoded`` for the test sets of the papers).
2. *PSFs* are float tensors ``(kh, kw)`` with odd sides, no negative value and sum 1. Their origin is
   ``(kh // 2, kw // 2)``; nobody recentres them unasked. :mod:`unblur.psf.accept` is the only way in.
3. Blur is *convolution*: a point of light prints the PSF as it is stored. It is never correlation.
4. Solvers compute circularly on an extended picture and take a ``weight``: 0 outside the photograph and where a
   pixel must be ignored, 1 elsewhere. :mod:`unblur.boundary` makes it; nobody else knows about edges. Networks never
   pad: their convolutions are valid.
5. Noise levels are standard deviations on the [0, 1] scale. 8-bit integers exist only in ``io`` and ``degrade.jpeg``.
6. Randomness enters as a ``torch.Generator``. Nothing touches global seeds; no function changes its arguments.
"""

from collections.abc import Callable
from typing import Literal

from jaxtyping import Float
from torch import Tensor

Image = Float[Tensor, "b c h w"]
Psf = Float[Tensor, "kh kw"]
Weight = Float[Tensor, "#b #c h w"]
"""How far each pixel is trusted, 1 to 0; one for all pictures of a batch or all planes where a side is 1."""
Transfer = Literal["linear", "encoded"]
Encoding = Literal["srgb", "linear"]
Report = Callable[[float], None]
"""Called with the share of the work done, 0 to 1; may raise :class:`unblur.errors.Cancelled`."""
