"""What lies outside the photograph: the only place that knows about edges.

A blurred photograph has no circular border: its rim holds light from beyond the frame. Solvers therefore work on an
extended picture and get a weight that is 0 outside, so that the outside is free to explain the rim. What stands
there to begin with is the mirrored photograph, faded into the one mirrored at the opposite edge, so that the
circular domain has no seam.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from jaxtyping import Float
from torch import Tensor

from unblur.fourier import Blur, fast_size
from unblur.tensors import Image, Psf, Weight

Inside = tuple[slice, slice]
Circular = tuple[bool, bool]
"""Whether a picture comes as a circle along its height and its width, and needs no extension there."""


@dataclass(frozen=True, kw_only=True)
class Arc:
    """Part of the circle that an extended photograph is along one axis, in pixels from the photograph's first one."""

    start: int
    """Below 0: before the photograph, or on the opposite side of it."""
    stop: int
    length: int
    """Of the photograph."""
    full: int
    """Of the circle."""
    wanted: slice
    """Pixels of the photograph for whose sake the part is looked at."""

    @property
    def circular(self) -> bool:
        """Whether it is all of the circle."""
        return self.stop - self.start == self.full


def replicated(image: Image, margin: int) -> Tensor:
    """Extend every side by ``margin`` pixels, of any number, by repeating the outermost pixel."""
    return F.pad(image, (margin, margin, margin, margin), mode="replicate")


def mirrored(image: Image, margin: int) -> Tensor:
    """Extend every side by ``margin`` pixels, of any number, by mirroring at the edge (the edge pixel is repeated)."""
    for dim in (-2, -1):
        length = image.shape[dim]
        positions = torch.arange(-margin, length + margin, device=image.device)
        image = image.index_select(dim, _mirror(positions, length))
    return image


def extended(image: Image, psf: Psf, *, circular: Circular = (False, False)) -> tuple[Tensor, Tensor, Inside]:
    """Put the photograph into a larger circular domain without a seam.

    Each side of the domain exceeds the photograph's by at least twice the PSF's, rounded up to what the FFT likes.

    Args:
        image: ``(B, C, H, W)``, of any size, also smaller than the PSF.
        psf: ``(kh, kw)``.
        circular: axes along which nothing is added.

    Returns:
        The extended picture ``(B, C, H', W')``; its weight ``(1, 1, H', W')``, 1 on the photograph and 0 outside; the
        slices of height and width where the photograph lies.
    """
    size, inside = domain((image.shape[-2], image.shape[-1]), psf, circular=circular)
    picture = image
    for dim, full, part in zip((-2, -1), size, inside, strict=True):
        picture = _periodic(picture, full, dim).roll(part.start, dims=dim)
    weight = picture.new_zeros(1, 1, *size)
    weight[..., inside[0], inside[1]] = 1
    return picture, weight, inside


