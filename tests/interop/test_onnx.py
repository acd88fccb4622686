"""Export and companion: the same picture as the network, without PyTorch."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from scipy.fft import next_fast_len

from tests.conftest import make_chart
from unblur.degrade.camera import Camera
from unblur.errors import ConfigError
from unblur.fourier import fast_size
from unblur.interop import portable
from unblur.interop.module import Deblur
from unblur.interop.onnx import export_onnx
from unblur.interop.portable import Portable, noise_levels
from unblur.networks import light
from unblur.networks.kinds import kind_shares
from unblur.psf.random import shake_seeded
from unblur.tensors import Image, Psf


@pytest.fixture(scope="session")
def exported(small_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network's files."""
    folder = tmp_path_factory.mktemp("onnx")
    export_onnx(folder, settings={"weights": str(small_weights)})
    return folder


def photograph(height: int, width: int, channels: int) -> Image:
    """Noisy, with clipped light; the channels differ."""
    grey = make_chart(height, width)
    picture = torch.cat([grey, grey.flip(-1), grey.square()], dim=1)[:, :channels]
    picture = picture + 0.01 * torch.randn(picture.shape, generator=torch.Generator().manual_seed(2))
    picture[..., 8:14, 20:29] = 1.2
    return picture.clamp(0, 1)


def difference(folder: Path, picture: Image, psf: Psf, weights: Path | None) -> float:
    """Largest, of what both make of a photograph, before anything is clipped; the network in float64."""
    module = Deblur(settings={"weights": None if weights is None else str(weights)}).double()
    expected = module(picture.double(), psf.double())[0]
    if len(expected) == 1:
        restored = Portable(folder)(picture[0, 0].numpy(), psf.numpy())
        return float(np.abs(restored - expected[0].numpy()).max())
    restored = Portable(folder)(np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy()), psf.numpy())
    return float(np.abs(restored - expected.permute(1, 2, 0).numpy()).max())


@pytest.mark.parametrize(("height", "width", "channels"), [(40, 56, 1), (61, 83, 3), (96, 45, 3)])
def test_the_companion_makes_the_same_picture(
    height: int, width: int, channels: int, exported: Path, small_weights: Path, comma: Psf
) -> None:
    picture = photograph(height, width, channels)

    assert difference(exported, picture, comma, small_weights) < 5e-4
    assert difference(exported, picture, comma.flip(0), small_weights) < 5e-4


def test_a_psf_wider_than_the_training_is_met_alike(exported: Path, small_weights: Path, comma: Psf) -> None:
    wide = torch.nn.functional.pad(comma, (30, 30))

    assert difference(exported, photograph(40, 80, 1), wide, small_weights) < 5e-4


def test_rounds_are_mixed_alike_by_the_kinds_of_noise(exported: Path, small_weights: Path, comma: Psf) -> None:
    camera = Camera(noise=0.02, grain=0.5, jpeg=90)
    picture, _ = camera.photograph(make_chart(70, 90), comma, torch.Generator().manual_seed(3))

    assert float(kind_shares(light.noise_levels(picture)).max()) < 0.9
    assert difference(exported, picture, comma, small_weights) < 5e-4


def test_what_nothing_blurred_stays_as_it_is(exported: Path) -> None:
    picture, point = photograph(40, 56, 1)[0, 0].numpy(), np.pad(np.full((1, 1), 2.0), 1)

    assert np.array_equal(Portable(exported)(picture, point), picture)


def test_pieces_do_not_show(exported: Path, comma: Psf, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = photograph(150, 230, 1)[0, 0].numpy()
    whole = Portable(exported)(picture, comma.numpy())
    monkeypatch.setattr(portable, "PIECE", 64)

    np.testing.assert_allclose(Portable(exported)(picture, comma.numpy()), whole, atol=1e-5)


@pytest.mark.slow
def test_the_shipped_network_makes_the_same_picture(tmp_path: Path) -> None:
    files = export_onnx(tmp_path)
    psf = shake_seeded(15, 4)

    assert [file.name for file in files] == [
        "unet-usual-1.onnx",
        "unet-white-1.onnx",
        "unet-jpeg-1.onnx",
        "rounds.npz",
        "universal.json",
    ]
    for channels in (1, 3):
        assert difference(tmp_path, photograph(123, 180, channels), psf, None) < 1 / 255


def test_a_unet_takes_any_size_in_whole_cells(exported: Path) -> None:
    session = onnxruntime.InferenceSession(str(exported / "unet-usual-1.onnx"), providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()[0].shape[1]

    for height, width in ((8, 8), (72, 16)):
        answer = session.run(None, {"planes": np.zeros((1, inputs, height, width), np.float32)})[0]
        assert answer.shape == (1, 8, height, width)


def test_steps_that_share_a_unet_share_its_file(exported: Path) -> None:
    files = sorted(path.name for path in exported.iterdir())

    assert files == ["rounds.npz", "unet-jpeg-1.onnx", "unet-usual-1.onnx", "unet-white-1.onnx", "universal.json"]


def test_the_noise_is_measured_alike() -> None:
    coarse = torch.nn.functional.avg_pool2d(torch.rand(1, 3, 50, 66, generator=torch.Generator().manual_seed(1)), 3, 1)
    for height, width, whole in ((1, 5, photograph(48, 64, 3)), (33, 48, photograph(48, 64, 3)), (48, 64, coarse)):
        picture = whole[..., :height, :width]
        np.testing.assert_allclose(noise_levels(picture[0].numpy()), light.noise_levels(picture)[0], atol=1e-5)


def test_transforms_have_the_same_sizes() -> None:
    for length in range(1, 400):
        assert portable._fast(length, even=False) == int(next_fast_len(length, real=True)) == fast_size(length, 2)[0]
        assert portable._fast(length, even=True) == fast_size(2, length)[1]


def test_an_even_or_unnormalised_psf_is_taken_as_everywhere_else(exported: Path) -> None:
    picture = photograph(40, 56, 1)[0, 0].numpy()
    even = np.array([[0, 1], [3, 2]], np.float32)
    odd = np.pad(even, ((0, 1), (0, 1))) / 6

    np.testing.assert_allclose(Portable(exported)(picture, even), Portable(exported)(picture, odd), atol=1e-6)


def test_the_companion_needs_no_torch(exported: Path) -> None:
    code = (
        "import sys; import numpy as np; from unblur.interop.portable import Portable;"
        f"Portable({str(exported)!r})(np.full((24, 32), 0.5), np.ones((3, 3))); sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False, env=os.environ).returncode == 0


def test_files_of_another_version_are_refused(exported: Path, tmp_path: Path) -> None:
    text = (exported / "universal.json").read_text()
    (tmp_path / "universal.json").write_text(text.replace(f'"version": {portable.VERSION}', '"version": 1'))

    with pytest.raises(ValueError, match=f"expected {portable.VERSION}; export the network again"):
        Portable(tmp_path)


def test_only_networks_for_every_psf_are_exported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected universal"):
        export_onnx(tmp_path, method="wiener")
