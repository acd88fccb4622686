"""ICC profiles of the matrix/TRC kind: their tone curves, their primaries, and one written for linear light.

Blur acts on each channel's own light, so the curve is all that restoring needs; the primaries matter only where linear
light must be shown as sRGB. Tags and types: ICC.1:2010 (profile version 4.3), 9.2 and 10.
"""

import struct
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unblur.colour import SRGB, ToneCurve
from unblur.tensors import Image

_SAME = 1e-3
"""Curves closer than this everywhere are the same one; profiles round to 16 bits, or to 1/256 of a gamma."""
_SRGB_TO_XYZ = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
"""Linear sRGB to XYZ at the profiles' white, D50 (Bradford)."""
_D50 = (0.9642, 1.0, 0.8249)

Matrix = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def tone_curve(icc: bytes) -> ToneCurve | None:
    """The curve between a picture's stored values and linear light, channel by channel.

    Returns:
        :data:`unblur.colour.SRGB` itself where the profile's curve is that of sRGB; None where the profile is damaged
        or has tables of colours instead of curves.
    """
    try:
        tags = _tags(icc)
        curves = tuple(_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC", b"kTRC") if name in tags)
    except (struct.error, ValueError, IndexError):
        return None
    if not curves:
        return None
    channels = _Channels(curves)
    steps = torch.linspace(0, 1, 256).reshape(1, 1, 1, -1).expand(1, len(curves), 1, 256)
    if float((channels.decode(steps) - SRGB.decode(steps)).abs().max()) < _SAME:
        return SRGB
    return ToneCurve(decode=channels.decode, encode=channels.encode)


def is_linear(curve: ToneCurve) -> bool:
    """Whether stored values are linear light already."""
    steps = torch.linspace(0, 1, 256).reshape(1, 1, 1, -1).expand(1, 3, 1, 256)
    return float((curve.decode(steps) - steps).abs().max()) < _SAME


def linear_to_srgb(icc: bytes | None) -> Matrix | None:
    """The ``(3, 3)`` matrix from the profile's linear RGB to that of sRGB; None where it names no primaries."""
    try:
        tags = _tags(icc or b"")
        columns = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    except (struct.error, KeyError, ValueError):
        return None
    return np.linalg.inv(_SRGB_TO_XYZ) @ np.array(columns).T


def linear_profile(to_srgb: Matrix | None, description: str) -> bytes:
    """A profile that says: linear light, in these primaries.

    Args:
        to_srgb: ``(3, 3)``, from linear RGB of the picture to linear sRGB; None for a grey picture.
        description: ASCII; programs show it as the profile's name.
    """
    text = description.encode("ascii")
    words = b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + b"\0" + bytes(4 + 4 + 2 + 1 + 67)
    contents = [(b"desc", words), (b"cprt", b"text" + bytes(4) + b"No copyright\0"), (b"wtpt", _xyz_tag(_D50))]
    curve = b"curv" + bytes(4) + struct.pack(">I", 0)
    if to_srgb is None:
        contents.append((b"kTRC", curve))
    else:
        columns = (_SRGB_TO_XYZ @ to_srgb).T
        primaries = zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)
        contents += [(name, _xyz_tag(column)) for name, column in primaries]
        contents += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, start = struct.pack(">I", len(contents)), b"", 128 + 4 + 12 * len(contents)
    for name, content in contents:
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    space = b"GRAY" if to_srgb is None else b"RGB "
    header = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x02400000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _numbers(_D50)
    return header.ljust(128, b"\0") + table + body


