"""The suites on published sets, and the suite of what goes wrong."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from scipy.ndimage import convolve
from scipy.signal import convolve2d

from tests.benchmark.test_suites import photograph
from tests.conftest import make_chart
from unblur.benchmark.case import Case, Misjudged, pair_of, stored_values
from unblur.benchmark.entry import Entry
from unblur.benchmark.published import for_choices, levin_real_suite, levin_same_suite, levin_suite, sun_suite
from unblur.benchmark.report import report
from unblur.benchmark.run import run_cases
from unblur.benchmark.suites import PAPER_CAMERA, named_suite
from unblur.boundary import edge_tapered
from unblur.degrade.camera import Camera
from unblur.errors import ConfigError
from unblur.metrics import psnr
from unblur.psf.parametric import disk

CPU = torch.device("cpu")
COMMA = np.array([[4.0, 2, 1], [0, 1, 0], [0, 0, 0]]) / 8
DOWN, RIGHT, GAIN = -2, 3, 0.95


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder laid out as the real data, with small pictures and one lopsided PSF eight times."""
    levin, kernels = tmp_path / "test" / "levin", tmp_path / "kernels"
    levin.mkdir(parents=True)
    kernels.mkdir()
    pairs = {}
    for psf in range(1, 9):
        np.save(kernels / f"levin09_k{psf}.npy", COMMA)
        for number in range(1, 5):
            sharp = make_chart(100, 110)[0, 0].double().numpy() * (0.8 + 0.04 * number)
            blurred = GAIN * np.roll(convolve2d(sharp, COMMA, "same"), (DOWN, RIGHT), (0, 1))
            for kind, values in (("sharp", sharp), ("blur", blurred)):
                path = levin / f"im{number}_k{psf}_{kind}.png"
                PillowImage.fromarray((values * 65535).round().astype(np.uint16)).save(path)
            pairs[f"im{number}_k{psf}"] = {"dy": DOWN, "dx": RIGHT, "gain": GAIN}
    (levin / "levin.json").write_text(json.dumps({"pairs": pairs}))
    photograph(tmp_path / "test" / "sun80" / "img_001.jpg", 90, 120)
    return tmp_path


def test_levin_has_four_pictures_under_eight_psfs_at_four_noises(data: Path) -> None:
    cases = levin_suite(data)

    assert len(cases) == len({case.name for case in cases}) == 4 * 8 * 4
    assert list(dict.fromkeys(case.column for case in cases)) == ["noise 1%", "noise 2%", "noise 3%", "noise 5%"]
    assert {case.photo.name for case in cases} == {f"im{number}_k1_sharp.png" for number in (1, 2, 3, 4)}
    assert len({case.psf for case in cases}) == 8
    assert [case.number for case in cases] == list(range(128)), "no two cases share their noise"


def test_levin_is_neither_rounded_nor_compressed(data: Path) -> None:
    case = levin_suite(data)[0]

    pair = pair_of(case)

    steps = pair.blurred * 255
    assert float((steps - steps.round()).abs().mean()) > 0.2
    assert pair.blurred.shape == (1, 1, 98, 108)
    assert pair.crop == (1, 1)


def test_levin_same_has_the_cases_of_levin_in_their_whole_size(data: Path) -> None:
    cases, valid = named_suite("levin-same", data), levin_suite(data)

    assert len({case.name for case in cases} | {case.name for case in valid}) == 2 * 4 * 8 * 4
    for case, twin in zip(cases, valid, strict=True):
        assert (case.photo, case.psf, case.camera, case.number) == (twin.photo, twin.psf, twin.camera, twin.number)
        assert case.conditions()["frame"] == "same"
    pair = pair_of(cases[0])
    assert pair.blurred.shape == pair.sharp.shape == (1, 1, 100, 110)
    assert pair.crop == (0, 0)
    assert torch.equal(pair.sharp, stored_values(cases[0].photo))


