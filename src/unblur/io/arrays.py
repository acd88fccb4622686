"""NumPy arrays, Pillow images and torch tensors: one way in, and the same way out again.

They are told apart by their type alone, never by their shape: an array is ``(H, W)`` or ``(H, W, 3)``, a tensor
``(C, H, W)`` or ``(B, C, H, W)``.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from PIL import Image as PillowImage
from torch import Tensor

from unblur.errors import ImageError

Planes = Tensor
"""``(B, 1|3, H, W)`` of the input's own number type."""

BRIGHTEST = 1e6
"""No light is so many times white, and what is made of such values overflows; the sun is some 10,000 times white."""
_ARRAY_TYPES = ("uint8", "uint16", "float16", "float32", "float64")
_TENSOR_TYPES = (torch.uint8, torch.uint16, torch.float16, torch.bfloat16, torch.float32, torch.float64)
_PILLOW_MODES = ("L", "LA", "RGB", "RGBA", "I;16", "F")


def planes_of(image: object) -> tuple[Planes, Callable[[Planes], Any]]:
    """The colour planes of any picture in memory, and the function that makes the like of it from restored planes.

    Args:
        image: NumPy ``(H, W)``, ``(H, W, 1|3|4)``; Pillow L, LA, RGB, RGBA, I;16 or F; torch ``(C, H, W)`` or
            ``(B, C, H, W)`` with C = 1, 3 or 4. A fourth channel is opacity. Floats: 1 = white.

    Returns:
        Planes that may share memory with ``image``, and the way back, which returns a new object and puts the opacity
        back untouched.

    Raises:
        ImageError: another type, shape or number type, no pixels, NaN, or floats that are not on the scale 1 = white.
    """
    planes: Planes
    back: Callable[[Planes], Any]
    if isinstance(image, Tensor):
        planes, back = _of_tensor(image)
    elif isinstance(image, np.ndarray):
        planes, back = _of_array(image)
    elif isinstance(image, PillowImage.Image):
        planes, back = _of_pillow(image)
    else:
        kind = type(image).__name__
        raise ImageError(f"the picture is a {kind}, expected an array, a Pillow image or a tensor; read files first")
    check_range(planes)
    return planes, back


def check_range(planes: Planes) -> None:
    """Refuse what is not a picture on the scale 1 = white.

    Raises:
        ImageError: no pixel at all, NaN or infinite values, values beyond :data:`BRIGHTEST` on either side, or more
            than half of all float values above white.
    """
    check_bands([planes])


def check_bands(bands: Iterable[Planes]) -> None:
    """The same for a picture that is too large to be held: its parts, one after the other."""
    count = broken = above = 0
    lowest, highest = 0.0, 0.0
    shape: tuple[int, ...] = ()
    for band in bands:
        part, shape = band.detach(), tuple(band.shape)
        count += part.numel()
        if part.numel() == 0 or not part.dtype.is_floating_point:
            continue
        missing = int((~torch.isfinite(part)).sum())
        broken += missing
        if not missing:
            lowest, highest = min(lowest, float(part.min())), max(highest, float(part.max()))
            above += int((part > 1).sum())
    if count == 0:
        raise ImageError(f"the picture has the shape {shape}, expected at least one pixel")
    if broken:
        raise ImageError(f"{broken} of {count} values are NaN or infinite, expected finite ones; replace them")
    if max(-lowest, highest) > BRIGHTEST:
        raise ImageError(
            f"the values go from {lowest:g} to {highest:g}, expected floats with 1 = white and none beyond "
            f"{BRIGHTEST:g}; the file is damaged, or has no light in it"
        )
    if above * 2 > count:
        raise ImageError(
            f"more than half of the values are above 1 (highest {highest:g}), "
            "expected floats with 1 = white; divide by the white level"
        )


