"""Cases × entries → rows: every picture restored by every method, written down as soon as it is known."""

import hashlib
import itertools
import json
import os
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import torch

import unblur
from unblur.benchmark.case import Case, Misjudged, Pair, pair_of
from unblur.benchmark.entry import INPUT, Entry
from unblur.colour import decode_srgb, encode_srgb
from unblur.deconvolvers import Deconvolver
from unblur.errors import ConfigError
from unblur.io.picture import Picture
from unblur.io.write import write_picture
from unblur.methods import METHODS
from unblur.metrics import gain_fitted_psnr, psnr, ssim
from unblur.tensors import Image, Psf

ROWS = "rows.jsonl"
Row = dict[str, Any]
Known = tuple[str, Misjudged | None]
"""A case's PSF, and what methods are told of it."""
Told = Callable[[int, int, str], None]
"""Called with the number of restorations done, of all, and what is next; may raise ``Cancelled``."""


def run_cases(
    cases: Sequence[Case],
    entries: Sequence[Entry],
    folder: Path,
    *,
    device: torch.device,
    told: Told | None = None,
    keep: Collection[str] | None = None,
) -> list[Row]:
    """Restore every case by every entry, going on where an earlier call stopped.

    Rows go to ``folder/rows.jsonl``, one as soon as it is known; those that are there already for the same case,
    settings, weights and version are kept. The first photograph of each column is also kept as pictures, unless
    ``keep`` says otherwise.

    Args:
        cases: of one or several suites.
        entries: what to compare.
        folder: created where missing.
        device: where the restoration runs.
        told: hears of the progress.
        keep: names of cases whose results are kept as :func:`kept_picture`, instead of each column's first; one that
            is missing is restored again, though its row is known.

    Returns:
        The rows of these cases and entries in their order; none where a method refuses the PSF.

    Raises:
        UnblurError: what reading a photograph or restoring it raises; the rows so far are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ROWS
    known = {row["key"]: row for row in read_rows(path, mend=True)}
    shown = {(case.suite, case.column): case for case in reversed(cases)}
    bench = _Bench(device)
    rows: list[Row] = []
    total = len(cases) * len(entries)
    with path.open("a", encoding="utf-8") as file:
        for done, (case, entry) in enumerate(itertools.product(cases, entries)):
            if told:
                told(done, total, f"{entry.label} on {case.name}")
            if bench.refuses(case, entry):
                continue
            key = bench.key(case, entry)
            kept = kept_picture(folder, key) if keep is not None and case.name in keep else None
            if key not in known or (kept is not None and not kept.exists()):
                first = keep is None and shown[case.suite, case.column] is case
                row = bench.row(case, entry, _picture_folder(folder, case) if first else None, kept)
                if key not in known:
                    known[key] = {"key": key, **row}
                    _append(file, known[key])
            rows.append(known[key])
    if told:
        told(total, total, "done")
    return rows


class _Bench:
    """Keeps what rows share: the pair of the case in hand, PSFs, digests, and methods made ready."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.case: Case | None = None
        self.pair: Pair | None = None
        self.psfs: dict[Known, Psf] = {}
        self.digests: dict[Path, str] = {}
        self.refusals: dict[tuple[str, Known], str | None] = {}
        self.learned: dict[tuple[str, Known], str] = {}
        self.ready: dict[str, Deconvolver] = {}

    def refuses(self, case: Case, entry: Entry) -> bool:
        """Whether the entry's method does not take the case's PSF."""
        if entry.method == INPUT:
            return False
        place = entry.label, (case.psf, case.misjudged)
        if place not in self.refusals:
            method = METHODS[entry.method]
            self.refusals[place] = method.refusal(self.psf(case), method.configured(entry.settings))
        return self.refusals[place] is not None

    def psf(self, case: Case) -> Psf:
        """The PSF that methods are told, read once."""
        place = case.psf, case.misjudged
        if place not in self.psfs:
            self.psfs[place] = case.told_psf()
        return self.psfs[place]

    def weights(self, case: Case, entry: Entry) -> str:
        """SHA-256 of what the entry's network has learned for the case's PSF; empty for what needs no training."""
        if entry.method == INPUT:
            return ""
        place = entry.label, (case.psf, case.misjudged)
        if place not in self.learned:
            method = METHODS[entry.method]
            settings = method.configured(entry.settings)
            self.learned[place] = method.learned_digest(settings, self.psf(case)) or ""
        return self.learned[place]

    def key(self, case: Case, entry: Entry) -> str:
        """Digest of all that must be equal for a row to be kept: what is restored, by what, and by which version."""
        if case.photo not in self.digests:
            files = [case.photo, *([case.capture.photo] if case.capture else [])]
            there = [file.read_bytes() for file in files if file.is_file()]
            self.digests[case.photo] = _sha256(b"".join(there)) if there else ""
        facts = {
            "case": case.name,
            "photo": self.digests[case.photo],
            "psf": _sha256(self.psf(case).numpy().tobytes()),
            "conditions": case.conditions(),
            "entry": [entry.label, entry.method, entry.all_settings(), self.weights(case, entry)],
            "version": unblur.__version__,
        }
        return _sha256(json.dumps(facts, sort_keys=True).encode())[:16]

    def row(self, case: Case, entry: Entry, pictures: Path | None, kept: Path | None = None) -> Row:
        """Restore and judge; the result goes to the folder ``pictures`` by its label and to the file ``kept``."""
        if self.case is not case or self.pair is None:
            self.case, self.pair = case, pair_of(case)
        pair = self.pair
        began = time.perf_counter()
        restored = self._restored(case, entry, pair)
        seconds = time.perf_counter() - began
        if pictures:
            _keep_picture(pair.sharp, pictures / "sharp.png")
            _keep_picture(restored, pictures / f"{file_name(entry.label)}.png")
        if kept:
            _keep_picture(restored, kept)
        crop = pair.crop
        fitted = (
            {} if case.capture is None else {"psnr_fitted": float(gain_fitted_psnr(restored, pair.sharp, crop=crop)[0])}
        )
        return {
            "case": case.name,
            "suite": case.suite,
            "column": case.column,
            "photo": case.photo.name,
            "size": list(restored.shape[-2:]),
            **case.conditions(),
            "gain": pair.gain,
            "entry": entry.label,
            "method": entry.method,
            "settings": entry.all_settings(),
            "weights": self.weights(case, entry),
            "psnr": float(psnr(restored, pair.sharp, crop=crop)[0]),
            "ssim": float(ssim(restored, pair.sharp, crop=crop)[0]),
            **fitted,
            "seconds": seconds,
            "version": unblur.__version__,
        }

    def _restored(self, case: Case, entry: Entry, pair: Pair) -> Image:
        """The stored values that a person would get, clipped; a method that knows one light only works in that."""
        if entry.method == INPUT:
            return pair.blurred
        method = METHODS[entry.method]
        deconvolve = self.ready.get(entry.label)
        if deconvolve is None:
            deconvolve = method.build(self.device, method.configured(entry.settings))
            self.ready[entry.label] = deconvolve
        transfer = case.camera.transfer if method.transfer == "any" else method.transfer
        decodes = transfer == "linear" and case.camera.encoding == "srgb"
        blurred = pair.blurred.to(self.device)
        with torch.no_grad():
            restored = deconvolve(decode_srgb(blurred) if decodes else blurred, pair.psf.to(self.device))
        restored = restored.cpu()  # also waits for the device, so that the time is the whole time
        return (encode_srgb(restored) if decodes else restored).clamp(0, 1)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _append(file: Any, row: Row) -> None:
    """One line, on the disk before the next restoration starts."""
    file.write(json.dumps(row) + "\n")
    file.flush()
    os.fsync(file.fileno())


