"""A PSF that varies over the picture, undone: by the library and by the commands."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner, Result

from tests.conftest import make_chart
from unblur.cli import app
from unblur.crop import Crop
from unblur.degrade.blur import valid_blur
from unblur.degrade.camera import Camera
from unblur.errors import PsfError
from unblur.io.picture import Picture
from unblur.io.read import read_picture
from unblur.io.write import write_picture
from unblur.methods import METHODS
from unblur.metrics import psnr
from unblur.psf.grid import PsfGrid
from unblur.psf.parametric import disk
from unblur.restoration import restore, restore_file
from unblur.tensors import Image, Psf

LIGHT = {"richardson-lucy": {"iterations": 8}, "outlier-em": {"iterations": 2}, "saturated-rl": {"iterations": 8}}


def hook(length: int) -> Psf:
    """A lopsided PSF of 11 × 13: a line that fades, with a barb."""
    psf = torch.zeros(11, 13)
    for step in range(length):
        psf[5 - step // 2, 6 + step // 2 + step % 2] += length - step
    psf[6, 6] += 1
    return psf / psf.sum()


def lens() -> PsfGrid:
    """Sharper on the left than on the right, and other at the top than at the bottom."""
    return PsfGrid.evenly([[hook(1), hook(8)], [hook(2).flip(0), hook(9).flip(0)]])


def photograph(height: int, width: int) -> tuple[Image, Image]:
    """What a camera with that lens sees of a chart with texture, and the truth."""
    grain = torch.rand(1, 1, height // 2 + 8, width // 2 + 8, generator=torch.Generator().manual_seed(5)) - 0.5
    sharp = make_chart(height + 10, width + 12)
    sharp += 0.2 * torch.nn.functional.interpolate(grain, scale_factor=2.0)[..., : height + 10, : width + 12]
    return Camera(noise=0.003).photograph(sharp.clamp(0, 1), lens(), torch.Generator().manual_seed(1))


def middle_psf(height: int, width: int) -> Psf:
    return lens().on(height, width).psf_at((width - 1) / 2, (height - 1) / 2)


@pytest.mark.parametrize("name", ["wiener", "richardson-lucy", "saturated-rl", "separable", "hyper-laplacian"])
def test_a_grid_of_equal_psfs_is_the_single_psf_but_for_the_rim(name: str, comma: Psf) -> None:
    """To 1/255 where the picture's border is two PSFs away or more; ``exact`` methods everywhere."""
    blurred = valid_blur(0.8 * make_chart(183, 232), comma)[0]  # nothing near what saturated-rl takes for clipped

    single = restore(blurred, comma, method=name, transfer="encoded", settings=LIGHT.get(name))
    grid = PsfGrid.evenly([[comma, comma, comma], [comma, comma, comma]])
    varying = restore(blurred, grid, method=name, transfer="encoded", settings=LIGHT.get(name))

    rim = 0 if METHODS[name].tiling.kind == "exact" else 2 * max(comma.shape)
    inside = (..., slice(rim, 181 - rim), slice(rim, 230 - rim))
    assert float((varying - single)[inside].abs().max()) <= 1 / 255


@pytest.mark.parametrize("name", ["wiener", "richardson-lucy", "hyper-laplacian", "separable"])
def test_a_psf_that_varies_linearly_is_undone_far_better_by_the_grid_than_by_its_middle(name: str) -> None:
    blurred, target = photograph(190, 281)

    varying = restore(blurred, lens(), method=name, transfer="encoded", settings=LIGHT.get(name))
    single = restore(blurred, middle_psf(190, 281), method=name, transfer="encoded", settings=LIGHT.get(name))

    reached, missed, before = (float(psnr(picture, target, crop=8)) for picture in (varying, single, blurred))
    assert reached > missed + 1.5
    assert reached > before + 1


def test_the_network_for_every_psf_takes_a_grid() -> None:
    blurred, target = photograph(64, 80)

    varying = restore(blurred, lens(), method="universal", transfer="encoded")
    single = restore(blurred, middle_psf(64, 80), method="universal", transfer="encoded")

    assert float(psnr(varying, target, crop=8)) > float(psnr(single, target, crop=8)) + 1


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_array_comes_back_in_its_type_shape_and_values(dtype: str, channels: int) -> None:
    grey = photograph(70, 94)[0][0, 0].numpy()
    planes = np.stack([grey, grey[::-1], grey[:, ::-1], np.sqrt(grey)], axis=2)[..., :channels]
    top = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    image = (np.rint(planes * top) if top > 1 else planes).astype(dtype)

    restored = restore(image, lens(), method="wiener")

    assert (restored.dtype, restored.shape) == (image.dtype, image.shape)
    exact = restore(image[..., :3].astype(np.float64) / top, lens(), method="wiener")
    assert np.abs(restored[..., :3].astype(np.float64) / top - exact).max() <= max(0.51 / top if top > 1 else 0, 2e-3)
    if channels == 4:
        np.testing.assert_array_equal(restored[..., 3], image[..., 3])


@pytest.mark.parametrize("options", [{"tile": 50}, {"tile": 51}])
def test_smaller_tiles_follow_the_psf_no_worse(options: dict[str, Any]) -> None:
    blurred, target = photograph(150, 211)

    usual = restore(blurred, lens(), method="wiener", transfer="encoded")
    small = restore(blurred, lens(), method="wiener", transfer="encoded", **options)

    assert float(psnr(small, target, crop=8)) > float(psnr(usual, target, crop=8)) - 0.1
    assert not torch.equal(usual, small)
    roomy = restore(blurred, lens(), method="wiener", transfer="encoded", memory=5_000_000)
    assert torch.equal(usual, roomy), "it takes less than that"


