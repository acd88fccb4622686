"""The paper's figures on our pictures: what each needs restored, and what it shows."""

from collections.abc import Sequence

from torch import Tensor

from unblur.benchmark.case import Case, pair_of
from unblur.benchmark.entry import Entry
from unblur.benchmark.plots import bars
from unblur.benchmark.report import cells
from unblur.benchmark.run import Row
from unblur.benchmark.suites import DISK_PSF
from unblur.inverse.regularised import pseudo_inverse
from unblur.inverse.separable import separable
from unblur.io.psf import read_psf
from unblur.reproduce.document import Picture, Section, Table, Text
from unblur.reproduce.drawing import THRESHOLD, busiest, kernels, mosaic
from unblur.reproduce.lines import best_settings, missing
from unblur.reproduce.study import Job, Study
from unblur.reproduce.table1 import COLUMNS, summary

PAPER_NOISE_TO_SIGNAL = 1e-4
SUPPORT = 121
STAGES = ("separable", "dcnn", "odcnn")
FAILING = ("ssdae", "eigen-cnn")
CROP = 144
"""Side of the crops in pixels."""

Panel = tuple[str, Tensor]


def fig2_jobs(study: Study) -> list[Job]:
    """One picture by the two networks that fail and by DCNN."""
    return [_shown(study, "disk", best_settings(study.lines, stages=(*FAILING, "dcnn")))]


def fig2(study: Study, rows: Sequence[Row]) -> Section:
    """SSDAE and CNN against DCNN."""
    words = (
        "A stack of denoising autoencoders and a CNN with small kernels, both made for noise and dirt, were trained "
        "on pairs of blurred and sharp pictures like ours. The paper finds that the first stays blurred and the "
        "second keeps ghosts of edges, as neither reaches as far as an inverse kernel."
    )
    return _pictures(study, rows, "fig2", "Figure 2: denoising networks asked to deconvolve", words, FAILING)


def fig3_jobs(study: Study) -> list[Job]:
    """One clipped picture by the paper's inverse kernel and by ODCNN."""
    both = [line.entry for line in study.lines if line.entry.method == "separable"]
    rest = best_settings(study.lines, stages=("odcnn",))
    return [_shown(study, "disk-sat", [rest[0], *both, *rest[1:]])]


def fig3(study: Study, rows: Sequence[Row]) -> Section:
    """The PSF, its inverse, the singular values, the filters, and what they do to a picture."""
    psf = read_psf(DISK_PSF)
    terms = separable(pseudo_inverse(psf.double(), PAPER_NOISE_TO_SIGNAL, SUPPORT))
    kernels(psf, terms, study.folder / "fig3-kernels.png")
    kept = int((terms.strengths > THRESHOLD).sum())
    words = "The paper's point: the inverse is wide but finite and nearly separable; alone it rings at clipped light."
    shapes = (
        f"A disk of radius 7, its inverse at r = 1e-4 on {SUPPORT} × {SUPPORT} pixels, the singular values, of which "
        f"{kept} exceed {THRESHOLD:g}, and the strongest filters."
    )
    results = _pictures(study, rows, "fig3", "Figure 3: the inverse kernel and what it does", words, ("odcnn",))
    first, *others = results.blocks
    return Section(title=results.title, blocks=[first, Picture(file="fig3-kernels.png", caption=shapes), *others])


def fig4_jobs(study: Study) -> list[Job]:
    """The stages in all columns; DCNN was trained from a random start for the disk alone."""
    return [Job(cases=study.cases, entries=best_settings(study.lines, stages=STAGES))]


def fig4(study: Study, rows: Sequence[Row]) -> Section:
    """Bars of PSNR by stage."""
    bars(rows, study.folder / "fig4.png")
    values = cells(rows, "psnr")
    lines = {entry: [summary(values, entry, column) for column in COLUMNS] for entry in values}
    caption = (
        f"Mean PSNR over {len(study.photos)} photographs and its standard error, without and with clipped light. The "
        "paper's order: separable inversion, DCNN from a random start, DCNN from the separable start, ODCNN."
    )
    return Section(
        title="Figure 4: PSNR by stage",
        blocks=[
            Picture(file="fig4.png", caption=caption),
            Table(columns=list(COLUMNS.values()), lines=lines),
        ],
    )


def fig5_jobs(study: Study) -> list[Job]:
    """One clipped picture by every stage."""
    return [_shown(study, "disk-sat", best_settings(study.lines, stages=STAGES))]


def fig5(study: Study, rows: Sequence[Row]) -> Section:
    """The picture after every stage."""
    words = "One picture with clipped light after every stage of the network."
    return _pictures(study, rows, "fig5", "Figure 5: results of the stages", words, ("dcnn", "odcnn"))


def fig8_jobs(study: Study) -> list[Job]:
    """One clipped picture of each PSF by every method."""
    entries = best_settings(study.lines)
    return [_shown(study, column, entries) for column in ("disk-sat", "motion-sat")]


def fig8(study: Study, rows: Sequence[Row]) -> Section:
    """Crops side by side."""
    blocks: list[Text | Picture] = [
        Text(words=f"The part of {study.shown.name} with the strongest edges, by every method at its tuned settings.")
    ]
    for column in ("disk-sat", "motion-sat"):
        panels = _panels(study, study.case(column), rows)
        window = busiest(panels[-1][1], CROP)
        crops = [(name, image[..., window[0], window[1]]) for name, image in panels]
        mosaic(crops, study.folder / f"fig8-{column}.png", columns=5, size=2.4)
        caption = f"{COLUMNS[column]}; PSNR of the whole picture"
        blocks.append(Picture(file=f"fig8-{column}.png", caption=caption))
    return Section(title="Figure 8: crops side by side", blocks=blocks)


def _shown(study: Study, column: str, entries: Sequence[Entry]) -> Job:
    case = study.case(column)
    return Job(cases=[case], entries=entries, keep=[case.name])


def _panels(study: Study, case: Case, rows: Sequence[Row]) -> list[Panel]:
    """A case's results with their PSNR, the sharp picture last."""
    panels = [(f"{row['entry']}\n{row['psnr']:.2f} dB", study.picture(row)) for row in rows if row["case"] == case.name]
    return [*panels, ("sharp\n", pair_of(case).sharp)]


def _pictures(study: Study, rows: Sequence[Row], name: str, title: str, words: str, networks: Sequence[str]) -> Section:
    """Whole pictures, and below them the part with the strongest edges."""
    case = study.case(rows[0]["column"])
    panels = _panels(study, case, rows)
    window = busiest(panels[-1][1], CROP // 2)
    parts = [("", image[..., window[0], window[1]]) for _, image in panels]
    mosaic([*panels, *parts], study.folder / f"{name}.png", columns=len(panels))
    absent = missing(networks)
    without = f" No weights come with this version for {', '.join(absent)}." if absent else ""
    caption = f"{study.shown.name}, {COLUMNS[case.column]}; below, the part with the strongest edges."
    return Section(title=title, blocks=[Text(words=words + without), Picture(file=f"{name}.png", caption=caption)])
