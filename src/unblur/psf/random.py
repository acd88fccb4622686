"""PSFs drawn at random: camera shakes, mixed families for training, and the errors of measured PSFs.

Every draw is made in float64 on the generator's own device, so that a seed means the same PSF wherever the pictures
lie.
"""

import cmath
import math

import torch
from torch import Tensor

from unblur.errors import PsfError
from unblur.psf.parametric import LARGEST, Number, delta, disk, gauss, motion, polygon
from unblur.tensors import Psf

STEPS = 400
"""Points of a shake's longest path; between them the camera moves straight and steadily."""
SHAKE_BLUR = 0.4
"""Standard deviation in pixels of the optics behind every shake: no camera draws a line of one pixel."""

FAMILIES = (
    ("shake", 0.30),
    ("disk", 0.15),
    ("soft disk", 0.10),
    ("polygon", 0.10),
    ("line", 0.10),
    ("gauss", 0.10),
    ("product", 0.15),
)
"""What :func:`random_psf` draws from, and how often."""


def shake(size: int, generator: torch.Generator) -> Psf:
    """The path of a hand-held camera: inertia, tremor, a pull back to the aim, and rare jolts.

    The path is scaled until it fills the array and is centred on its centroid. Where the camera lingers, more light
    falls. After the motion model of Boracchi and Foi (2012), here with a speed that varies.

    Args:
        size: side of the PSF in pixels, odd, 3 or more; larger blurs more.
        generator: fixes the path.

    Returns:
        ``(size, size)`` float32 on the generator's device.

    Raises:
        PsfError: the size is even, below 3 or absurd.
    """
    if size < 3 or size % 2 == 0 or size > LARGEST:
        raise PsfError(f"a shake of {size} px was asked for, expected an odd side from 3 to {LARGEST:g}")
    half = size // 2
    x, y = _path(generator)
    shown = round(STEPS * _uniform(generator, 0.15, 1))  # a short exposure sees a simple curve, a long one a tangle
    x, y = x[:shown] - x[:shown].mean(), y[:shown] - y[:shown].mean()
    # The splat reaches one pixel further than the path, and so does the blur after it.
    scale = max(half - 1.0, half / 2) / float(torch.maximum(x.abs().max(), y.abs().max()))
    drawn = _splatted(*_dense(x * scale, y * scale), half)
    optics = gauss(SHAKE_BLUR).to(drawn)
    edge = (len(optics) - 1) // 2
    blurred = _convolved(drawn, optics)[edge : edge + size, edge : edge + size]
    return (blurred / blurred.sum()).to(generator.device, torch.float32)


def shake_seeded(size: int, seed: int) -> Psf:
    """The camera shake number ``seed`` of ``size`` pixels; see :func:`shake`. The seed is 0 to 2⁶³ - 1."""
    if not 0 <= seed < 2**63:
        raise PsfError(f"the seed of a shake is {seed}, expected a whole number from 0 to 2^63 - 1")
    return shake(size, torch.Generator().manual_seed(seed))


def random_psf(generator: torch.Generator, *, largest: int = 61) -> Psf:
    """Draw a PSF from :data:`FAMILIES`: family, size and all parameters at random.

    Sizes are drawn evenly in their logarithm, so that small blurs are as common as large ones.

    Args:
        generator: fixes the draw.
        largest: longest side in pixels, odd, 5 or more.

    Returns:
        ``(kh, kw)`` float32 on the generator's device, sides from 3 to ``largest``.

    Raises:
        PsfError: ``largest`` is even, below 5 or absurd.
    """
    if largest < 5 or largest % 2 == 0 or largest > LARGEST:
        raise PsfError(f"the largest side of a random PSF is {largest}, expected an odd number from 5 to {LARGEST:g}")
    shares = torch.tensor([share for _, share in FAMILIES], dtype=torch.float64)
    family = FAMILIES[int((shares.cumsum(0) < _uniform(generator, 0, float(shares.sum()))).sum())][0]
    psf = _member(family, generator, largest).to(generator.device)
    kh, kw = psf.shape
    pad_y, pad_x = max(0, 3 - kh) // 2, max(0, 3 - kw) // 2
    return torch.nn.functional.pad(psf, (pad_x, pad_x, pad_y, pad_y))


