"""The only way for a PSF into the project: checked, odd-sided and divided by its sum."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unblur.errors import PsfError
from unblur.tensors import Psf


def accept_psf(values: "Tensor | np.ndarray[Any, np.dtype[Any]]", *, name: str = "the PSF") -> Psf:
    """Check a two-dimensional array and make it a PSF.

    The array's centre ``(kh // 2, kw // 2)`` is the origin and stays where it is; an even side gets one zero row or
    column at its end, which leaves that centre unchanged. The values are divided by their sum.

    Args:
        values: ``(kh, kw)``, any real type, not negative, finite, sum above 0.
        name: what error messages call it, a file's name for instance.

    Returns:
        float32 on the device of ``values`` (CPU for arrays), odd sides, sum 1.

    Raises:
        PsfError: wrong number of dimensions, empty, negative, NaN, infinite or without any light.
    """
    psf = values.detach() if isinstance(values, Tensor) else torch.from_numpy(np.array(values, np.float64))
    psf = psf.to(torch.float64)
    if psf.ndim == 3 and psf.shape[0] == 3:
        raise PsfError(f"{name}: got one PSF per colour channel, expected a single one of two dimensions; average them")
    if psf.ndim != 2 or psf.numel() == 0:
        raise PsfError(
            f"{name}: got an array of shape {tuple(psf.shape)}, expected two dimensions with at least one pixel"
        )
    broken = int((~torch.isfinite(psf)).sum())
    if broken:
        raise PsfError(
            f"{name}: {broken} of {psf.numel()} values are NaN or infinite, expected finite ones; mend the file"
        )
    negative = int((psf < 0).sum())
    if negative:
        lowest = float(psf.min())
        raise PsfError(
            f"{name}: {negative} of {psf.numel()} values are negative (lowest {lowest:.3g}), expected none; "
            "set them to 0 if they are noise"
        )
    total = float(psf.sum())
    if total == 0 or not math.isfinite(total):
        raise PsfError(f"{name}: the values sum to {total:g}, expected a positive sum; the PSF holds no light")
    kh, kw = psf.shape
    psf = torch.nn.functional.pad(psf, (0, 1 - kw % 2, 0, 1 - kh % 2))
    return (psf / total).to(torch.float32)


def recentred(psf: Psf) -> Tensor:
    """Move the PSF by whole pixels so that its centroid is nearest to the array's centre; nothing is cut off.

    The array grows where needed. A PSF that is already centred to half a pixel comes back unchanged.
    """
    kh, kw = psf.shape
    rows = torch.arange(kh, dtype=psf.dtype, device=psf.device)
    columns = torch.arange(kw, dtype=psf.dtype, device=psf.device)
    shift_y = round(float((psf.sum(1) * rows).sum())) - kh // 2
    shift_x = round(float((psf.sum(0) * columns).sum())) - kw // 2
    # A pixel that leads by s needs 2 s more rows on the other side for the centre to move onto it.
    pad_y = (max(0, -2 * shift_y), max(0, 2 * shift_y))
    pad_x = (max(0, -2 * shift_x), max(0, 2 * shift_x))
    return torch.nn.functional.pad(psf, (*pad_x, *pad_y))
