"""How good blind PSFs are: what they cost the restoration, against the true PSF, and how alike both are.

    python scripts/blind_accuracy.py DATA rows.jsonl                # levin-real: 32 captures, for results
    python scripts/blind_accuracy.py DATA rows.jsonl --split made   # Kodak's pictures under Levin's PSFs, noise 1 %
    python scripts/blind_accuracy.py DATA rows.jsonl --split val    # made shakes on other photographs, for choices
    python scripts/blind_accuracy.py DATA rows.jsonl --shapes disk --jpeg 85    # how exactly made disks are named
    python scripts/blind_accuracy.py DATA rows.jsonl --shapes motion --small --half 1

A row is written after each picture, and pictures that have one are left out, so the same command goes on where it was
stopped. Prints a Markdown table. The error ratio is that of Levin, Weiss, Durand and Freeman (2009): the summed squared
error of the restoration with the estimated PSF over that with the true one, both by hyper-laplacian at its defaults and
brought to their place by the fraction of a pixel that fits best. The size that is asked for is 4 pixels more than the
true PSF's.

Shapes are disks of 2.3 to 11.5 px or lines of 5 to 29 px, small ones of 1.6 to 3 and 2.6 to 5 px, under noise of 1 %
on the middle 400 pixels of one half of the photographs for validation. Each is named twice: by the spectrum alone and
with the universal network's results.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unblur.benchmark.case import Case, Pair, pair_of
from unblur.benchmark.published import for_choices, levin_real_suite
from unblur.benchmark.suites import photos_in
from unblur.blind.cleanup import alike
from unblur.blind.search import Kind
from unblur.blind.shake import ShakeSettings, estimated_shake
from unblur.blind.shapes import estimated_shape
from unblur.degrade.camera import Camera
from unblur.errors import ImageError, PsfError
from unblur.estimation import restore_by_default
from unblur.methods import METHODS
from unblur.psf.measured import WHITE
from unblur.tensors import Image, Psf

MORE = 4
NOISE = 0.005
"""Of the pictures for choices."""
FINEST = 0.05
SIZES = {
    "disk": (2.3, 3.6, 4.7, 6.1, 7.4, 9.2, 11.5),
    "motion": (5, 7.3, 9.1, 11.6, 14, 16.7, 20.4, 24.2, 29, 6.2),
}
SMALL = {"disk": (1.6, 2.0, 2.3, 2.6, 3.0), "motion": (2.6, 3.3, 4.1, 5.0)}
ANGLES = (0, 17, 33, 52, 71, 90, 108, 127, 149, 163, 45, 5, 84, 135)
SHAPE_SIDE = 31
"""Of the largest shape that is tried."""


def best_shift(psf: Psf, truth: Psf) -> tuple[int, int]:
    """Whole pixels, down and right, by which ``psf`` must move to lie on ``truth``; both centred in their arrays."""
    size = [a + b - 1 for a, b in zip(psf.shape, truth.shape, strict=True)]
    spectrum = torch.fft.rfft2(truth, s=size) * torch.fft.rfft2(psf, s=size).conj()
    found = divmod(int(torch.fft.irfft2(spectrum, s=size).argmax()), size[1])
    signed = [place - side if place > side // 2 else place for place, side in zip(found, size, strict=True)]
    return tuple(s - (t // 2 - p // 2) for s, t, p in zip(signed, truth.shape, psf.shape, strict=True))  # type: ignore


def moved(psf: Psf, by: tuple[int, int]) -> Psf:
    """The PSF by whole pixels down and right, in an array that is large enough."""
    room = max(map(abs, by))
    return torch.nn.functional.pad(psf, (room, room, room, room)).roll(by, dims=(0, 1))


def shifted(image: Image, down: float, right: float) -> Tensor:
    """By fractions of a pixel, through the phase."""
    height, width = image.shape[-2:]
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None, :]
    phase = torch.exp(-2j * torch.pi * (rows * down + columns * right))
    return torch.fft.irfft2(torch.fft.rfft2(image) * phase, s=(height, width))


def error_of(restored: Image, pair: Pair) -> float:
    """Summed squared error at the best place within about a pixel, found by steps that halve."""
    rows, columns = (max(1, side + 2) for side in pair.crop)
    inside = (..., slice(rows, -rows), slice(columns, -columns))

    def error(place: tuple[float, float]) -> float:
        return float((shifted(restored, *place).clamp(0, 1) - pair.sharp)[inside].square().sum())

    place, lowest, step = (0.0, 0.0), error((0.0, 0.0)), 0.5
    while step > FINEST:
        around = [(place[0] + a * step, place[1] + b * step) for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))]
        value, nearest = min((error(each), each) for each in around)
        if value < lowest:
            lowest, place = value, nearest
        else:
            step /= 2
    return lowest


def made_cases(data: Path) -> list[Case]:
    """Each of Kodak's photographs under one of Levin's PSFs, noise 1 %, 320 pixels a side."""
    photos, psfs = photos_in(data / "test" / "kodak24"), sorted((data / "kernels").glob("levin09_k*.npy"))
    camera = Camera(transfer="encoded", noise=0.01)
    return [
        Case(
            suite="made",
            column="made",
            photo=photo,
            psf=str(psfs[number % len(psfs)]),
            camera=camera,
            number=number,
            side=320,
        )
        for number, photo in enumerate(photos)
    ]


def row_of(name: str, pair: Pair, settings: ShakeSettings) -> dict[str, object]:
    """Estimate, restore twice and compare."""
    deconvolve = METHODS["hyper-laplacian"].build(torch.device("cpu"), METHODS["hyper-laplacian"].settings())
    begun = time.perf_counter()
    clipped = (pair.blurred >= WHITE).to(pair.blurred)
    side = max(pair.psf.shape) + MORE
    try:
        found = estimated_shake(pair.blurred, side, weight=torch.ones_like(clipped), clipped=clipped, settings=settings)
    except (ImageError, PsfError) as error:
        return {"name": name, "refused": str(error)}
    seconds = time.perf_counter() - begun
    laid = moved(found.psf, best_shift(found.psf, pair.psf))
    estimated, true = (error_of(deconvolve(pair.blurred, psf), pair) for psf in (laid, pair.psf))
    return {
        "name": name,
        "ratio": estimated / true,
        "similarity": alike(found.psf, pair.psf),
        "agreement": found.agreement,
        "seconds": seconds,
    }


def shape_row(number: int, photo: Path, kind: Kind, sizes: Sequence[float], jpeg: int | None) -> dict[str, Any]:
    """What one made disk or line is named, by the spectrum alone and with results that are judged."""
    angle = "" if kind == "disk" else f",{ANGLES[(3 * number + number // len(sizes)) % len(ANGLES)]}"
    spec = f"{kind}:{sizes[number % len(sizes)]}{angle}"
    camera = Camera(transfer="encoded", noise=0.01, jpeg=jpeg)
    case = Case(suite=kind, column=kind, photo=photo, psf=spec, camera=camera, number=number, side=400)
    row: dict[str, Any] = {"name": photo.name, "true": spec, "jpeg": jpeg}
    blurred = pair_of(case).blurred
    for way, restore in (("spectrum", None), ("judged", restore_by_default())):
        begun = time.perf_counter()
        try:
            found = estimated_shape(
                blurred, SHAPE_SIDE, kind=kind, weight=(blurred < WHITE).to(blurred), restore=restore
            )
        except (ImageError, PsfError) as error:
            row[way] = {"refused": str(error)}
            continue
        row[way] = {
            "found": found.spec,
            "missed": missed(spec, found.spec),
            "gain": found.gain,
            "naturalness": found.naturalness,
            "rival": found.rival,
            "seconds": time.perf_counter() - begun,
        }
    return row


def missed(true: str, found: str) -> tuple[float, float]:
    """By which share the size is missed, and by how many degrees the angle."""
    (size, *angle), (other, *turned) = (
        [float(number) for number in spec.partition(":")[2].split(",")] for spec in (true, found)
    )
    turn = abs(angle[0] - turned[0]) % 180 if angle else 0.0
    return other / size - 1, min(turn, 180 - turn)


def shapes(asked: argparse.Namespace) -> None:
    """Write a row for each shape and print how many were named rightly: to 5 % or half a pixel of a line, 3 degrees."""
    kind: Kind = asked.shapes
    sizes = (SMALL if asked.small else SIZES)[kind]
    photos = photos_in(asked.data / "val")[asked.half :: 2]
    rows = []
    for number, photo in enumerate(photos):
        rows.append(shape_row(number, photo, kind, sizes, asked.jpeg))
        print(json.dumps(rows[-1]), flush=True)  # noqa: T201
    asked.rows.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for way in ("spectrum", "judged"):
        said = [(row["true"], row[way]["missed"]) for row in rows if "missed" in row[way]]
        right = 0
        for true, (share, turn) in said:
            size = float(true.partition(":")[2].split(",")[0])
            right += turn <= 3 and (abs(share) <= 0.05 or (kind == "motion" and abs(share) * size <= 0.5))
        ratios = torch.tensor([share for _, (share, _) in said]).log1p()
        print(  # noqa: T201
            f"{way}: {right} of {len(rows)} right, {len(rows) - len(said)} refused, "
            f"root mean square of ln(found / true) {float(ratios.square().mean().sqrt()):.3f}"
        )


def table(rows: list[dict[str, object]], least: float) -> str:
    """Shares and medians as Markdown; a refusal counts as a failure."""
    judged = [row for row in rows if "ratio" in row]
    told = [row for row in judged if float(str(row["agreement"])) >= least]
    lines = [
        "| | pictures | refused | ratio < 2 | ratio < 3 | median ratio | in dB | mean similarity |",
        "|" + "---|" * 8,
    ]
    for label, chosen in (("all", judged), ("not refused", told)):
        ratios = torch.tensor([float(str(row["ratio"])) for row in chosen])
        alikes = torch.tensor([float(str(row["similarity"])) for row in chosen])
        count = len(rows) if label == "all" else len(chosen)
        shares = [f"{int((ratios < most).sum())} of {count}" for most in (2, 3)]
        refused = "-" if label == "all" else str(len(rows) - len(told))
        lines.append(
            f"| {label} | {count} | {refused} | {shares[0]} | {shares[1]} | {float(ratios.median()):.2f} "
            f"| {10 * float(ratios.median().log10()):.2f} | {float(alikes.mean()):.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the command line, fill in the rows that are missing and print the table."""
    parser = argparse.ArgumentParser(description="Accuracy of blind PSFs.")
    parser.add_argument("data", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--split", choices=("test", "made", "val"), default="test")
    parser.add_argument("--every", type=int, default=1, help="take only every n-th picture")
    parser.add_argument("--shapes", choices=("disk", "motion"), help="made disks or lines in place of shakes")
    parser.add_argument("--small", action="store_true", help="small shapes, whose zeros the spectrum hardly shows")
    parser.add_argument("--half", type=int, choices=(0, 1), default=0, help="of the photographs, for shapes")
    parser.add_argument("--jpeg", type=int, help="quality at which the pictures with shapes are stored")
    asked = parser.parse_args()
    if asked.shapes:
        shapes(asked)
        return
    if asked.split == "test":
        cases = levin_real_suite(asked.data)
    elif asked.split == "made":
        cases = made_cases(asked.data)
    else:
        made = for_choices(photos_in(asked.data / "val"), suite="levin")
        cases = [replace(case, camera=replace(case.camera, noise=NOISE)) for case in made if case.column == "noise 1%"]
    kept = asked.rows.read_text(encoding="utf-8").splitlines() if asked.rows.exists() else []
    rows = {row["name"]: row for row in map(json.loads, kept)}
    wanted = cases[:: asked.every]
    settings = ShakeSettings(least_agreement=0.0)  # refusals are counted afterwards
    for case in wanted:
        if case.name in rows:
            continue
        rows[case.name] = row_of(case.name, pair_of(case), settings)
        with asked.rows.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rows[case.name]) + "\n")
        print(json.dumps(rows[case.name]), flush=True)  # noqa: T201
    chosen = [rows[case.name] for case in wanted]
    print(table(chosen, float(ShakeSettings().least_agreement)))  # noqa: T201


if __name__ == "__main__":
    main()