def perturbed(psf: Psf, generator: torch.Generator, *, strength: Number) -> Psf:
    """What measuring or estimating the PSF would have given: a little turned, scaled, shifted, blurred, noisy, cut.

    At strength 1 the scale errs by up to 4 %, the angle by 3 degrees, the position by 0.35 px; noise on a pixel is
    5 % of the geometric mean of its value and the peak; tails under up to 2 % of the peak are cut off.

    Args:
        psf: odd sides, sums to 1.
        generator: fixes the errors.
        strength: 0 leaves the PSF alone, 1 is a careless measurement; more is worse.

    Returns:
        A valid PSF with the shape, dtype and device of ``psf``; what the errors push over its rim is lost.

    Raises:
        PsfError: the strength is negative or not finite.
    """
    if not (math.isfinite(strength) and strength >= 0):
        raise PsfError(
            f"the strength of a PSF's error is {strength:g}, expected 0 or a positive number, usually up to 1"
        )
    if strength == 0:
        return psf.clone()
    values = psf.to(generator.device, torch.float64)
    scale = math.exp(_uniform(generator, -0.04, 0.04) * strength)
    turn = cmath.rect(scale, math.radians(_uniform(generator, -3, 3)) * strength)
    shift = complex(_uniform(generator, -0.35, 0.35), _uniform(generator, -0.35, 0.35)) * strength
    warped = moved(values, turn, shift)
    optics = gauss(max(1e-3, _uniform(generator, 0, 0.4) * strength)).to(warped)
    edge_y, edge_x = optics.shape[0] // 2, optics.shape[1] // 2
    warped = _convolved(warped, optics)[edge_y : edge_y + psf.shape[0], edge_x : edge_x + psf.shape[1]]
    peak = warped.max()
    spread = strength * (0.05 * (warped * peak).sqrt() + 0.002 * peak)
    noisy = warped + spread * torch.randn(
        warped.shape, generator=generator, dtype=torch.float64, device=generator.device
    )
    threshold = _uniform(generator, 0, 0.02) * strength * noisy.max()
    cut = torch.where(noisy > threshold, noisy, 0).clamp_min(0)
    if not float(cut.sum()) > 0:  # only when the errors are so large that nothing is left to restore with
        return psf.clone()
    return (cut / cut.sum()).to(psf)


