"""Against the real deepinv, in an environment of its own: ``make test-deepinv``. Not collected with the other tests."""

import pytest
import torch
from torch import Tensor

from tests.conftest import make_chart
from unblur.interop.deepinv import Reconstructor
from unblur.tensors import Psf

# deepinv imports torchvision, whose build seldom fits PyTorch's: it fails unless somebody declares these operators.
try:
    import torchvision  # noqa: F401
except RuntimeError:
    _declared = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _declared.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

deepinv = pytest.importorskip("deepinv")
LOPSIDED = torch.tensor([[4.0, 2, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]) / 8


def colour() -> Tensor:
    """A chart whose three planes differ."""
    grey = make_chart(48, 64)
    return torch.cat([grey, grey.flip(-1), grey.square()], dim=1)


def error(one: Tensor, other: Tensor) -> float:
    return float((one - other).square().mean())


@pytest.mark.parametrize("padding", ["valid", "circular", "replicate", "reflect"])
@pytest.mark.parametrize("width", [3, 4])
@pytest.mark.parametrize("method", ["wiener", "universal"])
def test_every_padding_of_the_real_blur_is_undone(padding: str, width: int, method: str) -> None:
    sharp = colour()
    physics = deepinv.physics.Blur(filter=LOPSIDED[None, None, :, :width].clone(), padding=padding)
    physics.noise_model = deepinv.physics.GaussianNoise(sigma=0.002)
    blurred = physics(sharp)

    restored = Reconstructor(method)(blurred, physics)

    assert restored.shape == sharp.shape
    inside = (..., slice(6, -6), slice(6, -6))
    unmoved = blurred if padding != "valid" else physics.A_adjoint(blurred)
    assert error(restored[inside], sharp[inside]) < error(unmoved[inside], sharp[inside])
    for move, axis in ((1, -1), (-1, -1), (1, -2), (-1, -2)):
        assert error(restored[inside], sharp[inside]) < error(restored.roll(move, axis)[inside], sharp[inside]) / 2


def test_the_fft_blur_and_a_filter_for_each_channel(comma: Psf) -> None:
    sharp = colour()
    filters = torch.stack([comma, comma.flip(0), comma.T])[None]
    physics = deepinv.physics.BlurFFT(img_size=(3, 48, 64), filter=filters)
    blurred = physics(sharp)

    restored = Reconstructor("wiener", settings={"noise_to_signal": 1e-4})(blurred, physics)

    assert error(restored, sharp) < error(blurred, sharp) / 20


def test_deepinvs_own_evaluation_takes_the_model(comma: Psf) -> None:
    physics = deepinv.physics.Blur(filter=comma[None, None], padding="circular")
    sharp = colour()
    blurred = physics(sharp)
    metric = deepinv.metric.PSNR()

    restored = Reconstructor()(blurred, physics)

    assert float(metric(restored, sharp)) > float(metric(blurred, sharp)) + 3


def test_super_resolution_is_refused() -> None:
    physics = deepinv.physics.Downsampling(img_size=(1, 48, 64), filter="gaussian", factor=2)

    with pytest.raises(Exception, match="the physics is a Downsampling, expected a blur"):
        Reconstructor("wiener")(physics(make_chart(48, 64)), physics)
