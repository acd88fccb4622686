"""Edges whose blur is known, at all slants."""

import pytest
import torch

from tests.psf.lights import edge
from unblur.errors import PsfError
from unblur.psf.edge import measured_edge
from unblur.psf.parametric import disk, gauss
from unblur.psf.parse import parse_psf
from unblur.tensors import Image

SLANTS = [85.0, 4.0, 62.0, 117.0, 90.0]


@pytest.mark.parametrize("angle", SLANTS)
@pytest.mark.parametrize("radius", [3.0, 6.8, 12.3])
def test_the_radius_of_a_disk_is_found_to_three_percent(radius: float, angle: float) -> None:
    found = measured_edge(edge(disk(radius), angle))

    assert found.best.family == "disk"
    assert found.best.width == pytest.approx(radius, rel=0.03)
    assert found.angle == pytest.approx(angle, abs=0.3)
    assert found.height == pytest.approx(0.55, rel=0.02)


@pytest.mark.parametrize("angle", SLANTS)
@pytest.mark.parametrize("sigma", [1.0, 2.0, 5.0])
def test_the_sigma_of_a_gaussian_is_found_to_five_percent(sigma: float, angle: float) -> None:
    found = measured_edge(edge(gauss(sigma), angle))

    assert found.best.family == "gauss"
    assert found.best.width == pytest.approx(sigma, rel=0.05)


def test_the_better_shape_fits_several_times_better_and_reads_as_grammar() -> None:
    found = measured_edge(edge(disk(6.8), 85))

    assert found.best.error < 0.3 * found.other.error
    assert torch.equal(parse_psf(found.best.spec), disk(round(found.best.width, 2)))


def test_noise_costs_little_for_a_whole_box_is_averaged() -> None:
    found = measured_edge(edge(disk(5), 80, noise=0.03))

    assert found.best.width == pytest.approx(5, rel=0.05)


def test_colours_and_a_dark_left_side_change_nothing() -> None:
    light = edge(disk(5), 80)

    assert measured_edge(light.flip(3).expand(1, 3, -1, -1)).best.width == pytest.approx(5, rel=0.03)


def texture() -> Image:
    return 0.9 * torch.rand(1, 1, 50, 50, generator=torch.Generator().manual_seed(1))


def grain() -> Image:
    return 0.4 + 0.01 * torch.randn(1, 1, 40, 40, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("light", "complaint"),
    [
        (grain(), "is flat"),
        (texture(), "is flat"),
        (edge(disk(4), 85, high=1.3).clamp(0, 1), "% of the box is clipped"),
        (edge(disk(3), 85, bend=0.004), r"is bent by \d\.\d px"),
        (edge(disk(3), 85)[..., :6], "6 x 64 pixels"),
        (edge(disk(12), 85)[..., 22:42], "ends before"),
        (
            torch.cat([edge(disk(3), 85), edge(disk(3), 95).flip(3)], dim=3),
            "more than one edge|no edge|no blurred edge",
        ),
        (edge(disk(3), 85, low=0.4, high=0.403), "is flat"),
    ],
    ids=["grain", "texture", "clipped", "bent", "thin", "cut off", "two edges", "faint"],
)
def test_what_is_no_clean_straight_edge_is_refused(light: Image, complaint: str) -> None:
    with pytest.raises(PsfError, match=complaint):
        measured_edge(light)