def _member(family: str, generator: torch.Generator, largest: int) -> Psf:
    """One PSF of a family, no side longer than ``largest``."""
    half = largest / 2
    if family == "shake":
        return shake(2 * round(_log_uniform(generator, 2, (largest - 1) / 2)) + 1, generator)
    if family == "disk":
        return disk(_log_uniform(generator, 0.8, half))
    if family == "soft disk":
        sigma = _log_uniform(generator, 0.25, max(0.3, half / 12))
        edge = gauss(sigma)
        sharp = disk(_log_uniform(generator, 0.8, max(0.9, half - len(edge) // 2)))
        return _joined(sharp, edge)
    if family == "polygon":
        blades = 5 + int(_uniform(generator, 0, 5))
        return polygon(blades, _log_uniform(generator, 0.9, half), _uniform(generator, 0, 360))
    if family == "line":
        return motion(_log_uniform(generator, 1.5, largest - 1), _uniform(generator, 0, 180))
    if family == "gauss":
        sigma = _log_uniform(generator, 0.3, half / 4)
        across = sigma * _uniform(generator, 0.35, 1) if _uniform(generator, 0, 1) < 0.5 else sigma
        return gauss(sigma, across, _uniform(generator, 0, 180))
    # A product: defocus and shake together, for instance; the sides add up, less one.
    part = (largest + 1) // 2
    part -= 1 - part % 2
    if part < 5:
        return delta()
    names = [name for name, _ in FAMILIES if name != "product"]
    first, second = (names[int(_uniform(generator, 0, len(names)))] for _ in range(2))
    return _joined(_member(first, generator, part), _member(second, generator, part))


def _path(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Positions ``(STEPS,)`` to the right and downwards, in units of their own."""
    kicks = torch.randn(STEPS, 2, generator=generator, dtype=torch.float64, device=generator.device).tolist()
    fates = torch.rand(STEPS, 2, generator=generator, dtype=torch.float64, device=generator.device).tolist()
    inertia = _uniform(generator, 0.90, 0.98)
    pull = _uniform(generator, 0, 0.002)
    jolts = _uniform(generator, 0, 4) / STEPS
    position, force = 0j, 0j
    velocity = cmath.rect(3.0, _uniform(generator, 0, 2 * math.pi))
    visited = []
    for (kick_x, kick_y), (fate, aim) in zip(kicks, fates, strict=True):
        visited.append(position)
        force = 0.8 * force + 0.2 * complex(kick_x, kick_y)
        velocity = inertia * velocity + force - pull * position
        if fate < jolts:  # the hand jerks back, a little aside
            velocity = -2 * velocity * cmath.rect(1.0, aim - 0.5)
        position += velocity
    path = torch.tensor([(z.real, z.imag) for z in visited], dtype=torch.float64)
    return path[:, 0], path[:, 1]


def _dense(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The same path with steps of at most a quarter of a pixel, evenly spread over time."""
    stride = float(torch.hypot(x.diff(), y.diff()).max())
    between = max(1, math.ceil(4 * stride))
    share = (torch.arange(between, dtype=x.dtype) + 0.5) / between
    return tuple((v[:-1, None] + share * v.diff()[:, None]).flatten() for v in (x, y))  # type: ignore[return-value]


def _splatted(x: Tensor, y: Tensor, half: int) -> Tensor:
    """Drop every point onto its four pixels, bilinearly: this keeps the centroid exactly."""
    size = 2 * half + 1
    x, y = x + half, y + half
    left, top = x.floor().clamp(0, size - 2), y.floor().clamp(0, size - 2)
    right_share, bottom_share = x - left, y - top
    drawn = torch.zeros(size * size, dtype=x.dtype)
    for dy, share_y in ((0, 1 - bottom_share), (1, bottom_share)):
        for dx, share_x in ((0, 1 - right_share), (1, right_share)):
            drawn.index_add_(0, ((top + dy) * size + left + dx).long(), share_y * share_x)
    return drawn.reshape(size, size)


def moved(psf: Psf, turn: complex, shift: complex) -> Psf:
    """The PSF turned and scaled about its origin, then shifted; neither its sum nor its rim is looked after.

    Args:
        psf: ``(kh, kw)``.
        turn: what points to the right goes where this complex number points (its real part right, imaginary down).
        shift: pixels to the right (real part) and down (imaginary part).
    """
    kh, kw = psf.shape
    y = torch.arange(kh, dtype=psf.dtype, device=psf.device)[:, None] - kh // 2
    x = torch.arange(kw, dtype=psf.dtype, device=psf.device)[None, :] - kw // 2
    back = 1 / turn
    dx, dy = x - shift.real, y - shift.imag
    source_x = dx * back.real - dy * back.imag
    source_y = dx * back.imag + dy * back.real
    grid = torch.stack([source_x * 2 / kw, source_y * 2 / kh], dim=-1)  # 1 is half a pixel beyond the last centre
    sampled = torch.nn.functional.grid_sample(psf[None, None], grid[None], mode="bilinear", align_corners=False)
    return sampled[0, 0]


def _joined(first: Tensor, second: Tensor) -> Tensor:
    """One blur after the other."""
    both = _convolved(first.to(torch.float64), second.to(first.device, torch.float64))
    return (both / both.sum()).to(torch.float32)


def _convolved(first: Tensor, second: Tensor) -> Tensor:
    """Full convolution of two arrays that are not negative; every side is the sum of theirs less one."""
    size = (first.shape[0] + second.shape[0] - 1, first.shape[1] + second.shape[1] - 1)
    result = torch.fft.irfft2(torch.fft.rfft2(first, s=size) * torch.fft.rfft2(second, s=size), s=size)
    return torch.where(result > 1e-12 * result.max(), result, 0)


def _uniform(generator: torch.Generator, low: Number, high: Number) -> float:
    drawn = torch.rand((), generator=generator, dtype=torch.float64, device=generator.device)
    return low + (high - low) * float(drawn)


def _log_uniform(generator: torch.Generator, low: Number, high: Number) -> float:
    return math.exp(_uniform(generator, math.log(low), math.log(high)))
