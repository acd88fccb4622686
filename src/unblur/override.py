"""What a user knows better than the method: how far to go, and where the sensor clipped."""

import dataclasses
import math
from typing import Any

from unblur.colour import UNCHANGED, clipping_at
from unblur.errors import ConfigError
from unblur.method import Method
from unblur.plan import Plan

STRENGTHS: dict[str, float] = {
    "strength": 1,
    "noise_to_signal": -2,
    "fidelity": 2,
    "smoothness": -2,
    "iterations": 1,
    "noise": -1,
}
"""Setting → its power of the strength: the first of these that a method has is changed. Noise S times weaker divides a
noise-to-signal ratio, or the λ of a prior, by S², and lets Richardson-Lucy run S times as long."""


def overridden(plan: Plan, *, white: float | None = None, strength: float | None = None) -> Plan:
    """The plan with what was said; None leaves things as they are.

    Args:
        plan: how pictures would be restored.
        white: stored value, as a share of full scale, from which pixels count as clipped; smaller distrusts more.
        strength: see :func:`strengthened`.

    Raises:
        ConfigError: either out of its range, or a method that has no strength.
    """
    if strength is not None:
        plan = dataclasses.replace(plan, settings=strengthened(plan.method, plan.settings, strength))
    if white is None:
        return plan
    if not 0 < white <= 1:
        raise ConfigError(f"the white is {white}, expected a share of full scale, above 0 and at most 1")
    curve = plan.curve if plan.through_light else UNCHANGED
    return dataclasses.replace(plan, through_light=True, curve=clipping_at(white, curve))


def strengthened(method: Method, settings: Any, strength: float) -> Any:
    """A method's settings for noise that is ``strength`` times weaker than they assume.

    Args:
        method: whose settings they are.
        settings: its dataclass; what was chosen there is multiplied, not replaced.
        strength: above 0; 1 changes nothing, more is sharper and noisier, less is calmer and softer.

    Raises:
        ConfigError: a strength that is not above 0, or a method that has none.
    """
    if not (math.isfinite(strength) and strength > 0):
        raise ConfigError(f"the strength is {strength}, expected a number above 0; 1 leaves the method as it is")
    for name, power in STRENGTHS.items():
        if (value := getattr(settings, name, None)) is not None:
            changed = value * strength**power
            counted = max(1, round(changed)) if isinstance(value, int) else changed
            return dataclasses.replace(settings, **{name: counted})
    raise ConfigError(f"{method.name} has no strength, its training has settled it; leave it out or choose a solver")
