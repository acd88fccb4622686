"""What is restored: a suite is a list of cases."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from unblur.benchmark.case import Case, stored_values
from unblur.benchmark.published import for_choices, levin_real_suite, levin_same_suite, levin_suite, sun_suite
from unblur.benchmark.robust import robust_suite
from unblur.colour import luma
from unblur.degrade.camera import Camera
from unblur.errors import ConfigError
from unblur.tensors import Image, Transfer

DISK_PSF = "disk:7"
"""The defocus of the paper's Table 1."""
LARGER_PSF = "disk:7.35"
"""The same, judged 5 % too large."""
MOTION_PSF = "shake:27,seed=22"
"""The camera shake of the suites, 27 pixels: lopsided, and spread over most of its frame."""
PAPER_CAMERA = Camera(noise=0.01, jpeg=75, real_jpeg=True, transfer="encoded")
"""The paper's section 6: 1 % Gaussian noise and JPEG, here quality 75."""
LIGHTS_CAMERA = replace(PAPER_CAMERA, lights=12.0, transfer="linear")
"""The same, with blur in linear light and lights twelve times brighter than white."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp")
DARK_MEDIAN = 75 / 255
LIGHT_VALUE = 250 / 255
LIGHT_SHARE = 0.0015
BLURRED_SETS = ("levin", "xu2014_disk")
"""Test sets that are blurred already, or hold one picture many times."""
SUITES = ("paper", "lights", "levin", "levin-same", "levin-real", "sun", "robust")


def photos_in(*folders: Path) -> list[Path]:
    """The photographs that lie in some folders, in the order of their names.

    Raises:
        ConfigError: a folder is missing, or there is no photograph.
    """
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: no such folder; expected one with photographs")
    found = sorted(path for folder in folders for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        places = ", ".join(map(str, folders)) or "no folder"
        raise ConfigError(f"{places}: no photograph in it; expected {', '.join(SUFFIXES)}")
    return found


def paper_suite(photos: Sequence[Path]) -> list[Case]:
    """The four columns of the paper's Table 1: disk and motion, with and without saturation."""
    columns = [("disk", DISK_PSF, False), ("disk-sat", DISK_PSF, True)]
    columns += [("motion", MOTION_PSF, False), ("motion-sat", MOTION_PSF, True)]
    numbered = enumerate((column, photo) for column in columns for photo in photos)
    return [
        Case(suite="paper", column=name, photo=photo, psf=psf, camera=PAPER_CAMERA, saturated=saturated, number=number)
        for number, ((name, psf, saturated), photo) in numbered
    ]


def lights_suite(photos: Iterable[Path]) -> list[Case]:
    """Dark photographs with lights that outshine white, blurred in linear light.

    Args:
        photos: candidates; only those that :func:`dark_with_lights` accepts take part.

    Raises:
        ConfigError: none does.
    """
    chosen = [photo for photo in photos if dark_with_lights(stored_values(photo))]
    if not chosen:
        raise ConfigError(
            f"none of the photographs is dark with lights (median luma under 75, more than {LIGHT_SHARE:.2%} of the "
            "pixels at 250 or above); give other photographs"
        )
    columns = [("disk", DISK_PSF), ("motion", MOTION_PSF)]
    numbered = enumerate((column, photo) for column in columns for photo in chosen)
    return [
        Case(suite="lights", column=name, photo=photo, psf=psf, camera=LIGHTS_CAMERA, number=number)
        for number, ((name, psf), photo) in numbered
    ]


def dark_with_lights(image: Image) -> bool:
    """Whether a photograph's median luma is below 75 and over 0.15 % of its pixels have a channel at 250 or more."""
    brightest = image.amax(dim=1)
    half_a_step = 0.5 / 255
    share = (brightest >= LIGHT_VALUE - half_a_step).to(torch.float64).mean()
    return float(luma(image).median()) < DARK_MEDIAN and float(share) > LIGHT_SHARE


