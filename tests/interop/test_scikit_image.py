"""The function in scikit-image's style: its types and axes, and its neighbours' meaning of a PSF."""

from typing import Any

import numpy as np
import pytest
from scipy.signal import convolve
from skimage.restoration import wiener as skimage_wiener

from tests.conftest import make_chart
from unblur.errors import ImageError
from unblur.interop.scikit_image import Array, deconvolve
from unblur.restoration import restore
from unblur.tensors import Psf

GREY = make_chart(48, 64)[0, 0].numpy()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "bool"])
def test_any_numbers_become_floats_of_one_scale(dtype: str, comma: Psf) -> None:
    top = np.iinfo(dtype).max if dtype.startswith("uint") else 1
    image = (GREY * top > 0.5).astype(dtype) if dtype == "bool" else (GREY * top).astype(dtype)

    restored = deconvolve(image, comma.numpy(), method="wiener")

    assert restored.dtype == (np.float64 if dtype == "float64" else np.float32)
    expected = restore((image / top).astype(restored.dtype), comma, method="wiener", transfer="encoded")
    np.testing.assert_allclose(restored, expected, atol=1e-6)


def test_colours_are_restored_together_wherever_their_axis_is(comma: Psf) -> None:
    image = np.stack([GREY, GREY[::-1], np.sqrt(GREY)], axis=2)

    last = deconvolve(image, comma.numpy(), method="universal", channel_axis=-1)
    first = deconvolve(np.moveaxis(image, 2, 0), comma.numpy(), method="universal", channel_axis=0)

    assert last.shape == image.shape
    np.testing.assert_array_equal(first, np.moveaxis(last, 2, 0))
    alone = deconvolve(image[..., 1], comma.numpy(), method="universal")
    assert np.abs(last[..., 1] - alone).max() > 1e-3


def test_other_numbers_of_channels_are_restored_one_by_one(comma: Psf) -> None:
    image = np.stack([GREY, GREY[::-1]], axis=1)

    restored = deconvolve(image, comma.numpy(), method="wiener", channel_axis=1)

    alone = [deconvolve(image[:, plane], comma.numpy(), method="wiener") for plane in (0, 1)]
    np.testing.assert_allclose(restored, np.stack(alone, axis=1), atol=1e-6)


@pytest.mark.parametrize("transfer", ["encoded", "linear"])
def test_what_is_not_clipped_keeps_its_lights(transfer: Any, comma: Psf) -> None:
    image = GREY.copy()
    image[10:14, 10:14] = 1

    free, cut = (deconvolve(image, comma.numpy(), method="wiener", transfer=transfer, clip=c) for c in (False, True))

    assert free.max() > 1.05
    np.testing.assert_allclose(free.clip(0, 1), cut, atol=1e-6)


@pytest.mark.parametrize(("sides", "place"), [((3, 5), (0, 0)), ((4, 6), (-1, -1))])
def test_a_psf_lies_where_scikit_images_wiener_has_it(sides: tuple[int, int], place: tuple[int, int]) -> None:
    psf = np.random.default_rng(0).random(sides) ** 4
    sharp = np.zeros((64, 64))
    sharp[28:36, 24:40] = 0.6
    sharp[30:33, 30:33] = 0.1
    blurred = convolve(sharp, psf / psf.sum(), mode="same")  # of even sides its origin is one pixel earlier than ours

    ours = deconvolve(blurred, psf, method="wiener", settings={"noise_to_signal": 1e-4}, clip=False)
    theirs = skimage_wiener(blurred, psf / psf.sum(), 1e-4, clip=False)  # type: ignore[no-untyped-call]

    def found(image: Array) -> tuple[int, int]:
        moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        return min(moves, key=lambda move: float(np.abs(np.roll(image, move, axis=(0, 1)) - sharp).mean()))

    assert found(ours) == found(theirs) == place
    assert np.abs(np.roll(ours, place, axis=(0, 1)) - sharp).mean() < np.abs(blurred - sharp).mean() / 4


def test_ignored_pixels_do_not_ring(comma: Psf) -> None:
    image, weight = GREY.copy(), np.ones_like(GREY)
    image[20:23, 30:33] = 1
    weight[20:23, 30:33] = 0

    restored, trusting = (deconvolve(image, comma.numpy(), method="wiener", weight=w) for w in (weight, None))

    clean = deconvolve(GREY, comma.numpy(), method="wiener")
    assert np.abs(restored - clean).max() < np.abs(trusting - clean).max() / 2


@pytest.mark.parametrize(
    ("image", "options", "words"),
    [
        (np.zeros((8, 8), np.int16), {}, "integers without sign"),
        (np.zeros((8, 8, 3)), {}, "channel_axis tells"),
        (np.zeros((8, 8)), {"channel_axis": 0}, "channels and two sides"),
        (np.full((8, 8), np.nan), {}, "NaN"),
        (np.zeros((8, 8)), {"weight": np.zeros((8, 9))}, "the weight has the shape"),
    ],
)
def test_what_is_no_picture_is_refused(image: Any, options: dict[str, Any], words: str, comma: Psf) -> None:
    with pytest.raises(ImageError, match=words):
        deconvolve(image, comma.numpy(), method="wiener", **options)
