"""A shape in a few characters, ``disk:7.5``, to its PSF: the friendly layer over the formulas."""

import difflib
import re
from collections.abc import Callable

from unblur.errors import PsfError
from unblur.psf.parametric import delta, disk, gauss, motion, polygon
from unblur.psf.random import shake_seeded
from unblur.tensors import Psf

_EXAMPLES = {
    "disk": ("disk:R", "disk:7.5"),
    "gauss": ("gauss:S or gauss:S1,S2,ANGLE", "gauss:1.5 or gauss:4,1.5,30"),
    "motion": ("motion:LENGTH,ANGLE", "motion:15,30"),
    "polygon": ("polygon:SIDES,RADIUS", "polygon:6,9.5"),
    "shake": ("shake:SIZE,seed=N", "shake:27,seed=3"),
    "delta": ("delta", "delta"),
}

GRAMMAR = """\
disk:R                 out of focus, radius R
gauss:S                Gaussian of standard deviation S
gauss:S1,S2,ANGLE      oblique Gaussian, S1 along ANGLE and S2 across it
motion:LENGTH,ANGLE    straight motion
polygon:SIDES,RADIUS   out of focus through an aperture of SIDES blades, RADIUS to its corners
shake:SIZE,seed=N      camera shake number N in SIZE x SIZE pixels, SIZE odd
delta                  no blur
Lengths are in pixels, angles in degrees counter-clockwise as seen on the screen, 0 to the right.
For instance disk:7.5, gauss:4,1.5,30, motion:15,30, polygon:6,9.5, shake:27,seed=3."""
"""The grammar for people, one shape per line."""


def parse_psf(text: str) -> Psf:
    """The PSF that a short text such as ``disk:7.5`` describes; see :data:`GRAMMAR`.

    Args:
        text: family, colon, numbers separated by commas. Capitals and spaces do not matter.

    Raises:
        PsfError: unknown family, a wrong count of numbers, something else than a number, or a size out of range.
    """
    compact = re.sub(r"\s+", "", text).lower()
    family, colon, rest = compact.partition(":")
    if family not in _BUILDERS:
        near = difflib.get_close_matches(family, _BUILDERS, n=1, cutoff=0.5)
        families = ", ".join(_BUILDERS)
        hint = f"did you mean {_EXAMPLES[near[0]][1]}?" if near else "for instance disk:7.5; or name a file"
        raise PsfError(f"{text!r} is no PSF that is known, expected one of {families}; {hint}")
    return _BUILDERS[family](text, rest.split(",") if colon else [])


def looks_like_grammar(text: str) -> bool:
    """Whether a text has the form of a shape, known or not, rather than that of a file's name."""
    return re.fullmatch(r"\s*(delta|[a-z]{2,}\s*:[^/\\]*)\s*", text, flags=re.IGNORECASE) is not None


def _disk(text: str, parts: list[str]) -> Psf:
    (radius,) = _numbers(text, "disk", parts, counts=(1,))
    return disk(radius)


def _gauss(text: str, parts: list[str]) -> Psf:
    return gauss(*_numbers(text, "gauss", parts, counts=(1, 3)))


def _motion(text: str, parts: list[str]) -> Psf:
    length, angle = _numbers(text, "motion", parts, counts=(2,))
    return motion(length, angle)


def _polygon(text: str, parts: list[str]) -> Psf:
    sides, radius = _numbers(text, "polygon", parts, counts=(2,))
    if sides != int(sides if abs(sides) < 1e9 else 0):
        raise _wrong(text, "polygon", f"{parts[0]} sides")
    return polygon(int(sides), radius)


def _shake(text: str, parts: list[str]) -> Psf:
    if len(parts) != 2:
        raise _wrong(text, "shake", f"{len(parts)} values")
    match = re.fullmatch(r"(\d{1,9}),seed=(\d{1,19})", ",".join(parts))
    if match is None:
        raise _wrong(text, "shake", f"{','.join(parts)!r}")
    return shake_seeded(int(match[1]), int(match[2]))


def _delta(text: str, parts: list[str]) -> Psf:
    if parts not in ([], [""]):
        raise _wrong(text, "delta", f"{len(parts)} values")
    return delta()


_BUILDERS: dict[str, Callable[[str, list[str]], Psf]] = {
    "disk": _disk,
    "gauss": _gauss,
    "motion": _motion,
    "polygon": _polygon,
    "shake": _shake,
    "delta": _delta,
}


def _numbers(text: str, family: str, parts: list[str], *, counts: tuple[int, ...]) -> list[float]:
    if len(parts) not in counts or parts == [""]:
        raise _wrong(text, family, f"{0 if parts == [''] else len(parts)} numbers")
    numbers = []
    for part in parts:
        try:
            numbers.append(float(part))
        except ValueError:
            raise _wrong(text, family, f"{part!r}, which is not a number") from None
    return numbers


def _wrong(text: str, family: str, got: str) -> PsfError:
    form, example = _EXAMPLES[family]
    return PsfError(f"{text!r} has {got}, expected {form}; write {example}, for instance")
