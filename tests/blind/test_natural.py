"""How natural a picture looks, and the judge that restores."""

import pytest
import torch

from tests.blind.scenes import leaves, taken
from unblur.blind.natural import JUDGED, Judge, unnaturalness
from unblur.fourier import Blur
from unblur.psf.parametric import delta, disk
from unblur.solvers.wiener import WienerSettings, wiener
from unblur.tensors import Image, Psf, Weight

SIZE = (96, 120)
ONES = torch.ones(1, 1, *SIZE)


def unnatural(picture: Image, *, weight: Weight = ONES) -> float:
    return unnaturalness(picture, weight=weight, rim=8)


def test_blur_and_more_blur_make_a_picture_less_natural() -> None:
    sharp = leaves(*SIZE)

    little, much = (Blur(disk(radius), SIZE)(sharp) for radius in (1.5, 3))

    assert unnatural(sharp) < unnatural(little) - 0.1
    assert unnatural(little) < unnatural(much)


def test_rings_of_a_wrong_psf_make_a_restoration_less_natural() -> None:
    blurred = Blur(disk(3), SIZE)(leaves(*SIZE))

    right, wrong = (
        unnatural(wiener(blurred, disk(radius), weight=ONES, settings=WienerSettings())) for radius in (3.0, 4.5)
    )

    assert right < wrong - 0.1


def test_light_and_contrast_do_not_matter_but_a_flat_picture_is_the_worst() -> None:
    sharp = leaves(*SIZE)

    assert unnatural(0.2 + 0.3 * sharp) == pytest.approx(unnatural(sharp), abs=1e-4)
    assert unnatural(0 * sharp + 0.5) == 0
    assert unnatural(sharp) < -0.3


def test_pixels_to_ignore_and_the_rim_do_not_count() -> None:
    sharp = leaves(*SIZE)
    weight, ruined = ONES.clone(), sharp.clone()
    weight[..., 30:60, 40:80] = 0
    ruined[..., 30:60, 40:80] = torch.rand(30, 40, generator=torch.Generator().manual_seed(1))
    ruined[..., :8, :] = 9.0

    assert unnatural(ruined, weight=weight) == unnatural(sharp, weight=weight)
    assert unnatural(ruined) != pytest.approx(unnatural(sharp), abs=0.02)


def test_the_judge_restores_the_middle_of_a_picture_once_for_each_psf() -> None:
    seen: list[tuple[torch.Size, float]] = []
    told: list[None] = []
    picture = torch.zeros(1, 1, JUDGED + 20, JUDGED - 40)
    picture[..., 10, 0] = 7

    def restore(blurred: Image, psf: Psf, weight: Weight) -> Image:
        seen.append((blurred.shape, float(blurred[0, 0, 0, 0])))
        assert (weight.shape, psf.shape) == (blurred.shape, (1, 1))
        return blurred

    judge = Judge(picture, 9, weight=torch.ones_like(picture), restore=restore, told=lambda: told.append(None))

    assert judge("delta", delta()) == judge("delta", delta())
    assert seen == [((1, 1, JUDGED, JUDGED - 40), 7.0)]
    assert len(told) == 1


def test_a_picture_of_a_large_psf_is_judged_over_more_than_the_usual_part() -> None:
    picture = torch.zeros(1, 1, 500, 420)

    judge = Judge(picture, 101, weight=torch.ones_like(picture), restore=lambda *given: given[0])

    assert judge.blurred.shape == (1, 1, 404, 404)


def test_blurred_scenes_of_the_same_kind_are_judged_by_their_blur() -> None:
    soft, softer = (taken(disk(radius), *SIZE, noise=0) for radius in (1.2, 2.4))

    assert unnatural(soft) < unnatural(softer)
