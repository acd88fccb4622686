"""What a run writes while it trains: one JSON row every few steps, and the same numbers for TensorBoard."""

import json
import os
from pathlib import Path
from typing import Any


class Rows:
    """Appends to ``rows.jsonl``, and to TensorBoard where the extra ``train`` is installed.

    A run that was killed has logged steps that its saved state does not know; they are dropped on resuming, so that
    every step stands once.

    Args:
        folder: of the run.
        active: whether this process writes; only the first does.
        stage: number of the stage at which the run goes on.
        step: its step.
    """

    def __init__(self, folder: Path, *, active: bool, stage: int, step: int) -> None:
        self.active = active
        if not active:
            return
        self.path = folder / "rows.jsonl"
        self._keep(stage, step)
        self.file = self.path.open("a", encoding="utf-8")
        self.board: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=None)

    def _keep(self, stage: int, step: int) -> None:
        """Drop torn lines and those beyond the position, by writing beside and renaming."""
        if not self.path.exists():
            return
        kept: list[str] = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue  # the line that a kill tore
            if (row["stage_number"], row["step"]) <= (stage, step):
                kept.append(line)
        part = self.path.with_name(self.path.name + ".part")
        part.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        os.replace(part, self.path)  # noqa: PTH105 - the atomic one, named for what it does

    def add(self, row: dict[str, Any]) -> None:
        """Write one row and make sure that it reaches the disk's cache."""
        if not self.active:
            return
        self.file.write(json.dumps(row) + "\n")
        self.file.flush()
        if self.board is not None:
            for key in ("loss", "validation", "pixels_per_second"):
                if row[key] is not None:
                    self.board.add_scalar(f"{row['stage']}/{key}", row[key], row["step"])

    def close(self) -> None:
        """Close both files."""
        if not self.active:
            return
        self.file.close()
        if self.board is not None:
            self.board.close()
