"""A folder of photographs: what is done is skipped, a run that was killed goes on, a failure stops only its own."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from unblur.errors import ConfigError
from unblur.folder.cluster import check_ray, ray_rows
from unblur.folder.photographs import ENDINGS, Pair, pairs_in
from unblur.folder.record import Record
from unblur.folder.row import Restoring, Row, Told, restored_row
from unblur.folder.settings import described, key_of

Engine = Literal["local", "ray"]
_TOLD = ("method", "notes", "warnings")
"""What the record keeps of a row, for the runs that skip it."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be done in a folder."""

    pairs: list[Pair]
    """All photographs, in order."""
    settled: dict[str, Row]
    """By result: what is skipped, and what cannot be done."""
    unread: list[str]
    """A sentence for each folder that cannot be read."""
    stamps: dict[str, list[int] | None]
    """By result: size and time of the photograph, as it was before the work."""
    record: Record
    how: dict[str, Any]
    run: Restoring
    engine: Engine

    @property
    def todo(self) -> list[Pair]:
        """What is left to be restored, in order."""
        return [pair for pair in self.pairs if pair.result not in self.settled]


def work_in(
    folder: Path, output: Path | None, run: Restoring, *, engine: Engine = "local", overwrite: bool = False
) -> Work:
    """Look at a folder of photographs and at what earlier runs left of it; nothing is changed.

    A result counts as done if the record says that it was made with the same settings from a photograph of the same
    size and time, and it still has the size that it was written with.

    Args:
        folder: with photographs, also in folders within it.
        output: for the results, made where missing; None takes ``FOLDER-restored`` beside the folder.
        run: how each is restored.
        engine: ``local``, or ``ray`` for the machines of a Ray cluster.
        overwrite: make results again that stand there with other settings, or that the record does not know. What is
            done is skipped all the same.

    Raises:
        ConfigError: no photograph, an impossible output, results of other settings without ``overwrite``, or a cluster
            without Ray.
        UnblurError: as :func:`unblur.folder.settings.described`.
    """
    folder = folder if folder.name else folder.resolve()
    output = folder.with_name(f"{folder.name}-restored") if output is None else output
    if output.exists() and not output.is_dir():
        raise ConfigError(f"{output} is a file, expected a folder for the results; choose another")
    if not output.resolve().parent.is_dir():
        raise ConfigError(f"{output.parent} is not a folder; make it before writing {output.name} there")
    if output.exists() and output.samefile(folder):
        raise ConfigError(f"{output} holds the photographs, expected another folder for the results; choose one")
    if engine == "ray":
        check_ray()
    how = described(run)
    key = key_of(how)
    pairs, unread = pairs_in(folder, output, crop=run.keywords.get("crop") is not None)
    if not pairs:
        found = unread[0] if unread else f"{folder} holds no photograph"
        raise ConfigError(f"{found}; expected files that end in {' '.join(sorted(ENDINGS))}")
    record = Record.read(output)
    stamps = {pair.result: _stamp(pair.photo) for pair in pairs}
    if not overwrite:
        _refuse_other_settings(pairs, record, output, how, key)
    settled: dict[str, Row] = {}
    for pair in pairs:
        fate = _settled(pair, record, key, stamps[pair.result])
        if fate is not None and not (overwrite and fate.state == "failed"):
            settled[pair.result] = fate
    return Work(
        pairs=pairs, settled=settled, unread=unread, stamps=stamps, record=record, how=how, run=run, engine=engine
    )


def rows_of(work: Work, *, workers: int | None = None, command: str = "", told: Told | None = None) -> Iterator[Row]:
    """Restore what is to be done; a row for every photograph, in their order whatever the engine.

    Args:
        work: from :func:`work_in`.
        workers: photographs at a time on a cluster; None takes one for each of its processors.
        command: what asked for it, for the record.
        told: hears of the progress.

    Raises:
        OSError: the record cannot be written.
    """
    todo, record, key = work.todo, work.record, key_of(work.how)
    if todo:
        record.path.parent.mkdir(exist_ok=True)
        _remove_parts(record)
        record.begin([pair.result for pair in todo], key, work.how, command)
    results = _local_rows(todo, work.run, told) if work.engine == "local" else ray_rows(todo, work.run, workers, told)
    for pair in work.pairs:
        row = work.settled.get(pair.result)
        if row is None:
            row = next(results)
            if row.state == "restored":
                facts = {name: value for name, value in vars(row).items() if name in _TOLD}
                size = pair.output.stat().st_size
                record.finish(
                    pair.result, key, {"photo": pair.name, "stamp": work.stamps[pair.result], "size": size, **facts}
                )
        yield row
    for sentence in work.unread:
        yield Row(photo=sentence.partition(":")[0], output="", state="failed", error=sentence)


def _local_rows(todo: Sequence[Pair], run: Restoring, told: Told | None) -> Iterator[Row]:
    for number, pair in enumerate(todo):

        def report(share: float, number: int = number, name: str = pair.name) -> None:
            if told:
                told(number + share, len(todo), name)

        report(0.0)
        # Whatever stands there may be replaced: it was absent, ours, or overwriting was asked for.
        row = restored_row(pair.photo, pair.output, run, overwrite=True, make_folder=True, report=report)
        report(1.0)
        yield row


def _settled(pair: Pair, record: Record, key: str, stamp: list[int] | None) -> Row | None:
    """The row of a photograph whose result stands there already; None if it is to be restored."""
    if not pair.output.exists():
        return None
    row, photo, output = record.done.get(pair.result), str(pair.photo), str(pair.output)
    if row is None:
        if record.begun.get(pair.result) == key:  # a run was killed between the result and its row
            return None
        reason = "exists already and is not in the record"
    elif row["key"] != key:
        reason = "was made with other settings"
    elif row.get("photo") != pair.name or row.get("stamp") != stamp:
        reason = "was made from another file or an earlier version of it"
    elif row.get("size") != pair.output.stat().st_size:
        reason = "was changed after it was made"
    else:
        return Row(
            photo=photo,
            output=output,
            state="skipped",
            method=row.get("method"),
            notes=tuple(row.get("notes", ())),
            warnings=tuple(row.get("warnings", ())),
        )
    reason = f"{photo}: {output} {reason}; move it away, or --overwrite makes it anew"
    return Row(photo=photo, output=output, state="failed", error=reason)


def _refuse_other_settings(pairs: Sequence[Pair], record: Record, output: Path, how: dict[str, Any], key: str) -> None:
    """Results of two settings in one folder would not be told apart later."""
    keys = [record.key(pair.result) for pair in pairs if pair.output.exists()]
    others = [other for other in keys if other not in (None, key)]
    if not others:
        return
    earlier = record.how.get(str(others[0]), {})
    changed = [name for name in sorted({*how, *earlier}) if how.get(name) != earlier.get(name)]
    said = ", ".join(f"{name} {_short(earlier.get(name))}, now {_short(how.get(name))}" for name in changed)
    raise ConfigError(
        f"{output} holds {len(others)} results of other settings ({said}); "
        "choose another folder, or --overwrite makes them anew"
    )


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _stamp(photo: Path) -> list[int] | None:
    """Size and time of change, which tell versions of a file apart; None for what cannot be looked at."""
    try:
        found = photo.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _remove_parts(record: Record) -> None:
    """Remove the half-written files of a run that was killed."""
    folder = record.path.parent
    for place in {(folder / result).parent for result in record.begun}:
        for part in place.glob(".*.part"):
            name = part.name[1:].rsplit(".", 2)[0]
            if (place / name).relative_to(folder).as_posix() in record.begun:
                part.unlink(missing_ok=True)