def folder_suite(
    photos: Sequence[Path],
    psfs: Sequence[str],
    camera: Camera,
    *,
    saturated: bool = False,
    grey: bool = False,
    limit: int | None = None,
) -> list[Case]:
    """Any photographs under any PSFs: one column for each PSF, whole pictures.

    Args:
        photos: sharp photographs.
        psfs: grammar or paths.
        camera: how they are taken.
        saturated: expose each until 3.5 % of it reach white, at most twice as bright.
        grey: turn them into luma first.
        limit: take only so many photographs, spread over the list; None takes all.

    Raises:
        ConfigError: no PSF, or a limit below 1.
    """
    if not psfs:
        raise ConfigError("there is no PSF to blur the photographs with; name one with --psf, disk:7 for instance")
    end = "-sat" if saturated else ""
    numbered = enumerate((psf, photo) for psf in psfs for photo in photos)
    cases = [
        Case(
            suite="photos",
            column=f"{psf}{end}",
            photo=photo,
            psf=psf,
            camera=camera,
            saturated=saturated,
            number=number,
            grey=grey,
            side=None,
        )
        for number, (psf, photo) in numbered
    ]
    return _thinned(cases, limit)


def camera_of(*, gain: float, noise: float, jpeg: int | None, transfer: str) -> Camera:
    """A camera from what a person says; JPEG is libjpeg's own.

    Raises:
        ConfigError: a number out of its range, or an unknown light.
    """
    if transfer not in ("linear", "encoded"):
        raise ConfigError(f"the transfer is {transfer!r}, expected linear or encoded")
    light: Transfer = "linear" if transfer == "linear" else "encoded"
    return Camera(gain=gain, noise=noise, jpeg=jpeg, real_jpeg=True, transfer=light)


def named_suite(name: str | None, data: Path | None, *, split: str = "test", limit: int | None = None) -> list[Case]:
    """A suite by its name, from a folder of data.

    Args:
        name: one of :data:`SUITES`.
        data: holds ``val`` (photographs), ``test`` (one folder for each set) and ``kernels`` (published PSFs).
        split: ``test`` for results, ``val`` for tuning and every other choice.
        limit: take only so many photographs, spread over the list; None takes all.

    Raises:
        ConfigError: an unknown suite, or data that are not there.
    """
    if name not in SUITES:
        raise ConfigError(f"{name!r} is no suite; expected one of {', '.join(SUITES)}, or --photos with --psf")
    if data is None:
        raise ConfigError(f"the suite {name} needs photographs; name the folder that holds val/ and test/ with --data")
    if split not in ("val", "test"):
        raise ConfigError(f"the split is {split!r}, expected test (for results) or val (for choices)")
    return _thinned(_for_choices(name, data) if split == "val" else _for_results(name, data), limit)


def _for_results(name: str, data: Path) -> list[Case]:
    """The cases of a suite that results are told of."""
    match name:
        case "levin":
            return levin_suite(data)
        case "levin-same":
            return levin_same_suite(data)
        case "levin-real":
            return levin_real_suite(data)
        case "sun":
            return sun_suite(data)
        case "lights":
            return lights_suite(_sharp_test_photos(data / "test"))
    return _on_photographs(name, photos_in(data / "test" / "kodak24"))


def _for_choices(name: str, data: Path) -> list[Case]:
    """Cases like those of a suite, on the photographs for validation."""
    if name == "levin-real":
        raise ConfigError("levin-real has captures for results only; choose settings on levin, with --split val")
    photos = photos_in(data / "val")
    if name in ("levin", "levin-same", "sun"):
        return for_choices(photos, suite=name)
    return lights_suite(photos) if name == "lights" else _on_photographs(name, photos)


def _on_photographs(name: str, photos: Sequence[Path]) -> list[Case]:
    if name == "robust":
        return robust_suite(photos, PAPER_CAMERA, disk=DISK_PSF, motion=MOTION_PSF, larger=LARGER_PSF)
    return paper_suite(photos)


def _sharp_test_photos(folder: Path) -> Iterator[Path]:
    """Every photograph of the test sets whose name does not say that it is blurred already."""
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; expected one folder for each test set")
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and path.name not in BLURRED_SETS):
        for path in sorted(place.iterdir()):
            if path.suffix.lower() in SUFFIXES and "blur" not in path.stem:
                yield path


def _thinned(cases: list[Case], limit: int | None) -> list[Case]:
    """Keep the same few photographs in every column."""
    names = sorted({case.photo for case in cases})
    if limit is None or limit >= len(names):
        return cases
    if limit < 1:
        raise ConfigError(f"the limit is {limit} photographs, expected 1 or more")
    kept = {names[int((i + 0.5) * len(names) / limit)] for i in range(limit)}
    return [case for case in cases if case.photo in kept]