def test_tiles_stay_within_the_size_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    from unblur.stored import OnStored

    true = OnStored.light

    def watched(self: Any, blurred: Tensor, psf: Psf, **words: Any) -> Tensor:
        seen.append(tuple(blurred.shape[-2:]))
        return true(self, blurred, psf, **words)

    monkeypatch.setattr(OnStored, "light", watched)
    margin = METHODS["wiener"].margin(lens().mean)

    restore(photograph(300, 411)[0], lens(), method="wiener", tile=60)

    assert len(seen) > 20
    assert max(max(size) for size in seen) <= 60 + 2 * margin


def test_progress_rises_to_one_and_a_weight_is_heeded() -> None:
    told: list[float] = []
    blurred, _ = photograph(90, 120)
    spoiled, weight = blurred.clone(), torch.ones(90, 120)
    spoiled[..., 40:44, 50:60] = 1
    weight[40:44, 50:60] = 0

    restored = restore(spoiled, lens(), method="wiener", weight=weight, progress=told.append)

    near = (..., slice(20, 64), slice(30, 80))
    clean = restore(blurred, lens(), method="wiener")[near]
    ignored = float((restored[near] - clean).abs().mean())
    assert ignored < float((restore(spoiled, lens(), method="wiener")[near] - clean).abs().mean()) / 2
    assert told == sorted(told)
    assert told[-1] == 1


def test_gradients_flow_through_a_grid() -> None:
    blurred = photograph(60, 80)[0].requires_grad_()

    restore(blurred, lens(), method="wiener", transfer="encoded").sum().backward()

    assert blurred.grad is not None
    assert float(blurred.grad.abs().min()) > 0


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.trained is not None])
def test_what_is_trained_for_one_psf_refuses_a_grid(name: str) -> None:
    with pytest.raises(PsfError, match=f"{name} is trained for one PSF and takes none that varies; .*: wiener, "):
        restore(make_chart(60, 80), PsfGrid.evenly([[disk(2.0), disk(3.0)]]), method=name)


def test_a_grid_larger_than_the_picture_is_refused() -> None:
    with pytest.raises(PsfError, match="the PSF has 13 x 11 pixels, expected at most the picture's 80 x 9"):
        restore(make_chart(9, 80), lens(), method="wiener")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photograph of 170 × 220 through a lens, and the table of that lens beside it."""
    values = (photograph(170, 220)[0][0, 0, ..., None].numpy() * 65535).round().astype(np.uint16)
    write_picture(Picture(pixels=values, format="PNG"), tmp_path / "moon.png")
    names = []
    for number, psf in enumerate(lens().psfs):
        np.save(tmp_path / f"{number}.npy", psf.numpy())
        names.append(f'"{number}.npy"')
    (tmp_path / "lens.toml").write_text(f"grid = [[{names[0]}, {names[1]}], [{names[2]}, {names[3]}]]")
    return tmp_path / "moon.png"


def run(*words: object) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_takes_a_table_and_equals_the_library(photo: Path) -> None:
    table = photo.with_name("lens.toml")

    result = run("restore", photo, "--psf", table, "--method", "wiener")

    assert result.exit_code == 0, result.output
    assert "does not explain" not in result.output
    expected = restore(read_picture(photo).pixels[..., 0], table, method="wiener")
    np.testing.assert_array_equal(read_picture(photo.with_name("moon-restored.png")).pixels[..., 0], expected)
    grid = PsfGrid.evenly([list(lens().psfs[:2]), list(lens().psfs[2:])])
    np.testing.assert_array_equal(restore(read_picture(photo).pixels[..., 0], grid, method="wiener"), expected)


def test_a_crop_has_the_psfs_of_its_place_in_the_whole(photo: Path, tmp_path: Path) -> None:
    whole = restore(read_picture(photo).pixels[..., 0], lens(), method="separable")

    restore_file(photo, tmp_path / "part.png", psf=lens(), method="separable", crop=Crop(150, 90, 60, 70))

    part = read_picture(tmp_path / "part.png").pixels[..., 0].astype(float)
    difference = np.abs(part - whole[90:160, 150:210]) / 65535
    other = restore(read_picture(photo).pixels[90:160, 150:210, 0], lens(), method="separable")
    assert difference.mean() < np.abs(other.astype(float) - whole[90:160, 150:210]).mean() / 65535 / 4


def test_a_lens_can_be_tried_with_degrade(photo: Path, tmp_path: Path) -> None:
    result = run("degrade", photo, "--psf", photo.with_name("lens.toml"), "-o", tmp_path / "blurred.png")

    assert result.exit_code == 0, result.output
    assert read_picture(tmp_path / "blurred.png").size == (160, 208)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('grid = [["disk:2", "dusk:3"]]', "lens.toml, row 1, PSF 2: 'dusk:3' is no PSF"),
        ("grid = 3", "expected rows of PSFs"),
        ('grid = [["disk:120"]]', "expected at most the picture's 220 x 170"),
    ],
)
def test_a_wrong_table_is_one_line_and_exit_code_2(content: str, message: str, photo: Path) -> None:
    photo.with_name("lens.toml").write_text(content)

    result = run("restore", photo, "--psf", photo.with_name("lens.toml"), "--method", "wiener")

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert message in result.stderr
    assert not photo.with_name("moon-restored.png").exists()