def test_levin_same_repeats_the_outermost_pixels_and_tapers_after_the_noise(data: Path) -> None:
    case = replace(levin_same_suite(data)[0], camera=Camera())
    sharp = stored_values(case.photo)
    repeated = torch.from_numpy(convolve(sharp[0, 0].numpy(), COMMA.astype(np.float32), mode="nearest"))[None, None]

    noisy = replace(case, camera=Camera(noise=0.2))
    silent, loud = pair_of(case).blurred, pair_of(noisy).blurred

    expected = edge_tapered(repeated, torch.from_numpy(COMMA).float())
    torch.testing.assert_close(silent, expected, atol=1e-5, rtol=0)
    assert float((repeated - expected).abs().max()) > 0.01, "the chart's opposite edges differ"
    grain = (loud - silent)[0, 0]
    assert float(grain[0].std()) < 0.8 * float(grain[50].std()), "the rim is blurred, noise and all"


def test_the_whole_size_of_a_case_is_cut_to_its_side_before_the_blur(tmp_path: Path) -> None:
    photos = [photograph(tmp_path / f"{number}.png", 300, 270) for number in range(2)]

    cases = for_choices(photos, suite="levin-same")

    assert [case.number for case in cases] == list(range(8))
    assert {(case.suite, case.frame, case.crop) for case in cases} == {("levin-same", "same", 0)}
    assert pair_of(cases[0]).blurred.shape[-2:] == (255, 255)


def test_a_report_says_that_the_rim_was_tapered(data: Path, tmp_path: Path) -> None:
    case = levin_same_suite(data)[0]

    rows = run_cases([case], [Entry(label="wiener", method="wiener")], tmp_path / "out", device=CPU)

    assert rows[0]["crop"] == 0
    assert "rim repeated and tapered" in report(rows, command="c")


def test_a_capture_is_judged_in_its_own_place_and_brightness(data: Path) -> None:
    [case, *others] = levin_real_suite(data)

    pair = pair_of(case)

    assert len(others) == 31
    again = convolve2d(pair.sharp[0, 0].double().numpy(), COMMA, "same")
    inner = (slice(6, -6), slice(6, -6))
    assert np.abs(again - pair.blurred[0, 0].numpy())[inner].max() < 1e-4
    assert pair.crop == (1 + 2, 1 + 3)


def test_rows_of_captures_tell_the_psnr_after_the_best_exposure_too(data: Path, tmp_path: Path) -> None:
    case = levin_real_suite(data)[0]

    rows = run_cases([case], [Entry(label="wiener", method="wiener")], tmp_path / "out", device=CPU)

    assert rows[0]["psnr_fitted"] >= rows[0]["psnr"] - 1e-3
    text = report(rows, command="c")
    assert "exposure that fits best" in text
    assert "a real one" in text


def test_sun_lies_in_its_own_folder(data: Path) -> None:
    assert {case.photo.name for case in sun_suite(data)} == {"img_001.jpg"}
    assert len(sun_suite(data)) == 8 * 4


def test_choices_for_published_sets_are_made_on_other_pictures_and_psfs(tmp_path: Path) -> None:
    photos = [photograph(tmp_path / "val" / f"{number}.png", 60, 70) for number in range(3)]

    cases = named_suite("levin", tmp_path, split="val")

    assert {case.photo for case in cases} == set(photos)
    assert len(cases) == len({case.number for case in cases}) == 3 * 4
    assert all(case.psf.startswith("shake:") and case.side == 255 for case in cases)
    assert len({case.psf for case in for_choices(photos, suite="sun")}) == 3
    with pytest.raises(ConfigError, match="choose settings on levin"):
        named_suite("levin-real", tmp_path, split="val")


