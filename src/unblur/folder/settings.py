"""How photographs are restored, in words that a later run can be compared with."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from unblur import __version__
from unblur.devices import torch_device
from unblur.errors import ImageError
from unblur.folder.row import Restoring
from unblur.override import overridden
from unblur.plan import planned

WITHOUT_EFFECT = frozenset({"device", "tile", "memory", "compare", "overwrite", "progress"})
"""Options that change how long it takes and how much memory, and no pixel by more than rounding: a run that stopped for
lack of memory goes on with less."""


def described(run: Restoring) -> dict[str, Any]:
    """Everything that decides what the results look like, in numbers and texts.

    PSF, mask and weights appear by their SHA-256, the method and its settings as they will be, defaults included.

    Args:
        run: with the PSF as a tensor.

    Raises:
        UnblurError: the method does not know the PSF, or an option is unknown or out of range.
    """
    known = run.keywords.items()
    options = {key: value for key, value in known if key not in WITHOUT_EFFECT and value is not None}
    plan = planned(
        options["psf"],
        method=options.get("method"),
        transfer=options.get("transfer"),
        encoding=options.get("encoding") or "srgb",
        settings=options.get("settings"),
        device=torch_device(run.keywords.get("device", "auto")),
    )
    plan = overridden(plan, white=options.get("white"), strength=options.get("strength"))
    method, settings = plan.method, plan.settings  # the strength is in the settings now
    options.pop("strength", None)
    said = {
        **options,
        "method": method.name,
        "settings": dataclasses.asdict(settings),
        "weights": method.learned_digest(settings, plan.psf),
        "version": __version__,
    }
    return {key: _plain(value) for key, value in sorted(said.items())}


def key_of(description: Mapping[str, Any]) -> str:
    """A short name for a description; equal ones have the same."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]


def _plain(value: object) -> Any:
    """A value as JSON knows it; arrays and files by what is in them."""
    if isinstance(value, Tensor):
        array = value.detach().cpu().contiguous().numpy()
        return f"{' x '.join(map(str, array.shape))}, sha256 {hashlib.sha256(array.tobytes()).hexdigest()}"
    if isinstance(value, Path):
        try:
            return f"sha256 {hashlib.sha256(value.read_bytes()).hexdigest()}"
        except OSError as error:
            raise ImageError(f"{value} cannot be read ({error.strerror}); expected a picture") from None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} cannot be described")  # a new option: say here what of it matters
