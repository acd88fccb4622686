import pytest
import torch

from tests.train.tiny import pictures
from unblur.errors import ConfigError
from unblur.metrics import psnr
from unblur.tensors import Psf
from unblur.train.config import DataConfig
from unblur.train.data import Patches, Photos, mixed_seed, validation_pairs

CPU = torch.device("cpu")


def clean() -> DataConfig:
    return DataConfig(noise=(0.0, 0.0), jpeg=(100.0, 100.0), saturated=0.0)


def test_crops_are_where_they_say() -> None:
    photos = Photos(pictures(), CPU)

    crops = photos.crops(torch.tensor([2, 0]), torch.tensor([5, 1]), torch.tensor([3, 40]), 16)

    for crop, (number, top, left) in zip(crops, [(2, 5, 3), (0, 1, 40)], strict=True):
        wanted = pictures()[number][0, :, top : top + 16, left : left + 16]
        torch.testing.assert_close(crop, wanted, atol=0.5 / 255 + 1e-6, rtol=0)


def test_a_batch_depends_on_its_number_alone(comma: Psf) -> None:
    one, other = (Patches(Photos(pictures(), CPU), comma, DataConfig(), seed=3) for _ in range(2))
    other.batch(0, 8, 4, 24)

    first, second = one.batch(0, 9, 4, 24), other.batch(0, 9, 4, 24)

    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], one.batch(0, 10, 4, 24)[0])
    assert not torch.equal(first[0], one.batch(1, 9, 4, 24)[0])


def test_pairs_are_blurred_by_the_psf_and_lie_on_the_same_frame(comma: Psf) -> None:
    patches = Patches(Photos(pictures(), CPU), comma, clean(), seed=3)

    blurred, sharp = patches.batch(0, 0, 8, 40)

    again = torch.conv2d(sharp, comma.flip(0, 1)[None, None])
    # JPEG of quality 100 costs a little; a flipped PSF or a shift by one pixel costs far more.
    assert float(psnr(blurred[..., 1:-1, 1:-1], again).min()) > 38
    turned = torch.conv2d(sharp, comma[None, None])
    assert float(psnr(blurred[..., 1:-1, 1:-1], turned).min()) < 36


def test_saturated_patches_clip_and_the_others_do_not(comma: Psf) -> None:
    photos = Photos([p * 0.8 for p in pictures()], CPU)
    exposed = Patches(photos, comma, DataConfig(saturated=1.0, gain=(1.0, 1.0)), seed=3).batch(0, 0, 16, 40)[1]
    plain = Patches(photos, comma, DataConfig(saturated=0.0), seed=3).batch(0, 0, 16, 40)[1]

    assert float((exposed >= 1).float().mean()) > 0.02
    assert float(plain.max()) < 0.81


def test_photographs_too_small_for_a_patch_are_never_drawn() -> None:
    photos = Photos(pictures(), CPU)

    assert photos.fitting(40).tolist() == [0, 1, 2]
    with pytest.raises(ConfigError, match="no photograph holds a crop of 200 x 200"):
        photos.fitting(200)


def test_seeds_of_neighbours_have_nothing_in_common() -> None:
    seeds = {mixed_seed(seed, stage, step) for seed in range(4) for stage in range(3) for step in range(-1, 200)}

    assert len(seeds) == 4 * 3 * 201
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_validation_pictures_are_the_same_each_time_and_skip_what_is_too_small(comma: Psf) -> None:
    small = [*pictures(), torch.full((1, 1, 2, 2), 0.5)]

    pairs = validation_pairs(small, comma, DataConfig(), patch=30, seed=1)
    again = validation_pairs(small, comma, DataConfig(), patch=30, seed=1)

    assert len(pairs) == 4
    assert all(torch.equal(one[0], other[0]) for one, other in zip(pairs, again, strict=True))
    assert pairs[0][0].shape == pairs[0][1].shape == (1, 1, 30, 30)
