"""Networks for one PSF, of which several kinds may ship: the photograph decides, once for all of its tiles."""

import pytest
import torch

from tests.conftest import make_chart
from unblur.deconvolvers import Surveying
from unblur.degrade.camera import Camera
from unblur.errors import WeightsError
from unblur.methods import METHODS
from unblur.psf.parametric import disk
from unblur.trained import CLIPPED_SHARE, WHITE, OdcnnSettings, TrainedDeconvolver, lights_of, weights_for

CPU = torch.device("cpu")
DISK = disk(7.0)


def blurred_chart(gain: float) -> torch.Tensor:
    sharp = make_chart(120, 132)
    return Camera(gain=gain, noise=0.01).photograph(sharp, DISK, torch.Generator().manual_seed(1))[0]


def test_a_photograph_with_much_white_has_clipped_lights() -> None:
    picture = torch.full((1, 3, 50, 40), 0.5)
    assert lights_of(picture) == "unclipped"

    rows = int(50 * CLIPPED_SHARE) + 1
    picture[:, 1, :rows] = WHITE  # one plane is enough

    assert lights_of(picture) == "clipped"


@pytest.mark.parametrize("kind", ["clipped", "unclipped"])
def test_auto_takes_the_network_of_the_photographs_kind(kind: str) -> None:
    photograph = blurred_chart(2.0 if kind == "clipped" else 0.8)
    assert lights_of(photograph) == kind

    auto = TrainedDeconvolver("odcnn", CPU, OdcnnSettings())(photograph, DISK)
    named = TrainedDeconvolver("odcnn", CPU, METHODS["odcnn"].configured({"lights": kind}))(photograph, DISK)

    assert torch.equal(auto, named)
    other = {"clipped": "unclipped", "unclipped": "clipped"}[kind]
    wrong = TrainedDeconvolver("odcnn", CPU, METHODS["odcnn"].configured({"lights": other}))(photograph, DISK)
    assert (auto - wrong).abs().max() > 1e-3


def test_dark_tiles_of_a_photograph_with_clipped_lights_go_with_it() -> None:
    method = TrainedDeconvolver("odcnn", CPU, OdcnnSettings())
    photograph, dark = blurred_chart(2.0), blurred_chart(0.5)

    assert isinstance(method, Surveying)
    told = method.surveyed(method.sample(photograph))(dark, DISK)

    assert torch.equal(told, TrainedDeconvolver("odcnn", CPU, OdcnnSettings(lights="clipped"))(dark, DISK))


def test_a_batch_of_both_kinds_is_restored_each_by_its_own() -> None:
    both = torch.cat([blurred_chart(2.0), blurred_chart(0.5)])
    method = TrainedDeconvolver("odcnn", CPU, OdcnnSettings())

    together = method(both, DISK)

    torch.testing.assert_close(together, torch.cat([method(one, DISK) for one in both.split(1)]))


def test_what_has_been_learned_counts_both_kinds() -> None:
    method = METHODS["odcnn"]
    hashes = [weights.card.sha256 for weights in weights_for("odcnn")(OdcnnSettings(), DISK)]

    assert len(set(hashes)) == 2
    assert method.learned_digest(OdcnnSettings(), DISK) == "+".join(hashes)
    assert method.learned_digest(OdcnnSettings(lights="unclipped"), DISK) == hashes[1]
    assert METHODS["wiener"].learned_digest(METHODS["wiener"].settings(), DISK) is None


def test_weights_of_ones_own_are_used_for_every_photograph() -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        TrainedDeconvolver("odcnn", CPU, OdcnnSettings(weights="nowhere.safetensors"))(blurred_chart(0.5), DISK)
