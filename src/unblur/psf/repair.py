"""The clipped core of a light, guessed from what around it is not clipped."""

import numpy as np
from scipy import ndimage
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from unblur.errors import PsfError

_SHARE = 0.4
"""Of a light's pixels may be clipped; beyond it the guess would be the PSF."""
_HIGHEST = np.log(50)
"""No guess goes beyond so many times white, as a logarithm."""

Plane = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Mask = np.ndarray[tuple[int, int], np.dtype[np.bool_]]


def repaired(values: Plane, spot: Mask, clipped: Mask, noise: float) -> Plane:
    """Continue the logarithm of the light into the clipped pixels with the least bending.

    Solves the biharmonic equation there, with what surrounds them as its boundary. Every quadratic solves it, so that
    the core of a Gaussian comes out exactly; no pixel gets less than it holds.

    Args:
        values: ``(h, w)`` light above the background; clipped pixels hold the least that they can be.
        spot: the light's pixels, none of them within 2 pixels of the rim.
        clipped: those to be guessed.
        noise: standard deviation of ``values``.

    Raises:
        PsfError: more than 40 % of the light's pixels are clipped.
    """
    count = int(clipped.sum())
    if count == 0:
        return values
    if count > _SHARE * int(spot.sum()):
        raise PsfError(
            f"{count} of the light's {int(spot.sum())} pixels are clipped, its shape is lost; take a fainter light"
        )
    logs = np.log(values.clip(max(2 * noise, 1e-6)))
    laplace = np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    stencil = ndimage.convolve(np.pad(laplace, 1), laplace, mode="constant")
    number = np.full(values.shape, -1)
    number[clipped] = np.arange(count)
    matrix, right = lil_matrix((count, count)), np.zeros(count)
    for row, place in enumerate(np.argwhere(clipped)):
        for offset in np.argwhere(stencil):
            i, j = place + offset - 2
            factor = stencil[tuple(offset)]
            if number[i, j] >= 0:
                matrix[row, number[i, j]] += factor
            else:
                right[row] -= factor * logs[i, j]
    least = values[clipped]
    found = np.exp(np.minimum(spsolve(matrix.tocsr(), right), np.log(least.max()) + _HIGHEST))
    result = values.copy()
    result[clipped] = np.maximum(found, least)
    return result
