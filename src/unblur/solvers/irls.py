"""Sparse derivatives by iteratively reweighted least squares: what ``sparse`` and ``outlier-em`` share.

The penalty of a derivative t is ``φ(t) = (t² + ε²)^(p/2)``, close to ``|t|^p`` beyond ε. It lies under the parabola
``p/2 (t₀² + ε²)^(p/2 - 1) t²`` plus a constant, for any t₀, and touches it at t₀. A picture that lowers the sum of the
data term and of these parabolas therefore lowers the true objective, whichever number of conjugate gradient steps
found it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.differences import derivatives, derivatives_adjoint
from unblur.errors import ConfigError
from unblur.fourier import Blur, gradient_power
from unblur.tensors import Image

Operator = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class SparsePrior:
    """``strength · (φ(dx) + φ(dy) + second_order · (φ(dxx) + φ(dyy) + φ(dxy)))``, summed over the pixels of a plane."""

    strength: float
    """The factor of the whole, above 0; larger is smoother."""
    exponent: float = 0.8
    """The p of φ, above 0 and at most 2; smaller keeps edges harder and flattens texture, 2 is quadratic."""
    second_order: float = 0.25
    """Share of the second derivatives; larger prefers ramps to steps."""
    threshold: float = 0.01
    """The ε of φ on the [0, 1] scale, above 0: smaller derivatives are treated as noise."""

    def __post_init__(self) -> None:
        """Refuse what makes the objective unbounded or the parabolas wrong."""
        if not self.strength > 0:
            raise ConfigError(f"the strength of the prior is {self.strength}, expected a number above 0")
        if not 0 < self.exponent <= 2:
            raise ConfigError(f"exponent is {self.exponent}, expected a number above 0, at most 2; 0.8 for photographs")
        if not self.second_order >= 0:
            raise ConfigError(f"second_order is {self.second_order}, expected 0 or more, 0.25 for instance")
        if not self.threshold > 0:
            raise ConfigError(f"threshold is {self.threshold}, expected a number above 0, 0.01 for instance")

    def penalty(self, image: Image) -> Float[Tensor, "b c"]:
        """The prior's value for each plane."""
        total = image.new_zeros(image.shape[:2])
        for share, derivative in zip(self._shares(), derivatives(image), strict=True):
            smoothed = (derivative.square() + self.threshold**2) ** (self.exponent / 2)
            total = total + share * smoothed.sum(dim=(-2, -1))
        return total

    def curvatures(self, image: Image) -> list[Image]:
        """The factor of t² in the parabola over each derivative of ``image``, in the order of :func:`derivatives`."""
        power = self.exponent / 2 - 1
        return [
            share * self.exponent / 2 * (derivative.square() + self.threshold**2) ** power
            for share, derivative in zip(self._shares(), derivatives(image), strict=True)
        ]

    def _shares(self) -> tuple[float, ...]:
        first, second = self.strength, self.strength * self.second_order
        return first, first, second, second, second


def reweighted(
    image: Image, blurred: Image, *, blur: Blur, weight: Float[Tensor, "#b #c h w"], prior: SparsePrior, steps: int
) -> Image:
    """One round of reweighting: lower ``Σ weight (k ⊗ x - y)² + prior(x)`` from where ``image`` is.

    Args:
        image: the present estimate, ``(B, C, H, W)``; also fixes the parabolas.
        blurred: the y of the formula.
        blur: the convolution with k.
        weight: trust in each blurred pixel, not negative, ``(B|1, C|1, H, W)``.
        prior: the penalty on derivatives.
        steps: conjugate gradient steps; more is nearer to the minimum of this round.

    Returns:
        A picture whose objective is not above that of ``image``, but for rounding.
    """
    curvatures = prior.curvatures(image)
    even = 1 / _even_spectrum(blur, weight, curvatures)

    def normal(x: Tensor) -> Tensor:
        bent = [curvature * t for curvature, t in zip(curvatures, derivatives(x), strict=True)]
        return blur.adjoint(weight * blur(x)) + derivatives_adjoint(*bent)

    def precondition(x: Tensor) -> Tensor:
        return blur.filter(x, even)

    target = blur.adjoint(weight * blurred)
    return conjugate_gradients(normal, target, start=image, steps=steps, precondition=precondition)


def conjugate_gradients(
    normal: Operator, target: Tensor, *, start: Tensor, steps: int, precondition: Operator
) -> Tensor:
    """Approach the solution of ``normal(x) = target`` for every plane by itself, from ``start``.

    The number of steps is fixed, so that a plane's answer does not depend on its neighbours in the batch. A direction
    without curvature, which rounding makes of a solved plane, is followed only as far as rounding can be trusted.

    Args:
        normal: a symmetric operator without negative eigenvalues on ``(B, C, H, W)``.
        target: the right-hand side.
        start: the first guess.
        steps: 1 or more; more is nearer to the solution.
        precondition: a symmetric positive operator; the nearer to the inverse of ``normal``, the fewer steps.
    """
    limits = torch.finfo(target.dtype)
    x = start
    residual = target - normal(x)
    direction = precondition(residual)
    size = _dot(residual, direction)
    for _ in range(steps):
        pushed = normal(direction)
        curvature = torch.maximum(_dot(direction, pushed), limits.eps * _dot(direction, direction))
        length = size / curvature.clamp_min(limits.tiny)
        x = x + length * direction
        residual = residual - length * pushed
        eased = precondition(residual)
        previous, size = size, _dot(residual, eased)
        direction = eased + size / previous.clamp_min(limits.tiny) * direction
    return x


def _even_spectrum(blur: Blur, weight: Tensor, curvatures: list[Tensor]) -> Tensor:
    """Eigenvalues that the normal operator would have if weight and curvatures were the same everywhere."""
    trust, dx, dy, dxx, dyy, dxy = (field.mean(dim=(-2, -1), keepdim=True) for field in (weight, *curvatures))
    power = gradient_power(blur.size, dx)
    spectrum = trust * blur.otf.abs().square() + (dx + dy) / 2 * power + (dxx + dyy + dxy) / 3 * power.square()
    return spectrum + 1e-6  # keeps frequencies finite that neither term sees


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner product of each plane, ``(B, C, 1, 1)``."""
    return (a * b).sum(dim=(-2, -1), keepdim=True)
