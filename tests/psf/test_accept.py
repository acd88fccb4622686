import numpy as np
import pytest
import torch

from unblur.errors import PsfError
from unblur.psf.accept import accept_psf, recentred
from unblur.tensors import Psf


def test_divides_by_the_sum_and_keeps_orientation(comma: Psf) -> None:
    accepted = accept_psf((comma * 250).numpy().astype(np.uint8))

    torch.testing.assert_close(accepted, torch.tensor([[125.0, 62, 31], [0, 31, 0], [0, 0, 0]]) / 249)


def test_an_even_side_gets_a_zero_at_its_end_so_that_the_origin_stays() -> None:
    values = torch.arange(1.0, 9).reshape(2, 4)

    accepted = accept_psf(values)

    assert accepted.shape == (3, 5)
    torch.testing.assert_close(accepted[:2, :4], values / 36)
    assert float(accepted[2].sum() + accepted[:, 4].sum()) == 0
    assert accepted[accepted.shape[0] // 2, accepted.shape[1] // 2] == values[2 // 2, 4 // 2] / 36


def test_leaves_its_argument_alone() -> None:
    values = np.full((2, 2), 3.0)

    accept_psf(values)

    assert (values == 3).all()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (np.array([[1.0, -0.02], [1, 1]]), "1 of 4 values are negative"),
        (np.array([[1.0, np.nan, np.inf]]), "2 of 3 values are NaN or infinite"),
        (np.zeros((3, 3)), "holds no light"),
        (np.ones(5), "expected two dimensions"),
        (np.ones((0, 3)), "at least one pixel"),
        (np.ones((3, 5, 5)), "one PSF per colour channel"),
    ],
)
def test_refuses_what_no_psf_can_be(values: "np.ndarray", complaint: str) -> None:
    with pytest.raises(PsfError, match=f"k.npy: .*{complaint}"):
        accept_psf(values, name="k.npy")


def test_recentring_moves_the_centroid_to_the_origin_without_losing_light() -> None:
    psf = torch.zeros(5, 7)
    psf[0, 5] = 0.75
    psf[1, 6] = 0.25

    moved = recentred(psf)

    assert float(moved.sum()) == 1
    assert moved[moved.shape[0] // 2, moved.shape[1] // 2] == 0.75
    assert moved[moved.shape[0] // 2 + 1, moved.shape[1] // 2 + 1] == 0.25


def test_recentring_leaves_a_centred_psf_as_it_is() -> None:
    psf = torch.tensor([[0.3, 0, 0.0], [0, 0.4, 0], [0, 0, 0.3]])

    torch.testing.assert_close(recentred(psf), psf)
