"""Pictures and PSFs of every shape, type and layout, sound and unsound, and what every method must make of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import hypothesis.strategies as st
import numpy as np
import torch
from PIL import Image

import unblur
from unblur.errors import UnblurError
from unblur.methods import METHODS
from unblur.psf.parse import parse_psf

Array = np.ndarray[Any, np.dtype[Any]]
Layout = Literal["plain", "turned", "mirrored", "every second", "fortran", "read-only", "big-endian"]
Flaw = Literal[
    "none", "one NaN", "one Inf", "minus Inf", "far above white", "some above white", "below black", "no light", "a sun"
]


@dataclass(frozen=True, kw_only=True)
class Ordeal:
    """One call of :func:`unblur.restore`; everything follows from these words, so that a failure can be repeated."""

    method: str
    height: int
    width: int
    channels: int
    """0 for a picture of two dimensions, else 1, 3 or 4."""
    dtype: str
    layout: Layout
    container: Literal["array", "tensor", "pillow"]
    content: Literal["noise", "black", "white", "half", "checks", "point"]
    flaw: Flaw
    psf: Literal["known", "odd", "even", "row", "column", "corner", "huge", "negative", "nan", "dark", "integers"]
    seed: int
    tile: int | None = None


@st.composite
def ordeals(draw: st.DrawFn, method: str) -> Ordeal:
    """Ordeals of one method, half of them without any flaw."""
    container = draw(st.sampled_from(["array", "array", "tensor", "pillow"]))
    dtypes = ["uint8"] if container == "pillow" else ["uint8", "uint16", "float16", "float32", "float64"]
    dtype = draw(st.sampled_from(dtypes))
    flaws = ["one NaN", "one Inf", "minus Inf", "far above white", "some above white", "below black", "a sun"]
    flaws += [] if dtype == "float16" else ["no light"]
    sound = draw(st.booleans())
    only_one = METHODS[method].trained is not None
    psfs = ["known"] if only_one else ["known", "odd", "even", "row", "column", "corner", "integers"]
    psf = draw(st.sampled_from(psfs if sound else ["known", "odd", "huge", "negative", "nan", "dark"]))
    smallest = (15 if only_one else 7) if sound else 1
    tiles = [None] if METHODS[method].tiling.kind == "whole" and sound else [None, None, 5, 16]
    return Ordeal(
        method=method,
        height=draw(st.integers(smallest, 24)),
        width=draw(st.integers(smallest, 24)),
        channels=draw(st.sampled_from([0, 1, 3, 4])),
        dtype=dtype,
        layout=draw(
            st.sampled_from(["plain", "turned", "mirrored", "every second", "fortran", "read-only", "big-endian"])
        ),
        container=container,  # type: ignore[arg-type]
        content=draw(st.sampled_from(["noise", "black", "white", "half", "checks", "point"])),
        flaw="none" if sound or dtype[0] == "u" else draw(st.sampled_from(flaws)),
        psf=psf,  # type: ignore[arg-type]
        seed=draw(st.integers(0, 999)),
        tile=draw(st.sampled_from(tiles)),
    )


def failure(ordeal: Ordeal) -> str | None:
    """What is wrong with what became of an ordeal; None if it ended as it must."""
    picture, psf = _picture(ordeal), _psf(ordeal)
    before = _values(picture).copy()
    try:
        restored = unblur.restore(picture, psf, method=ordeal.method, tile=ordeal.tile)
    except UnblurError as error:
        text = str(error)
        if "\n" in text or not text:
            return f"a refusal of several lines: {text}"
        return None if _may_be_refused(ordeal, psf) else f"refused: {text}"
    after = _values(restored)
    if type(restored) is not type(picture):
        return f"a {type(picture).__name__} became a {type(restored).__name__}"
    if (after.dtype.newbyteorder("="), after.shape) != (before.dtype.newbyteorder("="), before.shape):
        return f"{before.dtype} {before.shape} became {after.dtype} {after.shape}"
    if not np.array_equal(_values(picture), before, equal_nan=ordeal.dtype[0] == "f"):
        return "the picture that was handed over changed"
    return _unsound(after.astype(np.float64), before.astype(np.float64), ordeal)


def _unsound(after: Array, before: Array, ordeal: Ordeal) -> str | None:
    white = {"uint8": 255, "uint16": 65535}.get(ordeal.dtype, 1)
    if ordeal.flaw in ("one NaN", "one Inf", "minus Inf", "no light"):
        return f"{ordeal.flaw} was taken for light"
    if ordeal.channels == 4:
        axis = 0 if ordeal.container == "tensor" else -1
        if not np.array_equal(after.take(3, axis), before.take(3, axis)):
            return "the opacity changed"
        after = after.take((0, 1, 2), axis)
    if not np.isfinite(after).all():
        return "the result is not finite"
    if after.min() < 0 or after.max() > white:
        return f"the result goes from {after.min()} to {after.max()}"
    return None


def _may_be_refused(ordeal: Ordeal, psf: object) -> bool:
    """Whether there is a reason to refuse."""
    if ordeal.flaw != "none" or ordeal.psf in ("negative", "nan", "dark"):
        return True
    kh, kw = psf.shape if isinstance(psf, np.ndarray | torch.Tensor) else (1, 1)
    method = METHODS[ordeal.method]
    if ordeal.tile is not None and method.tiling.kind == "whole":
        return True
    too_large = kh + (kh + 1) % 2 > ordeal.height or kw + (kw + 1) % 2 > ordeal.width
    return too_large or (method.trained is not None and ordeal.psf != "known")


def _picture(ordeal: Ordeal) -> Any:
    rng = np.random.default_rng(ordeal.seed)
    shape = (ordeal.height, ordeal.width, *([ordeal.channels] if ordeal.channels else []))
    contents: dict[str, Callable[[], Any]] = {
        "noise": lambda: rng.random(shape),
        "black": lambda: np.zeros(shape),
        "white": lambda: np.ones(shape),
        "half": lambda: np.full(shape, 0.5),
        "checks": lambda: np.indices(shape).sum(axis=0) % 2.0,
        "point": lambda: np.where(np.arange(np.prod(shape)).reshape(shape) == np.prod(shape) // 2, 1.0, 0.0),
    }
    values = contents[ordeal.content]()
    flawed = {"one NaN": np.nan, "one Inf": np.inf, "minus Inf": -np.inf, "far above white": 300.0}
    flawed |= {"no light": 1e30, "a sun": 20_000.0}
    if ordeal.flaw in flawed:
        values.flat[rng.integers(values.size)] = flawed[ordeal.flaw]
    if ordeal.flaw == "far above white":
        values = values + 200
    if ordeal.flaw in ("some above white", "below black"):
        values.flat[:: max(3, values.size // 3)] = 1.7 if ordeal.flaw == "some above white" else -0.4
    white = {"uint8": 255, "uint16": 65535}.get(ordeal.dtype, 1)
    array = _laid_out((values * white).astype(ordeal.dtype), ordeal.layout)
    if ordeal.container == "array":
        return array
    plain = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    if ordeal.container == "pillow":
        return Image.fromarray(plain[..., 0] if ordeal.channels == 1 else plain)
    tensor = torch.from_numpy(plain.copy())
    tensor = tensor.permute(2, 0, 1) if ordeal.channels else tensor[None]
    return tensor.transpose(-1, -2).contiguous().transpose(-1, -2) if ordeal.layout == "turned" else tensor


def _laid_out(array: Array, layout: Layout) -> Array:
    """The same shape in another place of memory."""
    if layout == "turned":
        return np.ascontiguousarray(array.swapaxes(0, 1)).swapaxes(0, 1)
    if layout == "mirrored":
        return np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1]
    if layout == "every second":
        return array.repeat(2, axis=0).repeat(2, axis=1)[::2, ::2]
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "big-endian":
        return array.astype(array.dtype.newbyteorder(">"))
    if layout == "read-only":
        array.flags.writeable = False
    return array


def _psf(ordeal: Ordeal) -> Any:
    rng = np.random.default_rng(ordeal.seed + 1)
    if ordeal.psf == "known":
        return parse_psf(METHODS[ordeal.method].example_psf)
    sides = {"even": (4, 2), "row": (1, 7), "column": (6, 1), "huge": (31, 33)}.get(ordeal.psf, (3, 5))
    psf = rng.random(sides) ** 3  # lopsided
    if ordeal.psf == "corner":
        psf = np.zeros(sides)
        psf[0, -1] = 1
    if ordeal.psf in ("negative", "nan"):
        psf[1, 1] = -0.5 if ordeal.psf == "negative" else np.nan
    if ordeal.psf == "dark":
        psf[:] = 0
    return (psf * 9 + 1).astype(np.uint8) if ordeal.psf == "integers" else psf.astype(rng.choice(["f4", "f8"]))


def _values(picture: Any) -> Array:
    return picture.numpy() if isinstance(picture, torch.Tensor) else np.asarray(picture)
