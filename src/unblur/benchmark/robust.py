"""The suite ``robust``: a PSF that is not quite right, more noise than usual, and strong JPEG."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unblur.benchmark.case import Case, Misjudged
from unblur.degrade.camera import Camera


def robust_suite(photos: Sequence[Path], camera: Camera, *, disk: str, motion: str, larger: str) -> list[Case]:
    """What goes wrong in practice, one thing in each column; no method is told.

    Args:
        photos: sharp photographs.
        camera: of the suite ``paper``, whose columns ``disk`` and ``motion`` are what to compare with.
        disk: PSF of a defocus.
        motion: PSF of a camera shake.
        larger: the disk that methods are told in its place.
    """
    noisy, squeezed = replace(camera, noise=0.03), replace(camera, jpeg=40)
    columns: list[tuple[str, str, Camera, Misjudged | None]] = [
        ("disk-larger", disk, camera, Misjudged(psf=larger)),
        ("motion-turned", motion, camera, Misjudged(turn=3.0)),
        ("motion-moved", motion, camera, Misjudged(right=1)),
        ("disk-noise", disk, noisy, None),
        ("motion-noise", motion, noisy, None),
        ("disk-jpeg", disk, squeezed, None),
        ("motion-jpeg", motion, squeezed, None),
    ]
    return [
        Case(
            suite="robust",
            column=name,
            photo=photo,
            psf=psf,
            camera=taken,
            number=place * len(photos) + number,
            misjudged=misjudged,
        )
        for place, (name, psf, taken, misjudged) in enumerate(columns)
        for number, photo in enumerate(photos)
    ]
