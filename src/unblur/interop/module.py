"""Deconvolution as a layer of PyTorch: gradients reach the photograph, the PSF and the weights of the network."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812 - the name that every PyTorch reader expects
from torch import Tensor, nn

from unblur.deconvolvers import Deconvolver
from unblur.errors import ConfigError, PsfError
from unblur.methods import METHODS
from unblur.networks.light import FLOOR, TYPICAL
from unblur.precision import autocast
from unblur.psf.accept import accept_psf
from unblur.tensors import Image, Weight
from unblur.universal import UniversalSettings, network_of, universal_weights


class Deblur(nn.Module):
    """Any method, as a module.

    The network of ``universal`` is a submodule: ``state_dict``, ``to`` and optimisers see it. It begins frozen;
    ``requires_grad_(True)`` lets it learn. While gradients are wanted the whole picture is held, in every step of the
    network; without them it takes as little memory as :func:`unblur.restore`. Networks that know one PSF stay frozen.

    Args:
        method: a name from ``METHODS``. Those whose ``Method.differentiable`` is set give gradients by the photograph,
            ``wiener`` and ``universal`` by the PSF as well.
        settings: the method's own, by name.

    Raises:
        ConfigError: unknown method or setting.
        WeightsError: the weights are missing or damaged.
    """

    def __init__(self, method: str = "universal", *, settings: Mapping[str, object] | None = None) -> None:
        super().__init__()
        if method not in METHODS:
            raise ConfigError(f"the method is {method!r}, expected one of {', '.join(METHODS)}")
        self.method = METHODS[method]
        self.settings = self.method.configured(settings)
        self.network = (
            network_of(universal_weights(method, self.settings))
            if isinstance(self.settings, UniversalSettings)
            else None
        )
        self._ready: dict[torch.device, Deconvolver] = {}

    def forward(
        self, blurred: Image, psf: Tensor, weight: Weight | None = None, *, noise: Tensor | None = None
    ) -> Image:
        """Restore photographs, borders included.

        Args:
            blurred: ``(B, C, H, W)``, C = 1 or 3, 1 = white, in the light of the blur: nothing is decoded here.
            psf: ``(kh, kw)``, or one for each photograph ``(B, kh, kw)``. One that requires gradients must have odd
                sides and the sum 1 already; any other is checked and divided by its sum.
            weight: ``(B|1, C|1, H, W)``, 1 = trust, 0 = ignore.
            noise: standard deviation of white noise on the scale 1 = white, one number or ``(B,)``; larger is calmer.
                None lets ``universal`` measure it. The other methods have settings in its place and leave it unread.

        Returns:
            The same shape and number type, not clipped: lights may be above 1.

        Raises:
            PsfError: not a PSF, not as many as there are photographs, or one that the method does not know.
            ConfigError: gradients are wanted of a method that has none.
        """
        learning = torch.is_grad_enabled() and (blurred.requires_grad or psf.requires_grad)
        if learning and not self.method.differentiable:
            able = ", ".join(name for name, one in METHODS.items() if one.differentiable)
            raise ConfigError(f"{self.method.name} gives no gradients, expected one of {able}, or torch.no_grad()")
        if psf.requires_grad and learning and self.network is None and self.method.name != "wiener":
            # The derivative of separable's singular vectors is NaN, and the networks for one PSF do not look at it.
            raise ConfigError(f"{self.method.name} gives no gradients by the PSF, expected wiener or universal")
        psfs = _accepted(psf, len(blurred)).to(blurred.device)
        if self.network is None:
            return self._each(blurred, psfs, weight)
        like = next(self.network.parameters())
        with autocast(like.device, like.dtype):
            restored: Tensor = self.network(
                blurred.to(like),
                psfs.to(like),
                weight=None if weight is None else weight.to(like),
                noise=None if noise is None else levels_of(noise, len(blurred)).to(like),
                strength=self.settings.strength,
                views=self.settings.views,
            )
        return restored.to(blurred)

    def _each(self, blurred: Tensor, psfs: Tensor, weight: Tensor | None) -> Tensor:
        """Of methods that take one PSF at a time."""
        if blurred.device not in self._ready:
            self._ready[blurred.device] = self.method.build(blurred.device, self.settings)
        deconvolve = self._ready[blurred.device]
        if psfs.ndim == 2:
            return deconvolve(blurred, psfs.to(blurred), weight=weight)
        trusts: list[Tensor | None] = [None] * len(blurred)
        if weight is not None:
            trusts = list(weight.expand(len(blurred), -1, -1, -1).split(1))
        parts = zip(blurred.split(1), psfs.to(blurred), trusts, strict=True)
        return torch.cat([deconvolve(one, its, weight=trust) for one, its, trust in parts])


def levels_of(noise: Tensor, count: int) -> Tensor:
    """White noise of a known σ, no JPEG, as the ``(B, 3)`` levels of :func:`unblur.networks.light.noise_levels`."""
    return F.pad(((noise.reshape(-1, 1) + FLOOR) / TYPICAL).log().expand(count, 2), (0, 1))


def _accepted(psf: Tensor, count: int) -> Tensor:
    """PSFs checked and normalised, except those that are being learned: only their shape can be asked for."""
    if psf.ndim not in (2, 3) or (psf.ndim == 3 and len(psf) != count):
        shape = tuple(psf.shape)
        raise PsfError(f"the PSF has the shape {shape}, expected (kh, kw) or ({count}, kh, kw) for {count} pictures")
    if psf.requires_grad:
        if psf.shape[-2] % 2 == 0 or psf.shape[-1] % 2 == 0:
            raise PsfError(f"the PSF has the sides {tuple(psf.shape[-2:])}, expected odd ones; append zeros")
        return psf
    return accept_psf(psf) if psf.ndim == 2 else torch.stack([accept_psf(one) for one in psf])
