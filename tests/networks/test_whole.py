"""A large photograph in little memory: the same numbers as in training, however it is cut and wherever it lies."""

import errno
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.conftest import make_chart
from tests.networks.test_universal import stirred
from unblur.errors import Cancelled, ConfigError
from unblur.fourier import gradient_power, otf
from unblur.networks.kinds import UniversalByNoise, universal_network
from unblur.networks.rounds import SparseRounds
from unblur.networks.scratch import Scratch
from unblur.networks.spectrum import Transfer, gradient_power_columns
from unblur.networks.universal import Universal, sizes_of
from unblur.tensors import Image, Psf

SEEN = 0.05
"""How far the U-Nets' weights are moved from their start, so that they answer with something everywhere."""


def lively(**sizes: int) -> Universal | UniversalByNoise:
    network = universal_network(sizes_of({"width": 8, "middle": 8, "deep": 8, **sizes}))
    generator = torch.Generator().manual_seed(5)
    network.start(generator)
    network.requires_grad_(False)
    for name, parameter in network.named_parameters():
        if ".nets." not in f".{name}":
            continue
        parameter.add_(SEEN * torch.randn(parameter.shape, generator=generator))
    return network.double()


def lit(height: int, width: int) -> Image:
    """A chart in colour with a clipped lamp."""
    picture = make_chart(height, width).double() * torch.tensor([1.0, 0.8, 0.6]).reshape(1, 3, 1, 1)
    picture[..., height // 2 : height // 2 + 4, width // 2 : width // 2 + 4] = 1
    return picture


def partly_ignored(height: int, width: int) -> Tensor:
    weight = torch.ones(1, 1, height, width, dtype=torch.float64)
    weight[..., 20:30, 40:50] = 0
    weight[..., 50:60, :10] = 0.3
    return weight


@pytest.fixture
def small_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unblur.networks.whole.PIECE", (64, 48))
    monkeypatch.setattr("unblur.networks.whole.STRIP", 0)
    monkeypatch.setattr("unblur.networks.spectrum.BLOCK", 6000)
    monkeypatch.setattr("unblur.networks.spectrum.LEAST_ROWS", 1)
    monkeypatch.setattr("unblur.networks.spectrum.LEAST_COLUMNS", 1)


@pytest.mark.usefixtures("small_cuts")
@pytest.mark.parametrize(
    ("variant", "ignoring"),
    [
        ({}, False),
        ({"blocks": 2, "shared": 1, "steps": 2}, False),
        ({"features": 2, "steps": 2}, True),
        ({"steps": 1}, True),
        ({"sparse": 1, "steps": 2}, False),
        ({"sparse": 1, "kinds": 1, "steps": 2, "features": 1}, True),
    ],
)
def test_strips_pieces_and_blocks_give_what_learning_sees_at_once(
    variant: dict[str, int], ignoring: bool, comma: Psf
) -> None:
    network, picture, psf = lively(**variant), lit(100, 62), comma.double()
    weight = partly_ignored(100, 62) if ignoring else None

    learned = network.estimates(picture, psf, weight=weight)[-1]

    torch.testing.assert_close(network(picture, psf, weight=weight), learned, atol=1e-8, rtol=0)


@pytest.mark.usefixtures("small_cuts")
@pytest.mark.parametrize("height", [41, 65])
def test_sparse_estimates_reach_beyond_what_the_u_nets_see_where_the_psf_is_wide(height: int) -> None:
    network, picture = lively(sparse=1), lit(60, 62)  # in three steps: what lies outside after the second tells
    assert isinstance(network.rounds, SparseRounds)
    for parameter in network.rounds.corrections.parameters():
        parameter.add_(SEEN * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(8)))
    psf = torch.zeros(height, 31, dtype=torch.float64)
    psf[4, 3:9], psf[10:30, 24] = 1 / 12, 1 / 40

    learned = network.estimates(picture, psf)[-1]

    torch.testing.assert_close(network(picture, psf), learned, atol=1e-8, rtol=0)


@pytest.mark.usefixtures("small_cuts")
def test_less_than_the_reach_of_the_u_nets_would_show(comma: Psf, monkeypatch: pytest.MonkeyPatch) -> None:
    network, picture = lively(), lit(100, 62)
    learned = network.estimates(picture, comma.double())[-1]

    monkeypatch.setattr("unblur.networks.unet.UNet.reach", 24)

    assert float((network(picture, comma.double()) - learned).abs().max()) > 1e-6