def domain(size: tuple[int, int], psf: Psf, *, circular: Circular = (False, False)) -> tuple[tuple[int, int], Inside]:
    """Height and width of the domain of :func:`extended`, and where in it a photograph of ``size`` lies."""
    larger = fast_size(size[0] + 2 * psf.shape[0], size[1] + 2 * psf.shape[1])
    whole = (size[0] if circular[0] else larger[0], size[1] if circular[1] else larger[1])
    starts = [(full - length) // 2 for full, length in zip(whole, size, strict=True)]
    return whole, (slice(starts[0], starts[0] + size[0]), slice(starts[1], starts[1] + size[1]))


def extended_rows(
    of: Callable[[Tensor], Tensor],
    size: tuple[int, int],
    psf: Psf,
    rows: slice,
    *,
    circular: Circular = (False, False),
) -> Tensor:
    """Some rows of :func:`extended`, for a photograph that is read row by row.

    Args:
        of: rows of these numbers of the photograph, ``(n, W)``.
        size: its height and width.
        psf: ``(kh, kw)``.
        rows: of the domain.
        circular: as for :func:`extended`.

    Returns:
        ``(n, W')``.
    """
    whole, inside = domain(size, psf, circular=circular)
    positions = (torch.arange(rows.start, rows.stop) - inside[0].start) % whole[0]
    first, second, share = sources(positions, size[0], whole[0])
    picture = of(first)
    blended = share > 0
    if blended.any():
        part = picture[blended]
        picture[blended] = part + share[blended, None].to(part) * (of(second[blended]) - part)
    return _periodic(picture, whole[1], -1).roll(inside[1].start, dims=-1)


def filled(image: Image, weight: Weight, psf: Psf, *, usual: Tensor | None = None) -> Image:
    """Replace ignored pixels by the mean of the trusted ones around them, over twice the PSF's reach.

    Args:
        image: ``(B, C, H, W)``.
        weight: 1 = trust, 0 = ignore; in between mixes.
        psf: only its size is used.
        usual: ``(B, C, 1, 1)``, what stands where none around is trusted; None takes :func:`trusted_mean`.
    """
    reach = min(max(psf.shape), *image.shape[-2:])
    window, around = 2 * (reach // 2) + 1, reach // 2
    trust = weight.expand_as(image)

    def mean(values: Tensor) -> Tensor:
        return F.avg_pool2d(values, window, stride=1, padding=around, count_include_pad=False)

    near = mean(image * trust) / mean(trust).clamp_min(1e-6)
    usual = trusted_mean([image], [trust]) if usual is None else usual
    return torch.lerp(torch.where(mean(trust) > 1e-3, near, usual), image, trust)


def trusted_mean(images: Iterable[Tensor], weights: Iterable[Tensor]) -> Tensor:
    """The mean of every plane's trusted pixels, ``(B, C, 1, 1)``, of a picture in parts with the weights of each."""
    light = trusted = torch.zeros(())
    for image, weight in zip(images, weights, strict=True):
        trust = weight.expand_as(image)
        light = light.to(image) + (image * trust).sum(dim=(-2, -1), keepdim=True)
        trusted = trusted.to(image) + trust.sum(dim=(-2, -1), keepdim=True)
    return light / trusted.clamp_min(1e-6)


def extended_weight(weight: Tensor | None, frame: Tensor, inside: Inside) -> Tensor:
    """The photograph's own weight put into the extended domain: ``frame`` (from :func:`extended`) where there is none.

    Args:
        weight: ``(B|1, C|1, H, W)`` in [0, 1], 1 = trust, 0 = ignore; None trusts the whole photograph.
        frame: ``(1, 1, H', W')``, 1 inside the photograph.
        inside: where the photograph lies.
    """
    if weight is None:
        return frame
    whole = frame.expand(weight.shape[0], weight.shape[1], -1, -1).clone()
    whole[..., inside[0], inside[1]] = weight
    return whole


def edge_tapered(image: Image, psf: Psf) -> Image:
    """Lead the edges of a picture over into its circularly blurred version, for methods that compute circularly.

    The weighted sum of the picture and the blurred one. Along each axis the PSF's projection onto it is correlated with
    itself, as a share of the value at lag 0; a pixel's weight is the product over both axes of one minus that share at
    its distance from the nearer edge: 0 on the outermost pixels, which are the blurred ones, and 1 from the length of
    the projection inwards, where the picture stays as it is.

    Args:
        image: ``(B, C, H, W)``.
        psf: ``(kh, kw)``, odd sides, sum 1.

    Returns:
        A picture of the same shape, within the range of the given one.

    Raises:
        PsfError: the PSF is larger than the picture.

    After the documentation of MATLAB's ``edgetaper``. It leaves open how the autocorrelation is laid on the axis; that
    it starts anew from either edge, so that opposite edges are treated alike, is a choice made here.
    """
    blurred = Blur(psf, (image.shape[-2], image.shape[-1]))(image)
    rows = _inwardness(psf.sum(dim=1), image.shape[-2])
    columns = _inwardness(psf.sum(dim=0), image.shape[-1])
    return torch.lerp(blurred, image, rows[:, None] * columns)


def _inwardness(projection: Float[Tensor, " k"], length: int) -> Float[Tensor, " n"]:
    """One minus the normalised autocorrelation of ``projection`` at each of ``length`` pixels' distance to the edge."""
    reach = len(projection)
    alike = F.conv1d(projection[None, None], projection[None, None], padding=reach - 1)[0, 0, reach - 1 :]
    positions = torch.arange(length, device=projection.device)
    distance = torch.minimum(positions, length - 1 - positions)
    share = (alike / alike[0])[distance.clamp_max(reach - 1)]
    return torch.where(distance < reach, 1 - share, 1.0)


def _periodic(image: Tensor, full: int, dim: int) -> Tensor:
    """Append pixels along ``dim`` that lead from the last one, by mirror images, back to the first."""
    length = image.shape[dim]
    first, second, share = sources(torch.arange(length, full, device=image.device), length, full)
    share = share.to(image).reshape(-1, 1) if dim == -2 else share.to(image)
    from_end, from_start = image.index_select(dim, first), image.index_select(dim, second)
    return torch.cat([image, from_end + share * (from_start - from_end)], dim=dim)


def sources(positions: Tensor, length: int, full: int) -> tuple[Tensor, Tensor, Tensor]:
    """Which two of ``length`` pixels meet at positions of a circle of ``full``, and the share of the second.

    Positions are counted from the first pixel, from 0 up to ``full``; those below ``length`` are the pixels themselves,
    with a share of 0. The share is float64.
    """
    share = (positions - length + 1).clamp_min(0).to(torch.float64) / (full - length + 1)
    # The quarter next to either edge is its own mirror image alone, so that what lies opposite, which in a tile is
    # another part of the picture than in the whole, stays out of reach.
    share = (2 * share - 0.5).clamp(0, 1)
    share = share * share * (3 - 2 * share)  # smooth at both ends, so that no crease rings
    return _mirror(positions, length), _mirror(positions - full, length), share


def _mirror(positions: Tensor, length: int) -> Tensor:
    """Indices of the endlessly mirrored row of ``length`` pixels, half-sample symmetric, at any integer positions."""
    phase = positions % (2 * length)
    return torch.where(phase < length, phase, 2 * length - 1 - phase)
