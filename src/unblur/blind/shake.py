"""The PSF of camera shake from the blurred picture alone, from coarse to fine."""

from dataclasses import dataclass

import torch
from torch import Tensor

from unblur.blind.cleanup import alike, centred, cleaned
from unblur.blind.doubt import refuse_empty, refuse_small
from unblur.blind.kernel_step import psf_between
from unblur.blind.latent_step import sharpened
from unblur.blind.plausible import implausibility
from unblur.blind.pyramid import Level, larger, levels, smaller
from unblur.boundary import Inside, extended, extended_weight
from unblur.errors import ConfigError, PsfError
from unblur.psf.parametric import Number
from unblur.tensors import Image, Psf, Report, Weight

WHITE_SHARE = 0.995
"""Quantile of the light that is made 1, so that dark pictures have the gradients that the sparsity is meant for."""

STARTS = (1.0, 2.5, 0.4)
"""Factors of the sparsity: which edges lead to the right PSF differs from picture to picture."""
JUDGING = 0.05
"""Share of the work in telling which start led furthest, for the progress alone."""


@dataclass(frozen=True, kw_only=True)
class ShakeSettings:
    """What decides the estimate; chosen on photographs for validation under made shakes."""

    sparsity: Number = 1e-2
    """The λ of the sharp picture at the coarsest level, above 0; more leaves fewer edges to tell the PSF by. Factors of
    it are tried as well."""
    sparsity_decay: Number = 1 / 1.1
    """Factor of the sparsity from round to round, above 0 and at most 1: finer edges take part later."""
    least_sparsity: Number = 1e-4
    ridge: Number = 2.0
    """The γ of the PSF at the whole size, above 0; more is calmer and wider. At a smaller one it falls as the number of
    pixels does."""
    smoothness: Number = 30.0
    """The δ of the PSF's gradients, 0 or more, in the same way; more takes out the speckle that noise leaves."""
    threshold: Number = 0.05
    """Share of the peak under which a value of the PSF is noise; more is cleaner and loses faint traces."""
    island: Number = 0.1
    """Share of the light under which a part that is apart is dropped."""
    rounds: int = 5
    """At each level; each makes a sharp picture and a PSF."""
    least_agreement: Number = 0.6
    """Two estimates that are less alike contradict each other; 0 believes everything."""

    def __post_init__(self) -> None:
        """Refuse what the iteration cannot bear."""
        for name in ("sparsity", "least_sparsity", "ridge"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected a number above 0")
        if not self.smoothness >= 0:
            raise ConfigError(f"smoothness is {self.smoothness}, expected 0 or more")
        if not (0 < self.sparsity_decay <= 1 and 0 <= self.threshold < 1 and 0 <= self.island < 1):
            raise ConfigError("sparsity_decay, threshold and island are shares, expected numbers from 0 to 1")
        if self.rounds < 1:
            raise ConfigError(f"rounds is {self.rounds}, expected 1 or more")


@dataclass(frozen=True, kw_only=True)
class Shake:
    """What was found."""

    psf: Psf
    """``(side, side)``, its centroid within half a pixel of the middle."""
    agreement: float
    """Similarity of this PSF and the next best one, that came from more or fewer edges, at most 1."""


def estimated_shake(
    blurred: Image,
    side: int,
    *,
    weight: Weight,
    clipped: Weight,
    settings: ShakeSettings | None = None,
    report: Report | None = None,
) -> Shake:
    """Estimate the one PSF that blurred a whole picture.

    At each of several sizes, the coarsest first, a sharp picture with few gradients
    (:func:`unblur.blind.latent_step.sharpened`) and a PSF (:func:`unblur.blind.kernel_step.psf_between`) are made of
    each other in turn. The place of the PSF cannot be known: the sharp picture may lie anywhere. So the centroid is
    brought to the middle.

    Nor is it known whether the answer is right, for the first steps decide and may go astray. So it is sought three
    times, from more and from fewer edges, and the PSF is taken whose restoration is most plausible
    (:func:`unblur.blind.plausible.implausibility`). What is blur comes out again, what noise, texture or an uneven blur
    put into the PSF does not: the two most plausible ones must be alike.

    Args:
        blurred: ``(1, 1, H, W)`` in the light of the blur, white 1.
        side: of the PSF in pixels, odd; rather too large than too small.
        weight: ``(1, 1, H, W)``: 0 for pixels to ignore, 1 for others.
        clipped: 1 where light was clipped: the pixel is ignored, but was at least so bright.
        settings: None takes the defaults.
        report: told the share of the work done; may raise ``Cancelled``.

    Raises:
        ImageError: the picture is too small for the PSF, or nothing in it stands out of the noise.
        PsfError: the side is no odd number, or the two estimates contradict each other.

    After Cho and Lee, Fast motion deblurring (2009); Xu and Jia, Two-phase kernel estimation for robust motion
    deblurring (2010); Pan, Hu, Su and Yang (2014).
    """
    chosen = settings or ShakeSettings()
    refuse_small((blurred.shape[-2], blurred.shape[-1]), side)
    trust = weight * (1 - clipped)
    refuse_empty(blurred, weight=trust)
    bright = blurred / float(blurred.flatten().kthvalue(max(1, round(WHITE_SHARE * blurred.numel()))).values)
    steps = levels(side)
    work = len(STARTS) * sum(level.scale**2 for level in steps) * chosen.rounds
    done = 0.0

    def told() -> None:
        if report:
            report(min(1.0, done / work) * (1 - JUDGING))

    found = []
    for factor in STARTS:
        state = _State(chosen, factor * float(chosen.sparsity), blurred)
        for level in steps:
            state.enter(level, bright, trust, clipped)
            for _ in range(chosen.rounds):
                state.round()
                done += level.scale**2
                told()
        found.append(state.psf)
    found.sort(key=lambda psf: implausibility(blurred, psf, weight=trust))
    if report:
        report(1.0)
    agreed = alike(found[0], found[1])
    if agreed < chosen.least_agreement:
        raise PsfError(
            f"two estimates from more and from fewer edges differ (similarity {agreed:.2f}, expected at least "
            f"{chosen.least_agreement:g}): the blur is uneven or too little tells it; name another part or another size"
        )
    return Shake(psf=found[0].to(torch.float32), agreement=agreed)


class _State:
    """The estimate at one level, and how one round changes it."""

    def __init__(self, settings: ShakeSettings, sparsity: float, like: Tensor) -> None:
        self.settings, self.sparsity = settings, sparsity
        first = like.new_zeros(3, 3)
        first[1, 1:] = 0.5  # a single pixel would be content with the blurred picture
        self.psf: Tensor = first
        self.scale = 0.0

    def enter(self, level: Level, picture: Tensor, trust: Tensor, clipped: Tensor) -> None:
        """Go to a level: its picture, put into a domain without a seam, and its PSF from the level before."""
        self.psf = larger(self.psf, level.side, level.scale / self.scale if self.scale else 1.0)
        self.scale = level.scale
        small = smaller(picture, level.scale)
        self.picture, frame, inside = extended(small, self.psf)
        # Of a small pixel that holds any clipped light nothing is known but that.
        known = (smaller(trust, level.scale) > 0.999).to(picture)
        lost = (smaller(clipped, level.scale) > 0.001).to(picture)
        self.weight = extended_weight(known, frame, inside)
        self.clipped = extended_weight(lost, torch.zeros_like(frame), inside)
        self.counted = self.weight * _inner(frame, inside, level.side // 2)

    def round(self) -> None:
        """One sharp picture and one PSF."""
        chosen = self.settings
        self.sharp = sharpened(self.picture, self.psf, weight=self.weight, clipped=self.clipped, sparsity=self.sparsity)
        share = self.scale**2  # there are so many fewer gradients, and what they outweigh must fall with them
        values = psf_between(
            self.sharp,
            self.picture,
            weight=self.counted,
            ridge=share * float(chosen.ridge),
            smoothness=share * float(chosen.smoothness),
            start=self.psf,
        )
        if not float(values.max()) > 0:
            raise PsfError("no PSF explains the picture: every value came out at 0 or below; name a part with edges")
        self.psf = centred(cleaned(values, threshold=chosen.threshold, island=chosen.island))
        self.sparsity = max(float(chosen.least_sparsity), self.sparsity * float(chosen.sparsity_decay))


def _inner(frame: Tensor, inside: Inside, rim: int) -> Tensor:
    """1 where all light came from within the photograph, which is known best."""
    inner = torch.zeros_like(frame)
    rows, columns = inside
    inner[..., rows.start + rim : rows.stop - rim, columns.start + rim : columns.stop - rim] = 1
    return inner
