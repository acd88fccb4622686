"""A function in the style of ``skimage.restoration``: arrays of floats in, an array of floats out.

>>> import numpy as np
>>> from unblur.interop.scikit_image import deconvolve
>>> deconvolve(np.full((32, 40), 0.5), np.ones((3, 3)) / 9, method="wiener").shape
(32, 40)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unblur.colour import encode_srgb
from unblur.devices import torch_device
from unblur.errors import ImageError
from unblur.io.arrays import check_range
from unblur.plan import light_of, planned
from unblur.psf.accept import accept_psf
from unblur.tensors import Transfer

Array = np.ndarray[Any, np.dtype[Any]]


def deconvolve(
    image: Array,
    psf: Array,
    *,
    method: str = "universal",
    settings: Mapping[str, object] | None = None,
    weight: Array | None = None,
    transfer: Transfer = "encoded",
    clip: bool = True,
    channel_axis: int | None = None,
    device: str = "auto",
) -> Array:
    """Deconvolve a picture with a known PSF.

    Unlike ``skimage.restoration.wiener`` and ``richardson_lucy`` it makes up its own surroundings of the picture, and
    restores colours together. A PSF with an even side has its origin at ``(kh // 2, kw // 2)``.

    Args:
        image: ``(H, W)``, or with channels along ``channel_axis``. Floats on the scale 1 = white, integers without
            sign on the scale of their type, or bool.
        psf: ``(kh, kw)``, not negative; a point of light prints it. It is divided by its sum.
        method: a name from ``unblur.METHODS``.
        settings: the method's own, by name.
        weight: ``(H, W)``, 1 = trust, 0 = ignore a pixel.
        transfer: ``encoded`` if the blur acted on the numbers as they are, as scikit-image assumes; ``linear`` if they
            are sRGB of a photograph, whose blur acted on light.
        clip: whether the result is cut to [0, 1]; not cut, lights keep how far they are above white, and large
            pictures are not restored in tiles.
        channel_axis: None for a grey picture. Three channels are restored together, any other number one by one.
        device: ``auto``, ``cpu``, ``cuda``, …

    Returns:
        The same shape; float64 for float64, else float32.

    Raises:
        ImageError: another type or shape, NaN, or a weight of another shape.
        PsfError: not a PSF, larger than the picture, or one that the method does not know.
        ConfigError: unknown method or setting.
    """
    pixels = np.asarray(image)
    planes = _planes(pixels, channel_axis)
    check_range(planes)
    trust = None if weight is None else torch.from_numpy(np.array(weight, np.float32))[None, None]
    if trust is not None and trust.shape[2:] != planes.shape[2:]:
        shape, expected = tuple(trust.shape[2:]), tuple(planes.shape[2:])
        raise ImageError(f"the weight has the shape {shape}, expected the picture's {expected}, one number per pixel")
    plan = planned(
        accept_psf(np.asarray(psf)),
        method=method,
        transfer=transfer,
        encoding="srgb",
        settings=settings,
        device=torch_device(device),
    )
    if clip:
        restored = plan.restored(planes, weight=trust)
    else:
        light = light_of(planes, through_light=plan.through_light).to(plan.device)
        own = None if trust is None else trust.to(light)
        with torch.no_grad():
            restored = plan.method.build(plan.device, plan.settings)(light, plan.psf.to(light), weight=own).cpu()
        restored = encode_srgb(restored) if plan.through_light else restored
    if channel_axis is None:
        return restored[0, 0].numpy()
    # A batch of single planes and a picture of three both are one plane after the other.
    return np.ascontiguousarray(np.moveaxis(restored.flatten(0, 1).numpy(), 0, channel_axis))


def _planes(pixels: Array, channel_axis: int | None) -> Tensor:
    """``(1, 1|3, H, W)``, or a batch of planes where there are other numbers of channels."""
    if pixels.dtype.kind not in "fub":
        raise ImageError(f"the array is of {pixels.dtype}, expected floats, integers without sign or bool; convert it")
    if pixels.ndim != (2 if channel_axis is None else 3):
        said = "channel_axis tells where the channels are" if channel_axis is None else "channels and two sides"
        raise ImageError(f"the array has the shape {pixels.shape}, expected {2 + (channel_axis is not None)}; {said}")
    values = pixels.astype(np.float64 if pixels.dtype == np.float64 else np.float32)
    if pixels.dtype.kind == "u":
        values = np.divide(values, np.iinfo(pixels.dtype).max, dtype=values.dtype)
    if channel_axis is None:
        return torch.from_numpy(values)[None, None]
    planes = torch.from_numpy(np.ascontiguousarray(np.moveaxis(values, channel_axis, 0)))
    return planes[None] if len(planes) == 3 else planes[:, None]