@pytest.mark.usefixtures("small_cuts")
@pytest.mark.parametrize("sparse", [0, 1])
def test_a_grey_photograph_and_a_batch_with_a_psf_for_each(sparse: int, comma: Psf) -> None:
    network = lively(sparse=sparse, steps=2)
    pictures = torch.cat([lit(40, 70), lit(40, 70).flip(-1)])[:, :1]
    psfs = torch.stack([comma, comma.flip(0)]).double()

    torch.testing.assert_close(network(pictures, psfs), network.estimates(pictures, psfs)[-1], atol=1e-8, rtol=0)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16])
def test_integers_are_their_light(dtype: torch.dtype, comma: Psf) -> None:
    count = torch.iinfo(dtype).max + 1
    integers = (lit(40, 52) * (count - 1)).round().to(torch.int32)
    table = torch.stack([torch.linspace(0, 1, count) ** gamma for gamma in (1.0, 1.8, 2.2)]).double()
    light = torch.stack([curve[integers[:, plane]] for plane, curve in enumerate(table)], dim=1)
    network = lively()

    found = network(integers.to(dtype), comma.double(), table=table)

    torch.testing.assert_close(found, network(light, comma.double()), atol=0, rtol=0)


def test_arrays_in_files_give_the_same_bits(comma: Psf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    network, picture = lively(sparse=1, steps=2), lit(40, 70)
    weight = partly_ignored(70, 70)[..., :40, :]
    before = network(picture, comma.double(), weight=weight)
    laid: list[bool] = []
    begin = Scratch.__init__

    def noted(self: Scratch, device: torch.device, *, in_file: bool, beside: Scratch | None = None) -> None:
        laid.append(in_file)
        begin(self, device, in_file=in_file, beside=beside)

    monkeypatch.setattr(Scratch, "__init__", noted)
    monkeypatch.setattr("unblur.networks.whole.IN_MEMORY", 0)

    torch.testing.assert_close(network(picture, comma.double(), weight=weight), before, atol=0, rtol=0)
    assert laid == [True] * 5  # what stays, and what the doubt and each plane's sparse estimates pass through
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_before_the_work_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)

    with pytest.raises(ConfigError, match=r"lacks room for 4\.0 GB"):
        Scratch(torch.device("cpu"), in_file=True).new((1000, 1000, 1000), torch.float32)


def test_what_settled_in_files_is_still_there() -> None:
    scratch = Scratch(torch.device("cpu"), in_file=True)
    numbers = scratch.new((300, 7), torch.complex64)
    numbers[:] = torch.arange(2100).reshape(300, 7)

    scratch.settle()

    torch.testing.assert_close(numbers.real, torch.arange(2100.0).reshape(300, 7), atol=0, rtol=0)


@pytest.mark.parametrize("sparse", [0, 1])
def test_half_precision_of_what_is_only_looked_at_stays_far_below_a_step_of_8_bits(
    sparse: int, comma: Psf, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, picture = stirred(sparse=sparse), lit(70, 90).float()
    exact = network(picture, comma)

    monkeypatch.setattr("unblur.networks.whole.EXACT", 0)

    found = network(picture, comma)
    assert 0 < float((found.clamp(0, 1) - exact.clamp(0, 1)).abs().max()) < 0.5 / 255


@pytest.mark.usefixtures("small_cuts")
@pytest.mark.parametrize("sparse", [0, 1])
def test_progress_is_told_and_a_request_to_stop_is_heard(sparse: int, comma: Psf) -> None:
    told: list[float] = []

    def stop(share: float) -> None:
        raise Cancelled(f"at {share}")

    lively(sparse=sparse)(lit(105, 60), comma.double(), report=told.append)

    assert told == sorted(set(told))
    assert len(told) == 6 + 33 * sparse  # three steps of two strips; eleven rounds of sparse estimates in each plane
    assert told[-1] == 1
    with pytest.raises(Cancelled):
        lively(sparse=sparse)(lit(40, 50), comma.double(), report=stop)


@pytest.mark.parametrize("size", [(40, 32), (37, 50)])
def test_columns_of_the_transfer_function_and_of_the_gradients_are_those_of_the_whole(
    size: tuple[int, int], comma: Psf
) -> None:
    columns = slice(5, 17)
    psf = comma.double()

    torch.testing.assert_close(Transfer(psf, size)[columns], otf(psf, size)[:, columns], atol=1e-12, rtol=0)
    torch.testing.assert_close(
        gradient_power_columns(size, columns, psf), gradient_power(size, psf)[:, columns], atol=1e-12, rtol=0
    )
