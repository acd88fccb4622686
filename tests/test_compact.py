import pytest
import torch

from unblur.compact import WORTHWHILE, compacted, expanded
from unblur.errors import WeightsError


@pytest.fixture
def kernel() -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    loudness = torch.tensor([1.0, 100.0, 0.0, 1e-3, 7.0])[:, None, None, None]
    return loudness * torch.randn(5, 11, 13, 9, generator=generator)


@pytest.mark.parametrize("bits", [2, 3, 7, 8])
def test_every_value_lies_within_its_channels_step(bits: int, kernel: torch.Tensor) -> None:
    stored = compacted({"layer.weight": kernel}, bits)

    again = expanded(stored)["layer.weight"]
    assert again.shape == kernel.shape
    step = stored["layer.weight.scales"][:, None, None, None]
    most = step * (2 ** (bits - 1) - 1)
    torch.testing.assert_close(
        (again - kernel.clamp(-most, most)).abs() / step, torch.zeros_like(kernel), atol=0.501, rtol=0
    )
    assert not again[2].any()


def test_seven_bits_are_right_to_two_percent_in_loud_and_quiet_channels(kernel: torch.Tensor) -> None:
    again = expanded(compacted({"w": kernel}))["w"]

    for channel in (0, 1, 3, 4):
        error = (again[channel] - kernel[channel]).square().mean().sqrt()
        assert 0 < error < 0.02 * kernel[channel].square().mean().sqrt()


def test_storage_is_bits_and_a_scale_for_each_channel(kernel: torch.Tensor) -> None:
    stored = compacted({"w": kernel}, 7)

    assert stored["w.codes"].dtype == torch.uint8
    assert stored["w.codes"].shape == (5, (11 * 13 * 9 * 7 + 7) // 8)
    assert stored["w.scales"].shape == (5,)


def test_small_tensors_and_vectors_stay_as_they_are() -> None:
    small, vector = torch.randn(4, 8), torch.randn(2 * WORTHWHILE)

    stored = compacted({"small": small, "vector": vector})

    assert expanded(stored)["small"] is small
    assert expanded(stored)["vector"] is vector


@pytest.mark.parametrize("fault", ["missing", "short", "bits", "shape"])
def test_parts_that_do_not_belong_together_are_refused(fault: str, kernel: torch.Tensor) -> None:
    stored = compacted({"w": kernel})
    if fault == "missing":
        del stored["w.scales"]
    elif fault == "short":
        stored["w.codes"] = stored["w.codes"][:, :-1]
    elif fault == "bits":
        stored["w.layout"][0] = 31
    else:
        stored["w.layout"][1] = 2**30

    with pytest.raises(WeightsError, match="compact tensor w"):
        expanded(stored)


def test_what_is_float16_already_stays(kernel: torch.Tensor) -> None:
    stored = compacted({"w": kernel.half()}, 4)

    assert list(stored) == ["w"]
    assert torch.equal(stored["w"], kernel.half())