@pytest.mark.parametrize(
    ("suite", "gone", "complaint"),
    [
        ("levin", "test/levin/im3_k1_sharp.png", r"im3_k1_sharp\.png: no such file"),
        ("levin", "kernels/levin09_k8.npy", r"levin09_k8\.npy: no such file"),
        ("levin-real", "test/levin/levin.json", r"levin\.json: no such file"),
        ("levin-real", "test/levin/im2_k2_blur.png", r"im2_k2_blur\.png: no such file"),
        ("sun", "test/sun80/img_001.jpg", r"img_001\.jpg: no such file"),
    ],
)
def test_a_missing_file_is_one_sentence(suite: str, gone: str, complaint: str, data: Path) -> None:
    (data / gone).unlink()

    with pytest.raises(ConfigError, match=complaint):
        named_suite(suite, data)


@pytest.mark.parametrize("text", ["[]", "{", '{"pairs": {"im1_k1": {"dy": 1}}}', '{"pairs": {"im1_k1": 3}}'])
def test_a_damaged_list_of_captures_is_refused(text: str, data: Path) -> None:
    (data / "test" / "levin" / "levin.json").write_text(text)

    with pytest.raises(ConfigError, match="no list of pairs"):
        levin_real_suite(data)


def test_robust_has_one_fault_in_each_column(tmp_path: Path) -> None:
    photograph(tmp_path / "test" / "kodak24" / "k1.png")

    cases = {case.column: case for case in named_suite("robust", tmp_path)}

    assert cases["disk-larger"].misjudged == Misjudged(psf="disk:7.35")
    assert cases["motion-turned"].misjudged == Misjudged(turn=3.0)
    assert cases["motion-moved"].misjudged == Misjudged(right=1)
    assert cases["disk-noise"].camera.noise == 0.03
    assert cases["motion-jpeg"].camera.jpeg == 40
    for name in ("disk-larger", "motion-turned", "motion-moved"):
        assert cases[name].camera == PAPER_CAMERA


def faulty(tmp_path: Path, misjudged: Misjudged | None, psf: str) -> Case:
    return Case(
        suite="s",
        column="c",
        photo=photograph(tmp_path / "a.png", 120, 130),
        psf=psf,
        camera=Camera(),
        misjudged=misjudged,
        side=None,
    )


def test_methods_are_told_the_wrong_psf_while_the_picture_has_the_right_one(tmp_path: Path) -> None:
    right, wrong = (pair_of(faulty(tmp_path, m, "disk:3")) for m in (None, Misjudged(psf="disk:4")))

    assert torch.equal(right.blurred, wrong.blurred)
    assert torch.equal(wrong.psf, disk(4))


def test_a_turned_psf_is_turned_counter_clockwise(tmp_path: Path) -> None:
    turned = faulty(tmp_path, Misjudged(turn=90.0), "motion:15,20").told_psf()

    expected = faulty(tmp_path, None, "motion:15,110").told_psf()
    both = [torch.nn.functional.pad(psf, ((19 - psf.shape[1]) // 2,) * 2 + ((19 - psf.shape[0]) // 2,) * 2)
            for psf in (turned, expected)]  # fmt: skip
    across = faulty(tmp_path, None, "motion:15,70").told_psf()
    assert float((both[0] * both[1]).sum()) > 0.8 * float(both[1].square().sum())
    assert across.shape[0] > across.shape[1]


def test_a_moved_psf_moves_the_restored_picture_and_what_it_is_compared_with(tmp_path: Path) -> None:
    case = faulty(tmp_path, Misjudged(right=1), "gauss:1")

    rows = run_cases([case], [Entry(label="w", method="wiener")], tmp_path / "out", device=CPU)
    plain = run_cases(
        [faulty(tmp_path, None, "gauss:1")], [Entry(label="w", method="wiener")], tmp_path / "plain", device=CPU
    )

    assert rows[0]["psnr"] == pytest.approx(plain[0]["psnr"], abs=0.5)
    pair = pair_of(case)
    assert float(psnr(pair.sharp, pair_of(faulty(tmp_path, None, "gauss:1")).sharp)[0]) < 60, "the truth is moved"
