import math

import pytest
import torch
from scipy.ndimage import label

from tests.psf.test_parametric import moments
from unblur.errors import PsfError
from unblur.psf.parametric import disk, motion
from unblur.psf.random import FAMILIES, perturbed, random_psf, shake, shake_seeded
from unblur.tensors import Psf


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def assert_valid(psf: Psf) -> None:
    assert psf.shape[0] % 2 == psf.shape[1] % 2 == 1
    assert bool(torch.isfinite(psf).all())
    assert float(psf.min()) >= 0
    assert float(psf.double().sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("size", [3, 5, 15, 27, 61, 121])
def test_a_shake_is_a_valid_psf_of_the_size_asked_for_centred_on_its_centroid(size: int) -> None:
    for seed in range(5):
        psf = shake_seeded(size, seed)

        assert psf.shape == (size, size)
        assert_valid(psf)
        assert moments(psf)[:2] == pytest.approx((0, 0), abs=0.25)


@pytest.mark.parametrize("seed", range(8))
def test_a_shake_fills_its_array_and_is_one_unbroken_path(seed: int) -> None:
    psf = shake_seeded(41, seed)

    reach = (psf > 1e-4 * psf.max()).nonzero() - 20
    assert int(reach.abs().max()) >= 18
    assert label((psf > 0.02 * psf.max()).numpy(), structure=torch.ones(3, 3).numpy())[1] == 1
    assert float((psf > 0.02 * psf.max()).float().mean()) < 0.5  # a path, not a blob


def test_the_same_seed_gives_the_same_shake_and_another_seed_another() -> None:
    assert torch.equal(shake_seeded(27, 3), shake(27, seeded(3)))
    assert float((shake_seeded(27, 3) - shake_seeded(27, 4)).abs().sum()) > 0.5


def test_shake_27_3_is_the_one_that_it_always_was() -> None:
    psf = shake_seeded(27, 3)

    place = divmod(int(psf.argmax()), 27)
    assert place == (12, 4)
    assert float(psf.max()) == pytest.approx(0.054489, rel=1e-4)
    assert moments(psf)[2:] == pytest.approx((46.85396, 4.47121, 1.17567), rel=1e-4)


def test_shakes_have_no_symmetry_that_could_hide_a_flip() -> None:
    psf = shake_seeded(27, 3)

    for turned in (psf.flip(0), psf.flip(1), psf.flip(0, 1), psf.T):
        assert float((psf - turned).abs().sum()) > 0.3


@pytest.mark.parametrize("size", [0, 1, 2, 28, -5, 100_001])
def test_refuses_shakes_that_have_no_centre_or_no_room(size: int) -> None:
    with pytest.raises(PsfError, match="expected an odd side"):
        shake(size, seeded(0))


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_refuses_seeds_that_a_generator_cannot_hold(seed: int) -> None:
    with pytest.raises(PsfError, match="expected a whole number from 0"):
        shake_seeded(27, seed)


@pytest.mark.parametrize("largest", [5, 7, 13, 61])
def test_random_psfs_are_valid_and_keep_to_the_largest_side(largest: int) -> None:
    generator = seeded(largest)
    for _ in range(60):
        psf = random_psf(generator, largest=largest)

        assert_valid(psf)
        assert psf.dtype == torch.float32
        assert min(psf.shape) >= 3
        assert max(psf.shape) <= largest


def test_random_psfs_are_varied_and_repeat_with_their_seed() -> None:
    first = [random_psf(g) for g in [seeded(1)] for _ in range(40)]
    second = [random_psf(g) for g in [seeded(1)] for _ in range(40)]

    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    sides = sorted(max(psf.shape) for psf in first)
    assert sides[0] <= 9
    assert sides[-1] >= 35
    assert len({psf.numpy().tobytes() for psf in first}) == 40


def test_the_shares_of_the_families_add_up() -> None:
    assert sum(share for _, share in FAMILIES) == pytest.approx(1)


@pytest.mark.parametrize("largest", [3, 60, 0, 100_001])
def test_refuses_largest_sides_without_room_or_centre(largest: int) -> None:
    with pytest.raises(PsfError, match="expected an odd number from 5"):
        random_psf(seeded(0), largest=largest)


@pytest.mark.parametrize("psf", [disk(7), motion(15, 30), shake_seeded(27, 3), torch.ones(1, 1)])
@pytest.mark.parametrize("strength", [0.3, 1, 3.0])
def test_a_perturbed_psf_is_valid_and_near_the_true_one(psf: Psf, strength: float) -> None:
    for seed in range(5):
        measured = perturbed(psf, seeded(seed), strength=strength)

        assert measured.shape == psf.shape
        assert measured.dtype == psf.dtype
        assert_valid(measured)
        if strength <= 1 and psf.numel() > 1:
            assert math.dist(moments(measured)[:2], moments(psf)[:2]) < 1
            assert 0 < float((measured - psf).abs().sum()) < 0.8


def test_more_strength_errs_further_and_none_not_at_all() -> None:
    psf = shake_seeded(27, 3)

    errors = [
        sum(float((perturbed(psf, seeded(s), strength=strength) - psf).abs().sum()) for s in range(10))
        for strength in (0, 0.2, 0.5, 1)
    ]

    assert errors[0] == 0
    assert errors == sorted(errors)
    assert errors[1] > 0.1


def test_perturbing_works_in_float64_and_leaves_its_argument_alone(comma: Psf) -> None:
    psf = comma.double()
    before = psf.clone()

    measured = perturbed(psf, seeded(5), strength=1.0)

    assert measured.dtype == torch.float64
    assert torch.equal(psf, before)


def test_perturbing_turns_neither_over_nor_sideways(comma: Psf) -> None:
    psf = comma.repeat_interleave(5, 0).repeat_interleave(5, 1) / 25

    mean = torch.stack([perturbed(psf, seeded(seed), strength=1) for seed in range(40)]).mean(0)

    error = float((mean - psf).abs().sum())
    for turned in (psf.flip(0), psf.flip(1), psf.flip(0, 1), psf.T):
        assert error < 0.5 * float((mean - turned).abs().sum())


@pytest.mark.parametrize("strength", [-0.1, math.nan, math.inf])
def test_refuses_strengths_without_meaning(strength: float) -> None:
    with pytest.raises(PsfError, match="expected 0 or a positive number"):
        perturbed(disk(3), seeded(0), strength=strength)
