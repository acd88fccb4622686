import pytest
import torch

from unblur.compact import WORTHWHILE, compacted, expanded, with_changes, with_common_kernels
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
    offset = stored["layer.weight.offsets"].float()[:, None, None, None]
    torch.testing.assert_close(
        (again - offset - kernel.clamp(-most, most)).abs() / step, torch.zeros_like(kernel), atol=0.501, rtol=0
    )
    assert (offset.abs() < step.clamp_min(1e-6)).all()
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


def merged(*, moved: float) -> torch.Tensor:
    """Kernels that are a product of one kernel for each output and strengths of the inputs, moved a little."""
    generator = torch.Generator().manual_seed(4)
    kernels = torch.randn(12, 1, 5, 7, generator=generator)
    strengths = torch.tensor([400.0, -390.0, 3.0, 0.3])[:, None, None]
    return kernels * strengths + moved * torch.randn(12, 4, 5, 7, generator=generator)


def test_what_inputs_have_in_common_is_kept_apart() -> None:
    kernels = merged(moved=0.1)

    split = with_common_kernels({"w": kernels, "b": torch.ones(3)}, ["w"])

    assert {name: tuple(t.shape) for name, t in split.items()} == {
        "w.base": (12, 5, 7),
        "w.mix": (4,),
        "w.rest": (48, 5, 7),
        "b": (3,),
    }
    assert split["w.rest"].norm() < 0.01 * kernels.norm()
    torch.testing.assert_close(expanded(split)["w"], kernels, atol=1e-4, rtol=1e-6)


def test_four_bits_of_the_rest_are_far_better_than_seven_of_the_whole() -> None:
    kernels = merged(moved=0.1).repeat(10, 1, 1, 1)
    kernels = kernels + 0.01 * torch.randn(kernels.shape, generator=torch.Generator().manual_seed(5))

    few = expanded(compacted(with_common_kernels({"w": kernels}, ["w"]), 4))["w"]

    seven = expanded(compacted({"w": kernels}, 7))["w"]
    # What one picture in two inputs of opposite strengths gives: their sum.
    error, other = ((again - kernels).sum(dim=1).norm() for again in (few, seven))
    assert error < other / 10


@pytest.mark.parametrize("lost", ["w.mix", "w.rest", "w.base"])
def test_a_split_tensor_without_one_of_its_parts_is_refused(lost: str) -> None:
    split = with_common_kernels({"w": merged(moved=0.1)}, ["w"])
    del split[lost]

    if lost == "w.base":
        assert "w" not in expanded(split), "the network that wants it will refuse"
        return
    with pytest.raises(WeightsError, match="incomplete"):
        expanded(split)


def test_a_rest_of_another_shape_is_refused() -> None:
    split = with_common_kernels({"w": merged(moved=0.1)}, ["w"])

    with pytest.raises(WeightsError, match="does not fit"):
        expanded({**split, "w.rest": split["w.rest"][1:]})


def test_the_sum_of_every_row_is_kept(kernel: torch.Tensor) -> None:
    again = expanded(compacted({"w": kernel}, 3))["w"]

    whole, kept = (values.flatten(1).sum(dim=1) for values in (kernel, again))
    torch.testing.assert_close(kept, whole, rtol=1e-3, atol=1e-3 * float(kernel.abs().max()))


def test_what_changed_of_a_kernel_is_stored_to_a_sixteenth_of_the_change(kernel: torch.Tensor) -> None:
    moved = kernel + 0.01 * torch.randn(kernel.shape, generator=torch.Generator().manual_seed(4))
    tensors = {"usual.w": kernel, "white.w": moved, "white.b": torch.ones(3)}

    stored = with_changes(tensors, {"white.w": "usual.w"}, 5)

    again = expanded(stored)
    assert set(again) == set(tensors)
    assert torch.equal(again["usual.w"], kernel)
    error = (again["white.w"] - moved).square().mean().sqrt()
    assert 0 < error < 0.01 / 8
    assert stored["white.w.change.of.usual.w.codes"].numel() <= 0.7 * kernel.numel()
    assert "white.w" not in stored


def test_a_change_of_nothing_is_refused(kernel: torch.Tensor) -> None:
    stored = with_changes({"usual.w": kernel, "white.w": kernel + 1}, {"white.w": "usual.w"}, 4)
    del stored["usual.w"]

    with pytest.raises(WeightsError, match=r"white\.w is stored as a change of usual\.w, which is missing"):
        expanded(stored)