def read_rows(path: Path, *, mend: bool = False) -> list[Row]:
    """The rows of a file, none if it is missing.

    Args:
        path: of a file with one JSON object in each line.
        mend: drop a last line that was torn when a run was killed, from the file too.

    Raises:
        ConfigError: another line than the last is damaged.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        try:
            if not line.endswith(b"\n"):
                raise ValueError  # even if it reads well, the next row would be written behind it
            rows.append(json.loads(line))
        except ValueError:
            if number < len(lines):
                raise ConfigError(
                    f"{path}: line {number} is no row; mend or remove it, or use another folder"
                ) from None
            if mend:
                with path.open("r+b") as file:
                    file.truncate(sum(map(len, lines[:-1])))
    return rows


def kept_picture(folder: Path, key: str) -> Path:
    """Where the result of the row with this key lies, if it was kept."""
    return folder / "pictures" / "rows" / f"{key}.png"


def _picture_folder(folder: Path, case: Case) -> Path:
    return folder / "pictures" / case.suite / file_name(case.column)


def _keep_picture(image: Image, path: Path) -> None:
    """Write one picture of a batch as an 8-bit file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (image[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    write_picture(Picture(pixels=pixels, format="PNG"), path, overwrite=True)


def file_name(label: str) -> str:
    """A label as the name of a file, without its ending."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in label)
