"""A training state in one file: written whole or not at all, refused where it belongs to something else."""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from unblur.errors import ConfigError, WeightsError


def digest(values: Mapping[str, Any]) -> str:
    """SHA-256 of plain nested values: what decides whether one run may continue another."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def save_state(path: Path, state: Mapping[str, Any], *, belongs_to: str) -> None:
    """Write a state beside ``path``, then rename: a kill leaves the old state or the new one, never half.

    Args:
        path: of the file.
        state: tensors and plain values.
        belongs_to: digest of all that decides the result.

    Raises:
        WeightsError: the disk refuses.
    """
    write_whole(path, {**state, "belongs_to": belongs_to})


def write_whole(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors and plain values beside ``path``, then rename.

    Raises:
        WeightsError: the disk refuses; what stood there before still does.
    """
    content = io.BytesIO()  # torch.save into a file that cannot grow may end the whole process
    torch.save(dict(state), content)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be written ({error.strerror}); make room and give the same command again, it goes on from "
            "the last state"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def load_state(path: Path, *, belongs_to: str, device: torch.device) -> dict[str, Any] | None:
    """Read what :func:`save_state` wrote; None where there is no file.

    Raises:
        WeightsError: the file is damaged.
        ConfigError: it belongs to another run.
    """
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        found = state["belongs_to"]
    except Exception as error:  # the reader raises anything over a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{path}: not a training state ({reason}); remove it to start afresh") from None
    if found != belongs_to:
        raise ConfigError(
            f"{path} was made by run {str(found)[:12]}, this one is {belongs_to[:12]}; "
            "use the same settings and PSF, or another output folder"
        )
    return state
