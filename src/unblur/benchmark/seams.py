"""How far a picture restored in tiles is from the same picture restored at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unblur.devices import torch_device
from unblur.plan import Plan, planned
from unblur.psf.parse import parse_psf
from unblur.tensors import Image, Psf, Transfer


@dataclass(frozen=True, kw_only=True)
class Seams:
    """Differences in steps of 8 bits (1/255), over all pixels and planes, the picture's own border included."""

    largest: float
    usual: float
    """Exceeded by one value in a thousand."""
    mean: float
    inside: float
    """The largest one further than a PSF from the picture's border."""
    margin: int
    """Pixels by which the tiles overlapped on each side."""


def seams(
    blurred: Image,
    psf: Psf | str,
    *,
    method: str = "universal",
    tile: int = 256,
    margin: int | None = None,
    settings: Mapping[str, object] | None = None,
    transfer: Transfer = "linear",
    device: str = "cpu",
) -> Seams:
    """Restore a photograph at once and in tiles, as ``unblur restore`` would, and compare what a file would hold.

    Args:
        blurred: stored values in [0, 1].
        psf: a tensor, or a text such as ``disk:7``.
        method: name of a method that takes tiles.
        tile: largest side of a tile in pixels, its margin not counted.
        margin: overlap to try in place of the method's own; larger makes the difference smaller.
        settings: of the method.
        transfer: the light of the blur.
        device: where to restore.

    Raises:
        ConfigError: an unknown method, or one that refuses tiles.
    """
    plan = planned(
        parse_psf(psf) if isinstance(psf, str) else psf,
        method=method,
        transfer=transfer,
        encoding="srgb",
        settings=settings,
        device=torch_device(device),
    )
    if margin is not None:
        plan = _with_margin(plan, margin)
    with torch.no_grad():
        whole = plan.restored(blurred, tile=max(blurred.shape[-2:]))
        parts = plan.restored(blurred, tile=tile)
    return _compared(whole, parts, plan)


def _with_margin(plan: Plan, margin: int) -> Plan:
    tiling = replace(plan.method.tiling, margin=lambda *_: margin)
    return replace(plan, method=replace(plan.method, tiling=tiling))


def _compared(whole: Tensor, parts: Tensor, plan: Plan) -> Seams:
    difference = (parts - whole).abs() * 255
    reach = min(max(plan.psf.shape), (min(whole.shape[-2:]) - 1) // 2)
    inner = difference[..., reach : whole.shape[-2] - reach, reach : whole.shape[-1] - reach]
    flat = difference.flatten().sort().values
    return Seams(
        largest=float(flat[-1]),
        usual=float(flat[int(0.999 * (len(flat) - 1))]),
        mean=float(flat.mean()),
        inside=float(inner.max()),
        margin=plan.method.margin(plan.psf, plan.settings),
    )
