"""Suites on the sets that others publish numbers for: Levin's pictures and Sun's, under Levin's eight PSFs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from unblur.benchmark.case import Capture, Case
from unblur.degrade.camera import Camera
from unblur.errors import ConfigError

NOISES = (0.01, 0.02, 0.03, 0.05)
"""Standard deviations, white = 1; one column for each."""
PSFS = 8
PICTURES = 4
SIDE = 255
"""Of Levin's pictures, in pixels."""
STORED = Camera(transfer="encoded")
"""Blur of the values as they are stored, no rounding to 8 bits."""


def levin_suite(data: Path) -> list[Case]:
    """Levin's four sharp pictures, blurred synthetically by his eight PSFs, at four noises.

    Args:
        data: holds ``test/levin`` and ``kernels``.

    Raises:
        ConfigError: pictures or PSFs are missing.
    """
    photos = [data / "test" / "levin" / f"im{number}_k1_sharp.png" for number in range(1, PICTURES + 1)]
    return list(_noisy("levin", _there(photos), _levin_psfs(data)))


def levin_same_suite(data: Path) -> list[Case]:
    """The cases of :func:`levin_suite` in the way in which results are published: blurred to their own size, no cut.

    The blurred picture is as large as the sharp one, its edges are tapered, and all of it is judged; see
    :func:`unblur.benchmark.case.pair_of` for what lies beyond the frame.

    Args:
        data: as for :func:`levin_suite`.

    Raises:
        ConfigError: as :func:`levin_suite`.
    """
    return [_same_size(case) for case in levin_suite(data)]


def sun_suite(data: Path) -> list[Case]:
    """Sun's pictures (grey, about 1024 pixels) blurred by Levin's eight PSFs, at four noises.

    Args:
        data: holds ``test/sun80`` and ``kernels``.

    Raises:
        ConfigError: pictures or PSFs are missing.
    """
    photos = sorted((data / "test" / "sun80").glob("*.jpg"))
    return list(_noisy("sun", photos or _there([data / "test" / "sun80" / "img_001.jpg"]), _levin_psfs(data)))


def levin_real_suite(data: Path) -> list[Case]:
    """Levin's 32 captures of a camera on a shaking tripod; blur holds in the linear values that are stored.

    Args:
        data: holds ``test/levin`` with ``levin.json`` (place and brightness of each capture), and ``kernels``.

    Raises:
        ConfigError: pictures, PSFs or the list are missing or damaged.
    """
    folder = data / "test" / "levin"
    psfs = _levin_psfs(data)
    [path] = _there([folder / "levin.json"])
    try:
        pairs = json.loads(path.read_text(encoding="utf-8"))["pairs"]
        captures = {
            name: Capture(
                photo=folder / f"{name}_blur.png",
                down=int(pair["dy"]),
                right=int(pair["dx"]),
                gain=float(pair["gain"]),
            )
            for name, pair in pairs.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: no list of pairs with dy, dx and gain ({error}); get the set again") from None
    sharp = _there([folder / f"{name}_sharp.png" for name in captures])
    _there([capture.photo for capture in captures.values()])
    return [
        Case(
            suite="levin-real",
            column="real",
            photo=photo,
            psf=str(_psf_of(name, psfs, path)),
            camera=STORED,
            number=number,
            side=None,
            capture=capture,
        )
        for number, (photo, (name, capture)) in enumerate(zip(sharp, captures.items(), strict=True))
    ]


def for_choices(photos: Sequence[Path], *, suite: str) -> list[Case]:
    """What takes the place of these sets when settings are chosen: other photographs, PSFs of about the same size.

    Args:
        photos: for validation; each gets one of eight camera shakes.
        suite: ``levin``, ``levin-same`` or ``sun``.
    """
    if suite == "levin-same":
        return [_same_size(case) for case in for_choices(photos, suite="levin")]
    psfs = [f"shake:{13 + 2 * number},seed={101 + number}" for number in range(PSFS)]
    return [
        replace(case, side=SIDE)
        for offset, photo in enumerate(photos)
        for case in _noisy(suite, [photo], [psfs[offset % PSFS]], first=len(NOISES) * offset)
    ]


def _noisy(suite: str, photos: Sequence[Path], psfs: Sequence[Path | str], *, first: int = 0) -> Iterator[Case]:
    """Every photograph under every PSF at every noise."""
    number = first
    for noise in NOISES:
        for photo in photos:
            for psf in psfs:
                yield Case(
                    suite=suite,
                    column=f"noise {noise:.0%}",
                    photo=photo,
                    psf=str(psf),
                    camera=replace(STORED, noise=noise),
                    number=number,
                    side=None,
                    label=psf.stem if isinstance(psf, Path) else psf,
                )
                number += 1


def _same_size(case: Case) -> Case:
    """The same photograph, PSF and noise, on the photograph's whole size and judged on all of it."""
    return replace(case, suite=f"{case.suite}-same", frame="same", crop=0)


def _levin_psfs(data: Path) -> list[Path]:
    return _there([data / "kernels" / f"levin09_k{number}.npy" for number in range(1, PSFS + 1)])


def _psf_of(pair: str, psfs: Sequence[Path], path: Path) -> Path:
    """The PSF that the name of a pair ends with, as in ``im2_k7``."""
    found = [psf for psf in psfs if psf.stem.endswith(f"_{pair.rpartition('_')[2]}")]
    if len(found) != 1:
        raise ConfigError(f"{path}: the pair {pair!r} names no PSF, expected a name as im1_k1; get the set again")
    return found[0]


def _there(paths: Sequence[Path]) -> list[Path]:
    """The files, if all are there."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ConfigError(f"{missing[0]}{more}: no such file; the suite needs it below --data")
    return list(paths)
