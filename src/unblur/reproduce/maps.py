"""Figure 7: what DCNN's maps carry, from a random start and from the separable one."""

from collections.abc import Sequence
from typing import Literal

import torch

from unblur.benchmark.case import pair_of
from unblur.benchmark.entry import INPUT, Entry
from unblur.benchmark.run import Row
from unblur.boundary import mirrored
from unblur.errors import WeightsError
from unblur.networks.dcnn import DCNN
from unblur.reproduce.document import Picture, Section
from unblur.reproduce.drawing import mosaic
from unblur.reproduce.study import Job, Study
from unblur.tensors import Image, Psf
from unblur.trained import DcnnSettings, network_of, weights_for

SHOWN = 3
"""Maps of each start, as many as in the paper."""


def jobs(study: Study) -> list[Job]:
    """The blurred picture alone: the maps are looked at directly."""
    case = study.case("disk")
    return [Job(cases=[case], entries=[Entry(label=INPUT, method=INPUT)], keep=[case.name])]


def section(study: Study, rows: Sequence[Row]) -> Section:
    """The maps that count most, in one line for each start."""
    del rows
    pair = pair_of(study.case("disk"))
    panels = []
    for start in ("random", "separable"):
        maps = strongest_maps(pair.blurred.to(study.device), pair.psf.to(study.device), start=start)
        panels += [(f"{start} start, map {number}", image) for number, image in maps]
        panels.append(("blurred", pair.blurred) if start == "random" else ("sharp", pair.sharp))
    mosaic(panels, study.folder / "fig7.png", columns=SHOWN + 1)
    caption = (
        f"{study.shown.name}, disk: of the last hidden layer, the {SHOWN} maps that add most to the result (standard "
        "deviation times weight), turned so that what brightens the result is bright, each stretched by itself. The "
        "paper finds high-pass filters of the blurred picture after a random start, sharper edges after the "
        "separable one."
    )
    return Section(
        title="Figure 7: intermediate maps, random and separable start",
        blocks=[Picture(file="fig7.png", caption=caption)],
    )


@torch.no_grad()
def strongest_maps(
    blurred: Image, psf: Psf, *, start: Literal["random", "separable"], count: int = SHOWN
) -> list[tuple[int, Image]]:
    """The maps of the shipped DCNN's second layer that add most to the result.

    Args:
        blurred: ``(1, 1, H, W)`` in [0, 1].
        psf: that the network was trained for.
        start: of its training.
        count: how many.

    Returns:
        Number of the map, and ``(1, 1, H, W)`` in [0, 1]: its median at 0.5, its 99 % quantile at an end, the sign
        that of its effect on the result; strongest first.

    Raises:
        WeightsError: the weights are missing or of another network.
    """
    network = network_of(weights_for("dcnn")(DcnnSettings(start=start), psf)[0]).to(blurred)
    if not isinstance(network, DCNN):
        raise WeightsError(f"the weights for a DCNN of {start} start are of another network; install them again")
    maps = network.maps(mirrored(blurred, network.margin))[0]
    weights = network.mix.weight[0, :, 0, 0]
    effect = maps.std(dim=(1, 2)) * weights.abs()
    found = []
    for number in effect.topk(min(count, len(effect))).indices.tolist():
        signed = maps[number] * weights[number].sign()
        signed = signed - signed.median()
        ordered = signed.abs().flatten().sort().values
        reach = ordered[int(0.99 * (len(ordered) - 1))].clamp_min(1e-9)
        found.append((number + 1, (0.5 + 0.5 * signed / reach).clamp(0, 1)[None, None]))
    return found
