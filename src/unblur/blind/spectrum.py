"""How well a PSF fits the power spectrum of a blurred picture: where it erases, the picture must be empty."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.tensors import Image, Psf, Weight

HIGHEST = 0.25
"""Cycles per pixel up to which is looked; beyond, JPEG empties the spectrum, which the model of noise does not know. On
photographs for validation at JPEG 85, 0.46 found next to no disk; 0.2 found a small one less exactly."""
ROUNDS = 12
"""Of Fisher scoring."""
_DAMPING = 1e-3
_TOGETHER = 18
"""PSFs that are compared at a time, which bounds the memory."""
_LEAST_KNOWN = 0.9
"""Share of a tile's pixels that must be trusted."""

Spectrum = Float[Tensor, "n f"]


@dataclass(frozen=True, kw_only=True)
class Periodogram:
    """The mean power spectrum of a picture's tiles."""

    power: Spectrum
    """``(n, n // 2 + 1)``, the mean of ``|F(w (y - ȳ))|² / Σ w²``."""
    side: int
    """Of the tiles, in pixels."""
    tiles: int
    """How many were averaged."""


def periodogram(plane: Image, side: int, *, weight: Weight) -> Periodogram | None:
    """Average the power spectra of half-overlapping tiles under a Hann window (Welch 1967).

    Args:
        plane: ``(1, 1, H, W)``.
        side: of the tiles in pixels, even, at most the picture's.
        weight: tiles with more than a tenth of untrusted pixels are left out.

    Returns:
        None where no tile is left.
    """
    tiles = plane[0, 0].unfold(0, side, side // 2).unfold(1, side, side // 2).reshape(-1, side, side)
    known = weight[0, 0].unfold(0, side, side // 2).unfold(1, side, side // 2).reshape(-1, side, side)
    tiles = tiles[known.mean(dim=(1, 2)) > _LEAST_KNOWN]
    if not len(tiles):
        return None
    window = _window(side, plane)
    mean = (tiles * window).sum(dim=(1, 2), keepdim=True) / window.sum()
    power = torch.fft.rfft2((tiles - mean) * window).abs().square() / window.square().sum()
    return Periodogram(power=power.mean(dim=0), side=side, tiles=len(tiles))


def misfits(found: Periodogram, psfs: list[Tensor]) -> Float[Tensor, " c"]:
    """How badly each PSF explains a spectrum: Whittle's negative log-likelihood per frequency, lower is better.

    The model is ``m(f) = exp(a + b ln|f| + c cos 2θ + d sin 2θ + e cos 4θ + g sin 4θ) |K(f)|² + n``: sharp pictures
    have spectra that fall like a power of the frequency, unequally in different directions; the PSF multiplies it,
    noise is added. For
    every PSF the seven numbers that fit best are found by Fisher scoring, and ``Σ ln m + P / m`` is compared. The
    window smooths the zeros of ``|K|²`` as it does the picture's.

    Args:
        found: of the picture; its tiles are larger than any PSF.
        psfs: to compare.

    Returns:
        One number for each.

    After Whittle, Estimation and information in stationary time series (1953), for the likelihood; power laws of
    natural pictures after Field (1987).
    """
    like = found.power
    rows = torch.fft.fftfreq(found.side, dtype=like.dtype, device=like.device)[:, None]
    columns = torch.fft.rfftfreq(found.side, dtype=like.dtype, device=like.device)[None, :]
    radius, angle = torch.hypot(rows, columns), torch.atan2(rows, columns)
    seen = (radius > 2.5 / found.side) & (radius < HIGHEST)
    power, radius, angle = like[seen], radius[seen], angle[seen]
    # Mean and slope are made nearly independent, which scoring needs to go straight to the optimum.
    slope = radius.log() - radius.log().mean()
    basis = [torch.ones_like(slope), slope]
    basis += [wave(turns * angle) for turns in (2, 4) for wave in (torch.cos, torch.sin)]
    shapes = torch.stack(basis, dim=1)
    passed = torch.stack([_smoothed(psf.to(like), found.side)[seen] for psf in psfs])
    return torch.cat([_misfit(power, shapes, some) for some in passed.split(_TOGETHER)])


def _misfit(power: Float[Tensor, " f"], shapes: Float[Tensor, "f k"], passed: Float[Tensor, "c f"]) -> Tensor:
    """The lowest ``mean(ln m + P / m)`` over the numbers of the model, for each candidate."""
    count = shapes.shape[1]
    values = power.new_zeros(len(passed), count + 1)
    values[:, 1] = -2.5
    values[:, -1] = power.quantile(0.02).clamp_min(1e-12).log()
    values[:, 0] = (power.mean() / (torch.exp(shapes[:, 1] * -2.5) * passed).mean(dim=1)).clamp_min(1e-12).log()

    def modelled(numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        signal = torch.exp((numbers[:, :count] @ shapes.T).clamp(-40, 40)) * passed
        model = signal + numbers[:, -1:].exp()
        return signal, model, (model.log() + power / model).mean(dim=1)

    signal, model, best = modelled(values)
    damping = torch.full_like(best, _DAMPING)
    for _ in range(ROUNDS):
        noise = values[:, -1:].exp().expand_as(model)
        slopes = torch.cat([signal[..., None] * shapes, noise[..., None]], dim=2) / model[..., None]
        score = (slopes * (power / model - 1)[..., None]).mean(dim=1)
        fisher = slopes.transpose(1, 2) @ slopes / len(power)
        ridge = torch.diag_embed(damping[:, None] * fisher.diagonal(dim1=1, dim2=2).clamp_min(1e-6))
        tried = values + torch.linalg.solve(fisher + ridge, score).clamp(-2, 2)
        candidate = modelled(tried)
        better = candidate[2] < best
        values = torch.where(better[:, None], tried, values)
        signal, model = (
            torch.where(better[:, None], new, old) for new, old in zip(candidate[:2], (signal, model), strict=True)
        )
        best, damping = torch.where(better, candidate[2], best), torch.where(better, damping / 5, damping * 20)
    return best


def _smoothed(psf: Psf, side: int) -> Spectrum:
    """``|K|²`` as tiles under the window show it: its autocorrelation is multiplied by the window's."""
    double = 2 * side
    window = _window(side, psf)
    own = torch.fft.irfft2(torch.fft.rfft2(window, s=(double, double)).abs().square(), s=(double, double))
    spread = torch.fft.irfft2(torch.fft.rfft2(psf, s=(double, double)).abs().square(), s=(double, double))
    tapered = spread * own / own[0, 0]
    # Every second frequency of the double size is one of the tile's.
    return torch.fft.rfft2(tapered).real[::2, ::2].clamp_min(1e-9)


def _window(side: int, like: Tensor) -> Tensor:
    bell = torch.hann_window(side, periodic=False, dtype=like.dtype, device=like.device)
    return bell[:, None] * bell[None, :]