@dataclass(frozen=True)
class _Power:
    """``(a x + b)^g + e`` from d on, ``c x + f`` below it, never under 0; odd about 0, continued above 1."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = -1.0
    e: float = 0.0
    f: float = 0.0

    def decode(self, stored: Tensor) -> Tensor:
        size = stored.abs()
        light = (self.a * size + self.b).clamp_min(0) ** self.g + self.e
        return torch.copysign(torch.where(size >= self.d, light, self.c * size + self.f).clamp_min(0), stored)

    def encode(self, light: Tensor) -> Tensor:
        size = light.abs()
        knee = (self.a * max(self.d, 0.0) + self.b) ** self.g + self.e
        stored = ((size - self.e).clamp_min(0) ** (1 / self.g) - self.b) / self.a
        below = (size - self.f) / self.c if self.c else torch.full_like(size, max(self.d, 0.0))
        return torch.copysign(torch.where(size >= knee, stored, below).clamp_min(0), light)


@dataclass(frozen=True)
class _Sampled:
    """Light at evenly spaced stored values from 0 to 1, straight between them and beyond them."""

    light: tuple[float, ...]

    def decode(self, stored: Tensor) -> Tensor:
        values = stored.new_tensor(self.light)
        place = stored.abs() * (len(values) - 1)
        left = place.floor().clamp(0, len(values) - 2).long()
        between = values[left] + (place - left) * (values[left + 1] - values[left])
        return torch.copysign(between, stored)

    def encode(self, light: Tensor) -> Tensor:
        # Steps on which the curve rests have no inverse; the least slope that 16 bits could show gives them one.
        values = light.new_tensor(self.light)
        values = torch.cummax(values, 0).values + torch.arange(len(values)).to(values) * 1e-7
        size = light.abs().contiguous()
        left = (torch.searchsorted(values, size, right=True) - 1).clamp(0, len(values) - 2)
        place = left + (size - values[left]) / (values[left + 1] - values[left])
        return torch.copysign((place / (len(values) - 1)).clamp_min(0), light)


@dataclass(frozen=True)
class _Channels:
    """Each channel through its own curve; channels beyond the last curve through the last."""

    curves: tuple[_Power | _Sampled, ...]

    def decode(self, image: Image) -> Image:
        return torch.cat([self._of(k).decode(image[:, k : k + 1]) for k in range(image.shape[1])], dim=1)

    def encode(self, image: Image) -> Image:
        return torch.cat([self._of(k).encode(image[:, k : k + 1]) for k in range(image.shape[1])], dim=1)

    def _of(self, channel: int) -> _Power | _Sampled:
        return self.curves[min(channel, len(self.curves) - 1)]


def _tags(icc: bytes) -> dict[bytes, bytes]:
    if icc[36:40] != b"acsp":
        raise ValueError
    (count,) = struct.unpack_from(">I", icc, 128)
    entries = (struct.unpack_from(">4sII", icc, 132 + 12 * k) for k in range(min(count, 200)))
    return {name: icc[start : start + length] for name, start, length in entries}


def _curve(tag: bytes) -> _Power | _Sampled:
    """A ``curv`` or ``para`` tag.

    Raises:
        ValueError: another type, or a curve that cannot be turned round.
    """
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        values = struct.unpack_from(f">{count}H", tag, 12)
        if count == 0:
            return _Power(1.0)
        if count == 1:
            return _checked(_Power(values[0] / 256))
        if not values[-1] > values[0]:
            raise ValueError
        return _Sampled(tuple(value / 65535 for value in values))
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">H", tag, 8)
        p = [value / 65536 for value in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
        if kind == 0:
            return _checked(_Power(p[0]))
        if kind <= 2:  # flat below the zero of the bracket
            level = p[3] if kind == 2 else 0.0
            return _checked(_Power(p[0], p[1], p[2], d=-p[2] / p[1] if p[1] else 0.0, e=level, f=level))
        return _checked(_Power(*p))
    raise ValueError


def _checked(curve: _Power) -> _Power:
    if not (curve.g > 0 and curve.a > 0):
        raise ValueError
    return curve


def _xyz(tag: bytes) -> tuple[float, ...]:
    return tuple(value / 65536 for value in struct.unpack_from(">3i", tag, 8))


def _xyz_tag(values: "Matrix | tuple[float, ...]") -> bytes:
    return b"XYZ " + bytes(4) + _numbers(values)


def _numbers(values: "Matrix | tuple[float, ...]") -> bytes:
    return struct.pack(">3i", *(round(float(value) * 65536) for value in values))
