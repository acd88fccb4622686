"""The paper's evidence made again: asked-for tables and figures, their cells, and one report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import unblur
from unblur.benchmark.run import Row, Told, run_cases
from unblur.errors import ConfigError
from unblur.reproduce import figures, maps, table1
from unblur.reproduce.document import Section, Text, write_document
from unblur.reproduce.study import QUICK_SIDE, Job, Study

ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One table or figure."""

    jobs: Callable[[Study], list[Job]]
    """The cells that it needs."""
    section: Callable[[Study, Sequence[Row]], Section]
    """What it shows, from the rows of those cells."""


PARTS = {
    "table1": Part(jobs=table1.jobs, section=table1.section),
    "fig2": Part(jobs=figures.fig2_jobs, section=figures.fig2),
    "fig3": Part(jobs=figures.fig3_jobs, section=figures.fig3),
    "fig4": Part(jobs=figures.fig4_jobs, section=figures.fig4),
    "fig5": Part(jobs=figures.fig5_jobs, section=figures.fig5),
    "fig7": Part(jobs=maps.jobs, section=maps.section),
    "fig8": Part(jobs=figures.fig8_jobs, section=figures.fig8),
}


def parts_named(name: str) -> list[Part]:
    """One part, or all of them.

    Raises:
        ConfigError: there is none of that name.
    """
    if name != ALL and name not in PARTS:
        raise ConfigError(f"{name!r} cannot be reproduced; expected one of {', '.join(PARTS)} or {ALL}")
    return list(PARTS.values()) if name == ALL else [PARTS[name]]


def reproduce(name: str, study: Study, *, command: str, told: Told | None = None) -> str:
    """Compute the cells of a table or figure, going on where an earlier call stopped, and write the report.

    Rows go to ``rows.jsonl`` of the study's folder as in a benchmark; cells that several parts need are computed once.

    Args:
        name: a key of :data:`PARTS`, or ``all``.
        study: photographs, lines and folder.
        command: what asked for it, named in the report.
        told: hears of the progress, over all parts together.

    Returns:
        The path of the report in HTML; ``report.md`` and the figures lie beside it.

    Raises:
        UnblurError: an unknown name, or what reading and restoring photographs raises; the rows so far are kept.
    """
    parts = parts_named(name)
    todo = [(part, part.jobs(study)) for part in parts]
    total = sum(len(job.cases) * len(job.entries) for _, jobs in todo for job in jobs)
    keep = {name for _, jobs in todo for job in jobs for name in job.keep}  # so that no part restores a cell anew
    done, sections = 0, []
    for part, jobs in todo:
        rows: list[Row] = []
        for job in jobs:
            shifted = _shifted(told, done, total)
            rows += run_cases(job.cases, job.entries, study.folder, device=study.device, told=shifted, keep=keep)
            done += len(job.cases) * len(job.entries)
        sections.append(part.section(study, rows))
    return str(write_document(study.folder, "The paper's evidence, made again", _opening(study, command), sections))


def _shifted(told: Told | None, done: int, total: int) -> Told | None:
    """Progress within one job as progress of the whole."""
    return None if told is None else lambda here, _, text: told(done + here, total, text)


def _opening(study: Study, command: str) -> list[Text]:
    """What a reader must know before the first number."""
    blocks = [
        Text(
            words=f"Xu, Ren, Liu and Jia, Deep Convolutional Neural Network for Image Deconvolution (2014), with the "
            f"methods, weights and pictures of this package. Made by `{command}`, unblur {unblur.__version__}."
        ),
        Text(
            words=f"{len(study.photos)} photographs as grey pictures, blurred by a disk of radius 7 or a camera shake "
            "of 27 pixels in stored values, noise of 1 %, JPEG of quality 75; saturated columns are exposed until "
            "3.5 % of the sharp picture clips, at most twice as bright. The figures show "
            f"{study.shown.name}, of all these the photograph with most pixels at white."
        ),
    ]
    if study.quick:
        blocks.insert(
            1,
            Text(
                words=f"**A quick look, not the evidence**: only {len(study.photos)} photographs and their central "
                f"{QUICK_SIDE} × {QUICK_SIDE} pixels. Differences under a few tenths of a decibel mean nothing here."
            ),
        )
    return blocks
