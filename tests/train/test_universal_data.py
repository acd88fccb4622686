import torch

from tests.train.tiny import pictures
from unblur.degrade.blur import valid_blur
from unblur.metrics import psnr
from unblur.tensors import Psf
from unblur.train.data import Photos
from unblur.train.universal_data import VariedPatches, varied_checks
from unblur.train.variety import Variety

CPU = torch.device("cpu")
CLEAN = Variety(largest=15, psfs=16, wrong=0.0, noise=0.0, photons=0.0, jpeg=0.0, saturated=0.0, lit=0.0, grey=0.0)


def colourful() -> list[torch.Tensor]:
    tint = torch.tensor([1.0, 0.7, 0.5]).reshape(1, 3, 1, 1)
    return [picture * tint for picture in pictures()[:3]]


def patches(variety: Variety, psf: Psf | None = None) -> VariedPatches:
    return VariedPatches(Photos(colourful(), CPU), variety, seed=5, psf=psf)


def test_a_batch_depends_on_its_number_alone() -> None:
    one, other = patches(Variety(largest=15, psfs=80)), patches(Variety(largest=15, psfs=80))
    other.batch(0, 30, 4, 24)

    for first, second in zip(one.batch(0, 9, 4, 24), other.batch(0, 9, 4, 24), strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(one.batch(0, 9, 4, 24).scene, one.batch(0, 10, 4, 24).scene)


def test_clean_patches_are_the_scene_blurred_by_the_psf_that_is_told() -> None:
    for step in range(3):
        blurred, psf, scene, linear = patches(CLEAN).batch(0, step, 4, 32)

        torch.testing.assert_close(psf.sum(dim=(1, 2)), torch.ones(4), atol=1e-5, rtol=0)
        edge = psf.shape[-1] // 2
        inner = blurred[..., edge : 32 - edge, edge : 32 - edge]
        assert float(psnr(inner, valid_blur(scene, psf)).min()) > 45  # rounding to 8 bits
        assert linear.tolist() == [False, False, True, True]


def test_the_network_is_told_a_wrong_psf_when_asked() -> None:
    true = patches(CLEAN)
    wrong = patches(Variety(largest=15, psfs=16, wrong=1.0, error=1.0))
    for source in (true, wrong):
        source.classes[1].grow(4)

    assert torch.equal(true.classes[1].true[:4], true.classes[1].told[:4])
    distance = (wrong.classes[1].true - wrong.classes[1].told)[:4].abs().sum(dim=(1, 2))
    assert float(distance.max()) > 0.02


def test_for_one_psf_every_patch_is_told_that_one(comma: Psf) -> None:
    batch = patches(Variety(largest=15, psfs=16), comma).batch(0, 0, 4, 24)

    assert torch.equal(batch.psf, comma.expand(4, -1, -1))


def test_lights_clip_the_photograph_but_not_the_scene() -> None:
    lit = Variety(largest=15, psfs=16, saturated=1.0, lit=1.0, grey=0.0)

    batch = patches(lit).batch(0, 0, 8, 32)

    assert float(batch.scene.max()) > 2
    assert float(batch.blurred.max()) <= 1
    assert float(batch.blurred.min()) >= 0


def test_grey_batches_have_one_plane() -> None:
    assert patches(Variety(largest=15, psfs=16, grey=1.0)).batch(0, 0, 2, 24).blurred.shape == (2, 1, 24, 24)
    assert patches(Variety(largest=15, psfs=16, grey=0.0)).batch(0, 0, 2, 24).blurred.shape == (2, 3, 24, 24)


def test_colour_crops_are_where_they_say() -> None:
    photos = Photos([*colourful(), pictures()[0]], CPU)

    crops = photos.crops(torch.tensor([1, 3]), torch.tensor([5, 2]), torch.tensor([3, 7]), 16)

    torch.testing.assert_close(crops[:1], colourful()[1][..., 5:21, 3:19], atol=0.5 / 255 + 1e-6, rtol=0)
    torch.testing.assert_close(crops[1:, 1:2], pictures()[0][..., 2:18, 7:23], atol=0.5 / 255 + 1e-6, rtol=0)


def test_validation_has_the_four_columns_of_table_1() -> None:
    big = torch.nn.functional.interpolate(pictures()[0] * 0.8, scale_factor=2)

    checks = varied_checks([big], patch=48, seed=1)

    assert [check.column for check in checks] == ["disk", "disk-sat", "shake", "shake-sat"]
    assert float(checks[1].sharp.max()) == 1.0
    assert float(checks[0].sharp.max()) < 0.81