def trust_of(weight: object, planes: Planes) -> Planes:
    """A weight of any form as float32 ``(B|1, C|1, H, W)`` in [0, 1].

    Args:
        weight: ``(H, W)`` array, Pillow image or tensor (also ``(B|1, C|1, H, W)``): 1 or white = trust, 0 = ignore.
        planes: the picture that it belongs to.

    Raises:
        ImageError: another shape, or values outside [0, 1].
    """
    if isinstance(weight, PillowImage.Image):
        weight = np.array(weight.convert("L"))
    values = weight if isinstance(weight, Tensor) else torch.from_numpy(np.array(weight))
    values = values.reshape((1,) * max(0, 4 - values.ndim) + tuple(values.shape))
    white = {torch.uint8: 255, torch.uint16: 65535}.get(values.dtype, 1)
    counted = white > 1 and int(values.to(torch.int32).max()) > 1
    values = values.to(torch.float32) / (white if counted else 1)  # 0 and 1 stay 0 and 1
    fits = all(mine in (1, its) for mine, its in zip(values.shape[:2], planes.shape[:2], strict=True))
    if values.ndim != 4 or not fits or values.shape[2:] != planes.shape[2:]:
        got, expected = tuple(values.shape[-2:]), tuple(planes.shape[-2:])
        raise ImageError(f"the weight has the shape {got}, expected the picture's {expected}, one number per pixel")
    if not bool(((values >= 0) & (values <= 1)).all()):
        raise ImageError("the weight has values outside 0 (ignore) to 1 (trust), or NaN; divide by its white level")
    return values


def _of_tensor(image: Tensor) -> tuple[Planes, Callable[[Planes], Tensor]]:
    if image.dtype not in _TENSOR_TYPES:
        raise ImageError(f"the tensor is of {image.dtype}, expected uint8, uint16 or a float type; convert it")
    if image.ndim not in (3, 4) or image.shape[-3] not in (1, 3, 4):
        raise ImageError(
            f"the tensor has the shape {tuple(image.shape)}, expected (C, H, W) or (B, C, H, W), C = 1, 3, 4"
        )
    batch = image if image.ndim == 4 else image[None]
    colours = 1 if batch.shape[1] == 1 else 3

    def back(planes: Planes) -> Tensor:
        whole = torch.cat([planes.to(image.device), batch[:, colours:]], dim=1) if batch.shape[1] > colours else planes
        return (whole if image.ndim == 4 else whole[0]).to(image.device)

    return batch[:, :colours], back


def _of_array(
    image: "np.ndarray[Any, np.dtype[Any]]",
) -> tuple[Planes, Callable[[Planes], "np.ndarray[Any, np.dtype[Any]]"]]:
    if image.dtype.name not in _ARRAY_TYPES:
        raise ImageError(f"the array is of {image.dtype}, expected {', '.join(_ARRAY_TYPES)}; convert it")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        raise ImageError(f"the array has the shape {image.shape}, expected (H, W), (H, W, 3) or (H, W, 4)")
    native = np.ascontiguousarray(image, image.dtype.newbyteorder("="))
    if not native.flags.writeable:  # torch would warn, though nothing writes
        native = native.copy()
    channels = native[..., None] if native.ndim == 2 else native
    colours = 1 if channels.shape[2] == 1 else 3

    def back(planes: Planes) -> "np.ndarray[Any, np.dtype[Any]]":
        restored = array_of(planes)
        if channels.shape[2] > colours:
            restored = np.concatenate([restored, channels[..., colours:]], axis=2)
        return np.ascontiguousarray(restored.reshape(image.shape), image.dtype)

    return planes_of_array(channels[..., :colours]), back


def planes_of_array(pixels: "np.ndarray[Any, np.dtype[Any]]") -> Planes:
    """``(H, W, C)`` as ``(1, C, H, W)``, without a copy."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


def array_of(planes: Planes) -> "np.ndarray[Any, np.dtype[Any]]":
    """``(1, C, H, W)`` as ``(H, W, C)``, without a copy where it lies on the CPU."""
    return planes[0].detach().permute(1, 2, 0).cpu().numpy()


def _of_pillow(image: PillowImage.Image) -> tuple[Planes, Callable[[Planes], PillowImage.Image]]:
    if image.mode not in _PILLOW_MODES:
        raise ImageError(f"the Pillow image has the mode {image.mode}, expected {', '.join(_PILLOW_MODES)}; convert it")
    pixels = np.array(image)  # a copy: what Pillow lends is read-only
    if image.mode == "LA":  # an array has no such form, so opacity is put aside here
        planes, grey_back = _of_array(pixels[..., 0])
    else:
        planes, grey_back = _of_array(pixels)

    def back(restored: Planes) -> PillowImage.Image:
        values = grey_back(restored)
        if image.mode == "LA":
            values = np.stack([values, pixels[..., 1]], axis=2)
        answer = PillowImage.fromarray(values)
        answer.info = dict(image.info)
        return answer

    return planes, back


def image_of(pixels: "np.ndarray[Any, np.dtype[Any]]") -> Tensor:
    """The stored values of a decoded file, ``(H, W, C)``, as an image ``(1, C, H, W)`` with 1 = white."""
    white = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    return planes_of_array(np.require(pixels, requirements="W")).to(torch.float32) / white  # torch warns otherwise
